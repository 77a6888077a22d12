"""What may notice a mutant of the reference, the cheapest first.

Recorded traces are replayed with every property of states counted; random interleavings are held against the model; the
same with locks that are checked; then the reference's own tests; everything again, and much more of it; and at last
every path, which may prove that the mutant does the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from msgspec import Struct

from proofs.evidence.mutants import Ending, MutantVerdict
from proofs.fuzz.known import GenerationFacts, known_of
from proofs.fuzz.rerun import unanswered
from proofs.fuzz.shard import seed_of
from proofs.fuzz.trial import Trial, random_trial
from proofs.operations import Event
from proofs.replay.replay import replay_trace
from proofs.replay.runner import Runner, boot_shape
from proofs.traces import TraceError, read_traces
from proofs.traces.events import Header
from reference.generations import GENERATIONS
from reference.locks import LockError
from reference.status import HypervisorCrash
from tests.mutants import on_every_path
from tests.mutants.called import CalledFunctions, noted
from tests.mutants.forked import Report
from tests.mutants.mutant import CompiledMutant, put
from tests.mutants.verdicts import killed, raised

RECORDINGS = Path("tests/data/conformance")
TESTS = Path("tests/reference")
_NOT_AGAIN = ("test_conformance.py", "test_interleavings.py", "test_heap.py")
"""Tests that replay or fuzz, as was done before, or are about what has no mutants."""
_FEW, _MANY = 8, 30
"""Traces of each recording that are replayed first, and in all."""
STEPS, MANY_STEPS = 1_500, 5_000
"""Critical sections of each generation that are fuzzed first, and at last."""
SECONDS = {
    "replay": 30.0,
    "fuzz": 40.0,
    "locks": 30.0,
    "tests": 60.0,
    "replay, all": 90.0,
    "fuzz, longer": 120.0,
    "every path": 600.0,
}
"""Processor time that a stage may take; the right code takes a tenth of it."""


class RecordedTrace(Struct):
    """A recorded trace in memory, to be replayed as often as one likes."""

    header: Header
    path: str
    first_line: int
    events: list[Event]
    broken: dict[str, int] = {}
    """Properties that the right code breaks on the way, as recorded, and after how many events."""

    @property
    def line(self) -> int:
        """The trace as a whole."""
        return self.first_line

    def error(self, reason: str) -> TraceError:
        """An error in it."""
        return TraceError(self.path, self.first_line, reason)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)


class ReferencePreparation(Struct):
    """What all judgements share, made once with the right code."""

    traces: dict[str, list[RecordedTrace]]
    """By generation."""
    known: dict[str, GenerationFacts]
    called: dict[str, CalledFunctions]
    """Functions of the reference that a generation's traces reach, recorded or random."""
    trials: dict[str, list[Trial]]
    paths: on_every_path.ReachingOperations
    """The operations of `claimcheck diff` that reach a function."""


def prepare(
    names: Iterable[str] = GENERATIONS, known: Callable[[str], GenerationFacts] = known_of
) -> ReferencePreparation:
    """Replay and fuzz the right code, and note which functions are reached.

    :param names: of the generations
    :param known: what is proved of one
    :raises ValueError: the right code is not right
    """
    found = ReferencePreparation({}, {}, {}, {}, on_every_path.reached("reference", names))
    for name in names:
        path = RECORDINGS / f"{name}.jsonl.gz"
        found.traces[name] = _recorded(path) if path.exists() else []
        found.known[name] = known(name)
        for trace in found.traces[name]:
            result = replay_trace(trace)
            if result.divergence is not None:
                raise ValueError(f"{result.divergence}")
            trace.broken = result.broken
        with noted("reference") as called:
            for trace in found.traces[name][:_FEW]:
                replay_trace(trace)
            found.trials[name] = list(trials(found.known[name], STEPS))
        found.called[name] = called
        for trial in found.trials[name]:
            if trial.failure is not None:
                raise ValueError(f"{trial.failure}")
            done_with_locks(name, trial)
    return found


def _recorded(path: Path) -> list[RecordedTrace]:
    return [RecordedTrace(t.header, t.path, t.first_line, list(t)) for t in islice(read_traces(str(path)), _MANY)]


