"""From a place of a walk on: what may come next and what it would do, and the shortest way to a break.

Both go breadth first over the reference alone, without the model.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import replace

from proofs.explore.explorer import Explorer, Moment
from proofs.explore.next_events import next_events
from proofs.explore.running import RunningHost, State, event_of, killing
from proofs.operations import Choice, Continue, Event, EventFields, Outcome
from proofs.replay.runner import ObservedBlock, Runner, boot_shape
from proofs.script.answers import CRASH, summary
from proofs.script.session import NO_CRASH
from proofs.script.syntax import OperationStatement, ScriptError, statement
from proofs.script.words import Reader, line_of
from proofs.traces.events import Header, HostShape
from reference.generations import GENERATIONS
from reference.properties import check_state
from reference.state import Domain, all_locks
from reference.status import HypervisorCrash

from .sensible import first_lines, sensible_lines
from .walk import WalkPlace

TINY = 4
"""A host of so many pages at most: every small event is tried on it."""
MOST_EVENTS = 8
MOST_TRIED = 60_000
"""Where a search ends: events in a row, and events in all."""
_ORDER = 1
"""Of the largest block that small events request."""


class StartPoint(NamedTuple):
    """A place of a walk in one generation: how it is reached."""

    header: Header
    events: list[Event]
    """After boot, with their outcomes."""
    broken: frozenset[str]
    """The properties that do not hold there."""

    @property
    def is_tiny(self) -> bool:
        """Whether every small event is tried."""
        return sum(self.header.host.nodes) <= TINY


class Offer(Struct):
    """An operation that may come next."""

    text: str
    word: str = ""
    """Its outcome in one word."""
    breaks: list[str] = []
    """The properties that hold now and would not after it."""


class BreakSearch(Struct):
    """What a search for a break came to."""

    lines: list[str] = []
    """The way to it; empty: none was found."""
    violation: str = ""
    events: int = 0
    """Every way of so many events was tried."""
    tried: int = 0
    why_ended: str = ""
    """Empty: it found a break, or tried all."""


class StoppedSearchError(Exception):
    """The search was stopped, or has reached its limit."""


class HypotheticalHost(RunningHost):
    """A host on which events of a walk are done to see what they would do. A crash is an outcome."""

    def __init__(self, semantics: str, shape: HostShape) -> None:
        policy = ObservedBlock()
        self.host = boot_shape(shape, GENERATIONS[semantics], block_policy=policy)
        self.runner = Runner(self.host, policy)
        self.created = {}
        self._lives: dict[int, list[Domain]] = {}
        """By id: the domains that had it, one after the other."""

    def do(self, written: EventFields) -> Outcome:
        """One event; gives the outcome, if the operation ends with it."""
        former = self.created
        try:
            outcome = super().do(written)
        except HypervisorCrash as crash:
            return {CRASH: str(crash)}
        if written["op"] == "create_domain":
            self._keep(written["domid"], former)
        return outcome

    def _keep(self, domid: int, former: Mapping[int, Domain]) -> None:
        """A domain that is created again after the state before was put back is the same object, for states name it."""
        lives = self._lives.setdefault(domid, [])
        life = lives.index(former[domid]) + 1 if domid in former else 0
        new = self.host.domains[domid]
        if life == len(lives):
            lives.append(new)
            return
        for field in fields(Domain):
            setattr(lives[life], field.name, getattr(new, field.name))
        self.host.domains[domid] = lives[life]
        self.created = self.created | {domid: lives[life]}

    def broken(self) -> dict[str, str]:
        """The properties that do not hold, each with its first violation."""
        found: dict[str, str] = {}
        with all_locks(self.host):
            violations = check_state(self.host)
        for violation in violations:
            if violation.property != "dead-hold-nothing" or not self.killing:
                found.setdefault(violation.property, str(violation))
        return found


class BuilderNames:
    """The names of builders: those of the walk, and those by which small events call them."""

    def __init__(self, events: list[Event]) -> None:
        names = dict.fromkeys(str(event.builder) for event in events if event.builder is not UNSET)
        self._small = {name: f"builder-{number}" for number, name in enumerate(names, 1)}
        self._own = {small: name for name, small in self._small.items()}

    def small(self, event: Event) -> Event:
        """The event with the name that small events use."""
        return event if event.builder is UNSET else replace(event, builder=self._small[str(event.builder)])

    def own(self, event: Event) -> Event:
        """The event with the name of the walk; a new builder gets the next letter."""
        if event.builder is UNSET:
            return event
        small = str(event.builder)
        if small not in self._own:
            letters = (chr(letter) for letter in range(ord("A"), ord("Z") + 1))
            self._own[small] = next((name for name in letters if name not in self._own.values()), small)
        return replace(event, builder=self._own[small])


class Lookahead:
    """What can happen from a place on.

    :param wanted: the property to break; empty: any that holds there
    """

    def __init__(self, start: StartPoint, wanted: str = "") -> None:
        self.start, self.wanted = start, wanted
        self.semantics, self.shape = start.header.semantics, start.header.host
        self.names = BuilderNames(start.events)
        self.host = HypotheticalHost(self.semantics, self.shape)
        self._path = tuple(_choice(self.names.small(event)) for event in start.events)

    def offers(self) -> list[Offer]:
        """The operations that may come next, each with what it does."""
        found: list[Offer] = []

        def note(moment: Moment[State, Outcome]) -> None:
            if moment.outcome is not None:
                found.append(self._offer(moment.event, moment.outcome, moment.before.state))

        explorer: Explorer[State, Outcome, None]
        explorer = Explorer(self.host, [self._path], self._choices, note, State.key)
        explorer.deepen()
        explorer.deepen(last=True)
        return found

    def find(self, stop: threading.Event, most_tried: int = MOST_TRIED) -> Iterator[BreakSearch]:
        """Search for a break: what is known after each number of events; the last says how it ended."""
        found = BreakSearch()

        explorer: Explorer[State, Outcome, str]

        def choices() -> Iterator[EventFields]:
            if stop.is_set():
                raise StoppedSearchError("stopped")
            if explorer.tried >= most_tried:
                raise StoppedSearchError(f"{most_tried:,} events tried")
            return iter(self._choices())

        explorer = Explorer(self.host, [self._path], choices, self._break, State.key)
        explorer.deepen()
        while found.events < MOST_EVENTS and not found.why_ended:
            try:
                ended = explorer.deepen()
            except StoppedSearchError as why:
                found.why_ended = str(why)
            else:
                if ended is not None:
                    events, found.violation = ended
                    found.lines = [self._line(event_of(event)) for event in events[len(self._path) :]]
                found.events += 1
            found.tried = explorer.tried
            yield msgspec.structs.replace(found)
            if found.lines or not explorer.newest:
                return

    def _break(self, moment: Moment[State, Outcome]) -> str | None:
        crash = "" if moment.outcome is None else moment.outcome.get(CRASH, "")
        if crash:
            return f"{NO_CRASH}: {crash}"
        broken = self.host.broken()
        return next((text for name, text in broken.items() if self._is_wanted(name)), None)

    def _is_wanted(self, name: str) -> bool:
        return name == self.wanted if self.wanted else name not in self.start.broken

    def _offer(self, written: EventFields, outcome: Outcome, before: State) -> Offer:
        event = event_of(written)
        begun = before.begun[str(event.builder)].event if type(event) is Continue else event
        crash = str(outcome.get(CRASH, ""))
        ended = outcome if outcome and not crash else None
        builder = "" if event.builder is UNSET else str(event.builder)
        if not builder or builder not in self.host.begun:
            ended = outcome
        word = summary(begun, ended, crash)
        breaks = [NO_CRASH] if crash else [name for name in self.host.broken() if name not in self.start.broken]
        return Offer(self._line(event), word, breaks)

    def _line(self, event: Event) -> str:
        return line_of(self.names.own(event), len(self.shape.nodes))

    def _choices(self) -> list[EventFields]:
        """First what is in flight; then what is sensible; on a tiny host every small event."""
        host, waiting = self.host.host, sorted(self.host.begun)
        domctl = not killing(self.host.begun)
        found: dict[str, Any] = {f"continue {b}": Choice({"op": "continue", "builder": b}) for b in waiting}
        new = f"builder-{1 + max((int(b.removeprefix('builder-')) for b in waiting), default=0)}"
        with all_locks(host):
            lines = list(sensible_lines(host, new, domctl=domctl))
        for line in lines:
            choice = _read_line(self.semantics, len(host.node_pages), line)
            if choice is not None:
                found.setdefault(line_of(choice.read), choice)
        if self.start.is_tiny:
            for small in next_events(host, waiting, _ORDER, domctl):
                if small["op"] != "continue":
                    found.setdefault(line_of(event_of(small)), small)
        return list(found.values())


def _choice(event: Event) -> Choice:
    """The event as an explorer takes it."""
    plain = {name: getattr(event, name) for name in event.__struct_fields__ if name not in ("state", "crash")}
    bare = type(event)(**plain)
    choice = Choice(msgspec.to_builtins(bare))
    choice.read = bare
    return choice


@lru_cache(maxsize=4096)
def _read_line(semantics: str, nodes: int, line: str) -> Choice | None:
    """The event of a line; None: the generation does not have it."""
    said = statement("", 1, line)
    assert isinstance(said, OperationStatement)
    try:
        event = Reader("", semantics, nodes, _unnamed).event(said)
    except ScriptError:
        return None
    return _choice(event)


def _unnamed(name: str) -> tuple[int, int]:
    raise KeyError(name)


def start_at(place: WalkPlace) -> StartPoint | None:
    """A place of a walk in its first generation; None: there is no host, or it has stopped."""
    views = [passed.views[0] for passed in place.path() if passed.views]
    if not views or views[-1].header is None or views[-1].stopped:
        return None
    events = [view.recorded for view in views if view.recorded is not None]
    return StartPoint(views[-1].header, events, frozenset(views[-1].broken))


def offers_at(place: WalkPlace) -> list[Offer]:
    """What may come next at a place, each operation with what it does; where there is no host yet, first lines."""
    start = start_at(place)
    if start is not None:
        return Lookahead(start).offers()
    views = place.views or []
    return [] if views and views[0].stopped else [Offer(line) for line in first_lines()]


def report(found: BreakSearch | None, place: WalkPlace) -> str:
    """What a search came to, in a sentence."""
    if found is None:
        return "Nothing can happen here."
    if found.lines:
        events = f"{len(found.lines)} event{'s' if len(found.lines) > 1 else ''}"
        return f"{found.violation}. After {events} from line {len(place.path())}: Ctrl-N steps there."
    start = start_at(place)
    which = "every small event" if start is not None and start.is_tiny else "the events that are listed"
    why = f"; ended: {found.why_ended}" if found.why_ended else ""
    return f"No break within {found.events} events, {which}, {found.tried:,} tried{why}. That is no proof."
