"""Ctrl-C ends a run within two seconds, whatever its processes do, and what was done is kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
import z3

from proofs import interrupts
from tests.sampled import sampled

LIMIT = 2.0 * (2 + len(os.sched_getaffinity(0)))  # seconds; two on a machine that does nothing else
DEAF = """
import os, time
from proofs.interrupts import interrupts_raised
from proofs.parallel import in_processes

def work(item):
    if item == 0:
        return "done"
    os.write(1, f"begun {item}\\n".encode())
    while True:
        try:
            time.sleep(1000)
        except KeyboardInterrupt:
            pass  # deaf

with interrupts_raised():
  for index, result in in_processes(work, list(range(9)), 2):
    os.write(1, f"{result}\\n".encode())
os.write(1, b"ended\\n")
"""


@pytest.fixture
def run() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", DEAF], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def lines_until_work_runs(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    return sorted(process.stdout.readline().strip() for _ in range(3))


def processes_of(session: int) -> list[Path]:
    """Of a session, those that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, its_session = path.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(its_session) == session and state != "Z":
            found.append(path)
    return found


@pytest.mark.parametrize("whole_group", sampled([True, False], 2))
def test_unresponsive_work_is_killed_and_results_are_kept(run: subprocess.Popen[str], whole_group: bool) -> None:
    assert lines_until_work_runs(run) == ["begun 1", "begun 2", "done"]
    sent = time.monotonic()
    (os.killpg if whole_group else os.kill)(run.pid, signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert time.monotonic() - sent < LIMIT
    assert (run.returncode, out, err) == (0, "ended\n", "")
    assert not processes_of(run.pid)


def test_terminated_run_leaves_no_process(run: subprocess.Popen[str]) -> None:
    lines_until_work_runs(run)
    run.terminate()
    run.wait(60)
    ends = time.monotonic() + LIMIT
    while processes_of(run.pid) and time.monotonic() < ends:
        time.sleep(0.05)
    assert not processes_of(run.pid)


PIGEONS = """
import z3
from proofs.interrupts import check, interruptible, interrupts_noted, interrupts_raised

solver = interruptible(z3.SimpleSolver())
sits = [[z3.Bool(f"pigeon {p} in {h}") for h in range(12)] for p in range(13)]
solver.add(*map(z3.Or, sits), *[z3.AtMost(*hole, 1) for hole in zip(*sits)])
print("begun", flush=True)
try:
    with interrupts_raised(), interrupts_noted():
        check(solver)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_running_query_ends_as_interrupted() -> None:
    command = [sys.executable, "-c", PIGEONS]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    try:
        out, _ = process.communicate(timeout=LIMIT)
    finally:
        process.kill()
    assert out == "interrupted\n"


def test_no_query_starts_after_ctrl_c() -> None:
    solver = interrupts.interruptible(z3.SimpleSolver())
    with interrupts.interrupts_noted():
        assert interrupts.check(solver) == z3.sat
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            interrupts.check(solver)
    assert interrupts.check(solver) == z3.sat


class HalfMadeObject:
    """As an object of Z3 whose making was interrupted."""

    def __del__(self) -> None:
        self.never_set  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize("heard", ["_came", "_noted", ""], ids=["in-a-command", "in-a-worker", "not-at-all"])
def test_objects_left_half_made_by_ctrl_c_are_not_reported(heard: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[object] = []
    for event in ("_came", "_noted"):
        monkeypatch.setattr(interrupts, event, threading.Event())
    with interrupts.interrupts_raised():
        monkeypatch.setattr(sys, "unraisablehook", partial(interrupts._raised_in_vain, reported.append))
        if heard:
            getattr(interrupts, heard).set()
        HalfMadeObject()
    assert len(reported) == (0 if heard else 1)


def test_no_question_is_ended_after_the_command() -> None:
    """Z3 loses the model of a question that is ended when it is decided already."""
    before = threading.active_count()
    with suppress(KeyboardInterrupt), interrupts.interrupts_raised():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)
    assert threading.active_count() == before


def test_solver_of_a_later_command_works_as_before() -> None:
    """Z3's context stays ended if it had no question just then."""
    solver = interrupts.interruptible(z3.SimpleSolver())
    with interrupts.interrupts_raised():
        with suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.2)
    solver.push()
    assert interrupts.check(solver) == z3.sat
