"""A mutant on every path: `claimcheck diff` with the mutant in the place of the reference's or the model's function.

On small hosts, but for every input of the operations that reach the mutated function: it shows an input for which
reference and model then differ, or proves that there is none.
"""

from __future__ import annotations

from collections.abc import Iterable

from model.named import GENERATIONS
from proofs.diff.operations import OPERATIONS
from proofs.diff.run import OperationResult, Task, work
from proofs.diff.world import Size
from proofs.evidence.mutants import Ending, Mutant, MutantVerdict
from proofs.prover.verdict import Verdict
from tests.mutants.called import noted
from tests.mutants.verdicts import killed, raised

SIZES = (Size(1, 1), Size(2, 2))
NOT_SEEN = frozenset({"drop-lock", "swap-locks"})
"""Operators that `diff` cannot detect, because it runs one path at a time and checks no locks."""

ReachingOperations = dict[tuple[str, str], dict[str, list[str]]]
"""Function, as (module, qualified name) -> operations that reach it -> generations in which they do."""


def reached(
    side: str, names: Iterable[str] = GENERATIONS, operations: Iterable[str] = OPERATIONS
) -> ReachingOperations:
    """Explore the right code on the smallest host, and note which functions of a side run.

    :raises ValueError: the right code is not right
    """
    found: ReachingOperations = {}
    chosen = tuple(operations)
    for name in names:
        for operation in chosen:
            with noted(side) as called:
                rows = work(Task(SIZES[0], operation, (name,)))
            if any(row.verdict not in (Verdict.PROVED, Verdict.NOT_APPLICABLE) for row in rows):
                raise ValueError(f"{operation} of {name} is not proved of the right code")
            for function in called:
                found.setdefault(function, {}).setdefault(operation, []).append(name)
    return found


def judged(mutant: Mutant, reached: ReachingOperations) -> MutantVerdict | None:
    """The result of every path on a planted mutant. None: no path reaches it, or the result is undecided."""
    if mutant.operator in NOT_SEEN:
        return None
    asked = reached.get((mutant.module, mutant.function), {})
    for size in SIZES:
        for operation, names in asked.items():
            try:
                rows = work(Task(size, operation, tuple(names)))
            except Exception as error:  # whatever the mutant does
                return raised("diff", f"{operation} of {', '.join(names)}", error)
            for row in rows:
                if row.verdict is Verdict.REFUTED:
                    return killed("diff", _shown(row))
                if row.verdict is not Verdict.PROVED:
                    return None
    hosts = " and ".join(map(str, SIZES))
    return (
        MutantVerdict(Ending.EQUIVALENT, "diff", f"every input of {', '.join(asked)}, hosts {hosts}") if asked else None
    )


def _shown(row: OperationResult) -> str:
    how = "" if row.difference is None else f": {row.difference.how}"
    return f"{row.semantics}, {row.size}, {row.operation}{how}"
