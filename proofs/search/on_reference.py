"""Breadth-first search over the reference itself, heap and all: the smallest trace to a state that breaks a property.

Every event with small arguments, in every order, on every tiny host; a state is reached from boot by running its events
again. All domains are created first, which loses no trace (see `proofs.search.unroll`). For what the model leaves out,
such as larger blocks, and for semantics that have no model.
"""

import time
from collections.abc import Hashable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any

import msgspec

from proofs.operations import Events2
from proofs.replay.observe import observe
from proofs.replay.replay import ObservedBlock
from proofs.search.events import Counters, Trace
from proofs.search.fulfilled import ON_REFERENCE, free_blocks
from proofs.search.minimise import Found
from proofs.search.small_events import Written, next_events
from reference.generations import SEMANTICS
from reference.state import Domain, Host, all_locks, boot
from reference.status import HypervisorCrash, MisuseError
from reference.steps import run


@dataclass(frozen=True)
class Tiny:
    """What is searched for, and on which hosts: all up to these sizes."""

    semantics: str
    property: str
    """A name in `ON_REFERENCE`."""
    depth: int = 4
    nodes: int = 2
    domains: int = 2
    pages: int = 3
    """Of all nodes together."""
    order: int = 1
    """The largest block that is asked for: 2^order pages."""
    without: tuple[str, ...] = ()
    """Operations that nobody does."""


class Running:
    """A host of the reference while the events of a trace are done on it, one critical section each."""

    def __init__(self, semantics: str, node_pages: tuple[int, ...], check_locks: bool = False) -> None:
        self.policy = ObservedBlock()
        span = 1 << (max(node_pages) - 1).bit_length()
        rules = SEMANTICS[semantics]
        self.host: Host = boot(node_pages, span, rules, block_policy=self.policy, check_locks=check_locks)
        self.begun: dict[str, tuple[Any, Written, int]] = {}
        """Of each builder in the middle of an operation: what is left of it, its event, critical sections done."""
        self.created: dict[int, Domain] = {}
        """Every domain that there was: who is in the middle of something goes on with one that is destroyed."""

    def do(self, written: Written) -> dict[str, Any]:
        """One event; gives the outcome, if the operation ends with it."""
        if written["op"] == "continue":
            steps, event, done = self.begun.pop(written["builder"])
            return self._section(steps, event, done)
        event = msgspec.convert(written, Events2)
        if event.observed:
            self.policy.expect(event)
        outcome = event.on_reference(self.host)
        self.created |= self.host.domains
        if isinstance(outcome, dict):
            return outcome
        return self._section(outcome, written, 0) if "builder" in written else run(outcome)

    def _section(self, steps: Any, event: Written, done: int) -> dict[str, Any]:
        try:
            next(steps)
        except StopIteration as end:
            ended: dict[str, Any] = end.value
            return ended
        self.begun[event["builder"]] = (steps, event, done + 1)
        return {}

    @property
    def killing(self) -> bool:
        """Whether a domain_kill is in progress, which holds the domctl lock."""
        return any(event["op"] == "domain_kill" for _steps, event, _done in self.begun.values())

    def broken(self, prop: str) -> list[str]:
        """What is broken now. A dying domain may hold claims between the two critical sections of domain_kill."""
        if prop == "dead-hold-nothing" and self.killing:
            return []
        with all_locks(self.host):
            return ON_REFERENCE[prop](self.host)

    @contextmanager
    def every_lock(self) -> Iterator[None]:
        """Hold the locks of all domains that there were, and of the host: for an observer."""
        with ExitStack() as locks:
            for domain in self.created.values():
                locks.enter_context(domain.page_alloc_lock)
            locks.enter_context(self.host.heap_lock)
            yield

    def key(self) -> Hashable:
        """Equal for states from which the same can happen: builders' names and the parts of the ledger are left out."""
        host = self.host
        begun = sorted(
            (tuple((k, str(v)) for k, v in e.items() if k != "builder"), n) for _s, e, n in self.begun.values()
        )
        blocks = sorted((b.mfn, b.order, b.state.value, b.domid, b.refcounted) for b in host.pages.blocks.values())
        domains = [
            (
                (d.domid, d.max_pages, d.tot_pages, d.last_alloc_node, d.is_dying, d.is_destroyed, d.history.lost),
                (*d.claims, d.node_claims, d.global_claims, d.claim_node, str(d.pending_scrub)),
            )
            for d in self.created.values()
        ]
        counters = (host.total_avail_pages, host.outstanding_claims, *host.node_outstanding_claims)
        pages = host.pages
        marked = str([sorted(frames) for frames in (pages.offlined, pages.offlining, pages.lost_marks)])
        ledgers = [
            [
                i - (r + gone + back)
                for i, r, gone, back in zip(h.installed, h.redeemed, h.released, h.recalled, strict=True)
            ]
            for h in (d.history for d in host.domains.values())
        ]
        return (counters, tuple(domains), tuple(blocks), marked, str(begun), str(ledgers))


