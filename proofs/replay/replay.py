"""Replay: runs a trace on the reference, and compares every result and every counter with the observations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from msgspec import UNSET, Struct

from proofs.operations import Event, Outcome, State
from proofs.traces.events import FORMAT_2, Header
from proofs.traces.partial import PartialState
from proofs.traces.reader import TraceError, partial_shape_problem, shape_problem
from proofs.traces.text import one_line, printable
from reference.generations import GENERATIONS
from reference.properties import broken_properties, check_state
from reference.state import Host
from reference.status import HypervisorCrash, MisuseError

from .observe import differences, matches, observe, observed_numbers, size
from .runner import ObservedBlock, Runner, boot_shape


class Divergence(Struct, frozen=True):
    """The first difference in a trace. ``expected`` is the reference's value, ``observed`` the recorded one."""

    file: str
    line: int
    seed: int
    event: int  # index within the trace; boot is 0
    op: str
    field: str
    expected: Any
    observed: Any

    def __str__(self) -> str:
        return (
            f"{self.file}:{self.line}: seed {self.seed}, event {self.event} {self.op}: {self.field}: "
            f"expected {_shown(self.expected)}, observed {_shown(self.observed)}"
        )


def _shown(value: Any) -> str:
    return "null" if value is None else one_line(str(value))


class Wrap(Struct, frozen=True):
    """A value that exceeded its C type: ``exact`` is the right value, ``value`` the wrapped one."""

    line: int
    seed: int
    event: int
    op: str
    expression: str
    c_type: str
    exact: int
    value: int
    where: str
    """The function of the reference that computes it, with its line."""

    def __str__(self) -> str:
        return (
            f"line {self.line}, seed {self.seed}, event {self.event} {self.op}: "
            f"{self.expression} is {self.exact}, as {self.c_type} {self.value} in {self.where}"
        )


class Recording(Protocol):
    """The source of a replay: a trace of a file, or a generated one."""

    header: Header
    path: str
    first_line: int

    @property
    def line(self) -> int:
        """The number of the line read last."""

    def error(self, reason: str) -> TraceError:
        """An error at that line."""

    def __iter__(self) -> Iterator[Event]:
        """The events of the trace."""


class TraceResult(Struct):
    """The result of replaying one trace."""

    first_line: int
    seed: int
    events: int = 0
    comparisons: int = 0
    not_observed: int = 0
    """Results and counters of the reference that the trace does not have, and that were not compared."""
    divergence: Divergence | None = None
    skipped: int = 0
    """Events that were not replayed: those after the divergence or, against a program, for a reason below."""
    not_applicable: dict[str, int] = {}
    """Reasons why events could not be sent to an outside program -> number."""
    broken: dict[str, int] = {}
    """Property -> number of events after which it did not hold."""
    first_broken: dict[str, str] = {}
    """Property -> where it was first violated, with the numbers."""
    crashes: list[str] = []
    """Crashes with another wording in the reference: both texts."""
    wraps: list[Wrap] = []
    """With C's numbers, every value that exceeded its type; else those because of which C's numbers differ."""
    parted: str = ""
    """Where unbounded numbers first differ from C's."""


