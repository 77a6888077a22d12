"""The reader gives what the writer wrote, while it still reads; the published schema says what a line is."""

import doctest
import io
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

import proofs.replay
import proofs.traces
from proofs.traces import Event, Header, TraceError, TraceWriter, read_traces, reader
from proofs.traces.schema import json_schema, rendered
from tests.sampled import sampled
from tests.traces.recording import CONFORMANCE, GOOD, Json, dumps, own_traces

FILES = sorted(CONFORMANCE.glob("*.jsonl.gz"))


def content(path: Path) -> Iterator[tuple[Header, list[Event]]]:
    return ((trace.header, list(trace)) for trace in read_traces(path))


@pytest.mark.parametrize("traces", [8, pytest.param(None, marks=pytest.mark.long)], ids=["first", "all"])
@pytest.mark.parametrize("source", FILES, ids=lambda path: path.name.split(".")[0])
def test_written_data_reads_back_equal(source: Path, traces: int | None, tmp_path: Path) -> None:
    plain, packed = tmp_path / "copy.jsonl", tmp_path / "copy.jsonl.gz"
    events = 0
    with TraceWriter(plain) as to_plain, TraceWriter(packed) as to_packed:
        for header, trace in islice(content(source), traces):
            for writer in (to_plain, to_packed):
                writer.header(header)
                for event in trace:
                    writer.event(event)
            events += len(trace)
    assert events > 1000
    assert plain.read_bytes()[:1] == b"{"
    assert packed.read_bytes()[:2] == b"\x1f\x8b"
    recorded = islice(content(source), traces)
    for one, from_plain, from_packed in zip(recorded, content(plain), content(packed), strict=True):
        assert one == from_plain == from_packed


def test_each_generation_has_a_recording() -> None:
    assert len(FILES) == 8


def test_extended_traces_read_back_equal(tmp_path: Path) -> None:
    source = tmp_path / "own.jsonl"
    lines = [dumps(line) for trace in own_traces() for line in trace]
    source.write_bytes(b"\r\n".join(lines) + b"\r\n\r\n")  # line ends of another system, and a blank line
    traces = list(content(source))
    with TraceWriter(tmp_path / "copy.gz") as writer:
        for header, trace in traces:
            writer.header(header)
            for event in trace:
                writer.event(event)
    assert list(content(tmp_path / "copy.gz")) == traces
    with TraceWriter(tmp_path / "raw.jsonl") as writer:
        for trace in read_traces(source):
            list(trace)
            writer.raw(trace.raw)
    assert (tmp_path / "raw.jsonl").read_bytes() == b"\n".join(lines) + b"\n"


def test_lines_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\n\n" + b"\n\n".join([*GOOD, *GOOD]))
    places = [(trace.first_line, [trace.line for _ in trace]) for trace in read_traces(tmp_path / "a.jsonl")]
    assert places == [(3, [5, 7, 9, 11]), (13, [15, 17, 19, 21])]


def test_order_of_fields_and_spaces_do_not_matter(tmp_path: Path) -> None:
    lines = [json.dumps(dict(reversed(json.loads(line).items()))) for line in [*GOOD, *GOOD]]
    (tmp_path / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "b.jsonl").write_bytes(b"\n".join([*GOOD, *GOOD]))
    assert list(content(tmp_path / "a.jsonl")) == list(content(tmp_path / "b.jsonl"))


