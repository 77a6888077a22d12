"""A trace on C's numbers and on unbounded ones: what is observed, what left its type, and where the two part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple

from msgspec.structs import asdict, replace

import reference.claims
import reference.generations.single_node
import reference.page_alloc
from model.c_code.allocating import LOW_MEMORY_ALARM
from proofs.c_typed.cint import NOTES, UINT64, CInt, WrappedValue
from proofs.c_typed.generations import typed_semantics
from proofs.c_typed.host import typed
from proofs.operations import Event, Outcome, State
from proofs.replay.observe import differences, observe
from proofs.replay.runner import ObservedBlock, Runner, boot_shape
from proofs.traces.events import HostShape
from reference.generations import GENERATIONS
from reference.state import Domain, Host
from reference.status import HypervisorCrash

_MODULES = (reference.claims, reference.generations.single_node)
_exceeds_stated = reference.claims.exceeds_unsigned


def _exceeds_as_c(pages: int, unclaimed: int) -> bool:
    """`pages > avail - claims`, both sides 64 bits unsigned."""
    return CInt(UINT64, pages) > CInt(UINT64, unclaimed)


def _exceeds_unbounded(pages: int, unclaimed: int) -> bool:
    """The same in integers. A request for less than nothing stays one that cannot be met."""
    return pages < 0 or pages > unclaimed


def _alarm_as_c(host: Host) -> int:
    """`check_low_mem_virq` computes the difference unsigned."""
    return int(CInt(UINT64, int(host.total_avail_pages) - int(host.outstanding_claims), LOW_MEMORY_ALARM))


def _exceeds_noted(pages: int, unclaimed: int) -> bool:
    """As the reference states it; noted where integers would have it otherwise."""
    exceeds = _exceeds_stated(pages, unclaimed)
    if exceeds is not _exceeds_unbounded(pages, unclaimed):
        CInt(UINT64, unclaimed, "free pages - claims")
    return exceeds


@contextmanager
def _comparing(exceeds: Callable[[int, int], bool]) -> Iterator[None]:
    """The reference's unsigned comparison is done by another function."""
    for module in _MODULES:
        module.exceeds_unsigned = exceeds  # type: ignore[attr-defined]  # both have it
    try:
        yield
    finally:
        for module in _MODULES:
            module.exceeds_unsigned = _exceeds_stated  # type: ignore[attr-defined]  # likewise


def noting() -> AbstractContextManager[None]:
    """What the reference itself states as unsigned is noted where that makes a difference."""
    return _comparing(_exceeds_noted)


@contextmanager
def arithmetic(c_types: bool) -> Iterator[None]:
    """Where the reference itself says that C computes unsigned, it is done with the numbers at hand."""
    alarm = reference.page_alloc.check_low_mem_virq
    with _comparing(_exceeds_as_c if c_types else _exceeds_unbounded):
        reference.page_alloc.check_low_mem_virq = _alarm_as_c if c_types else alarm
        try:
            yield
        finally:
            reference.page_alloc.check_low_mem_virq = alarm


def as_c(host: Host) -> None:
    """The host, just booted, computes as C does from now on."""
    host.semantics = typed_semantics(host.semantics)
    typed(host)


def plain(state: State) -> State:
    """The counters as integers, which may be more than a trace can say."""
    domains = {
        domid: replace(counters, **{name: _integers(getattr(counters, name)) for name in counters.__struct_fields__})
        for domid, counters in state.domains.items()
    }
    return replace(state, **{name: _integers(value) for name, value in asdict(state).items()} | {"domains": domains})


def _integers(value: Any) -> Any:
    if isinstance(value, list):
        return [int(number) for number in value]
    return int(value) if isinstance(value, CInt) else value


def as_integers(outcome: Outcome) -> Outcome:
    """What came of an event, its counts as integers."""
    return {name: int(value) if isinstance(value, CInt) else value for name, value in outcome.items()}


class EventOutcome(NamedTuple):
    """What came of one event."""

    outcome: Outcome
    state: State | None
    crash: str
    wrapped: list[WrappedValue]


class CTypedRun:
    """A host on which events are done, one after the other."""

    def __init__(self, semantics: str, shape: HostShape, c_types: bool) -> None:
        self.c_types = c_types
        policy = ObservedBlock()
        self.host = boot_shape(shape, GENERATIONS[semantics], block_policy=policy)
        if c_types:
            as_c(self.host)
        self.runner = Runner(self.host, policy)
        self.known: dict[int, Domain] = {}
        """Every domain that there was, those too that left the domain list."""

    @property
    def in_flight(self) -> dict[str, Event]:
        """What each builder began and has not ended."""
        return {builder: operation.event for builder, operation in self.runner.in_flight.items()}

    def do(self, event: Event) -> EventOutcome:
        """Do an event.

        :raises reference.status.MisuseError: it cannot be done
        """
        NOTES.clear()
        with arithmetic(self.c_types):
            try:
                outcome = self.runner.do(event)
            except HypervisorCrash as crash:
                return EventOutcome({}, None, str(crash), list(NOTES))
        noted = list(NOTES)
        self.known |= self.host.domains
        return EventOutcome(as_integers(outcome), plain(observe(self.host)), "", noted)


class CTypeDivergence(NamedTuple):
    """The first event at which C's numbers lead elsewhere than unbounded ones."""

    event: int
    op: str
    field: str
    unbounded: Any
    in_c: Any

    def __str__(self) -> str:
        return f"event {self.event} {self.op}: {self.field} is {self.unbounded} on unbounded numbers, {self.in_c} in C"


def parting(number: int, event: Event, unbounded: EventOutcome, in_c: EventOutcome) -> CTypeDivergence | None:
    """In what the two differ after an event; the first of it."""
    if bool(unbounded.crash) != bool(in_c.crash):
        return CTypeDivergence(number, event.op, "crash", unbounded.crash or "none", in_c.crash or "none")
    for name, value in unbounded.outcome.items():
        if in_c.outcome.get(name) != value:
            return CTypeDivergence(number, event.op, name, value, in_c.outcome.get(name))
    if unbounded.state is not None and in_c.state is not None:
        for field, one, other in differences(unbounded.state, in_c.state):
            return CTypeDivergence(number, event.op, field, one, other)
    return None


def where_they_part(semantics: str, shape: HostShape, events: Sequence[Event]) -> CTypeDivergence | None:
    """Run a trace both ways, up to the first difference."""
    exact, in_c = CTypedRun(semantics, shape, False), CTypedRun(semantics, shape, True)
    for number, event in enumerate(events):
        found = parting(number, event, exact.do(event), in_c.do(event))
        if found is not None:
            return found
    return None
