"""The ranges of a file's values against those of the model's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from model.named import GENERATIONS
from proofs.c_paths.machine import Machine
from proofs.c_paths.mapping import LoadedMap
from proofs.c_paths.operations import ARGUMENTS
from proofs.c_paths.ranges import (
    KNOWN,
    MORE_COUNTERS,
    NOT_COMPUTED,
    OTHER_RANGE,
    OTHER_TYPE,
    SAME,
    TRANSITIONS_OF,
    CRange,
    RangeComparison,
    compared,
    joined,
    transitions_of,
)
from proofs.c_paths.run import CTask, bound, row
from proofs.c_ranges.rows import RangeRow, values_of
from proofs.cli.diff_c_ranges import print_ranges
from proofs.diff.world import Size
from proofs.prover.verdict import Verdict

from .conftest import ROOT

LEDGER = "docs/adapters/ledger.c"
MAP = "tests/data/c_paths/ledger.toml"
UNSIGNED = "total_avail_pages - outstanding_claims, unsigned"


def held(
    operation: str, verdict: Verdict = Verdict.PROVED, sizes: tuple[Size, ...] = (Size(1, 1), Size(2, 2)), **change: str
) -> dict[tuple[str, str], RangeComparison]:
    """The comparison, as if every value of the model had that verdict."""
    text = (ROOT / LEDGER).read_text()
    for was, now in zip(change.get("was", "").split("|"), change.get("now", "").split("|"), strict=True):
        assert was in text
        text = text.replace(was, now)
    found = []
    for size in sizes:
        task = CTask(str(ROOT / LEDGER), str(ROOT / MAP), "claim-sets", operation, size, real=False, ranges=True)
        source = bound(task, text)
        found += row(source, Machine(source.source), task).ranges
    rows = [
        RangeRow("claim-sets", name, "", value.expression, value.c_type, verdict, number=number)
        for name in transitions_of("claim-sets", [operation])
        for number, value in enumerate(values_of("claim-sets", name))
    ]
    counters = LoadedMap(ROOT / MAP, MAP).map.counters
    return {(one.transition, one.expression): one for one in compared(operation, counters, rows, joined(found))}


def outcome(found: dict[tuple[str, str], Any], expression: str, transition: str = "set_outstanding_pages") -> str:
    return str(found[transition, expression].outcome)


def test_value_that_leaves_its_type_differs_from_a_proved_one() -> None:
    proved, unproved = (held("set_outstanding_pages", verdict) for verdict in (Verdict.PROVED, Verdict.UNKNOWN))
    assert outcome(proved, UNSIGNED) == OTHER_RANGE
    assert outcome(unproved, UNSIGNED) == SAME
    assert outcome(proved, "pages - tot_pages") == SAME
    assert outcome(unproved, "pages - tot_pages") == OTHER_RANGE


def test_changed_type_of_a_value_is_another_type() -> None:
    was = "pages - d->tot_pages > (uint64_t)(host.total_avail_pages - host.outstanding_claims)"
    now = "(int64_t)(pages - d->tot_pages) > host.total_avail_pages - host.outstanding_claims"
    found = held("set_outstanding_pages", was=was, now=now)
    assert outcome(found, UNSIGNED) == OTHER_TYPE
    assert [one.c_type for one in found["set_outstanding_pages", UNSIGNED].computed] == ["int64"]


def test_value_that_the_file_leaves_out_is_not_computed() -> None:
    was = "pages - d->tot_pages > (uint64_t)(host.total_avail_pages - host.outstanding_claims)"
    found = held("set_outstanding_pages", was=was, now="0")
    assert outcome(found, UNSIGNED) == NOT_COMPUTED


def test_value_computed_after_a_change_has_more_counters() -> None:
    found = held("install_claim_set", sizes=(Size(1, 1),))
    assert outcome(found, "node_outstanding_claims[n] + pages", "claim_memory") == MORE_COUNTERS
    assert outcome(found, "claims[n] - claims[n]", "claim_memory") == KNOWN
    assert outcome(found, "max_pages - g - sum", "claim_memory") == SAME


def test_every_operation_that_a_map_can_name_has_transitions() -> None:
    known = {name for generation in GENERATIONS.values() for name in generation.transitions}
    assert TRANSITIONS_OF.keys() == ARGUMENTS.keys()
    assert {name for names in TRANSITIONS_OF.values() for name in names} <= known


def command(*more: str) -> Any:
    from proofs.cli.main import claimcheck

    files = ["--c", str(ROOT / LEDGER), "--map", str(ROOT / MAP), "--shape", "1x1", "--operation", "assign_pages"]
    return CliRunner().invoke(claimcheck, ["diff", *files, "--jobs", "1", *more])


def test_differences_are_shown_and_the_rest_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    one = RangeComparison("assign_pages", "a + b", "uint32", True, [CRange("+a +b", "int64", False)], OTHER_TYPE)
    print_ranges({"assign_pages": [one, RangeComparison("assign_pages", "c", "uint32", True, [], SAME)]})
    shown = capsys.readouterr().out
    assert re.search(r"assign_pages +a \+ b +uint32: proved +int64 +other type", shown)
    assert shown.endswith("ranges of the model's values: 1 other type, 1 same\n")


@pytest.mark.long
def test_command_proves_the_ranges_of_the_model() -> None:
    done = command("--ranges")
    assert done.exit_code == 0, done.output
    assert "ranges of the model's values: 3 same" in done.output


@pytest.mark.parametrize("more", [["--mutants", "x.json"], []], ids=["with-mutants", "without-a-file"])
def test_ranges_go_with_a_file_alone(more: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from proofs.cli.main import claimcheck

    monkeypatch.chdir(tmp_path)
    done = command("--ranges", *more) if more else CliRunner().invoke(claimcheck, ["diff", "--ranges"])
    assert done.exit_code == 2
    assert "--ranges" in done.output
