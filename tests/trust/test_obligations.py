"""What obligations there are, what they assume, and that the goal is that of the property, of the state after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import z3

from model.hosts.lemmas import all_lemmas
from model.loops import loop_cases
from model.named import GENERATIONS, TRANSITIONS, Generation
from model.properties import PROPERTIES, Kind, Property
from model.properties.conditions import CONDITIONS
from model.rules import Rules
from model.step import Step
from proofs.obligations.abstractions import abstraction_obligations
from proofs.obligations.auxiliary import auxiliary_obligations
from proofs.obligations.obligation import PARAMETRIC, VIEWS, Obligation, bounded
from proofs.obligations.problem import problem
from proofs.obligations.sections import section_obligations
from proofs.obligations.suite import lacking, not_applicable, property_ids, suite
from proofs.obligations.two_views import view_obligations
from proofs.prover.solve import plain, solve
from proofs.prover.verdict import Settings, Verdict
from tests.sampled import PLAIN, sampled

QUICK = Settings(cores=False)
BOTH = [PARAMETRIC, bounded(2, 2)]
DESIGN = GENERATIONS["claim-sets"]
FEW = ("boot", "alloc_heap_pages", "set_max_pages", "claim_memory", "offline_page", "assign_pages")
"""Steps that differ in kind."""


def spoken_of(prop: Property, generation: Generation) -> set[str]:
    """Where a property is to be shown, by its own tags."""
    steps = set(generation.transitions)
    if prop.kind is Kind.IMPLIED:
        return {"every-state"}
    if prop.kind is Kind.COMPARISON:
        return steps & set(prop.compared)
    if prop.kind is Kind.STATE:
        return steps | {"boot"}
    tags = {t: set(TRANSITIONS[t].tags) for t in steps}
    return {t for t in steps if (prop.only is None or tags[t] & prop.only) and not tags[t] & prop.never}


@pytest.mark.parametrize("semantics", GENERATIONS)
def test_every_property_has_an_obligation_per_relevant_step(semantics: str) -> None:
    """But for what its conditions exclude; and without its conditions wherever they are about a step."""
    generation = GENERATIONS[semantics]
    obligations = suite([semantics], property_ids(), [bounded(1, 1)])
    found = {
        claimed: {(o.property, o.transition) for o in obligations if o.claimed is claimed} for claimed in (True, False)
    }
    wanted: dict[bool, set[tuple[str, str]]] = {True: set(), False: set()}
    for prop in PROPERTIES.values():
        if not lacking(prop, generation):
            conditions = [CONDITIONS[c] for c in generation.conditions_of(prop)]
            steps = spoken_of(prop, generation)
            wanted[True] |= {(prop.name, t) for t in steps if not any(t in c.excludes for c in conditions)}
            wanted[False] |= {(prop.name, t) for t in steps if any(t in c.transitions for c in conditions)}
    assert found == wanted
    for o in obligations:
        assert o.conditions == (generation.conditions_of(PROPERTIES[o.property]) if o.claimed else ())
    left_out = {(n.property, n.transition): n.reason for n in not_applicable([semantics], property_ids())}
    assert not left_out.keys() & found[True]
    assert all(left_out.values())


def test_lemmas_of_every_proof_are_among_the_obligations() -> None:
    names = {o.name for o in suite(["claim-sets"], ["node-backed"], BOTH)}
    for make in (section_obligations, view_obligations, abstraction_obligations):
        made = make(["claim-sets"])
        assert len(made) > 6
        assert {o.name for o in made} <= names
    assert {o.name for o in auxiliary_obligations()} <= names
    lemmas = {(lemma.name, case) for lemma in all_lemmas() for case in ("base", "step")}
    assert {(o.property, o.transition) for o in auxiliary_obligations() if o.semantics == "lemma"} == lemmas
    loops = {(case.loop, case.case) for case in loop_cases()}
    assert {(o.property, o.transition) for o in auxiliary_obligations() if o.semantics == "loop"} == loops


@pytest.mark.parametrize("semantics", sampled(GENERATIONS, keep=PLAIN))
def test_only_promises_are_assumed(semantics: str) -> None:
    """The invariants, the property itself, and what is promised on the obligation's own conditions."""
    generation = GENERATIONS[semantics]
    assert {name for name in generation.invariants if generation.conditions_of(PROPERTIES[name])} == set()
    for obligation in suite([semantics], property_ids(), [bounded(1, 1)]):
        if obligation.semantics != semantics:
            continue
        for name in obligation.assumptions():
            needs = generation.conditions_of(PROPERTIES[name])
            own = PROPERTIES[name].id == PROPERTIES[obligation.property].id
            promised = name in generation.invariants or (needs and set(needs) <= set(obligation.conditions))
            assert own or promised, (obligation.name, name)


@pytest.mark.parametrize("encoding", BOTH)
def test_every_assumption_has_a_name(encoding: str) -> None:
    """Invariants that are assumed, guards and updates of the step, conditions, and nothing else."""
    for prop in ("host-backed", "entitlement", "redeemed-once", "no-wrap"):
        for o in suite(["claim-sets"], [prop], [encoding]):
            if o.semantics != "claim-sets" or o.transition not in FEW:
                continue
            p = problem(o)
            named = {label.removeprefix("invariant:") for label in p.assumptions if label.startswith("invariant:")}
            assert named <= {*o.assumptions(), o.property}, o.name
            others = {label.partition(":")[0] for label in p.assumptions} - {"invariant", "guard", "update"}
            assert others <= ({"boot"} if o.transition == "boot" else {"host"} if "no-wrap" in prop else set()), o.name
            assert PROPERTIES[o.property].kind is Kind.STATE or o.property not in named


