"""No observation of any op can be changed without the replay naming file, line, seed, event, op, field and both values.

Which ops, observed fields and counters there are is taken from the types: a new one without a corruption here fails.
"""

import copy
import re
import typing
from pathlib import Path

import msgspec
import pytest
from msgspec import UNSET

from proofs.cli.main import claimcheck
from proofs.file_replay import FileResult, replay_file
from proofs.operations import KINDS, Continue, DomainCounters, Event, State
from proofs.replay.observe import observe
from reference.generations import GENERATIONS
from reference.state import boot
from reference.status import Status
from tests.sampled import first_of_each
from tests.traces.corruptions import (
    LEGAL,
    OPS,
    OPS_1,
    Case,
    ExpectedAcceptance,
    ExpectedDivergence,
    ExpectedError,
    Sample,
    cases,
    recorded_crash,
    samples,
    samples_of_other_generations,
)
from tests.traces.recording import CONFORMANCE, GOOD, Json, dumps, own_traces, recorded


def write(path: Path, sample: Sample, event: Json) -> int:
    """A good trace, the sample's with this event in place of its own, a good one; returns the event's line."""
    trace = [*sample.trace[: sample.index + 1], event, *_behind(sample, event)]
    path.write_bytes(b"\n".join([*GOOD, *map(dumps, trace), *GOOD]) + b"\n")
    return len(GOOD) + sample.index + 2


def _behind(sample: Sample, event: Json) -> list[Json]:
    """Two more events; a crash ends the trace."""
    return [] if "crash" in event else sample.trace[sample.index + 2 : sample.index + 4]


def check(
    result: FileResult,
    line: int,
    sample: Sample,
    outcome: ExpectedDivergence | ExpectedError | ExpectedAcceptance,
    behind: int,
) -> None:
    """The replay of a file of :func:`write` gave this and nothing else."""
    good = len(GOOD) - 1
    if isinstance(outcome, ExpectedAcceptance):
        assert (result.error, result.divergences, result.skipped) == (None, [], 0)
        assert (result.traces, result.events) == (3, 2 * good + sample.index + 1 + behind)
        return
    if isinstance(outcome, ExpectedError):
        assert result.error is not None
        assert result.error.startswith(f"{result.file}:{line}: ")
        assert outcome.says in result.error
        assert (result.traces, result.events, result.divergences) == (2, good + sample.index, [])
        return
    assert result.error is None
    assert result.traces == 3
    [written] = result.divergences
    found = written.divergence
    assert (found.file, found.line, found.seed) == (result.file, line, sample.trace[0]["seed"])
    assert (found.event, found.op, found.field) == (sample.index, sample.op, outcome.field)
    if outcome.expected is LEGAL:
        assert found.expected in (sample.event["mfn"], *blocks(sample.trace, sample.index)["legal"])
    else:
        assert msgspec.to_builtins(found.expected, str_keys=True) == outcome.expected
    assert msgspec.to_builtins(found.observed, str_keys=True) == outcome.observed
    assert (result.events, result.skipped) == (2 * good + sample.index + 1, behind)


@pytest.mark.parametrize(
    "case",
    first_of_each(
        cases(),
        lambda case: case.id,
        lambda case: (case.sample.op, case.path.partition(".")[0]),
        lambda case: (case.path, re.sub(r"\d+", "", case.name)),
    ),
)
def test_corruption_is_named(case: Case, tmp_path: Path) -> None:
    assert case.event != case.sample.event
    path = tmp_path / "corrupted.jsonl"
    line = write(path, case.sample, case.event)
    check(replay_file(str(path)), line, case.sample, case.outcome, len(_behind(case.sample, case.event)))


@pytest.mark.parametrize(
    "sample",
    [
        pytest.param(sample, id=f"{sample.trace[0]['semantics']} {sample.shape()}")
        for sample in (*samples(), *samples_of_other_generations(), recorded_crash())
    ],
)
def test_sample_replays_without_divergence(sample: Sample, tmp_path: Path) -> None:
    write(tmp_path / "same.jsonl", sample, sample.event)
    result = replay_file(str(tmp_path / "same.jsonl"))
    assert (result.error, result.divergences, result.traces) == (None, [], 3)


