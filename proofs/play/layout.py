"""How the screen is laid out, and the keys as Textual takes them."""

from textual.binding import Binding, BindingType

from .keys import KEYS

CSS = """
#title { height: 1; background: $primary-darken-2; color: $text; }
#hosts { height: auto; max-height: 40%; }
#hosts Horizontal { height: auto; }
#lights { height: auto; max-height: 7; border-top: solid $primary; }
#middle { height: 1fr; min-height: 3; }
#walk { width: 1fr; height: 1fr; border-top: solid $primary; }
#line { height: 1; border: none; padding: 0; }
#entry { height: 1; }
#prompt { width: 2; color: $accent; }
#message { height: auto; max-height: 3; color: $text-warning; }
"""
BINDINGS: list[BindingType] = [
    Binding(
        ",".join(entry.keys),
        entry.action,
        entry.label,
        show=bool(entry.label),
        key_display=entry.shown[0].replace("Ctrl-", "^"),
        priority=True,
    )
    for entry in KEYS
    if entry.action
]
