"""`claimcheck explore`: the application. What is slow to import is imported after the first screen is shown."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from textual.app import App, ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Footer, Input, OptionList, Static
from textual.worker import get_current_worker

from .keys import KEYS
from .layout import BINDINGS, CSS

if TYPE_CHECKING:
    from .choice_list import ChoiceList
    from .lookahead import BreakSearch, Offer
    from .walk import Walk, WalkPlace

BAD_INPUT = 2
_LINE = "line"
_OPENING = "opening ..."
_STEPS = 16
"""Lines between two screens, when all lines are run."""
_CHOICES = "choices"
_SEARCH = "search"
_RUN = "run"
_BESIDE = 39
"""Columns next to the lines of the walk: the choices and a scroll bar."""


class WalkOrigin(NamedTuple):
    """Where a walk begins."""

    name: str
    """What messages call it."""
    content: bytes = b""
    """Of a script or a trace; empty: no line yet."""
    generations: Sequence[str | None] = (None,)
    number: int = 1
    """Which trace of the file."""


class ExploreApp(App[str]):
    """A host to play on; gives the script of a walk that was not saved."""

    ENABLE_COMMAND_PALETTE = False
    TITLE = "claimcheck explore"
    CSS = CSS
    BINDINGS = BINDINGS

    def __init__(self, origin: WalkOrigin) -> None:
        super().__init__()
        self.origin = origin
        self.walk: Walk | None = None
        self.problem = ""
        """Why the walk could not be opened."""
        self._filled = ""
        """The choice that was taken into the line."""
        self._typed = ""
        self._stop = threading.Event()
        self._is_searching = False
        self._saved: WalkPlace | None = None

    def compose(self) -> ComposeResult:
        """Lay it out."""
        from .choice_list import ChoiceList

        yield Static(self.TITLE, id="title", markup=False)
        with VerticalScroll(id="hosts", can_focus=False):
            yield Horizontal(id="lanes")
        yield Static("", id="lights", markup=False)
        with Horizontal(id="middle"):
            with VerticalScroll(id="walk", can_focus=False):
                yield Static(_OPENING, id="lines", markup=False)
            yield ChoiceList()
        with Horizontal(id="entry"):
            yield Static("> ", id="prompt", markup=False)
            yield Input(id=_LINE, select_on_focus=False)
        yield Static("", id="message", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Name the parts."""
        self.query_one("#walk").border_title = "walk"
        self.query_one(f"#{_LINE}", Input).focus()

    def on_ready(self) -> None:
        """Open the walk when the first screen is there."""
        self.call_after_refresh(lambda: self.run_worker(self._open, thread=True))

    def on_unmount(self) -> None:
        """However it ends, nothing is searched any more."""
        self._stop.set()

    # -- opening

    def _open(self) -> None:
        from proofs.script.syntax import ScriptError
        from proofs.traces import TraceError

        from . import drawing, host_pane, lookahead, saving  # noqa: F401  # slow to import: not in the first keystroke
        from .opening import opened

        try:
            walk = opened(*self.origin)
        except (ScriptError, TraceError) as error:
            self.problem = str(error)
            self.call_from_thread(self.exit, None, BAD_INPUT)
        else:
            self.call_from_thread(self._begin, walk)

    def _begin(self, walk: Walk) -> None:
        from .host_pane import HostPane

        self.walk = walk
        self.query_one("#lanes", Horizontal).mount_all(HostPane(markup=False) for _ in walk.lanes)
        if walk.root.next:
            self.say("Ctrl-N runs the next line, Ctrl-R all of them.")
        else:
            self.say("Type a line, such as: host 4 4. Down chooses one. F1 lists the keys.")
        self.show()

    # -- showing

    def say(self, text: str) -> None:
        """Show a sentence below the line."""
        self.query_one("#message", Static).update(text)

    @property
    def choices(self) -> ChoiceList:
        """The operations that may come next."""
        from .choice_list import ChoiceList

        return self.query_one(ChoiceList)

    def show(self, *, with_choices: bool = True) -> None:
        """Show where the walk stands."""
        walk = self.walk
        if walk is None:
            return
        from .drawing import light_lines, walk_lines
        from .host_pane import HostPane

        views, columns = walk.views, self.size.width
        for pane, view in zip(self.query(HostPane), views, strict=True):
            pane.show(view, columns // len(views) - 1, named=len(views) > 1)
        self.query_one("#lights", Static).update(light_lines(views, columns))
        self.query_one("#lines", Static).update(walk_lines(walk, columns - _BESIDE))
        self.query_one("#title", Static).update(self._title(walk))
        self.query_one("#walk", VerticalScroll).scroll_end(animate=False)
        if with_choices:
            self.run_worker(self._list_choices, thread=True, group=_CHOICES, exclusive=True)

    def _title(self, walk: Walk) -> str:
        done, ahead = len(walk.here.path()), sum(1 for _ in walk.ahead())
        names = " | ".join(view.generation for view in walk.views)
        branches = len(walk.here.next)
        fork = f"  branch {walk.here.chosen + 1} of {branches}" if branches > 1 else ""
        return f"{self.TITLE}  line {done} of {done + ahead}  {names}{fork}  {Path(walk.path).name}"

    def on_resize(self) -> None:
        """Bars are as wide as there is room."""
        self.show()

    def _list_choices(self) -> None:
        from .lookahead import offers_at

        walk = self.walk
        assert walk is not None
        place = walk.here
        if get_current_worker().is_cancelled:
            return
        offers = offers_at(place)
        self.call_from_thread(self._offer, place, offers)

    def _offer(self, place: WalkPlace, offers: list[Offer]) -> None:
        if self.walk is not None and self.walk.here is place:
            self.choices.offer(offers)

    # -- the line

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the choices to what is typed."""
        if event.input.id == _LINE and event.value != self._filled:
            self._filled, self._typed = "", event.value
            self.choices.narrow(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Run the line."""
        if event.input.id != _LINE:
            return
        if not event.value.strip():
            self.action_step()
            return
        self.run_line(event.value)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Run the choice that was clicked."""
        self.run_line(self.choices.text_at(event.option_index))

    def run_line(self, text: str) -> None:
        """Run a typed line; if that is impossible, it stays to be corrected."""
        walk = self.walk
        if walk is None:
            self.say(_OPENING)
            return
        line = self.query_one(f"#{_LINE}", Input)
        if self._move(lambda: walk.type(text)):
            self._typed = ""
            self._fill("")
            self.choices.narrow("")
        elif line.value != text:
            self._fill(text)

    def _move(self, move: Callable[[], bool], otherwise: str = "", *, is_shown: bool = True) -> bool:
        from proofs.script.syntax import ScriptError

        try:
            moved = move()
        except ScriptError as error:
            place = f"column {error.column}: " if error.column else ""
            self.say(f"{place}{error.reason}")
            if error.column:
                self.query_one(f"#{_LINE}", Input).cursor_position = error.column - 1
            return False
        self.say("" if moved else otherwise)
        if moved and is_shown:
            self.show()
        return moved

    def _fill(self, text: str) -> None:
        line = self.query_one(f"#{_LINE}", Input)
        self._filled = text
        line.value = text
        line.cursor_position = len(text)

    # -- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002  # Textual's
        """In a window of its own only leaving is possible."""
        is_own = any(entry.action.partition("(")[0] == action for entry in KEYS)
        return action == "leave" or not is_own or len(self.screen_stack) < 2

    def action_choose(self, by: int) -> None:
        """Take the next choice into the line."""
        offer = self.choices.choose(by)
        self._fill(self._typed if offer is None else offer.text)
        breaks = "" if offer is None else ", ".join(offer.breaks)
        self.say(f"would break {breaks}" if breaks else "")

    def action_step(self) -> None:
        """Run the next line."""
        if self.walk is not None:
            self._move(self.walk.step, "No line follows: type one.")

    def action_undo(self) -> None:
        """Return to the line before."""
        if self.walk is not None:
            self._move(self.walk.undo, "This is the beginning.")

    def action_turn(self) -> None:
        """Return to the last fork, and choose its next branch."""
        if self.walk is not None:
            self._move(self.walk.turn, "There is no fork: undo, and type another line.")

    def action_run_on(self) -> None:
        """Run all lines that follow."""
        if self.walk is not None:
            self.run_worker(self._run_on(self.walk), group=_RUN, exclusive=True)

    async def _run_on(self, walk: Walk) -> None:
        steps = 0
        try:
            while self._move(walk.step, is_shown=False):
                steps += 1
                if steps % _STEPS == 0:
                    self.show(with_choices=False)
                await asyncio.sleep(0)
        finally:
            if steps:
                self.show()

    def action_find(self, wanted: str = "") -> None:
        """Search for a break from here, in the first generation."""
        from .lookahead import start_at

        walk = self.walk
        start = None if walk is None else start_at(walk.here)
        if walk is None or start is None:
            self.say("There is no host to search on.")
        elif self._is_searching:
            self.say("A search is running: Esc stops it.")
        elif wanted in start.broken:
            self.say(f"{wanted} does not hold here already.")
        else:
            self._stop.clear()
            self._is_searching = True
            self.say(f"searching {wanted or 'any property that holds here'} ... Esc stops")
            self.run_worker(partial(self._find, walk.here, wanted), thread=True, group=_SEARCH)

    def _find(self, place: WalkPlace, wanted: str) -> None:
        from .lookahead import Lookahead, start_at

        start = start_at(place)
        assert start is not None  # it was there
        found = None
        for found in Lookahead(start, wanted).find(self._stop):
            self.call_from_thread(self.say, f"searched {found.events} events on, {found.tried:,} tried ... Esc stops")
        self.call_from_thread(self._end_search, place, found)

    def _end_search(self, place: WalkPlace, found: BreakSearch | None) -> None:
        from .lookahead import report
        from .walk import WalkLine

        self._is_searching = False
        walk = self.walk
        assert walk is not None
        if found is not None and found.lines:
            walk.load([WalkLine(line, is_new=True) for line in found.lines], place)
            self.show()
        self.say(report(found, place))

    def action_lights(self) -> None:
        """What each property says."""
        from .lights_screen import LightsScreen

        def search(name: str | None) -> None:
            if name:
                self.action_find(name)

        if self.walk is not None:
            self.push_screen(LightsScreen(self.walk.views), search)

    def action_save(self) -> None:
        """Save the walk."""
        from .save_screen import SaveScreen
        from .saving import UnsavableWalkError, save

        walk = self.walk
        if walk is None:
            return

        against = ""

        def write(file: str) -> str:
            nonlocal against
            try:
                against = save(walk, file)
            except UnsavableWalkError as error:
                return str(error)
            self._saved = walk.here
            return ""

        def ended(file: str | None) -> None:
            but = f"; `claimcheck run` ends with 1: {against}" if against else ""
            self.say(f"saved: {file}{but}" if file else "not saved")

        self.push_screen(SaveScreen("walk.claims", write), ended)

    def action_stop(self) -> None:
        """Stop what runs, or else empty the line."""
        self._stop.set()
        self.workers.cancel_group(self, _RUN)
        self.say("")
        self._typed = ""
        self._fill("")
        self.choices.narrow("")

    def action_scroll(self, by: int) -> None:
        """Scroll the lines of the walk by a page."""
        box = self.query_one("#walk", VerticalScroll)
        box.scroll_relative(y=by * box.size.height, animate=False)

    def action_help(self) -> None:
        """List the keys."""
        from .help_screen import HelpScreen

        self.push_screen(HelpScreen())

    def action_leave(self) -> None:
        """Leave; the script of a walk with new lines that was not saved is the result."""
        self._stop.set()
        walk = self.walk
        script = ""
        if walk is not None and walk.here is not self._saved and any(p.line.is_new for p in walk.here.path()):
            from .saving import script as script_of

            script = script_of(walk)
        self.exit(script)
