"""Whoever follows docs/architecture.md has a generation, a property, an operation that everything works with."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from proofs.exit_codes import INCOMPLETE, OK, REFUTED
from tests.recipes import Copy, texts

NEW = "claim-sets-no-mixing"
SMALL = ("--shape", "1x1", "--jobs", "1")


def ended(done: subprocess.CompletedProcess[str], *codes: int) -> str:
    """What was printed; the command ended with one of the codes and without a traceback."""
    assert done.returncode in codes, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


def with_generation(folder: Path) -> Copy:
    copy = Copy(folder)
    copy.add("reference/generations/no_mixing.py")
    copy.add("model/generations/no_mixing.py")
    registry = "reference/generations/__init__.py"
    copy.edit(registry, "from .parts", "from .no_mixing import ClaimSetsNoMixing\nfrom .parts")
    copy.edit(registry, "        PerNodeV8(),\n", "        PerNodeV8(),\n        ClaimSetsNoMixing(),\n")
    registry = "model/generations/__init__.py"
    copy.edit(registry, "legacy, per_node", "legacy, no_mixing, per_node")
    copy.edit(registry, "        per_node.V8,\n", "        per_node.V8,\n        no_mixing.NO_MIXING,\n")
    return copy


def retold(copy: Copy, generation: str) -> str:
    """The example trace, as one of another generation."""
    path = "tests/data/examples/redeem.jsonl"
    copy.edit(path, '"semantics":"claim-sets"', f'"semantics":"{generation}"')
    return path


def test_new_generation_is_diffed_and_replayed(tmp_path: Path) -> None:
    copy = with_generation(tmp_path)
    asked = ("diff", "--generation", NEW, "--operation", "alloc_heap_pages", *SMALL)
    assert "1 proved on" in ended(copy.run(*asked), OK)
    trace = retold(copy, NEW)
    (file,) = json.loads(ended(copy.run("replay", "--json", trace), OK))["files"]
    assert (file["semantics"], file["events"], file["divergences"]) == ([NEW], 4, [])
    # The same reference against the rules of `claim-sets` differs: the comparison is of the new generation.
    copy.edit("model/generations/no_mixing.py", "        host_permits=host_permits_either,\n", "")
    assert "1 refuted" in ended(copy.run(*asked), REFUTED)


@pytest.mark.long
def test_new_generation_works_everywhere(tmp_path: Path) -> None:
    copy = with_generation(tmp_path)
    proved = ended(copy.run("prove", "--generation", NEW, "--property", "node-backed", "--jobs", "1"), OK)
    assert "0 unknown" in proved
    shown = json.loads(ended(copy.run("diff", "--generation", NEW, "--json", *SMALL), OK))
    verdicts = {row["operation"]: row["verdict"] for row in shown["rows"]}
    assert set(verdicts.values()) == {"proved", "not applicable"}
    # That few steps reach every outcome class is not to be expected; that there is no finding is.
    ended(copy.run("fuzz", "--generation", NEW, "--steps", "3000", "--jobs", "1", "--json"), INCOMPLETE)
    ended(copy.run("search", "--generation", NEW, "--property", "node-backed", "--depth", "2"), OK)
    assert NEW in ended(copy.run("export", "c", "--generation", NEW), OK)
    assert texts()


@pytest.mark.long
def test_new_property_works_everywhere(tmp_path: Path) -> None:
    copy = Copy(tmp_path)
    copy.add("model/properties/entitlement.py")
    path = "reference/properties.py"
    text = texts()[path]
    copy.edit(path, "STATE_PROPERTIES: dict", f"{text}\n\nSTATE_PROPERTIES: dict")
    line = '    "offline-mark-kept": offline_mark_kept,\n'
    copy.edit(path, line, f'{line}    "limit-not-negative": limit_not_negative,\n')
    asked = ("prove", "--property", "limit-not-negative", "--jobs", "1")
    assert ", 0 refuted" in ended(copy.run(*asked), OK)
    ended(copy.run("replay", "tests/data/examples/redeem.jsonl"), OK)
    ended(copy.run("fuzz", "--steps", "3000", "--jobs", "1"), INCOMPLETE)
    ended(copy.run("diff", "--generation", "claim-sets", "--operation", "set_max_pages", *SMALL), OK)
    # The check is made in every state: turned round, the first replayed one breaks it.
    copy.edit(path, "if domain.max_pages < 0", "if domain.max_pages > 0")
    (file,) = json.loads(ended(copy.run("replay", "--json", "tests/data/examples/redeem.jsonl"), OK))["files"]
    assert file["broken"] == {"limit-not-negative": 3}


def with_operation(folder: Path) -> Copy:
    copy = Copy(folder)
    copy.add("reference/hypercalls.py")
    copy.add("model/operations/queries.py")
    calls = "model/calls/registry.py"
    copy.edit(
        calls, "        queries.getdomaininfo,\n", "        queries.getdomaininfo,\n        queries.get_pause_count,\n"
    )
    copy.add("proofs/operations/pausing.py")
    registry = "proofs/operations/__init__.py"
    copy.edit(registry, "from .populating", "from .pausing import GetPauseCount\nfrom .populating")
    copy.edit(registry, "    GetOutstandingClaims,\n)\n", "    GetOutstandingClaims,\n    GetPauseCount,\n)\n")
    return copy


@pytest.mark.long
def test_new_operation_works_everywhere(tmp_path: Path) -> None:
    copy = with_operation(tmp_path)
    path = copy.folder / "tests/data/examples/redeem.jsonl"
    after = path.read_text(encoding="utf-8").splitlines()[-1].partition('"state":')[2]
    with path.open("a", encoding="utf-8") as trace:
        trace.write(f'{{"op":"get_pause_count","domid":1,"result":"OK","pauses":1,"state":{after}\n')
    replayed = ("replay", "--json", str(path))
    (file,) = json.loads(ended(copy.run(*replayed), OK))["files"]
    assert (file["events"], file["divergences"]) == (5, [])
    served = f"{sys.executable} -m proofs.cli.main serve"
    assert '"divergences": []' in ended(copy.run(*replayed, "--against", served), OK)
    assert "get_pause_count" in ended(copy.run("explain", str(path)), OK)
    diffed = ("diff", "--generation", "claim-sets", "--operation", "get_pause_count", *SMALL)
    assert "1 proved on" in ended(copy.run(*diffed), OK)
    # A mistake in the new function is found on every side.
    copy.edit(
        "reference/hypercalls.py", "else domain.controller_pause_count\n", "else domain.controller_pause_count + 1\n"
    )
    (file,) = json.loads(ended(copy.run(*replayed), REFUTED))["files"]
    assert [d["divergence"]["field"] for d in file["divergences"]] == ["pauses"]
    assert "1 refuted" in ended(copy.run(*diffed), REFUTED)


@pytest.mark.long
def test_new_operation_is_fuzzed_and_proofs_stand(tmp_path: Path) -> None:
    copy = with_operation(tmp_path)
    fuzzed = ("fuzz", "--steps", "3000", "--jobs", "1")
    ended(copy.run("prove", "--property", "node-backed", "--jobs", "1"), OK)
    shown = json.loads(ended(copy.run(*fuzzed, "--coverage", "--json"), INCOMPLETE))
    assert "get_pause_count: reported" in json.dumps(shown)
    copy.edit(
        "reference/hypercalls.py", "else domain.controller_pause_count\n", "else domain.controller_pause_count + 1\n"
    )
    assert "get_pause_count" in ended(copy.run(*fuzzed), REFUTED)
