"""Events done on the reference, each critical section checked against the model, and every state by the properties."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from msgspec import UNSET, Struct

from model.calls import CRASH, MISUSE, OK, Ended
from proofs.operations import MOST_DOMAINS, Continue, CreateDomain, Event, HypercallClaim, Outcome
from proofs.traces.events import HostShape
from reference.properties import check_state
from reference.status import HypervisorCrash, MisuseError

from .difference import counters_differ, first_difference, ledger_differs
from .expectation import Expectation
from .known import Known
from .machine import NOBODY, Machine
from .properties import Properties

EVERYTHING = 1024
"""Critical sections between two comparisons of everything: pages counted block by block, every history of claims.
What differs in these only, is found that much later, at the latest at the end of the trace."""


_INDEX = re.compile(r"\[\d+\]|(?<=domains)\.\d+")


_MEMORY = frozenset({"mfn", "on_node", "mfns", "node_avail_pages", "total_avail_pages"})


class Failure(Struct, frozen=True):
    """What a critical section did that it must not do."""

    semantics: str
    op: str
    """Of the event that began the operation."""
    field: str
    """What differs: a counter, a part of the outcome, ``crash``, or a property."""
    detail: str

    @property
    def kind(self) -> str:
        """What makes two failures the same finding, whichever domain or node it was."""
        return f"{self.semantics} {self.op} {self.what}"

    @property
    def what(self) -> str:
        """The field, whichever domain or node it is of."""
        return _INDEX.sub("", self.field)

    @property
    def symptom(self) -> str:
        """What a shorter trace must show, too: where memory came from is one thing, whichever number tells it."""
        return "memory" if self.what in _MEMORY else self.what

    def __str__(self) -> str:
        return f"{self.semantics}: {self.op}: {self.field}: {self.detail}"


class Impossible(Exception):  # what it is called
    """An event that cannot stand there: the hypervisor is never asked for it."""


class Checker:
    """A host of the reference and the model of it, side by side. A failure ends it: the two are then not alike."""

    def __init__(self, shape: HostShape, known: Known, *, every: int = EVERYTHING, check_locks: bool = False) -> None:
        """``every``: critical sections between two comparisons of everything."""
        self.machine = Machine(shape, known.semantics, check_locks=check_locks)
        self.host = self.machine.host
        self.expectation = Expectation(self.host, MOST_DOMAINS)
        self.known = known
        self.sections = 0
        self._every = every
        self.broken: Counter[str] = Counter()
        """How often a property broke for which there is no proof that it holds."""
        self.crashed = False
        self.outcome: Outcome | None = None
        """Of the event done last, if its operation has ended."""
        self._calls = self.expectation.calls
        self.killing = self._calls.killing
        """Ids of domains between the steps of domain_kill, which holds the domctl lock, and still claims by design."""
        self._properties = Properties(self.host, self._calls.state)
        self._proved = frozenset(known.proved)
        self._running = self.machine.running

    def do(self, event: Event) -> Failure | None:
        """Do an event; all its critical sections if it names no builder.

        :raises Impossible: it cannot stand here
        """
        named = event.builder
        builder: str = NOBODY if named is UNSET else named
        goes_on = type(event) is Continue
        running = self._running.get(builder)
        if (running is not None) is not goes_on:
            raise Impossible(f"builder {builder} has {'nothing to continue' if goes_on else 'not ended what it does'}")
        begun = event if running is None else running.event
        while True:
            failure = self._section(builder, begun, goes_on)
            if failure is not None or self.crashed or self.outcome is not None or builder != NOBODY:
                return failure
            goes_on = True

    def end(self) -> Failure | None:
        """The trace is over: everything is compared."""
        return None if self.crashed else self._everything("end")

    def _section(self, builder: str, event: Event, goes_on: bool) -> Failure | None:
        """One critical section on both sides."""
        expectation, machine, calls = self.expectation, self.machine, self._calls
        self.outcome = None
        expected = expectation.go_on(builder) if goes_on else expectation.begin(builder, event)
        if calls.result == MISUSE:
            raise Impossible(f"{event.op} cannot be done here")
        try:
            outcome = machine.go_on(builder) if goes_on else machine.begin_as(builder, event)
        except HypervisorCrash as crash:
            self.crashed = True
            return None if calls.result == CRASH else self._failure(event, "crash", str(crash))
        except MisuseError as error:
            return self._failure(event, "misuse", str(error))
        if calls.result == CRASH:
            return self._failure(event, "crash", "none in the reference, one in the model")
        self.sections += 1
        self.outcome = outcome
        if type(event) is CreateDomain:
            self._calls.domains[event.domid] = self.host.domains[event.domid]
        failure = self._differs(event, expected, outcome)
        return self._breaks(event) if failure is None and calls.changed else failure

    def _failure(self, event: Event, field: str, detail: str) -> Failure:
        return Failure(self.known.semantics, event.op, field, detail)

    def _differs(self, event: Event, expected: Ended | None, outcome: Outcome | None) -> Failure | None:
        calls, host = self._calls, self.host
        s = calls.state
        touched = calls.domains.get(calls.touched)  # type: ignore[arg-type]  # none: then it is no key
        if (
            counters_differ(s, host, calls.domains)
            or (touched is not None and ledger_differs(s, touched))
            or self.sections % self._every == 0
        ):
            failure = self._everything(event.op)
            if failure is not None:
                return failure
        calls.settle()
        if (expected is None) != (outcome is None):
            ends = f"{outcome is not None} in the reference, {expected is not None} in the model"
            return self._failure(event, "ends", ends)
        if expected is None or outcome is None:
            return None
        for field, value in outcome.items():
            wanted = expected.result if field == "result" else _expected(field, expected, s.answer)
            if value != wanted:
                return self._failure(event, field, f"{value} in the reference, {wanted} in the model")
        return None

    def _everything(self, op: str) -> Failure | None:
        """The slow comparison of all there is, and the reference's own checker."""
        difference = first_difference(self._calls.state, self.host, self._calls.domains)
        if difference is not None:
            return Failure(self.known.semantics, op, difference.field, str(difference))
        for violation in check_state(self.host):
            if violation.property in self._proved and not self._excused(violation.property):
                return Failure(self.known.semantics, op, violation.property, str(violation))
        return None

    def _excused(self, name: str) -> bool:
        return name == "dead-hold-nothing" and bool(self.killing)

    def _breaks(self, event: Event) -> Failure | None:
        """What the section broke: a failure if it is proved to hold, counted otherwise."""
        new = self._properties.update(self._calls.changed, self._calls.touched, self.killing)
        for name in {name for name, _ in new} if new else ():
            if name in self._proved:
                violations = [str(v) for v in check_state(self.host) if v.property == name]
                return self._failure(event, name, "; ".join(violations) or "but the reference's checker says it holds")
            self.broken[name] += 1
        return None


def _told(answer: dict[str, Any]) -> list[HypercallClaim]:
    """A set installed, as it is told."""
    on_nodes = [HypercallClaim(pages, node) for node, pages in enumerate(answer["claims"]) if pages]
    return [HypercallClaim(answer["global_claims"], "host"), *on_nodes] if answer["tells_global"] else on_nodes


def _expected(field: str, ended: Ended, answer: dict[str, Any]) -> Any:
    """What the model says of one part of an outcome, other than its result."""
    blocks: Any = ended.blocks
    if field == "mfn":
        return blocks[0].mfn if ended.result == OK and blocks else None
    if field == "on_node":
        return blocks[0].node if blocks else None
    if field == "mfns":
        return [block.mfn for block in blocks]
    if field == "pages":
        return ended.pages
    if field in ("nr_done", "preempted", "scrub_index"):
        return getattr(ended, field)
    if field == "claims":
        return _told(answer)
    return answer.get(field)
