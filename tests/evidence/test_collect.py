"""What a run collects, and that what it did not do is never taken for done."""

import gzip
from pathlib import Path

import pytest

from proofs.evidence import collect, further, judged, recordings, shown, tested
from proofs.evidence.further import FURTHER, FurtherSection
from proofs.evidence.in_model import NO_TRACE, broken_in_model
from proofs.evidence.judged import finding_of, row_of
from proofs.evidence.replayed import lines_of, replayed
from proofs.evidence.request import EvidenceRequest
from proofs.evidence.structure import (
    Conformance,
    Evidence,
    EvidenceFinding,
    Findings,
    Matrix,
    Obligations,
    SkippedSection,
    StatementTests,
    digest,
    read,
    written,
)
from proofs.explain.stage import Stage
from proofs.matrix.rows import MatrixRow
from proofs.report.verdict import exit_code
from proofs.search.events import Trace
from proofs.traces.events import HostShape


def finding(small: Evidence, name: str = "claim-sets-no-recall/node-backed") -> EvidenceFinding:
    """A copy that a test can change."""
    copy = read(written(small), "copy").findings
    assert isinstance(copy, Findings)
    return next(f for f in copy.findings if f.name == name)


def test_written_data_reads_back_equal(small: Evidence) -> None:
    again = read(written(small), "file")
    assert again.digest == digest(again) == digest(small)
    assert written(again) == written(small)


def test_run_has_the_expected_parts(small: Evidence) -> None:
    assert isinstance(small.matrix, Matrix)
    assert {c.name: c.verdict for c in small.matrix.cells} == {
        "claim-sets-no-recall/node-backed": "refuted",
        "claim-sets-no-recall/node-backed+nothing-offlined": "proved",
        "claim-sets-no-recall/dead-hold-nothing": "refuted",
        "claim-sets-no-recall/dead-hold-nothing+legacy-check-in-lock": "proved",
        "claim-sets/node-backed": "proved",
        "claim-sets/dead-hold-nothing": "refuted",
        "claim-sets/dead-hold-nothing+legacy-check-in-lock": "proved",
    }
    assert isinstance(small.obligations, Obligations)
    assert all(r.verdict == "proved" for r in small.obligations.results if r.claimed)
    assert all(len(r.sha256) == 64 for r in small.obligations.results)
    assert any("invariant:node-backed" in r.assumptions for r in small.obligations.results)
    assert isinstance(small.conformance, Conformance)
    assert (small.conformance.files[0].traces, small.conformance.files[0].divergences) == (2, [])
    assert small.tests == SkippedSection("left out: --without tests")
    assert isinstance(small.guards, SkippedSection)
    assert exit_code(small) == 0


