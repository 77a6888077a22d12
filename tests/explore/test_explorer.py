"""The explorer: what it puts back is the former state, whole; what it reaches, the same events reach from boot."""

from collections.abc import Hashable, Iterator
from enum import Enum
from typing import Any

import pytest

from proofs.explore.explorer import Explorer
from proofs.explore.in_flight import where
from proofs.explore.next_events import next_events
from proofs.explore.running import RunningHost, State
from proofs.explore.tiny import created, tiny_hosts
from proofs.operations import EventFields
from reference.page_alloc import alloc_domheap_pages
from reference.pages import PageState
from reference.state import boot, create_domain
from reference.steps import run
from tests.sampled import sampled

NODES = (2, 1)
IN_NO_STATE = {"semantics", "heap_lock", "page_alloc_lock", "block_policy", "locks_held", "_queue"}
"""Rules, locks, and what follows from the free blocks."""


def described(value: Any, seen: tuple[int, ...] = ()) -> Any:
    """Everything that hangs on an object of the reference, field by field, by the fields of its class."""
    if value is None or isinstance(value, int | str | Enum):
        return value
    if id(value) in seen:
        return "above"
    seen = (*seen, id(value))
    if isinstance(value, dict):
        return [(key, described(item, seen)) for key, item in value.items()]
    if isinstance(value, set):
        return sorted(value)
    if isinstance(value, list | tuple | range):
        return [described(item, seen) for item in value]
    names = [name for cls in type(value).__mro__ for name in getattr(cls, "__slots__", ())]
    assert names, type(value)
    return [(name, described(getattr(value, name), seen)) for name in names if name not in IN_NO_STATE]


def explorer_of(running: RunningHost, domains: int = 1, whole: bool = True) -> Explorer[State, Any, None]:
    def choices() -> Iterator[EventFields]:
        return next_events(running.host, sorted(running.begun), 1, not running.killing)

    def key(state: State) -> Hashable:
        return state.key(whole_ledger=whole)

    return Explorer(running, created(NODES, domains, range(1, sum(NODES) + 1)), choices, lambda _moment: None, key)


def all_after(explorer: Explorer[Any, Any, Any], deepened: int) -> None:
    for _ in range(deepened):
        assert explorer.deepen() is None


@pytest.mark.parametrize(
    "semantics",
    sampled(
        ["claim-sets", "claim-sets-hardened", "single-node-v4", "mainline-4.22"], keep={"claim-sets", "mainline-4.22"}
    ),
)
def test_restored_state_equals_the_former_one(semantics: str) -> None:
    running = RunningHost(semantics, NODES)
    explorer = explorer_of(running)
    all_after(explorer, 3)
    undone = 0
    for place in explorer.newest[::29]:
        if place.state.begun:
            continue
        running.bring_back(place.state)
        before = described(running.host)
        for event in list(explorer.choices()):
            running.do(event)
            undone += described(running.host) != before
            running.bring_back(place.state)
            assert described(running.host) == before, event
            assert running.is_in(place.state)
    assert undone > 30


@pytest.mark.parametrize("check_locks", [False, True])
def test_place_is_reached_by_its_path_from_boot(check_locks: bool) -> None:
    running = RunningHost("claim-sets", NODES, check_locks)
    explorer = explorer_of(running) if not check_locks else locked(running)
    all_after(explorer, 3)
    in_flight = 0
    for place in explorer.newest[::11]:
        explorer.subject.bring_back(place.state)
        again = from_boot("claim-sets", NODES, place.path())
        with running.every_lock():
            assert described(running.host) == described(again.host), place.path()
        assert {b: (o.event, o.done) for b, o in running.begun.items()} == {
            b: (o.event, o.done) for b, o in again.begun.items()
        }
        in_flight += bool(again.begun)
    assert in_flight > 5


def locked(running: RunningHost) -> Explorer[State, Any, None]:
    explorer = explorer_of(running)

    def choices() -> list[EventFields]:
        with running.every_lock():
            return list(next_events(running.host, sorted(running.begun), 1, not running.killing))

    explorer.choices = choices
    return explorer


def from_boot(semantics: str, nodes: tuple[int, ...], events: tuple[EventFields, ...]) -> RunningHost:
    running = RunningHost(semantics, nodes)
    for event in events:
        running.do(event)
    return running


