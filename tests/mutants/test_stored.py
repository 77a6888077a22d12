"""The stored results: every survivor is explained, and the document shows them."""

import re

import msgspec

from docs._make.blocks import renewed
from docs._make.checkout import ROOT
from docs._make.mutation import DOCUMENT, blocks
from proofs.evidence.mutants import OLDER, Ending, collected, explained, fingerprint, read, reasons, totals, unexplained
from proofs.evidence.request import EvidenceRequest
from proofs.evidence.structure import NotRun, Tables

RUN, RESULTS = read()


def test_every_survivor_is_explained() -> None:
    assert [result.mutant.name for result in unexplained(RESULTS)] == []


def test_every_explanation_is_of_a_survivor_and_says_how_it_was_made_sure_of() -> None:
    survivors = {result.mutant.key for result in RESULTS if result.judged.ending is Ending.SURVIVED}
    assert set(explained(reasons())) <= survivors
    assert all(reason.says and reason.checked for reason in reasons())


def test_there_are_many_and_most_are_killed() -> None:
    killed = [result for result in RESULTS if result.judged.ending is Ending.KILLED]
    assert len(RESULTS) >= 150
    assert len(killed) > 0.8 * len(RESULTS)
    assert all(result.judged.by and result.judged.what for result in killed)


def test_the_document_shows_the_stored_results() -> None:
    text = (ROOT / DOCUMENT).read_text()
    assert renewed(text, blocks(RUN, RESULTS)) == text, "run `python -m docs._make.mutation`"
    assert "NOT EXPLAINED" not in text
    assert not re.search(r"<!-- generated: ([\w-]+) -->\n<!-- end -->", text)


def test_the_document_says_when_they_are_of_older_code() -> None:
    assert (OLDER in (ROOT / DOCUMENT).read_text()) == (RUN.code != fingerprint())
    of_this_code = msgspec.structs.replace(RUN, code=fingerprint())
    assert OLDER not in totals(of_this_code, RESULTS)
    assert OLDER in totals(msgspec.structs.replace(RUN, code="other"), RESULTS)


def test_the_report_shows_them_only_of_this_code() -> None:
    found = collected(EvidenceRequest())
    assert isinstance(found, Tables if RUN.code == fingerprint() else NotRun)
