"""The help: every key, and the operations of the script language."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from .keys import KEYS

_LANGUAGE = """\
Each line is one operation. Sizes are pages, or 16GiB.
  host 4 4                    the pages of each node
  generation claim-sets       before host
  d1 create max=8
  d1 claim 3@0 1@host         3 pages on node 0, 1 on any node
  A: d1 populate 2 node=0     builder A: the first critical section
  A: continue                 the next one
  d1 claim 5@1 => ENOMEM      how it is to end
  expect breaks node-backed   what is not to hold here
Lights: ● holds, ✗ does not hold, ○ no host yet.
The language: docs/scripts.md. This screen: docs/explore.md."""


def key_lines() -> str:
    """Every key and what it does."""
    width = max(len(", ".join(entry.shown)) for entry in KEYS)
    return "\n".join(f"{', '.join(entry.shown):{width}}  {entry.does}" for entry in KEYS)


class HelpScreen(ModalScreen[None]):
    """Keys and language; any of its keys closes it."""

    BINDINGS = [("escape,f1,enter,q", "dismiss", "Close")]
    DEFAULT_CSS = """
    HelpScreen VerticalScroll { border: solid $primary; padding: 0 1; background: $surface; height: 100%; }
    """

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with VerticalScroll() as box:
            box.border_title = "help: Esc closes it"
            yield Static(f"{key_lines()}\n\n{_LANGUAGE}", markup=False)
