"""Obligations in parallel, through concurrent.futures; what is finished survives Ctrl-C."""

from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from functools import partial

from proofs.obligations.obligation import Obligation
from proofs.parallel import in_processes
from proofs.prover.solve import solve_all
from proofs.prover.verdict import Result, Settings


def _chunks(obligations: list[Obligation], jobs: int) -> Iterable[list[Obligation]]:
    """Interleaved by transition: obligations about one step share most formulas, and the dear ones are spread."""
    by_step: dict[tuple[str, str, tuple[str, ...]], list[Obligation]] = {}
    for o in obligations:
        by_step.setdefault((o.encoding, o.transition, o.conditions), []).append(o)
    groups = list(by_step.values())
    count = min(len(groups), 1 if jobs == 1 else jobs * 8)
    return [[o for group in groups[i::count] for o in group] for i in range(count)]


def prepare() -> None:
    """What makes a worker quick: it ends soon, so it need not collect garbage, and sorts are checked by Z3 itself."""
    import gc

    import z3.z3

    gc.freeze()
    gc.disable()
    z3.z3.Z3_DEBUG = False


def run(
    obligations: list[Obligation],
    settings: Settings,
    jobs: int,
    progress: Callable[[int], None] = lambda _done: None,
    executor: Executor | None = None,
) -> tuple[list[Result], bool]:
    """All results in the order of the obligations, and whether the run was interrupted."""
    found: dict[str, Result] = {}
    if jobs == 1 and executor is None:
        found.update((result.name, result) for result in solve_all(obligations, settings, progress))
    elif obligations:
        work = partial(solve_all, settings=settings)
        for _, results in in_processes(work, list(_chunks(obligations, jobs)), jobs, executor, prepare):
            found.update((result.name, result) for result in results)
            progress(len(found))
    return [found[o.name] for o in obligations if o.name in found], len(found) < len(obligations)
