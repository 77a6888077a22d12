"""No document and no part of the report shows a verdict without its conditions, or two verdicts on one statement."""

from __future__ import annotations

import html as markup
import re
from collections.abc import Callable
from xml.etree import ElementTree

import msgspec
import pytest

from docs._make import statements as of_documents
from docs._make.checkout import DOCUMENTS, ROOT
from proofs.cli.proof_results import print_results
from proofs.evidence.statements import PROVED, PROVED_IF, TESTED, worded
from proofs.evidence.structure import DesignStatements, Evidence, SkippedSection, Statement, written
from proofs.prover.report import rows
from proofs.prover.verdict import Result, Verdict
from proofs.questions.claim_sets import QUESTIONS
from proofs.report.html import html, markdown
from proofs.report.junit import junit
from tests.evidence.verdicts_shown import problems, verdicts

OF_OTHER_RULES = {"docs/review-a-patch.md": "what review says of rules from files; tests/review compares it"}
"""Documents whose verdicts are not those of the matrix, and what compares them."""
DOCUMENT = {
    name: path.read_text(encoding="utf-8")
    for path in DOCUMENTS
    if (name := path.relative_to(ROOT).as_posix()) not in OF_OTHER_RULES
}
STATEMENTS = {statement.id: statement for statement in of_documents.judged()}
CALL = "; the call is for more pages than the domain has"


def test_documents_show_stored_verdicts_with_conditions() -> None:
    assert sum(len(list(verdicts(text, name))) for name, text in DOCUMENT.items()) > 1000
    assert [problem for name, text in DOCUMENT.items() for problem in problems(text, name)] == []


SPOILED = [
    ("docs/verdict-matrix.md", "| `host-backed` if legacy-check-in-lock |", "| `host-backed` |"),
    ("docs/verdict-matrix.md", "| `dead-hold-nothing` | x4", "| `dead-hold-nothing` | +"),
    ("docs/verdict-matrix.md", CALL, ""),
    ("docs/generations.md", "`claims-fulfilled.granted` if nothing-offlined (at most 4 nodes and 4 domains)", None),
    ("docs/generations.md", "With nothing offlined `node-backed`", "`node-backed`"),
    (
        "docs/generations/README.md",
        "# One page per generation\n",
        "# One page per generation\n\n`host-backed` is proved.\n",
    ),
    (
        "docs/generations/single-node-v4.md",
        "It repairs: `host-backed` if nothing-offlined",
        "It repairs: `host-backed`",
    ),
    ("docs/generations/claim-sets.md", CALL, ""),
    ("docs/proofs-tables.md", "| dead-hold-nothing if legacy-check-in-lock | proved", "| dead-hold-nothing | proved"),
    ("docs/proofs-tables.md", "2. `host-backed` if legacy-check-in-lock", "2. `host-backed`"),
    ("docs/proofs.md", "With `limbo-not-marked` it is proved", "It is proved"),
    ("docs/proofs.md", "- If `limbo-not-marked`, `offline", "- `offline"),
    ("docs/properties.md", "# Properties\n", "# Properties\n\n`entitlement` is proved for any host.\n"),
    (
        "docs/per-node-v8.md",
        "with nothing offlined, `claims-fulfilled.granted` is proved on",
        "`claims-fulfilled` is proved on",
    ),
    ("docs/claim-sets-weaknesses.md", "`recall-minimal` if legacy-check-in-lock", "`recall-minimal`"),
    ("README.md", "host-backed if legacy-check-in-lock   ", "host-backed   "),
]


@pytest.mark.parametrize(("name", "shown", "spoiled"), SPOILED, ids=range(len(SPOILED)))
def test_spoiled_document_is_noticed(name: str, shown: str, spoiled: str | None) -> None:
    assert shown in DOCUMENT[name]
    replaced = shown.partition(" (")[0] if spoiled is None else spoiled
    assert problems(DOCUMENT[name].replace(shown, replaced), name) != []


def contradictions(documents: dict[str, str]) -> list[str]:
    """Where documents say of a statement something that its verdict does not count."""
    found = []
    shown = dict(re.findall(r"^\| (DS-\d\d) \| .* \| (.*) \|$", documents["docs/statements.md"], re.MULTILINE))
    for number, question in enumerate(QUESTIONS.values(), 1):
        (row,) = re.findall(rf"^\| {number} \| .*$", documents["docs/claim-sets-weaknesses.md"], re.MULTILINE)
        for how, statement in re.findall(r"(contradicts|qualifies) (DS-\d\d)", row):
            verdict = shown.get(statement, "")
            if not re.search(rf"\[{how} it[^\]]*/{question.name}\]", verdict) or verdict in (PROVED, TESTED):
                found.append(f"{question.name} {how} {statement}: {verdict}")
    for name, text in documents.items():
        for statement, word in re.findall(r"(DS-\d\d)[^.|\n]{0,60}\b(proved|refuted|holds only|holds)\b", text):
            judged = STATEMENTS[statement]
            conditional = bool(judged.conditions or judged.against)
            fits = conditional if word == "holds only" else worded(judged).startswith(word) and not conditional
            if name != "docs/statements.md" and not fits:
                found.append(f"{name}: {statement} {word}: {worded(judged)}")
    found += [
        f"docs/statements.md: {s.id}: {shown.get(s.id)}" for s in STATEMENTS.values() if shown.get(s.id) != worded(s)
    ]
    return found


