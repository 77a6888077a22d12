"""The values of one event on a concrete host that are outside their type."""

from __future__ import annotations

from typing import Any

import z3
from msgspec import UNSET

from model.c_code.evaluation import evaluated
from model.hosts.bounded import BoundedHost, ListGrid, ListVector
from model.logic import negation
from model.named import GENERATIONS, TRANSITIONS
from model.operations.domains import NO_DOMCTL
from model.state import FIELDS, Shape, State
from model.step import Step
from proofs import operations as e
from proofs.c_typed.runs import CTypedRun, EventOutcome
from proofs.interrupts import check, interruptible
from proofs.operations import Event
from reference.pages import PageState
from reference.state import Domain, Host

CallWithArguments = tuple[str, dict[str, Any]]
"""A transition and its arguments."""


def transition_of(event: Event, run: CTypedRun, seen: EventOutcome) -> CallWithArguments | None:
    """The transition whose values an event computes in the state of a run; None: the event is not considered.

    The node of an allocation is taken from its observed outcome.
    """
    host = run.host
    if isinstance(event, e.Continue):
        return _continued(run, event, seen)
    if isinstance(event, e.SetOutstandingPages) and event.pages:
        node = event.node if isinstance(event.node, int) else None
        # Nothing is subtracted before it.
        return _claimed(event.domid, event.pages, node, nr_extents=2**64 - 1)
    if isinstance(event, e.ClaimPages) and event.nr_extents and event.builder is UNSET:
        return _claim_pages(event, run)
    if isinstance(event, e.InstallClaimSet):
        return _claim_memory(event, len(host.node_pages))
    if isinstance(event, (e.AllocHeapPages, e.AllocDomheapPages)):
        on_node = seen.outcome.get("on_node", 0 if event.node is None else event.node)
        exact = "exact_node" in event.memflags
        counts = event.domid is not None and not {"no_owner", "no_refcount"} & set(event.memflags)
        other = "alloc_heap_pages_unowned" if event.domid is None else "exchange_allocate"
        return ("alloc_heap_pages" if counts else other), _request(event, on_node, event.order, event.node, exact)
    return _assigned_or_freed(event, host)


def _claimed(domid: int, pages: int, node: int | None, nr_extents: int) -> CallWithArguments:
    arguments = {"domid": domid, "pages": pages, "nr_extents": nr_extents}
    return ("set_outstanding_pages", arguments) if node is None else ("claim_on_node", {**arguments, "node": node})


def _claim_pages(event: e.ClaimPages, run: CTypedRun) -> CallWithArguments:
    pages = asked = event.nr_extents
    if GENERATIONS[run.host.semantics.name].rules.legacy_subtracts_first:
        pages = (asked - int(run.known[event.domid].tot_pages)) % 2**64
    node = run.host.semantics.target_of_claim_pages(event.mem_flags)
    return _claimed(event.domid, pages, node if isinstance(node, int) else None, asked)


def _claim_memory(event: e.InstallClaimSet, nodes: int) -> CallWithArguments:
    first = [0] * nodes
    entry: dict[str, Any] = {}
    for claim in event.claims:
        if isinstance(claim.target, int):
            first[claim.target] += claim.pages
            entry = {"entry.node": claim.target, "entry.pages": claim.pages}
    host_wide = sum(claim.pages for claim in event.claims if claim.target == "global")
    vectors = {"first": ListVector(first), "second": ListVector([0] * nodes)}
    return "claim_memory", {"domid": event.domid, "global": host_wide, **vectors, **entry}


def _request(event: Any, on_node: int, order: int, node: int | None, exact: bool) -> dict[str, Any]:
    requested = {"requested_node": on_node if node is None else node, "exact_node": exact, "anywhere": node is None}
    return {"domid": event.domid, "pages": 1 << order, "node": on_node, **requested}


def _continued(run: CTypedRun, event: e.Continue, seen: EventOutcome) -> CallWithArguments | None:
    """The next critical section of a claim or of an allocation in flight."""
    began = run.in_flight.get(str(event.builder))
    if isinstance(began, e.ClaimPages) and began.nr_extents:
        name, arguments = _claim_pages(began, run)
        if run.known[began.domid].is_destroyed:
            name = "claim_for_destroyed" if name == "set_outstanding_pages" else "claim_on_node_for_destroyed"
        return name, arguments
    if not isinstance(began, e.PopulatePhysmap) or seen.state is None:
        return None
    taken = [int(a) - b for a, b in zip(run.host.node_avail_pages, seen.state.node_avail_pages, strict=True)]
    if max(taken) <= 0:
        return None  # it allocated no pages
    on_node, destroyed = taken.index(max(taken)), run.known[began.domid].is_destroyed
    name = "alloc_for_destroyed" if destroyed else "alloc_heap_pages"
    return name, _request(began, on_node, began.extent_order, began.node, "exact_node" in began.memflags)


