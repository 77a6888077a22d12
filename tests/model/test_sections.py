"""What is derived from a section: complete for every section, and a wrong polarity leaves an outcome out."""

from collections.abc import Callable

import pytest
import z3

from model.encoding import Quantifiers
from model.hosts.bounded import BoundedHost
from model.logic import Term, all_of, any_of, negation
from model.named import GENERATIONS, TRANSITIONS
from model.operations import derived
from model.operations.outcomes import outcomes
from model.operations.section import Condition
from model.operations.sets import SetByNode
from proofs.obligations.obligation import PARAMETRIC, Obligation
from proofs.obligations.sections import section_obligations
from proofs.prover.solve import solve
from proofs.prover.verdict import Settings, Verdict
from tests.sampled import sampled

QUICK = Settings(cores=False)


SOME_OR_ALL = [
    pytest.param(("claim-sets", "legacy-2013"), id="some"),
    pytest.param(tuple(GENERATIONS), id="all", marks=pytest.mark.long),
]


def undecided(semantics: list[str]) -> set[str]:
    return {o.transition for o in section_obligations(semantics) if solve(o, QUICK).verdict is not Verdict.PROVED}


@pytest.mark.parametrize("generations", SOME_OR_ALL)
def test_every_section_is_accepted_refused_or_crashes(generations: tuple[str, ...]) -> None:
    assert len(section_obligations(list(generations))) > 25 * len(generations)
    assert undecided(list(generations)) == set()


@pytest.mark.parametrize("generations", SOME_OR_ALL)
@pytest.mark.parametrize("size", sampled([1, 2, 3], keep={2}))
def test_the_premises_of_every_section_can_hold(size: int, generations: tuple[str, ...]) -> None:
    """Else its obligation would be about nothing."""
    host = BoundedHost(size, size)
    for obligation in section_obligations(list(generations)):
        written = TRANSITIONS[obligation.transition].written
        assert isinstance(written, derived.DerivedTransition)
        found = outcomes(host, host.state(), GENERATIONS[obligation.property].rules, written)
        solver = z3.Solver()
        solver.add(*host.axioms, *found.premises(host).values())
        assert solver.check() == z3.sat, obligation.name


def _without_dual(condition: Condition) -> Condition:
    return (lambda q: negation(condition(q))) if callable(condition) else negation(condition)


def _refused_as_assumed(records: list[derived.Check | derived.End], index: int, q: Quantifiers) -> Term:
    return derived._fires(records[index], q.dual)


def _only_after_another(records: list[derived.Check | derived.End], index: int, q: Quantifiers) -> Term:
    checks = [r for r in records[:index] if isinstance(r, derived.Check)]
    return all_of([derived._fires(records[index], q), any_of(derived._fires(r, q) for r in checks)])


@pytest.mark.parametrize(
    "wrong", [_refused_as_assumed, _only_after_another], ids=["polarity-of-a-refusal", "refusal-too-narrow"]
)
def test_wrong_refusal_leaves_a_gap_in_the_outcomes(
    wrong: Callable[..., Term], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(derived, "_fires_first", wrong)
    assert "claim_memory" in undecided(["claim-sets"])


def test_wrong_guard_polarity_fails_the_proofs_that_need_it(monkeypatch: pytest.MonkeyPatch) -> None:
    needs_every_node = Obligation("claim-sets", "node-backed", "claim_memory", PARAMETRIC)
    assert solve(needs_every_node, QUICK).verdict is Verdict.PROVED
    monkeypatch.setattr(derived, "negated", _without_dual)
    assert solve(needs_every_node, QUICK).verdict is not Verdict.PROVED


def test_set_view_without_second_entries_is_still_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    """Completeness does not say that a view is right: that is for the comparison of the views."""
    monkeypatch.setattr(SetByNode, "short", lambda self, _fails: {})
    assert undecided(["claim-sets"]) == set()
