"""Replay: a trace is run on the reference; every result and every counter is compared with what was observed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from msgspec import UNSET, Struct

from proofs.operations import Continue, Event, Outcome, State
from proofs.traces.events import FORMAT_2, Header
from proofs.traces.reader import TraceError, shape_problem
from proofs.traces.text import one_line, printable
from reference.generations import GENERATIONS
from reference.heap import NodeHeap, lowest_address
from reference.properties import broken_properties, check_state
from reference.state import Host
from reference.status import HypervisorCrash, MisuseError

from .execution import Execution, boot_shape
from .observe import differences, matches, observe, size


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
    """A value that its C type did not hold. ``exact`` is what it would be, ``value`` what is there instead."""

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
    """What is replayed: a trace of a file, or one that is made."""

    header: Header
    path: str
    first_line: int

    @property
    def line(self) -> int:
        """The number of the line read last."""

    def error(self, reason: str) -> TraceError:
        """An error at that line."""

    def __iter__(self) -> Iterator[Event]:
        """Its events."""


class TraceResult(Struct):
    """What the replay of one trace gave."""

    first_line: int
    seed: int
    events: int = 0
    comparisons: int = 0
    divergence: Divergence | None = None
    skipped: int = 0
    """Events that were not replayed: behind the divergence or, against a program, for a reason told below."""
    not_applicable: dict[str, int] = {}
    """Why events could not be asked of an outside program -> how many."""
    broken: dict[str, int] = {}
    """Property -> number of events after which it did not hold."""
    first_broken: dict[str, str] = {}
    """Property -> where it was broken first, and the numbers."""
    crashes: list[str] = []
    """Crashes that the reference has at the same place, in other words: both are shown."""
    wraps: list[Wrap] = []
    """With C's numbers every value that its type did not hold; else those by which C's numbers lead elsewhere."""
    parted: str = ""
    """Where unbounded numbers first lead elsewhere than C's."""


class ObservedBlock:
    """The policy of a replay: the block that the hypervisor took, where it is a legal choice."""

    def __init__(self) -> None:
        self.blocks: list[int] = []

    def __call__(self, heap: NodeHeap, order: int) -> int | None:
        """The observed block; any other where that one cannot be taken from this node: the results then differ."""
        if self.blocks:
            mfn = self.blocks[0]
            if heap.first_mfn <= mfn < heap.first_mfn + heap.pages and heap.find(mfn, order) is not None:
                self.blocks.pop(0)
                return mfn
        return lowest_address(heap, order)

    def expect(self, event: Event) -> None:
        """Take from the event which blocks the allocations in it got. A builder's event does not tell that in time."""
        self.blocks = []
        observed = event.observed
        if "mfn" in observed:
            mfn = event.mfn  # type: ignore[attr-defined]  # it is among the observed fields
            if mfn is not None and mfn is not UNSET:
                self.blocks = [mfn]
        elif "mfns" in observed:
            mfns = event.mfns  # type: ignore[attr-defined]  # likewise
            if mfns is not UNSET:
                self.blocks = list(mfns)


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
        self.policy = ObservedBlock()
        self.partial = header.format == FORMAT_2
        """What an event does not observe of its outcome is not compared."""
        self.host: Host = boot_shape(
            header.host, GENERATIONS[header.semantics], block_policy=self.policy, check_locks=check_locks
        )
        self._size_key = -1
        self._size = 0
        self.execution = Execution(self.host)

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
        """Do what the event says on the reference, and compare what comes of it with what was observed.

        :raises MisuseError: it cannot be done
        """
        try:
            if event.observed and type(event) is not Continue:
                self.policy.expect(event)
            outcome = self.execution.do(event)
        except HypervisorCrash as crash:
            if event.crash is UNSET:  # the place is compared, and not the wording
                self.diverged(event, "crash", str(crash), event.crash)
            elif event.crash != str(crash):
                where = f"event {self.result.events} {event.op}"
                self.result.crashes.append(f"{where}: {event.crash}; the reference: {crash}")
        else:
            self._compare_outcome(event, outcome)
        self.result.events += 1

    def _compare_outcome(self, event: Event, outcome: Outcome) -> None:
        if event.crash is not UNSET:
            self.diverged(event, "crash", "no crash", event.crash)
            return
        if not self.compare_fields(event, outcome):
            return
        state = event.state
        if not matches(self.host, state):  # type: ignore[arg-type]  # no crash: it has a state
            self.check_shape(state)  # type: ignore[arg-type]  # likewise
            field, expected, observed = next(differences(observe(self.host, state), state))  # type: ignore[arg-type]  # likewise
            self.diverged(event, field, expected, observed)
            return
        self.result.comparisons += self._numbers(state)  # type: ignore[arg-type]  # likewise
        if self.check_properties:
            self._count_broken(event)

    def compare_fields(self, event: Event, outcome: Outcome) -> bool:
        """Compare what came out of the event; whether it is what was observed."""
        for field in event.observed:
            expected = outcome.get(field, UNSET)
            observed = getattr(event, field)
            if observed is UNSET and self.may_lack(field):
                continue
            if observed != expected:
                self.diverged(event, field, expected, observed)
                return False
        self.result.comparisons += len(outcome)
        return True

    def may_lack(self, field: str) -> bool:
        """Whether an outcome without that field is compared without it."""
        del field
        return self.partial

    def check_shape(self, state: State) -> None:
        """The lists of a state must have a number for each node.

        :raises proofs.traces.TraceError: one has not
        """
        if problem := shape_problem(state, len(self.host.node_pages)):
            raise self.trace.error(problem)

    def _numbers(self, state: State) -> int:
        """How many numbers the comparison of two states compares; the same as long as no domain comes or goes."""
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
        """Pages in two places are looked for once a trace; verdicts the header expects are compared."""
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
        """Line and index of the event that is being compared."""
        return self.trace.line, self.result.events

    def diverged(self, event: Event, field: str, expected: Any, observed: Any) -> None:
        """The event that is being compared differs in that field."""
        self.diverged_at(self.where(), event.op, field, expected, observed)

    def diverged_at(self, where: tuple[int, int], op: str, field: str, expected: Any, observed: Any) -> None:
        """The trace differs at that line and index."""
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
    """Replay one trace on the reference of its semantics.

    :param check_locks: also check the lock order and that every field is touched under its lock (slower)
    :param check_properties: also count after which events which property does not hold; that is no divergence
    :param result: filled as the replay goes on, for a caller that wants what was done before an error
    :raises proofs.traces.TraceError: the trace is malformed, or does what cannot be done (frees a free page, ...)
    """
    if result is None:
        result = TraceResult(trace.first_line, trace.header.seed)
    Replay(trace, result, check_locks=check_locks, check_properties=check_properties).run()
    return result
