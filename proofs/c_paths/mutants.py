"""Judges changes of a C file: each is killed by an operation, makes the same code, or is equal on the hosts judged."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from proofs.diff.explore import UndecidedError
from proofs.diff.world import Size
from proofs.interrupts import interrupts_noted

from .binding import BoundSource, compilable, compiler
from .difference import concrete
from .driver import parameters_of
from .edits import CChange, CEdit, reached, without_markers
from .examine import CPlanResult, Extent
from .machine import Machine
from .memory import UnsupportedError
from .planned import PlannedOperation
from .reading import SourceError, TranslationUnit
from .real import PLAIN, QUIET
from .run import CTask, bound
from .space import CSpace

KILLED, SAME, ALIVE, BROKEN, OPEN = VERDICTS = ("killed", "the same", "alive", "does not compile", "not judged")
SECONDS = 150.0
"""The most processor time for one change on hosts of one size."""
_LONGER = 20
"""A path of so many times the statements of the longest path of the file does not end."""


class CMutantResult(CChange, omit_defaults=True):
    """A change of the file, and how it ended."""

    verdict: str = OPEN
    """`killed`; `the same`: the compiler makes the same code; `alive`: equal on the hosts judged; `does not compile`;
    `not judged`."""
    equal: list[str] = []
    """The hosts on which every path of the operations that reach it is as the model says, and so as without it."""
    operation: str = ""
    """What kills it."""
    host: str = ""
    state: dict[str, int | bool] = {}
    arguments: dict[str, Any] = {}
    ends: str = ""
    """How the operation ends for this input."""
    expected: str = ""
    after_call: dict[str, list[Any]] = {}
    """Counters that it leaves otherwise: its value, and the model's."""
    why: str = ""
    """Why it is not judged."""
    seconds: float = 0.0
    """Processor time."""


class CMutantRun(msgspec.Struct):
    """All changes of a file."""

    file: str
    map: str
    generation: str
    operations: list[str]
    code: str
    """Of the file, its map and the generation: results of other code do not count."""
    versions: dict[str, str]
    results: list[CMutantResult] = []


class MutantTask(NamedTuple):
    """One change, to be judged on hosts of these sizes."""

    source: str
    map: str
    generation: str
    operations: tuple[str, ...]
    edit: CEdit
    sizes: tuple[Size, ...]
    known: CMutantResult
    """What an earlier run found."""


def not_judged(edit: CEdit) -> CMutantResult:
    """A change of which nothing is known."""
    return CMutantResult(**{name: getattr(edit, name) for name in CChange.__struct_fields__})


def code_of(source: BoundSource, generation: str, operations: Iterable[str]) -> str:
    """What tells one file, with its map, generation and operations, from another one: not what system headers say."""
    chosen = list(operations)
    names = sorted(set[str]().union(*(reached(source, operation) for operation in chosen)))
    bodies = [without_markers(source.source.slice(*source.source.body_of(name))) for name in names]
    parts = (source.content, source.loaded.text, generation, *chosen, *bodies)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def is_done(result: CMutantResult, sizes: Iterable[Size]) -> bool:
    """Whether there is nothing to judge any more."""
    return result.verdict in (KILLED, SAME, BROKEN) or {str(size) for size in sizes} <= set(result.equal)


_kept: dict[tuple[str, str, tuple[str, ...]], _MutantJudge] = {}
"""What this process has read, and knows of the file as it is."""


def judged(task: MutantTask) -> CMutantResult | None:
    """The change with its verdict; after Ctrl-C, None."""
    key = task.source, task.map, task.operations
    with interrupts_noted():
        try:
            if key not in _kept:
                _kept[key] = _MutantJudge(task)
            return _kept[key].judged(task)
        except KeyboardInterrupt:
            return None


