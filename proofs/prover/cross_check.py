"""Every question that the prover put to Z3, decided by cvc5 as well, from the SMT-LIB text that is exported.

Both solvers get the same text. The prover's verdict, Z3's answer to the text and cvc5's have to agree; an `unknown`
agrees and disagrees with nothing.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial

import msgspec

from proofs.interrupts import interrupts_noted, is_interrupted
from proofs.obligations.auxiliary import Problem
from proofs.obligations.obligation import AUXILIARY, PARAMETRIC, Obligation
from proofs.obligations.problem import problem
from proofs.parallel import in_processes
from proofs.prover.pool import prepare
from proofs.prover.second_solver import UNKNOWN, SolverAnswer, asked_cvc5, asked_z3
from proofs.prover.solve import CONFIRMING_HOST, smtlib
from proofs.prover.vacuity import Vacuity
from proofs.prover.verdict import Result, Settings, Verdict

AGREE = "agree"
DISAGREE = "disagree"
UNDECIDED = "undecided by cvc5"
ALONE = "decided by cvc5 alone"
OUTCOMES = (AGREE, DISAGREE, UNDECIDED, ALONE)
PART = 25
"""Questions given to a process at a time."""


@dataclass(frozen=True)
class SolverQuestion:
    """An obligation, or a further query about it, and the answer that the prover's verdict rests on."""

    obligation: Obligation
    expected: str = UNKNOWN
    confirms: bool = False
    """Whether a countermodel for any host exists on a bounded one too."""
    witness: bool = False
    """Whether what it assumes can be true at all."""

    @property
    def name(self) -> str:
        """The obligation's, and that of the further query."""
        what = f" on {CONFIRMING_HOST}" if self.confirms else " (witness)" if self.witness else ""
        return self.obligation.name + what

    def problem(self) -> Problem:
        """As formulas."""
        if self.confirms:
            return problem(replace(self.obligation, encoding=CONFIRMING_HOST))
        found = problem(self.obligation)
        if self.witness:
            found.negated_goal = True
        return found


class CrossCheckResult(msgspec.Struct, frozen=True):
    """A question, and what each says to it."""

    name: str
    sha256: str
    """Of the text."""
    expected: str
    """By the prover's verdict: `unsat` is a proof."""
    z3: SolverAnswer
    cvc5: SolverAnswer

    @property
    def outcome(self) -> str:
        """One of `OUTCOMES`."""
        answers = {self.expected, self.z3.answer, self.cvc5.answer} - {UNKNOWN}
        if len(answers) > 1:
            return DISAGREE
        if self.cvc5.answer == UNKNOWN:
            return UNDECIDED
        return ALONE if self.z3.answer == UNKNOWN else AGREE

    def sentence(self) -> str:
        """Who says what."""
        said = [a.answer + (f" ({a.reason})" if a.reason else "") for a in (self.z3, self.cvc5)]
        taken = f"taken for {self.expected}, " if self.expected != UNKNOWN else ""
        return f"{self.outcome}: {self.name}: {taken}Z3 says {said[0]}, cvc5 {said[1]}"


def questions(obligations: Iterable[Obligation], results: Iterable[Result]) -> list[SolverQuestion]:
    """All queries that led to these results: obligations, and whether a bounded host confirms a countermodel."""
    by_name = {result.name: result for result in results}
    found = []
    for obligation in obligations:
        result = by_name.get(obligation.name)
        if result is None:
            continue
        expected = {Verdict.PROVED: "unsat", Verdict.REFUTED: "sat"}.get(result.verdict, UNKNOWN)
        found.append(SolverQuestion(obligation, expected))
        confirmed = result.verdict is Verdict.REFUTED and obligation.encoding == PARAMETRIC
        if confirmed and obligation.semantics not in AUXILIARY:
            found.append(SolverQuestion(obligation, "sat", confirms=True))
    return found


