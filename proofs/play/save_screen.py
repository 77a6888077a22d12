"""The question where to save a walk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

_HOW = "The end of the name says what it is: .claims a script, .jsonl a trace, .txt a mail. Esc: do not save."


class SaveScreen(ModalScreen[str]):
    """Takes a file name, and saves; gives the name.

    :param save: writes the file; returns why it cannot, or nothing
    """

    BINDINGS = [("escape", "dismiss('')", "Do not save")]
    DEFAULT_CSS = """
    SaveScreen { align: center middle; }
    SaveScreen Vertical { width: 76; height: auto; border: solid $primary; padding: 0 1; background: $surface; }
    #file { border: none; height: 1; padding: 0; }
    """

    def __init__(self, name: str, save: Callable[[str], str]) -> None:
        super().__init__()
        self._name, self._save = name, save
        self._confirmed = ""

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical() as box:
            box.border_title = "save as"
            yield Input(self._name, id="file", select_on_focus=False)
            yield Static(_HOW, id="how", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Save, if the file does not exist or Enter is typed again."""
        event.stop()
        file = event.value.strip()
        how = self.query_one("#how", Static)
        if not file:
            return
        if Path(file).exists() and self._confirmed != file:
            self._confirmed = file
            how.update(f"{file} exists. Enter again replaces it.")
            return
        problem = self._save(file)
        if problem:
            how.update(problem)
        else:
            self.dismiss(file)
