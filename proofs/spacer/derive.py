"""One derivation: Spacer finds an invariant, the prover certifies it, and it is compared with the hand-written one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial

import msgspec
import z3

from proofs.interrupts import interrupts_noted
from proofs.parallel import workers
from proofs.prover.verdict import Settings, Verdict
from proofs.spacer.certify import Certificate, certified
from proofs.spacer.clauses import SAT, UNSAT, derived
from proofs.spacer.compare import Conjunct, by_hand, compared, without_needless
from proofs.spacer.target import SpacerTarget, System

SECONDS = 300
"""The default time limit of Spacer, in seconds."""
LEFT_OPEN = "a run breaks a property, but may need values that fields not followed never have"
NOT_CERTIFIED = "the prover does not certify what Spacer found"
_DerivationFuture = Future["Derivation | None"]


class Derivation(msgspec.Struct, frozen=True):
    """The result for one target."""

    name: str
    nodes: int
    domains: int
    properties: list[str]
    conditions: list[str]
    followed: list[str]
    """Fields that the invariant may use."""
    counters: int
    clauses: int
    verdict: Verdict
    """Proved: an invariant was found and certified. Unknown: with a reason."""
    reason: str
    found: int
    """The number of conjuncts in Spacer's answer, including those that follow from others."""
    spacers: list[Conjunct]
    """Spacer's conjuncts that do not follow from the others, each with whether the hand-written invariants imply it."""
    by_hand: list[Conjunct]
    """The hand-written invariants, conjunct by conjunct, each with whether Spacer's implies it."""
    certificates: list[Certificate]
    smtlib: str
    """The invariant as SMT-LIB text."""
    derive_seconds: float
    """Seconds of processor time, as the following."""
    certify_seconds: float
    compare_seconds: float


def derive(target: SpacerTarget, settings: Settings, seconds: int = SECONDS) -> Derivation:
    """Find, certify, compare.

    :raises KeyboardInterrupt: Ctrl-C during the derivation, or recorded before it
    """
    system = System(target)
    answer = derived(system, seconds, settings.seed)
    verdict, reason = Verdict.UNKNOWN, LEFT_OPEN if answer.answer == SAT else answer.reason
    certificates: list[Certificate] = []
    kept: list[z3.BoolRef] = []
    ours: list[Conjunct] = []
    theirs: list[Conjunct] = []
    times = [time.process_time()] * 3
    if answer.answer == UNSAT:
        kept = without_needless(answer.invariant, settings)
        certificates = certified(system, kept, settings)
        whole = all(certificate.verdict is Verdict.PROVED for certificate in certificates)
        verdict, reason = (Verdict.PROVED, "") if whole else (Verdict.UNKNOWN, NOT_CERTIFIED)
        times[1] = time.process_time()
        ours, theirs = compared(system, kept, by_hand(system), settings)
        times[2] = time.process_time()
    return Derivation(
        name=target.name,
        nodes=target.nodes,
        domains=target.domains,
        properties=list(target.properties),
        conditions=list(target.conditions),
        followed=list(system.followed),
        counters=answer.counters,
        clauses=answer.clauses,
        verdict=verdict,
        reason=reason,
        found=len(answer.invariant),
        spacers=ours,
        by_hand=theirs,
        certificates=certificates,
        smtlib=" ".join(z3.And(kept).sexpr().split()) if kept else "",
        derive_seconds=round(answer.seconds, 3),
        certify_seconds=round(times[1] - times[0], 3),
        compare_seconds=round(times[2] - times[1], 3) if answer.answer == UNSAT else 0.0,
    )


def derive_all(
    asked: list[SpacerTarget],
    settings: Settings,
    seconds: int,
    jobs: int,
    progress: Callable[[int], None] = lambda _done: None,
) -> list[Derivation]:
    """Derivations for several targets, in their order; fewer if the run was interrupted.

    Each has a process of its own: which of several equivalent invariants Spacer gives depends on what the process did
    before. The next target begins only when a processor is free; Ctrl-C ends all running ones.
    """
    found: dict[int, Derivation] = {}
    work = partial(_derived, settings=settings, seconds=seconds)
    left = list(enumerate(asked))
    with workers(min(jobs, len(asked)), each_apart=True) as pool:
        running: dict[_DerivationFuture, int] = {}
        try:
            while left or running:
                while left and len(running) < jobs:
                    index, target = left.pop(0)
                    running[pool.submit(work, target)] = index
                _keep(pool.first(running), running, found)
                progress(len(found))
        except KeyboardInterrupt:
            _keep(pool.interrupted(running), running, found)
    return [found[index] for index in sorted(found)]


def _keep(
    done: Iterable[_DerivationFuture], running: dict[_DerivationFuture, int], found: dict[int, Derivation]
) -> None:
    for future in done:
        derivation = future.result()
        index = running.pop(future)
        if derivation is not None:
            found[index] = derivation


def _derived(target: SpacerTarget, settings: Settings, seconds: int) -> Derivation | None:
    with interrupts_noted():
        try:
            return derive(target, settings, seconds)
        except KeyboardInterrupt:
            return None


def certificate_counts(derivation: Derivation) -> tuple[int, int]:
    """The number of queries proved, and of all."""
    return sum(c.verdict is Verdict.PROVED for c in derivation.certificates), len(derivation.certificates)


def more(derivation: Derivation) -> list[Conjunct]:
    """Spacer's conjuncts that do not follow from the hand-written invariants."""
    return [c for c in derivation.spacers if c.implied is not Verdict.PROVED]


def less(derivation: Derivation) -> dict[str, list[Conjunct]]:
    """The hand-written conjuncts about followed fields that do not follow from Spacer's, by name."""
    found: dict[str, list[Conjunct]] = {}
    for conjunct in derivation.by_hand:
        if conjunct.implied not in (Verdict.PROVED, Verdict.NOT_APPLICABLE):
            found.setdefault(conjunct.invariant, []).append(conjunct)
    return found
