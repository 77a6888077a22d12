"""Whatever is wrong with a file is one line that names file and line, exit 2; the traces in front of it are reported.

The corruptions are made from the types of the events, and by hand for what the types do not say.
"""

import copy
import gzip
import io
import json
import os
import re
import subprocess
import sys
import threading
import typing
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from proofs import file_replay as files
from proofs.cli.main import main
from proofs.traces import TraceError, reader
from tests.sampled import first_of_each, sampled
from tests.traces.malformed_files import (
    _before,
    _two_traces,
    file_cases,
    flip_cases,
    line_cases,
    misuse_cases,
    order_cases,
)
from tests.traces.malformed_values import GOOD_EVENTS, OPS, Case, element_cases, field_cases, header_cases, state_cases
from tests.traces.recording import GOOD, Json, dumps, own_traces, recorded

CASES = [
    case
    for group in (
        field_cases,
        element_cases,
        state_cases,
        header_cases,
        order_cases,
        misuse_cases,
        line_cases,
        file_cases,
    )
    for case in group()
]
FLIPS = list(flip_cases())


# --- the tests -------------------------------------------------------------------------------------------------------


class ProcessOutcome(NamedTuple):
    code: int
    out: str
    err: str


def claimcheck(*args: str) -> ProcessOutcome:
    """The command, in this process."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["claimcheck", *args])
        with pytest.raises(SystemExit) as exit_:
            main()
    assert isinstance(exit_.value.code, int)
    return ProcessOutcome(exit_.value.code, out.getvalue(), err.getvalue())


def assert_one_clear_line(err: str, path: str, line: int | None) -> str:
    """Standard error is one line with file and line (None: any line); returns the reason."""
    assert err.endswith("\n")
    assert err[:-1].isprintable()
    assert len(err) < 500 + len(path)
    number = r":\d+" if line is None else f":{line}" if line else ""
    found = re.fullmatch(rf"claimcheck: {re.escape(path)}{number}: (.*\S)\n", err)
    assert found, err
    assert "Traceback" not in err
    return found[1]


def replay_json(path: Path) -> tuple[ProcessOutcome, Json]:
    ran = claimcheck("replay", "--json", "--divergences", str(path.parent / "divergences"), str(path))
    return ran, json.loads(ran.out)["files"][0]


@pytest.mark.parametrize(
    "case",
    first_of_each(
        CASES,
        lambda case: case.name,
        lambda case: case.name.split()[0],
        lambda case: re.sub(r"\d+", "", " ".join(case.name.split()[2:])),
    ),
)
def test_malformed_file_gives_one_clear_line(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(case.content)
    ran, found = replay_json(path)
    assert ran.code == 2
    assert case.says in assert_one_clear_line(ran.err, str(path), case.line)
    assert ran.err == f"claimcheck: {found['error']}\n"
    # All events before the bad line were replayed (after a crash, which ends its trace, not the one event after it).
    assert found["events"] + found["skipped"] == case.events
    assert found["divergences"] == [] or "crash" in case.name


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param(*flip, id=flip[0], marks=() if number % 12 in (0, 1) else pytest.mark.long)
        for number, flip in enumerate(FLIPS)
    ],
)
def test_flipped_gzip_byte_gives_one_clear_line(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl.gz"
    path.write_bytes(content)
    ran, found = replay_json(path)
    assert ran.code == 2
    assert_one_clear_line(ran.err, str(path), None)
    whole = _before(_two_traces())[1]
    if name.startswith(tuple(f"byte {len(content) - behind} " for behind in range(1, 9))):  # the checksum, the length
        assert found["events"] == whole


def test_unused_gzip_header_bytes_are_ignored(tmp_path: Path) -> None:
    packed = gzip.compress(b"\n".join(GOOD), mtime=0)
    for at in range(4, 10):  # time, level, system
        (tmp_path / "good.gz").write_bytes(packed[:at] + bytes([packed[at] ^ 0xFF]) + packed[at + 1 :])
        assert claimcheck("replay", str(tmp_path / "good.gz")).code == 0


def test_at_least_300_distinct_corruptions_exist() -> None:
    contents = {case.content for case in CASES} | {content for _, content in FLIPS}
    assert len(contents) == len(CASES) + len(FLIPS)
    assert len(contents) >= 300
    assert len({case.name for case in CASES}) == len(CASES)


def test_corruptions_cover_every_operation_and_field() -> None:
    """Ops of claim-trace/1 without their state; each field of it with a wrong type. Fields not in a recording are named here."""
    names = [case.name for case in CASES]
    assert len([name for name in names if name.endswith(" without state")]) >= 5
    not_recorded = {"crash", "builder", "state", "pad", "extent_order", "mem_flags", "extent_start"}
    elsewhere = {("set_outstanding_pages", "node"), ("assign_pages", "memflags"), ("populate_physmap", "memflags")}
    for op, type_ in OPS.items():
        for field in set(type_.__struct_fields__) - not_recorded:
            if op != "continue" and (op, field) not in elsewhere:
                assert any(name.startswith(f"{op} {field} ") for name in names), (op, field)


@pytest.mark.parametrize("field", ["total_avail_pages", "outstanding_claims", "node_avail_pages"])
def test_negative_host_counter_is_an_observation(field: str, tmp_path: Path) -> None:
    trace = copy.deepcopy(recorded(1)[0])
    trace[4]["state"][field] = -1 if isinstance(trace[4]["state"][field], int) else [-(2**63), 0]
    path = tmp_path / "negative.jsonl"
    path.write_bytes(b"\n".join([*GOOD, *map(dumps, trace)]))
    ran, found = replay_json(path)
    assert (ran.code, ran.err) == (1, "")
    divergence = found["divergences"][0]["divergence"]
    assert (divergence["line"], divergence["field"].split("[")[0]) == (len(GOOD) + 5, f"state.{field}")


def test_hypercalls_may_name_missing_domains(tmp_path: Path) -> None:
    """What is misuse of a function is an outcome of a hypercall; so it is for a domain that once was."""
    assert {event["result"] for event in own_traces()[0][1:] if event.get("domid") == 9} == {"ESRCH"}
    (tmp_path / "own.jsonl").write_bytes(b"\n".join(dumps(line) for trace in own_traces() for line in trace))
    ran, found = replay_json(tmp_path / "own.jsonl")
    assert (ran.code, ran.err, found["divergences"]) == (0, "", [])
    assert found["events"] == sum(len(trace) - 1 for trace in own_traces())


def test_trace_may_end_with_an_operation_in_flight(tmp_path: Path) -> None:
    trace = own_traces()[1]
    for length in range(2, len(trace) + 1):
        (tmp_path / "part.jsonl").write_bytes(b"\n".join(map(dumps, trace[:length])))
        assert files.replay_file(str(tmp_path / "part.jsonl")).error is None


def test_allocator_refuses_orders_beyond_the_heap(tmp_path: Path) -> None:
    trace = recorded(1)[0]
    ops = [(line.get("op"), line.get("mfn")) for line in trace]
    index = ops.index(("alloc_domheap_pages", None))
    for order in (20, 21, 63):
        lines = [*trace[:index], trace[index] | {"order": order}]
        (tmp_path / "order.jsonl").write_bytes(b"\n".join(map(dumps, lines)))
        result = files.replay_file(str(tmp_path / "order.jsonl"))
        assert (result.error, result.divergences, result.events) == (None, [], index)


def test_request_for_billions_of_extents_ends_quickly(tmp_path: Path) -> None:
    """The observation says that none succeeded: one that does is enough to know better."""
    trace = own_traces()[0]
    index = [line.get("op") for line in trace].index("populate_physmap")
    big = copy.deepcopy(trace[:2])
    big[0]["host"] = {"node_span": 2**40, "nodes": [2**36]}
    big[1]["state"] |= {"total_avail_pages": 2**36, "node_avail_pages": [2**36], "node_outstanding_claims": [0]}
    state = big[1]["state"] | {"domains": {"1": trace[2]["state"]["domains"]["1"] | {"claims": [0]}}}
    create = trace[2] | {"max_pages": 2**32 - 1, "node_affinity": [0], "state": copy.deepcopy(state)}
    create["state"]["domains"]["1"]["max_pages"] = 2**32 - 1
    call = trace[index] | {"domid": 1, "nr_extents": 2**32, "mfns": [], "node": None}
    (tmp_path / "big.jsonl").write_bytes(b"\n".join(map(dumps, [*big, create, call])))
    [written] = files.replay_file(str(tmp_path / "big.jsonl")).divergences
    assert (written.divergence.line, written.divergence.expected, written.divergence.observed) == (4, [0], [])


# --- the table, other processes, things that are no files -------------------------------------------------------------


def test_table_shows_the_events_before_the_error(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(b"\n".join([*GOOD, *GOOD, b"what"]))
    ran = claimcheck("replay", str(path))
    assert ran.code == 2
    assert_one_clear_line(ran.err, str(path), 11)
    name, counts = ran.out.splitlines()[:2]
    assert name == f"{path}: claim-sets"
    assert counts.startswith("    2 traces, 8 events with boot, 90 comparisons, 0 divergences")


def test_error_in_one_file_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_bytes(b"what")
    (tmp_path / "good.jsonl").write_bytes(b"\n".join(GOOD))
    for jobs in ("1", "2"):
        ran = claimcheck("replay", "--json", "--jobs", jobs, *(str(tmp_path / f"{n}.jsonl") for n in ("bad", "good")))
        assert ran.code == 2
        assert_one_clear_line(ran.err, str(tmp_path / "bad.jsonl"), 1)
        assert [file["events"] for file in json.loads(ran.out)["files"]] == [0, 4]


@pytest.mark.parametrize("name", ["directory", "missing", "no/such/folder", "secret", "x" * 300, "zero\0byte"])
def test_path_that_is_not_a_readable_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"{tmp_path}/{name}"
    if name == "directory":
        Path(path).mkdir()
    if name == "secret":

        def refuse(*_: object) -> typing.NoReturn:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(reader.io, "FileIO", refuse)
    ran = claimcheck("replay", path)
    assert ran.code == 2
    assert_one_clear_line(ran.err, path.replace("\0", "\\x00"), 0)


class _FailingFile(io.RawIOBase):
    """A file whose disk fails in the middle."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        if not self.content:
            raise OSError(5, "Input/output error")
        data, self.content = self.content[:700], self.content[700:]
        buffer[: len(data)] = data
        return len(data)