def test_explorer_reaches_as_many_states_as_runs_from_boot() -> None:
    explorer = explorer_of(RunningHost("claim-sets", NODES))
    all_after(explorer, 3)
    tried, seen = 0, set()
    reached = list(created(NODES, 1, range(1, sum(NODES) + 1)))
    for _ in range(2):
        former, reached = reached, []
        for events in former:
            running = from_boot("claim-sets", NODES, events)
            in_flight = sorted(str(of.event) for of in running.begun.values())
            state = str((described(running.host), described(running.created), in_flight))
            if state not in seen:
                seen.add(state)
                possible = list(next_events(running.host, sorted(running.begun), 1, not running.killing))
                reached += [(*events, event) for event in possible]
                tried += len(possible)
    assert explorer.tried == tried


def test_operation_resumes_after_others_ran_in_between() -> None:
    """Continued, it does what it does when all is run from boot: it began with the domain alive."""
    running = RunningHost("legacy-2013", (2,))
    explorer = explorer_of_2013(running)
    all_after(explorer, 4)
    ended = [p for p in explorer.newest if p.events[0]["op"] == "continue" and len({e["op"] for e in p.path()}) == 4]
    assert ended
    for place in ended:
        running.bring_back(place.state)
        again = from_boot("legacy-2013", (2,), place.path())
        assert described(running.host) == described(again.host)


def explorer_of_2013(running: RunningHost) -> Explorer[State, Any, None]:
    def choices() -> Iterator[EventFields]:
        possible = next_events(running.host, sorted(running.begun), 0, not running.killing)
        return (event for event in possible if event["op"] in ("claim_pages", "domain_kill", "continue"))

    return Explorer(running, created((2,), 1, [2]), choices, lambda _moment: None, State.key)


class ForgetfulHost(RunningHost):
    """Does not bring back what a domain claims."""

    def bring_back(self, state: State) -> None:
        claims = {domid: list(domain.claims) for domid, domain in self.created.items()}
        super().bring_back(state)
        for domid, domain in self.created.items():
            domain.claims = claims.get(domid, domain.claims)


def test_nondeterministic_events_are_an_error() -> None:
    explorer = explorer_of(ForgetfulHost("claim-sets", NODES))
    with pytest.raises(RuntimeError, match="run again, these events lead elsewhere"):
        all_after(explorer, 4)


def test_operations_in_flight_differ_by_what_they_hold() -> None:
    """The frame that was allocated and not yet assigned is in no event."""
    host = boot((4,), 4, RunningHost("claim-sets", (4,)).host.semantics, check_locks=False)
    domain = create_domain(host, 0, 4)
    one, other = alloc_domheap_pages(host, domain, 0), alloc_domheap_pages(host, domain, 0)
    next(one)
    first = where(one, host.domains)
    assert where(one, host.domains) == first
    next(other)
    assert where(other, host.domains) != first
    assert isinstance(run(one), int)


def test_blocks_in_flight_are_not_interchangeable() -> None:
    running = RunningHost("claim-sets", (2,))
    running.do({"op": "create_domain", "domid": 0, "max_pages": 2, "node_affinity": [0]})
    running.do({"op": "alloc_domheap_pages", "domid": 0, "order": 0, "node": 0, "memflags": []})
    (block,) = running.host.pages.blocks.values()
    assert block.state is PageState.ASSIGNED
    running.do({"op": "memory_exchange", "domid": 0, "in_mfns": [0], "in_order": 0, "out_order": 0, "builder": "b"})
    running.do({"op": "continue", "builder": "b"})
    assert running.state().key() != running.state().key()


def test_block_choice_of_a_refused_request_is_dropped() -> None:
    """A builder continues with the lowest free block, independent of an earlier request that was refused."""
    running = RunningHost("claim-sets", (4,))
    for event in (
        {"op": "create_domain", "domid": 0, "max_pages": 4, "node_affinity": [0]},
        {"op": "create_domain", "domid": 1, "max_pages": 4, "node_affinity": [0]},
        {"op": "populate_physmap", "domid": 1, "nr_extents": 1, "extent_order": 0, "builder": "b"},
        {"op": "install_claim_set", "domid": 1, "claims": [{"pages": 4, "target": 0}]},
        {"op": "alloc_heap_pages", "domid": 0, "order": 0, "node": 0, "memflags": ["exact_node"], "mfn": 3},
        {"op": "continue", "builder": "b"},
    ):
        running.do(event)
    assert 0 in running.host.pages.blocks
    assert 3 not in running.host.pages.blocks


def test_tiny_hosts_are_ordered_by_size() -> None:
    assert tiny_hosts(2, 3) == [(1,), (2,), (3,), (1, 1), (1, 2), (2, 1)]
