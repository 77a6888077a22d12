"""Where the reference and the model's state differ, number by number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from model.calls import NONE
from reference.pages import PageState
from reference.state import Domain, Host

from .compiled import ModelState


class CounterDifference(NamedTuple):
    """One number: its name as traces have it, and what each side says."""

    field: str
    reference: Any
    model: Any

    def __str__(self) -> str:
        return f"{self.field}: {self.reference} in the reference, {self.model} in the model"


def counters_differ(s: ModelState, host: Host, domains: Mapping[int, Domain]) -> bool:
    """Whether any counter that an observer sees differs, of the host or of a domain.

    :param domains: the last of every id; operations in flight work on one that is destroyed
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
    for domid, domain in domains.items():
        if (
            claims[domid] != domain.claims
            or node_claims[domid] != domain.node_claims
            or global_claims[domid] != domain.global_claims
            or tot_pages[domid] != domain.tot_pages
            or max_pages[domid] != domain.max_pages
            or s.is_dying[domid] is not domain.is_dying
            or s.is_destroyed[domid] is not domain.is_destroyed
            or s.creation_finished[domid] is not domain.creation_finished
            or (s.stash_pages[domid] != 0) is (domain.pending_scrub is None)
        ):
            return True
    return False


def first_difference(s: ModelState, host: Host, domains: Mapping[int, Domain]) -> CounterDifference | None:
    """The first number that differs, of everything that both sides have: the slow way."""
    of_host = ("total_avail_pages", "outstanding_claims", "node_avail_pages", "node_outstanding_claims")
    for name in of_host:
        if found := _differ(name, getattr(host, name), getattr(s, name)):
            return found
    listed = [domid for domid, created in enumerate(s.is_created) if created and not s.is_destroyed[domid]]
    if found := _differ("domains", list(host.domains), listed):
        return found
    for domid, domain in domains.items():
        for name, reference, model in _of_domain(s, host, domid, domain):
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


def _of_domain(s: ModelState, host: Host, domid: int, domain: Domain) -> list[tuple[str, Any, Any]]:
    history = domain.history
    found = [
        (name, getattr(domain, name), getattr(s, name)[domid])
        for name in ("max_pages", "tot_pages", "global_claims", "node_claims", "claims", "is_dying")
    ]
    found += [
        (f"history.{kind}", getattr(history, kind), _ledger(s, kind, domid))
        for kind in ("installed", "redeemed", "released", "recalled")
    ]
    flags = ("creation_finished", "is_dead", "is_destroyed", "last_frees")
    found += [(name, getattr(domain, name), getattr(s, name)[domid]) for name in flags]
    found.append(("extra_pages", domain.extra_pages, sum(s.extra_pages[domid])))
    found.append(("pending_scrub", _stash(host, domain), _model_stash(s, domid)))
    found.append(("controller_pause_count", domain.controller_pause_count, s.controller_pause_count[domid]))
    last = NONE if domain.last_alloc_node is None else domain.last_alloc_node
    found.append(("last_alloc_node", last, s.last_alloc_node[domid]))
    if "claim_node" in host.semantics.claim_counters:
        target = NONE if domain.claim_node is None else domain.claim_node
        found.append(("claim_node", target, s.claim_node[domid]))
    return found


def _stash(host: Host, domain: Domain) -> tuple[int, int, int] | None:
    """Pages, node and scrub index of the stashed extent."""
    stash = domain.pending_scrub
    return None if stash is None else (1 << stash.order, host.node_of(stash.mfn), stash.scrub_index)


def _model_stash(s: ModelState, domid: int) -> tuple[int, int, int] | None:
    pages = s.stash_pages[domid]
    return (pages, s.stash_node[domid], s.stash_scrub_index[domid]) if pages else None


def _ledger(s: ModelState, kind: str, domid: int) -> list[int]:
    by_node: list[int] = getattr(s, f"ledger_{kind}")[domid]
    host_wide: int = getattr(s, f"global_{kind}")[domid]
    return [*by_node, host_wide]


def ledger_differs(s: ModelState, domain: Domain) -> bool:
    """Whether the history of a domain's claims differs."""
    domid, history = domain.domid, domain.history
    return (
        history.redeemed != [*s.ledger_redeemed[domid], s.global_redeemed[domid]]
        or history.installed != [*s.ledger_installed[domid], s.global_installed[domid]]
        or history.released != [*s.ledger_released[domid], s.global_released[domid]]
        or history.recalled != [*s.ledger_recalled[domid], s.global_recalled[domid]]
    )


def _pages_differ(s: ModelState, host: Host, domains: Mapping[int, Domain]) -> CounterDifference | None:
    """The classes of pages, counted block by block."""
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
            if found := _differ(f"{name}[{domid}]", counts.get(domid, nothing), getattr(s, name)[domid]):
                return found
    of_nodes = (("other_pages", other), ("marked_pages", marked), ("offlined_pages", offlined))
    for name, counts_by_node in of_nodes:
        if found := _differ(name, counts_by_node, getattr(s, name)):
            return found
    return None
