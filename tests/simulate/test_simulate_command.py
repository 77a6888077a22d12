"""``claimcheck simulate`` and the document that it writes."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from docs._make.blocks import blocks_of
from docs._make.scenarios import DOCUMENT, PICTURE, SEEDS, policies, ran_to_stop, read, seeds, stopped, tables, written
from proofs.simulate.plots import plot
from proofs.simulate.policies import POLICIES, default_policies
from proofs.simulate.results import rows
from proofs.simulate.run import run_once
from proofs.simulate.scenario import built_in, load
from tests.command import RunOutput, run_here

CLAIMCHECK = [str(Path(sys.executable).parent / "claimcheck"), "simulate"]
SMALL = """
name = "small"
about = "Two domains for one node"
[host]
nodes = 1
node_memory = "64MiB"
[builds]
count = 2
memory = ["40MiB"]
"""


def call(*arguments: str) -> RunOutput:
    return run_here("simulate", *arguments)


@pytest.fixture
def small(tmp_path: Path) -> str:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return str(path)


def test_custom_scenario_as_json(small: str) -> None:
    code, out, _ = call(small, "--seeds", "3", "--seed", "7", "--json", "--jobs", "2")
    assert code == 0
    result = json.loads(out)
    assert (result["asked"], result["runs"], result["seed"]) == (18, 18, 7)
    assert result["left_out"] == {"small": []}
    measures = {row["policy"]: row["measures"] for row in result["rows"]}
    assert measures["no-claims"]["failed half-way"]["mean"] > 0
    assert measures["claim-sets"]["completed"] == {"mean": 1.0, "low": 1.0, "high": 1.0}
    assert measures["claim-sets"]["failed at the claim"]["mean"] == 1


def test_table_and_plot(small: str, tmp_path: Path) -> None:
    picture = tmp_path / "small.svg"
    code, out, _ = call(small, "--seeds", "2", "--policy", "legacy", "--plot", str(picture))
    assert code == 0
    assert "small: Two domains for one node" in out
    assert "1.0-1.0" in out
    assert picture.read_text().startswith("<?xml")


def test_scenarios_are_listed_and_shown() -> None:
    listed = call("--list")[1]
    for name, path in built_in().items():
        assert f"{name}\n    {load(path).about}\n" in listed
    name, path = next(iter(built_in().items()))
    assert call("--show", name)[1] == path.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["boot-strom"], "claimcheck: no scenario 'boot-strom'; did you mean 'boot-storm'?"),
        (["none.toml"], "claimcheck: none.toml: No such file or directory"),
        (["--show", "x"], "claimcheck: no scenario 'x'; there are: "),
        (["--policy", "claims"], "claimcheck: no policy 'claims'; "),
        (["boot-storm", "boot-storm"], "claimcheck: two scenarios have the same name"),
        (
            ["boot-storm", "--policy", "no-claims", "--set", "builds.legacy_share=0.5"],
            "claimcheck: boot-storm: --policy no-claims ignores builds.legacy_share (no builder claims)",
        ),
        (
            ["boot-storm", "--policy", "xl", "--set", "builds.fallback=host-wide"],
            "claimcheck: boot-storm: --policy xl ignores builds.fallback (its claim is host-wide already)",
        ),
        (
            ["boot-storm", "--set", "builds.fallbak=host-wide"],
            "claimcheck: --set builds.fallbak=host-wide: builds: Object contains unknown field `fallbak`; did you mean",
        ),
        (
            ["boot-storm", "--set", "builds.fallback=claim"],
            "claimcheck: --set builds.fallback=claim: builds.fallback: Invalid enum value 'claim', expected none or host-w",
        ),
        (
            ["boot-storm", "--set", "builds.ask_then_start=true"],
            "claimcheck: --set builds.ask_then_start=true: builds.ask_then_start has nobody to ask",
        ),
        (
            ["boot-storm", "--set", "dom0.memory=80GiB"],
            "claimcheck: --set dom0.memory=80GiB: dom0.memory and running.grows_to of all running domains together",
        ),
        (["--seeds", "0"], "claimcheck: Invalid value for '--seeds'"),
    ],
)
def test_wrong_use_prints_one_line_and_exits_2(arguments: list[str], message: str) -> None:
    code, _, err = call(*arguments)
    assert code == 2
    assert err.startswith(message)
    assert err.count("\n") == 1


def test_error_in_a_custom_scenario_matches_the_quick_start(tmp_path: Path) -> None:
    text = built_in()["boot-storm"].read_text()
    (tmp_path / "mine.toml").write_text(text.replace("nodes = 4", "nodes = 65"))
    done = subprocess.run([*CLAIMCHECK, "mine.toml"], capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr in (DOCUMENT.parent / "quickstart.md").read_text()


def test_policy_that_ignores_a_field_is_left_out(small: str) -> None:
    code, out, _ = call(small, "--seeds", "1", "--set", "builds.populate_preempted=0.5", "--policy", "all")
    assert code == 0
    words = " ".join(out.split())
    assert "Not run: legacy ignores builds.populate_preempted (its generation stashes no extents)" in words
    assert "extents stashed" in words
    assert [name in words.partition("Not run")[0] for name in (" xl ", " legacy ")] == [True, False]


def test_every_table_fits_80_columns(small: str) -> None:
    out = run_here("simulate", small, "--seeds", "1", columns=80).out
    assert max(map(len, out.splitlines())) <= 80
    assert [out.count(name) for name in ("claim-sets", "xenopsd", " measure ")] == [1, 1, 2]


def test_unwritable_picture_is_reported_and_the_table_shown(small: str) -> None:
    code, out, err = call(small, "--seeds", "1", "--policy", "legacy", "--plot", "/proc/none.svg")
    assert code == 2
    assert "completed" in out
    assert err == "claimcheck: /proc/none.svg: No such file or directory\n"


@pytest.mark.long
def test_interrupt_keeps_finished_runs() -> None:
    process = subprocess.Popen(
        [*CLAIMCHECK, "boot-storm", "--seeds", "4000", "--jobs", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    ends = time.monotonic() + 60
    while not Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text() and time.monotonic() < ends:
        time.sleep(0.1)
    time.sleep(1.0)  # into the runs, of which there are many
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "interrupted after" in err
    assert "Traceback" not in err
    assert "boot-storm" in out


def test_document_has_every_scenario() -> None:
    text = DOCUMENT.read_text()
    for name, path in built_in().items():
        assert f"### {name}\n\n{load(path).about}. {SEEDS.get(name, 20)} seeds.\n" in text
        assert name in PICTURE.read_text()


@pytest.mark.parametrize(
    "name", ["boot-storm", *(pytest.param(n, marks=pytest.mark.long) for n in ("mixed-builders", "parallel-migration"))]
)
def test_fresh_run_gives_the_table_of_the_document(name: str) -> None:
    scenario = load(built_in()[name])
    again = [run_once(scenario, policy, seed) for policy in default_policies(scenario) for seed in seeds(name)]
    assert tables([load(built_in()[name])], rows(again)) in DOCUMENT.read_text()


def test_document_says_how_often_the_host_stops() -> None:
    blocks = blocks_of(DOCUMENT.read_text())
    assert blocks["stopped"].strip() == stopped(ran_to_stop())
    assert blocks["policies"].strip() == policies()


def test_tables_are_read_as_they_were_written() -> None:
    text = DOCUMENT.read_text()
    assert written(text, read(text)) == text


@pytest.mark.long
def test_picture_matches_the_tables() -> None:
    assert plot(read(DOCUMENT.read_text())) == PICTURE.read_text(), "run `python -m docs._make.scenarios --redraw`"


def test_conclusions_follow_from_the_tables() -> None:
    """The sentences under the table of answers, as statements about its numbers."""
    table = blocks_of(DOCUMENT.read_text())["answers"].splitlines()[2:]
    cells = {row[1].strip(): [re.findall(r"[\d.]+", c) for c in row[2:9]] for row in
             (line.split("|") for line in table)}  # fmt: skip
    assert set(cells) == set(built_in())
    for name, (no_claims, half_way_xl, share_xl, share_xenopsd, wanted, completed, _) in cells.items():
        incoming = load(built_in()[name]).builds.incoming_share
        assert [float(half_way) for _, half_way in (no_claims or ["0", "0"], half_way_xl)] == [0, 0]
        assert (float(half_way_xl[0]) > 0) == (incoming > 0), "xl claims nothing for incoming migrations"
        nodes = load(built_in()[name]).builds.nodes_wanted
        if nodes == 1:
            assert all(_overlap(name, measure) for measure in ("completed", "share on the wanted node"))
        else:
            assert float(wanted[0]) <= float(wanted[1])
            assert float(completed[0]) >= float(completed[1])
            for before, after in (share_xl, share_xenopsd):
                assert float(before) < float(after)
    refused = {name for name, row in cells.items() if float(row[6][1]) > 0}
    assert refused == {"fragmented", "host-evacuation"}


def _overlap(scenario: str, measure: str) -> bool:
    """The intervals of single-node claims and of claim sets."""
    of_it = {row.policy: row.measures[measure] for row in read(DOCUMENT.read_text()) if row.scenario == scenario}
    one, other = of_it["single-node"], of_it["claim-sets"]
    return one.low <= other.high and other.low <= one.high


@pytest.mark.long
def test_equal_rows_give_the_same_picture() -> None:
    scenario = load(built_in()["boot-storm"])
    found = rows([run_once(scenario, policy, 0) for policy in POLICIES])
    assert plot(found) == plot(found)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("host.nodes=x", "--set host.nodes=x: host.nodes: Expected `int`, got `str`"),
        ("host.node=3", "--set host.node=3: host: Object contains unknown field `node`"),
        ("host", "--set host: expected FIELD=VALUE, like host.nodes=8"),
        ("builds.nodes_wanted=9", "--set builds.nodes_wanted=9: builds.nodes_wanted is more than host.nodes"),
        ("builds.memory.x=9", "--set builds.memory.x=9: memory has no fields"),
        ("host.node_memory=3 pages", "--set host.node_memory=3 pages: host.node_memory: a size is written as in"),
    ],
)
def test_wrong_change_of_a_field_is_one_line(small: str, change: str, message: str) -> None:
    code, _, err = call(small, "--set", change)
    assert code == 2
    assert err.startswith(f"claimcheck: {message}")
    assert err.count("\n") == 1


def test_changed_fields_are_those_of_the_run(small: str) -> None:
    changed = load(Path(small), ["host.node_memory=8GiB", "builds.count=3", 'builds.memory=["1GiB", "2GiB"]'])
    assert (changed.host.node_memory, changed.builds.count, changed.builds.memory) == (1 << 21, 3, [1 << 18, 1 << 19])
    assert changed.name == load(Path(small)).name
