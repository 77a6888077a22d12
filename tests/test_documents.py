"""Documents state what a run produces, name everything there is, and link to what exists."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import click
import pytest

from docs._make.checkout import DOCUMENTS, ROOT
from docs._make.commands import BLOCKS, FENCES, commands, named_inline, parsed, shown
from docs._make.readme import PICTURE, picture
from docs._make.walk import NOT_WALKED, shell_lines, steps
from proofs.cli.main import claimcheck
from proofs.exit_codes import OK, REFUTED
from proofs.operations import KINDS
from reference.generations import GENERATIONS
from reference.properties import STATE_PROPERTIES
from tests.recipes import followed

WALKED = ("README.md", "docs/quickstart.md")
NAMES = [path.relative_to(ROOT).as_posix() for path in DOCUMENTS]

ENDS = {
    "claimcheck diff --mistake recalls-one-too-many": REFUTED,
    "claimcheck review tests/data/reviews/redeem-host-wide-first.py": REFUTED,
}
"""Shell lines that end in another way than well, and say so."""
NOT_HERE = {
    **dict.fromkeys(
        ["make mutation", "python -m tests.mutants --most 3"],
        "all mutants take hours: tests/mutants judges a sample, and holds what is stored against the code",
    ),
    "make mutants-of-the-checker": "all of it takes minutes: tests/checker_mistakes judges a sample, and what is stored",
}
"""Shell lines that the test below leaves out, and what there is instead."""
SLOW = {"README.md", "docs/adapters.md", "docs/export.md", "docs/review-a-patch.md", "docs/scripts.md"}
"""Documents whose commands take more than two seconds; docs/quickstart.md, which takes as long, is run by default."""
EXAMPLES = {path.read_text(encoding="utf-8") for path in (ROOT / "tests/data/examples").glob("*.py")}
"""Programs that a document shows whole; other tests run them."""
RUN_AS_THEY_STAND = [
    name for name in NAMES if name not in WALKED and {*shell_lines((ROOT / name).read_text())} - {*NOT_HERE}
]


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.long] * (name in SLOW)) for name in NAMES])
def test_generated_parts_match_a_fresh_run(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert shown(text, BLOCKS.get(name)) == text, "run `make documents`"


@pytest.mark.parametrize("name", [*NAMES, "CONTRIBUTING.md"])
def test_every_command_block_is_run(name: str) -> None:
    """Each console block is one command, run above; each python block runs as a doctest or is a rule's own text."""
    text = (ROOT / name).read_text(encoding="utf-8")
    blocks = re.findall(r"^ *(?:```|~~~)([^\n]*)\n(.*?)^ *(?:```|~~~) *$", text, re.MULTILINE | re.DOTALL)
    assert {kind for kind, _ in blocks} <= FENCES
    assert len(commands(text)) == sum(kind == "console" for kind, _ in blocks)
    for kind, block in blocks:
        prompts = len(re.findall(r"^\s*[$#>] (?:claimcheck|make|python|cc) ", block, re.MULTILINE))
        assert prompts == (kind == "console"), block
        if kind == "python" and not name.startswith("docs/generations/"):
            assert ">>> " in block or block.partition("\n")[0] in followed() or block in EXAMPLES
    for line in [*shell_lines(text), *commands(text)]:
        if line.startswith("claimcheck "):
            parsed(line)
    for verb, options in named_inline(text):
        command = claimcheck.get_command(click.Context(claimcheck), verb) if verb != "VERB" else None
        assert command is not None or verb == "VERB", verb
        under = getattr(command, "commands", {}).values()
        known = {opt for one in (command, *under) if one for param in one.params for opt in param.opts} | {"--help"}
        assert set(options) <= known, (verb, options)


def test_every_shell_line_is_run_somewhere() -> None:
    """By the walk through the README, by CI, or by the long test below; none by nobody but what `NOT_HERE` names."""
    walked = {*steps((ROOT / "README.md").read_text()), *NOT_WALKED}
    for name in WALKED:
        assert set(shell_lines((ROOT / name).read_text())) <= walked, name
    assert set(NOT_WALKED) == {"make test"}
    assert "make test" in (ROOT / ".ci/run").read_text()
    assert {"docs/adapters.md", "docs/report.md"} <= set(RUN_AS_THEY_STAND)
    told = {line for name in NAMES for line in shell_lines((ROOT / name).read_text())}
    assert {*ENDS, *NOT_HERE} <= told


@pytest.mark.long
@pytest.mark.parametrize("name", RUN_AS_THEY_STAND)
def test_shell_lines_give_the_documented_output(name: str, tmp_path: Path) -> None:
    """One after the other, in a folder that has what a checkout has; what goes to /tmp goes elsewhere."""
    for part in ("docs", "tests"):
        (tmp_path / part).symlink_to(ROOT / part)
    found = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for line in [line for line in shell_lines((ROOT / name).read_text()) if line not in NOT_HERE]:
        here = line.replace("/tmp/", f"{tmp_path}/")
        done = subprocess.run(["bash", "-c", here], cwd=tmp_path, env=found, capture_output=True, text=True)
        assert done.returncode == ENDS.get(line, OK), f"{line}: {done.stdout}{done.stderr}"


def test_the_readme_shows_real_output() -> None:
    assert set(NAMES) > SLOW
    assert len(commands((ROOT / "README.md").read_text())) >= 2


@pytest.mark.parametrize("name", [*NAMES, "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_lead_somewhere(name: str) -> None:
    path = ROOT / name
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_make_targets_that_documents_name_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for path in [*DOCUMENTS, ROOT / "CONTRIBUTING.md"]:
        for target in re.findall(r"(?:^|`)make ([a-z-]+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def named_in(document: str) -> set[str]:
    return set(re.findall(r"`([\w.-]+)`", (ROOT / document).read_text(encoding="utf-8")))


def test_documents_cover_operations_properties_and_generations() -> None:
    assert set(KINDS) <= named_in("docs/traces.md")
    assert set(STATE_PROPERTIES) <= named_in("docs/properties.md")
    assert set(GENERATIONS) <= named_in("docs/reference.md")


def test_every_dependency_is_explained() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = [*project["dependencies"], *(r for extra in project["optional-dependencies"].values() for r in extra)]
    names = {re.split(r"[<>=~]", requirement)[0] for requirement in required}
    explained = set(re.findall(r"^\| ([\w-]+) \|", (ROOT / "docs/dependencies.md").read_text(), re.MULTILINE))
    assert explained - {"package"} == names
    locked = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    assert names <= locked


@pytest.mark.parametrize("module", ["proofs.traces", "proofs.replay", "proofs.adapters.outside"])
def test_examples_in_docstrings_run(module: str) -> None:
    result = doctest.testmod(import_module(module))
    assert result.attempted > 0
    assert result.failed == 0


def test_lock_file_names_no_package_index() -> None:
    for name in ("requirements.lock", "pyproject.toml"):
        assert "://" not in (ROOT / name).read_text(encoding="utf-8"), name


def test_readme_picture_is_of_the_stored_trace() -> None:
    assert PICTURE.read_bytes() == picture(), "run `make documents`"
    assert PICTURE.name in (ROOT / "README.md").read_text()
