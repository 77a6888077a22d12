"""Which statements about states are kept by every step of a generation, together: the largest such set.

All candidates are assumed at first; one that some step does not keep is dropped, and what was shown with its help is
shown again without it, until nothing is dropped. What is left holds at boot and is kept by every step.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import z3

from model.named import GENERATIONS, Generation
from model.properties import PROPERTIES, Kind
from proofs.interrupts import check
from proofs.obligations.obligation import PARAMETRIC, Obligation
from proofs.obligations.problem import problem
from proofs.obligations.suite import lacking, places
from proofs.prover.solve import plain
from proofs.prover.verdict import Settings

SETTINGS = Settings(rlimit=20_000_000, cores=False)


@dataclass
class Induction:
    """What is kept by every step, on conditions."""

    semantics: str
    conditions: tuple[str, ...]
    kept: list[str]
    """Names of the statements that are inductive together."""
    fails_at: dict[str, str] = field(default_factory=dict)
    """What is not kept, and the first step that was not shown to keep it."""
    asked: int = 0
    """Questions put to the solver."""

    def question(self, name: str, place: str, encoding: str = PARAMETRIC) -> Obligation:
        """Whether a step keeps a statement, given all that is kept."""
        return Obligation(self.semantics, name, place, encoding, self.conditions, invariants=tuple(self.kept))


SolverQuery = Callable[[Obligation], set[str] | None]
"""Puts a question to the solver: `shown`, or something around it."""


def candidates(semantics: str) -> list[str]:
    """Every statement about states that says something about the generation."""
    return [p.name for p in PROPERTIES.values() if p.kind is Kind.STATE and not lacking(p, GENERATIONS[semantics])]


def induction(
    semantics: str, conditions: tuple[str, ...] = (), known: Iterable[str] = (), ask: SolverQuery | None = None
) -> Induction:
    """The largest set of candidates that every step keeps; `known` were shown with fewer conditions."""
    settled = set(known)
    found = Induction(semantics, conditions, candidates(semantics))
    helped: dict[tuple[str, str], set[str]] = {}
    changed = True
    while changed:
        changed = False
        for name in [n for n in found.kept if n not in settled]:
            for place in places(PROPERTIES[name], GENERATIONS[semantics]):
                if (name, place) in helped and helped[name, place] <= set(found.kept):
                    continue
                found.asked += 1
                labels = (ask or shown)(found.question(name, place))
                if labels is None:
                    found.kept.remove(name)
                    found.fails_at[name] = place
                    changed = True
                    break
                helped[name, place] = labels
    return found


_KEPT: dict[str, tuple[Generation, tuple[str, ...]]] = {}


def kept_by_every_step(semantics: str) -> tuple[str, ...]:
    """Names of the statements that every step of a generation keeps, found once in a process."""
    generation = GENERATIONS[semantics]
    if semantics not in _KEPT or _KEPT[semantics][0] is not generation:
        _KEPT[semantics] = generation, tuple(induction(semantics).kept)
    return _KEPT[semantics][1]


def shown(question: Obligation) -> set[str] | None:
    """The invariants given to a proof, or None where there is no proof."""
    asked = problem(question)
    solver = plain(asked, SETTINGS)
    if check(solver) != z3.unsat:
        return None
    given = {label.removeprefix("invariant:") for label in asked.assumptions if label.startswith("invariant:")}
    return given - {question.property}