@pytest.mark.parametrize("packed", [False, True])
def test_read_error_in_the_middle_of_a_file(packed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"\n".join([*GOOD, *GOOD]) + b"\n"
    data = gzip.compress(content)[:-8] if packed else content
    monkeypatch.setattr(reader.io, "FileIO", lambda _path: _FailingFile(data))
    ran = claimcheck("replay", "--json", "disk.jsonl")
    assert (ran.code, ran.err) == (2, "claimcheck: disk.jsonl:11: cannot be read: Input/output error\n")
    assert json.loads(ran.out)["files"][0]["events"] == 2 * GOOD_EVENTS


def test_read_error_at_the_start_of_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader.io, "FileIO", lambda _path: _FailingFile(b""))
    assert claimcheck("replay", "disk.jsonl").err == "claimcheck: disk.jsonl: Input/output error\n"


def test_out_of_memory_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\n".join([*GOOD, *GOOD]))

    def full(replay: files.Replay) -> None:
        if replay.trace.first_line > 1:
            raise MemoryError
        run(replay)

    run = files.Replay.run
    monkeypatch.setattr(files.Replay, "run", full)
    ran = claimcheck("replay", str(tmp_path / "a.jsonl"))
    assert (ran.code, ran.err) == (2, f"claimcheck: {tmp_path}/a.jsonl: out of memory after 4 events\n")