def test_pages_agree_with_the_verdicts_on_statements() -> None:
    assert contradictions(DOCUMENT) == []
    for name in ("DS-12", "DS-13", "DS-22", "DS-27", "DS-28", "DS-29", "DS-32"):
        assert STATEMENTS[name].verdict in ("refuted", PROVED_IF)


@pytest.mark.parametrize(
    ("name", "shown", "spoiled"),
    [
        ("docs/statements.md", r"^(\| DS-12 \| .*) \| refuted.* \|$", r"\1 | proved |"),
        ("docs/statements.md", r"^(\| DS-22 \| .*) if max_pages is never.*?;", r"\1 if"),
        ("docs/claim-sets-weaknesses.md", r"contradicts DS-12", "contradicts DS-20"),
        ("docs/claim-sets-weaknesses.md", r"qualifies DS-26", "contradicts DS-26"),
        ("docs/limits.md", r"\A", "DS-12 is proved.\n"),
    ],
)
def test_page_that_contradicts_a_verdict_is_noticed(name: str, shown: str, spoiled: str) -> None:
    text, count = re.subn(shown, spoiled, DOCUMENT[name], count=1, flags=re.MULTILINE)
    assert count == 1
    assert contradictions(DOCUMENT | {name: text}) != []


@pytest.fixture(scope="module")
def evidence(small: Evidence) -> Evidence:
    """With statements that were judged; what takes long to show is left out."""
    shown = DesignStatements(statements=list(STATEMENTS.values()))
    return msgspec.structs.replace(
        small, statements=shown, obligations=SkippedSection("long"), guards=SkippedSection("long")
    )


def in_html(text: str, name: str) -> str:
    """What a reader sees of a statement."""
    row = text[text.index(f'<tr id="{name}">') :]
    return markup.unescape(re.sub(r"<[^>]+>", " ", row[: row.index("</tr>")]))


def in_markdown(text: str, name: str) -> str:
    return text[text.index(f"- {name}: ") :].partition("\n- ")[0]


def in_junit(text: str, name: str) -> str:
    case = ElementTree.fromstring(text).find(f".//testcase[@name='{name}']")
    assert case is not None
    return " ".join(case.itertext())


def in_json(text: str, name: str) -> str:
    entries = msgspec.json.decode(text)["statements"]["statements"]
    return " ".join(str(entry) for entry in entries if entry["id"] == name).replace("\\'", "'")


FORMATS: dict[str, tuple[Callable[[Evidence], str], Callable[[str, str], str]]] = {
    "html": (lambda evidence: html(evidence, 1), in_html),
    "markdown": (markdown, in_markdown),
    "junit": (lambda evidence: junit(evidence).decode(), in_junit),
    "json": (lambda evidence: written(evidence).decode(), in_json),
}


def missing(statement: Statement, shown: str) -> list[str]:
    """What belongs to the verdict and is not there."""
    belongs = [statement.verdict.removesuffix(" if"), *statement.conditions]
    belongs += [part for a in statement.against for part in (a.text.rstrip("."), a.shown_by, a.how)]
    return [text for text in belongs if " ".join(text.split()) not in " ".join(shown.replace('"', "'").split())]


@pytest.mark.parametrize("kind", FORMATS)
def test_report_shows_statement_verdicts_with_conditions(kind: str, evidence: Evidence) -> None:
    make, part = FORMATS[kind]
    text = make(evidence)
    for statement in STATEMENTS.values():
        assert missing(statement, part(text, statement.id)) == [], statement.id
    stash = "the comment in mainline's alloc_heap_pages assumes that the build is abandoned"
    assert stash in part(text, "DS-28")
    spoiled = text.replace("max_pages is never set below", "")
    assert missing(STATEMENTS["DS-22"], part(spoiled, "DS-22")) != []


def test_report_shows_every_cell_with_its_conditions(evidence: Evidence) -> None:
    assert not isinstance(evidence.matrix, SkippedSection)
    page, cases = html(evidence, 1), junit(evidence).decode()
    on_conditions = [cell for cell in evidence.matrix.cells if cell.conditions]
    assert on_conditions
    for cell in on_conditions:
        assert f"{cell.property} <small>if {' and '.join(cell.conditions)}</small>" in page
        assert f'name="{cell.name}"' in cases
        assert cell.name.endswith("+".join(cell.conditions))


def result(name: str, verdict: Verdict = Verdict.PROVED, claimed: bool = True) -> Result:
    return Result(name, verdict, claimed, 0.1, 0, "", [], [])


def test_prove_shows_conditions_and_premises(capsys: pytest.CaptureFixture[str]) -> None:
    host_wide = "claim-sets/legacy-compatible.host-wide+legacy-check-in-lock/set_outstanding_pages/parametric"
    print_results([result(host_wide)])
    printed = " ".join(capsys.readouterr().out.split())
    assert "legacy-compatible.host-wide if legacy-check-in-lock" in printed
    assert "compares only calls where the domain is not dying; the domain holds no claim" in printed


def test_unconditional_steps_are_no_verdict_on_the_property() -> None:
    step = "claim-sets/host-backed/claim_pages_check/parametric"
    assert [row[2] for row in rows([result(step, claimed=False)])] == ["not refuted"]
    assert [row[2] for row in rows([result(step)])] == ["proved"]
    assert [row[2] for row in rows([result(step, Verdict.REFUTED, claimed=False)])] == ["refuted"]
