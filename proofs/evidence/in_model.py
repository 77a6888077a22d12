"""The trace of a finding in the model: is it one of its traces, on the conditions, and does it break the property?"""

from __future__ import annotations

from typing import Any

import z3

from model.logic import Term
from proofs.evidence.on_reference import NO_TRACE, broken_on_reference
from proofs.evidence.structure import EvidenceFinding
from proofs.search.events import broken_sums
from proofs.search.steps import CREATES, parts_of
from proofs.search.unroll import Unrolling


def broken_in_model(finding: EvidenceFinding) -> list[str]:
    """The inequalities violated after the last event; empty if there are none. One line that says so if it is no trace.

    The counters that the trace records are taken as they are: the model must have a run of the named transitions with
    just these, in which every condition is kept. A trace for which the model has no transitions is judged where it was
    found: on the reference.
    """
    header, _boot, *events = finding.trace
    if not finding.transitions:
        return broken_on_reference(finding)
    if len(events) != len(finding.transitions):
        return [NO_TRACE]
    nodes, created = header["host"]["nodes"], finding.transitions.count(CREATES)
    conditions, parts = tuple(finding.conditions), parts_of(finding.property)
    unrolled = Unrolling(finding.semantics, "", parts, conditions, len(nodes), created)
    solver = unrolled.solver
    for n, pages in enumerate(nodes):
        solver.add(unrolled.states[0].installed_pages[n] == pages)
    for k, name in enumerate(finding.transitions):
        if k >= created:
            if name not in unrolled.names:
                return [NO_TRACE]
            unrolled.grow()
            solver.add(unrolled.choices[-1][unrolled.names.index(name)])
        elif name != CREATES:
            return [NO_TRACE]
        if k >= created - 1 and "state" in events[k]:
            if not _fits(events[k]["state"], unrolled):
                return [NO_TRACE]
            solver.add(*_observed(unrolled.states[-1], events[k]["state"]))
    if solver.check() != z3.sat:
        return [NO_TRACE]
    solver.add(unrolled.broken())
    if solver.check() != z3.sat:
        return []
    return broken_sums(unrolled, solver.model(), finding.transitions)


def _fits(counters: dict[str, Any], unrolled: Unrolling) -> bool:
    """Whether it is a state of a host of that size."""
    domains = counters["domains"]
    lists = [counters["node_avail_pages"], counters["node_outstanding_claims"]]
    lists += [domain["claims"] for domain in domains.values() if "claims" in domain]
    return (
        all(len(pages) == unrolled.nodes for pages in lists)
        and all(domain.get("claim_node", -1) < unrolled.nodes for domain in domains.values())
        and all(int(domid) < unrolled.created for domid in domains)
    )


def _observed(state: Any, counters: dict[str, Any]) -> list[Term]:
    """The model's counters are those recorded."""
    found = [
        state.total_avail_pages == counters["total_avail_pages"],
        state.outstanding_claims == counters["outstanding_claims"],
    ]
    for name in ("node_avail_pages", "node_outstanding_claims"):
        found += [getattr(state, name)[n] == pages for n, pages in enumerate(counters[name])]
    for domid, domain in counters["domains"].items():
        d = int(domid)
        for name in ("max_pages", "tot_pages", "global_claims", "node_claims"):
            if name in domain:
                found.append(getattr(state, name)[d] == domain[name])
        found += [state.claims[d, n] == pages for n, pages in enumerate(domain.get("claims", []))]
        if "outstanding_pages" in domain:
            found.append(state.global_claims[d] + state.node_claims[d] == domain["outstanding_pages"])
        if domain.get("claim_node", -1) >= 0:
            found.append(state.claims[d, domain["claim_node"]] == domain["outstanding_pages"])
    return found
