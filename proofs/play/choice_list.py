"""The operations that may come next, narrowed by what is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from .symbols import BROKEN

if TYPE_CHECKING:
    from .lookahead import Offer

_COLUMNS = 31
"""For an operation and its outcome."""


class ChoiceList(OptionList, can_focus=False):
    """Operations with their arguments, each with the outcome that it would have and the properties that it breaks."""

    DEFAULT_CSS = """
    ChoiceList { width: 36; height: 1fr; border: none; border-top: solid $primary; padding: 0; background: $surface; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._offers: list[Offer] = []
        self._listed: list[Offer] = []
        self._typed = ""

    def offer(self, offers: list[Offer]) -> None:
        """List these operations."""
        self._offers = offers
        self.narrow(self._typed)

    def narrow(self, typed: str) -> None:
        """List those that begin as what is typed."""
        self._typed = typed
        begun = " ".join(typed.split())
        self._listed = [offer for offer in self._offers if offer.text.startswith(begun)]
        self.clear_options()
        self.add_options([Option(_prompt(offer)) for offer in self._listed])
        self.highlighted = None
        shown = "" if len(self._listed) == len(self._offers) else f"{len(self._listed)} of "
        self.border_title = f"next: {shown}{len(self._offers)}"

    def choose(self, by: int) -> Offer | None:
        """Highlight the next operation, or the former one. None: before the first."""
        at = (-1 if self.highlighted is None else self.highlighted) + by
        if not self._listed or at < 0:
            self.highlighted = None
            return None
        self.highlighted = min(at, len(self._listed) - 1)
        return self._listed[self.highlighted]

    def text_at(self, index: int) -> str:
        """The operation at a line of the list."""
        return self._listed[index].text


def _prompt(offer: Offer) -> Text:
    """One line: whether it breaks something, the operation, and its outcome."""
    style = "green" if offer.word in ("OK", "OFFLINED", "ONLINED") else "yellow"
    room = _COLUMNS - len(offer.word)
    shown = offer.text if len(offer.text) <= room else f"{offer.text[: room - 1]}…"
    mark = Text(f"{BROKEN} " if offer.breaks else "  ", "bold red")
    return mark.append(shown, "" if not offer.breaks else "red").append(f" {offer.word}", style)
