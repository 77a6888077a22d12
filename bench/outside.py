"""Steps a second against an outside program, over those of the same traces in this process alone."""

from __future__ import annotations

import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter, process_time

from proofs.adapters import OutsideProgram
from proofs.file_replay import FileResult, replay_file

from .effort import Effort
from .report import Section, Target, rate
from .timing import in_turn

WANTED = 20_000
KIT = Path("docs/adapters")
BASELINE = "`claimcheck replay`: the reference in this process (baseline)"
LEDGER = "`--against` the ledger in C"
WITHOUT_PROPERTIES = "the same, `--no-properties`"
SERVE = "`--against 'claimcheck serve'`"
TITLE = "Replay against an outside program"


def _processor_time() -> float:
    """Seconds that this process took, and the programs that it has waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return process_time() + children.ru_utime + children.ru_stime


def _replay(path: str, command: str, check_properties: bool = True) -> FileResult:
    result = replay_file(path, against=partial(OutsideProgram, command), check_properties=check_properties)
    if result.error or result.divergences:
        raise ValueError(result.error or str(result.divergences[0].divergence))
    return result


def _on_the_clock(subject: Callable[[], object], seconds: list[float]) -> None:
    start = perf_counter()
    subject()
    seconds.append(perf_counter() - start)


def measure(effort: Effort) -> Section:
    """The same file, done by the reference, by the ledger in C, and by the reference in another process."""
    if shutil.which("cc") is None:
        return Section(TITLE, "Not measured: there is no C compiler.", ["what", "steps a second"], [])
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "ledger"
        sources = [KIT / "attach.c", KIT / "ledger.c"]
        subprocess.run(["cc", "-std=c99", "-O2", "-o", program, *sources], check=True)
        return _measure(effort, shlex.quote(str(program)))


def _measure(effort: Effort, ledger: str) -> Section:
    path = effort.traces
    serve = shlex.join([sys.executable, "-m", "proofs.cli.main", "serve"])
    subjects: dict[str, Callable[[], object]] = {
        BASELINE: partial(replay_file, path),
        LEDGER: partial(_replay, path, ledger),
        WITHOUT_PROPERTIES: partial(_replay, path, ledger, check_properties=False),
        SERVE: partial(_replay, path, serve),
    }
    wall: dict[str, list[float]] = {name: [] for name in subjects}
    times = in_turn(
        {name: partial(_on_the_clock, subject, wall[name]) for name, subject in subjects.items()},
        effort.rounds,
        clock=_processor_time,
    )
    compared = _replay(path, ledger)
    best = compared.events / times[LEDGER].best
    return Section(
        title=TITLE,
        text=(
            f"{compared.events:,} steps in {compared.traces} recorded traces, done by `docs/adapters/ledger.c` on the\n"
            f"other side of two pipes: every result and counter compared, {compared.comparisons:,} in all, and\n"
            "properties checked. Processor time is that of checker and program together, start and end included;\n"
            "on two free processors they work at the same time. The clock on the wall counts what else\n"
            f"the machine did, too. {effort.rounds} rounds."
        ),
        header=[
            "what",
            "steps per second of processor time, best",
            "median",
            "time over the baseline's",
            "steps per second on the wall, best",
        ],
        rows=[
            [
                name,
                rate(compared.events / t.best),
                rate(compared.events / t.median),
                f"{t.over(times[BASELINE]):.1f}",
                rate(compared.events / min(wall[name])),
            ]
            for name, t in times.items()
        ],
        targets=[
            Target(
                "steps a second against the C example, every counter compared",
                f"{WANTED:,}",
                rate(best),
                best >= WANTED,
            )
        ],
    )
