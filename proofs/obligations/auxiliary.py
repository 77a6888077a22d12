"""Obligations that do not belong to a generation: lemmas by induction, loops, and a hard one for self-tests."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import z3

from model.encoding import Quantifiers
from model.hosts.lemmas import all_lemmas
from model.hosts.parametric import ParametricHost
from model.hosts.views import View
from model.logic import Term, all_of, negation
from model.loops import loop_cases
from proofs.obligations.obligation import LEMMA, LOOP, PARAMETRIC, SELF_TEST, Obligation


@dataclass
class Problem:
    """The solver's input. `facts` are definitions and lemma instances: they are true and never dropped."""

    facts: list[Term]
    assumptions: dict[str, Term]
    negated_goal: Term
    lemmas: list[str]


def parametric_problem(
    host: ParametricHost,
    goal: Callable[[Quantifiers], Term],
    assumptions: Callable[[Quantifiers], dict[str, Term]],
) -> Problem:
    """A problem about any host. It is rebuilt until no index term is new, to instantiate assumptions at each."""
    shown, assumed = View(host, assumed=False), View(host, assumed=True)
    while True:
        terms = host.term_count()
        shown.restart()
        to_show = goal(shown)
        assumed.restart()
        given = assumptions(assumed)
        facts = [*host.axioms, *host.definitions()]
        if host.term_count() == terms:
            return Problem(facts, given, negation(to_show), host.lemmas_used)


@cache
def _problems() -> dict[str, Problem]:
    found = {}
    for lemma in all_lemmas():
        for case, assumptions, goal in lemma.induction():
            key = Obligation(LEMMA, lemma.name, case, PARAMETRIC).name
            if key in found:
                raise ValueError(f"two lemmas are named {lemma.name}: only one of them would be proved; rename one")
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
    """All lemmas and loops. Every parametric proof depends on them."""
    lemmas = [Obligation(LEMMA, lemma.name, case, PARAMETRIC) for lemma in all_lemmas() for case in ("base", "step")]
    loops = [Obligation(LOOP, c.loop, c.case, PARAMETRIC) for c in loop_cases()]
    return lemmas + loops


def hard_obligation() -> Obligation:
    """A true statement (no cube is the sum of two) that the solver cannot decide: its verdict must be unknown."""
    return Obligation(SELF_TEST, "no-cube-is-a-sum-of-two", "hard", PARAMETRIC)
