"""What the model says of every critical section, before or while the reference does it.

The model's scripts run beside the reference's operations. What the model leaves open is asked of the reference: which
nodes have a free block, which frames a block is, and which block of a dying domain is freed next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from msgspec import UNSET

from model.calls import (
    ANONYMOUS,
    FREE,
    GLOBAL,
    IN_USE,
    LEGACY,
    MISUSE,
    NONE,
    OFFLINED,
    OK,
    SCRIPTS,
    Ended,
    Entry,
    Script,
    Section,
    search_order,
)
from proofs.traces import events as e
from proofs.traces import own_events as own
from reference.pages import Block, PageState
from reference.state import Host

from .compiled import Compiler, Made, ModelState, Pages, direct

_TARGETS: dict[int | str, int] = {"global": GLOBAL, "legacy": LEGACY}
_MOST_ENTRIES = 6
"""Of a claim set that is compiled: the checks of an entry grow with those before it."""
_orders = lru_cache(maxsize=1 << 14)(search_order)


@lru_cache(maxsize=64)
def compiler(semantics: str) -> Compiler:
    """The compiled calls of a semantics, shared by everything in this process."""
    return Compiler(semantics)


class Expectation:
    """The model's state on a host, and its scripts in flight."""

    def __init__(self, host: Host, domains: int) -> None:
        """``domains``: ids are below that."""
        self.host = host
        self.state = ModelState(host.node_pages, domains, host.llc_coloring_enabled)
        self.result = OK
        """Of the call made last."""
        self._compiler = compiler(host.semantics.name)
        self._nodes = len(host.node_pages)
        self._affinity: dict[int | None, frozenset[int]] = {None: frozenset(host.nodes)}
        self._scripts: dict[str, Script] = {}
        self._taken: Pages | None = None

    def begin(self, builder: str, event: e.Event) -> Ended | None:
        """The event's first critical section: how the operation ended, or none if it goes on."""
        begun = _BEGIN[type(event)](self, event)
        if type(begun) is Made:
            return Ended(begun.result)
        self._scripts[builder] = begun  # type: ignore[assignment]  # what was not made is a script
        return self.go_on(builder)

    def go_on(self, builder: str) -> Ended | None:
        """The next critical section of what a builder does."""
        script = self._scripts[builder]
        try:
            item = next(script)
            while type(item) is Section:
                item = script.send(self._call(item.call, item.arguments))  # type: ignore[arg-type]  # as good as a case
        except StopIteration as end:
            del self._scripts[builder]
            ended: Ended = end.value
            return ended
        return None

    def settle(self) -> None:
        """The reference has done its part, with the same result: which frames it took is known now."""
        if self._taken is not None:
            self._taken.mfn = next(reversed(self.host.pages.blocks))
            self._taken = None

    # -- calls

    def _call(self, name: str, arguments: Mapping[str, Any]) -> Made:
        if name == "alloc_heap_pages":
            return self._alloc_heap_pages(**arguments)
        if name == "exchange_check" or len(arguments.get("entries", ())) > _MOST_ENTRIES:
            return self._call_directly(name, arguments)
        block: Pages | None = arguments.get("block")
        if block is not None:
            block.marked = self._marked(block)
        compiled, numbers = self._compiler.kind(name, arguments, self._nodes)
        index = compiled.function(self.state, *numbers)
        compiled.counts[index] += 1
        made = compiled.made[index]
        if made is None:
            outcome = compiled.outcomes[index]
            after = outcome.block
            owner = None if after.owner is None else arguments["domid"]
            left = Pages(block.order, block.node, after.state, owner, after.refcounted, block.mfn)
            made = Made(outcome.name, outcome.result, left)
        self.result = made.result
        return made

    def _call_directly(self, name: str, arguments: Mapping[str, Any]) -> Made:
        """Evaluated on numbers, not compiled: it is rare, and would be compiled anew each time."""
        _, case = direct.outcome(self.host.semantics.name, self.state, name, arguments)
        direct.apply(case, self.state)
        self.result = case.result
        return Made(case.name, case.result, None)

    def _alloc_heap_pages(
        self,
        domid: int | None,
        order: int,
        requested: int | None,
        exact: bool = False,
        no_refcount: bool = False,
        no_owner: bool = False,
        pages: int = 0,
    ) -> Made:
        s = self.state
        arguments = {
            "domid": domid,
            "order": order,
            "pages": 1 << order,
            "requested": requested,
            "exact": exact,
            "no_refcount": no_refcount,
            "no_owner": no_owner,
        }
        del pages  # 2^order
        compiled, numbers = self._compiler.kind("alloc_heap_pages", arguments, self._nodes)
        last = NONE if domid is None else s.last_alloc_node[domid]
        candidates = _orders(self._nodes, self._affinity[domid], requested, None if last == NONE else last, exact)
        index = compiled.function(s, *numbers, candidates, self.host.heap)
        compiled.counts[index] += 1
        made = compiled.made[index]
        if made is None:
            outcome = compiled.outcomes[index]
            block = outcome.block
            owner = None if block.owner is None else domid
            self._taken = Pages(order, s.chosen, block.state, owner, block.refcounted, None)
            made = Made(outcome.name, outcome.result, self._taken)
        self.result = made.result
        return made

    # -- what is asked of the reference

    def _marked(self, block: Pages) -> int:
        offlining = self.host.pages.offlining
        if not offlining or block.mfn is None:
            return 0
        return sum(block.mfn <= mfn < block.mfn + block.pages for mfn in offlining)

    def _pages_at(self, mfn: int, order: int) -> Pages | None:
        """What these frames are; none if they are not all allocated, or not alike."""
        pages = self.host.pages
        block = pages.blocks.get(mfn)
        if block is None or block.order < order:
            block = pages.find(mfn)
            if mfn & ((1 << order) - 1) or block is None:
                return None
            if block.order < order and not self._alike(mfn, order, block):
                return None
        owner = None if block.state is PageState.ANONYMOUS else block.domid
        return Pages(order, self.host.node_of(mfn), block.state.value, owner, block.refcounted, mfn)

    def _alike(self, mfn: int, order: int, first: Block) -> bool:
        end = mfn + (1 << order)
        while mfn < end:
            part = self.host.pages.blocks.get(mfn)
            if part is None or not part.alike(first):
                return False
            mfn += part.pages
        return True

    def _owned(self, domid: int) -> list[Pages]:
        """The blocks that a domain owns, in the order in which the reference frees them."""
        node_of = self.host.node_of
        return [
            Pages(block.order, node_of(block.mfn), block.state.value, domid, block.refcounted, block.mfn)
            for block in self.host.pages.of_domain(domid)
        ]

    def _holds_anything(self, domid: int) -> bool:
        s = self.state
        claims = s.global_claims[domid] + s.node_claims[domid]
        return claims != 0 or any(block.domid == domid for block in self.host.pages.blocks.values())

    def _known(self, domid: int) -> int | None:
        """None for an id that no domain has: the model is asked about a domain that is not found."""
        created = self.state.is_created
        return domid if domid < len(created) and created[domid] else None

    # -- events

    def create_domain(self, event: e.CreateDomain) -> Made:
        """Evaluated on numbers directly: domains are few. The histories of an earlier domain of that id are over."""
        s, domid = self.state, event.domid
        nothing = [0] * self._nodes
        for kind in ("installed", "redeemed", "released", "recalled"):
            getattr(s, f"ledger_{kind}")[domid] = nothing[:]
            getattr(s, f"global_{kind}")[domid] = 0
        self._affinity[domid] = frozenset(node for node in event.node_affinity if node < self._nodes)
        arguments = {"domid": domid, "max_pages": event.max_pages, "node_affinity": self._affinity[domid]}
        return self._call_directly("create_domain", arguments)

    def offline_page(self, event: e.OfflinePage) -> Made:
        """What the page is, is asked of the reference."""
        pages, mfn = self.host.pages, event.mfn
        node = self.host.node_of(mfn)
        if mfn in pages.offlined:
            return self._call("offline_page", {"node": node, "page": OFFLINED})
        block = pages.find(mfn)
        if block is None:
            return self._call("offline_page", {"node": node, "page": FREE})
        assigned = block.state is PageState.ASSIGNED
        marked = mfn in pages.offlining
        return self._call("offline_page", {"node": node, "page": IN_USE, "assigned": assigned, "marked": marked})

    def online_page(self, event: own.OnlinePage) -> Made:
        """Likewise."""
        pages, mfn = self.host.pages, event.mfn
        page = OFFLINED if mfn in pages.offlined else IN_USE
        return self._call(
            "online_page", {"node": self.host.node_of(mfn), "page": page, "marked": mfn in pages.offlining}
        )

    def on_block(self, name: str, event: Any, **arguments: Any) -> Made:
        """A call on frames that are allocated; there is no other."""
        block = self._pages_at(event.mfn, event.order)
        if block is None:
            return Made("not-allocated", MISUSE, None)
        return self._call(name, {**arguments, "block": block})

    def free_domheap_pages(self, event: e.FreeDomheapPages) -> Script | Made:
        """Likewise."""
        block = self._pages_at(event.mfn, event.order)
        return Made("not-allocated", MISUSE, None) if block is None else SCRIPTS["free_domheap_pages"](block)

    def on_domain(self, name: str, domid: int, **arguments: Any) -> Made:
        """A call that a domain which is not there makes impossible, or refuses."""
        return self._call(name, {"domid": self._known(domid), **arguments})

    def relinquish_memory(self, event: own.RelinquishMemory) -> Script:
        """The blocks are asked for when it comes to them."""
        return SCRIPTS["relinquish_memory"](lambda: self._owned(event.domid))

    def destroydomain(self, event: own.DestroyDomain) -> Script:
        """Likewise."""
        domid = event.domid
        return SCRIPTS["destroydomain"](
            self._known(domid), lambda: self._owned(domid), lambda: self._holds_anything(domid)
        )

    def memory_exchange(self, event: own.MemoryExchange) -> Script:
        """Likewise."""
        extents = _Extents(event.in_mfns, lambda mfn: self._pages_at(mfn, event.in_order))
        domid = self._known(event.domid)
        return SCRIPTS["memory_exchange"](domid, extents, event.in_order, event.out_order, requested=event.node)


