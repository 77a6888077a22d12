"""Obligations in parallel, through concurrent.futures; what is finished survives Ctrl-C."""

import resource
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from functools import partial
from pathlib import Path

from msgspec import structs

from proofs.obligations.obligation import PARAMETRIC, Obligation
from proofs.parallel import in_processes
from proofs.prover.solve import solve_all
from proofs.prover.verdict import Result, Settings, Verdict


def _chunks(obligations: list[Obligation], jobs: int, apart: bool) -> Iterable[list[Obligation]]:
    """Interleaved by transition: obligations about one step share most formulas, and the expensive ones are spread."""
    by_step: dict[tuple[str, str, tuple[str, ...]], list[Obligation]] = {}
    for o in obligations:
        by_step.setdefault((o.encoding, o.transition, o.conditions), []).append(o)
    groups = list(by_step.values())
    count = min(len(groups), 1 if jobs == 1 and not apart else max(jobs, 3) * 8)
    return [[o for group in groups[i::count] for o in group] for i in range(count)]


def _unknown(obligation: Obligation) -> Result:
    """The process that was to judge it died, again and again."""
    reason = "its process died again and again: out of memory, or killed"
    return Result(obligation.name, Verdict.UNKNOWN, obligation.claimed, 0.0, 0, "", [], [], reason)


def _address_space() -> int:
    """Bytes that this process has mapped."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def prepare(memory: int = 0) -> None:
    """What makes a worker quick: it ends soon, so it need not collect garbage, and sorts are checked by Z3 itself.

    :param memory: MiB of address space that it may take beyond what it begins with; 0 for no limit
    """
    import gc

    import z3.z3

    gc.freeze()
    gc.disable()
    z3.z3.Z3_DEBUG = False
    if memory:
        z3.set_param("memory_max_size", memory)  # of the solver alone; past it Z3 mostly ends its process
        most = _address_space() + (memory << 20)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(
    obligations: list[Obligation],
    settings: Settings,
    jobs: int,
    progress: Callable[[int], None] = lambda _done: None,
    executor: Executor | None = None,
    apart: bool = False,
) -> tuple[list[Result], bool]:
    """All results in the order of the obligations, and whether the run was interrupted.

    With one job the work is done in this process, unless it is to be ``apart``. In a process of its own it may run out
    of memory or be killed: it is re-run, one obligation per process, and an obligation for which that dies as well
    is unknown.
    """
    found: dict[str, Result] = {}
    if jobs == 1 and executor is None and not apart:
        found.update((result.name, result) for result in solve_all(obligations, settings, progress))
    elif obligations:
        work = partial(solve_all, settings=settings)
        ready = partial(prepare, settings.memory)
        chunks = list(_chunks(obligations, jobs, apart))
        lost: list[int] = []
        for _, results in in_processes(work, chunks, jobs, executor, ready, lost.append):
            found.update((result.name, result) for result in results)
            progress(len(found))
        singles = [[obligation] for index in lost for obligation in chunks[index] if obligation.name not in found]
        dead: list[int] = []
        for _, results in in_processes(work, singles, 1, executor, ready, dead.append) if singles else ():
            found.update((result.name, result) for result in results)
            progress(len(found))
        found.update((singles[index][0].name, _unknown(singles[index][0])) for index in dead)
    results = [found[o.name] for o in obligations if o.name in found]
    return consistent(results), len(found) < len(obligations)


def consistent(results: list[Result]) -> list[Result]:
    """What is refuted on some host is not proved for any: there one of the two encodings is wrong."""
    refuted = {}
    for result in results:
        about, _, encoding = result.name.rpartition("/")
        if encoding != PARAMETRIC and result.verdict is Verdict.REFUTED:
            refuted[about] = encoding

    def shaken(result: Result) -> Result:
        about, _, encoding = result.name.rpartition("/")
        if encoding != PARAMETRIC or about not in refuted or result.verdict is not Verdict.PROVED:
            return result
        reason = f"proved for any host, and refuted on {refuted[about]}: one of the encodings is wrong"
        return structs.replace(result, verdict=Verdict.UNKNOWN, reason=reason)

    return [shaken(result) for result in results]
