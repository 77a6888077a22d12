"""Every key of `claimcheck explore`: the bindings, the help screen and the document are made of this list."""

from typing import NamedTuple


class KeyEntry(NamedTuple):
    """A key, or two for one action."""

    keys: tuple[str, ...]
    """As Textual calls them."""
    shown: tuple[str, ...]
    """As a reader types them."""
    action: str
    """Of the application; empty: the input line has it by itself."""
    label: str
    """In the footer; empty: it is listed on the help screen only."""
    does: str


KEYS = (
    KeyEntry(("enter",), ("Enter",), "", "", "run the line that is typed; if it is empty, as Ctrl-N"),
    KeyEntry(("down",), ("Down",), "choose(1)", "", "take the next of the operations that are listed into the line"),
    KeyEntry(("up",), ("Up",), "choose(-1)", "", "take the one before it"),
    KeyEntry(("ctrl+n", "f2"), ("Ctrl-N", "F2"), "step", "Step", "run the next line of the script, trace or break"),
    KeyEntry(("ctrl+z", "f3"), ("Ctrl-Z", "F3"), "undo", "Undo", "return to the line before; the line stays a branch"),
    KeyEntry(("ctrl+r", "f4"), ("Ctrl-R", "F4"), "run_on", "To end", "run all lines that follow"),
    KeyEntry(("ctrl+t", "f5"), ("Ctrl-T", "F5"), "turn", "Turn", "return to the last fork, and show its next branch"),
    KeyEntry(("ctrl+f", "f6"), ("Ctrl-F", "F6"), "find", "Find", "find a break from here: any property that holds now"),
    KeyEntry(
        ("ctrl+l", "f7"),
        ("Ctrl-L", "F7"),
        "lights",
        "Lights",
        "what each property says; Enter finds a break of it",
    ),
    KeyEntry(("ctrl+s", "f8"), ("Ctrl-S", "F8"), "save", "Save", "save the walk as a script, a trace or a mail"),
    KeyEntry(("escape",), ("Esc",), "stop", "", "stop what runs; close a window; empty the line"),
    KeyEntry(("pageup",), ("PgUp",), "scroll(-1)", "", "earlier lines of the walk"),
    KeyEntry(("pagedown",), ("PgDn",), "scroll(1)", "", "later lines of the walk"),
    KeyEntry(("f1",), ("F1",), "help", "Help", "list the keys and the language"),
    KeyEntry(
        ("ctrl+q", "f10", "ctrl+c"), ("Ctrl-Q", "F10", "Ctrl-C"), "leave", "Quit", "leave; a walk not saved is printed"
    ),
)