class _MutantJudge:
    """Judges the changes of one file."""

    def __init__(self, task: MutantTask) -> None:
        self.source, self.generation = bound(CTask(task.source, task.map, "", "", Size(1, 1))), task.generation
        self.reached = {operation: reached(self.source, operation) for operation in task.operations}
        self._planned: dict[tuple[str, Size], PlannedOperation] = {}
        self._paths: dict[tuple[str, Size], int] = {}
        self._most_steps: dict[tuple[str, Size], int] = {}
        self._assembly = ""

    def judged(self, task: MutantTask) -> CMutantResult:
        result, began = task.known, time.process_time()
        result.verdict, result.why = OPEN, ""
        self._judge(result, task)
        result.seconds = round(result.seconds + time.process_time() - began, 2)
        return result

    def _judge(self, result: CMutantResult, task: MutantTask) -> None:
        try:
            changed = self.source.changed(task.edit.applied(self.source.source.text))
        except SourceError as error:
            result.verdict, result.why = BROKEN, str(error)
            return
        for size in task.sizes:
            if str(size) in result.equal:
                continue
            if result.equal and self._is_same_code(task.edit):
                result.verdict = SAME
                return
            for operation in self._operations(task.edit.function, size):
                self._run(result, changed, operation, size)
                if result.verdict == KILLED or result.why:
                    return
            result.equal.append(str(size))
            result.verdict = ALIVE
        if self._is_same_code(task.edit):
            result.verdict = SAME

    def _operations(self, function: str, size: Size) -> list[str]:
        """Those that reach the function, the ones with the fewest paths first."""
        found = [operation for operation, names in self.reached.items() if function in names]
        for operation in found:
            self._as_it_is(operation, size)
        return sorted(found, key=lambda operation: self._paths[operation, size])

    def _as_it_is(self, operation: str, size: Size) -> PlannedOperation:
        """The operation of the file without any change, explored once.

        :raises SourceError: it is not equal to the model
        """
        key = operation, size
        if key not in self._planned:
            machine = Machine(self.source.source)
            planned = PlannedOperation(CSpace(self.source, machine, self.generation, size, operation))
            results = [found for _, _, found in planned.examined(Extent(real=False)) if found is not None]
            if any(found.differs or found.unknown or found.unsupported for found in results):
                raise SourceError(f"{self.source.shown}: {operation} {size} is not equal: changes cannot be judged")
            planned.space.begin_changes()
            self._planned[key], self._paths[key] = planned, sum(found.paths for found in results)
            self._most_steps[key] = _LONGER * machine.longest
        return self._planned[key]

    def _run(self, result: CMutantResult, changed: BoundSource, operation: str, size: Size) -> None:
        planned = self._as_it_is(operation, size)
        machine = Machine(changed.source)
        machine.most_steps = self._most_steps[operation, size]
        extent = Extent(enough=1, at_once=100, real=False, until=time.process_time() + SECONDS)
        try:
            planned.space.use(changed, machine)
            for plan, x, found in planned.examined(extent):
                if found is None:
                    continue
                if found.differs:
                    _killed(result, concrete(found.differs, x), size)
                elif found.endless:
                    _does_not_end(result, found, operation, planned.space)
                elif found.unsupported or found.unknown:
                    result.why = f"{operation} {size}, {plan.label}: {found.unsupported or found.unknown}"
                if result.verdict == KILLED or result.why:
                    return
        except (UndecidedError, UnsupportedError) as reason:
            result.why = f"{operation} {size}: {reason}"
        finally:
            planned.space.end_changes()

    def _is_same_code(self, edit: CEdit) -> bool:
        """Whether the compiler makes the same of both, without stubs."""
        if not self._assembly:
            self._assembly = assembly(self.source.unstubbed)
        start, _ = self.source.source.body_of(edit.function)
        there, _ = self.source.unstubbed.body_of(edit.function)
        moved = msgspec.structs.replace(edit, start=edit.start - start + there, end=edit.end - start + there)
        return assembly(self.source.unstubbed, moved) == self._assembly


def _killed(result: CMutantResult, found: Any, size: Size) -> None:
    result.verdict, result.operation, result.host = KILLED, found.operation, str(size)
    result.state, result.arguments = found.state, found.arguments
    result.ends, result.expected, result.after_call = found.ended or found.result, found.expected, found.after


def _does_not_end(result: CMutantResult, found: CPlanResult, operation: str, space: CSpace) -> None:
    run = found.endless
    assert run is not None
    result.verdict, result.operation, result.host = KILLED, operation, str(space.size)
    result.state = {slot.name: value for slot, value in zip(space.slots, run.state, strict=True) if value}
    result.arguments = {"domid": run.actor, **dict(zip(parameters_of(operation), run.arguments, strict=True))}
    if run.entries:
        result.arguments["entries"] = run.entries
    result.ends = f"does not end: {found.unsupported}"


def assembly(source: TranslationUnit, edit: CEdit | None = None) -> str:
    """What the compiler makes of a file, with a change.

    :raises SourceError: it does not compile
    """
    with tempfile.TemporaryDirectory(prefix="claimcheck-c-") as folder:
        file = Path(folder) / "file.i"
        text = source.text if edit is None else edit.applied(source.text)
        file.write_text(compilable(text), encoding="utf-8")
        options = ["-S", "-g0", "-fpreprocessed", "-x", "cpp-output", str(file), "-o", "-"]
        command = [*compiler(), *QUIET, *PLAIN, *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SourceError(f"does not compile: {done.stderr.splitlines()[0]}")
        return done.stdout
