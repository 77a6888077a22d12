"""Scenario files: what is read, and how a bad one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofs.simulate.scenario import ScenarioError, built_in, load, pages

GOOD = """
name = "mine"
about = "a test"
[host]
nodes = 2
node_memory = "1GiB"
[running]
count = 2
memory = "16MiB"
grows_to = "32MiB"
[builds]
count = 3
memory = ["64MiB", "128MiB"]
"""


@pytest.mark.parametrize(
    ("text", "expected"), [("4KiB", 1), ("2 MiB", 512), ("1GiB", 2**18), ("1TiB", 2**28), ("0GiB", 0)]
)
def test_sizes_are_pages(text: str, expected: int) -> None:
    assert pages(text) == expected


@pytest.mark.parametrize("text", ["1KiB", "6KiB", "2GB", "-1GiB", "1.5GiB", "GiB", ""])
def test_other_sizes_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"size|whole"):
        pages(text)


@pytest.mark.parametrize("name", built_in())
def test_built_in_scenarios_are_valid_and_named_as_their_file(name: str) -> None:
    scenario = load(built_in()[name])
    assert scenario.name == name
    assert scenario.about


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("nodes = 2", "nodes = 0", 5, "host.nodes: Expected `int` >= 1"),
        ("nodes = 2", "nodes = 65", 5, "host.nodes: Expected `int` <= 64"),
        ("nodes = 2", "nodes = 2\ncolour = 1", 6, "host: Object contains unknown field `colour`"),
        ('node_memory = "1GiB"', "node_memory = 4", 6, "host.node_memory: a size is written as in '2GiB', not 4"),
        ('node_memory = "1GiB"', 'node_memory = "1GB"', 6, "host.node_memory: a size is written"),
        ('grows_to = "32MiB"', 'grows_to = "8MiB"', 10, "running.grows_to is below running.memory"),
        ('grows_to = "32MiB"', 'grows_to = "8GiB"', 10, "running.grows_to of all running domains together does not"),
        ("count = 3", "count = 0", 12, "builds.count: Expected `int` >= 1"),
        ("count = 3", "count = 40000", 12, "builds.count (times builds.attempts) and running.count need more than"),
        ("count = 3", "count = 3\nnodes_wanted = 3", 13, "builds.nodes_wanted is more than host.nodes"),
        ("count = 3", "count = 3\nlegacy_share = 1.5", 13, "builds.legacy_share: Expected `float` <= 1.0"),
        ("count = 3", "count = 3  # few\n\n# more\nlegacy_share = 'x'", 15, "builds.legacy_share: Expected `float`"),
        (
            "count = 3",
            "count = 3\nfallbacc = 'none'",
            13,
            "builds: Object contains unknown field `fallbacc`; did you mean",
        ),
        (
            "count = 3",
            "count = 3\nfallback = 'no'",
            13,
            "builds.fallback: Invalid enum value 'no', expected none or host",
        ),
        ("count = 3", "count = 3\nno_claim_share = 2.0", 13, "builds.no_claim_share: Expected `float` <= 1.0"),
        (
            "count = 3",
            "count = 3\nno_claim_share = 0.6\nlegacy_share = 0.6",
            13,
            "builds.no_claim_share and builds.legacy_share together",
        ),
        ("count = 3", "count = 3\noverhead = 4", 13, "builds.overhead: a size is written"),
        ("count = 3", "count = 3\nask_then_start = 1", 13, "builds.ask_then_start: Expected `bool`"),
        ("count = 3", "count = 3\npreempted_then_smaller = 0.5", 13, "builds.preempted_then_smaller has no effect"),
        (
            "count = 3",
            "count = 3\npopulate_preempted = 0.5\nlargest_extents = '4KiB'",
            13,
            "builds.populate_preempted has no effect",
        ),
        (
            "[builds]",
            '[dom0]\nmemory = "3GiB"\n[builds]',
            12,
            "dom0.memory and running.grows_to of all running domains",
        ),
        ("[builds]", '[dom0]\ngives_down_to = "1GiB"\n[builds]', 12, "dom0.gives_down_to is above dom0.memory"),
        (
            "[builds]",
            '[dom0]\nmemory = "1GiB"\ngives_down_to = "1GiB"\n[builds]',
            13,
            "dom0.gives_down_to has no effect without builds.ask_then_start",
        ),
        ("[builds]", "[dom1]\n[builds]", 11, "Object contains unknown field `dom1`; did you mean `dom0`?"),
        ('memory = ["64MiB", "128MiB"]', "memory = []", 13, "builds.memory: Expected `array` of length >= 1"),
        ('memory = ["64MiB", "128MiB"]', 'memory = [\n"64MiB",\n"1"]', 13, "builds.memory: a size is written"),
        ('memory = ["64MiB", "128MiB"]', "", 11, "builds: Object missing required field `memory`"),
        ('name = "mine"', "", None, "Object missing required field `name`"),
        ("[host]", "[host", 4, "Expected ']'"),
        ('["64MiB", "128MiB"]', '["64MiB"', 14, "Unclosed array"),
    ],
)
def test_malformed_scenario_names_file_line_and_field(
    tmp_path: Path, old: str, new: str, line: int | None, message: str
) -> None:
    assert old in GOOD
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(ScenarioError) as error:
        load(path)
    assert str(error.value).startswith(f"{path}:{'' if line is None else f'{line}:'} {message}")
    assert "\n" not in str(error.value)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"none\.toml: No such file"):
        load(tmp_path / "none.toml")
