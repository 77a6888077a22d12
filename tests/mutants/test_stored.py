"""The stored results: every survivor is explained, and the document shows them."""

import re
from pathlib import Path

import msgspec
import pytest

from docs._make.blocks import renewed
from docs._make.checkout import ROOT
from docs._make.mutation import DOCUMENTS, blocks
from proofs.evidence import mutants as module
from proofs.evidence.dated import fingerprint
from proofs.evidence.mutants import Ending, collected, explained, read, reasons, totals, unexplained
from proofs.evidence.request import EvidenceRequest
from proofs.evidence.structure import EarlierRun, SkippedSection, Tables

RUN, RESULTS = read()


def test_every_survivor_has_a_reason() -> None:
    assert [result.mutant.name for result in unexplained(RESULTS)] == []


def test_every_reason_names_survivors_and_a_check() -> None:
    survivors = {result.mutant.key for result in RESULTS if result.judged.ending is Ending.SURVIVED}
    assert set(explained(reasons())) <= survivors
    assert all(reason.says and reason.checked for reason in reasons())


def test_most_of_at_least_150_mutants_are_killed() -> None:
    killed = [result for result in RESULTS if result.judged.ending is Ending.KILLED]
    assert len(RESULTS) >= 150
    assert len(killed) > 0.8 * len(RESULTS)
    assert all(result.judged.by and result.judged.what for result in killed)


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_document_shows_the_stored_results(document: Path) -> None:
    text = (ROOT / document).read_text()
    assert renewed(text, blocks(RUN, RESULTS)) == text, "run `python -m docs._make.mutation`"
    assert "NOT EXPLAINED" not in text
    assert not re.search(r"<!-- generated: ([\w-]+) -->\n<!-- end -->", text)


def test_document_states_the_date_and_code_of_the_results() -> None:
    (line,) = re.findall(r"Measured on (\S+), of (older|this) code", (ROOT / DOCUMENTS[0]).read_text())
    assert line == (RUN.made, "this" if RUN.code == fingerprint() else "older")
    of_this_code = msgspec.structs.replace(RUN, code=fingerprint())
    assert "of this code" in totals(of_this_code, RESULTS)
    assert "of older code" in totals(msgspec.structs.replace(RUN, code="other"), RESULTS)


@pytest.mark.parametrize("older", [False, True])
def test_report_shows_stored_mutants(older: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    run = msgspec.structs.replace(RUN, code="0" * 64 if older else fingerprint())
    monkeypatch.setattr(module, "read", lambda: (run, RESULTS))
    found = collected(EvidenceRequest())
    assert isinstance(found, Tables)
    assert found.seconds == 0, "nothing of it was made in the run"
    assert found.stored == EarlierRun(RUN.made, run.code[:12], older, RUN.seconds)
    assert found.ok
    monkeypatch.setattr(module, "unexplained", lambda _results: RESULTS[:1])
    spoiled = collected(EvidenceRequest())
    assert isinstance(spoiled, Tables)
    assert not spoiled.ok


def test_unreadable_results_count_as_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "read", lambda: Path("no-such-file").read_bytes())
    assert isinstance(collected(EvidenceRequest()), SkippedSection)
