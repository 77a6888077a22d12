"""The call that corresponds to each transition, with its arguments and the caller's checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import z3

from model.c_types import UINT_MAX
from model.calls import (
    ANONYMOUS,
    ASSIGNED,
    FREE,
    GLOBAL,
    IN_USE,
    LIMBO,
    OFFLINED,
    Block,
    CallHost,
    CallState,
    Entry,
    exists,
)
from model.logic import Term, all_of, negation
from model.named import GENERATIONS
from model.operations.stashing import SMALLEST

_LOOKS_AT_AFFINITY = "single-node-v2"
"""Its host check considers claim_node where node_affinity is that node alone; transitions have no node_affinity."""


@dataclass(frozen=True)
class MatchingCall:
    """A call that corresponds to a transition."""

    call: str
    arguments: Mapping[str, Any]
    """The arguments of the call."""
    where: Term
    """Assumptions: the caller's checks, and conditions that only one side checks."""
    success: tuple[str, ...]
    """Names of the call's cases that correspond to the step."""
    given: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of the transition with a fixed value; all others are arbitrary."""
    failing: bool = False
    """The step corresponds to the call's failure."""


def _pages(name: str = "pages") -> Term:
    return z3.Int(f"{name}?")


def _set(s: CallState, domid: Term, failing: bool, success: tuple[str, ...] = ("installed",)) -> Iterator[MatchingCall]:
    first, host_wide = [_pages("first[0]"), _pages("first[1]")], _pages("global")
    usual = [
        s.listed(domid), s.domctl_lock == -1, s.controller_pause_count[domid] >= 1,
        negation(z3.Bool("malformed")), negation(z3.Bool("names_offline_node")),
        s.llc_coloring == z3.Bool("llc_coloring"), _pages("second[0]") == 0, _pages("second[1]") == 0,
    ]  # fmt: skip
    for named in ((0,), (1,), (0, 1), (0, GLOBAL), (GLOBAL,), (0, 1, GLOBAL)):
        pages = {target: host_wide if target == GLOBAL else first[target] for target in named}
        left = [term for target, term in ((0, first[0]), (1, first[1]), (GLOBAL, host_wide)) if target not in pages]
        where = all_of([*usual, *(term >= 1 for term in pages.values()), *(term == 0 for term in left)])
        entries = [Entry(term, target) for target, term in pages.items()]
        yield MatchingCall("claim_memory", {"domid": domid, "entries": entries}, where, success, failing=failing)


def _legacy(semantics: str, s: CallState, domid: Term, failing: bool, release: bool = False) -> Iterator[MatchingCall]:
    pages = _pages()
    checked = s.legacy_calls[domid] >= 1 if GENERATIONS[semantics].rules.refuses_dying else True
    where = all_of([s.listed(domid), checked])
    if release:
        yield MatchingCall("set_outstanding_pages", {"domid": domid, "pages": 0}, where, ("released",))
    else:
        arguments = {"domid": domid, "pages": pages}
        yield MatchingCall(
            "set_outstanding_pages", arguments, all_of([where, pages >= 1]), ("claimed",), failing=failing
        )


def _on_node(semantics: str, s: CallState, domid: Term, node: Term) -> Iterator[MatchingCall]:
    pages = _pages()
    # A dying domain is refused by the hypercall, if the generation refuses it.
    alive = negation(s.is_dying[domid]) if GENERATIONS[semantics].rules.refuses_dying else True
    where = all_of([s.listed(domid), s.domctl_lock == -1, alive, pages >= 1])
    yield MatchingCall("set_outstanding_pages", {"domid": domid, "pages": pages, "node": node}, where, ("claimed",))


_UNMARKED = {"marks": 0}
"""No page is marked offline: another case covers marks."""
_RELEASED = ("released", "released-last")
_CRASHES = ("host-overclaimed", "node-overclaimed")


def _crash(s: CallState, domid: Term, node: Term) -> Iterator[MatchingCall]:
    pages = _pages()
    where = all_of([s.listed(domid), s.domctl_lock == -1, pages >= 1])
    for on_host in (True, False):
        arguments = {"domid": domid, "pages": pages, "node": None if on_host else node}
        yield MatchingCall("set_outstanding_pages", arguments, where, _CRASHES, {"host_wide": on_host})