def witnesses(obligations: Iterable[Obligation], examined: Iterable[Vacuity]) -> list[SolverQuestion]:
    """Whether what each obligation assumes can be true, as `--vacuity` found it."""
    vacuous = {name for v in examined for name in v.vacuous}
    undecided = {name for v in examined for name in v.undecided}
    return [
        SolverQuestion(o, "unsat" if o.name in vacuous else UNKNOWN if o.name in undecided else "sat", witness=True)
        for o in obligations
    ]


def crossed(question: SolverQuestion, settings: Settings) -> CrossCheckResult:
    """One question, put to both."""
    text = smtlib(question.problem())
    digest = hashlib.sha256(text.encode()).hexdigest()
    return CrossCheckResult(
        question.name, digest, question.expected, asked_z3(text, settings), asked_cvc5(text, settings)
    )


def crossed_all(asked: list[SolverQuestion], settings: Settings) -> list[CrossCheckResult]:
    """Several in one process. Ctrl-C ends it: given is what was finished."""
    found: list[CrossCheckResult] = []
    with interrupts_noted():
        for question in asked:
            found.append(crossed(question, settings))
            if is_interrupted():
                break
    return found


def cross_check(
    asked: list[SolverQuestion],
    settings: Settings,
    jobs: int,
    progress: Callable[[int], None] = lambda _done: None,
    executor: Executor | None = None,
) -> list[CrossCheckResult]:
    """All questions, in their order; fewer if the run was interrupted."""
    parts = [asked[i : i + PART] for i in range(0, len(asked), PART)]
    by_part: dict[int, list[CrossCheckResult]] = {}
    done = 0
    for index, found in _in_parts(parts, settings, jobs, executor):
        by_part[index] = found
        done += len(found)
        progress(done)
    return [one for index in sorted(by_part) for one in by_part[index]]


def _in_parts(
    parts: list[list[SolverQuestion]], settings: Settings, jobs: int, executor: Executor | None
) -> Iterator[tuple[int, list[CrossCheckResult]]]:
    work = partial(crossed_all, settings=settings)
    if jobs > 1 or executor is not None:
        yield from in_processes(work, parts, jobs, executor, prepare)
        return
    for index, part in enumerate(parts):
        found = work(part)
        yield index, found
        if len(found) < len(part):
            return


class Summary(msgspec.Struct, frozen=True):
    """Counts and times of questions of one kind."""

    questions: int
    unsat: int
    sat: int
    """Agreed on, by answer."""
    undecided: int
    alone: int
    disagree: int
    z3_seconds: float
    cvc5_seconds: float


def summary(found: Iterable[CrossCheckResult]) -> Summary:
    """Of all of them."""
    kept = list(found)
    outcomes = Counter(one.outcome for one in kept)
    agreed = Counter(one.cvc5.answer for one in kept if one.outcome == AGREE)
    return Summary(
        questions=len(kept),
        unsat=agreed["unsat"],
        sat=agreed["sat"],
        undecided=outcomes[UNDECIDED],
        alone=outcomes[ALONE],
        disagree=outcomes[DISAGREE],
        z3_seconds=round(sum(one.z3.seconds for one in kept), 3),
        cvc5_seconds=round(sum(one.cvc5.seconds for one in kept), 3),
    )


def kind_of(one: CrossCheckResult) -> str:
    """What a table groups by: the hosts of an obligation, confirmations and witnesses apart, lemmas and loops too."""
    name, _, what = one.name.partition(" ")
    if what:
        return f"witness, {_hosts(name)}" if "witness" in what else f"countermodel {what}"
    family = name.partition("/")[0]
    return family if family in AUXILIARY else _hosts(name)


def _hosts(name: str) -> str:
    encoding = name.rsplit("/", 1)[1]
    return "any" if encoding == PARAMETRIC else encoding.removeprefix("bounded-")


def by_kind(found: Iterable[CrossCheckResult]) -> dict[str, Summary]:
    """A summary for each kind of question."""
    groups: dict[str, list[CrossCheckResult]] = {}
    for one in found:
        groups.setdefault(kind_of(one), []).append(one)
    return {kind: summary(group) for kind, group in groups.items()}
