"""`legacy-compatible`: proved for any host, by every premise, and refuted by every mistake in what is compared."""

from dataclasses import replace

import pytest
import z3

from model.bookkeeping import TotalBookkeeping
from model.hosts.bounded import BoundedHost
from model.named import GENERATIONS, Generation
from model.properties import PROPERTIES
from proofs.obligations.obligation import PARAMETRIC, Obligation, bounded
from proofs.obligations.problem import problem
from proofs.obligations.suite import lacking, places
from proofs.prover.induction import Induction
from proofs.prover.solve import plain, solve
from proofs.prover.verdict import Settings, Verdict
from proofs.refinement.same import never_differ
from tests.sampled import sampled

QUICK = Settings(cores=False)
HOST_WIDE, ONE_NODE = "legacy-compatible.host-wide", "legacy-compatible.one-node"
DERIVED = "legacy-compatible.derived-counters"
COMPARED = [
    (semantics, part, place)
    for semantics, part in (("claim-sets", HOST_WIDE), ("claim-sets", ONE_NODE), ("claim-sets-v3", DERIVED))
    for place in places(PROPERTIES[part], GENERATIONS[semantics])
]


def verdict(*names: str, conditions: tuple[str, ...] = (), mutation: str = "", dropped: str = "") -> Verdict:
    """On the conditions on which the generation promises it, if no others are given."""
    semantics, part, *_ = names
    conditions = conditions or GENERATIONS[semantics].conditions_of(PROPERTIES[part])
    return solve(Obligation(*names, conditions, mutation=mutation, dropped=dropped), QUICK).verdict


@pytest.mark.parametrize(("semantics", "part", "place"), sampled(COMPARED, 8))
def test_compared_calls_agree_on_any_host(semantics: str, part: str, place: str) -> None:
    assert verdict(semantics, part, place, PARAMETRIC) is Verdict.PROVED


@pytest.mark.parametrize(("semantics", "part", "place"), sampled(COMPARED, 6))
def test_premises_of_each_comparison_can_hold(semantics: str, part: str, place: str) -> None:
    asked = problem(Obligation(semantics, part, place, bounded(2, 2)))
    asked.negated_goal = True
    assert plain(asked, QUICK).check() == z3.sat


def premises(part: str, place: str) -> list[str]:
    host = BoundedHost(1, 1)
    pair = PROPERTIES[part].compared[place].build(host, host.state(), GENERATIONS["claim-sets"].rules)
    return [premise.name for premise in pair.premises if not premise.applies]


FOLLOW = {
    "claims-backed": ("legacy-check-in-lock",),
    "claims-stay-backed": ("legacy-check-in-lock",),
    "node-backed": (),
}
"""Premises that hold of every state of claim sets, on these conditions. That a domain is alive is what the condition of
the host-wide comparison demands."""


@pytest.mark.parametrize(
    ("part", "place", "premise"),
    sampled([(p, t, name) for s, p, t in COMPARED if s == "claim-sets" for name in premises(p, t)], 3),
)
def test_each_premise_is_needed_or_an_invariant(part: str, place: str, premise: str) -> None:
    granted = (part, place, premise) == (HOST_WIDE, "set_outstanding_pages", "alive")
    follows = premise in ("claims-backed", "node-backed") or place == "free_marked_page" or granted
    conditions = FOLLOW.get(premise, ())
    found = verdict("claim-sets", part, place, bounded(2, 2), conditions=conditions, dropped=f"premise:{premise}")
    assert found is (Verdict.PROVED if follows else Verdict.REFUTED)


