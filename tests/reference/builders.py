"""Several builders at once, interleaved at critical sections, drawn by Hypothesis; the checker runs after each step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from reference import domain as domains
from reference import hypercalls, page_alloc
from reference import populate as populating
from reference.claims import ClaimEntry
from reference.constants import (
    CLAIM_TARGET_GLOBAL,
    CLAIM_TARGET_LEGACY,
    MEMF_exact_node,
    MEMF_no_owner,
    MEMF_no_refcount,
)
from reference.generations import GENERATIONS
from reference.pages import Block, PageState
from reference.populate import PreemptionChoice
from reference.properties import check_state
from reference.state import Domain, Host, all_locks, boot, create_domain
from reference.status import Status
from reference.steps import Steps

HOLDS_THROUGHOUT = {"node-backed", "redeemed-once"}
HOLDS_WITHOUT_ORPHANS = {"aggregates-agree", "host-backed"}
NODES = st.sampled_from([None, None, 0, 0, 1, 1, 2, 3])
ORDERS = st.sampled_from([0, 0, 0, 1, 1, 2, 3])
MEMFLAGS = st.sampled_from(
    [0, 0, 0, MEMF_exact_node, MEMF_no_owner, MEMF_no_refcount, MEMF_exact_node | MEMF_no_refcount]
)
PAGES = st.sampled_from([*range(9), *range(9), *range(9), 12, 2**32 - 1, 2**32, 2**64 - 1])
ENTRIES = st.lists(
    st.builds(
        ClaimEntry,
        PAGES,
        st.sampled_from([0, 0, 0, 1, 1, 1, 2, 3, CLAIM_TARGET_GLOBAL, CLAIM_TARGET_GLOBAL, CLAIM_TARGET_LEGACY]),
        st.sampled_from([0] * 15 + [1]),
    ),
    max_size=3,
)
PREEMPTIONS = st.sampled_from(
    [
        None,
        PreemptionChoice(1, 0),
        PreemptionChoice(1, 0),
        PreemptionChoice(0, 1),
        PreemptionChoice(0, 1),
        PreemptionChoice(1, 2),
    ]
)
SEEN: set[str] = set()
"""Operations that were reached, over all examples of a run."""
SITUATIONS: set[str] = set()
"""Likewise situations between them."""


class BuilderOperation(NamedTuple):
    """An operation that has not ended."""

    steps: Steps[Any]
    exchanges: Domain | None = None  # whose pages it exchanges
    frames: frozenset[int] = frozenset()  # that it holds
    kills: Domain | None = None


class Builders(RuleBasedStateMachine):
    """A host, its domains, and operations in flight."""

    host: Host
    semantics = "claim-sets"
    holds_throughout = HOLDS_THROUGHOUT

    def __init__(self) -> None:
        super().__init__()
        self.running: list[BuilderOperation] = []
        self.claiming: Domain | None = None  # who was looked up by a claim call last
        self.scrub_chunk = populating.SCRUB_CHUNK
        populating.SCRUB_CHUNK = 1  # so that small extents are preempted while they are scrubbed

    def teardown(self) -> None:
        populating.SCRUB_CHUNK = self.scrub_chunk

    @initialize(
        nodes=st.lists(st.sampled_from([0, 3, 4, 4, 8, 8]), min_size=1, max_size=3),
        max_pages=st.lists(st.sampled_from([3, 10, 20, 40]), min_size=2),
    )
    def boot(self, nodes: list[int], max_pages: list[int]) -> None:
        SEEN.add("boot")
        self.host = boot(tuple(nodes), 16, GENERATIONS[self.semantics])
        for domid, limit in enumerate(max_pages[:4], 1):
            create_domain(self.host, domid, limit)

    # Choosing what to work on.

    def pick(self, data: st.DataObject) -> int:
        return data.draw(st.sampled_from([*(list(self.host.domains) * 4), 9]), label="domid")

    def idle_blocks(self, wanted: Callable[[Block], bool]) -> list[Block]:
        busy = set().union(*(other.frames for other in self.running))
        return [
            block
            for block in self.host.pages.blocks.values()
            if wanted(block) and busy.isdisjoint(range(block.mfn, block.mfn + block.pages))
        ]

    def being_killed(self, domain: Domain | None) -> bool:
        """Domctls run one at a time: no other kills or destroys a domain before its kill is over."""
        return domain is not None and any(other.kills is domain for other in self.running)

    def start(self, op: str, operation: BuilderOperation | Steps[Any]) -> None:
        SEEN.add(op)
        self.running.append(operation if isinstance(operation, BuilderOperation) else BuilderOperation(operation))
        self.advance(len(self.running) - 1)

    def advance(self, index: int) -> None:
        try:
            next(self.running[index].steps)
        except StopIteration as end:
            del self.running[index]
            if isinstance(end.value, populating.PopulateResult) and end.value.preempted is not None:
                SITUATIONS.add(f"preempted {end.value.preempted}")

    # Operations of several critical sections.

    @precondition(lambda self: self.running)
    @rule(data=st.data(), times=st.integers(1, 4))
    def step(self, data: st.DataObject, times: int) -> None:
        for _ in range(times):
            if self.running:
                self.advance(data.draw(st.integers(0, len(self.running) - 1)))
                self.properties_hold()

    @precondition(lambda self: len(self.running) > 1)
    @rule(data=st.data())
    def step_the_newest(self, data: st.DataObject) -> None:
        self.advance(len(self.running) - 1)

    @precondition(lambda self: self.running)
    @rule()
    def end_the_oldest(self) -> None:
        oldest = self.running[0]
        while self.running and self.running[0] is oldest:
            self.advance(0)
            self.properties_hold()

    @rule(data=st.data(), order=ORDERS, node=NODES, memflags=MEMFLAGS)
    def alloc_domheap_pages(self, data: st.DataObject, order: int, node: int | None, memflags: int) -> None:
        domain = self.host.domains.get(self.pick(data))  # an unknown id: for the hypervisor itself
        self.start("alloc_domheap_pages", page_alloc.alloc_domheap_pages(self.host, domain, order, node, memflags))

    @rule(
        data=st.data(),
        start=st.sampled_from([0, 0, 0, 1]),
        number=st.integers(0, 4),
        order=ORDERS,
        node=NODES,
        memflags=MEMFLAGS,
        preempt_at=PREEMPTIONS,
    )
    def populate_physmap(
        self,
        data: st.DataObject,
        start: int,
        number: int,
        order: int,
        node: int | None,
        memflags: int,
        preempt_at: PreemptionChoice | None,
    ) -> None:
        memflags &= ~MEMF_no_owner  # populate_physmap has no such flag
        domid = self.pick(data)
        steps = populating.populate_physmap(self.host, domid, number, order, node, memflags, start, preempt_at)
        self.start("populate_physmap", steps)

    @rule(data=st.data())
    def free_domheap_pages(self, data: st.DataObject) -> None:
        exchanging = any(other.exchanges for other in self.running)
        blocks = self.idle_blocks(
            lambda block: block.state is PageState.ASSIGNED or (block.state is PageState.ANONYMOUS and not exchanging)
        )
        if blocks:
            block = data.draw(st.sampled_from(blocks))
            order = data.draw(st.integers(0, block.order))
            frames = frozenset(range(block.mfn, block.mfn + block.pages))
            steps = page_alloc.free_domheap_pages(self.host, block.mfn, order)
            self.start("free_domheap_pages", BuilderOperation(steps, frames=frames))

    @rule(data=st.data(), number=st.integers(1, 3), out_order=st.integers(0, 2), node=NODES)
    def memory_exchange(self, data: st.DataObject, number: int, out_order: int, node: int | None) -> None:
        blocks = self.idle_blocks(lambda block: block.state is PageState.ASSIGNED)
        if blocks:
            block = data.draw(st.sampled_from(blocks))
            in_order = data.draw(st.integers(0, block.order))
            mfns = [block.mfn + (extent << in_order) for extent in range(number)]  # may run over the block's end
            assert block.owner is not None
            steps = hypercalls.memory_exchange(self.host, block.owner.domid, mfns, in_order, out_order, node)
            self.start("memory_exchange", BuilderOperation(steps, exchanges=block.owner))

    @rule(data=st.data(), pages=PAGES, bad=st.sampled_from([{}, {}, {"extent_order": 1}, {"mem_flags": 1}]))
    def claim_pages(self, data: st.DataObject, pages: int, bad: dict[str, int]) -> None:
        domid = self.pick(data)
        self.claiming = self.host.domains.get(domid)
        self.start("claim_pages", hypercalls.claim_pages(self.host, domid, pages, **bad))

    @rule(data=st.data(), stage=st.sampled_from(["kill", "relinquish", "destroy", "destroydomain"]))
    def end_of_a_domain(self, data: st.DataObject, stage: str) -> None:
        domid = self.pick(data)
        domain = self.host.domains.get(domid)
        if stage == "destroydomain":
            if not self.being_killed(domain):
                self.start("destroydomain", BuilderOperation(hypercalls.destroydomain(self.host, domid), kills=domain))
        elif domain is None:
            pass
        elif stage == "kill":
            if not self.being_killed(domain):
                self.start("domain_kill", BuilderOperation(domains.domain_kill(self.host, domain), kills=domain))
        elif not domain.is_dying:
            pass
        elif stage == "relinquish":
            self.start("relinquish_memory", domains.relinquish_memory(self.host, domain))
        elif not list(self.host.pages.of_domain(domain)) and not self.being_killed(domain):
            SEEN.add("domain_destroy")
            domains.domain_destroy(self.host, domain)

    @rule(data=st.data())
    def destroy_a_domain_that_is_worked_on(self, data: st.DataObject) -> None:
        """To its end, while pages are on their way to it, its last page is being freed, or it exchanges."""
        busy = [block.owner for block in self.host.pages.in_limbo()] + [other.exchanges for other in self.running]
        busy += [domain for domain in self.host.domains.values() if domain.last_frees]
        busy += [self.claiming] if self.claiming in self.host.domains.values() else []
        domids = sorted({who.domid for who in busy if who and not who.is_destroyed and not self.being_killed(who)})
        if domids:
            domain = self.host.domain(data.draw(st.sampled_from(domids)))
            operation = BuilderOperation(hypercalls.destroydomain(self.host, domain.domid), kills=domain)
            self.start("destroydomain", operation)
            while operation in self.running:
                self.advance(len(self.running) - 1)
                self.properties_hold()

    @rule()
    def destroy_the_dead(self) -> None:
        for domain in list(self.host.domains.values()):
            if domain.is_dying and not list(self.host.pages.of_domain(domain)) and not self.being_killed(domain):
                SEEN.add("domain_destroy")
                domains.domain_destroy(self.host, domain)

    @rule(data=st.data())
    def mark_a_page_in_limbo(self, data: st.DataObject) -> None:
        blocks = list(self.host.pages.in_limbo())
        if blocks:
            block = data.draw(st.sampled_from(blocks))
            page_alloc.offline_page(self.host, block.mfn + data.draw(st.integers(0, block.pages - 1)))

    # Single critical sections.

    @rule(
        domid=st.integers(1, 5),
        max_pages=st.sampled_from([0, 10, 20, 40]),
        affinity=st.none() | st.sets(st.integers(0, 3)),
    )
    def create_domain(self, domid: int, max_pages: int, affinity: set[int] | None) -> None:
        if domid not in self.host.domains and (affinity is None or affinity & set(self.host.nodes)):
            SEEN.add("create_domain")
            create_domain(self.host, domid, max_pages, None if affinity is None else tuple(affinity))

    @rule(data=st.data(), entries=ENTRIES)
    def install_claim_set(self, data: st.DataObject, entries: list[ClaimEntry]) -> None:
        domain = self.host.domains.get(self.pick(data))
        if domain is not None:
            SEEN.add("install_claim_set")
            self.host.semantics.install_claim_set(self.host, domain, entries)

    @rule(data=st.data(), entries=ENTRIES, pad=st.sampled_from([0, 0, 0, 1]))
    def claim_memory(self, data: st.DataObject, entries: list[ClaimEntry], pad: int) -> None:
        SEEN.add("claim_memory")
        hypercalls.claim_memory(self.host, self.pick(data), entries, pad)

    @rule(data=st.data(), pages=PAGES)
    def set_outstanding_pages(self, data: st.DataObject, pages: int) -> None:
        domain = self.host.domains.get(self.pick(data))
        if domain is not None:
            SEEN.add("set_outstanding_pages")
            self.host.semantics.set_outstanding_pages(self.host, domain, pages)

    @rule(data=st.data(), max_pages=st.sampled_from([0, 5, 10, 20, 20, 40]))
    def max_mem(self, data: st.DataObject, max_pages: int) -> None:
        SEEN.update(("max_mem", "set_max_pages"))
        hypercalls.max_mem(self.host, self.pick(data), max_pages)

    @rule(data=st.data(), order=ORDERS, node=NODES, memflags=MEMFLAGS)
    def alloc_heap_pages(self, data: st.DataObject, order: int, node: int | None, memflags: int) -> None:
        SEEN.add("alloc_heap_pages")
        domain = self.host.domains.get(self.pick(data))
        mfn = page_alloc.alloc_heap_pages(self.host, domain, order, node, memflags)
        if mfn is not None:  # keep the pages in flight, as alloc_domheap_pages does
            frames = frozenset(range(mfn, mfn + (1 << order)))
            self.running.append(BuilderOperation(self.rest(mfn, order, domain, memflags), frames=frames))

    def rest(self, mfn: int, order: int, domain: Any, memflags: int) -> Steps[None]:
        if domain is not None and not memflags & MEMF_no_owner:
            SEEN.add("assign_pages")
            if page_alloc.assign_pages(self.host, mfn, order, domain, memflags) is Status.OK:
                return
            yield
        SEEN.add("free_heap_pages")
        page_alloc.free_heap_pages(self.host, mfn, order)

    @rule(data=st.data(), online=st.booleans())
    def offline_or_online_page(self, data: st.DataObject, online: bool) -> None:
        frames = [n * 16 + page for n, pages in enumerate(self.host.node_pages) for page in range(pages)]
        if frames:
            SEEN.add("online_page" if online else "offline_page")
            mfn = data.draw(st.sampled_from(frames))
            (page_alloc.online_page if online else page_alloc.offline_page)(self.host, mfn)

    @rule(data=st.data())
    def queries(self, data: st.DataObject) -> None:
        SEEN.update(("getdomaininfo", "get_outstanding_claims"))
        domid = self.pick(data)
        info = hypercalls.getdomaininfo(self.host, domid)
        assert (info is Status.ESRCH) == (domid not in self.host.domains)
        avail, outstanding = page_alloc.get_outstanding_claims(self.host)
        assert outstanding >= 0
        assert outstanding <= avail or self.host.orphans

    @rule(data=st.data(), pause=st.booleans())
    def pause_or_unpause(self, data: st.DataObject, pause: bool) -> None:
        SEEN.add("pausedomain" if pause else "unpausedomain")
        (hypercalls.pausedomain if pause else hypercalls.unpausedomain)(self.host, self.pick(data))

    # What holds after every step.

    @invariant()
    def properties_hold(self) -> None:
        if hasattr(self, "host"):
            holds = self.holds_throughout if self.host.orphans else self.holds_throughout | HOLDS_WITHOUT_ORPHANS
            broken = [str(v) for v in check_state(self.host) if v.property in holds]
            assert broken == []

    @invariant()
    def situations(self) -> None:
        if hasattr(self, "host"):
            with all_locks(self.host):
                stashed = any(domain.pending_scrub for domain in self.host.domains.values())
            found = {
                "a destroyed domain has a claim": self.host.orphans,
                "pages in limbo for a destroyed domain": any(
                    block.owner is not None and block.owner.is_destroyed for block in self.host.pages.in_limbo()
                ),
                "a stash": stashed,
                "the free of the last page holds a dead domain": any(
                    domain.is_dead and domain.last_frees for domain in self.host.domains.values()
                ),
                "an offline mark is lost": self.host.pages.lost_marks,
                "an exchange of a destroyed domain": any(
                    other.exchanges and other.exchanges.is_destroyed for other in self.running
                ),
            }
            SITUATIONS.update(name for name, holds in found.items() if holds)

    @invariant()
    def tot_pages_counts_the_domains_pages(self) -> None:
        if not hasattr(self, "host"):
            return
        with all_locks(self.host):
            for domain in self.host.domains.values():
                blocks = list(self.host.pages.of_domain(domain))
                counted = sum(block.pages for block in blocks if block.refcounted)
                if all(domain is not other.exchanges for other in self.running):
                    assert domain.tot_pages == counted
                assert domain.tot_pages >= counted
                assert domain.extra_pages == sum(block.pages for block in blocks if not block.refcounted)
                SITUATIONS.update({"extra pages"} if domain.extra_pages else ())
                assert min(domain.tot_pages, domain.global_claims, *domain.claims) >= 0