def test_divergence_before_a_malformed_line_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "both.jsonl"
    path.write_bytes(b"\n".join([*GOOD, b"{"]).replace(b'"tot_pages":2', b'"tot_pages":3'))
    ran = claimcheck("replay", "--divergences", str(tmp_path / "out"), str(path))
    assert ran.code == 2
    assert ran.err.startswith(f"claimcheck: {path}:6: ")
    assert "tot_pages: expected 2, observed 3" in ran.out
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_unwritable_divergence_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "diverges.jsonl"
    path.write_bytes(b"\n".join(GOOD).replace(b'"mfn":8', b'"mfn":7'))
    (tmp_path / "file").touch()
    ran = claimcheck("replay", "--divergences", str(tmp_path / "file"), str(path))
    assert ran.code == 2
    assert "cannot write the trace of a divergence" in assert_one_clear_line(ran.err, str(tmp_path / "file"), 0)
    assert "mfn: expected 8, observed 7" in ran.out


@pytest.mark.parametrize("name", ["a[b]:100:", "two\nlines", "\udcff", "a\x1b[31mb", "ü ✓"])
def test_file_names_are_printed_literally(name: str, tmp_path: Path) -> None:
    """They are not markup, emojis or commands to the terminal; bytes that are no text are shown all the same."""
    for content, code in ((GOOD, 0), ([*GOOD, b"what"], 2), (b"\n".join(GOOD).replace(b'"mfn":8', b'"mfn":7'), 1)):
        path = f"{tmp_path}/{name}.jsonl"
        Path(path).write_bytes(content if isinstance(content, bytes) else b"\n".join(content))
        for options in ([], ["--json"]):
            ran = claimcheck("replay", "--divergences", str(tmp_path / "out"), *options, path)
            shown = path.encode("unicode_escape").decode() if not path.isprintable() else path
            assert ran.code == code
            assert (shown in ran.out) or (json.dumps(shown)[1:-1] in ran.out) or shown.replace("\\", "\\\\") in ran.out
            if code == 2:
                assert_one_clear_line(ran.err, shown, 6)