def test_samples_cover_every_operation() -> None:
    assert set(Event.__subclasses__()) == set(OPS.values())
    assert set(KINDS) == set(OPS)
    assert {sample.op for sample in samples() if sample.trace[0]["format"] == "claim-trace/1"} == OPS_1
    assert {sample.op for sample in samples() if sample.trace[0]["format"] == "claim-trace/2"} == set(OPS)


def _leaves(struct: type[msgspec.Struct], path: str) -> set[str]:
    """Every number and list of numbers below, as ``Case.path`` has them."""
    found = set()
    for name, hint in typing.get_type_hints(struct).items():
        if name == "domains":
            found |= {f"{path}.{name}", f"{path}.{name}.*", *_leaves(DomainCounters, f"{path}.{name}.*")}
            continue
        found.add(f"{path}.{name}")
        if any(typing.get_origin(part) is list for part in (hint, *typing.get_args(hint))):
            found.add(f"{path}.{name}[]")
    return found


ARGUMENTS_THAT_MAY_BE_ABSENT = {"builder", "node"}


@pytest.mark.parametrize("op", OPS)
def test_every_observation_of_an_operation_is_corrupted(op: str) -> None:
    optional = {field.name for field in msgspec.structs.fields(OPS[op]) if field.default is UNSET}
    observations = optional - ARGUMENTS_THAT_MAY_BE_ABSENT - {"state"}
    assert observations == {*OPS[op].observed, "crash"}
    wanted = observations | _leaves(State, "state")
    if op == "boot":  # there are no domains
        wanted = {path for path in wanted if not path.startswith("state.domains.*.")}
    for version in ("claim-trace/1", "claim-trace/2") if op in OPS_1 else ("claim-trace/2",):
        done = {case.path for case in cases() if case.sample.op == op and case.sample.trace[0]["format"] == version}
        assert done == wanted


def test_every_observed_field_is_corrupted_present_or_absent() -> None:
    """Of ``continue``, too, which ends different operations."""
    for op, type_ in OPS.items():
        for field in type_.observed:
            names = {case.name == "added" for case in cases() if case.sample.op == op and case.path == field}
            assert False in names
            if type_ is Continue:
                assert True in names


def test_samples_cover_every_recorded_generation() -> None:
    names = {sample.trace[0]["semantics"] for sample in samples_of_other_generations()}
    assert names | {"claim-sets"} == {path.name.split(".")[0] for path in CONFORMANCE.glob("*.jsonl.gz")}


def test_recorded_crash_is_compared(tmp_path: Path) -> None:
    """That it is there, and that nothing else was observed; not its text."""
    sample = recorded_crash()
    event = sample.event
    right = event["crash"]
    state = sample.trace[sample.index]["state"]
    without = {name: value for name, value in event.items() if name != "crash"}
    outcomes: list[tuple[Json, ExpectedDivergence | ExpectedError | ExpectedAcceptance]] = [
        (event | {"crash": "BUG_ON: other"}, ExpectedAcceptance()),
        (event | {"crash": ""}, ExpectedAcceptance()),
        (without | {"mfn": None, "state": state}, ExpectedDivergence("crash", right, "absent")),
        (without, ExpectedError("field `state` is missing")),
        (event | {"state": state}, ExpectedError("both `crash` and `state`")),
        (event | {"mfn": None}, ExpectedError("both `crash` and `mfn`")),
        (event | {"on_node": 0}, ExpectedError("both `crash` and `on_node`")),
    ]
    for number, (corrupted, outcome) in enumerate(outcomes):
        path = tmp_path / f"{number}.jsonl"
        line = write(path, sample, corrupted)
        result = replay_file(str(path))
        check(result, line, sample, outcome, 0)
        wording = corrupted.get("crash", right)
        told = [f"event {sample.index} {sample.op}: {wording}; the reference: {right}"] if wording != right else []
        assert [text.partition("seed ")[2].partition(", ")[2] for text in result.crashes] == told