@pytest.mark.parametrize("encoding", BOTH)
def test_without_assumptions_nothing_is_proved(encoding: str) -> None:
    """The facts alone say nothing of a state: no property that a step may break follows from them."""
    for prop in ("node-backed", "host-backed", "aggregates-agree", "all-claims-counted", "entitlement"):
        for o in suite(["claim-sets"], [prop], [encoding]):
            if o.semantics == "claim-sets" and o.transition in FEW and o.transition != "boot":
                p = problem(o)
                bare = replace(p, assumptions={k: v for k, v in p.assumptions.items() if k.startswith("update:")})
                assert plain(bare, QUICK).check() == z3.sat, o.name


@pytest.mark.parametrize("encoding", BOTH)
@pytest.mark.parametrize(
    ("prop", "transition", "dropped"),
    [
        ("node-backed", "alloc_heap_pages", "guard:node-check"),
        ("node-backed", "alloc_heap_pages", "update:node_avail_pages"),
        ("node-backed", "claim_memory", "guard:first-fits-node"),
        ("aggregates-agree.node", "claim_memory", "update:node_outstanding_claims"),
        ("all-claims-counted", "alloc_heap_pages", "update:outstanding_claims"),
        ("redeemed-once.exact", "alloc_heap_pages", "update:claims"),
    ],
)
def test_dropping_a_needed_assumption_refutes(prop: str, transition: str, dropped: str, encoding: str) -> None:
    whole = Obligation("claim-sets", prop, transition, encoding)
    assert solve(whole, QUICK).verdict is Verdict.PROVED
    assert dropped in problem(whole).assumptions
    assert solve(replace(whole, dropped=dropped), QUICK).verdict is Verdict.REFUTED


def test_intermediate_values_are_proved_without_the_checks() -> None:
    """C computes a check before it fails: what the step is possible for says nothing of that."""
    for encoding in BOTH:
        p = problem(Obligation("claim-sets", "no-wrap.intermediate", "claim_memory", encoding))
        assert not [label for label in p.assumptions if label.startswith("guard:")]
        assert "host:largest" in p.assumptions


def test_conditions_guard_their_steps() -> None:
    on_condition = Obligation(
        "claim-sets", "entitlement", "set_max_pages", PARAMETRIC, DESIGN.conditions_of(PROPERTIES["entitlement"])
    )
    labels = set(problem(on_condition).assumptions)
    assert "guard:condition limit-not-lowered" in labels
    assert not any(
        label.startswith("guard:condition") for label in problem(replace(on_condition, conditions=())).assumptions
    )


def test_facts_do_not_constrain_counters() -> None:
    """Definitions and lemma instances: of counters before or after a step they are true, whatever these are."""
    wrong = {"outstanding_claims": 9, "total_avail_pages": 1}
    for transition in FEW:
        for prop in ("host-backed", "entitlement", "node-backed"):
            p = problem(Obligation("claim-sets", prop, transition, PARAMETRIC))
            for suffix in ("", ".after"):
                solver = z3.Solver()
                solver.add(*p.facts, *(z3.Int(name + suffix) == value for name, value in wrong.items()))
                n, d = z3.Int("some"), z3.Int("other")
                avail, claimed, tot, most = (
                    z3.Function(name + suffix, z3.IntSort(), z3.IntSort())
                    for name in ("node_avail_pages", "node_outstanding_claims", "tot_pages", "max_pages")
                )
                solver.add(n >= 0, n < z3.Int("nodes"), claimed(n) > avail(n))
                solver.add(d >= 0, d < z3.Int("domains"), tot(d) > most(d))
                assert solver.check() == z3.sat, (transition, prop, suffix)


def test_premises_of_auxiliary_obligations_can_hold() -> None:
    """What they assume can hold, with one, two and three nodes."""
    auxiliary = [*section_obligations(["claim-sets"]), *abstraction_obligations(["claim-sets"])]
    for obligation in [*auxiliary, *auxiliary_obligations()]:
        p = problem(obligation)
        for size in (1, 2, 3):
            solver = z3.Solver()
            solver.add(*p.facts, *p.assumptions.values(), z3.Int("nodes") == size)
            assert solver.check() == z3.sat, (obligation.name, size)


COMPARED = ("alloc_heap_pages", "claim_memory", "set_max_pages")


def changed(monkeypatch: pytest.MonkeyPatch, name: str, change: Callable[[Step], None]) -> Verdict:
    """The verdict on a transition and its call, the transition being spoiled."""
    right = TRANSITIONS[name]

    def build(step: Step, rules: Rules) -> None:
        right.build(step, rules)
        change(step)

    monkeypatch.setitem(TRANSITIONS, name, replace(right, build=build))
    return solve(Obligation(VIEWS, "claim-sets", name, bounded(2, 2)), QUICK).verdict


@pytest.mark.parametrize("name", COMPARED)
def test_transition_without_a_counter_update_is_not_its_call(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def forgets(step: Step) -> None:
        del step.updates[next(field for field in step.updates if field not in ("limbo_pages", "installed_pages"))]

    assert solve(Obligation(VIEWS, "claim-sets", name, bounded(2, 2)), QUICK).verdict is Verdict.PROVED
    assert changed(monkeypatch, name, forgets) is Verdict.REFUTED


@pytest.mark.parametrize("name", COMPARED)
def test_transition_without_a_guard_is_not_its_call(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name != "set_max_pages":  # which is possible always
        assert changed(monkeypatch, name, lambda step: step.guards.clear()) is Verdict.REFUTED
    assert changed(monkeypatch, name, lambda step: step.guard("never", False)) is Verdict.REFUTED
