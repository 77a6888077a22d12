"""Sets by node are lists of entries, and any node that serves is the first of some order: shown for any host."""

from collections.abc import Callable
from typing import Any

import pytest
import z3

from model.c_types import UINT_MAX
from model.logic import all_of
from model.named import GENERATIONS
from model.operations import derived
from model.operations.sets import ListedEntry, SetByNode, SomeEntry
from proofs.obligations.abstractions import abstraction_obligations, abstraction_problem
from proofs.prover.solve import solve
from proofs.prover.verdict import Settings, Verdict
from tests.sampled import PLAIN, sampled

QUICK = Settings(cores=False)


def unproved(semantics: list[str]) -> set[str]:
    return {o.transition for o in abstraction_obligations(semantics) if solve(o, QUICK).verdict is not Verdict.PROVED}


SOME_OR_ALL = [pytest.param(PLAIN, id="some"), pytest.param(tuple(GENERATIONS), id="all", marks=pytest.mark.long)]


@pytest.mark.parametrize("generations", SOME_OR_ALL)
def test_both_abstractions_are_sound_and_complete(generations: tuple[str, ...]) -> None:
    assert unproved(list(generations)) == set()


@pytest.mark.parametrize("generations", SOME_OR_ALL)
def test_premises_of_each_case_can_hold(generations: tuple[str, ...]) -> None:
    for obligation in abstraction_obligations(list(generations)):
        problem = abstraction_problem(obligation)
        solver = z3.Solver()
        solver.add(*problem.facts, all_of(problem.assumptions.values()))
        assert solver.check() == z3.sat, obligation.name


ViewWithMistake = Callable[[Any], Any]
MISTAKES: dict[str, tuple[type, str, Any, str]] = {
    "the list accepts a node twice": (ListedEntry, "twice", property(lambda _e: False), "entry-accepted"),
    "the list refuses a node that no entry named": (
        ListedEntry,
        "twice",
        property(lambda e: e.entry.target == 0),
        "entry-left-out",
    ),
    "the list's sum may be one too large": (
        ListedEntry,
        "sum_wraps",
        property(lambda e: e.entry.pages > UINT_MAX + 1 - e.earlier.on_nodes),
        "entry-accepted",
    ),
    "the sum by node may be one too large": (
        SomeEntry,
        "sum_wraps",
        property(lambda e: e.of.total > UINT_MAX + 1),
        "entry-left-out",
    ),
    "the list does not check the node": (ListedEntry, "short", lambda _e, _fails: {}, "entry-accepted"),
    "the set by node does not check nodes": (SetByNode, "short", lambda _e, _fails: {}, "entry-left-out"),
    "the list accepts offline nodes": (ListedEntry, "offline", property(lambda _e: False), "entry-accepted"),
    "the set by node has no nodes twice": (SomeEntry, "twice", property(lambda _e: True), "no-entries"),
}


@pytest.mark.parametrize("mistake", sampled(MISTAKES, 3))
def test_mistake_in_one_view_of_a_set_is_noticed(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    view, name, wrong, case = MISTAKES[mistake]
    monkeypatch.setattr(view, name, wrong)
    assert case in unproved(["claim-sets"])


def test_mistake_in_the_search_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = derived._at_its_node

    def forgets_the_node_check(records: Any) -> Any:
        return (r for r in right(records) if not (isinstance(r, derived.Skip) and r.name == "node-check"))

    monkeypatch.setattr(derived, "_at_its_node", forgets_the_node_check)
    assert "any-serves" in unproved(["claim-sets"])


def test_refusal_that_ignores_the_search_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = derived._refusals
    monkeypatch.setattr(derived, "_refusals", lambda records: right(records)[:-1])
    assert "none-serves" in unproved(["claim-sets"])