def _assigned_or_freed(event: Event, host: Host) -> CallWithArguments | None:
    if isinstance(event, e.AssignPages):
        name = "assign_extra_pages" if "no_refcount" in event.memflags else "assign_pages"
        domid: int | None = event.domid
    elif isinstance(event, e.FreeDomheapPages):
        block = host.pages.exact(event.mfn, event.order)
        if block.state is not PageState.ASSIGNED:
            return None
        name, domid = "free_domheap_pages" if block.refcounted else "free_extra_pages", block.domid
    else:
        return None
    return name, {"domid": domid, "node": host.node_of(event.mfn), "pages": 1 << event.order, "marks": 0}


PLENTY = 2**40
IN_FLIGHT = ("legacy_calls", "transit_pages", "anonymous_pages", "owed_pages")
"""Ghosts that describe what is between two critical sections."""


def concrete(run: CTypedRun) -> tuple[BoundedHost, State, list[int]]:
    """The counters of a run's host as a state of the model, and the ids of its domains.

    Fields that exist only in the model do not refuse the operation, because the run has done it.
    """
    host, ids = run.host, sorted(run.known)
    domains = [run.known[domid] for domid in ids]
    shape = BoundedHost(len(host.node_pages), len(ids))
    values: dict[str, Any] = {}
    for info in FIELDS.values():
        zero: Any = False if info.flag else PLENTY if info.name in IN_FLIGHT else 0
        if info.shape is Shape.HOST:
            values[info.name] = int(getattr(host, info.name, 0))
        elif info.shape is Shape.NODE:
            values[info.name] = ListVector([int(x) for x in getattr(host, info.name, [0] * shape.nodes)])
        elif info.shape is Shape.DOMAIN:
            kind = bool if info.flag else int
            values[info.name] = ListVector([kind(getattr(d, info.name, zero)) for d in domains])
        else:
            values[info.name] = ListGrid([[0] * shape.nodes for _ in domains])
    values["is_created"] = ListVector([True] * len(ids))
    values["claims"] = ListGrid([[0 if d.is_destroyed else int(x) for x in d.claims] for d in domains])
    for name in ("global_claims", "node_claims"):
        values[name] = ListVector([0 if d.is_destroyed else int(getattr(d, name)) for d in domains])
    values["domctl_lock"] = NO_DOMCTL
    orphaned = [int(d.global_claims) + int(d.node_claims) if d.is_destroyed else 0 for d in domains]
    values["orphaned_claims"] = ListVector(orphaned)
    for name, state, refcounted in (
        ("limbo_pages", PageState.LIMBO, True),
        ("assigned_pages", PageState.ASSIGNED, True),
        ("extra_pages", PageState.ASSIGNED, False),
    ):
        values[name] = ListGrid([_pages(host, d, state, refcounted) for d in domains])
    return shape, State(**values), ids


def _pages(host: Host, domain: Domain, state: PageState, refcounted: bool) -> list[int]:
    by_node = [0] * len(host.node_pages)
    for block in host.pages.blocks.values():
        if block.owner is domain and block.state is state and block.refcounted is refcounted:
            by_node[host.node_of(block.mfn)] += block.pages
    return by_node


def out_of_type(semantics: str, run: CTypedRun, made: CallWithArguments) -> dict[int, int | None]:
    """The numbers of the values outside their type when the transition runs now, with the value if it is known."""
    shape, state, ids = concrete(run)
    name, arguments = made
    domid = arguments["domid"]
    if name == "domain_kill_release":
        state.domctl_lock = ids.index(domid)
    step = Step(shape, state, arguments | {"domid": 0 if domid is None else ids.index(domid)})
    TRANSITIONS[name].build(step, GENERATIONS[semantics].rules)
    found: dict[int, int | None] = {}
    for number, value in enumerate(evaluated(step, state).values):
        if name == "claim_memory" and "entry.node" not in arguments and "[n]" in value.expression:
            continue  # no entry is on a node, so no value of an entry is computed
        broken = negation(value.fits())
        if broken is False:
            continue
        if broken is not True:
            solver = interruptible(z3.SimpleSolver())
            solver.add(broken, *[axiom for axiom in shape.axioms if not isinstance(axiom, bool)])
            if check(solver) != z3.sat:
                continue
        found[number] = value.term if isinstance(value.term, int) else None
    return found
