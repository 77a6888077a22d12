"""The host checks of `claim-sets` and `per-node-v8` compared, as formulas: for any host, any claims, any request."""

from dataclasses import dataclass

import z3

from model.hosts.bounded import BoundedHost
from model.logic import Term, all_of, any_of, implies, negation
from model.named import GENERATIONS
from model.rules import Request, Rules
from model.state import State
from proofs.prover.verdict import Verdict


@dataclass(frozen=True)
class CheckedSentence:
    """A sentence about the two checks, and its verdict."""

    sentence: str
    verdict: Verdict


def _checks() -> tuple[State, Term, Term, Term, Term]:
    """The state of a host (only its own counters and one domain's claims are read), r, and both checks."""
    host = BoundedHost(1, 1)
    s, r = host.state(), z3.Int("r")

    def permits(name: str) -> Term:
        rules: Rules = GENERATIONS[name].rules
        return rules.host_permits(host, s, Request(r, 0, 0))

    held = [s.global_claims[0] >= 0, s.node_claims[0] >= 0, s.orphaned_claims[0] >= 0]
    claims = [*held, s.held(0) <= s.outstanding_claims]
    known = all_of([r >= 1, *claims, s.outstanding_claims <= s.total_avail_pages])
    return s, r, known, permits("claim-sets"), permits("per-node-v8")


def claims() -> list[CheckedSentence]:
    """What holds for the two checks while claims are backed by free pages."""
    s, r, known, mixing, either = _checks()
    unclaimed, own = s.unclaimed(), s.held(0)
    gap = all_of([r > unclaimed, r > own, r <= unclaimed + own])
    stated = {
        "`claim-sets` permits every request that `per-node-v8` permits": implies(either, mixing),
        "Both permit a single page, or neither does": implies(r == 1, mixing == either),
        "Only `claim-sets` permits a request of r pages exactly if r > unclaimed, r > own claims and"
        " r <= unclaimed + own claims": all_of([mixing, negation(either)]) == gap,
        "A domain without claims loses no request, nor does a domain on a host whose free pages are all"
        " claimed": implies(any_of([own == 0, unclaimed == 0]), mixing == either),
        "Both permit every request of at most as many pages as the domain has claimed": implies(r <= own, either),
    }
    return [CheckedSentence(sentence, _verdict(implies(known, formula))) for sentence, formula in stated.items()]


def _verdict(formula: Term) -> Verdict:
    solver = z3.Solver()
    solver.add(negation(formula))
    answer = solver.check()
    if answer == z3.unknown:
        return Verdict.UNKNOWN
    return Verdict.PROVED if answer == z3.unsat else Verdict.REFUTED
