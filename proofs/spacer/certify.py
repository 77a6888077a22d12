"""Certifies a candidate invariant: it holds at boot, every step keeps it, and the properties follow from it.

These are ordinary queries to a plain solver about the whole model, with every field, independent of Spacer.
"""

from __future__ import annotations

import msgspec
import z3

from model.logic import Term, all_of, negation
from proofs.interrupts import check
from proofs.obligations.auxiliary import Problem
from proofs.obligations.obligation import BOOT
from proofs.prover.solve import plain
from proofs.prover.verdict import Settings, Verdict
from proofs.spacer.target import System

VERDICTS = {"unsat": Verdict.PROVED, "sat": Verdict.REFUTED, "unknown": Verdict.UNKNOWN}


class Certificate(msgspec.Struct, frozen=True):
    """The verdict of one query: about `boot`, a transition, or a property."""

    question: str
    verdict: Verdict


def certified(system: System, invariant: list[z3.BoolRef], settings: Settings) -> list[Certificate]:
    """Every query about the candidate. It is an invariant if all of them are proved."""
    inv = all_of(invariant)
    found = [Certificate(BOOT, _shown([system.boot()], inv, settings))]
    before = system.cells(system.state)
    for name in system.target.rules().transitions:
        possible, after, _updates = system.step(name)
        then = [z3.substitute(c, *zip(before, system.cells(after), strict=True)) for c in invariant]
        found.append(Certificate(name, _shown([inv, *possible], all_of(then), settings)))
    for prop in system.target.parts():
        found.append(Certificate(prop.name, _shown([inv], system.about(prop), settings)))
    return found


def _shown(assumed: list[Term], goal: Term, settings: Settings) -> Verdict:
    solver = plain(Problem([], {str(i): term for i, term in enumerate(assumed)}, negation(goal), []), settings)
    return VERDICTS[str(check(solver))]


def follows(assumed: list[z3.BoolRef], goal: Term, settings: Settings) -> Verdict:
    """Whether one statement about states follows from others."""
    return _shown(list(assumed), goal, settings)