class _CountingFile(io.FileIO):
    """A file that knows how much of it was read."""

    read_so_far = 0

    def readinto(self, buffer: Any, /) -> int:
        count = super().readinto(buffer)
        _CountingFile.read_so_far += count
        return count


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_trace_is_delivered_before_the_rest_is_read(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"long{suffix}"
    with TraceWriter(path) as writer:
        for trace in islice(read_traces(FILES[0]), 60):
            for _ in trace:
                pass
            writer.raw(trace.raw)
    monkeypatch.setattr(reader.io, "FileIO", _CountingFile)
    monkeypatch.setattr(_CountingFile, "read_so_far", 0)
    size = path.stat().st_size
    traces = read_traces(path)
    assert _CountingFile.read_so_far == 0
    first = next(traces)
    assert next(iter(first)).op == "boot"
    at_boot = _CountingFile.read_so_far
    list(first)
    at_end = _CountingFile.read_so_far
    for trace in traces:
        list(trace)
    assert 0 < at_boot <= at_end < size / 2
    assert _CountingFile.read_so_far == size


def test_traces_before_a_malformed_line_are_delivered(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_bytes(b"\n".join([*GOOD, *GOOD[:3], b"what"]))
    traces = read_traces(tmp_path / "bad.jsonl")
    assert [event.op for event in next(traces)][-1] == "alloc_domheap_pages"
    second = iter(next(traces))
    assert [next(second).op, next(second).op] == ["boot", "create_domain"]
    with pytest.raises(TraceError, match=r"bad.jsonl:9: not JSON"):
        next(second)


def test_abandoned_trace_is_still_checked(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_bytes(b"\n".join([*GOOD[:3], b"what", *GOOD]))
    traces = read_traces(tmp_path / "bad.jsonl")
    next(traces)
    with pytest.raises(TraceError, match=r"bad.jsonl:4: not JSON"):
        next(traces)


# --- the schema ------------------------------------------------------------------------------------------------------

SCHEMA = Path("docs/claim-trace.schema.json")
VALIDATOR = Draft202012Validator(json_schema())


def test_published_schema_matches_the_code() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == rendered(), "run `make schema`"
    Draft202012Validator.check_schema(json.loads(rendered()))


@pytest.mark.parametrize("source", sampled(FILES, 8), ids=lambda path: path.name.split(".")[0])
def test_recorded_lines_are_valid(source: Path) -> None:
    for trace in islice(read_traces(source), 2):
        for _ in islice(trace, 60):
            pass
        for line in trace.raw:
            VALIDATOR.validate(json.loads(line))


def test_extended_lines_are_valid() -> None:
    for trace in own_traces():
        for line in trace:
            VALIDATOR.validate(line)


EVENT: Json = json.loads(GOOD[4])
HEADER: Json = json.loads(GOOD[0])
INVALID: list[Any] = [
    {},
    [],
    5,
    {"op": "nope"},
    {"op": 5},
    {"op": "boot", "extra": 1},
    {name: value for name, value in EVENT.items() if name != "order"},
    EVENT | {"order": -1},
    EVENT | {"order": 64},
    EVENT | {"order": "1"},
    EVENT | {"order": None},
    EVENT | {"domid": 32752},
    EVENT | {"mfn": -1},
    EVENT | {"mfn": 2**53},
    EVENT | {"on_node": 255},
    EVENT | {"memflags": ["exact"]},
    EVENT | {"state": None},
    EVENT | {"state": EVENT["state"] | {"total_avail_pages": 2**63}},
    EVENT | {"state": EVENT["state"] | {"node_avail_pages": 5}},
    EVENT | {"state": EVENT["state"] | {"domains": {"1": {"max_pages": 1, "tot_pages": -1}}}},
    {"op": "set_outstanding_pages", "domid": 1, "pages": 2**64},
    {"op": "install_claim_set", "domid": 1, "claims": [{"pages": 1, "target": "legacy"}]},
    {"op": "create_domain", "domid": 1, "max_pages": 1, "node_affinity": []},
    {name: value for name, value in HEADER.items() if name != "host"},
    HEADER | {"host": {"node_span": 0, "nodes": [1]}},
    HEADER | {"host": {"node_span": 8, "nodes": []}},
    HEADER | {"seed": "1"},
    HEADER | {"extra": 1},
]


@pytest.mark.parametrize("line", INVALID, ids=[json.dumps(line)[:50] + f" ({n})" for n, line in enumerate(INVALID)])
def test_malformed_line_is_neither_valid_nor_read(line: Any, tmp_path: Path) -> None:
    assert not VALIDATOR.is_valid(line)
    lines = [dumps(line), *GOOD[1:]] if isinstance(line, dict) and "semantics" in line else [*GOOD[:4], dumps(line)]
    (tmp_path / "bad.jsonl").write_bytes(b"\n".join(lines))
    with pytest.raises(TraceError):
        list(content(tmp_path / "bad.jsonl"))


@pytest.mark.parametrize("line", GOOD)
def test_lines_before_corruption_are_valid(line: bytes) -> None:
    VALIDATOR.validate(msgspec.json.decode(line))


@pytest.mark.parametrize("package", [proofs.traces, proofs.replay])
def test_examples_in_package_docstrings_run(package: Any) -> None:
    found = doctest.testmod(package)
    assert found.attempted > 0
    assert found.failed == 0