class _Extents:
    """What the frames of an exchange are, looked up when they are asked for."""

    def __init__(self, mfns: list[int], look_up: Callable[[int], Pages | None]) -> None:
        self._mfns = mfns
        self._look_up = look_up

    def __len__(self) -> int:
        return len(self._mfns)

    def __getitem__(self, which: slice) -> list[Pages | None]:
        found: list[Pages | None] = []
        mfns = self._mfns[which]
        for index, mfn in enumerate(mfns):
            extent = self._look_up(mfn)
            if extent is not None and mfn in mfns[:index]:  # the one before it was stolen by then
                extent = Pages(extent.order, extent.node, ANONYMOUS, None, False, mfn)
            found.append(extent)
        return found


def _request(event: Any) -> dict[str, Any]:
    flags = event.memflags
    return {
        "requested": event.node,
        "exact": "exact_node" in flags,
        "no_refcount": "no_refcount" in flags,
        "no_owner": "no_owner" in flags,
    }


def _entries(claims: Any) -> list[Entry]:
    return [Entry(claim.pages, _TARGETS.get(claim.target, claim.target), claim.pad) for claim in claims]


def _single(event: e.SetOutstandingPages) -> dict[str, Any]:
    return {"pages": event.pages} if event.node is UNSET else {"pages": event.pages, "node": event.node}


