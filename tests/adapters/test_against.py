"""Replay against a program that takes other blocks, with any number of operations in flight, and any failure."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from docs._make.checkout import ROOT
from proofs.adapters import FailureKind, HostRefusal, OutsideFailure, OutsideProgram, against
from proofs.adapters.against import NO_PAGES, replay_against
from proofs.adapters.made import GeneratedTrace
from proofs.file_replay import replay_file
from proofs.operations import Boot, DomainKill, FreeDomheapPages, SetMaxPages
from proofs.traces import TraceError, read_traces
from proofs.traces.events import FORMAT_1, Header, HostShape
from tests.adapters.programs import EXAMPLE, MISBEHAVING, SERVE, ended, ledger, misbehaving
from tests.adapters.random_traces import Maker
from tests.sampled import sampled
from tests.traces.recording import own_traces

RECORDINGS = ROOT / "tests/data/conformance"
NAMES = sorted(path.name for path in RECORDINGS.glob("*.jsonl.gz"))
SMALL = Header(FORMAT_1, "claim-sets", "small", HostShape(4, [4]))


@pytest.fixture(scope="module")
def served() -> Iterator[OutsideProgram]:
    with OutsideProgram(SERVE) as outside:
        yield outside
        outside.stop()


@pytest.mark.parametrize(
    "name", sampled(NAMES, keep=[f"{name}.jsonl.gz" for name in ("claim-sets", "legacy-2013", "single-node-v4")])
)
def test_recordings_replay_against_serve_without_divergence(name: str, served: OutsideProgram) -> None:
    events = skipped = 0
    for number, trace in enumerate(read_traces(RECORDINGS / name)):
        if number == 10:
            break
        result = replay_against(trace, served, check_properties=False).result
        assert result.divergence is None
        assert set(result.not_applicable) <= {NO_PAGES}
        events += result.events
        skipped += result.skipped
    assert events > 1000
    assert skipped < events / 50


def test_program_taking_recorded_blocks_gets_every_operation(served: OutsideProgram, tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    traces = own_traces()
    path.write_text("".join(json.dumps(line) + "\n" for trace in traces for line in trace))
    for trace, lines in zip(read_traces(path), traces, strict=True):  # claim-trace/2, builders interleaved
        replay = replay_against(trace, served)
        assert (replay.result.divergence, replay.result.skipped) == (None, 0)
        assert [event.op for event in replay.done()] == [line["op"] for line in lines[1:]]


@pytest.mark.parametrize("window", [2, 7, 256])
def test_result_does_not_depend_on_window_size(
    served: OutsideProgram, window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(against, "WINDOW", window)
    for seed in range(5):
        assert replay_against(Maker(seed).trace(120), served).result.divergence is None


def test_trace_stays_valid_when_operations_are_removed(served: OutsideProgram) -> None:
    """What a shrinker needs: frees of blocks that nobody allocates any more are left out, or the trace is malformed."""
    made = Maker(3).trace(200)
    events = [event for event in made if event.op != "install_claim_set"]
    result = replay_against(GeneratedTrace(made.header, events), served).result
    assert result.divergence is None
    assert result.events > 100


def test_written_trace_replays_to_the_same_divergence(tmp_path: Path) -> None:
    command = f"{SERVE} --mistake redeem-global-first"
    found = replay_file(str(EXAMPLE), against=partial(OutsideProgram, command), write_to=str(tmp_path))
    assert found.divergences == []  # the domain has no claim on the node that it allocates from
    recorded = tmp_path / "recorded.jsonl"
    recorded.write_bytes(
        b"".join(line.replace(b'"node":1', b'"node":0') for line in EXAMPLE.read_bytes().splitlines(keepends=True))
    )
    (written,) = replay_file(
        str(recorded), against=partial(OutsideProgram, command), write_to=str(tmp_path)
    ).divergences
    assert written.divergence.field == "state.node_outstanding_claims[0]"
    assert written.trace_file is not None
    (again,) = replay_file(written.trace_file).divergences
    assert again.divergence.field == written.divergence.field
    assert again.divergence.observed == written.divergence.observed


@pytest.mark.parametrize(
    ("mode", "events"), [("header-garbage", 0), ("ends", 3), ("wrong-shape", 3), ("extra-line", 4)]
)
def test_every_event_is_counted_once(mode: str, events: int) -> None:
    result = replay_file(str(EXAMPLE), against=partial(OutsideProgram, misbehaving(mode)))
    assert len(result.divergences) == 1
    assert (result.events, result.skipped) == (events, 4 - events)


def test_a_failure_is_written_as_a_crash(tmp_path: Path) -> None:
    (written,) = replay_file(
        str(EXAMPLE), against=partial(OutsideProgram, misbehaving("ends")), write_to=str(tmp_path)
    ).divergences
    assert written.trace_file is not None
    (again,) = replay_file(written.trace_file).divergences
    assert again.divergence.event == written.divergence.event == 2
    assert again.divergence.field == "crash"
    assert again.divergence.observed == "died: ended with status 0"


def test_failure_that_does_not_recur_is_kept(tmp_path: Path) -> None:
    (tmp_path / "once.py").write_text(
        "import os, sys\n"
        f"sys.path.insert(0, {str(MISBEHAVING.parent)!r})\n"
        "from misbehaving import Program\n"
        "class Once(Program):\n"
        "    def at(self, answer):\n"
        f"        flag = {str(tmp_path / 'flag')!r}\n"
        "        if not os.path.exists(flag):\n"
        "            open(flag, 'w').close()\n"
        "            sys.exit(0)\n"
        "        self.right(answer)\n"
        f"Once({str(EXAMPLE)!r}).run()\n"
    )
    result = replay_file(
        str(EXAMPLE), against=partial(OutsideProgram, misbehaving("").split(" ")[0] + f" {tmp_path}/once.py")
    )
    (written,) = result.divergences
    assert written.divergence.event == 2
    assert (
        written.divergence.observed == "died: ended with status 0; it did not occur again with one operation at a time"
    )


def test_malformed_trace_is_not_blamed_on_the_program() -> None:
    attached = OutsideProgram(ledger())
    with pytest.raises(TraceError, match=r"\(made\):3: free_domheap_pages: mfn 1 is not allocated"):
        replay_against(GeneratedTrace(SMALL, [Boot(), FreeDomheapPages(mfn=1, order=0)]), attached)
    with pytest.raises(TraceError, match="domain_kill: no domain 7"):
        replay_against(GeneratedTrace(SMALL, [Boot(), DomainKill(domid=7)]), attached)
    attached.stop()


def test_events_before_a_bad_line_are_compared(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(EXAMPLE.read_bytes() + b"{\n")
    result = replay_file(str(path), against=partial(OutsideProgram, misbehaving("wrong-state")))
    assert result.error is not None
    assert result.error.startswith(f"{path}:6: ")
    assert [written.divergence.event for written in result.divergences] == [2]


def test_unsupported_operation_ends_trace_and_is_counted() -> None:
    (trace,) = [GeneratedTrace(trace.header, list(trace)) for trace in read_traces(EXAMPLE)]
    events = list(trace)
    with OutsideProgram(misbehaving("byte-by-byte")) as outside:
        result = replay_against(
            GeneratedTrace(trace.header, [*events[:2], SetMaxPages(domid=1, max_pages=3), *events[2:]]), outside
        ).result
    assert result.divergence is None
    assert (result.events, result.skipped) == (2, 3)
    assert result.not_applicable == {"the program has no operation set_max_pages": 3}


def test_program_is_restarted_per_trace_if_it_says_so(tmp_path: Path) -> None:
    log = tmp_path / "starts"
    (tmp_path / "restart.py").write_text(
        f"import sys\nsys.path.insert(0, {str(MISBEHAVING.parent)!r})\n"
        "from misbehaving import Program\n"
        "class Restart(Program):\n"
        "    def write(self, text):\n"
        '        super().write(text.replace(\'"name"\', \'"restart": true, "name"\'))\n'
        f"open({str(log)!r}, 'a').write('s')\n"
        f"Restart({str(EXAMPLE)!r}).run()\n"
    )
    traces = tmp_path / "traces.jsonl"
    traces.write_bytes(EXAMPLE.read_bytes() * 3)
    command = misbehaving("").split(" ")[0] + f" {tmp_path}/restart.py"
    result = replay_file(str(traces), against=partial(OutsideProgram, command))
    assert (result.error, result.divergences, result.events) == (None, [], 12)
    assert log.read_text() == "sss"


class TestOutsideProgram:
    """The class by itself."""

    def test_steps_and_batches_agree(self, served: OutsideProgram) -> None:
        (trace,) = [(t.header, list(t)) for t in read_traces(EXAMPLE)]
        served.start(trace[0])
        steps = [served.step(event) for event in trace[1]]
        served.start(trace[0])
        assert list(served.batch(trace[1])) == steps
        served.finish()

    def test_new_trace_may_begin_before_all_answers_arrive(self, served: OutsideProgram) -> None:
        served.start(SMALL)
        served.send(Boot())
        served.start(SMALL)
        assert served.step(Boot()).state.total_avail_pages == 4

    def test_program_may_refuse_a_host(self) -> None:
        with OutsideProgram(misbehaving("refuses-host")) as outside:
            with pytest.raises(HostRefusal, match="too large"):
                outside.start(SMALL)

    def test_nothing_is_sent_before_a_trace_begins(self) -> None:
        with pytest.raises(ValueError, match=r"call start\(\) before send"):
            OutsideProgram("true").send(Boot())

    @pytest.mark.parametrize(
        ("command", "detail"),
        [
            ("", "the command is empty"),
            ("'a", "no closing quotation"),
            ("/nonexistent/program -x", "No such file or directory"),
            (str(ROOT), "Permission denied"),
            (str(EXAMPLE), "Permission denied"),
            ("a\0b", "embedded null byte"),
        ],
    )
    def test_command_that_cannot_start_is_no_finding(self, command: str, detail: str) -> None:
        with pytest.raises(OutsideFailure, match=detail) as raised:
            OutsideProgram(command).start(SMALL)
        assert raised.value.kind is FailureKind.NOT_STARTED
        assert not raised.value.finding

    def test_the_command_is_split_as_a_shell_does(self, tmp_path: Path) -> None:
        script = tmp_path / "a program.sh"
        script.write_text('#!/bin/sh\necho "$1" >&2\nexit 4\n')
        script.chmod(0o755)
        with pytest.raises(OutsideFailure, match="its standard error ends: two words"):
            OutsideProgram(f"'{script}' \"two words\"").start(SMALL)

    def test_children_of_the_program_end_with_it(self, tmp_path: Path) -> None:
        with OutsideProgram(f"sh -c 'sleep 600 & echo $! > {tmp_path}/pid; sleep 600'", start_limit=0.5) as outside:
            with pytest.raises(OutsideFailure, match="hung"):
                outside.start(SMALL)
        child = int((tmp_path / "pid").read_text())
        for _ in range(200):
            if ended(child):
                return
            time.sleep(0.05)
        pytest.fail("it runs on")
