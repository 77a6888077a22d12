"""Documents state what a run produces, name everything there is, and link to what exists."""

from __future__ import annotations

import doctest
import re
import tomllib
from importlib import import_module

import pytest

from proofs.replay.operations import OPERATIONS
from proofs.traces.own_events import Continue
from reference.generations import SEMANTICS
from reference.properties import STATE_PROPERTIES
from tests.documents import DOCUMENTS, ROOT, commands, renewed

NAMES = [path.relative_to(ROOT).as_posix() for path in DOCUMENTS]


@pytest.mark.parametrize("name", NAMES)
def test_generated_parts_are_what_a_run_prints(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert renewed(text) == text, "run `make documents`"


def test_the_readme_shows_real_output() -> None:
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
    return set(re.findall(r"`([\w-]+)`", (ROOT / document).read_text(encoding="utf-8")))


def test_every_operation_property_and_semantics_is_reached_by_a_document() -> None:
    operations = {kind.__struct_config__.tag for kind in [*OPERATIONS, Continue]}
    assert operations <= named_in("docs/traces.md")
    assert set(STATE_PROPERTIES) <= named_in("docs/properties.md")
    assert set(SEMANTICS) <= named_in("docs/reference.md")


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


def test_what_is_locked_names_no_package_index() -> None:
    for name in ("requirements.lock", "pyproject.toml"):
        assert "://" not in (ROOT / name).read_text(encoding="utf-8"), name
