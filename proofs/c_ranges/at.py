"""The values of one event on a concrete host: which of them are out of their type there."""

from __future__ import annotations

from typing import Any

import z3

from model.bounded import BoundedHost, ListGrid, ListVector
from model.c_code.evaluation import evaluated
from model.logic import negation
from model.semantics import SEMANTICS, TRANSITIONS
from model.state import FIELDS, Shape, State
from model.step import Step
from proofs.traces import events as e
from proofs.traces import own_events as own
from proofs.traces.events import Event
from reference.state import Host

Made = tuple[str, dict[str, Any]]
"""A transition and its arguments."""


def transition_of(event: Event, host: Host, nodes: int) -> Made | None:
    """The transition whose values an event computes; none for those that are not looked at here."""
    if isinstance(event, e.SetOutstandingPages) and event.pages:
        node = event.node if isinstance(event.node, int) else None
        name = "set_outstanding_pages" if node is None else "claim_on_node"
        function = {"nr_extents": 2**64 - 1}  # nothing is subtracted before it
        return name, {
            "domid": event.domid,
            "pages": event.pages,
            **function,
            **({} if node is None else {"node": node}),
        }
    if isinstance(event, own.ClaimPages) and event.nr_extents:
        pages = asked = event.nr_extents
        if SEMANTICS[host.semantics.name].rules.legacy_subtracts_first:
            pages = (asked - int(host.domains[event.domid].tot_pages)) % 2**64
        return "set_outstanding_pages", {"domid": event.domid, "pages": pages, "nr_extents": asked}
    if isinstance(event, e.InstallClaimSet):
        first = [0] * nodes
        entry: dict[str, Any] = {}
        for claim in event.claims:
            if isinstance(claim.target, int):
                first[claim.target] += claim.pages
                entry = {"entry.node": claim.target, "entry.pages": claim.pages}
        host_wide = sum(claim.pages for claim in event.claims if claim.target == "global")
        vectors = {"first": ListVector(first), "second": ListVector([0] * nodes)}
        return "claim_memory", {"domid": event.domid, "global": host_wide, **vectors, **entry}
    return None


def concrete(host: Host) -> tuple[BoundedHost, State, list[int]]:
    """The counters of a host as a state of the model, whose ghosts are all zero; and the ids of its domains."""
    ids = list(host.domains)
    domains = list(host.domains.values())
    shape = BoundedHost(len(host.node_pages), len(ids))
    values: dict[str, Any] = {}
    for info in FIELDS.values():
        zero: Any = False if info.flag else 0
        if info.shape is Shape.HOST:
            values[info.name] = int(getattr(host, info.name, 0))
        elif info.shape is Shape.NODE:
            values[info.name] = ListVector([int(x) for x in getattr(host, info.name, [0] * shape.nodes)])
        elif info.shape is Shape.DOMAIN:
            kind = bool if info.flag else int
            values[info.name] = ListVector([kind(getattr(d, info.name, zero)) for d in domains])
        else:
            values[info.name] = ListGrid([[0] * shape.nodes for _ in domains])
    values["claims"] = ListGrid([[int(x) for x in d.claims] for d in domains])
    return shape, State(**values), ids


def out_of_type(semantics: str, host: Host, event: Event) -> dict[int, int | None]:
    """Numbers of the values that are out of their type when the event is done now; with the value where it is known."""
    made = transition_of(event, host, len(host.node_pages))
    if made is None:
        return {}
    shape, state, ids = concrete(host)
    name, arguments = made
    step = Step(shape, state, arguments | {"domid": ids.index(arguments["domid"])})
    TRANSITIONS[name].build(step, SEMANTICS[semantics].rules)
    found: dict[int, int | None] = {}
    for number, value in enumerate(evaluated(step, state).values):
        if name == "claim_memory" and "entry.node" not in arguments and "[n]" in value.expression:
            continue  # no entry is on a node: nothing is computed for one
        broken = negation(value.fits())
        if broken is False:
            continue
        if broken is not True:
            solver = z3.SimpleSolver()
            solver.add(broken, *[axiom for axiom in shape.axioms if not isinstance(axiom, bool)])
            if solver.check() != z3.sat:
                continue
        found[number] = value.term if isinstance(value.term, int) else None
    return found
