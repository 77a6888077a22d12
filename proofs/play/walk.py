"""A walk: the lines that were run on a host, as a tree. Where another line is typed after an undo, it forks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from proofs.operations import Event
from proofs.script.syntax import ScriptError, statement
from proofs.traces.events import HostShape

from .lane import Lane, LaneView


class WalkLine(Struct):
    """A line to run."""

    text: str
    event: Event | None = None
    """The event of a trace, which is run in place of the text."""
    shape: HostShape | None = None
    """The host of a trace, which is booted in place of the text."""
    comments: list[str] = []
    """The lines before it that are blank or comments."""
    is_new: bool = False
    """It is from no file: it was typed, or found by a search."""


class WalkPlace:
    """A place of a walk: after a line."""

    __slots__ = ("chosen", "former", "line", "next", "views")

    def __init__(self, line: WalkLine, former: WalkPlace | None) -> None:
        self.line, self.former = line, former
        self.views: list[LaneView] | None = None
        """For each generation. None: the line is not run yet."""
        self.next: list[WalkPlace] = []
        self.chosen = 0
        """Which of the next places a step leads to."""

    def path(self) -> list[WalkPlace]:
        """The places from the first line to this one."""
        places: list[WalkPlace] = []
        place = self
        while place.former is not None:
            places.append(place)
            place = place.former
        return places[::-1]

    def after(self, line: WalkLine) -> WalkPlace:
        """The next place with this text, a new one if there is none; a step leads to it."""
        for index, place in enumerate(self.next):
            if place.line.text == line.text and (line.event is None or place.line.event is line.event):
                self.chosen = index
                return place
        self.next.append(WalkPlace(line, self))
        self.chosen = len(self.next) - 1
        return self.next[-1]


class Walk:
    """The tree of lines, and the place where it stands.

    :param path: what messages call its source
    :param generations: the generations to run it in, one or two; None: the one that the script names
    """

    def __init__(self, path: str, generations: Sequence[str | None] = (None,)) -> None:
        self.path = path
        self.lanes = [Lane(path, name) for name in generations]
        self.root = WalkPlace(WalkLine(""), None)
        self.root.views = [lane.first_view() for lane in self.lanes]
        self.here = self.root
        self._sessions_at: WalkPlace | None = self.root
        """None: nowhere in particular."""

    @property
    def views(self) -> list[LaneView]:
        """The state here, for each generation."""
        assert self.here.views is not None  # it was run
        return self.here.views

    def load(self, lines: Iterable[WalkLine], place: WalkPlace | None = None) -> None:
        """Lines to step through from a place, or from here."""
        place = place or self.here
        for line in lines:
            place = place.after(line)

    def ahead(self) -> Iterator[WalkPlace]:
        """The places that steps lead to."""
        place = self.here
        while place.next:
            place = place.next[place.chosen]
            yield place

    def type(self, text: str) -> bool:
        """Run a line after this place; false: it is blank or a comment.

        :raises ScriptError: it is no statement, or cannot be run here; nothing changes
        """
        if statement(self.path, len(self.here.path()) + 1, text) is None:
            return False
        text = text.strip()
        known = next((place for place in self.here.next if place.line.text == text), None)
        self._go(known or WalkPlace(WalkLine(text, is_new=True), self.here))
        return True

    def step(self) -> bool:
        """Run the next line; false: there is none.

        :raises ScriptError: it cannot be run; nothing changes
        """
        place = next(self.ahead(), None)
        if place is None:
            return False
        self._go(place)
        return True

    def undo(self) -> bool:
        """Return to the former place; false: this is the first."""
        if self.here.former is None:
            return False
        self.here = self.here.former
        return True

    def turn(self) -> bool:
        """Return to the last fork, and choose its next branch; false: there is no fork."""
        place: WalkPlace | None = self.here
        while place is not None and len(place.next) < 2:
            place = place.former
        if place is None:
            return False
        place.chosen = (place.chosen + 1) % len(place.next)
        self.here = place
        return True

    def _go(self, place: WalkPlace) -> None:
        former = place.former
        assert former is not None  # only the root has none
        if place.views is None:
            place.views = self._run(place, former)
        if place not in former.next:
            former.next.append(place)
        former.chosen = former.next.index(place)
        self.here = place

    def _run(self, place: WalkPlace, former: WalkPlace) -> list[LaneView]:
        path = place.path()
        if self._sessions_at is not former:
            self._again(path[:-1])
        self._sessions_at = None
        views = self._do(place.line, len(path))
        self._sessions_at = place
        return views

    def _again(self, path: list[WalkPlace]) -> None:
        """Run the lines up to a place again."""
        for lane in self.lanes:
            lane.begin()
        for number, place in enumerate(path, 1):
            self._do(place.line, number)

    def _do(self, line: WalkLine, number: int) -> list[LaneView]:
        """Run a line in every generation. The first must be able to run it."""
        is_said = line.event is None and line.shape is None
        said = statement(self.path, number, line.text) if is_said else None
        views = [self.lanes[0].do(said, line.event, line.shape)]
        for lane in self.lanes[1:]:
            try:
                views.append(lane.do(said, line.event, line.shape))
            except ScriptError as error:
                views.append(lane.unable(error.reason))
        return views
