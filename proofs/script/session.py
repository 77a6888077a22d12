"""A script on a host: each statement run in turn, with its outcome, the reason of a refusal, and what it breaks."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from model.properties import PROPERTIES
from proofs.explain.played import ShownEvent, of_scene
from proofs.explain.stage import Stage
from proofs.fuzz.known import CHECKED
from proofs.operations import Boot, Continue, DomainCounters, Event, Outcome
from proofs.replay.runner import builder_of
from proofs.traces.events import FORMAT_2, Header, HostShape, least_span
from reference.generations import GENERATIONS

from .answers import answers, check_answer
from .syntax import (
    Amount,
    Argument,
    BreaksStatement,
    CounterStatement,
    GenerationStatement,
    HostStatement,
    OperationStatement,
    ScriptError,
    ScriptStatement,
    WordValue,
    shortened,
)
from .words import Reader, plain_reason, verbs

NO_CRASH = "no-crash"
DEFAULT = "claim-sets"
"""The generation of a script that names none."""


class LineResult(Struct):
    """What a line of a script did."""

    line: int
    text: str
    event: ShownEvent | None = None
    problem: str = ""
    """What the line expects and is not so; empty: all is as expected."""


class Allocation(Struct):
    """A block that the script gave a name: its first frame and its order."""

    mfn: int
    order: int


class Session:
    """A host, from ``host`` on, and the script's statements on it.

    :param semantics: the generation; None: the script's own, or claim-sets
    """

    def __init__(self, path: str, semantics: str | None = None) -> None:
        self.path = path
        self.fixed = semantics
        self.semantics = semantics or DEFAULT
        self.stage: Stage | None = None
        self.header: Header | None = None
        self.events: list[Event] = []
        """The events so far with their outcomes and the counters after them; boot first."""
        self.expected: set[str] = set()
        """The properties that the script expects not to hold somewhere."""
        self.broken: dict[str, str] = {}
        """The properties that did not hold somewhere -> the first violation."""
        self._names: dict[str, Allocation] = {}
        self._pending: dict[str, tuple[str, Event]] = {}
        """By builder: the name that its operation in flight will give."""

    def do(self, said: ScriptStatement) -> LineResult:
        """Run one statement.

        :raises ScriptError: it cannot be run here
        """
        match said:
            case HostStatement():
                return self._host(said)
            case GenerationStatement():
                return self._generation(said)
            case BreaksStatement():
                return self._breaks(said)
            case CounterStatement():
                return self._counter(said)
        assert isinstance(said, OperationStatement)
        return self._operation(said)

    def unexpected(self) -> dict[str, str]:
        """The properties that did not hold somewhere, and that the script does not expect to break."""
        covered = self.expected | {f"{name}-without-limbo" for name in self.expected}
        return {name: where for name, where in self.broken.items() if name not in covered}

    @property
    def in_flight(self) -> list[str]:
        """The builders whose operations have not ended."""
        return [] if self.stage is None else sorted(self.stage.runner.in_flight)

    # -- statements

    def _host(self, said: HostStatement) -> LineResult:
        if self.stage is not None:
            raise ScriptError(self.path, said.line, 1, "there is a host already; a script has one")
        if not said.nodes:
            raise ScriptError(self.path, said.line, 1, "host needs the pages of each node: host 4 4")
        pages = [amount.pages for amount in said.nodes]
        span = least_span(pages)
        fields: dict[str, Any] = {"node_span": span, "nodes": pages, "last_alloc_node": 0}
        fields |= self._host_options(said)
        if fields.pop(_NO_LAST_NODE, False):
            del fields["last_alloc_node"]
        for number, amount in zip(pages, said.nodes, strict=True):
            if not 0 <= number <= MOST_PAGES:
                reason = f"host: a node has 0 to {MOST_PAGES} pages"
                raise ScriptError(self.path, said.line, amount.column, reason)
        try:
            shape = msgspec.convert(fields, HostShape)
        except msgspec.ValidationError as error:
            raise ScriptError(self.path, said.line, 1, f"host: {plain_reason(str(error))}") from None
        columns = {option.name: option.column for option in said.options}
        if shape.node_span < max(pages) or shape.node_span & (shape.node_span - 1):
            reason = f"host: span is a power of two, at least the pages of a node, such as {span}"
            raise ScriptError(self.path, said.line, columns.get("span", 1), reason)
        if fields.get("last_alloc_node", 0) >= len(pages):
            reason = f"host: last_alloc_node is the number of a node, 0 to {len(pages) - 1}"
            raise ScriptError(self.path, said.line, columns["last_alloc_node"], reason)
        self.start(shape)
        return LineResult(said.line, said.text, self._booted())

    def _host_options(self, said: HostStatement) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        given: list[Argument | WordValue] = [*said.options, *said.flags]
        for option in given:
            is_flag = isinstance(option, WordValue)
            name = option.text if isinstance(option, WordValue) else option.name
            if name not in (_FLAGS if is_flag else _OPTIONS):
                known = ", ".join((*(f"{known}=NUMBER" for known in _OPTIONS), *_FLAGS))
                reason = f"host has no {'flag' if is_flag else 'option'} {shortened(name)}; known: {known}"
                raise ScriptError(self.path, said.line, option.column, reason)
            field = _OPTIONS.get(name, name)
            if field in fields:
                raise ScriptError(self.path, said.line, option.column, f"host: {name} is given twice")
            fields[field] = True if isinstance(option, WordValue) else self._number(option)
        return fields

    def start(self, shape: HostShape) -> None:
        """Boot a host of this shape."""
        self.stage = Stage(self.semantics, shape)
        self.header = Header(FORMAT_2, self.semantics, f"script {self.path}", shape)
        self.events = [Boot(state=self.stage.before)]

    def _booted(self) -> ShownEvent:
        assert self.stage is not None
        return of_scene(0, self.events[0], self.stage.boot())

    @staticmethod
    def _number(option: Argument) -> int:
        value = option.values[0]
        assert isinstance(value, Amount)  # the grammar has nothing else there
        return value.pages

    def _generation(self, said: GenerationStatement) -> LineResult:
        name = said.name.text
        if name not in GENERATIONS:
            near = get_close_matches(name, GENERATIONS, 1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(GENERATIONS)}"
            raise ScriptError(self.path, said.line, said.name.column, f"unknown generation {shortened(name)}; {hint}")
        if self.stage is not None:
            raise ScriptError(self.path, said.line, 1, "generation comes before host")
        if self.fixed is None:
            self.semantics = name
        return LineResult(said.line, said.text)

    def _stage(self, said: ScriptStatement) -> Stage:
        if self.stage is None:
            raise ScriptError(self.path, said.line, 1, "the script needs a host first: host 4 4")
        return self.stage

    def _breaks(self, said: BreaksStatement) -> LineResult:
        stage, name = self._stage(said), said.property.text
        if name not in (*CHECKED, NO_CRASH):
            known = ", ".join((*CHECKED, NO_CRASH))
            judged = f"; {name} is judged by `claimcheck prove`" if name in {p.id for p in PROPERTIES.values()} else ""
            reason = f"unknown property {shortened(name)}{judged}; a script can expect: {known}"
            raise ScriptError(self.path, said.line, said.property.column, reason)
        self.expected.add(name)
        is_broken = stage.ended if name == NO_CRASH else name in stage.broken
        return LineResult(said.line, said.text, problem="" if is_broken else f"{name} holds here")

    def _counter(self, said: CounterStatement) -> LineResult:
        stage = self._stage(said)
        found = counters(stage)
        if said.counter not in found and said.counter.rpartition(".")[2].partition("[")[0] in _OF_SOME_GENERATION:
            return LineResult(said.line, said.text, problem=f"{self.semantics} has no counter {said.counter} here")
        if said.counter not in found:
            near = get_close_matches(said.counter, found, 1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(found)}"
            raise ScriptError(self.path, said.line, said.column, f"no counter {shortened(said.counter)} here; {hint}")
        value = found[said.counter]
        problem = "" if value == said.value.pages else f"{said.counter} is {value}, not {said.value.pages}"
        return LineResult(said.line, said.text, problem=problem)

    def _operation(self, said: OperationStatement) -> LineResult:
        if self.stage is None and get_close_matches(said.verb.text, _FIRST, 1) and said.verb.text not in verbs():
            near = get_close_matches(said.verb.text, _FIRST, 1)[0]
            reason = f"unknown operation {shortened(said.verb.text)}; did you mean {near}?"
            raise ScriptError(self.path, said.line, said.verb.column, reason)
        stage = self._stage(said)
        check_answer(self.path, said)
        reader = Reader(self.path, self.semantics, len(stage.host.node_pages), self._frame)
        event = reader.event(said)
        if said.alias and not {"mfn", "mfns"}.intersection(event.observed):
            raise ScriptError(self.path, said.line, said.verb.column, f"{said.verb.text} allocates nothing to name")
        if stage.ended:
            return LineResult(said.line, said.text, problem="not run: the host has stopped")
        done, whole = self.run(event)
        if done.result.startswith("impossible"):
            raise ScriptError(self.path, said.line, said.verb.column, done.result)
        self._name(said, whole)
        problem = answers(self.path, said, whole, stage.outcome, done.crash) or _other_block(event, stage.outcome)
        return LineResult(said.line, said.text, done, problem)

    def run(self, event: Event) -> tuple[ShownEvent, Event]:
        """Run an event; returns how it is shown, and the event that began the operation."""
        stage = self.stage
        assert stage is not None
        builder, flight = builder_of(event), stage.runner.in_flight
        begun = flight[builder].event if type(event) is Continue and builder in flight else event
        scene = stage.run(event)
        shown = of_scene(len(self.events), event, scene)
        if scene.impossible:
            return shown, begun
        self.events.append(_recorded(event, stage, scene.crash))
        for violation in scene.breaks:
            self.broken.setdefault(violation.partition(": ")[0], violation)
        if scene.crash:
            self.broken.setdefault(NO_CRASH, scene.crash)
        return shown, begun

    def _name(self, said: OperationStatement, begun: Event) -> None:
        stage = self.stage
        assert stage is not None
        builder = said.builder
        if said.alias:
            self._pending[builder] = (said.alias, begun)
        if stage.outcome is None or builder not in self._pending:
            return
        name, event = self._pending.pop(builder)
        mfns = _blocks(stage.outcome)
        if mfns:
            order = next(getattr(event, f) for f in ("order", "extent_order", "out_order") if hasattr(event, f))
            self._names[name] = Allocation(mfns[0], order)
        else:
            self._names.pop(name, None)

    def _frame(self, name: str) -> tuple[int, int]:
        """The first frame and the order of a named allocation.

        :raises KeyError: nothing has this name
        """
        if name not in self._names:
            known = ", ".join(self._names) or "none; `d1 alloc as x` names one"
            raise KeyError(f"no allocation is named {shortened(name)}; known: {known}")
        block = self._names[name]
        return block.mfn, block.order


_OF_SOME_GENERATION = frozenset(DomainCounters.__struct_fields__)
"""The counters of a domain; each generation has some of them."""
_OPTIONS = {"span": "node_span", "last_alloc_node": "last_alloc_node"}
MOST_PAGES = 1 << 40
_FIRST = ("host", "generation")
_NO_LAST_NODE = "no_last_alloc_node"
"""New domains have none, as in the older recordings; the hypervisor's have node 0."""
_FLAGS = ("llc_coloring", "debug_build", _NO_LAST_NODE)


