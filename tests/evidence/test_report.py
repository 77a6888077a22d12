"""The files of a report: complete, self-contained, escaped, and the same for the same evidence."""

import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest
from click.testing import CliRunner

from proofs.cli.report import report
from proofs.evidence import shown
from proofs.evidence.collect import INTERRUPTED
from proofs.evidence.compare import differences
from proofs.evidence.structure import (
    Conformance,
    EarlierRun,
    Evidence,
    Findings,
    Matrix,
    Obligations,
    SkippedSection,
    Tables,
    written,
)
from proofs.evidence.structure import EvidenceTable as Shown
from proofs.obligations.obligation import PARAMETRIC
from proofs.obligations.suite import suite
from proofs.report import html as pages
from proofs.report.html import html, markdown
from proofs.report.junit import junit
from proofs.report.verdict import exit_code, failures, open_points, took, total
from proofs.report.write import NAMES
from tests.evidence.conftest import LEFT_OUT
from tests.evidence.pages import CRASH, copy_of, light, with_a_crash
from tests.sampled import sampled

VOID = {"meta", "link", "input", "br", "img", "path", "use", "rect", "line", "circle", "stop"}


class Page(HTMLParser):
    """Ids, links, sources, and whether every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.sources: list[str] = []
        self.open: list[str] = []
        self.tables: list[list[str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links += [given["href"] or ""] if tag == "a" else []
        self.sources += [str(given[name]) for name in ("src", "srcset", "data") if name in given]
        if tag == "link":
            self.sources.append(str(given["href"]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="session")
def evidence(small: Evidence) -> Evidence:
    return with_a_crash(small)


def test_page_needs_no_other_file(small_page: str) -> None:
    found = Page(small_page)
    assert found.open == []
    assert found.sources == ["data:,"]
    assert len(found.ids) == len(set(found.ids))
    assert {link[1:] for link in found.links} <= set(found.ids)
    assert "@import" not in small_page
    assert re.findall(r"url\((?!#)", small_page) == []
    assert set(re.findall(r"https?://[\w./]+", small_page)) == {"http://www.w3.org/2000/svg"}


def test_page_shows_all_of_the_evidence(small_page: str, evidence: Evidence) -> None:
    assert isinstance(evidence.matrix, Matrix)
    assert isinstance(evidence.obligations, Obligations)
    ids = Page(small_page).ids
    for cell in evidence.matrix.cells:
        assert f": {cell.verdict} for {cell.semantics}" in small_page
    for result in evidence.obligations.results:
        assert result.name in small_page
        assert result.sha256[:12] in small_page
    assert {f"DS-{n:02}" for n in range(1, 35)} <= set(ids)
    assert f"f:{CRASH}" in ids
    assert "Tests" not in small_page or "not run" in small_page
    for version in evidence.run.versions.values():
        assert version in small_page
    assert evidence.run.command in small_page


def test_equal_evidence_gives_the_same_page(small_page: str, evidence: Evidence) -> None:
    assert html(copy_of(evidence), 2) == small_page


def test_quoted_text_is_escaped(evidence: Evidence) -> None:
    bad = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    spoiled = copy_of(evidence)
    assert isinstance(spoiled.findings, Findings)
    assert isinstance(spoiled.obligations, Obligations)
    spoiled.findings.findings[0].broken = [bad]
    spoiled.obligations.results[0].reason = bad
    spoiled.run.command = bad
    spoiled.tests = SkippedSection(bad)
    text = html(spoiled, 1)
    assert "alert(1)" in text
    assert "<script>alert" not in text
    assert "<img" not in text


def test_section_that_was_not_run_is_labelled(evidence: Evidence) -> None:
    names = ("matrix", "findings", "obligations", "guards", "conformance", "tests", "statements")
    empty = msgspec.structs.replace(evidence, **dict.fromkeys(names, SkippedSection("for a test")))
    text = html(empty, 1)
    assert text.count("for a test") >= len(names)
    assert "DS-34" in text
    assert text.count("not checked") >= 34
    empty.further = dict.fromkeys(evidence.further, SkippedSection("for a test"))
    assert markdown(empty).count("- not run: ") == len(names) + len(evidence.further)
    suites = ElementTree.fromstring(junit(empty))
    assert {suite.get("skipped") for suite in suites} == {"1"}
    assert exit_code(empty) == 0  # nothing that was requested is open


def test_further_section_is_shown(evidence: Evidence) -> None:
    filled = light(evidence)
    rows = Shown("operators", ["operator", "mutants"], [["drop a guard", "12"]], "all killed")
    filled.further["mutation"] = Tables(tables=[rows], ok=False)
    text = html(filled, 1)
    assert "drop a guard" in text
    assert "not as claimed" in text
    assert failures(filled) == ["not as claimed: mutation"]
    assert ElementTree.fromstring(junit(filled)).find("testsuite[@name='mutation']/testcase/failure") is not None


def test_table_shows_times_rates_and_pictures(evidence: Evidence) -> None:
    filled = light(evidence)
    counted = Shown("counts", ["who", "steps"], [["one", "3,000"], ["two", "10"]], "", {"one": 2.0}, "steps")
    drawn = Shown(
        "ends", ["who", "good", "bad"], [["one", "3.0 (2 to 4)", ""]], "", {"all": 1.25}, drawn=["good", "bad"]
    )
    counted.questions = {"one": 1234}
    filled.further["fuzz"] = Tables(tables=[counted, drawn], ok=True, seconds=65.0)
    text = html(filled, 1)
    assert "steps/s and core" in text
    assert "<td>3,000</td><td>1,500</td>" in text
    assert "<td>10</td><td></td>" in text  # its time is not known
    assert "Seconds: all 1.2." in text
    assert "Questions to the solver: one 1,234." in text
    assert 'aria-label="ends: good, bad"' in text
    assert "- Random interleavings: as claimed" in markdown(filled)
    slower = copy_of(filled)
    assert isinstance(slower.further["fuzz"], Tables)
    slower.further["fuzz"].tables[0].seconds = {"one": 4.0}
    slower.further["fuzz"].tables[0].questions = {"one": 1200}
    assert list(differences("further", filled.further, slower.further)) == []
    slower.further["fuzz"].tables[0].rows[1] = ["two", "11"]
    assert [d.field for d in differences("further", filled.further, slower.further)] == [
        "further.fuzz.tables[counts].rows[1][1]"
    ]


def test_first_screen_states_date_time_versions_and_command(small_page: str, evidence: Evidence) -> None:
    top = small_page[small_page.index("<header>") : small_page.index("</header>")]
    for said in (
        evidence.made[:10],
        evidence.run.versions["z3"],
        "seed 0 everywhere",
        evidence.run.command,
        "claimcheck verify",
    ):
        assert said in top
    assert f"in {took(evidence)} " in top
    assert took(msgspec.structs.replace(evidence, seconds=65.2)) == "1 min 5 s"
    seeds = msgspec.structs.replace(evidence.run, limits=evidence.run.limits | {"search: seed": 7})
    assert "7 (search)" in html(msgspec.structs.replace(light(evidence), run=seeds), 1)


def test_stored_sections_are_labelled_and_add_no_time(evidence: Evidence) -> None:
    stored = EarlierRun("2025-12-22", "0123456789ab", True, 4380.0)
    filled = msgspec.structs.replace(light(evidence), seconds=1384.0)
    filled.further = evidence.further | {"mutation": Tables(tables=[], ok=True, stored=stored)}
    line = total(filled)
    assert "Made in this run, in 23 min 4 s by the clock: findings, conformance, statements." in line
    assert "mutation: of 2025-12-22, 10 days old, of older code (0123456789ab)." in line
    page, summary, cases = html(filled, 1), markdown(filled), ElementTree.fromstring(junit(filled))
    assert line in page[: page.index("</header>")]
    assert line in summary
    section = page[page.index('<h3 id="mutation">') :]
    assert "made on 2025-12-22, 10 days old, of older code" in section[: section.index("<h3", 1)]
    assert "stored, not made in this run: of 2025-12-22, 10 days old, of older code; as claimed" in summary
    assert cases.get("time") == "1384.000"
    suite = cases.find("testsuite[@name='mutation']")
    assert suite is not None
    assert suite.get("time") == "0.000"
    assert suite.findtext("testcase/system-out", "").startswith("not made in this run; mutation: of 2025-12-22")
    made = msgspec.structs.replace(stored, older=False)
    filled.further["mutation"] = Tables(tables=[], ok=False, stored=made)
    assert "of the same code" in total(filled)
    assert total(filled).startswith("1 not as claimed.")


def test_trace_against_a_statement_is_a_finding_not_a_failure(evidence: Evidence) -> None:
    spoiled = copy_of(evidence)
    assert isinstance(spoiled.findings, Findings)
    answer = next(q for q in spoiled.findings.answers if q.name.endswith("release-refused"))
    assert failures(spoiled) == []
    answer.shows = ""
    assert failures(spoiled) == [f"the reference does not reproduce: {answer.name}: {answer.asks}"]
    answer.replay.divergence = answer.replay.divergence or "nothing is here"
    answer.trace = []
    assert (failures(spoiled), open_points(spoiled)) == ([], ["nothing is here"])
    assert "The reference does not reproduce it." in html(light(spoiled), 1)


def test_junit_counts_failures_and_skips(evidence: Evidence) -> None:
    assert isinstance(evidence.matrix, Matrix)
    suites = {suite.get("name"): suite for suite in ElementTree.fromstring(junit(evidence))}
    assert suites["matrix"].get("tests") == str(len(evidence.matrix.cells))
    assert {s.get("failures") for s in suites.values()} == {"0"}
    assert suites["statements"].get("skipped") == "34"
    spoiled = copy_of(evidence)
    assert isinstance(spoiled.matrix, Matrix)
    spoiled.matrix.cells[0].verdict = "unknown"
    promised = next(cell for cell in spoiled.matrix.cells if cell.promised)
    promised.verdict = "refuted"
    suite = next(s for s in ElementTree.fromstring(junit(spoiled)) if s.get("name") == "matrix")
    assert (suite.get("errors"), suite.get("failures")) == ("1", "1")


def test_exit_code_follows_the_verdicts(evidence: Evidence) -> None:
    assert exit_code(evidence) == 0
    spoiled = copy_of(evidence)
    assert isinstance(spoiled.matrix, Matrix)
    assert isinstance(spoiled.conformance, Conformance)
    spoiled.matrix.cells[0].verdict = "unknown"
    assert (exit_code(spoiled), len(open_points(spoiled))) == (3, 1)
    spoiled.conformance.files[0].divergences = ["line 3"]
    assert (exit_code(spoiled), failures(spoiled)) == (1, ["diverged: line 3"])
    assert exit_code(msgspec.structs.replace(evidence, guards=SkippedSection(INTERRUPTED))) == 3


def test_the_summary_is_plain_markdown(evidence: Evidence) -> None:
    text = markdown(evidence)
    assert text.startswith("# claimcheck")
    assert isinstance(evidence.matrix, Matrix)
    promises = [c for c in evidence.matrix.cells if c.semantics == "claim-sets" and not c.conditions]
    verdicts = Counter(c.verdict for c in promises)
    assert f"| claim-sets | {verdicts['proved']} | 0 | {verdicts['refuted']} | 0 | 0 |" in text
    assert "- **claim-sets** (2026-04): 1 of 2 promises hold for any host, and 1 fails: 1 unless legacy-check" in text
    assert "&#" not in text
    assert not re.search(r"\n\n\n", text)


def call(*arguments: str) -> tuple[int, str]:
    outcome = CliRunner().invoke(report, arguments)
    assert outcome.exception is None or isinstance(outcome.exception, SystemExit), outcome.exception
    return outcome.exit_code, outcome.output


def test_command_exit_codes_and_messages(evidence: Evidence, small_page: str, tmp_path: Path) -> None:
    stored = tmp_path / "evidence.json"
    stored.write_bytes(written(evidence))
    out = tmp_path / "out"
    code, text = call("--from", str(stored), "--out", str(out), "--json")
    assert code == 0
    assert json.loads(text)["failures"] == []
    assert sorted(path.name for path in out.iterdir()) == sorted(NAMES)
    assert (out / "evidence.json").read_bytes() == stored.read_bytes()
    assert (out / "report.html").read_text(encoding="utf-8") == small_page
    stored.write_bytes(stored.read_bytes().replace(b'"comparisons": ', b'"comparisons": 1'))
    assert "was changed after it was written" in call("--from", str(stored))[1]
    stored.write_bytes(b"{}")
    assert "no evidence" in call("--from", str(stored))[1]
    assert "did you mean" in call("--without", "matix")[1]
    assert "cannot be written" in call("--from", str(out / "evidence.json"), "--out", "/proc/none")[1]


@pytest.mark.parametrize(
    "within", sampled(["/offline_page/", "/"], keep={"/offline_page/"}), ids=["of-one-call", "all"]
)
def test_report_of_one_property_runs_from_an_empty_folder(
    within: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [one for one in suite(["claim-sets"], ["recall-minimal"], [PARAMETRIC]) if within in one.name]
    assert asked
    for module in (shown, pages):
        monkeypatch.setattr(module, "asked", lambda _request: asked)
    without = [option for name in (*LEFT_OUT, "matrix", "guards", "conformance") for option in ("--without", name)]
    arguments = ["--generation", "claim-sets", "--property", "recall-minimal", "--out", str(tmp_path), "--jobs", "1"]
    code, text = call(*arguments, *without)
    assert code == 0
    assert f"obligations: {len(asked)} proved" in text
    assert "not run: tests: left out: --without tests" in text