def _alloc(
    semantics: str, host: CallHost, s: CallState, domid: Term, owned: bool, failing: bool = False
) -> Iterator[MatchingCall]:
    pages = _pages()
    for requested in (0, 1, None):
        for exact in (True, False) if requested is not None else (False,):
            candidates = (requested,) if exact else (0, 1) if failing else (0,)
            given = {
                "requested_node": 0 if requested is None else requested,
                "node": candidates[0],
                "exact_node": exact,
                "anywhere": requested is None,
            }
            arguments = {
                "domid": domid, "order": 0, "pages": pages, "candidates": candidates, "requested": requested,
                "exact": exact, "has_block": [pages <= s.node_avail_pages[n] for n in range(host.nodes)],
                "no_owner": not owned,
            }  # fmt: skip
            named = z3.Int("requested_node") == given["requested_node"]
            where = all_of([True if domid is None else s.listed(domid), pages >= 1, named])
            if domid is not None and requested is None and semantics == _LOOKS_AT_AFFINITY:
                where = all_of([where, *(s.node_affinity[domid, n] for n in range(host.nodes))])
            yield MatchingCall("alloc_heap_pages", arguments, where, ("allocated",), given, failing)


def _block(state: str, node: Term, owner: Term, refcounted: bool = True) -> dict[str, Any]:
    return {"block": Block(_pages(), node, state, owner, refcounted)}


