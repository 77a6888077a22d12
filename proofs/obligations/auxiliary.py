"""Obligations that are not about one semantics: lemmas by induction, loops, and a hard one for self-tests."""

from dataclasses import dataclass
from functools import cache

import z3

from model.hosts.lemmas import all_lemmas
from model.logic import Term, all_of, negation
from model.loops import loop_cases
from proofs.obligations.obligation import LEMMA, LOOP, PARAMETRIC, SELF_TEST, Obligation


@dataclass
class Problem:
    """What the solver gets. `facts` are definitions and lemma instances: true, so never dropped."""

    facts: list[Term]
    assumptions: dict[str, Term]
    negated_goal: Term
    lemmas: list[str]


@cache
def _problems() -> dict[str, Problem]:
    found = {}
    for lemma in all_lemmas():
        for case, assumptions, goal in lemma.induction():
            key = Obligation(LEMMA, lemma.name, case, PARAMETRIC).name
            if key in found:
                raise ValueError(f"two lemmas are called {lemma.name}: only one of them would be proved")
            found[key] = Problem([], {"induction": all_of(assumptions)}, negation(goal), [])
    for loop in loop_cases():
        key = Obligation(LOOP, loop.loop, loop.case, PARAMETRIC).name
        found[key] = Problem([], {"turn": all_of(loop.assumptions)}, negation(loop.goal), [])
    x, y, z = z3.Ints("x y z")
    cubes = all_of([x > 1, y > 1, z > 1, x * x * x + y * y * y == z * z * z])
    found[hard_obligation().name] = Problem([], {}, cubes, [])
    return found


def auxiliary_problem(obligation: Obligation) -> Problem:
    """The formulas of a lemma, a loop or the self-test."""
    return _problems()[obligation.name]


def auxiliary_obligations() -> list[Obligation]:
    """All lemmas and loops, which every parametric proof rests on."""
    lemmas = [Obligation(LEMMA, lemma.name, case, PARAMETRIC) for lemma in all_lemmas() for case in ("base", "step")]
    loops = [Obligation(LOOP, c.loop, c.case, PARAMETRIC) for c in loop_cases()]
    return lemmas + loops


def hard_obligation() -> Obligation:
    """True (no cube is the sum of two) but beyond the solver: it has to end as unknown."""
    return Obligation(SELF_TEST, "no-cube-is-a-sum-of-two", "hard", PARAMETRIC)
