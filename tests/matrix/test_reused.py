"""A proof is used again where it is one, and nowhere else."""

from __future__ import annotations

import pytest

from model.properties.conditions import CONDITIONS
from proofs.matrix.cells import CellVerdict, UnprovedRow, proofs_of
from proofs.matrix.reused import ReusedProofs
from proofs.obligations.obligation import Obligation, bounded
from proofs.prover.induction import Induction

LOCK = "legacy-check-in-lock"
RESTRICTED, FREE = "set_outstanding_pages", "offline_page"


class Recorder:
    """Proves what is given the invariant `a`, and needs it."""

    def __init__(self) -> None:
        self.places: list[tuple[str, tuple[str, ...], str]] = []

    def __call__(self, asked: Obligation) -> set[str] | None:
        self.places.append((asked.transition, asked.conditions, asked.encoding))
        return {"a"} if "a" in (asked.invariants or ()) else None


def asked_twice(first: tuple[str, tuple[str, ...], list[str]], then: tuple[str, tuple[str, ...], list[str]]) -> bool:
    """Whether the second of two questions is put to the solver after the first."""
    solver = Recorder()
    reused = ReusedProofs(solver)
    answers = []
    for place, conditions, invariants in (first, then):
        answers.append(reused(Induction("claim-sets", conditions, invariants).question("p", place)))
        assert answers[-1] == ({"a"} if "a" in invariants else None)
    assert reused.asked == len(solver.places)
    return reused.asked == 2


@pytest.mark.parametrize(
    ("first", "then", "twice"),
    [
        ((FREE, (), ["a", "b"]), (FREE, (LOCK,), ["a", "c"]), False),
        ((FREE, (LOCK,), ["a"]), (FREE, (), ["a"]), False),
        ((RESTRICTED, (), ["a"]), (RESTRICTED, (LOCK,), ["a"]), True),
        ((RESTRICTED, (LOCK,), ["a"]), (RESTRICTED, (), ["a"]), True),
        ((FREE, (), ["a"]), (RESTRICTED, (), ["a"]), True),
        ((FREE, (), ["a", "b"]), (FREE, (), ["b"]), True),
        ((FREE, (), ["b", "c"]), (FREE, (LOCK,), ["b"]), False),
        ((FREE, (), ["b"]), (FREE, (), ["a", "b"]), True),
    ],
)
def test_only_the_same_question_is_settled(
    first: tuple[str, tuple[str, ...], list[str]], then: tuple[str, tuple[str, ...], list[str]], twice: bool
) -> None:
    assert RESTRICTED in CONDITIONS[LOCK].transitions
    assert FREE not in CONDITIONS[LOCK].transitions
    assert asked_twice(first, then) is twice


def test_a_proof_on_one_host_is_none_on_another() -> None:
    reused = ReusedProofs(Recorder())
    given = Induction("claim-sets", (), ["a"])
    assert reused(given.question("p", FREE)) == {"a"}
    reused(given.question("p", FREE, bounded(4, 4)))
    assert reused.asked == 2


@pytest.mark.long
def test_cells_are_the_same_with_and_without() -> None:
    def shown(cells: list[CellVerdict], left: list[UnprovedRow]) -> tuple[list[tuple[object, ...]], list[UnprovedRow]]:
        return [(c.row, c.verdict, c.reason) for c in cells], left

    ids = ["unclaimed-only"]
    assert shown(*proofs_of("legacy-2013", ids, ReusedProofs())) == shown(*proofs_of("legacy-2013", ids))
