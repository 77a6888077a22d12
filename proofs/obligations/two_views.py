"""Transitions and calls agree: a step is possible exactly where its call succeeds, and leaves the same counters.

Both are derived from one section of `model.operations`, through two views of claim sets, the node search, page classes
and destroyed domains. Proved on a host of two nodes and two domains: from every state in which the invariants hold, on
named premises, the guards of a transition are equivalent to the success of its call, and the counters afterwards are
equal. For claim sets and the node search, `proofs.obligations.abstractions` proves it for any host.
"""

from __future__ import annotations

from typing import Any

import z3

from model.calls import NONE, Call, CallHost, CallState, Case, cases, holds
from model.logic import Term, all_of, any_of, negation
from model.named import GENERATIONS, TRANSITIONS
from model.state import FIELDS
from model.step import Step
from proofs.obligations.auxiliary import Problem
from proofs.obligations.invariants import invariant
from proofs.obligations.matching_calls import MatchingCall, matching_calls
from proofs.obligations.obligation import VIEWS, Obligation, bounded

NODES, DOMAINS = 2, 2
_NOT_COMPARED = frozenset(
    {
        "domctl_lock",
        "legacy_calls",
        "transit_pages",
        "anonymous_pages",
        "installed_pages",
        "marked_pages",
        "owed_pages",
    }
)
"""Fields that calls do not have; and marks, which another case of the calls covers."""
_NEEDED = frozenset(
    {"non-negative", "unused-ids-empty", "destroyed-empty", "dead-hold-no-node-claims", "aggregates-agree.domain"}
)
_ORPHANED = "for a destroyed domain, transitions keep the sum of its claims, calls the domain's own counters"
WITHOUT_A_CALL = {
    "free_anonymous_pages": "calls have a single class for pages without owner",
    "free_marked_stash_page": "two calls in one section: one frees the extent, one takes its marked pages offline",
    "redemption_crashes": "a case of the calls that allocate or assign",
    "alloc_for_destroyed": _ORPHANED,
    "claim_for_destroyed": _ORPHANED,
    "claim_on_node_for_destroyed": _ORPHANED,
    "release_for_destroyed": _ORPHANED,
}
"""The transitions that do not correspond to a single call, and why."""


def view_obligations(semantics: list[str]) -> list[Obligation]:
    """One for each transition with a call, in each generation that has it."""
    return [
        Obligation(VIEWS, name, transition, bounded(NODES, DOMAINS))
        for name in semantics
        for transition in GENERATIONS[name].transitions
        if transition not in WITHOUT_A_CALL
    ]


def view_problem(obligation: Obligation) -> Problem:
    """The formulas: the invariants, and that a transition differs from a corresponding call.

    :raises ValueError: no call corresponds to the transition
    """
    semantics, host = obligation.property, CallHost(NODES, DOMAINS)
    s = host.state()
    assert isinstance(s, CallState)
    differs = [
        all_of([one.where, _differs_from(semantics, obligation.transition, host, s, one)])
        for one in matching_calls(semantics, obligation.transition, host, s)
    ]
    if not differs:
        raise ValueError(f"no call corresponds to {obligation.transition} in {semantics}")
    return Problem([*host.axioms, *_never_both(host, s)], assumed(semantics, host, s), _as_term(any_of(differs)), [])


def assumed(semantics: str, host: CallHost, s: CallState) -> dict[str, Term]:
    """The comparison's assumptions about a state. Backed claims are not among them: some generations violate that."""
    names = (name for name in GENERATIONS[semantics].invariants if name in _NEEDED)
    return {f"invariant:{name}": invariant(name, host, s) for name in names}


def _differs_from(semantics: str, transition: str, host: CallHost, s: CallState, one: MatchingCall) -> Term:
    """For some state and arguments, only one side is possible, or the counters afterwards differ."""
    rules = GENERATIONS[semantics]
    step = Step(host, s, one.given)
    TRANSITIONS[transition].build(step, rules.rules)
    possible = all_of(guard.formula(host) for guard in step.guards)
    found = cases(Call(rules, host, s), one.call, **one.arguments)
    succeeds = any_of(holds(found, i) for i, case in enumerate(found) if case.name in one.success)
    if one.failing:
        crashes = any_of(holds(found, i) for i, case in enumerate(found) if case.result == "crash")
        refused = negation(any_of([succeeds, crashes]))
        return negation(_as_term(possible) == _as_term(refused))
    after = host.after(step)
    effects = [(holds(found, i), case) for i, case in enumerate(found) if case.name in one.success]
    return any_of([negation(_as_term(possible) == _as_term(succeeds)), _leaves_other(host, s, after, effects)])


def _never_both(host: CallHost, s: CallState) -> list[Term]:
    """If a generation keeps claim_node, the claim is on that node."""
    facts = []
    for d in range(host.domains):
        for n in range(host.nodes):
            facts.append(any_of([s.claims[d, n] == 0, s.claim_node[d] == n]))
        facts.append(any_of([s.global_claims[d] == 0, s.claim_node[d] == NONE]))
    return facts


def _leaves_other(host: CallHost, s: CallState, after: Any, effects: list[tuple[Term, Case]]) -> Term:
    """Some counter differs from the call's."""
    found = []
    for condition, case in effects:
        left = s if case.effect is None else case.effect()
        for name, info in FIELDS.items():
            if name in _NOT_COMPARED:
                continue
            ours, theirs = getattr(after, name), getattr(left, name)
            different: list[Term] = []
            host.shaped(info, lambda *i, a=ours, b=theirs, d=different: d.append(negation(_at(a, i) == _at(b, i))) or 0)
            found.append(all_of([condition, any_of(different)]))
    return any_of(found)


def _at(value: Any, index: tuple[int, ...]) -> Term:
    if not index:
        return _as_term(value)
    return _as_term(value[index[0]] if len(index) == 1 else value[index])


def _as_term(term: Term) -> Term:
    return z3.BoolVal(term) if isinstance(term, bool) else z3.IntVal(term) if isinstance(term, int) else term
