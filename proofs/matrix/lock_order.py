"""`lock-order` of a generation: the model's reads and writes against its locks; the reference with locks that check.

What a transition of the model touches does not depend on the size of the host. The reference is run breadth first on
tiny hosts: every critical section of every interleaving, each with its locks checked.
"""

from collections.abc import Hashable

from model.properties.lock_order import OUTSIDE, broken_by
from model.semantics import SEMANTICS, TRANSITIONS
from proofs.obligations.obligation import PARAMETRIC, Obligation
from proofs.prover.solve import solve
from proofs.prover.verdict import Settings, Verdict
from proofs.search.events import Trace
from proofs.search.on_reference import Running, Tiny, observed, tiny_hosts
from proofs.search.row_verdict import ANY_HOST, RowVerdict
from proofs.search.small_events import Written, next_events
from reference.locks import CheckedLock, LockError
from reference.status import HypervisorCrash, MisuseError

NAME = "lock-order"
SETTINGS = Settings(cores=False)
Events = tuple[Written, ...]


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
    rules = SEMANTICS[semantics].rules
    found = [f"{name} {text}" for name in SEMANTICS[semantics].transitions for text in broken_by(name, rules)]
    if not SEMANTICS[semantics].lacks("copies"):
        for name in SEMANTICS[semantics].transitions:
            if OUTSIDE in TRANSITIONS[name].tags and not _keeps_copies(semantics, name):
                found.append(f"{name} may leave a copy too small")
    return found


def _keeps_copies(semantics: str, transition: str) -> bool:
    asked = Obligation(semantics, f"{NAME}.copies", transition, PARAMETRIC)
    return solve(asked, SETTINGS).verdict is Verdict.PROVED


def search(semantics: str, depth: int, pages: int = 2) -> Trace | None:
    """The fewest events after which a lock was passed over, then nodes and pages; one domain."""
    hosts = tiny_hosts(Tiny(semantics, NAME, nodes=2, pages=pages))
    newest: dict[tuple[int, ...], list[Events]] = {nodes: [()] for nodes in hosts}
    seen: dict[tuple[int, ...], set[Hashable]] = {nodes: set() for nodes in hosts}
    for _ in range(depth):
        for nodes in hosts:
            former, newest[nodes] = newest[nodes], []
            for events in ((*before, event) for before in former for event in _next(semantics, nodes, before)):
                running = Running(semantics, nodes, check_locks=True)
                broken = passed_over(running, events)
                if broken is None:
                    continue
                if broken:
                    return _trace(running, nodes, events, broken)
                with running.every_lock():
                    key = running.key()
                if key not in seen[nodes]:
                    seen[nodes].add(key)
                    newest[nodes].append(events)
    return None


def _next(semantics: str, nodes: tuple[int, ...], events: Events) -> list[Written]:
    if not events:
        affinity = list(range(len(nodes)))
        return [{"op": "create_domain", "domid": 0, "max_pages": sum(nodes), "node_affinity": affinity}]
    running = Running(semantics, nodes)
    for event in events:
        running.do(event)
    return list(next_events(running.host, sorted(running.begun), 0, not running.killing))


def passed_over(running: Running, events: Events) -> list[str] | None:
    """Run them: what was touched without its lock; none where they are not possible, or the host stops."""
    broken: list[str] = []
    try:
        for event in events:
            running.do(event)
    except (MisuseError, HypervisorCrash):
        return None
    except LockError as error:
        broken.append(str(error))
    for domain in running.host.domains.values():
        if isinstance(domain.page_alloc_lock, CheckedLock):
            broken += domain.page_alloc_lock.passed_over
    return broken


def _trace(running: Running, nodes: tuple[int, ...], events: Events, broken: list[str]) -> Trace:
    again = Running(running.host.semantics.name, nodes)
    states = [observed(again)]
    for event in events:
        again.do(event)
        states.append(observed(again))
    shape = {"node_span": again.host.node_span, "nodes": list(nodes)}
    said = [f"{NAME}: {text}" for text in broken]
    return Trace(running.host.semantics.name, "", NAME, shape, list(events), [], states, said)
