"""Breadth first over the states of one host: every event in every state, each state once, until a goal is reached.

After an event the former state is put back into the host, so nothing is run again from boot. What cannot be put back is
an operation that has begun and not ended: where one is continued, the events since nothing was in flight are run again.
Only states that are the same are merged, but for the names of builders.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct

from proofs.operations import EventFields
from reference.status import HypervisorCrash, MisuseError

Events = tuple[EventFields, ...]
BOOT: EventFields = {"op": "boot"}


class RestorableState(Protocol):
    """A state that can be brought back."""

    @property
    def begun(self) -> Any:
        """What is in flight, which cannot; false if nothing is."""


S = TypeVar("S", bound=RestorableState)
Outcome_co = TypeVar("Outcome_co", covariant=True)
GoalResult = TypeVar("GoalResult")


class Subject(Protocol[S, Outcome_co]):
    """What is explored: one host, or several side by side."""

    def do(self, written: EventFields, /) -> Outcome_co:
        """One event.

        :raises MisuseError: it cannot be done
        :raises HypervisorCrash: the host stops
        """

    def state(self, former: S | None = None, /) -> S:
        """The state now, sharing with a former one."""

    def is_in(self, state: S, /) -> bool:
        """Whether this is the state now."""

    def bring_back(self, state: S, /) -> None:
        """Make it the state now. What was in flight in it cannot be continued."""


class SearchPlace(Generic[S]):
    """A state that was reached, and from where."""

    __slots__ = ("events", "former", "key", "state")

    def __init__(self, state: S, key: Any, former: SearchPlace[S] | None, events: Events) -> None:
        self.state = state
        self.key = key
        self.former = former
        self.events = events
        """From the former place, or from boot."""

    def path(self) -> Events:
        """All events from boot."""
        events: Events = ()
        place: SearchPlace[S] | None = self
        while place is not None:
            events, place = place.events + events, place.former
        return events


class Moment(Struct, Generic[S, Outcome_co]):
    """An event that was done, for a goal to judge. The subject is in the state after it."""

    event: EventFields
    outcome: Outcome_co | None
    """None at boot."""
    before: SearchPlace[S]


class Explorer(Generic[S, Outcome_co, GoalResult]):
    """The states of one subject, by the number of events that reach them.

    :param starts: the sequences of events with which it begins
    :param choices: the events that may come next, in the order in which they are tried
    :param goal: what is found after an event; None if nothing is
    :param key: equal for states that are merged
    :param judge_starts: the goal may be reached by the last event of a start
    :param of_host: for a goal that sees of a state no more than this makes of the key. Among the last events those are
        left out that were done in a state alike in it, except for continuing what is in flight
    """

    def __init__(
        self,
        subject: Subject[S, Outcome_co],
        starts: Iterable[Events],
        choices: Callable[[], Iterable[EventFields]],
        goal: Callable[[Moment[S, Outcome_co]], GoalResult | None],
        key: Callable[[S], Hashable],
        *,
        judge_starts: bool = False,
        of_host: Callable[[SearchPlace[S]], Hashable] | None = None,
    ) -> None:
        self.subject, self.choices, self.goal, self.key = subject, choices, goal, key
        self._starts: Iterable[Events] | None = starts
        self._judge_starts = judge_starts
        self._of_host = of_host
        self._seen: set[Hashable] = set()
        self.newest: list[SearchPlace[S]] = []
        """The places that the last events reached first."""
        self.tried = 0
        """Events done, those of the starts not counted."""

    def deepen(self, last: bool = False) -> tuple[Events, GoalResult] | None:
        """First the starts, then one event more: the first events by which the goal is reached, and what it says.

        :param last: do not note which states are reached: there is no further event
        """
        if self._starts is not None:
            starts, self._starts = self._starts, None
            return self._begin(starts)
        former, self.newest = self.newest, []
        hosts: set[Hashable] = set()
        for place in former:
            host = self._of_host(place) if last and self._of_host is not None else place
            again = host in hosts
            hosts.add(host)
            for event, found in self._from(place, last, again):
                return (*place.path(), event), found
        return None

    def _begin(self, starts: Iterable[Events]) -> tuple[Events, GoalResult] | None:
        subject, boot = self.subject, SearchPlace(self.subject.state(), None, None, ())
        first = None
        for events in starts:
            subject.bring_back(boot.state)
            outcomes = [subject.do(event) for event in events]
            if self._judge_starts and first is None:
                moment = Moment(events[-1] if events else BOOT, outcomes[-1] if events else None, boot)
                found = self.goal(moment)
                first = None if found is None else (events, found)
            self._note(boot, events)
        return first

    def _note(self, former: SearchPlace[S], events: Events) -> None:
        state = self.subject.state(former.state)
        key = self.key(state)
        if key not in self._seen:
            self._seen.add(key)
            self.newest.append(SearchPlace(state, key, former, events))

    def _from(self, place: SearchPlace[S], last: bool, only_continue: bool) -> Iterator[tuple[EventFields, GoalResult]]:
        subject = self.subject
        subject.bring_back(place.state)
        for event in list(self.choices()):
            if event["op"] == "continue":
                self._go_again(place)
            elif only_continue:
                continue
            self.tried += 1
            try:
                outcome = subject.do(event)
            except (MisuseError, HypervisorCrash):
                subject.bring_back(place.state)
                continue
            found = self.goal(Moment(event, outcome, place))
            if found is not None:
                yield event, found
            if not last and not subject.is_in(place.state):
                self._note(place, (event,))
            subject.bring_back(place.state)

    def _go_again(self, place: SearchPlace[S]) -> None:
        """Reach a place so that what is in flight there can be continued."""
        root = place
        events: Events = ()
        while root.state.begun and root.former is not None:
            events, root = root.events + events, root.former
        self.subject.bring_back(root.state)
        for event in events:
            self.subject.do(event)
        if not self.subject.is_in(place.state):
            raise RuntimeError(f"{list(place.path())}: run again, these events lead elsewhere")
