"""The stored matrix in a report: marked as stored, every trace run again, and never taken for this run's."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import pytest

from proofs.evidence import judged, stored_matrix
from proofs.evidence.request import CHECKOUT, EvidenceRequest, run_of
from proofs.evidence.structure import EarlierRun, Evidence, Findings, Matrix, Obligations
from proofs.evidence.verify import rechecked, request_of, stored_sections
from proofs.matrix.verdicts import FOLDER, RUN, VERDICTS
from proofs.obligations.obligation import Obligation
from proofs.report import smtlib
from proofs.report.html import html, markdown
from proofs.report.junit import junit
from proofs.report.verdict import exit_code, open_points, total
from tests.evidence.pages import light

NAME = "claim-sets-no-recall"
REQUEST = EvidenceRequest([NAME, "claim-sets"], ["node-backed", "lock-order"], stored=True)


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> tuple[Matrix, Findings]:
    monkeypatch.setattr(judged, "matrix", lambda *_: pytest.fail("nothing is judged"))
    return judged.collected(REQUEST)


def of_older_code(small: Evidence, older: bool) -> Evidence:
    assert isinstance(small.matrix, Matrix)
    run = EarlierRun("2026-01-02", "0123456789ab", older, 1200.0)
    return msgspec.structs.replace(small, matrix=msgspec.structs.replace(small.matrix, stored=run))


def test_report_takes_stored_verdicts_and_reruns_traces(stored: tuple[Matrix, Findings]) -> None:
    matrix, findings = stored
    assert matrix.stored is not None
    assert matrix.stored.day == json.loads((CHECKOUT / RUN).read_text())["made"]
    assert {cell.verdict for cell in matrix.cells} == {"proved", "refuted"}
    refuted = [cell.name for cell in matrix.cells if cell.verdict == "refuted"]
    assert [finding.name for finding in findings.findings] == refuted
    for finding in findings.findings:
        assert (finding.replay.divergence, finding.replay.events > 1) == ("", True)
    assert rechecked(findings.findings, matrix, stored=True) == findings.findings


def checkout(folder: Path) -> Path:
    (folder / FOLDER).mkdir(parents=True)
    for path in (RUN, VERDICTS):
        shutil.copy(CHECKOUT / path, folder / path)
    for path in (CHECKOUT / FOLDER).glob("*/*.jsonl"):
        (folder / FOLDER / path.parent.name).mkdir(exist_ok=True)
        (folder / FOLDER / path.parent.name / path.name).symlink_to(path)
    return folder


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda events: events[-1].update(result="EBUSY"), "result: OFFLINED, EBUSY"),
        (lambda events: events[-1]["state"].update(outstanding_claims=7), "outstanding_claims: 1, 7"),
        (lambda events: events.pop(), "expect: [], ['host-backed', 'node-backed']"),
    ],
    ids=["result", "counter", "last-event"],
)
def test_stored_trace_that_no_longer_holds_is_a_failure(edit: object, said: str, tmp_path: Path) -> None:
    path = checkout(tmp_path) / FOLDER / NAME / "node-backed.jsonl"
    events = [json.loads(line) for line in path.read_text().splitlines()]
    path.unlink()
    edit(events)  # type: ignore[operator]
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    found = stored_matrix.collected(EvidenceRequest([NAME], ["node-backed"], stored=True), tmp_path)
    assert found is not None
    (cell,) = judged.refuted(found[0])
    finding = judged.stored_finding(cell, Matrix(cells=[]), tmp_path)
    assert finding.replay.divergence.endswith(said)


@pytest.mark.parametrize("damage", ["no file", "no generation", "no JSON"])
def test_incomplete_stored_matrix_is_not_taken(damage: str, tmp_path: Path) -> None:
    path = checkout(tmp_path) / VERDICTS
    kept = [cell for cell in json.loads(path.read_text()) if cell[0] != NAME]
    path.unlink()
    if damage != "no file":
        path.write_text(json.dumps(kept) if damage == "no generation" else "[")
    assert stored_matrix.collected(REQUEST, tmp_path) is None


def test_verdicts_of_older_code_leave_the_report_open(small: Evidence) -> None:
    same, older = of_older_code(small, older=False), of_older_code(small, older=True)
    assert (exit_code(small), exit_code(same), exit_code(older)) == (0, 0, 3)
    assert open_points(same) == open_points(small)
    assert "matrix: stored on 2026-01-02, of older code (0123456789ab): --no-cache judges it again" in open_points(
        older
    )


@pytest.mark.parametrize("older", [False, True])
def test_stored_matrix_is_marked_in_every_file(older: bool, small: Evidence) -> None:
    quick = light(small)
    evidence = of_older_code(quick, older)
    code = "older" if older else "the same"
    page = html(evidence, 1)
    assert "Stored, not judged in this run:" in page
    assert f"Verdicts stored on 2026-01-02, of {code} code" in page
    assert "stored: 2026-01-02" in page
    assert f"of {code} code" in markdown(evidence)
    assert f"stored on 2026-01-02, of {code} code" in junit(evidence).decode()
    assert f"Stored, and not made in this run: {stored_sections(evidence)[0]}" in total(evidence)
    assert stored_sections(evidence)[0].startswith("matrix: of 2026-01-02, ")
    judged = msgspec.structs.replace(quick, matrix=msgspec.structs.replace(quick.matrix, stored=None))
    assert "not judged in this run" not in html(judged, 1) + markdown(judged)


def test_command_of_the_run_repeats_what_was_taken() -> None:
    assert "--no-cache" not in run_of(REQUEST).command
    assert run_of(EvidenceRequest()).command == "claimcheck report --no-cache"
    assert request_of(run_of(REQUEST), 1).stored


def test_texts_of_the_prover_are_not_built_again(small: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(small.obligations, Obligations)
    (result,) = [r for r in small.obligations.results if r.name == "claim-sets/node-backed/offline_page/parametric"]
    obligation = Obligation("claim-sets", "node-backed", "offline_page", "parametric")
    built, _ = smtlib.packed([obligation], [result], 1)
    texts = smtlib._texts([obligation])
    monkeypatch.setattr(smtlib, "_texts", lambda _: pytest.fail("it is there"))
    assert smtlib.packed([obligation], [result], 1, texts) == (built, [])
    assert smtlib.packed([obligation], [result], 1, {result.name: "other"})[1] == [result.name]
