"""Finds differences between the states of reference and model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from model.calls import NONE
from reference.pages import PageState
from reference.state import Domain, Host

from .numbers import ModelState


class CounterDifference(NamedTuple):
    """A counter that differs: its name in traces, and both values."""

    field: str
    reference: Any
    model: Any

    def __str__(self) -> str:
        return f"{self.field}: {self.reference} in the reference, {self.model} in the model"


def counters_differ(s: ModelState, host: Host, domains: Mapping[int, Domain]) -> bool:
    """Whether any observable counter of the host or of a domain differs.

    :param domains: the last domain of every id; operations in flight may use a destroyed one
    """
    if (
        s.total_avail_pages != host.total_avail_pages
        or s.outstanding_claims != host.outstanding_claims
        or s.node_avail_pages != host.node_avail_pages
        or s.node_outstanding_claims != host.node_outstanding_claims
        or s.is_created.count(True) != len(domains)
    ):
        return True
    claims, node_claims, global_claims, tot_pages, max_pages = (
        s.claims,
        s.node_claims,
        s.global_claims,
        s.tot_pages,
        s.max_pages,
    )
    slots = s.slots
    for domid, domain in domains.items():
        slot = slots[domid]
        if (
            claims[slot] != domain.claims
            or node_claims[slot] != domain.node_claims
            or global_claims[slot] != domain.global_claims
            or tot_pages[slot] != domain.tot_pages
            or max_pages[slot] != domain.max_pages
            or s.is_dying[slot] is not domain.is_dying
            or s.is_destroyed[slot] is not domain.is_destroyed
            or s.creation_finished[slot] is not domain.creation_finished
            or (s.stash_pages[slot] != 0) is (domain.pending_scrub is None)
        ):
            return True
    return False


def first_difference(s: ModelState, host: Host, domains: Mapping[int, Domain]) -> CounterDifference | None:
    """The first counter that differs, of all that both sides have; None: they are equal. Slow."""
    of_host = ("total_avail_pages", "outstanding_claims", "node_avail_pages", "node_outstanding_claims")
    for name in of_host:
        if found := _differ(name, getattr(host, name), getattr(s, name)):
            return found
    there = zip(s.domids, s.is_created, s.is_destroyed, strict=True)
    listed = [domid for domid, created, destroyed in there if created and not destroyed]
    if found := _differ("domains", list(host.domains), listed):
        return found
    for domid, domain in domains.items():
        for name, reference, model in _of_domain(s, host, s.slots[domid], domain):
            if found := _differ(f"{name}[{domid}]", reference, model):
                return found
    return _pages_differ(s, host, domains)


def _differ(name: str, reference: Any, model: Any) -> CounterDifference | None:
    if isinstance(reference, list) and len(reference) == len(model):
        for index, (one, other) in enumerate(zip(reference, model, strict=True)):
            if one != other:
                return CounterDifference(f"{name}[{index}]", one, other)
        return None
    return CounterDifference(name, reference, model) if reference != model else None


def _of_domain(s: ModelState, host: Host, slot: int, domain: Domain) -> list[tuple[str, Any, Any]]:
    history = domain.history
    found = [
        (name, getattr(domain, name), getattr(s, name)[slot])
        for name in ("max_pages", "tot_pages", "global_claims", "node_claims", "claims", "is_dying")
    ]
    found += [
        (f"history.{kind}", getattr(history, kind), _ledger(s, kind, slot))
        for kind in ("installed", "redeemed", "released", "recalled")
    ]
    flags = ("creation_finished", "is_dead", "is_destroyed", "last_frees")
    found += [(name, getattr(domain, name), getattr(s, name)[slot]) for name in flags]
    found.append(("extra_pages", domain.extra_pages, sum(s.extra_pages[slot])))
    found.append(("pending_scrub", _stash(host, domain), _model_stash(s, slot)))
    found.append(("controller_pause_count", domain.controller_pause_count, s.controller_pause_count[slot]))
    last = NONE if domain.last_alloc_node is None else domain.last_alloc_node
    found.append(("last_alloc_node", last, s.last_alloc_node[slot]))
    if "claim_node" in host.semantics.claim_counters:
        target = NONE if domain.claim_node is None else domain.claim_node
        found.append(("claim_node", target, s.claim_node[slot]))
    return found


def _stash(host: Host, domain: Domain) -> tuple[int, int, int] | None:
    """Pages, node and scrub index of the stashed extent; None: there is no stash."""
    stash = domain.pending_scrub
    return None if stash is None else (1 << stash.order, host.node_of(stash.mfn), stash.scrub_index)


def _model_stash(s: ModelState, slot: int) -> tuple[int, int, int] | None:
    pages = s.stash_pages[slot]
    return (pages, s.stash_node[slot], s.stash_scrub_index[slot]) if pages else None


def _ledger(s: ModelState, kind: str, slot: int) -> list[int]:
    by_node: list[int] = getattr(s, f"ledger_{kind}")[slot]
    host_wide: int = getattr(s, f"global_{kind}")[slot]
    return [*by_node, host_wide]


def ledger_differs(s: ModelState, domain: Domain) -> bool:
    """Whether the claim history of a domain differs."""
    slot, history = s.slots[domain.domid], domain.history
    return (
        history.redeemed != [*s.ledger_redeemed[slot], s.global_redeemed[slot]]
        or history.installed != [*s.ledger_installed[slot], s.global_installed[slot]]
        or history.released != [*s.ledger_released[slot], s.global_released[slot]]
        or history.recalled != [*s.ledger_recalled[slot], s.global_recalled[slot]]
    )


def _pages_differ(s: ModelState, host: Host, domains: Mapping[int, Domain]) -> CounterDifference | None:
    """The first page class that differs, counted block by block."""
    nodes, span = len(host.node_pages), host.node_span
    limbo: dict[int, list[int]] = {}
    assigned: dict[int, list[int]] = {}
    extra: dict[int, list[int]] = {}
    other = [0] * nodes
    for block in host.pages.blocks.values():
        counted = other
        by_domain = None
        if block.state is PageState.ASSIGNED:
            by_domain = assigned if block.refcounted else extra
        elif block.refcounted:
            by_domain = limbo
        if by_domain is not None and block.domid is not None:
            counted = by_domain.setdefault(block.domid, [0] * nodes)
        counted[block.mfn // span] += block.pages
    marked, offlined = [0] * nodes, [0] * nodes
    for mfn in host.pages.offlining:
        marked[mfn // span] += 1
    for mfn in host.pages.offlined:
        offlined[mfn // span] += 1
    nothing = [0] * nodes
    for domid in domains:
        for name, counts in (("limbo_pages", limbo), ("assigned_pages", assigned), ("extra_pages", extra)):
            if found := _differ(f"{name}[{domid}]", counts.get(domid, nothing), getattr(s, name)[s.slots[domid]]):
                return found
    of_nodes = (("other_pages", other), ("marked_pages", marked), ("offlined_pages", offlined))
    for name, counts_by_node in of_nodes:
        if found := _differ(name, counts_by_node, getattr(s, name)):
            return found
    return None
