"""A question: which events may occur, and what must happen. The answer is a shortest trace, found breadth first.

Fewest events, then domains, nodes and pages; all domains are created first. The traces are stored next to the findings
of the matrix, and recorded by running them on the reference with every lock and page count checked.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, get_args

import msgspec

from proofs.explore import explorer
from proofs.explore.explorer import Events, Explorer
from proofs.explore.running import RunningHost, State
from proofs.explore.tiny import Nodes, Sizes, created, tiny_hosts
from proofs.matrix.findings import FOLDER, as_good, recorded
from proofs.operations import EventFields, Events2, Outcome
from proofs.operations import State as Counters
from proofs.questions.bearing import TraceBearing
from proofs.replay.observe import observe
from proofs.search.events import Trace
from proofs.traces.events import least_span
from proofs.versions import versions
from reference.state import Host, all_locks


@dataclass(frozen=True)
class QuestionMoment:
    """An event that was run: its outcome, the counters before it, and the host after it."""

    event: EventFields
    outcome: dict[str, Any]
    before: Counters
    host: Host
    settled: bool
    """No builder has an operation in flight."""

    def did(self, op: str, **arguments: Any) -> bool:
        """Whether the event is of that kind."""
        return self.event["op"] == op and all(self.event.get(name) == value for name, value in arguments.items())


@dataclass(frozen=True)
class Question:
    """A question about a generation or a variant of it."""

    name: str
    """The name of the file with the trace."""
    semantics: str
    asks: str
    """What happens in the trace, in one sentence."""
    may: Callable[[RunningHost], Iterator[EventFields]]
    """The events that may come next, in addition to those that create domains."""
    happens: Callable[[QuestionMoment], str]
    """What an event shows, with numbers; empty: not what the question is about. Called with all locks held."""
    bears_on: tuple[TraceBearing, ...] = ()
    """The statements of the design that the trace contradicts or qualifies; their verdicts count it."""
    compared: tuple[str, ...] = ()
    """Generations in which the same calls are run for comparison."""
    nodes: int = 1
    domains: int = 1
    pages: int = 2
    """The most pages of all nodes together."""
    depth: int = 7
    limits: range | None = None
    """max_pages of new domains; empty: every value up to the host's pages."""
    hosts: tuple[tuple[int, ...], ...] = ()
    """The pages of the nodes for each host to try; empty: all hosts up to the size."""
    remembers: bool = False
    """The answer depends on the ledgers of claims, in addition to the state."""

    @property
    def path(self) -> Path:
        """Where the trace is stored."""
        return FOLDER / self.semantics / "questions" / f"{self.name}.jsonl"


@dataclass(frozen=True)
class QuestionAnswer:
    """A shortest trace, and what it shows."""

    nodes: tuple[int, ...]
    events: Events
    shows: str


class UnansweredQuestionError(Exception):
    """There is no trace within the bounds of the question."""


def pages_of(count: int) -> str:
    """A number of pages, in words."""
    return f"{count} page{'' if count == 1 else 's'}"


def answer(question: Question) -> QuestionAnswer:
    """The shortest trace that answers the question.

    :raises UnansweredQuestionError: there is no trace within the bounds
    """
    hosts = list(question.hosts) or tiny_hosts(question.nodes, question.pages)
    sizes = Sizes(partial(_explorer, question), range(1, question.domains + 1), hosts)
    for depth in range(1, question.depth + 1):
        found = sizes.deepen(depth, last=depth == question.depth)
        if found is not None:
            return QuestionAnswer(*found)
    raise UnansweredQuestionError(f"{question.semantics}: {question.name}: no trace of at most {question.depth} events")


def _explorer(question: Question, domains: int, nodes: Nodes) -> Explorer[State, Outcome, str]:
    running = RunningHost(question.semantics, nodes)
    before = observe(running.host)

    def may() -> Iterator[EventFields]:
        nonlocal before
        before = observe(running.host)
        return question.may(running)

    def happens(done: explorer.Moment[State, Outcome]) -> str | None:
        return _shown(question, running, before, done.event, done.outcome) or None

    limits = range(sum(nodes) + 1) if question.limits is None else question.limits
    starts = created(nodes, domains, limits)
    return Explorer(running, starts, may, happens, lambda state: state.key(whole_ledger=question.remembers))


def _shown(
    question: Question, running: RunningHost, before: Counters, event: EventFields, outcome: Outcome | None
) -> str:
    """What an event shows; empty: not what the question is about."""
    with all_locks(running.host):
        return question.happens(QuestionMoment(event, outcome or {}, before, running.host, not running.begun))


def lines_of(question: Question, found: QuestionAnswer) -> bytes:
    """The trace as lines of the trace format, with the properties that the reference finds violated."""
    shape = {"node_span": least_span(found.nodes), "nodes": list(found.nodes)}
    trace = Trace(question.semantics, "", question.name, shape, list(found.events), [], [], [found.shows])
    source = f"claimcheck {versions()['claimcheck']}: {question.asks} {found.shows}"
    return recorded(trace, source)[0]


class StoredQuestion:
    """A stored trace: its host, the requests of its events, what it shows, and the violated properties."""

    def __init__(self, question: Question, lines: bytes = b"") -> None:
        header, _boot, *events = map(msgspec.json.decode, (lines or question.path.read_bytes()).splitlines())
        self.nodes = tuple(header["host"]["nodes"])
        self.shows: str = header["source"].partition(f"{question.asks} ")[2]
        self.breaks: list[str] = header.get("expect", [])
        self.events: Events = tuple(_asked(event) for event in events)


def _asked(event: EventFields) -> EventFields:
    """Without what came of it; which block was taken is a choice, and stays."""
    outcome = {*_OBSERVED[event["op"]], "state", "crash"}
    if event["op"] == "alloc_heap_pages" and event["mfn"] is not None:
        outcome.remove("mfn")
    return {name: value for name, value in event.items() if name not in outcome}


_OBSERVED = {kind.__struct_config__.tag: kind.observed for kind in get_args(Events2)}


def still_shown(question: Question) -> str:
    """What the stored trace shows when it is run again; empty if it does not happen any more."""
    return shown_by(question, StoredQuestion(question))


def shown_by(question: Question, found: StoredQuestion) -> str:
    """What a trace shows when it is run again; empty if it does not happen in it."""
    running = RunningHost(question.semantics, found.nodes)
    for event in found.events[:-1]:
        running.do(event)
    before, last = observe(running.host), found.events[-1]
    return _shown(question, running, before, last, running.do(last))


def write(questions: list[Question], only_say: bool = False) -> list[Path]:
    """Store the traces that are new, or longer or shorter than the stored ones; returns the changed files."""
    changed = []
    for question in questions:
        lines = lines_of(question, answer(question))
        path = question.path
        if not (path.exists() and as_good(path.read_bytes(), lines) and still_shown(question)):
            changed.append(path)
            if not only_say:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(lines)
    return changed