PROCESS = [
    ("not JSON", b"\n".join([*GOOD, b"what"]), 6),
    ("cut gzip", gzip.compress(b"\n".join([*GOOD, b""]))[:-3], 6),
    ("deep", b"\n".join([*GOOD, b"[" * 10**6]), 6),
    ("invalid UTF-8", b"\n".join([*GOOD, b'{"op":"\xff"}']), 6),
    ("misuse", b"\n".join([*GOOD, *GOOD]).replace(b'"domid":1,"order"', b'"domid":2,"order"', 1), 5),
    ("empty", b"", 0),
]


@pytest.mark.parametrize(("name", "content", "line"), sampled(PROCESS, 5), ids=[name for name, *_ in PROCESS])
def test_command_line_process_gives_one_clear_line(name: str, content: bytes, line: int, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content)
    ran = subprocess.run(
        [sys.executable, "-m", "proofs.cli.main", "replay", str(path)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2
    assert_one_clear_line(ran.stderr, str(path), line)
    assert str(path) in ran.stdout


@pytest.mark.parametrize("content", [b"\n".join(GOOD), gzip.compress(b"\n".join(GOOD))], ids=["plain", "gzip"])
def test_pipe_is_read_like_a_file(content: bytes, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(content,))
    writer.start()
    ran = claimcheck("replay", "--json", str(tmp_path / "pipe"))
    writer.join()
    assert (ran.code, json.loads(ran.out)["total"]["events"]) == (0, GOOD_EVENTS)


def test_trace_error_has_its_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_bytes(b"\n".join([*GOOD, b"what"]))
    with pytest.raises(TraceError) as error:
        list(reader.read_traces(tmp_path / "bad.jsonl"))
    assert (error.value.path, error.value.line) == (str(tmp_path / "bad.jsonl"), 6)
    assert error.value.reason.startswith("not JSON: ")
