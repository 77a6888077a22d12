"""Stored sections in a report: marked as stored, a part made again, and never taken for this run's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from proofs.evidence import explored, kept, second_solver, spacer
from proofs.evidence.dated import stamp
from proofs.evidence.further import FURTHER
from proofs.evidence.kept import KeptSection, PartedSection
from proofs.evidence.request import CHECKOUT, EvidenceRequest
from proofs.evidence.structure import EarlierRun, Evidence, EvidenceTable, RepeatedPart, SkippedSection, Tables
from proofs.evidence.verify import verified
from proofs.report.html import html, markdown
from proofs.report.junit import junit
from proofs.report.verdict import exit_code, failures, open_points, total
from tests.evidence.pages import light
from tests.evidence.test_verify import data_of, renewed

PARTED = (explored.SECTION, second_solver.SECTION, spacer.SECTION)
ALL = EvidenceRequest(jobs=1, stored=True)
WHOLE = Tables(tables=[EvidenceTable("Paths", ["operation", "paths"], [["free", "12"]])], ok=True)
PART = Tables(tables=[EvidenceTable("Paths", ["operation", "paths"], [["free", "3"]])], ok=True, seconds=4.0)


def section(part: Tables | SkippedSection = PART, is_all: bool = True) -> PartedSection:
    return PartedSection("diff", "the smallest host", lambda _: is_all, lambda _: WHOLE, lambda _: part)


def spoiled(checkout: Path, edit: Callable[[dict[str, object]], object]) -> None:
    path = checkout / kept.path_of("diff")
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    kept.store("diff", stamp(), 843.04, WHOLE, PART, tmp_path)
    return tmp_path


def of(found: Tables | SkippedSection) -> Tables:
    assert isinstance(found, Tables)
    return found


def test_stored_section_is_shown_and_its_part_made_again(checkout: Path) -> None:
    found = of(section().collected(ALL, checkout))
    today = stamp()
    assert found.tables == WHOLE.tables
    assert (found.ok, found.seconds) == (True, 4.0)
    assert found.stored == EarlierRun(today["made"], today["code"][:12], False, 843.0)
    assert found.again == RepeatedPart("the smallest host", [])


@pytest.mark.parametrize("ask", ["no cache", "less than all", "nothing stored"])
def test_section_is_made_whole(ask: str, checkout: Path, tmp_path: Path) -> None:
    stored = ask != "no cache"
    where = tmp_path / "elsewhere" if ask == "nothing stored" else checkout
    found = section(is_all=ask != "less than all").collected(EvidenceRequest(stored=stored), where)
    assert found is WHOLE


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda content: content.pop("whole"), "whole"),
        (lambda content: content.update(made="yesterday"), "yesterday"),
        (lambda content: content.update(more=1), "more"),
        (lambda content: content["whole"]["tables"][0].update(rows=3), "rows"),
    ],
    ids=["part missing", "no day", "unknown field", "wrong type"],
)
def test_spoiled_stored_section_is_named_in_one_line(
    edit: Callable[[dict[str, object]], object], said: str, checkout: Path
) -> None:
    spoiled(checkout, edit)
    found = section().collected(ALL, checkout)
    assert isinstance(found, SkippedSection)
    assert found.reason.startswith("tests/data/sections/diff.json cannot be read: ")
    assert said in found.reason
    assert "\n" not in found.reason


@pytest.mark.parametrize("content", [b"", b"[", b"\xff", b"[" * 100_000], ids=["empty", "cut", "not text", "deep"])
def test_file_that_is_no_section_is_named(content: bytes, checkout: Path) -> None:
    (checkout / kept.path_of("diff")).write_bytes(content)
    found = section().collected(ALL, checkout)
    assert isinstance(found, SkippedSection)
    assert found.reason.startswith("tests/data/sections/diff.json cannot be read: ")


def test_part_that_cannot_be_made_skips_the_section(checkout: Path) -> None:
    missing = SkippedSection("cvc5 is not there")
    assert section(missing).collected(ALL, checkout) == missing


def as_part(cell: str, ok: bool = True) -> Tables:
    return Tables(tables=[EvidenceTable("Paths", ["operation", "paths"], [["free", cell]])], ok=ok)


def test_part_that_is_not_as_stored_is_open(checkout: Path, small: Evidence) -> None:
    found = of(section(as_part("4")).collected(ALL, checkout))
    assert found.again is not None
    (text,) = found.again.differs
    assert text == "diff[Paths].rows[0][1]: stored 3, found 4"
    assert [table.name for table in found.tables] == ["Paths", "Paths, made again"]
    quick = light(small)
    evidence = msgspec.structs.replace(quick, further=quick.further | {"diff": found})
    assert failures(evidence) == failures(quick)
    assert open_points(evidence) == [*open_points(quick), f"not as stored on {stamp()['made']}: {text}"]
    assert f"<li>{text}</li>" in html(evidence, 1)
    assert "made again in this run, and not as stored: the smallest host" in markdown(evidence)


def test_part_that_is_refuted_is_a_failure(checkout: Path, small: Evidence) -> None:
    found = of(section(as_part("3", ok=False)).collected(ALL, checkout))
    assert not found.ok
    assert [table.name for table in found.tables] == ["Paths", "Paths, made again"]
    evidence = msgspec.structs.replace(small, further=small.further | {"diff": found})
    assert "not as claimed: diff" in failures(evidence)


@pytest.mark.parametrize("older", [False, True])
def test_stored_section_is_marked_in_every_file(older: bool, checkout: Path, small: Evidence) -> None:
    spoiled(checkout, lambda content: content.update(made="2026-01-02", **({"code": "0" * 64} if older else {})))
    found = of(section().collected(ALL, checkout))
    quick = light(small)
    evidence = msgspec.structs.replace(quick, made="2026-01-04T00:00:00+00:00", further=quick.further | {"diff": found})
    code = "older code" if older else "the same code"
    assert exit_code(evidence) == (3 if older else 0)
    left = ["diff: stored on 2026-01-02, of older code (000000000000): --no-cache makes it again"]
    assert open_points(evidence) == [*open_points(quick), *(left if older else [])]
    page, summary = html(evidence, 1), markdown(evidence)
    shown = page[page.index('<h3 id="diff">') :]
    shown = shown[: shown.index("<h3", 1)]
    assert f"made on 2026-01-02, 2 days old, of {code}" in shown
    assert "in 843 seconds of processor time" in shown
    assert "Made again in this run, with the same result: the smallest host." in shown
    assert "stored: 2026-01-02; a part made again: 4.0" in page
    assert f"stored, not made in this run: of 2026-01-02, 2 days old, of {code}; made again in this run" in summary
    assert f"diff: of 2026-01-02, 2 days old, of {code} (" in total(evidence)
    assert "; made again in this run: the smallest host" in total(evidence)
    told = ElementTree.fromstring(junit(evidence)).findtext("testsuite[@name='diff']/testcase/system-out")
    assert told is not None
    assert told.startswith(f"not made in this run; diff: of 2026-01-02, 2 days old, of {code} (")


def test_verify_makes_a_stored_section_whole(checkout: Path, small: Evidence) -> None:
    found = of(section().collected(ALL, checkout))
    evidence = renewed(data_of(msgspec.structs.replace(small, further=small.further | {"diff": found})))
    outcome = verified(evidence, msgspec.structs.replace(small, further=small.further | {"diff": WHOLE}))
    assert (outcome.differences, outcome.stored) == ([], [])
    other = msgspec.structs.replace(small, further=small.further | {"diff": as_part("13")})
    assert [d.field for d in verified(evidence, other).differences] == ["further.diff.tables[Paths].rows[0][1]"]


@pytest.mark.parametrize("parted", PARTED, ids=[parted.name for parted in PARTED])
def test_checkout_stores_every_parted_section(parted: PartedSection) -> None:
    found = kept.load(CHECKOUT / kept.path_of(parted.name))
    assert isinstance(found, KeptSection)
    assert parted.name in FURTHER
    assert parted.is_all(ALL)
    assert (found.whole.ok, found.part.ok) == (True, True)
    assert [table.name for table in found.part.tables][:1] == [table.name for table in found.whole.tables][:1]
    assert found.took > 0


def test_no_other_section_is_stored() -> None:
    there = sorted(path.stem for path in (CHECKOUT / kept.FOLDER).iterdir())
    assert there == sorted(parted.name for parted in PARTED)


def test_narrower_request_is_not_all() -> None:
    one = EvidenceRequest(["claim-sets"], ["node-backed"])
    assert [parted.is_all(one) for parted in PARTED] == [False, False, False]


@pytest.mark.long
def test_small_derivations_come_out_as_stored() -> None:
    """The part of one section, made again as a report does it."""
    found = of(spacer.SECTION.collected(ALL))
    assert found.again is not None
    assert found.again.differs == []
    assert found.ok
