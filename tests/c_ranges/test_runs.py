"""The reference on C's numbers: as recorded, as on unbounded numbers where nothing wraps, and as stored where it does."""

from collections.abc import Collection
from itertools import islice
from pathlib import Path

import pytest
import z3

from docs._make.blocks import renewed
from docs._make.c_ranges import DOCUMENTS, blocks, main
from model.c_code.allocating import LOW_MEMORY_ALARM as ALARM
from model.named import GENERATIONS, TRANSITIONS
from proofs.c_ranges.rows import values_of
from proofs.c_ranges.verdicts import FOLDER, HARMLESS, NO_TRACE, load
from proofs.c_typed.cint import UINT32, UINT64, CInt
from proofs.c_typed.replay import CTypedReplay
from proofs.c_typed.runs import CTypedRun, plain, where_they_part
from proofs.operations import DomainCounters, State
from proofs.prover.verdict import Verdict
from proofs.replay.replay import TraceResult
from proofs.traces import Trace, read_traces
from proofs.traces.events import HostShape
from tests.adapters.random_traces import Maker
from tests.sampled import PLAIN, sampled

RECORDED = sorted(Path("tests/data/conformance").glob("*.jsonl.gz"))
STORED = sorted(FOLDER.glob("*/*.jsonl"))
WRAPS = {"single-node-v1", "single-node-v2", "single-node-v3"}
"""Whose recordings have claims beyond the free pages, and compare them unsigned."""
ALARMS = {"legacy-2013", "legacy-redeem-at-assign", "single-node-v4"}
"""In whose recordings only the low-memory alarm's difference wraps."""


def replayed(trace: Trace) -> TraceResult:
    result = TraceResult(trace.first_line, trace.header.seed)
    CTypedReplay(trace, result).run()
    return result


def wrapped_as_expected(semantics: str, result: TraceResult) -> bool:
    """What the alarm computes may wrap where claims exceed free pages; other values in some generations only."""
    if semantics in WRAPS:
        return True
    expressions = {wrap.expression for wrap in result.wraps}
    return result.parted == "" and expressions <= ({ALARM} if semantics in ALARMS else set())


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name.split(".")[0])
def test_c_integers_reproduce_one_trace_per_recording(path: Path) -> None:
    for trace in islice(read_traces(path), 1):
        result = replayed(trace)
        assert result.divergence is None
        assert wrapped_as_expected(trace.header.semantics, result)


@pytest.mark.long
@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name.split(".")[0])
def test_c_integers_reproduce_every_recording(path: Path) -> None:
    results = [(trace.header.semantics, replayed(trace)) for trace in read_traces(path)]
    assert [r.divergence for _, r in results if r.divergence] == []
    assert all(wrapped_as_expected(semantics, result) for semantics, result in results)


def test_recording_of_v1_contains_an_unsigned_comparison() -> None:
    (path,) = [p for p in RECORDED if p.name.startswith("single-node-v1")]
    parted = [r.parted for r in map(replayed, islice(read_traces(path), 1))]
    assert parted == ["event 90 set_outstanding_pages: result is ENOMEM on unbounded numbers, OK in C"]


def test_counters_have_the_type_of_their_generation() -> None:
    shape = HostShape(4, [4])
    found = {name: CTypedRun(name, shape, c_types=True).host.outstanding_claims.c_type.name for name in GENERATIONS}  # type: ignore[attr-defined]  # a number of a C type
    unsigned = {name for name, c_type in found.items() if c_type == "uint64"}
    assert unsigned == {"mainline-4.22", "claim-sets-v3", "claim-sets-v7", "per-node-v8"}
    assert set(found.values()) == {"int64", "uint64"}


def test_state_may_hold_integers_beyond_the_trace_format() -> None:
    counters = DomainCounters(max_pages=1, tot_pages=CInt(UINT64, 2**40), claims=[CInt(UINT32, 3)])  # type: ignore[list-item,arg-type]  # numbers like any other
    state = plain(State(CInt(UINT64, 2**41), 0, [1], [0], {0: counters}))  # type: ignore[arg-type]  # likewise
    assert (state.total_avail_pages, state.domains[0].tot_pages, state.domains[0].claims) == (2**41, 2**40, [3])


def runs_alike(seed: int) -> None:
    made = Maker(seed).trace(60)
    assert where_they_part("claim-sets", made.header.host, list(made)) is None
    run = CTypedRun("claim-sets", made.header.host, c_types=True)
    for event in made:
        assert run.do(event).wrapped == []


@pytest.mark.parametrize("seed", range(1, 9))
def test_nothing_wraps_where_all_values_are_proved_in_range(seed: int) -> None:
    runs_alike(seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 300))
def test_nothing_wraps_in_long_runs_if_all_is_proved_in_range(seed: int) -> None:
    runs_alike(seed)


@pytest.mark.parametrize("path", STORED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_stored_traces_have_the_recorded_consequence(path: Path) -> None:
    (result,) = map(replayed, read_traces(path))
    assert result.divergence is None
    about = [j for j in load() if j.row.semantics == path.parent.name and j.trace == path.name]
    assert about
    for judged in about:
        assert judged.row.verdict is Verdict.REFUTED
        assert result.wraps[-1].event == result.events - 1
        assert judged.consequence == (result.parted or HARMLESS)


@pytest.mark.parametrize("names", sampled([list(PLAIN), list(GENERATIONS)], 2), ids=["plain", "all"])
def test_every_value_of_every_generation_has_a_verdict(names: Collection[str]) -> None:
    found = load()
    judged = {(j.row.semantics, j.row.transition, j.row.expression, j.row.c_type) for j in found}
    for name in names:
        wanted = {
            (name, transition, value.expression, value.c_type)
            for transition in GENERATIONS[name].transitions
            for value in values_of(name, transition)
        }
        assert wanted == {key for key in judged if key[0] == name}, name
    for j in found:
        assert (j.row.verdict is Verdict.REFUTED) == bool(j.trace)
        assert (j.row.verdict is Verdict.UNKNOWN) == (j.consequence == NO_TRACE)
        assert j.row.function == TRANSITIONS[j.row.transition].function


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_document_matches_the_verdicts(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert renewed(text, blocks(load())) == text, "run `make c-ranges`"


@pytest.mark.long
def test_fresh_run_finds_what_is_stored(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    "semantics",
    sampled(
        ["claim-sets-hardened", "claim-sets", "single-node-v1", "per-node-v8"],
        keep=["claim-sets-hardened", "single-node-v1"],
    ),
)
def test_every_value_is_reachable(semantics: str) -> None:
    """The checks before a value can be passed together: no verdict is about nothing."""
    for transition in GENERATIONS[semantics].transitions:
        for value in values_of(semantics, transition):
            solver = z3.SimpleSolver()
            solver.add(*[z3.BoolVal(term) if isinstance(term, bool) else term for term in value.given])
            assert solver.check() == z3.sat, (transition, value.expression)
