"""Running the command as a user does, in a folder of its own, and doing harm to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CLAIMCHECK = Path(sys.executable).parent / "claimcheck"
LIMIT = 120  # seconds; the machine may be busy


def started(folder: Path, *arguments: str, prepare: Callable[[], None] | None = None, out: Any = subprocess.PIPE):
    return subprocess.Popen(
        [CLAIMCHECK, *arguments],
        cwd=folder,
        stdout=out,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=prepare,  # noqa: PLW1509  # no thread is about
    )


def ended(process: subprocess.Popen) -> tuple[int, str, list[str]]:
    """Exit code, output and the lines of standard error, among which is no traceback."""
    try:
        out, err = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert "Traceback" not in err, err
    return process.returncode, out, err.splitlines()


def run(folder: Path, *arguments: str, **how: Any) -> tuple[int, str, list[str]]:
    return ended(started(folder, *arguments, **how))


def verdicts(output: str) -> dict[str, str]:
    """Of every obligation of a run with --json."""
    return {result["name"]: result["verdict"] for result in json.loads(output)["results"]}


def workers_of(process: subprocess.Popen) -> list[int]:
    try:
        return [int(p) for p in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
    except OSError:
        return []


def kill_a_worker(process: subprocess.Popen, number: int = 1) -> None:
    """As soon as there are so many, the last one is killed."""
    ends = time.monotonic() + LIMIT
    while len(workers_of(process)) < number:
        assert process.poll() is None, "it ended before it had workers"
        assert time.monotonic() < ends
        time.sleep(0.02)
    os.kill(workers_of(process)[-1], signal.SIGKILL)