def _other_block(event: Event, outcome: Outcome | None) -> str:
    """Where the block that a line names with ``at`` cannot be taken: what it got; empty: nothing else."""
    wanted = getattr(event, "mfn", UNSET) if "mfn" in event.observed else UNSET
    found = (outcome or {}).get("mfn")
    if wanted is UNSET or wanted is None or found in (None, wanted):
        return ""
    return f"expected the block at {wanted}, got the one at {found}: the first is not free or not on that node"


def _blocks(outcome: Outcome) -> list[int]:
    if outcome.get("mfn") is not None:
        return [outcome["mfn"]]
    return list(outcome.get("mfns", ()))


def _recorded(event: Event, stage: Stage, crash: str) -> Event:
    """A copy of the event with its outcome and the counters after it, as a trace records it."""
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    if crash:
        return type(event)(**fields | {"crash": crash})
    outcome = stage.outcome or {}
    observed = {name: outcome[name] for name in event.observed if name in outcome}
    return type(event)(**fields | observed | {"state": stage.before})


def counters(stage: Stage) -> dict[str, int]:
    """Every counter by the name that a timeline gives it: ``d1.claims[0]``, ``node_avail_pages[0]``."""
    return dict(_flat("", msgspec.to_builtins(stage.before)))


def _flat(name: str, value: Any) -> Iterator[tuple[str, int]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            inner_name = f"d{key}" if name == "domains" else key if not name else f"{name}.{key}"
            yield from _flat(inner_name, inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _flat(f"{name}[{index}]", inner)
    elif isinstance(value, int):
        yield name, int(value)