def _checked(event: own.ClaimPages) -> dict[str, Any]:
    return {
        "extent_order": event.extent_order,
        "mem_flags": event.mem_flags,
        "has_extent_start": event.extent_start is not None,
    }


_BEGIN: dict[type[e.Event], Callable[[Expectation, Any], Made | Script]] = {
    e.CreateDomain: Expectation.create_domain,
    e.SetMaxPages: lambda x, v: x.on_domain("set_max_pages", v.domid, max_pages=v.max_pages),
    e.InstallClaimSet: lambda x, v: x.on_domain("install_claim_set", v.domid, entries=_entries(v.claims)),
    e.SetOutstandingPages: lambda x, v: x.on_domain("set_outstanding_pages", v.domid, **_single(v)),
    e.AllocDomheapPages: lambda _x, v: SCRIPTS["alloc_domheap_pages"](v.domid, order=v.order, **_request(v)),
    e.FreeDomheapPages: Expectation.free_domheap_pages,
    e.OfflinePage: Expectation.offline_page,
    e.DomainKill: lambda _x, v: SCRIPTS["domain_kill"](v.domid),
    own.AllocHeapPages: lambda x, v: x._alloc_heap_pages(v.domid, v.order, **_request(v)),
    own.AssignPages: lambda x, v: x.on_block("assign_pages", v, domid=v.domid, no_refcount="no_refcount" in v.memflags),
    own.FreeHeapPages: lambda x, v: x.on_block("free_heap_pages", v),
    own.OnlinePage: Expectation.online_page,
    own.RelinquishMemory: Expectation.relinquish_memory,
    own.DomainDestroy: lambda x, v: x._call("domain_destroy", {"domid": v.domid, "has_pages": False}),
    own.ClaimMemory: lambda x, v: x.on_domain("claim_memory", v.domid, entries=_entries(v.claims), pad=v.pad),
    own.ClaimPages: lambda x, v: SCRIPTS["claim_pages"](x._known(v.domid), v.nr_extents, **_checked(v)),
    own.PopulatePhysmap: lambda x, v: SCRIPTS["populate_physmap"](
        x._known(v.domid), v.nr_extents, order=v.extent_order, **_request(v)
    ),
    own.MemoryExchange: Expectation.memory_exchange,
    own.MaxMem: lambda x, v: x.on_domain("max_mem", v.domid, max_pages=v.max_pages),
    own.DestroyDomain: Expectation.destroydomain,
    own.GetDomainInfo: lambda x, v: x.on_domain("getdomaininfo", v.domid),
    own.GetOutstandingClaims: lambda x, _v: x._call("get_outstanding_claims", {}),
}
"""Every event but ``boot`` and ``continue``: a call, or the script of an operation of several."""