Events = tuple[Written, ...]


def search_reference(asked: Tiny) -> Found:
    """The fewest events, then domains, nodes and pages; of these traces the one that is tried first."""
    started = time.perf_counter()
    how = f"on the reference, breadth first, at most {asked.pages} pages in all, blocks of at most {1 << asked.order}"
    reached: dict[tuple[int, tuple[int, ...]], _Level] = {}
    for depth in range(asked.depth + 1):
        for created, node_pages in product(range(min(depth, asked.domains) + 1), tiny_hosts(asked)):
            if depth == created:
                reached[created, node_pages] = _Level(asked, created, node_pages)
            found = reached[created, node_pages].broken_at(depth)
            if found is not None:
                trace = _trace(asked, node_pages, found)
                return Found(trace, depth, time.perf_counter() - started, how=how)
    return Found(None, asked.depth, time.perf_counter() - started, how=how)


def tiny_hosts(asked: Tiny) -> list[tuple[int, ...]]:
    """Pages of the nodes, for every host of at most the asked size: fewest nodes first, then fewest pages."""
    sizes = range(1, asked.pages + 1)
    shapes = [shape for nodes in range(1, asked.nodes + 1) for shape in product(sizes, repeat=nodes)]
    return sorted((s for s in shapes if sum(s) <= asked.pages), key=lambda s: (len(s), sum(s), s))


class _Level:
    """The new states of one host after a number of events, each with the events that lead there."""

    def __init__(self, asked: Tiny, created: int, node_pages: tuple[int, ...]) -> None:
        self.asked, self.node_pages = asked, node_pages
        self.depth = created
        self.seen: set[Hashable] = set()
        self.newest: list[Events] = []
        self.found: Events | None = None
        limits = range(sum(node_pages) + 1)
        for chosen in product(limits, repeat=created):
            self._enter(tuple(_create(node_pages, domid, limit) for domid, limit in enumerate(chosen)))

    def _run(self, events: Events) -> Running:
        running = Running(self.asked.semantics, self.node_pages)
        for event in events:
            running.do(event)
        return running

    def _enter(self, events: Events) -> bool:
        """Note the state if it is new; whether it breaks the property."""
        try:
            running = self._run(events)
        except (MisuseError, HypervisorCrash):
            return False  # not possible in this semantics, or the end of the host
        key = running.key()
        if key in self.seen:
            return False
        self.seen.add(key)
        self.newest.append(events)
        if self.found is None and running.broken(self.asked.property):
            self.found = events
        return self.found is not None

    def broken_at(self, depth: int) -> Events | None:
        """The first events found that lead to a broken state at this depth."""
        if self.found is None and self.depth < depth:
            self.depth = depth
            former, self.newest = self.newest, []
            for events in former:
                if any(self._enter((*events, event)) for event in self._next(events)):
                    break
        return self.found

    def _next(self, events: Events) -> Iterator[Written]:
        running = self._run(events)
        possible = next_events(running.host, sorted(running.begun), self.asked.order, not running.killing)
        return (event for event in possible if event["op"] not in self.asked.without)


def _create(node_pages: tuple[int, ...], domid: int, limit: int) -> Written:
    affinity = list(range(len(node_pages)))
    return {"op": "create_domain", "domid": domid, "max_pages": limit, "node_affinity": affinity}


def _trace(asked: Tiny, node_pages: tuple[int, ...], events: Events) -> Trace:
    """The trace, run once more with every lock checked, and with the outcomes written down."""
    running = Running(asked.semantics, node_pages, check_locks=True)
    states = [observed(running)]
    written = []
    for event in events:
        written.append({**event, **msgspec.to_builtins(running.do(event))})
        states.append(observed(running))
    shape = {"node_span": running.host.node_span, "nodes": list(node_pages)}
    return Trace(asked.semantics, "", asked.property, shape, written, [], states, running.broken(asked.property))


def observed(running: Running) -> Counters:
    """The counters after an event; `free_blocks` are (mfn, order), per node."""
    with all_locks(running.host):
        free = [[list(block) for block in node] for node in free_blocks(running.host)]
    observed = msgspec.to_builtins(observe(running.host))
    for domid, counters in observed.pop("domains").items():
        observed |= {f"d{domid}.{name}": value for name, value in counters.items()}
    return {**observed, "free_blocks": free}