def trials(known: GenerationFacts, steps: int) -> Iterator[Trial]:
    """Random traces of fixed seeds, of so many critical sections in all."""
    done = number = 0
    while done < steps:
        trial = random_trial(known, seed_of(0, 0, number))
        yield trial
        done += trial.sections + 1
        number += 1


def judge(made: CompiledMutant, prepared: ReferencePreparation, report: Report) -> MutantVerdict:
    """Put the mutant in its place, and try everything until something notices."""
    put(made)
    mutant = made.mutant
    reaching = [n for n, called in prepared.called.items() if (mutant.module, mutant.function) in called]
    stages: list[tuple[str, Callable[[], MutantVerdict | None]]] = [
        ("replay", partial(_replayed, prepared, reaching, _FEW)),
        ("fuzz", partial(_fuzzed, prepared, reaching, STEPS)),
        ("locks", partial(_with_locks, prepared, reaching)),
        ("tests", _tested),
        ("replay, all", partial(_replayed, prepared, reaching, _MANY)),
        ("fuzz, longer", partial(_fuzzed, prepared, reaching, MANY_STEPS)),
        ("every path", partial(on_every_path.judged, mutant, prepared.paths)),
    ]
    for name, stage in stages:
        report.stage(name, SECONDS[name])
        if (found := stage()) is not None:
            return found
    return MutantVerdict(
        Ending.SURVIVED, "", f"{MANY_STEPS} random steps of {', '.join(reaching) or 'nothing that calls it'}"
    )


def _replayed(prepared: ReferencePreparation, reaching: Iterable[str], most: int) -> MutantVerdict | None:
    for name in reaching:
        for trace in prepared.traces[name][slice(0 if most == _FEW else _FEW, most)]:
            try:
                result = replay_trace(trace)
            except Exception as error:  # whatever the mutant does
                return raised("replay", name, error)
            if (d := result.divergence) is not None:
                return killed("replay", f"{name}, seed {d.seed}, event {d.event} {d.op}: {d.field}")
            if result.broken != trace.broken:
                changed = {p for p in {*result.broken, *trace.broken} if result.broken.get(p) != trace.broken.get(p)}
                return killed("state checker", f"{name}: {', '.join(sorted(changed))}")
    return None


def _fuzzed(prepared: ReferencePreparation, reaching: Iterable[str], steps: int) -> MutantVerdict | None:
    for name in reaching:
        try:
            for trial in trials(prepared.known[name], steps):
                if trial.failure is not None:
                    return killed("fuzz", f"{name}, seed {trial.seed}: {trial.failure.op}: {trial.failure.what}")
        except Exception as error:
            return raised("fuzz", name, error)
    return None


def _with_locks(prepared: ReferencePreparation, reaching: Iterable[str]) -> MutantVerdict | None:
    """The same traces, on a host whose locks and guarded fields complain."""
    for name in reaching:
        for trial in prepared.trials[name]:
            try:
                done_with_locks(name, trial)
            except LockError as error:
                return killed("lock order", f"{name}: {error}")
            except Exception as error:
                return raised("lock order", name, error)
    return None


def done_with_locks(name: str, trial: Trial) -> None:
    """Run the events of a trace again, with checked locks.

    :raises LockError: a lock is taken out of order, or something is touched without its own
    """
    execution = Runner(boot_shape(trial.host, GENERATIONS[name], check_locks=True))
    with contextlib.suppress(HypervisorCrash):  # as the right code does there
        for event in trial.events:
            execution.do(unanswered(event))


class _FirstFailure:
    """A plugin of pytest: which test failed."""

    name = ""

    def pytest_runtest_logreport(self, report: object) -> None:
        """Called by pytest."""
        if getattr(report, "failed", False) and not self.name:
            self.name = str(getattr(report, "nodeid", ""))


def _tested() -> MutantVerdict | None:
    """The tests of the reference, in this process: they hold the very functions that were changed."""
    import io

    import pytest

    first = _FirstFailure()
    left_out = [f"--ignore={TESTS / name}" for name in _NOT_AGAIN]
    arguments = [
        "-x",
        "-q",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        "-m",
        "not long",
        "--no-header",
        *left_out,
        str(TESTS),
    ]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        code = pytest.main(arguments, plugins=[first])
    if code == pytest.ExitCode.OK:
        return None
    return killed("tests", first.name or f"pytest ends with {int(code)}")