def test_further_sections_without_a_source_are_not_run(small: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(small.further) == set(FURTHER)
    for name in FURTHER:
        assert small.further[name] == SkippedSection(f"left out: --without {name}")
    monkeypatch.setitem(FURTHER, "mutation", FurtherSection("Mutants", "proofs", "claimcheck mutate"))
    assert further.collected("mutation", EvidenceRequest()) == SkippedSection(
        "`claimcheck mutate` is not part of this report"
    )


def test_time_of_a_run_is_wall_clock_time(small: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([100.0, *[0.0] * 50])
    monkeypatch.setattr(collect.time, "perf_counter", lambda: next(ticks, 107.26))
    without = frozenset(collect.SECTIONS)
    assert collect.collected(EvidenceRequest(["claim-sets"], ["node-backed"], without, jobs=1)).seconds == -100.0
    parts = [getattr(small, name) for name in collect.CORE]
    assert 0 < sum(part.seconds for part in parts if not isinstance(part, SkippedSection)) <= small.seconds + 1


def test_finding_is_replayed_next_to_a_repaired_generation(small: Evidence) -> None:
    found = finding(small)
    assert found.replay.divergence == ""
    assert found.replay.comparisons > 0
    assert any("node-backed" in text for text in found.reference)
    assert found.repaired is not None
    assert (found.repaired.semantics, found.repaired.outcome) == ("claim-sets", "harmless")
    assert found.repaired.first_difference.startswith("event 3 offline_page: node 0 claimed")


@pytest.mark.long
def test_finding_violates_only_its_property_in_the_model(judged: Evidence) -> None:
    found = finding(judged)
    assert broken_in_model(found) == found.broken != []
    found.property = "redeemed-once.exact"
    assert broken_in_model(found) == []
    found.property = "node-backed"
    found.conditions = ["nothing-offlined"]
    assert broken_in_model(found) == [NO_TRACE]
    found.conditions = []
    found.transitions = [*found.transitions[:-1], "domain_kill"]
    assert broken_in_model(found) == [NO_TRACE]
    found.transitions = found.transitions[:-1]
    assert broken_in_model(found) == [NO_TRACE]


def test_spoiled_trace_diverges(small: Evidence) -> None:
    trace = finding(small).trace
    trace[3] = trace[3] | {"result": "ENOMEM"}
    assert replayed(lines_of(trace)).divergence.startswith("event 2 install_claim_set: result")
    assert replayed(b"{}\n").divergence.startswith("line 1:")
    wraps = Path("tests/data/findings/legacy-2013/no-wrap.domain-counters.jsonl").read_bytes()
    assert not replayed(wraps).divergence


def test_crash_is_a_finding() -> None:
    events = [
        {"op": "create_domain", "domid": 0, "max_pages": 2, "node_affinity": [0]},
        {"op": "set_outstanding_pages", "domid": 0, "pages": 1, "node": 0},
        {"op": "offline_page", "mfn": 0},
        {"op": "alloc_heap_pages", "domid": 0, "order": 0, "node": 0, "memflags": []},
    ]
    trace = Trace("single-node-v4", "", "no-crash", {"node_span": 1, "nodes": [1]}, events, [], [])
    found = finding_of(MatrixRow("no-crash"), trace, Matrix(cells=[]))
    assert "BUG_ON" in found.trace[-1]["crash"]
    assert found.replay.divergence == ""
    assert found.repaired is None
    assert row_of(found) == MatrixRow("no-crash")


def test_interrupt_keeps_finished_sections(monkeypatch: pytest.MonkeyPatch, short_recordings: None) -> None:
    def ctrl_c(_request: EvidenceRequest) -> Obligations:
        raise KeyboardInterrupt

    done = Matrix(cells=[]), Findings(findings=[], answers=[])
    monkeypatch.setattr(judged, "collected", lambda _request: done)
    monkeypatch.setattr(shown, "obligations", ctrl_c)
    evidence = collect.collected(EvidenceRequest(["claim-sets"], ["recall-minimal"], jobs=1))
    assert (evidence.matrix, evidence.findings) == done
    assert evidence.obligations == evidence.conformance == evidence.tests == SkippedSection(collect.INTERRUPTED)
    assert collect.interrupted(evidence)
    assert exit_code(evidence) == 3


def test_other_generations_have_no_statements_or_obligations() -> None:
    without = frozenset({"matrix", *FURTHER} - {"fuzz"})
    evidence = collect.collected(EvidenceRequest(["claim-sets-v3"], ["recall-minimal"], without, jobs=1))
    about_it = (evidence.obligations, evidence.statements, evidence.tests, evidence.guards, evidence.further["fuzz"])
    for section in about_it:
        assert section == SkippedSection("is about claim-sets, which was not requested")
    assert evidence.conformance == SkippedSection("no recordings of claim-sets-v3 in this checkout")


TESTS = """
import pytest
def test_passes(): pass
def test_fails(): assert False
@pytest.mark.skip
def test_skips(): pass
@pytest.mark.parametrize("n", [1, 2])
def test_cases(n): assert n == 1
"""


def test_tests_are_run_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_some.py").write_text(TESTS)
    monkeypatch.setattr(tested, "CHECKOUT", tmp_path)
    names = [f"tests/test_some.py::test_{name}" for name in ("passes", "fails", "skips", "cases")]
    found = tested.run_tests(EvidenceRequest(), names)
    assert isinstance(found, StatementTests)
    assert [(t.outcome, t.cases) for t in found.tests] == [("passed", 1), ("failed", 1), ("skipped", 1), ("failed", 2)]
    monkeypatch.setattr(tested, "CHECKOUT", tmp_path / "none")
    assert tested.run_tests(EvidenceRequest(), names) == SkippedSection("needs a checkout with its tests, and pytest")


def test_diverging_recording_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = Path("tests/data/examples/redeem.jsonl").read_bytes().replace(b'"claims":[1,0]', b'"claims":[2,0]')
    lines = lines.replace(b'"outstanding_claims":2', b'"outstanding_claims":1')
    path = tmp_path / "claim-sets.jsonl.gz"
    path.write_bytes(gzip.compress(lines))
    monkeypatch.setattr(recordings, "CHECKOUT", tmp_path)
    recording = recordings.replayed(path)
    assert "expected 2, observed 1" in recording.divergences[0]


def test_stage_shows_locks_and_page_owners() -> None:
    stage = Stage("claim-sets", HostShape(2, [2]))
    stage.play({"op": "create_domain", "domid": 0, "max_pages": 4, "node_affinity": [0]})
    claims = [{"pages": 1, "target": 0}, {"pages": 1, "target": "global"}]
    scene = stage.play({"op": "install_claim_set", "domid": 0, "claims": claims})
    assert scene.sections == [["page_alloc_lock of d0", "heap_lock"]]
    assert (scene.bars[0].claimed, scene.bars[0].unclaimed) == ({"d0": 1}, 1)
    assert (scene.bars[1].claimed, scene.bars[1].host_wide, scene.bars[1].unclaimed) == ({"d0": 1}, {"d0": 1}, 0)
    begun = stage.play({"op": "alloc_domheap_pages", "domid": 0, "order": 0, "node": 0, "memflags": [], "builder": "b"})
    assert (begun.sections, begun.bars[0].limbo) == ([["heap_lock"]], {"d0": 1})
    ended = stage.play({"op": "continue", "builder": "b"})
    assert (ended.result, ended.bars[0].used) == ("mfn 0 on_node 0", {"d0": 1})
    assert stage.play({"op": "continue", "builder": "b"}).impossible
    assert stage.play({"op": "offline_page", "mfn": 1}).bars[0].offline == 1
    assert stage.play({"op": "install_claim_set", "domid": 0, "claims": [{"pages": 9, "target": 0}]}).refused
