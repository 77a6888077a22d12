"""For a premise that does not hold: is that possible, and do the two calls then always differ?

Both are proved for any host. The invariants are those that every step of the generation keeps; in a comparison with
single-node-v4, those of both generations, because the two hosts are in the same state up to there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import z3

from model.encoding import Quantifiers
from model.generations.single_node import V4
from model.hosts.parametric import ParametricHost
from model.hosts.views import View
from model.logic import Term, any_of, negation
from model.named import GENERATIONS
from model.properties import PROPERTIES
from model.properties.comparison import ACCEPTED, Pair, answers
from model.watched import watched
from proofs.interrupts import check
from proofs.obligations.auxiliary import Problem
from proofs.obligations.invariants import parametric_invariants
from proofs.prover.induction import SETTINGS, kept_by_every_step
from proofs.prover.solve import plain
from proofs.refinement.differences import ONE_NODE


@dataclass(frozen=True)
class PremiseExactness:
    """What is proved about the case in which one premise does not hold, and all others do."""

    never: bool
    """The case is impossible in states in which the invariants hold."""
    refused: bool
    """Neither call is accepted: they differ in the errno, if at all."""
    always: bool
    """Whenever one call is accepted the two differ, in their results or in a counter."""


@cache
def kept(semantics: str, part: str) -> tuple[str, ...]:
    """The statements that hold in the states that are compared."""
    both = [semantics, V4.name] if part == ONE_NODE else [semantics]
    return tuple(dict.fromkeys(name for each in both for name in kept_by_every_step(each)))


def exactly(semantics: str, part: str, transition: str, premise: str) -> PremiseExactness:
    """Prove what holds without one premise of a comparison."""
    ask = partial(_impossible, semantics, part, transition, premise)
    if ask(lambda _pair, _q: []):
        return PremiseExactness(never=True, refused=True, always=True)
    if ask(lambda pair, q: [_accepted(pair, q)]):
        return PremiseExactness(never=False, refused=True, always=True)
    return PremiseExactness(never=False, refused=False, always=ask(lambda pair, q: [_accepted(pair, q), pair.same(q)]))


def _accepted(pair: Pair, q: Quantifiers) -> Term:
    return any_of(answers(step, q)[ACCEPTED] for step in (pair.one, pair.other))


def _impossible(
    semantics: str, part: str, transition: str, premise: str, also: Callable[[Pair, Quantifiers], list[Term]]
) -> bool:
    """Whether no host has a state in which the invariants and ``also`` hold and the premise fails."""
    host = ParametricHost()
    assumed = View(host, assumed=True)
    before = host.state()
    pair = PROPERTIES[part].compared[transition].build(host, watched(before), GENERATIONS[semantics].rules)
    while True:
        terms = host.term_count()
        assumed.restart()
        found = {
            str(number): formula
            for number, formula in enumerate([*_without(pair, premise, assumed), *also(pair, assumed)])
        }
        found |= parametric_invariants(list(kept(semantics, part)), assumed, before, None)
        if host.term_count() == terms:
            break
    problem = Problem([*host.axioms, *host.definitions()], found, True, [])
    return bool(check(plain(problem, SETTINGS)) == z3.unsat)


def _without(pair: Pair, name: str, q: Quantifiers) -> list[Term]:
    """All premises but one, which fails."""
    return [p.formula(q) if p.name != name else negation(p.formula(q.dual)) for p in pair.premises]
