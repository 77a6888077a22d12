"""`lock-order`: what each critical section reads and writes, against the locks it holds."""

import pytest

from model.bounded import BoundedHost
from model.semantics import SEMANTICS, TRANSITIONS
from model.state import DOMCTL_LOCK, FIELDS, HEAP_LOCK, PAGE_ALLOC_LOCK
from model.step import Step
from model.watched import watched

ORDER = [DOMCTL_LOCK, PAGE_ALLOC_LOCK, HEAP_LOCK]


def built(name: str) -> tuple[Step, set[str]]:
    host = BoundedHost(2, 2)
    state = watched(host.state())
    step = Step(host, state)
    TRANSITIONS[name].build(step, SEMANTICS["claim-sets"].rules)
    for guard in step.guards:
        guard.formula(host)
    return step, state.read


@pytest.mark.parametrize("name", TRANSITIONS)
def test_locks_are_taken_in_order(name: str) -> None:
    locks = list(TRANSITIONS[name].locks)
    assert locks == sorted(locks, key=ORDER.index)


# create_domain sets the limit of a domain that nobody can see yet.
@pytest.mark.parametrize("name", [t for t in TRANSITIONS if t != "create_domain"])
def test_counters_are_touched_under_their_lock_only(name: str) -> None:
    step, read = built(name)
    touched = {f for f in read | set(step.updates) if FIELDS[f].lock in (HEAP_LOCK, PAGE_ALLOC_LOCK)}
    assert {f for f in touched if FIELDS[f].lock not in TRANSITIONS[name].locks} == set()


def test_the_allocator_reads_no_limit() -> None:
    _step, read = built("alloc_heap_pages")
    assert not read & {"tot_pages", "max_pages"}


def test_only_domctls_and_the_kill_write_what_the_domctl_lock_protects() -> None:
    writers = {n for n in TRANSITIONS if any(FIELDS[f].lock == DOMCTL_LOCK for f in built(n)[0].updates)}
    assert writers == {"create_domain", "domain_kill", "domain_kill_release"}
