"""Obligations in parallel, through concurrent.futures; what is finished survives Ctrl-C."""

from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed

from proofs.obligations.obligation import Obligation
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


def _prepare() -> None:
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
    interrupted = False
    if jobs == 1 and executor is None:
        try:
            for obligation in obligations:
                found[obligation.name] = solve_all([obligation], settings)[0]
                progress(len(found))
        except KeyboardInterrupt:
            interrupted = True
    elif obligations:
        pool = executor or ProcessPoolExecutor(jobs, initializer=_prepare)
        try:
            futures = [pool.submit(solve_all, c, settings) for c in _chunks(obligations, jobs)]
            for future in as_completed(futures):
                for result in future.result():
                    found[result.name] = result
                progress(len(found))
        except KeyboardInterrupt:
            interrupted = True
        finally:
            pool.shutdown(wait=not interrupted, cancel_futures=True)
    return [found[o.name] for o in obligations if o.name in found], interrupted