def matching_calls(semantics: str, transition: str, host: CallHost, s: CallState) -> Iterator[MatchingCall]:
    """The calls that correspond to a transition; empty if no call is compared with it."""
    domid, node, pages = z3.Int("domid"), z3.Int("node"), _pages()
    one = pages >= 1
    if transition in ("claim_memory", "claim_memory_refused") and exists("claim_memory", semantics):
        yield from _set(s, domid, transition.endswith("refused"))
    elif transition in ("set_outstanding_pages", "set_outstanding_pages_refused"):
        yield from _legacy(semantics, s, domid, transition.endswith("refused"))
    elif transition == "set_outstanding_pages_zero":
        yield from _legacy(semantics, s, domid, failing=False, release=True)
    elif transition == "claim_on_node":
        yield from _on_node(semantics, s, domid, node)
    elif transition == "claim_crashes":
        yield from _crash(s, domid, node)
    elif transition == "allocation_crashes":
        arguments = {"domid": domid, "order": 0, "pages": 1, "candidates": (0,), "requested": 0, "exact": True}
        has_block = {"has_block": [True] * host.nodes}
        yield MatchingCall("alloc_heap_pages", {**arguments, **has_block}, s.listed(domid), _CRASHES, {"node": 0})
    elif transition == "claim_pages_check":
        usual = [s.listed(domid), negation(z3.Bool("malformed")), s.llc_coloring == z3.Bool("llc_coloring")]
        yield MatchingCall("claim_pages_check", {"domid": domid, "pages": pages}, all_of(usual), ("checked",))
    elif transition == "release_claims" and semantics == "per-node-v8":
        yield MatchingCall("claim_memory", {"domid": domid, "entries": []}, s.domctl_lock == -1, ("released",))
    elif transition in ("alloc_heap_pages", "alloc_heap_pages_refused"):
        yield from _alloc(semantics, host, s, domid, owned=True, failing=transition.endswith("refused"))
    elif transition in ("alloc_heap_pages_unowned", "exchange_allocate"):
        domain = domid if GENERATIONS[semantics].rules.credits_without_refcount else None
        yield from _alloc(semantics, host, s, domain, owned=False)
    elif transition in ("assign_pages", "assign_pages_refused"):
        where = all_of([one, pages <= s.limbo_pages[domid, node]])
        arguments = {"domid": domid, **_block(LIMBO, node, domid)}
        failing = transition.endswith("refused")
        yield MatchingCall("assign_pages", arguments, where, ("assigned",), _UNMARKED, failing)
    elif transition == "assign_extra_pages":
        where = all_of([one, pages <= s.transit_pages[node], s.is_created[domid]])
        arguments = {"domid": domid, "no_refcount": True, **_block(LIMBO, node, domid, False)}
        yield MatchingCall("assign_pages", arguments, where, ("assigned",), _UNMARKED)
    elif transition == "free_domheap_pages":
        where = all_of([one, pages <= s.assigned_pages[domid, node]])
        yield MatchingCall("release_ownership", _block(ASSIGNED, node, domid), where, _RELEASED)
    elif transition == "free_extra_pages":
        where = all_of([one, pages <= s.extra_pages[domid, node]])
        yield MatchingCall("release_ownership", _block(ASSIGNED, node, domid, False), where, _RELEASED)
    elif transition == "free_stash":
        kept = s.is_dying[domid] if GENERATIONS[semantics].rules.keeps_stash else True
        where = all_of([pages >= SMALLEST, pages <= s.limbo_pages[domid, node], kept])
        yield MatchingCall("free_stash", {"domid": domid, **_block(LIMBO, node, domid)}, where, ("freed",))
    elif transition == "destroy_domain":
        # For orphaned claims, the calls keep the domain's own counters and the transitions their sum.
        nobody = all_of([s.domctl_lock != domid, s.last_frees[domid] == 0, s.held(domid) == 0])
        where = all_of([s.listed(domid), s.is_dying[domid], nobody])
        yield MatchingCall("domain_destroy", {"domid": domid}, where, ("destroyed",))
    elif transition == "free_heap_pages":
        where = all_of([one, pages <= s.transit_pages[node]])
        yield MatchingCall("free_heap_pages", _block(LIMBO, node, None, False), where, ("freed",))
    elif transition == "free_marked_page":
        where = all_of([s.transit_pages[node] >= 1, s.marked_pages[node] >= 1])
        yield MatchingCall(
            "free_heap_pages", {"block": Block(1, node, LIMBO, None, False, 1)}, where, ("freed-and-offlined",)
        )
    elif transition == "offline_page":
        yield MatchingCall("offline_page", {"node": node, "page": FREE}, s.node_avail_pages[node] >= 1, ("offlined",))
    elif transition == "mark_page_offline":
        in_use = s.installed_pages[node] - s.node_avail_pages[node] - s.offlined_pages[node]
        where = s.marked_pages[node] < in_use
        yield MatchingCall("offline_page", {"node": node, "page": IN_USE}, where, ("marked",))
    elif transition == "online_page":
        yield MatchingCall("online_page", {"node": node, "page": OFFLINED}, s.offlined_pages[node] >= 1, ("onlined",))
    elif transition == "exchange_steal":
        where = all_of([one, pages <= s.assigned_pages[domid, node]])
        yield MatchingCall("steal_page", {"domid": domid, **_block(ASSIGNED, node, domid)}, where, ("stolen",))
    elif transition == "exchange_assign":
        where = all_of([one, pages <= s.transit_pages[node], pages <= s.owed_pages[domid]])
        arguments = {"domid": domid, **_block(ANONYMOUS, node, None, False)}
        yield MatchingCall("assign_in_exchange", arguments, where, ("assigned",), _UNMARKED)
    elif transition == "drop_tot_pages":
        where = all_of([one, pages <= s.owed_pages[domid], s.is_dying[domid]])
        yield MatchingCall("drop_tot_pages", {"domid": domid, "pages": pages}, where, ("dropped",))
    elif transition == "set_max_pages":
        limit = _pages("max_pages")
        where = all_of([s.listed(domid), s.domctl_lock == -1, limit <= UINT_MAX])
        yield MatchingCall("set_max_pages", {"domid": domid, "max_pages": limit}, where, ("limited",))
    elif transition == "create_domain":
        limit = _pages("max_pages")
        where = all_of([negation(s.is_created[domid]), s.domctl_lock == -1, limit <= UINT_MAX])
        arguments = {"domid": domid, "max_pages": limit, "node_affinity": frozenset(range(host.nodes))}
        yield MatchingCall("create_domain", arguments, where, ("created",))
    elif transition == "domain_kill":
        where = all_of([s.listed(domid), s.domctl_lock == -1])
        yield MatchingCall("mark_dying", {"domid": domid}, where, ("marked",))
    elif transition == "domain_kill_release":
        yield MatchingCall("release_all_claims", {"domid": domid}, s.domctl_lock == domid, ("released",))
