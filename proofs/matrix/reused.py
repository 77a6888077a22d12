"""Proofs that are used again in the same run: a condition that does not restrict a step leaves its question the same.

A proof that needed some invariants is one wherever they are given. Where some gave no proof, fewer of them give none.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from model.properties.conditions import CONDITIONS
from proofs.obligations.obligation import Obligation
from proofs.prover.induction import SolverQuery, shown


class ReusedProofs:
    """Puts a question to the solver unless an earlier answer settles it."""

    def __init__(self, ask: SolverQuery = shown) -> None:
        self._ask = ask
        self._needed: dict[Obligation, list[frozenset[str]]] = defaultdict(list)
        """The invariants that each proof was given."""
        self._in_vain: dict[Obligation, list[frozenset[str]]] = defaultdict(list)
        """The invariants with which there was no proof."""
        self.asked = 0
        """Questions put to the solver."""

    def __call__(self, asked: Obligation) -> set[str] | None:
        """As `proofs.prover.induction.shown`."""
        given = frozenset(asked.invariants or ())
        restricting = tuple(c for c in asked.conditions if asked.transition in CONDITIONS[c].transitions)
        question = replace(asked, conditions=restricting, invariants=None)
        for needed in self._needed[question]:
            if needed.issubset(given):
                return set(needed)
        if any(in_vain.issuperset(given) for in_vain in self._in_vain[question]):
            return None
        self.asked += 1
        answer = self._ask(asked)
        if answer is None:
            self._in_vain[question].append(given)
        else:
            self._needed[question].append(frozenset(answer))
        return answer
