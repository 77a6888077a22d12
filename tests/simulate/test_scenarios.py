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
def test_what_comes_with_the_tool_is_valid_and_named_as_its_file(name: str) -> None:
    scenario = load(built_in()[name])
    assert scenario.name == name
    assert scenario.about


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("nodes = 2", "nodes = 0", "`$.host.nodes`"),
        ("nodes = 2", "nodes = 65", "`$.host.nodes`"),
        ("nodes = 2", "nodes = 2\ncolour = 1", "unknown field `colour` - at `$.host`"),
        ('node_memory = "1GiB"', "node_memory = 4", "a size is written as in '2GiB', not 4 - at `$.host.node_memory`"),
        ('node_memory = "1GiB"', 'node_memory = "1GB"', "`$.host.node_memory`"),
        ('grows_to = "32MiB"', 'grows_to = "8MiB"', "running.grows_to is below running.memory - at `$.running`"),
        ('grows_to = "32MiB"', 'grows_to = "8GiB"', "does not fit the host"),
        ("count = 3", "count = 0", "`$.builds.count`"),
        ("count = 3", "count = 40000", "domain ids"),
        ("count = 3", "count = 3\nnodes_wanted = 3", "builds.nodes_wanted is more than host.nodes"),
        ("count = 3", "count = 3\nlegacy_share = 1.5", "`$.builds.legacy_share`"),
        ('memory = ["64MiB", "128MiB"]', "memory = []", "`$.builds.memory`"),
        ('memory = ["64MiB", "128MiB"]', "", "missing required field `memory`"),
        ("[host]", "[host", "at line 4"),
    ],
)
def test_a_bad_file_is_one_line_with_file_and_field(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(ScenarioError) as error:
        load(path)
    assert str(error.value).startswith(f"{path}: ")
    assert message.lower() in str(error.value).lower()
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"none\.toml: No such file"):
        load(tmp_path / "none.toml")
