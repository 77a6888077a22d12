"""Runs the comparison of a C file: every operation of its map on hosts of every size."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import z3

from proofs.diff.explore import UndecidedError
from proofs.diff.run import SIZES
from proofs.diff.world import Size
from proofs.interrupts import interrupts_noted

from .arithmetic import Departure
from .binding import BoundSource
from .difference import CDifference, concrete
from .examine import CPlanResult, RealRun
from .machine import Machine
from .mapping import LoadedMap
from .memory import UnsupportedError
from .planned import PlannedOperation
from .ranges import CRange, SeenRanges
from .real import PLAIN, SANITIZED, CompiledProgram, compared
from .space import CSpace
from .traces import with_trace

EQUAL, DIFFERS, UNSUPPORTED, UNDECIDED = "equal", "differs", "not supported", "unknown"


class CResult(msgspec.Struct):
    """The result for one operation on hosts of one size."""

    generation: str
    operation: str
    size: str
    verdict: str
    """`equal`, `differs`, `not supported` or `unknown`."""
    plans: int = 0
    by_symmetry: int = 0
    """Plans that were not explored, because they equal another one with two domains exchanged."""
    paths: int = 0
    queries: int = 0
    ran: int = 0
    """Paths of which the compiled code was given an input, and ended as the interpreter said."""
    seconds: float = 0.0
    """Seconds of processor time, without those of the compiled code."""
    reason: str = ""
    difference: CDifference | None = None
    departures: list[str] = []
    """Values that leave their type on some path, with what the path then returns."""
    ranges: list[CRange] = []
    """With `--ranges`: the values that are computed, by form and type."""


class CTask(NamedTuple):
    """The operations of one file on hosts of one size."""

    source: str
    map: str
    generation: str
    operation: str
    size: Size
    rlimit: int = 0
    real: bool = True
    """The compiled code is run, too."""
    ranges: bool = False
    """The ranges of values are noted."""


def bound(task: CTask, text: str | None = None) -> BoundSource:
    """The file of a task with its map.

    :raises SourceError: one of them cannot be read
    """
    loaded = LoadedMap(Path(task.map), task.map)
    return BoundSource(Path(task.source), task.source, loaded, text)


_kept: dict[tuple[str, str], tuple[BoundSource, list[tuple[CompiledProgram, bool]]]] = {}
"""What this process has read and compiled."""


def work(task: CTask) -> list[CResult]:
    """The row of a task; after Ctrl-C, nothing."""
    z3.set_param("model.compact", False)
    key = task.source, task.map
    if key not in _kept:
        _kept[key] = bound(task), []
    source, programs = _kept[key]
    if task.real and not programs:
        programs += [(CompiledProgram(source, PLAIN), False), (CompiledProgram(source, SANITIZED), True)]
    with interrupts_noted():
        try:
            return [row(source, Machine(source.source), task, programs)]
        except KeyboardInterrupt:
            return []


def row(
    source: BoundSource, machine: Machine, task: CTask, programs: Sequence[tuple[CompiledProgram, bool]] = ()
) -> CResult:
    """Examine the plans of an operation, up to the first that differs."""
    result = CResult(task.generation, task.operation, str(task.size), EQUAL)
    began = time.process_time()
    departures: dict[Departure, str] = {}
    runs: list[RealRun] = []
    seen = SeenRanges() if task.ranges else None
    try:
        space = CSpace(source, machine, task.generation, task.size, task.operation, task.rlimit, seen)
        for plan, x, found in PlannedOperation(space).examined():
            result.plans += 1
            if found is None:
                result.by_symmetry += 1
                continue
            result.paths += found.paths
            result.queries += found.queries
            runs += found.runs
            departures |= found.departures
            if found.differs:
                result.difference = with_trace(concrete(found.differs, x))
            _judge(result, plan.label, found)
            if result.verdict != EQUAL:
                break
    except UndecidedError as reason:
        result.verdict, result.reason = UNDECIDED, str(reason) or "no reason given"
    except UnsupportedError as reason:
        result.verdict, result.reason = UNSUPPORTED, str(reason)
    result.ranges = [] if seen is None else seen.found()
    result.seconds = round(time.process_time() - began, 2)
    result.departures = [
        f"{d.place}: a value is {'below' if d.below else 'above'} {d.type}; the call returns {end}"
        for d, end in departures.items()
    ]
    if programs and runs:
        result.ran, wrong = compared(programs, task.size, runs)
        if wrong and result.verdict == EQUAL:
            result.verdict, result.reason = UNDECIDED, f"the compiled code ends otherwise: {wrong[0]}"
    return result


def _judge(result: CResult, label: str, found: CPlanResult) -> None:
    if found.differs:
        result.verdict = DIFFERS
    elif found.unsupported:
        result.verdict, result.reason = UNSUPPORTED, f"{label}: {found.unsupported}"
    elif found.unknown:
        result.verdict, result.reason = UNDECIDED, f"{label}: {found.unknown}"


_LONGEST = ("alloc_domheap_pages", "alloc_heap_pages", "install_claim_set", "claim_memory")


def tasks(
    source: str, map_: str, generation: str, operations: Iterable[str], sizes: Sequence[Size] = SIZES, **more: Any
) -> list[CTask]:
    """All tasks, the longest first."""
    found = [CTask(source, map_, generation, name, size, **more) for size in sizes for name in operations]
    longest = {name: -number for number, name in enumerate(reversed(_LONGEST), 1)}
    return sorted(found, key=lambda t: (longest.get(t.operation, 0), -t.size.nodes, -t.size.domains))
