"""The reference on C's numbers: as recorded, as on unbounded numbers where nothing wraps, and as stored where it does."""

from itertools import islice
from pathlib import Path

import pytest
import z3

from model.semantics import SEMANTICS, TRANSITIONS
from proofs.c_ranges.documents import DOCUMENT, FOLDER, HARMLESS, NO_TRACE, load, main, renewed
from proofs.c_ranges.rows import values_of
from proofs.c_typed.replay import CTypedReplay
from proofs.c_typed.runs import Run, where_they_part
from proofs.prover.verdict import Verdict
from proofs.replay.replay import TraceResult
from proofs.traces import Trace, read_traces
from tests.adapters.random_traces import Maker

RECORDED = sorted(Path("tests/data/conformance").glob("*.jsonl.gz"))
STORED = sorted(FOLDER.glob("*/*.jsonl"))
WRAPS = {"single-node-v1", "single-node-v2", "single-node-v3"}
"""Whose recordings have claims beyond the free pages."""


def replayed(trace: Trace) -> TraceResult:
    result = TraceResult(trace.first_line, trace.header.seed)
    CTypedReplay(trace, result).run()
    return result


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name.split(".")[0])
def test_c_numbers_give_what_was_recorded(path: Path) -> None:
    for trace in islice(read_traces(path), 1):
        result = replayed(trace)
        assert result.divergence is None
        if trace.header.semantics not in WRAPS:
            assert (result.wrapped, result.parted) == ([], "")


@pytest.mark.long
@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name.split(".")[0])
def test_c_numbers_give_all_that_was_recorded(path: Path) -> None:
    results = [replayed(trace) for trace in read_traces(path)]
    assert [r.divergence for r in results if r.divergence] == []
    if path.name.split(".")[0] not in WRAPS:
        assert [r.wrapped for r in results if r.wrapped] == []


def test_an_unsigned_comparison_of_claims_is_in_the_recordings() -> None:
    (path,) = [p for p in RECORDED if p.name.startswith("single-node-v1")]
    parted = [r.parted for r in map(replayed, islice(read_traces(path), 1))]
    assert parted == ["event 90 set_outstanding_pages: result is ENOMEM on unbounded numbers, OK in C"]


def runs_alike(seed: int) -> None:
    made = Maker(seed).trace(60)
    assert where_they_part("claim-sets", made.header.host, list(made)) is None
    run = Run("claim-sets", made.header.host, c_types=True)
    for event in made:
        assert run.do(event).wrapped == []


@pytest.mark.parametrize("seed", range(1, 9))
def test_where_all_is_proved_in_range_nothing_wraps(seed: int) -> None:
    runs_alike(seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 300))
def test_where_all_is_proved_in_range_nothing_wraps_at_length(seed: int) -> None:
    runs_alike(seed)


@pytest.mark.parametrize("path", STORED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_stored_traces_lead_where_they_say(path: Path) -> None:
    (result,) = map(replayed, read_traces(path))
    assert result.divergence is None
    about = [j for j in load() if j.row.semantics == path.parent.name and j.trace == path.name]
    assert about
    for judged in about:
        assert judged.row.verdict is Verdict.REFUTED
        assert result.wrapped[-1].startswith(f"event {result.events - 1} ")
        assert judged.consequence == (result.parted or HARMLESS)


def test_every_value_of_every_generation_has_a_verdict() -> None:
    found = load()
    judged = {(j.row.semantics, j.row.transition, j.row.expression, j.row.c_type) for j in found}
    for name, semantics in SEMANTICS.items():
        wanted = {
            (name, transition, value.expression, value.c_type)
            for transition in semantics.transitions
            for value in values_of(name, transition)
        }
        assert wanted == {key for key in judged if key[0] == name}, name
    for j in found:
        assert (j.row.verdict is Verdict.REFUTED) == bool(j.trace)
        assert (j.row.verdict is Verdict.UNKNOWN) == (j.consequence == NO_TRACE)
        assert j.row.function == TRANSITIONS[j.row.transition].function


def test_the_document_says_what_was_found() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert renewed(text, load()) == text


@pytest.mark.long
def test_a_fresh_run_finds_what_is_stored(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("semantics", ["claim-sets", "single-node-v1", "per-node-v8", "claim-sets-hardened"])
def test_every_value_is_computed_somewhere(semantics: str) -> None:
    """The checks before a value can be passed together: no verdict is about nothing."""
    for transition in SEMANTICS[semantics].transitions:
        for value in values_of(semantics, transition):
            solver = z3.SimpleSolver()
            solver.add(*[z3.BoolVal(term) if isinstance(term, bool) else term for term in value.given])
            assert solver.check() == z3.sat, (transition, value.expression)