@pytest.mark.parametrize(
    ("part", "place", "mutation"),
    [
        (HOST_WIDE, "set_outstanding_pages", "install-without-limit"),
        (ONE_NODE, "claim_memory", "install-without-limit"),
        (ONE_NODE, "alloc_heap_pages", "node-check-ignores-claims"),
        (ONE_NODE, "alloc_heap_pages", "redeem-without-step-3"),
        (ONE_NODE, "alloc_heap_pages_unowned", "node-check-ignores-claims"),
        (ONE_NODE, "domain_kill_release", "kill-keeps-claims"),
        (ONE_NODE, "assign_pages", "assign-without-limit"),
        (ONE_NODE, "free_domheap_pages", "free-restores-claims"),
    ],
)
def test_mistake_in_the_rules_is_a_difference(part: str, place: str, mutation: str) -> None:
    assert verdict("claim-sets", part, place, bounded(2, 2), mutation=mutation) is Verdict.REFUTED


@pytest.mark.parametrize("place", ["claim_memory", "alloc_heap_pages", "domain_kill_release"])
def test_total_that_omits_node_claims_is_noticed(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def forgets(_self, step, domid, nodes, host_wide) -> None:
        step.add_at("node_claims", domid, nodes)
        step.add_at("outstanding_pages", domid, host_wide)

    monkeypatch.setattr(TotalBookkeeping, "change", forgets)
    assert verdict("claim-sets-v3", DERIVED, place, bounded(2, 2)) is Verdict.REFUTED


def test_recall_that_omits_the_total_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgets(_self, step, nodes, host_wide) -> None:
        s, h = step.before, step.encoding
        step.set_vector("node_claims", h.combined([(1, s.node_claims), (-1, nodes)], s.node_claims))

    monkeypatch.setattr(TotalBookkeeping, "deduct_everywhere", forgets)
    assert verdict("claim-sets-v3", DERIVED, "offline_page", bounded(2, 2)) is Verdict.REFUTED


def test_legacy_claim_that_is_not_stored_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TotalBookkeeping, "stake", lambda _self, step, domid, claim: None)
    assert verdict("per-node-v8", DERIVED, "set_outstanding_pages", bounded(2, 2)) is Verdict.REFUTED


def test_generation_without_claim_sets_is_not_compared() -> None:
    assert lacking(PROPERTIES[ONE_NODE], GENERATIONS["single-node-v4"]) == "it has no claim sets"
    assert lacking(PROPERTIES[DERIVED], GENERATIONS["claim-sets"]) == "host-wide claims are counted by themselves"


def with_the_type_of_claim_sets(monkeypatch: pytest.MonkeyPatch) -> Generation:
    """Version 3, its counters signed; the invariants of claim sets are taken for kept."""
    promised = Induction("claim-sets", (), list(GENERATIONS["claim-sets"].invariants))
    monkeypatch.setattr("proofs.refinement.same.induction", lambda _semantics: promised)
    v3 = GENERATIONS["claim-sets-v3"]
    same_type = replace(v3, rules=replace(v3.rules, counter_type=GENERATIONS["claim-sets"].rules.counter_type))
    monkeypatch.setitem(GENERATIONS, "claim-sets-v3", same_type)
    return same_type


@pytest.mark.long
def test_claim_sets_and_v3_differ_only_in_counter_types(monkeypatch: pytest.MonkeyPatch) -> None:
    v3 = GENERATIONS["claim-sets-v3"]
    with_the_type_of_claim_sets(monkeypatch)
    assert never_differ("claim-sets", "claim-sets-v3")
    monkeypatch.setitem(GENERATIONS, "claim-sets-v3", v3)
    assert not never_differ("claim-sets", "claim-sets-v3")  # unsigned counters: other values where claims exceed pages


def test_generations_that_differ_otherwise_are_not_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    v3 = with_the_type_of_claim_sets(monkeypatch)
    assert not never_differ("claim-sets-no-recall", "claim-sets")
    monkeypatch.setattr(TotalBookkeeping, "stake", lambda _self, step, domid, claim: None)
    monkeypatch.setitem(GENERATIONS, "claim-sets-v3", replace(v3, rules=replace(v3.rules, folds_legacy=False)))
    assert not never_differ("claim-sets", "claim-sets-v3")
