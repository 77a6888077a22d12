"""Start-up of the command line against a bare interpreter."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from time import perf_counter

from .effort import Effort
from .report import Section, Target
from .timing import in_turn

WANTED = 0.2
COMMANDS = {
    "`python -c pass` (baseline)": [sys.executable, "-c", "pass"],
    "`claimcheck --help`": [sys.executable, "-c", "from proofs.cli.main import main; main()", "--help"],
    "`claimcheck --version`": [sys.executable, "-c", "from proofs.cli.main import main; main()", "--version"],
}


def measure(effort: Effort) -> Section:
    """Whole processes, from start to end."""
    subjects = {
        name: partial(subprocess.run, command, check=True, stdout=subprocess.DEVNULL)
        for name, command in COMMANDS.items()
    }
    times = in_turn(subjects, effort.rounds, clock=perf_counter)
    baseline, *_ = times.values()
    shown = times["`claimcheck --help`"].best
    return Section(
        title="Start-up",
        text=f"Milliseconds of a whole process, best and median of {effort.rounds} rounds.",
        header=["command", "best, ms", "median, ms", "times the baseline"],
        rows=[
            [name, f"{t.best * 1e3:.0f}", f"{t.median * 1e3:.0f}", f"{t.over(baseline):.1f}"]
            for name, t in times.items()
        ],
        targets=[Target("`claimcheck --help`", f"below {WANTED} s", f"{shown:.2f} s", shown < WANTED)],
    )
