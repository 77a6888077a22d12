"""Proofs that are used again in the same run: a condition that does not restrict a step leaves its question the same.

A proof that needed some invariants is one wherever they are given. Where some gave no proof, fewer of them give none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from model.properties.conditions import CONDITIONS
from proofs.obligations.obligation import PARAMETRIC
from proofs.prover.induction import SolverQuery, shown

_Question = tuple[str, str, str, tuple[str, ...], str]


class ReusedProofs:
    """Puts a question to the solver unless an earlier answer settles it."""

    def __init__(self, ask: SolverQuery = shown) -> None:
        self._ask = ask
        self._needed: dict[_Question, list[frozenset[str]]] = defaultdict(list)
        """The invariants that each proof was given."""
        self._in_vain: dict[_Question, list[frozenset[str]]] = defaultdict(list)
        """The invariants with which there was no proof."""
        self.asked = 0
        """Questions put to the solver."""

    def __call__(
        self,
        semantics: str,
        name: str,
        place: str,
        conditions: tuple[str, ...],
        invariants: Iterable[str],
        encoding: str = PARAMETRIC,
    ) -> set[str] | None:
        """As `proofs.prover.induction.shown`."""
        given = tuple(invariants)
        restricting = tuple(c for c in conditions if place in CONDITIONS[c].transitions)
        question = (semantics, name, place, restricting, encoding)
        for needed in self._needed[question]:
            if needed.issubset(given):
                return set(needed)
        if any(in_vain.issuperset(given) for in_vain in self._in_vain[question]):
            return None
        self.asked += 1
        answer = self._ask(semantics, name, place, conditions, given, encoding)
        if answer is None:
            self._in_vain[question].append(frozenset(given))
        else:
            self._needed[question].append(frozenset(answer))
        return answer
