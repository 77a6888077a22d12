"""How each event of a trace is done on the reference.

A function takes the host and the event and returns the outcome, by the names of the event's observed fields: at once
for a single critical section, as steps otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from msgspec import UNSET

from proofs.traces import events as e
from proofs.traces import own_events as own
from reference import domain as domains
from reference import hypercalls, page_alloc
from reference.claims import ClaimEntry
from reference.constants import (
    CLAIM_TARGET_GLOBAL,
    CLAIM_TARGET_LEGACY,
    CLAIM_TARGET_NO_NODE,
    MEMF_exact_node,
    MEMF_no_owner,
    MEMF_no_refcount,
)
from reference.populate import PreemptAt, populate_physmap
from reference.state import Domain, Host, create_domain
from reference.status import MisuseError, Status
from reference.steps import Steps

Outcome = dict[str, Any]

_TARGETS: dict[int | str, int] = {
    "global": CLAIM_TARGET_GLOBAL,
    "host": CLAIM_TARGET_GLOBAL,
    "legacy": CLAIM_TARGET_LEGACY,
    "no_node": CLAIM_TARGET_NO_NODE,
}
_MEMFLAGS = {"exact_node": MEMF_exact_node, "no_owner": MEMF_no_owner, "no_refcount": MEMF_no_refcount}
_NOTHING: Outcome = {}


def _entry(pages: int, target: int | str, reserved: int) -> ClaimEntry:
    return ClaimEntry(pages, _TARGETS.get(target, target), reserved)  # type: ignore[arg-type]  # the names are all in _TARGETS


def _memflags(names: Iterable[str]) -> int:
    flags = 0
    for name in names:
        flags |= _MEMFLAGS[name]
    return flags


def _allocated(host: Host, mfn: int | None) -> Outcome:
    return {"mfn": None} if mfn is None else {"mfn": mfn, "on_node": host.node_of(mfn)}


def _owner(host: Host, domid: int | None) -> Domain | None:
    return None if domid is None else host.domain(domid)


def _boot(_host: Host, _event: e.Boot) -> Outcome:
    return _NOTHING  # the host was booted from the header


def _create_domain(host: Host, event: e.CreateDomain) -> Outcome:
    create_domain(host, event.domid, event.max_pages, tuple(event.node_affinity))
    return _NOTHING


def _set_max_pages(host: Host, event: e.SetMaxPages) -> Outcome:
    host.semantics.set_max_pages(host, host.domain(event.domid), event.max_pages)
    return _NOTHING


def _install_claim_set(host: Host, event: e.InstallClaimSet) -> Outcome:
    entries = [_entry(claim.pages, claim.target, claim.pad) for claim in event.claims]
    return {"result": host.semantics.install_claim_set(host, host.domain(event.domid), entries)}


def _set_outstanding_pages(host: Host, event: e.SetOutstandingPages) -> Outcome:
    node = None if event.node is UNSET else event.node
    if event.node is not UNSET and "claim_node" not in host.semantics.claim_counters:
        raise MisuseError(f"{host.semantics.name} has no field `node` here")
    return {"result": host.semantics.set_outstanding_pages(host, host.domain(event.domid), event.pages, node)}


def _alloc_domheap_pages(host: Host, event: e.AllocDomheapPages) -> Steps[Outcome]:
    mfn = yield from page_alloc.alloc_domheap_pages(
        host, _owner(host, event.domid), event.order, event.node, _memflags(event.memflags)
    )
    return _allocated(host, mfn)


def _free_domheap_pages(host: Host, event: e.FreeDomheapPages) -> Steps[Outcome]:
    yield from page_alloc.free_domheap_pages(host, event.mfn, event.order)
    return _NOTHING


def _offline_page(host: Host, event: e.OfflinePage) -> Outcome:
    return {"result": page_alloc.offline_page(host, event.mfn)}


def _domain_kill(host: Host, event: e.DomainKill) -> Steps[Outcome]:
    yield from domains.domain_kill(host, host.domain(event.domid))
    return {"result": Status.OK}


def _alloc_heap_pages(host: Host, event: own.AllocHeapPages) -> Outcome:
    mfn = page_alloc.alloc_heap_pages(
        host, _owner(host, event.domid), event.order, event.node, _memflags(event.memflags)
    )
    return _allocated(host, mfn)


def _assign_pages(host: Host, event: own.AssignPages) -> Outcome:
    domain = host.domain(event.domid)
    return {"result": page_alloc.assign_pages(host, event.mfn, event.order, domain, _memflags(event.memflags))}


def _free_heap_pages(host: Host, event: own.FreeHeapPages) -> Outcome:
    page_alloc.free_heap_pages(host, event.mfn, event.order)
    return _NOTHING


def _online_page(host: Host, event: own.OnlinePage) -> Outcome:
    return {"result": page_alloc.online_page(host, event.mfn)}


def _relinquish_memory(host: Host, event: own.RelinquishMemory) -> Steps[Outcome]:
    return {"pages": (yield from domains.relinquish_memory(host, host.domain(event.domid)))}


def _domain_destroy(host: Host, event: own.DomainDestroy) -> Outcome:
    domains.domain_destroy(host, host.domain(event.domid))
    return _NOTHING


def _claim_memory(host: Host, event: own.ClaimMemory) -> Outcome:
    reserved = host.semantics.reserved_field
    if any(getattr(claim, field) != 0 for claim in event.claims for field in {"pad", "cmd"} - {reserved}):
        raise MisuseError(f"{host.semantics.name} calls the reserved field of an entry `{reserved}`")
    entries = [_entry(claim.pages, claim.target, getattr(claim, reserved)) for claim in event.claims]
    return {"result": hypercalls.claim_memory(host, event.domid, entries, event.pad)}


def _get_memory_claims(host: Host, event: own.GetMemoryClaims) -> Outcome:
    found = hypercalls.get_memory_claims(host, event.domid, event.capacity, event.pad)
    if found.status not in (Status.OK, Status.ERANGE, Status.ENOBUFS):
        return {"result": found.status}
    outcome: Outcome = {"result": found.status, "needed": found.needed}
    if found.status is Status.OK:
        outcome["claims"] = [
            own.HypercallClaim(pages, "host" if target == CLAIM_TARGET_GLOBAL else target)
            for pages, target, _reserved in found.entries
        ]
    return outcome


def _claim_pages(host: Host, event: own.ClaimPages) -> Steps[Outcome]:
    status = yield from hypercalls.claim_pages(
        host, event.domid, event.nr_extents, event.extent_order, event.mem_flags, event.extent_start
    )
    return {"result": status}


def _populate_physmap(host: Host, event: own.PopulatePhysmap) -> Steps[Outcome]:
    extents = event.nr_extents
    if event.mfns is not UNSET:  # one more than observed tells that they differ; the rest may be billions
        extents = min(extents, event.start_extent + len(event.mfns) + 1)
    preempt_at = None if event.preempt_at is None else PreemptAt(event.preempt_at.extent, event.preempt_at.scrub_index)
    done = yield from populate_physmap(
        host,
        event.domid,
        extents,
        event.extent_order,
        event.node,
        _memflags(event.memflags),
        event.start_extent,
        preempt_at,
    )
    outcome: Outcome = {"mfns": done.mfns, "nr_done": done.nr_done, "preempted": done.preempted}
    return outcome if done.scrub_index is None else outcome | {"scrub_index": done.scrub_index}


def _memory_exchange(host: Host, event: own.MemoryExchange) -> Steps[Outcome]:
    exchanged = yield from hypercalls.memory_exchange(
        host, event.domid, event.in_mfns, event.in_order, event.out_order, event.node
    )
    return {"result": exchanged.status, "mfns": exchanged.mfns}


def _max_mem(host: Host, event: own.MaxMem) -> Outcome:
    return {"result": hypercalls.max_mem(host, event.domid, event.max_pages)}


def _pausedomain(host: Host, event: own.PauseDomain) -> Outcome:
    return {"result": hypercalls.pausedomain(host, event.domid)}


def _unpausedomain(host: Host, event: own.UnpauseDomain) -> Outcome:
    return {"result": hypercalls.unpausedomain(host, event.domid)}


def _destroydomain(host: Host, event: own.DestroyDomain) -> Steps[Outcome]:
    return {"result": (yield from hypercalls.destroydomain(host, event.domid))}


def _getdomaininfo(host: Host, event: own.GetDomainInfo) -> Outcome:
    info = hypercalls.getdomaininfo(host, event.domid)
    return {"result": info} if isinstance(info, Status) else {"result": Status.OK, **info._asdict()}


def _get_outstanding_claims(host: Host, _event: own.GetOutstandingClaims) -> Outcome:
    free_pages, outstanding_pages = page_alloc.get_outstanding_claims(host)
    return {"free_pages": free_pages, "outstanding_pages": outstanding_pages}


OPERATIONS: dict[type[e.Event], Callable[[Host, Any], Outcome | Steps[Outcome]]] = {
    e.Boot: _boot,
    e.CreateDomain: _create_domain,
    e.SetMaxPages: _set_max_pages,
    e.InstallClaimSet: _install_claim_set,
    e.SetOutstandingPages: _set_outstanding_pages,
    e.AllocDomheapPages: _alloc_domheap_pages,
    e.FreeDomheapPages: _free_domheap_pages,
    e.OfflinePage: _offline_page,
    e.DomainKill: _domain_kill,
    own.AllocHeapPages: _alloc_heap_pages,
    own.AssignPages: _assign_pages,
    own.FreeHeapPages: _free_heap_pages,
    own.OnlinePage: _online_page,
    own.RelinquishMemory: _relinquish_memory,
    own.DomainDestroy: _domain_destroy,
    own.ClaimMemory: _claim_memory,
    own.GetMemoryClaims: _get_memory_claims,
    own.ClaimPages: _claim_pages,
    own.PopulatePhysmap: _populate_physmap,
    own.MemoryExchange: _memory_exchange,
    own.MaxMem: _max_mem,
    own.PauseDomain: _pausedomain,
    own.UnpauseDomain: _unpausedomain,
    own.DestroyDomain: _destroydomain,
    own.GetDomainInfo: _getdomaininfo,
    own.GetOutstandingClaims: _get_outstanding_claims,
}
"""Every operation but ``continue``, which goes on with one of these."""
