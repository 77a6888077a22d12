"""Every mistake fits the code and names a test; a sample is judged; what is stored is of this catalogue."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from docs._make.blocks import renewed
from docs._make.checker_mistakes import DOCUMENTS, blocks
from tests.checker_mistakes import mistake as module
from tests.checker_mistakes.mistake import ROOT, CheckerMistake, catalogue
from tests.checker_mistakes.stored import read

KINDS = {
    "cache",
    "cross-check",
    "diff",
    "encodings",
    "export",
    "fuzz",
    "lemmas",
    "matrix",
    "obligations",
    "properties",
    "prover",
    "replay",
    "search",
    "statements",
    "vacuity",
    "verify",
}
SAMPLE = ("key-by-name-alone", "lemmas-known-by-name", "entry-twice-is-fine")
FEW = SAMPLE[:1]


def test_each_kind_has_mistakes_with_a_sentence() -> None:
    counts = Counter(mistake.kind for mistake in catalogue())
    assert set(counts) == KINDS
    assert min(counts.values()) >= 5
    sentences = [mistake.says for mistake in catalogue()]
    assert len(set(sentences)) == len(sentences) > 150
    assert [says for says in sentences if not says.endswith(".")] == []


def test_each_mistake_is_an_edit_of_the_current_code() -> None:
    """Its text occurs once in the file, and the edited file is valid Python."""
    for mistake in catalogue():
        ast.parse(mistake.edited())
        assert mistake.text.split() != mistake.instead.split(), mistake.name
        assert mistake.file.startswith(("proofs/", "model/"))


def test_missing_text_is_an_error() -> None:
    (first, *_) = catalogue()
    wrong = CheckerMistake("none", "prover", "Nothing.", first.file, "no such text", "", first.noticed_by)
    with pytest.raises(ValueError, match="0 times"):
        wrong.edited()


def test_duplicate_mistake_names_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    class DoubledCatalogue:
        def glob(self, pattern: str) -> list[object]:
            return [*ROOT.glob(f"tests/checker_mistakes/catalogue/{pattern}")] * 2

    monkeypatch.setattr(module, "CATALOGUE", DoubledCatalogue())
    with pytest.raises(ValueError, match="mistakes of one name"):
        catalogue.__wrapped__()


def test_each_named_test_exists_and_is_not_long() -> None:
    """The function is there, and is not one of the long ones."""
    functions: dict[str, dict[str, list[str]]] = {}
    for name in sorted({mistake.noticed_by for mistake in catalogue()}):
        path, _, test = name.partition("::")
        if path not in functions:
            body = ast.parse((ROOT / path).read_text(encoding="utf-8")).body
            defined = [node for node in body if isinstance(node, ast.FunctionDef)]
            functions[path] = {node.name: [ast.unparse(d) for d in node.decorator_list] for node in defined}
        decorators = functions[path].get(test.partition("[")[0])
        assert decorators is not None, name
        assert not [d for d in decorators if re.search(r"mark\.(long|skip|xfail)$", d)], name


def judged(*names: str) -> tuple[int, str]:
    options = [word for name in names for word in ("--only", name)]
    command = [sys.executable, "-m", "tests.checker_mistakes", "--jobs", "2", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


@pytest.mark.parametrize("names", [FEW, pytest.param(SAMPLE, marks=pytest.mark.long)], ids=["few", "more"])
def test_sample_of_mistakes_is_noticed(names: tuple[str, ...]) -> None:
    code, out = judged(*names)
    assert re.search(rf"^{len(names)} mistakes? in the checker, 0 unnoticed, 0 not judged\n\Z", out, re.M), out
    assert code == 0


def test_stored_results_are_of_this_catalogue() -> None:
    run = read()
    assert [(one.result.name, one.kind, one.noticed_by) for one in run.mistakes] == [
        (mistake.name, mistake.kind, mistake.noticed_by) for mistake in catalogue()
    ]
    assert [one.result.name for one in run.mistakes if not one.result.noticed] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_document_shows_the_stored_results(document: Path) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    assert renewed(text, blocks(read())) == text, "run `python -m docs._make.checker_mistakes`"


NO_NOTICE = """
from tests.checker_mistakes.mistake import CheckerMistake
from tests.checker_mistakes.run import failing_without, judged

TEST = "tests/proofs/test_prove.py::test_verdict_has_no_truth_value"
VERDICT = ("proofs/prover/verdict.py", 'PROVED = "proved"')
EDITS = {
    "without effect": (*VERDICT, 'PROVED = "proved"  # as ever', TEST),
    "no name": (*VERDICT, "PROVED = no_such_name", TEST),
    "of another module": ("proofs/cli/fuzz.py", "import click", "import click as click", TEST),
}
for _, found in judged([CheckerMistake(n, "", "", f, t, i, by) for n, (f, t, i, by) in EDITS.items()], 2):
    print(f"{found.name}: {found.noticed}: {found.why}")
print(failing_without([TEST], 1), failing_without([f"{TEST}_there"], 1))
"""


def test_edit_that_does_not_apply_counts_as_unnoticed() -> None:
    """Nor is one without effect, nor a test that does not have it, nor one that cannot be run."""
    done = subprocess.run([sys.executable, "-c", NO_NOTICE], cwd=ROOT, capture_output=True, text=True, timeout=300)
    *found, failing = done.stdout.splitlines()
    assert {line.partition(": ")[0]: line.split(": ")[1] for line in found} == dict.fromkeys(
        ["without effect", "no name", "of another module"], "False"
    )
    assert failing == "[] ['tests/proofs/test_prove.py::test_verdict_has_no_truth_value_there']"
