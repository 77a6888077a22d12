"""`lock-order`: each critical section holds the locks of the fields that it reads and writes.

Claims and free pages are under heap_lock, tot_pages and max_pages under page_alloc_lock; locks are taken in one order.
The reads and writes of a transition do not depend on the size of the host, so the result holds for any host.
"""

from model.encoding import Quantifiers
from model.hosts.bounded import BoundedHost
from model.logic import Term, all_of, any_of, negation
from model.properties.property import of_step
from model.registry import TRANSITIONS
from model.rules import Rules
from model.state import DOMCTL_LOCK, FIELDS, HEAP_LOCK, PAGE_ALLOC_LOCK
from model.step import Step, TwoStates
from model.watched import watched

ORDER = (DOMCTL_LOCK, PAGE_ALLOC_LOCK, HEAP_LOCK)
NOT_YET_SEEN = "create_domain"
"""The transition that sets the limit of a domain before any other CPU can see the domain."""
RENAMES = "destroy_domain"
"""The transition after which the model counts claims as orphaned; the hypervisor does not access them there."""
OF_CLAIMS = frozenset({"claims", "node_claims", "global_claims", "orphaned_claims"})
COPIED = ("tot_pages", "max_pages")
"""Fields of which the allocator keeps copies under heap_lock, if it charges pages when they leave the heap."""
OUTSIDE = "outside-heap-lock"


def touched(transition: str, rules: Rules) -> tuple[set[str], set[str]]:
    """The fields that a critical section reads, and those that it writes."""
    host = BoundedHost(2, 2)
    state = watched(host.state())
    step = Step(host, state)
    TRANSITIONS[transition].build(step, rules)
    for guard in step.guards:
        guard.formula(host)
    return state.read, set(step.updates)


def broken_by(transition: str, rules: Rules) -> list[str]:
    """The violations of the lock order by a critical section, in words; empty: it has no violations."""
    locks = TRANSITIONS[transition].locks_under(rules)
    found = [] if list(locks) == sorted(locks, key=ORDER.index) else [f"takes {', '.join(locks)} in this order"]
    if transition == NOT_YET_SEEN:
        return found
    reads, writes = touched(transition, rules)
    if transition == RENAMES:
        reads, writes = reads - OF_CLAIMS, writes - OF_CLAIMS
    copies = COPIED if rules.keeps_copies() and HEAP_LOCK in locks else ()
    for name in sorted(reads | writes):
        lock = FIELDS[name].lock
        if lock in (HEAP_LOCK, PAGE_ALLOC_LOCK) and lock not in locks and (name in writes or name not in copies):
            found.append(f"{'writes' if name in writes else 'reads'} {name} without {lock}")
    if rules.keeps_copies() and HEAP_LOCK not in locks and OUTSIDE not in TRANSITIONS[transition].tags:
        found.append("is not proved to keep the copies under heap_lock correct")
    return found


@of_step("lock-order.copies", "DS-19 DS-24", only=OUTSIDE, support=True, needs="copies")
def keeps_copies(q: Quantifiers, t: TwoStates) -> Term:
    """A section without heap_lock charges a domain no more pages and leaves max_pages: copies are never too small."""
    before, after = t.before, t.after

    def domain(d: Term) -> Term:
        charged = [s.tot_pages[d] + s.limbo_pages.row(d).total() for s in (before, after)]
        same_limit = after.max_pages[d] == before.max_pages[d]
        return any_of([negation(before.is_created[d]), all_of([charged[1] <= charged[0], same_limit])])

    return q.every_domain(domain)
