"""The walk of a new person: what the README says is done as it stands there, in a clone, until something fails."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from docs._make.checkout import ROOT
from docs._make.walk import OWN, README, SOURCE, shell_lines, steps, walked
from proofs.simulate.scenario import built_in

SMALL = f"""
```sh
git clone {SOURCE} claimcheck && cd claimcheck
make prove     # something
. ./activate
show > mine.toml
show mine.toml  # your own file
```
```console
$ claimcheck replay x
```
"""

BUSY = "@i=0; while [ $$i -lt 200000 ]; do i=$$((i + 1)); done"


@pytest.fixture
def source(tmp_path: Path) -> str:
    """A repository in which `make prove` makes a command `show`."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "Makefile").write_text(f"prove:\n\tmkdir -p bin && cp show.sh bin/show && chmod +x bin/show\n\t{BUSY}\n")
    (folder / "activate").write_text('PATH="$PWD/bin:$PATH"\n')
    (folder / "show.sh").write_text(f'#!/bin/sh\n[ $# = 0 ] && echo "{OWN[0]}" || cat "$1"\n')
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.invalid"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
        subprocess.run([*git, *command], cwd=folder, check=True)
    return str(folder)


def test_each_line_runs_in_the_folder_where_the_last_one_ended(source: str, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    found = list(walked(steps(SMALL), source, folder))
    assert [step["code"] for step in found] == [0] * 5
    assert found[1]["processor"] > 0, "the loop of make's child"
    assert found[0]["command"] == f"git clone {SOURCE} claimcheck && cd claimcheck"
    assert found[-1]["command"] == "show mine.toml"
    assert (folder / "claimcheck/mine.toml").read_text().strip() == OWN[1]


def test_walk_stops_at_the_first_failed_step(source: str, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    told: list[str] = []
    found = list(walked(steps(SMALL.replace("make prove", "make nothing")), source, folder, told.append))
    assert [step["code"] for step in found] == [0, 2]
    assert told[-1].startswith("ended with 2: ")


def test_readme_leads_from_a_clone_to_a_custom_scenario() -> None:
    lines = steps(README.read_text())
    assert lines[0].startswith(f"git clone {SOURCE} ")
    assert lines[1:4] == ["make prove", "make replay", "make report"]
    assert lines[-1] == "claimcheck simulate mine.toml"
    (shown,) = [name for name in built_in() if f"--show {name} > mine.toml" in lines[-2]]
    assert OWN[0] in built_in()[shown].read_text()
    assert shell_lines((ROOT / "docs/quickstart.md").read_text())[:4] == lines[:4]
