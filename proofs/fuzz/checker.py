"""Runs events on the reference; checks each critical section against the model, and every state with the properties."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from msgspec import UNSET, Struct

from model.calls import CRASH, MISUSE, OK, ScriptOutcome
from proofs.operations import Continue, CreateDomain, Event, HypercallClaim, Outcome
from proofs.replay.runner import NOBODY
from proofs.traces.events import HostShape
from reference.properties import check_state
from reference.status import HypervisorCrash, MisuseError

from .difference import counters_differ, first_difference, ledger_differs
from .expectation import Expectation
from .hosts import runner_on
from .known import GenerationFacts
from .properties import Properties

EVERYTHING = 1024
"""Critical sections between two complete comparisons, which include pages counted block by block and claim histories.
A difference only in these is found up to this many sections later, at the latest at the end of the trace."""


_INDEX = re.compile(r"\[\d+\]|(?<=domains)\.\d+")


_MEMORY = frozenset({"mfn", "on_node", "mfns", "node_avail_pages", "total_avail_pages"})


class Failure(Struct, frozen=True):
    """A difference between reference and model, or a violated property, after a critical section."""

    semantics: str
    op: str
    """The name of the operation."""
    field: str
    """What differs: a counter, a part of the outcome, ``crash``, or a property."""
    detail: str
    values: str = ""
    """Both values where they are few, and the check that decided: a failure with other ones is another kind."""

    @property
    def kind(self) -> str:
        """The kind of the failure, independent of domain and node; failures of one kind are one finding."""
        return " ".join([self.semantics, self.op, self.what, *([self.values] if self.values else [])])

    @property
    def what(self) -> str:
        """The field without its domain or node."""
        return _INDEX.sub("", self.field)

    @property
    def symptom(self) -> str:
        """What a shorter trace must also show. Numbers that say where memory came from count as one symptom."""
        return "memory" if self.what in _MEMORY else f"{self.what} {self.values}".strip()

    @property
    def hangs(self) -> bool:
        """Whether an outside program does not answer."""
        return self.what == "answer" and self.values.endswith("hung")

    def __str__(self) -> str:
        return f"{self.semantics}: {self.op}: {self.field}: {self.detail}"


class ImpossibleEventError(Exception):  # what it is called
    """An event that is impossible at this point: no caller of the hypervisor makes it."""


class Checker:
    """A host of the reference and its model. A failure ends the check, because the two then differ."""

    def __init__(
        self, shape: HostShape, known: GenerationFacts, *, every: int = EVERYTHING, check_locks: bool = False
    ) -> None:
        """``every``: critical sections between two complete comparisons."""
        self.runner = runner_on(shape, known.semantics, check_locks=check_locks)
        self.host = self.runner.host
        self.expectation = Expectation(self.host)
        self.known = known
        self.sections = 0
        self._every = every
        self.broken: Counter[str] = Counter()
        """For each property that is not proved, how often it was violated."""
        self.crashed = False
        self.outcome: Outcome | None = None
        """The outcome of the last event; None: its operation has not ended."""
        self._calls = self.expectation.calls
        self.killing = self._calls.killing
        """Ids of domains between the steps of domain_kill, which holds the domctl lock; they may still hold claims."""
        self._properties = Properties(self.host, self._calls.state)
        self._proved = frozenset(known.proved)
        self._in_flight = self.runner.in_flight

    @property
    def decided(self) -> str:
        """The model's case of the last call, as ``call: case``: the check that decided."""
        return self._calls.decided

    def do(self, event: Event) -> Failure | None:
        """Run an event; without a builder, all its critical sections.

        :raises ImpossibleEventError: the event is impossible at this point
        """
        named = event.builder
        builder: str = NOBODY if named is UNSET else named
        goes_on = type(event) is Continue
        operation = self._in_flight.get(builder)
        if (operation is not None) is not goes_on:
            problem = "has no operation to continue" if goes_on else "has not ended its operation"
            raise ImpossibleEventError(f"builder {builder} {problem}")
        begun = event if operation is None else operation.event
        while True:
            failure = self._section(builder, begun, goes_on)
            if failure is not None or self.crashed or self.outcome is not None or builder != NOBODY:
                return failure
            goes_on = True

    def end(self) -> Failure | None:
        """Compare everything at the end of the trace."""
        return None if self.crashed else self._everything("end")

    def _section(self, builder: str, event: Event, goes_on: bool) -> Failure | None:
        """Run one critical section on both sides."""
        expectation, runner, calls = self.expectation, self.runner, self._calls
        self.outcome = None
        expected = expectation.go_on(builder) if goes_on else expectation.begin(builder, event)
        if calls.result == MISUSE:
            raise ImpossibleEventError(f"{event.op} is impossible at this point")
        try:
            outcome = runner.go_on(builder) if goes_on else runner.begin(builder, event)
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

    def _failure(self, event: Event, field: str, detail: str, values: str = "") -> Failure:
        return Failure(self.known.semantics, event.op, field, detail, values)

    def _differs(self, event: Event, expected: ScriptOutcome | None, outcome: Outcome | None) -> Failure | None:
        calls, host = self._calls, self.host
        s = calls.state
        touched = calls.domains.get(calls.touched)  # type: ignore[arg-type]  # None is no key
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
                values = f"{value}/{wanted}" if field == "result" else ""
                return self._failure(event, field, f"{value} in the reference, {wanted} in the model", values)
        return None

    def _everything(self, op: str) -> Failure | None:
        """The slow, complete comparison, and the reference's own checker."""
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
        """Check the properties: a violation of a proved property is a failure, others are counted."""
        new = self._properties.update(self._calls.changed, self._calls.touched, self.killing)
        for name in {name for name, _ in new} if new else ():
            if name in self._proved:
                violations = [str(v) for v in check_state(self.host) if v.property == name]
                return self._failure(event, name, "; ".join(violations) or "but the reference's checker says it holds")
            self.broken[name] += 1
        return None


def _told(answer: dict[str, Any]) -> list[HypercallClaim]:
    """The set installed, in the form of an answer."""
    on_nodes = [HypercallClaim(pages, node) for node, pages in enumerate(answer["claims"]) if pages]
    return [HypercallClaim(answer["global_claims"], "host"), *on_nodes] if answer["tells_global"] else on_nodes


def _expected(field: str, ended: ScriptOutcome, answer: dict[str, Any]) -> Any:
    """The model's value for one part of an outcome, other than its result."""
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
