"""All mutants of a side, each judged in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from proofs.evidence.mutants import MutantResult, MutantVerdict
from tests.mutants import on_reference
from tests.mutants.forked import Report, WorkOutcome, forked
from tests.mutants.mutant import CompiledMutant
from tests.mutants.verdicts import killed

Judge = Callable[[CompiledMutant, Report], MutantVerdict]


def judge_of(side: str) -> Judge:
    """How mutants of a side are judged; what it needs is loaded now, once for all of them."""
    if side == "reference":
        of_reference = on_reference.prepare()
        return lambda made, report: on_reference.judge(made, of_reference, report)
    from tests.mutants import on_model

    of_model = on_model.prepare(on_model.baseline())
    return lambda made, report: on_model.judge(made, of_model, report)


def judged(judge: Judge, mutants: Sequence[CompiledMutant], jobs: int) -> Iterator[MutantResult]:
    """The results as they come. A mutant that was not judged, for no fault of its own, has none."""
    for made, ended in forked(judge, mutants, jobs):
        if (found := _ending(ended)) is not None:
            yield MutantResult(made.mutant, found, round(ended.seconds, 2))


def _ending(ended: WorkOutcome) -> MutantVerdict | None:
    if ended.answer is not None:
        return msgspec.json.decode(ended.answer, type=MutantVerdict)
    if ended.by_limit:
        return killed("time limit", f"in {ended.stage}")
    return None
