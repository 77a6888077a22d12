"""What each property says, and whether it holds."""

from __future__ import annotations

import inspect

from rich.text import Text
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from proofs.fuzz.known import WITHOUT_LIMBO
from proofs.script.session import NO_CRASH
from reference.properties import STATE_PROPERTIES

from .drawing import PROPERTIES, light
from .lane import LaneView

_OTHERS = {
    WITHOUT_LIMBO: "Pages held and claimed stay within max_pages; pages in limbo are not counted.",
    NO_CRASH: "The hypervisor does not stop.",
}


class LightsScreen(ModalScreen[str]):
    """The properties; gives the name of the one to search a break of."""

    BINDINGS = [("escape", "dismiss('')", "Close")]
    DEFAULT_CSS = """
    LightsScreen OptionList { border: solid $primary; padding: 0; background: $surface; height: 100%; }
    """

    def __init__(self, views: list[LaneView]) -> None:
        super().__init__()
        self._views = views

    def compose(self) -> ComposeResult:
        """Lay it out."""
        listed = OptionList(*(Option(self._described(name), id=name) for name in PROPERTIES))
        listed.border_title = "properties: Enter finds a break of this one, Esc closes"
        yield listed

    def _described(self, name: str) -> Text:
        text = Text()
        for view in self._views:
            text.append(*light(view, name))
        text.append(f" {name}", "bold").append(f"  {sentence_of(name)}", "dim")
        for view in self._views:
            if name in view.broken:
                generation = f"{view.generation}: " if len(self._views) > 1 else ""
                text.append(f"\n  {generation}{view.broken[name]}", "red")
        return text

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Search a break of it."""
        event.stop()
        self.dismiss(event.option.id or "")


def sentence_of(name: str) -> str:
    """What the property says."""
    if name in _OTHERS:
        return _OTHERS[name]
    return (inspect.getdoc(STATE_PROPERTIES[name]) or "").partition("\n\n")[0].replace("\n", " ")
