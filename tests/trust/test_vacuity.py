"""The examination of vacuity: every promise about every step, an undecided witness is none, and needed is needed."""

from __future__ import annotations

from dataclasses import replace

import pytest
import z3

from model.named import GENERATIONS
from proofs.cli.vacuity import all_have_witnesses
from proofs.obligations.auxiliary import Problem
from proofs.obligations.obligation import Obligation, bounded
from proofs.obligations.problem import problem
from proofs.obligations.suite import property_ids, suite
from proofs.prover import vacuity
from proofs.prover.vacuity import Vacuity
from proofs.prover.verdict import Settings

OF_TWO = Obligation("claim-sets", "node-backed", "alloc_heap_pages", bounded(2, 2))
NEVER = {"guard:never": z3.BoolVal(False)}


def test_undecided_witness_is_no_witness() -> None:
    found = vacuity.examine([OF_TWO], Settings(rlimit=1))
    assert (found.undecided, found.satisfiable, found.vacuous) == ([OF_TWO.name], 0, [])
    assert not all_have_witnesses([found])


def test_every_obligation_is_examined(monkeypatch: pytest.MonkeyPatch) -> None:
    other = replace(OF_TWO, property="non-negative")

    def vacuous_if_other(obligation: Obligation) -> Problem:
        found = problem(obligation)
        return replace(found, assumptions=found.assumptions | NEVER) if obligation == other else found

    monkeypatch.setattr(vacuity, "problem", vacuous_if_other)
    found = vacuity.examine([OF_TWO, other, OF_TWO], Settings())
    assert (found.satisfiable, found.vacuous) == (2, [other.name])
    assert not all_have_witnesses([found])


@pytest.mark.parametrize("first", [False, True])
def test_guard_implied_by_another_is_not_needed(first: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    needed = vacuity.examine([OF_TWO], Settings()).needed
    assert needed["guard:node-check"] == "node-backed"

    def said_twice(obligation: Obligation) -> Problem:
        """Whichever of the two the proof uses, it needs neither."""
        found = problem(obligation)
        twin = {"twin": found.assumptions["guard:node-check"]}
        return replace(found, assumptions=twin | found.assumptions if first else found.assumptions | twin)

    monkeypatch.setattr(vacuity, "problem", said_twice)
    found = vacuity.examine([OF_TWO], Settings())
    assert "guard:node-check" in found.not_needed
    assert "guard:node-check" not in found.needed


def test_every_promise_of_every_transition_is_examined() -> None:
    examined = vacuity.examined_obligations("claim-sets")
    assert tuple(examined) == GENERATIONS["claim-sets"].transitions
    about_steps = [
        o.name
        for o in suite(["claim-sets"], property_ids(), [bounded(2, 2)])
        if o.claimed and o.transition in GENERATIONS["claim-sets"].transitions
    ]
    assert sorted(about_steps) == sorted(o.name for group in examined.values() for o in group)


def test_partial_vacuity_run_is_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vacuity, "examined_obligations", lambda *_: {"a": [OF_TWO], "b": [OF_TWO]})
    monkeypatch.setattr(vacuity, "in_processes", lambda *_: iter([(0, Vacuity("a"))]))
    with pytest.raises(KeyboardInterrupt):
        vacuity.vacuity("claim-sets", 1)
    monkeypatch.setattr(vacuity, "in_processes", lambda *_: iter([(1, Vacuity("b")), (0, Vacuity("a"))]))
    assert [one.transition for one in vacuity.vacuity("claim-sets", 1)] == ["a", "b"]