# --- blocks ----------------------------------------------------------------------------------------------------------


def _span(trace: list[Json]) -> int:
    return int(trace[0]["host"]["node_span"])


def frames(trace: list[Json], index: int) -> tuple[set[int], set[int]]:
    """(free, taken) frames in front of an event. The traces here take pages offline only where they are free."""
    free = {node * _span(trace) + page for node, pages in enumerate(trace[0]["host"]["nodes"]) for page in range(pages)}
    taken: set[int] = set()
    for event in trace[1 : 1 + index]:
        if event["op"] == "offline_page":
            free.discard(event["mfn"])
        elif event["op"].startswith(("alloc_", "free_")) and event["mfn"] is not None:
            block = set(range(event["mfn"], event["mfn"] + (1 << event["order"])))
            free, taken = (free - block, taken | block) if event["op"].startswith("alloc") else (free | block, taken)
            taken = taken if event["op"].startswith("alloc") else taken - block
    return free, taken


def blocks(trace: list[Json], index: int) -> dict[str, list[int]]:
    """First frames that the hypervisor may and may not have taken for this allocation."""
    event = trace[1 + index]
    size, node, span = 1 << event["order"], event["on_node"], _span(trace)
    free, taken = frames(trace, index)
    free_blocks = [mfn for mfn in sorted(free) if free.issuperset(range(mfn, mfn + size))]
    return {
        "legal": [m for m in free_blocks if m % size == 0 and m // span == node and m != event["mfn"]],
        "not free": [m for m in sorted(taken) if m % size == 0 and m // span == node],
        "partly free": [m for m in sorted(free) if m % size == 0 and m not in free_blocks and m // span == node],
        "misaligned": [m for m in free_blocks if m % size and m // span == node],
        "other node": [m for m in free_blocks if m % size == 0 and m // span != node],
        "beyond the node": [node * span + trace[0]["host"]["nodes"][node]],
        "beyond the host": [len(trace[0]["host"]["nodes"]) * span, 2**52],
    }


def allocations() -> list[Sample]:
    return [
        Sample(trace, index)
        for trace in (*recorded(4), own_traces()[0])
        for index, event in enumerate(trace[1:])
        if event["op"] in ("alloc_domheap_pages", "alloc_heap_pages") and event.get("mfn") is not None
    ]


ILLEGAL = ["not free", "partly free", "misaligned", "other node", "beyond the node", "beyond the host"]


@pytest.mark.parametrize("kind", ILLEGAL)
@pytest.mark.parametrize("op", ["alloc_domheap_pages", "alloc_heap_pages"])
def test_illegal_block_diverges(op: str, kind: str, tmp_path: Path) -> None:
    tried = 0
    for sample in allocations():
        wrong = blocks(sample.trace, sample.index)[kind] if sample.op == op else []
        for mfn in wrong[:1]:
            tried += 1
            path = tmp_path / f"{tried}.jsonl"
            line = write(path, sample, sample.event | {"mfn": mfn})
            check(replay_file(str(path)), line, sample, ExpectedDivergence("mfn", LEGAL, mfn), len(_behind(sample, {})))
        if tried == 5:
            break
    assert tried or (op, kind) == ("alloc_heap_pages", "partly free")


def test_different_legal_block_is_accepted(tmp_path: Path) -> None:
    """By design: which free block of the node is taken is the hypervisor's choice."""
    tried = set()
    for sample in allocations()[:40]:
        for mfn in blocks(sample.trace, sample.index)["legal"][:2]:
            tried.add(sample.op)
            trace = [*sample.trace[: sample.index + 1], sample.event | {"mfn": mfn}]
            (tmp_path / "other.jsonl").write_bytes(b"\n".join(map(dumps, trace)))
            result = replay_file(str(tmp_path / "other.jsonl"))
            assert (result.error, result.divergences, result.events) == (None, [], sample.index + 1)
    assert "alloc_domheap_pages" in tried


def test_unrecorded_block_choice_diverges_at_a_later_free(tmp_path: Path) -> None:
    """A legal other block is believed, so the free of the recorded one is then the line that is wrong."""
    trace = recorded(1)[0]
    index = next(i for i, event in enumerate(trace) if event.get("mfn") == 6 and event["op"] == "alloc_domheap_pages")
    free = next(i for i, event in enumerate(trace) if event.get("mfn") == 6 and event["op"] == "free_domheap_pages")
    lines = copy.deepcopy(trace)
    lines[index]["mfn"] = 0
    (tmp_path / "other.jsonl").write_bytes(b"\n".join(map(dumps, lines)))
    result = replay_file(str(tmp_path / "other.jsonl"))
    assert index < free
    assert result.divergences or result.error


# --- what is reported and what is kept -------------------------------------------------------------------------------


def test_replay_reports_the_divergence_and_exits_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample = next(sample for sample in samples() if sample.op == "install_claim_set")
    # At line 100 the end of the place, `:100:`, would be an emoji, and `[b]` would be markup.
    path = tmp_path / "a[b].jsonl"
    line = write(path, sample, sample.event | {"result": "E\n2BIG"})
    path.write_bytes(b"\n" * (100 - line) + path.read_bytes())
    with pytest.raises(SystemExit) as exit_:
        claimcheck.main(["replay", str(path), "--divergences", str(tmp_path / "out")])
    assert exit_.value.code == 1
    out, err = capsys.readouterr()
    assert err == ""
    place = f"{path}:100: seed {sample.trace[0]['seed']}, event {sample.index} install_claim_set"
    assert f"\ndiverged: {place}: result: expected {sample.event['result']}, observed E\\n2BIG\n" in out


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in cases()[::97]])
def test_written_trace_has_the_same_divergence(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "corrupted.jsonl"
    write(path, case.sample, case.event)
    result = replay_file(str(path), write_to=str(tmp_path / "out"))
    if isinstance(case.outcome, ExpectedError | ExpectedAcceptance):
        assert not (tmp_path / "out").exists()
        return
    [written] = result.divergences
    assert written.trace_file is not None
    again = replay_file(written.trace_file)
    assert (again.traces, again.events, again.skipped) == (1, case.sample.index + 1, 0)
    found = again.divergences[0].divergence
    assert (found.line, found.event) == (case.sample.index + 2, case.sample.index)
    assert (found.field, found.expected, found.observed) == (
        written.divergence.field,
        written.divergence.expected,
        written.divergence.observed,
    )


def test_expected_verdicts_of_the_header_are_compared(tmp_path: Path) -> None:
    trace = copy.deepcopy(own_traces()[0])
    trace[0]["expect"] = ["entitlement"]
    (tmp_path / "expect.jsonl").write_bytes(b"\n".join([*GOOD, *map(dumps, trace)]))
    [written] = replay_file(str(tmp_path / "expect.jsonl")).divergences
    found = written.divergence
    assert (found.line, found.seed, found.event, found.op) == (len(GOOD) + 1, 77, len(trace) - 1, "end")
    assert (found.field, found.expected, found.observed) == ("expect", ["no-claims-lost"], ["entitlement"])


def test_lists_are_checked_after_a_divergence(tmp_path: Path) -> None:
    trace = copy.deepcopy(recorded(1)[0][:8])
    trace[3]["state"]["total_avail_pages"] += 1
    trace[5]["state"]["node_avail_pages"].append(0)
    (tmp_path / "two.jsonl").write_bytes(b"\n".join(map(dumps, trace)))
    result = replay_file(str(tmp_path / "two.jsonl"))
    assert result.error == f"{result.file}:6: field `state.node_avail_pages` must have 2 numbers"


def test_samples_have_two_nodes_and_known_results() -> None:
    """The corruptions assume it: two nodes, and a wrong result that is a status of the reference."""
    for sample in samples():
        assert len(sample.trace[0]["host"]["nodes"]) == 2
    assert {"OK", "EINVAL"} <= set(Status)
    host = boot((8, 2), 8, GENERATIONS["claim-sets"])
    assert msgspec.to_builtins(observe(host)) == recorded(1)[0][1]["state"]
