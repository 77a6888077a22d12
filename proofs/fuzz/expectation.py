"""What the model says of every critical section, before the reference does it.

The model's scripts run beside the reference's operations. What the model leaves open is asked of the reference: which
nodes have a free block, which frames a block is, and which block of a dying domain is freed next.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from msgspec import UNSET

from model.calls import (
    CRASH,
    FREE,
    GLOBAL,
    IN_USE,
    LEGACY,
    MISUSE,
    NO_NODE,
    NONE,
    OFFLINED,
    OK,
    SCRIPTS,
    Ended,
    Entry,
    PreemptAt,
    Script,
    Section,
    exists,
)
from model.semantics import SEMANTICS
from proofs.traces import events as e
from proofs.traces import own_events as own
from reference.pages import PageState
from reference.state import Host

from .compiled import CaseResult
from .frames import Owned, pages_at
from .model_calls import ModelCalls

_TARGETS: dict[int | str, int] = {"global": GLOBAL, "host": GLOBAL, "legacy": LEGACY, "no_node": NO_NODE}
_NEEDS_DOMAIN = frozenset(
    {
        e.SetMaxPages,
        e.InstallClaimSet,
        e.SetOutstandingPages,
        e.AllocDomheapPages,
        own.AllocHeapPages,
        own.AssignPages,
        e.DomainKill,
        own.RelinquishMemory,
        own.DomainDestroy,
    }
)
"""Functions that are called with a domain, or with none; hypercalls look it up."""


_CONDITIONAL = _NEEDS_DOMAIN | {
    e.CreateDomain,
    own.ClaimMemory,
    e.OfflinePage,
    own.OnlinePage,
    own.PopulatePhysmap,
    own.DestroyDomain,
}
"""What cannot be asked for in every state."""


class Expectation:
    """The model beside a host of the reference: its calls, and its scripts in flight."""

    def __init__(self, host: Host, domains: int) -> None:
        """``domains``: ids are below that."""
        self.calls = ModelCalls(host, domains)
        self._host = host
        self._scripts: dict[str, tuple[e.Event, Script]] = {}
        self._reserved = host.semantics.reserved_field
        rules = SEMANTICS[host.semantics.name].rules
        self._callers_refuse = rules.refuses_dying and not rules.checks_dying_in_lock
        self._has_claim_node = "claim_node" in host.semantics.claim_counters
        self._missing = frozenset(k for k in _BEGIN if not exists(_name(k), host.semantics.name))
        self._asked = _CONDITIONAL | self._missing

    def begin(self, builder: str, event: e.Event) -> Ended | None:
        """The event's first critical section: how the operation ended, or none if it goes on.

        ``calls.result`` is ``misuse`` where the hypervisor cannot be asked for that at all.
        """
        calls, kind = self.calls, type(event)
        calls.new_section()
        if kind in self._asked and not self._possible(event):
            calls.result = MISUSE
            return None
        begun = _BEGIN[kind](self, event)
        if type(begun) is CaseResult:
            calls.result = begun.result
            return _ended(begun.result) if begun.block is None else Ended(begun.result, (begun.block,))  # type: ignore[arg-type]  # as good as a block
        self._scripts[builder] = event, begun  # type: ignore[assignment]  # what was not made is a script
        ended = self._go_on(builder)
        if calls.result == MISUSE:
            self._scripts.pop(builder, None)
        return ended

    def go_on(self, builder: str) -> Ended | None:
        """The next critical section of what a builder does."""
        self.calls.new_section()
        return self._go_on(builder)

    def _go_on(self, builder: str) -> Ended | None:
        event, script = self._scripts[builder]
        make = self.calls.make
        try:
            item = next(script)
            while type(item) is Section:
                item = script.send(make(item.call, item.arguments))  # type: ignore[arg-type]  # as good as a case
        except StopIteration as end:
            del self._scripts[builder]
            ended: Ended = end.value
            self._count_operation(event, ended)
            return ended
        return None

    def _count_operation(self, event: e.Event, ended: Ended) -> None:
        """How an operation of several critical sections ended, where no single case says it."""
        kind = type(event)
        if kind is own.PopulatePhysmap:
            assert isinstance(event, own.PopulatePhysmap)  # it is of that type
            if ended.preempted is not None:
                self.calls.hits[f"populate_physmap: preempted {ended.preempted}"] += 1
            found = len(ended.blocks)
            how = "none" if not found else "all" if found == event.nr_extents - event.start_extent else "some"
            self.calls.hits[f"populate_physmap: {how} of the extents"] += 1
        elif kind is own.MemoryExchange:
            self.calls.hits[f"memory_exchange: {ended.result}"] += 1
        elif kind is own.RelinquishMemory:
            self.calls.hits[f"relinquish_memory: {'pages' if ended.pages else 'nothing'} freed"] += 1
        elif kind is own.DestroyDomain:
            kept = ended.result == OK and self._known(event.domid) is not None  # type: ignore[attr-defined]  # likewise
            self.calls.hits[f"destroydomain: {ended.result}{', not forgotten yet' if kept else ''}"] += 1
        elif kind is e.AllocDomheapPages and ended.result != CRASH:
            self.calls.hits[f"alloc_domheap_pages: {ended.result}"] += 1

    def _possible(self, event: e.Event) -> bool:
        """Whether the hypervisor can be asked for that at all, as far as no case of the model says so.

        Of events of the kinds in ``_asked``; the others can be asked for in every state.
        """
        kind = type(event)
        if kind in self._missing:
            return False
        if isinstance(event, e.SetOutstandingPages) and event.node is not UNSET and not self._has_claim_node:
            return False
        if isinstance(event, e.SetOutstandingPages) and event.node not in (UNSET, None) and self._dying(event.domid):
            return False  # of a claim on a node the callers see to that under the domctl lock
        if kind is e.InstallClaimSet and self._dying(event.domid):  # type: ignore[attr-defined]  # it has one
            return False  # likewise
        if isinstance(event, own.DestroyDomain | own.DomainDestroy) and event.domid in self.calls.killing:
            return False  # its domain_kill holds the domctl lock
        if isinstance(event, own.PopulatePhysmap):
            return not {"no_refcount", "no_owner"}.intersection(event.memflags)  # the hypercall has neither
        if kind in _NEEDS_DOMAIN:
            domid: int | None = event.domid  # type: ignore[attr-defined]  # they have one
            return domid is None or self._known(domid) is not None
        if isinstance(event, e.CreateDomain):
            return event.domid < self.calls.state.number_of_domains and not self._worked_on(event.domid)
        if isinstance(event, own.ClaimMemory):
            other = {"pad": "cmd", "cmd": "pad"}[self._reserved]
            return not any(getattr(claim, other) for claim in event.claims)
        if isinstance(event, e.OfflinePage | own.OnlinePage):
            node, page = divmod(event.mfn, self._host.node_span)
            return node < len(self._host.node_pages) and page < self._host.node_pages[node]
        return True

    def _known(self, domid: int) -> int | None:
        """None for an id that no domain has: the model is asked about a domain that is not found."""
        s = self.calls.state
        listed = domid < s.number_of_domains and s.is_created[domid] and not s.is_destroyed[domid]
        return domid if listed else None

    def _dying(self, domid: int) -> bool:
        """Whether only the callers refuse claims of the domain, which is dying: the function itself does not."""
        return self._callers_refuse and self._known(domid) is not None and self.calls.state.is_dying[domid]

    def _worked_on(self, domid: int) -> bool:
        """Whether an operation in flight goes on with a domain of that id.

        The model never gives an id to a second domain while the first is referred to: both would be one index.
        """
        return any(getattr(event, "domid", None) == domid for event, _ in self._scripts.values())

    # -- events

    def create_domain(self, event: e.CreateDomain) -> CaseResult:
        """Evaluated on numbers directly: domains are few. The histories of an earlier domain of that id are over."""
        s, domid = self.calls.state, event.domid
        nothing = [0] * s.number_of_nodes
        for kind in ("installed", "redeemed", "released", "recalled"):
            getattr(s, f"ledger_{kind}")[domid] = nothing[:]
            getattr(s, f"global_{kind}")[domid] = 0
        self.calls.affinity[domid] = frozenset(node for node in event.node_affinity if node < s.number_of_nodes)
        last = self._host.first_last_alloc_node
        arguments = {
            "domid": domid,
            "max_pages": event.max_pages,
            "node_affinity": self.calls.affinity[domid],
            "last_alloc_node": NONE if last is None else last,
        }
        return self.calls.make("create_domain", arguments)

    def offline_page(self, event: e.OfflinePage) -> CaseResult:
        """What the page is, is asked of the reference."""
        pages, mfn = self._host.pages, event.mfn
        node = mfn // self._host.node_span
        if mfn in pages.offlined:
            return self.calls.make("offline_page", {"node": node, "page": OFFLINED})
        block = pages.find(mfn)
        if block is None:
            return self.calls.make("offline_page", {"node": node, "page": FREE})
        assigned = block.state is PageState.ASSIGNED
        marked = mfn in pages.offlining
        return self.calls.make("offline_page", {"node": node, "page": IN_USE, "assigned": assigned, "marked": marked})

    def online_page(self, event: own.OnlinePage) -> CaseResult:
        """Likewise."""
        pages, mfn = self._host.pages, event.mfn
        page = OFFLINED if mfn in pages.offlined else IN_USE
        return self.calls.make(
            "online_page", {"node": mfn // self._host.node_span, "page": page, "marked": mfn in pages.offlining}
        )

    def on_block(self, name: str, event: Any, **arguments: Any) -> CaseResult:
        """A call on frames that are allocated; there is no other."""
        block = pages_at(self._host, event.mfn, event.order)
        if block is None:
            return CaseResult("not-allocated", MISUSE, None)
        return self.calls.make(name, {**arguments, "block": block})

    def free_domheap_pages(self, event: e.FreeDomheapPages) -> Script | CaseResult:
        """Likewise."""
        block = pages_at(self._host, event.mfn, event.order)
        return CaseResult("not-allocated", MISUSE, None) if block is None else SCRIPTS["free_domheap_pages"](block)

    def on_domain(self, name: str, domid: int, **arguments: Any) -> CaseResult:
        """A call that a domain which is not there makes impossible, or refuses."""
        return self.calls.make(name, {"domid": self._known(domid), **arguments})

    def relinquish_memory(self, event: own.RelinquishMemory) -> Script | CaseResult:
        """Of a dying domain only. The blocks are asked for when it comes to them."""
        if not self.calls.state.is_dying[event.domid]:
            return CaseResult("alive", MISUSE, None)
        owned = Owned(self._host, self.calls.domains[event.domid])
        return SCRIPTS["relinquish_memory"](lambda: owned)

    def destroydomain(self, event: own.DestroyDomain) -> Script:
        """Likewise."""
        domid = self._known(event.domid)
        if domid is None:
            return SCRIPTS["destroydomain"](None, dict)
        owned = Owned(self._host, self.calls.domains[domid])
        return SCRIPTS["destroydomain"](domid, lambda: owned)

    def memory_exchange(self, event: own.MemoryExchange) -> Script:
        """Likewise."""
        domid, host, order = self._known(event.domid), self._host, event.in_order
        return SCRIPTS["memory_exchange"](
            domid, event.in_mfns, lambda mfn: pages_at(host, mfn, order), order, event.out_order, requested=event.node
        )


@cache
def _ended(result: str) -> Ended:
    """How an operation ended that leaves no pages: there are few."""
    return Ended(result)


def _request(event: Any) -> dict[str, Any]:
    flags = event.memflags
    return {
        "requested": event.node,
        "exact": "exact_node" in flags,
        "no_refcount": "no_refcount" in flags,
        "no_owner": "no_owner" in flags,
    }


def _preempt_at(event: own.PopulatePhysmap) -> PreemptAt | None:
    at = event.preempt_at
    return None if at is None else PreemptAt(at.extent, at.scrub_index)


def _entries(claims: Any, reserved: str = "pad") -> list[Entry]:
    """``reserved``: what the field is called that has to be 0."""
    return [Entry(claim.pages, _TARGETS.get(claim.target, claim.target), getattr(claim, reserved)) for claim in claims]


def _single(event: e.SetOutstandingPages) -> dict[str, Any]:
    return {"pages": event.pages} if event.node is UNSET else {"pages": event.pages, "node": event.node}


def _checked(event: own.ClaimPages) -> dict[str, Any]:
    return {
        "extent_order": event.extent_order,
        "mem_flags": event.mem_flags,
        "has_extent_start": event.extent_start is not None,
    }


_BEGIN: dict[type[e.Event], Callable[[Expectation, Any], CaseResult | Script]] = {
    e.CreateDomain: Expectation.create_domain,
    e.SetMaxPages: lambda x, v: x.on_domain("set_max_pages", v.domid, max_pages=v.max_pages),
    e.InstallClaimSet: lambda x, v: x.on_domain("install_claim_set", v.domid, entries=_entries(v.claims)),
    e.SetOutstandingPages: lambda x, v: x.on_domain("set_outstanding_pages", v.domid, **_single(v)),
    e.AllocDomheapPages: lambda _x, v: SCRIPTS["alloc_domheap_pages"](v.domid, order=v.order, **_request(v)),
    e.FreeDomheapPages: Expectation.free_domheap_pages,
    e.OfflinePage: Expectation.offline_page,
    e.DomainKill: lambda _x, v: SCRIPTS["domain_kill"](v.domid),
    own.AllocHeapPages: lambda x, v: x.calls.make(
        "alloc_heap_pages", {"domid": v.domid, "order": v.order, **_request(v)}
    ),
    own.AssignPages: lambda x, v: x.on_block("assign_pages", v, domid=v.domid, no_refcount="no_refcount" in v.memflags),
    own.FreeHeapPages: lambda x, v: x.on_block("free_heap_pages", v),
    own.OnlinePage: Expectation.online_page,
    own.RelinquishMemory: Expectation.relinquish_memory,
    own.DomainDestroy: lambda x, v: x.calls.make("domain_destroy", {"domid": v.domid}),
    own.ClaimMemory: lambda x, v: x.on_domain(
        "claim_memory", v.domid, entries=_entries(v.claims, x._reserved), pad=v.pad
    ),
    own.GetMemoryClaims: lambda x, v: x.on_domain("get_memory_claims", v.domid, capacity=v.capacity, pad=v.pad),
    own.PauseDomain: lambda x, v: x.on_domain("pausedomain", v.domid),
    own.UnpauseDomain: lambda x, v: SCRIPTS["unpausedomain"](x._known(v.domid)),
    own.ClaimPages: lambda x, v: SCRIPTS["claim_pages"](x._known(v.domid), v.nr_extents, **_checked(v)),
    own.PopulatePhysmap: lambda x, v: SCRIPTS["populate_physmap"](
        x._known(v.domid), v.nr_extents, v.extent_order, v.start_extent, _preempt_at(v), **_request(v)
    ),
    own.MemoryExchange: Expectation.memory_exchange,
    own.MaxMem: lambda x, v: x.on_domain("max_mem", v.domid, max_pages=v.max_pages),
    own.DestroyDomain: Expectation.destroydomain,
    own.GetDomainInfo: lambda x, v: x.on_domain("getdomaininfo", v.domid),
    own.GetOutstandingClaims: lambda x, _v: x.calls.make("get_outstanding_claims", {}),
}
"""Every event but ``boot`` and ``continue``: a call, or the script of an operation of several."""


def _name(kind: type[e.Event]) -> str:
    return str(kind.__struct_config__.tag)
