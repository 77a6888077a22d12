"""Single changes of C code: which there are, what becomes of each, and what is kept of an earlier run."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.sampled import sampled

from .conftest import DATA, ROOT
from .test_refusals import MAP

SOURCE = """\
struct domain { unsigned int claims; };
long claims;
int host;
int release(struct domain *d)
{
    unsigned int i, left = d->claims;

    for (i = 0; i != 1; i++)
        claims -= (long)left;
    if (d->claims > 0)
        d->claims = 0;
    return 0;
}
"""
STORED = DATA / "mutants" / "ledger.json"
REASONS = DATA / "mutants" / "alive.toml"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return begun(tmp_path, monkeypatch)


def begun(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """The folder with the file and its map in it, and the current one."""
    patch.chdir(folder)
    (folder / "f.c").write_text(SOURCE)
    (folder / "m.toml").write_text(MAP)
    return folder


@pytest.fixture(scope="module")
def judged_before(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, str]:
    """A run with its file of results, for the tests of what follows it."""
    with pytest.MonkeyPatch.context() as patch:
        folder = begun(tmp_path_factory.mktemp("judged"), patch)
        return mutants(), (folder / "found.json").read_text()


def mutants(*more: str) -> Any:
    from proofs.cli.main import claimcheck

    given = ["--c", "f.c", "--map", "m.toml", "--shape", "1x1", "--jobs", "1", "--mutants", "found.json", *more]
    return CliRunner().invoke(claimcheck, ["diff", *given])


def verdicts(folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    results = json.loads((folder / "found.json").read_text())["results"]
    return {(one["before"], one["after"]): one for one in results}


def test_every_single_change_is_made(folder: Path) -> None:
    from proofs.c_paths.edits import KINDS, edits
    from proofs.c_paths.run import CTask, bound
    from proofs.diff.world import Size

    source = bound(CTask("f.c", "m.toml", "", "", Size(1, 1)))
    found = edits(source, ["release_all_claims"])
    changes = {(edit.line, edit.before, edit.after) for edit in found}
    assert {
        (8, "i != 1", "i == 1"),
        (8, "i != 1", "i > 1"),
        (8, "i++", "i--"),
        (8, "1", "(1 + 1)"),
        (9, "claims -= (long)left", "claims += (long)left"),
        (9, "claims -= (long)left", "(void)0"),
        (9, "(long)left", "left"),
        (9, "(long)left", "(int)left"),
        (10, "d->claims > 0", "d->claims >= 0"),
        (11, "d->claims = 0", "(void)0"),
        (12, "return 0", "(void)0"),
    } <= changes
    assert {edit.kind for edit in found} == set(KINDS) - {"condition"}
    assert len({edit.key for edit in found}) == len(found)


@pytest.fixture
def done(folder: Path, judged_before: tuple[Any, str]) -> Any:
    """That run, as if it had been in this folder."""
    (folder / "found.json").write_text(judged_before[1])
    return judged_before[0]


def test_each_change_has_a_verdict_and_a_reason(folder: Path, done: Any) -> None:
    assert done.exit_code == 1, done.output
    found = verdicts(folder)
    killed = found["claims -= (long)left", "claims += (long)left"]
    assert (killed["verdict"], killed["operation"], killed["host"]) == ("killed", "release_all_claims", "1x1")
    assert killed["state"] == {"outstanding_claims": 1, "global_claims[0]": 1}
    assert killed["after_call"] == {"outstanding_claims": [2, 0]}
    assert found["i++", "i--"]["ends"].startswith("does not end")
    assert found["return 0", "(void)0"]["ends"].endswith("returned none")
    assert found["(long)left", "left"]["verdict"] == "the same"
    alive = found["d->claims > 0", "d->claims >= 0"]
    assert alive == {**alive, "verdict": "alive", "equal": ["1x1"]}
    assert "alive: f.c:10: d->claims > 0 -> d->claims >= 0: equal on 1x1" in done.output


def test_what_was_judged_is_not_judged_again(folder: Path, done: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from proofs.c_paths import mutants as judging

    kept = (folder / "found.json").read_text()
    monkeypatch.setattr(judging, "judged", lambda _task: pytest.fail("judged again"))
    again = mutants()
    assert again.output == done.output
    assert (folder / "found.json").read_text() == kept


@pytest.mark.parametrize("begin", sampled([-3, 3], 2))
@pytest.mark.usefixtures("done")
def test_what_an_interrupt_left_is_judged_later(begin: int, folder: Path) -> None:
    whole = verdicts(folder)
    content = json.loads((folder / "found.json").read_text())
    for one in content["results"][begin:]:
        for name in ("verdict", "equal", "operation", "host"):
            one.pop(name, None)
    (folder / "found.json").write_text(json.dumps(content))
    mutants()
    assert {change: one["verdict"] for change, one in verdicts(folder).items()} == {
        change: one["verdict"] for change, one in whole.items()
    }


@pytest.mark.usefixtures("done")
def test_results_of_other_code_do_not_count(folder: Path) -> None:
    (folder / "f.c").write_text(SOURCE.replace("i != 1", "i != 2"))
    done = mutants()
    assert done.exit_code == 2
    assert "f.c: release_all_claims 1x1 is not equal: changes cannot be judged" in " ".join(done.output.split())


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--out", "x"), "do not go with --mutants"),
        (("--operation", "offline_page"), "offline_page"),
    ],
    ids=["out", "operation"],
)
def test_wrong_use_of_mutants_is_refused(folder: Path, more: tuple[str, ...], message: str) -> None:
    done = mutants(*more)
    assert done.exit_code == 2
    assert message in done.output


def test_file_that_holds_no_results_is_refused(folder: Path) -> None:
    (folder / "found.json").write_text('{"rows": []}')
    done = mutants()
    assert done.exit_code == 2
    assert "holds no results of --mutants" in done.output


# -- the stored run


def stored() -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = json.loads(STORED.read_text())["results"]
    return results


def test_stored_survivors_have_a_reason_each() -> None:
    reasons = tomllib.loads(REASONS.read_text())["reason"]
    explained = [key for reason in reasons for key in reason["mutants"]]
    assert sorted(explained) == sorted(one["key"] for one in stored() if one["verdict"] == "alive")
    assert all(reason["says"] and reason["shows"] for reason in reasons)


def test_stored_changes_are_those_of_the_code() -> None:
    from proofs.c_paths.edits import edits
    from proofs.c_paths.run import CTask, bound
    from proofs.diff.world import Size

    source = bound(CTask(str(ROOT / "docs/adapters/ledger.c"), str(DATA / "ledger.toml"), "", "", Size(1, 1)))
    known = [edit.key for edit in edits(source, list(source.loaded.map.operations))]
    assert known == [one["key"] for one in stored()]


@pytest.mark.parametrize(("every", "least"), sampled([(200, 3), (40, 10)], 2), ids=["small", "whole"])
def test_a_sample_of_the_stored_is_killed_again(every: int, least: int) -> None:
    """One in so many of the killed is killed again."""
    from proofs.c_paths.edits import edits
    from proofs.c_paths.mutants import MutantTask, judged, not_judged
    from proofs.c_paths.run import CTask, bound
    from proofs.diff.world import Size

    source, map_ = str(ROOT / "docs/adapters/ledger.c"), str(DATA / "ledger.toml")
    of_file = bound(CTask(source, map_, "", "", Size(1, 1)))
    operations = tuple(of_file.loaded.map.operations)
    by_key = {edit.key: edit for edit in edits(of_file, operations)}
    chosen = [one for one in stored() if one["verdict"] == "killed" and one["host"] == "1x1"][::every]
    assert len(chosen) >= least
    for one in chosen:
        edit = by_key[one["key"]]
        task = MutantTask(source, map_, "claim-sets", operations, edit, (Size(1, 1),), not_judged(edit))
        result = judged(task)
        assert result is not None
        assert (result.verdict, result.operation) == ("killed", one["operation"])
