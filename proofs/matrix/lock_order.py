"""`lock-order` of a generation: the model's reads and writes against its locks; the reference with locks that check.

What a transition of the model touches does not depend on the size of the host. The reference is run breadth first on
tiny hosts: every critical section of every interleaving, each with its locks checked.
"""

from functools import partial

from model.named import GENERATIONS, TRANSITIONS
from model.properties.lock_order import OUTSIDE, broken_by
from proofs.explore.explorer import Events, Explorer
from proofs.explore.next_events import next_events
from proofs.explore.running import RunningHost, State
from proofs.explore.tiny import Nodes, Sizes, created, tiny_hosts
from proofs.obligations.obligation import PARAMETRIC, Obligation
from proofs.operations import EventFields
from proofs.prover.solve import solve
from proofs.prover.verdict import Settings, Verdict
from proofs.search.events import Trace
from proofs.search.on_reference import observed
from proofs.search.row_verdict import ANY_HOST, RowVerdict
from reference.locks import CheckedLock, LockError
from reference.status import HypervisorCrash, MisuseError

NAME = "lock-order"
SETTINGS = Settings(cores=False)


def judge(semantics: str, _conditions: tuple[str, ...] = (), depth: int = 4) -> RowVerdict:
    """Proved if neither the model nor the reference finds anything; refuted by what the reference does."""
    found = violations(semantics)
    trace = search(semantics, depth)
    if trace is not None:
        return RowVerdict(Verdict.REFUTED, "; ".join(found), trace)
    if found:
        return RowVerdict(Verdict.UNKNOWN, f"{'; '.join(found)}; the reference shows none of it in {depth} events")
    return RowVerdict(Verdict.PROVED, ANY_HOST)


def violations(semantics: str) -> list[str]:
    """What the transitions of the model do against the order of locks."""
    rules = GENERATIONS[semantics].rules
    found = [f"{name} {text}" for name in GENERATIONS[semantics].transitions for text in broken_by(name, rules)]
    if not GENERATIONS[semantics].lacks("copies"):
        for name in GENERATIONS[semantics].transitions:
            if OUTSIDE in TRANSITIONS[name].tags and not _keeps_copies(semantics, name):
                found.append(f"{name} may leave a copy too small")
    return found


def _keeps_copies(semantics: str, transition: str) -> bool:
    asked = Obligation(semantics, f"{NAME}.copies", transition, PARAMETRIC)
    return solve(asked, SETTINGS).verdict is Verdict.PROVED


def search(semantics: str, depth: int, pages: int = 2) -> Trace | None:
    """The fewest events after which a lock was passed over, then nodes and pages; one domain."""
    sizes = Sizes(partial(_explorer, semantics), range(1, 2), tiny_hosts(2, pages))
    for events in range(1, depth + 1):
        found = sizes.deepen(events, last=events == depth)
        if found is not None:
            return _trace(semantics, found.nodes, found.events, found.found)
    return None


class _WatchedFields:
    """A host whose locks check: what was touched without its lock is the outcome of an event."""

    def __init__(self, semantics: str, nodes: Nodes) -> None:
        self.running = RunningHost(semantics, nodes, check_locks=True)
        self.state, self.is_in, self.bring_back = self.running.state, self.running.is_in, self.running.bring_back

    def do(self, written: EventFields) -> list[str]:
        for domain in self.running.created.values():
            if isinstance(domain.page_alloc_lock, CheckedLock):
                domain.page_alloc_lock.passed_over.clear()
        return _passed_over(self.running, (written,))

    def choices(self) -> list[EventFields]:
        """As in every search."""
        running = self.running
        with running.every_lock():
            return list(next_events(running.host, sorted(running.begun), 0, not running.killing))


def _explorer(semantics: str, domains: int, nodes: Nodes) -> Explorer[State, list[str], list[str]]:
    watched, starts = _WatchedFields(semantics, nodes), created(nodes, domains, (sum(nodes),))
    return Explorer(
        watched, starts, watched.choices, lambda moment: moment.outcome or None, State.key, judge_starts=True
    )


def passed_over(running: RunningHost, events: Events) -> list[str] | None:
    """Run them: what was touched without its lock; none where they are not possible, or the host stops."""
    try:
        return _passed_over(running, events)
    except (MisuseError, HypervisorCrash):
        return None


def _passed_over(running: RunningHost, events: Events) -> list[str]:
    broken: list[str] = []
    try:
        for event in events:
            running.do(event)
    except LockError as error:
        broken.append(str(error))
    for domain in running.host.domains.values():
        if isinstance(domain.page_alloc_lock, CheckedLock):
            broken += domain.page_alloc_lock.passed_over
    return broken


def _trace(semantics: str, nodes: Nodes, events: Events, broken: list[str]) -> Trace:
    again = RunningHost(semantics, nodes)
    states = [observed(again)]
    for event in events:
        again.do(event)
        states.append(observed(again))
    shape = {"node_span": again.host.node_span, "nodes": list(nodes)}
    said = [f"{NAME}: {text}" for text in broken]
    return Trace(semantics, "", NAME, shape, list(events), [], states, said)