class Replay:
    """One trace on one host."""

    def __init__(self, trace: Recording, result: TraceResult, *, check_locks: bool, check_properties: bool) -> None:
        header = trace.header
        if header.semantics not in GENERATIONS:
            known = ", ".join(GENERATIONS)
            raise trace.error(f"field `semantics`: unknown {header.semantics!r}; known: {known}")
        self.trace = trace
        self.result = result
        self.check_properties = check_properties
        self.partial = header.format == FORMAT_2
        """Outcome fields that an event does not observe are not compared."""
        policy = ObservedBlock()
        self.host: Host = boot_shape(
            header.host, GENERATIONS[header.semantics], block_policy=policy, check_locks=check_locks
        )
        self._partial: Mapping[int, PartialState] = getattr(trace, "partial", {})
        """Of events that have only some counters: these."""
        self._unseen_crash: tuple[tuple[int, int], str, str] | None = None
        """Where the reference stops and the trace has nothing observed: line and index, operation, text."""
        self._size_key = -1
        self._size = 0
        self.runner = Runner(self.host, policy)

    def run(self) -> None:
        """Replay every event up to the first difference."""
        result = self.result
        for event in self.trace:
            if result.divergence is not None:
                result.skipped += 1
                if event.state is not UNSET:
                    self.check_shape(event.state)
                continue
            try:
                self.compare(event)
            except MisuseError as error:
                raise self.trace.error(f"{event.op}: {error}") from None
        if result.divergence is None:
            self.end()

    def compare(self, event: Event) -> None:
        """Run the event on the reference, and compare the outcome with the observation.

        :raises MisuseError: the event is impossible
        """
        if self._unseen_crash is not None:  # the trace has an event after it: the hypervisor did not stop there
            where, op, text = self._unseen_crash
            self.diverged_at(where, op, "crash", text, UNSET)
            self.result.skipped += 1
            return
        try:
            outcome = self.runner.do(event)
        except HypervisorCrash as crash:
            if event.crash is UNSET and not self._observes(event):
                self._unseen_crash = (self.where(), event.op, str(crash))
                self.result.not_observed += 1
                self.result.crashes.append(
                    f"event {self.result.events} {event.op}: not observed; the reference: {crash}"
                )
            elif event.crash is UNSET:  # the place is compared, and not the wording
                self.diverged(event, "crash", str(crash), event.crash)
            elif event.crash != str(crash):
                at = f"event {self.result.events} {event.op}"
                self.result.crashes.append(f"{at}: {event.crash}; the reference: {crash}")
        else:
            self._compare_outcome(event, outcome)
        self.result.events += 1

    def _observes(self, event: Event) -> bool:
        """Whether the trace has anything that was observed after the event."""
        there = event.state is not UNSET or self.result.events in self._partial
        return there or any(getattr(event, field) is not UNSET for field in event.observed)

    def _compare_outcome(self, event: Event, outcome: Outcome) -> None:
        if event.crash is not UNSET:
            self.diverged(event, "crash", "no crash", event.crash)
            return
        if not self.compare_fields(event, outcome):
            return
        state = event.state
        if state is UNSET:
            if not self.compare_partly(event, observe(self.host)):
                return
        elif not matches(self.host, state):
            self.check_shape(state)
            field, expected, observed = next(differences(observe(self.host, state), state))
            self.diverged(event, field, expected, observed)
            return
        else:
            self.result.comparisons += self.numbers(state)
        if self.check_properties:
            self._count_broken(event)

    def compare_fields(self, event: Event, outcome: Outcome) -> bool:
        """Compare the outcome of the event; returns whether it equals the observation."""
        missing = 0
        for field in event.observed:
            expected = outcome.get(field, UNSET)
            observed = getattr(event, field)
            if observed is UNSET and self.may_lack(field):
                missing += field in outcome
                continue
            if observed != expected:
                self.diverged(event, field, expected, observed)
                return False
        self.result.comparisons += len(outcome) - missing
        self.result.not_observed += missing
        return True

    def compare_partly(self, event: Event, expected: State) -> bool:
        """Compare the counters that the event has, of those that the reference has; returns whether they are equal.

        :raises proofs.traces.TraceError: a list has not a number for each node
        """
        compared, whole = 0, size(expected)
        partial = self._partial.get(self.result.events)
        if partial is not None:
            if problem := partial_shape_problem(partial, len(self.host.node_pages)):
                raise self.trace.error(problem)
            for field, right, observed in observed_numbers(expected, partial):
                if right != observed:
                    self.diverged(event, field, right, observed)
                    return False
                compared += 1
        self.result.comparisons += compared
        self.result.not_observed += whole - compared
        return True

    def may_lack(self, field: str) -> bool:
        """Whether an outcome without that field is compared without it."""
        del field
        return self.partial

    def check_shape(self, state: State) -> None:
        """The lists of a state must have a number for each node.

        :raises proofs.traces.TraceError: a list has another length
        """
        if problem := shape_problem(state, len(self.host.node_pages)):
            raise self.trace.error(problem)

    def numbers(self, state: State) -> int:
        """The number of numbers in a comparison of states, cached while the set of domains does not change."""
        if len(state.domains) != self._size_key:
            self._size_key = len(state.domains)
            self._size = size(state)
        return self._size

    def _count_broken(self, event: Event) -> None:
        violations = broken_properties(self.host)
        if violations:
            broken = self.result.broken
            for name in dict.fromkeys(violation.property for violation in violations):
                broken[name] = broken.get(name, 0) + 1
            for violation in violations:
                if violation.property not in self.result.first_broken:
                    self.result.first_broken[violation.property] = (
                        f"event {self.result.events} {event.op}: {violation.where}: {violation.detail}"
                    )

    def end(self, *, compare_expected: bool = True) -> None:
        """Check once per trace that no page is in two places, and compare the verdicts that the header expects."""
        if self.check_properties:
            for violation in check_state(self.host):
                if violation.property not in self.result.broken:
                    self.result.broken[violation.property] = 1
                    self.result.first_broken[violation.property] = f"at the end: {violation}"
            expected = self.trace.header.expect
            if compare_expected and expected and sorted(expected) != sorted(self.result.broken):
                where = (self.trace.first_line, self.result.events)
                self.diverged_at(where, "end", "expect", sorted(self.result.broken), sorted(expected))

    def where(self) -> tuple[int, int]:
        """Line and index of the current event."""
        return self.trace.line, self.result.events

    def diverged(self, event: Event, field: str, expected: Any, observed: Any) -> None:
        """Record that the current event differs in a field."""
        self.diverged_at(self.where(), event.op, field, expected, observed)

    def diverged_at(self, where: tuple[int, int], op: str, field: str, expected: Any, observed: Any) -> None:
        """Record that the trace differs at a line and index."""
        self.result.divergence = Divergence(
            printable(self.trace.path),
            where[0],
            self.result.seed,
            where[1],
            op,
            field,
            "absent" if expected is UNSET else expected,
            "absent" if observed is UNSET else observed,
        )


def replay_trace(
    trace: Recording,
    *,
    check_locks: bool = False,
    check_properties: bool = True,
    result: TraceResult | None = None,
) -> TraceResult:
    """Replay one trace on the reference of its generation.

    :param check_locks: also check the lock order, and that every field is accessed under its lock (slower)
    :param check_properties: also count the events after which each property does not hold; this is no divergence
    :param result: filled during the replay, for a caller that needs the partial result after an error
    :raises proofs.traces.TraceError: the trace is malformed, or has an impossible event (frees a free page, ...)
    """
    if result is None:
        result = TraceResult(trace.first_line, trace.header.seed)
    Replay(trace, result, check_locks=check_locks, check_properties=check_properties).run()
    return result
