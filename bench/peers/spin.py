"""SPIN, breadth first: the model made into C by ``spin -a``, compiled by ``cc``, run."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from .clock import worked
from .promela import text
from .subject import Outcome, Size

MEGABYTES = 4000
COMPILE = ["-O2", "-w", "-DSAFETY", "-DBFS", "-DNOCLAIM", f"-DMEMLIM={MEGABYTES}"]


def missing() -> str:
    """Why it cannot be run here; empty if it can."""
    absent = [name for name in ("spin", "cc") if shutil.which(name) is None]
    return f"no {' and no '.join(absent)} here" if absent else ""


def version() -> str:
    """As it says itself."""
    return subprocess.run(["spin", "-V"], capture_output=True, text=True, check=True).stdout.strip()


def search(size: Size, mistake: str = "", seconds: float = 60.0) -> Outcome:
    """All states, or those up to the first that violates an assertion."""
    reason = missing()
    if reason:
        return Outcome("skipped", detail=reason)
    begun = worked()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "model.pml").write_text(text(size, mistake), encoding="utf-8")
        _run(["spin", "-a", "model.pml"], folder)
        _run(["cc", *COMPILE, "-o", "pan", "pan.c"], folder)
        started = worked()
        ready = started - begun
        try:
            done = subprocess.run(
                ["./pan", "-m100000"], check=False, cwd=folder, capture_output=True, text=True, timeout=seconds
            )
        except subprocess.TimeoutExpired as stopped:
            said = stopped.stdout.decode() if isinstance(stopped.stdout, bytes) else stopped.stdout or ""
            return Outcome("stopped", worked() - started, _progress(said), f"after {seconds:.0f} s", ready)
    return _outcome(done.stdout, worked() - started, ready)


def _run(command: list[str], folder: str) -> None:
    done = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stdout}{done.stderr}")


def _outcome(said: str, seconds: float, ready: float) -> Outcome:
    states = re.search(r"(\d+) states, stored", said)
    errors = re.search(r"errors: (\d+)", said)
    depth = re.search(r"depth reached (\d+)", said)
    if states is None or errors is None or depth is None:
        raise SystemExit(f"not the output of a verifier: {said[-500:]}")
    broken = re.search(r"assertion violated .* \(at depth (\d+)\)", said)
    if broken is not None:  # it counts the steps before the one whose assertion fails
        return Outcome("broken", seconds, int(states[1]), f"an assertion at depth {int(broken[1]) + 1}", ready)
    if int(errors[1]) or "out of memory" in said or "Search not completed" in said:
        return Outcome("stopped", seconds, int(states[1]), f"at {MEGABYTES} MB", ready)
    return Outcome("holds", seconds, int(states[1]), f"depth {depth[1]}", ready)


def _progress(said: str) -> int:
    counts = re.findall(r"States=\s*([\d.e+]+)", said)
    return int(float(counts[-1])) if counts else 0
