"""Nothing that a trace observes may differ unseen: each number of a small trace, changed, is a divergence at its line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec
import pytest

from proofs import operations as e
from proofs.file_replay import replay_file
from proofs.operations import Event
from proofs.replay.replay import Replay, TraceResult
from proofs.replay.runner import Runner
from proofs.traces import TraceError
from proofs.traces.events import FORMAT_1, Header, HostShape
from reference.status import HypervisorCrash

EXAMPLE = Path("tests/data/examples/redeem.jsonl")
LINES: list[dict[str, Any]] = [json.loads(line) for line in EXAMPLE.read_text(encoding="utf-8").splitlines()]
OBSERVED = ("result", "mfn", "on_node", "state")


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
    else:
        yield path


PLACES = [
    (number, name, *path)
    for number, line in enumerate(LINES)
    for name in OBSERVED
    if name in line
    for path in leaves(line[name])
]


def replayed(lines: list[dict[str, Any]], tmp_path: Path, **options: Any) -> Any:
    path = tmp_path / "trace.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return replay_file(str(path), **options)


def test_unchanged_trace_has_no_divergence(tmp_path: Path) -> None:
    found = replayed(LINES, tmp_path)
    assert (found.error, found.divergences, found.events) == (None, [], len(LINES) - 1)
    assert found.comparisons == len(PLACES)


def test_changed_observation_is_a_divergence(tmp_path: Path) -> None:
    assert len(PLACES) > 40
    for number, *path in PLACES:
        lines = deepcopy(LINES)
        *inner, last = path
        place: Any = lines[number]
        for key in inner:
            place = place[key]
        place[last] = "EBUSY" if isinstance(place[last], str) else place[last] + (8 if last == "mfn" else 1)
        found = replayed(lines, tmp_path)
        (written,) = found.divergences
        where = ".".join(str(key) for key in path if not isinstance(key, int))
        assert written.divergence.line == number + 1, path
        assert written.divergence.field.partition("[")[0] in (where, "mfn"), path


def test_added_or_missing_domain_is_a_divergence(tmp_path: Path) -> None:
    more, less = deepcopy(LINES), deepcopy(LINES)
    more[-1]["state"]["domains"]["7"] = more[-1]["state"]["domains"]["1"]
    less[-1]["state"]["domains"] = {}
    other = deepcopy(LINES)
    other[-1]["state"]["domains"] = {"7": other[-1]["state"]["domains"]["1"]}
    for lines in (more, less, other):
        (written,) = replayed(lines, tmp_path).divergences
        assert written.divergence.field.startswith("state.domains.")


class GeneratedRecording:
    """A trace that is in no file: one of the first format, of which nothing may be missing."""

    path, first_line, line = "made", 1, 2

    def __init__(self, *events: Event) -> None:
        self.header = Header(FORMAT_1, "claim-sets", "", HostShape(8, [8]), 0)
        self.events = events

    def error(self, reason: str) -> TraceError:
        return TraceError(self.path, self.line, reason)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)


def result_of(*events: Event) -> TraceResult:
    result = TraceResult(1, 0)
    Replay(GeneratedRecording(*events), result, check_locks=False, check_properties=True).run()
    return result


def test_missing_observation_is_a_divergence() -> None:
    divergence = result_of(e.ClaimPages(domid=7, nr_extents=1, extent_order=0, mem_flags=0)).divergence
    assert divergence is not None
    assert (divergence.field, divergence.observed) == ("result", "absent")


def test_crash_on_one_side_is_a_divergence(monkeypatch: pytest.MonkeyPatch) -> None:
    observed = e.GetOutstandingClaims(crash="for a test")
    divergence = result_of(observed).divergence
    assert divergence is not None
    assert (divergence.field, divergence.expected, divergence.observed) == ("crash", "no crash", "for a test")

    def crashes(_runner: Runner, _event: Event) -> None:
        raise HypervisorCrash("in the reference")

    monkeypatch.setattr(Runner, "do", crashes)
    divergence = result_of(e.GetOutstandingClaims(pages=0)).divergence
    assert divergence is not None
    assert (divergence.field, divergence.expected) == ("crash", "in the reference")
    both = result_of(observed)
    assert both.divergence is None
    assert "the reference: in the reference" in both.crashes[0]


BREAKS = "claim-sets-no-recall"


def broken() -> list[dict[str, Any]]:
    """A claimed page goes offline where nothing is recalled."""
    claims = [{"pages": 4, "target": 0}]
    header = {**LINES[0], "semantics": BREAKS, "host": {**LINES[0]["host"], "nodes": [4]}}
    events = [
        {"op": "create_domain", "domid": 1, "max_pages": 8, "node_affinity": [0]},
        {"op": "install_claim_set", "domid": 1, "claims": claims},
        {"op": "offline_page", "mfn": 0},
        {"op": "set_max_pages", "domid": 1, "max_pages": 8},
    ]
    return [header, {"op": "boot"}, *events]


def with_states(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the reference gives, written down."""
    from proofs.replay.observe import observe
    from proofs.replay.runner import boot_shape
    from reference.generations import GENERATIONS

    header, boot, *events = deepcopy(lines)
    host = boot_shape(msgspec.convert(header["host"], HostShape), GENERATIONS[header["semantics"]])
    runner = Runner(host)
    boot["state"] = msgspec.to_builtins(observe(host), str_keys=True)
    for event in events:
        outcome = runner.do(msgspec.convert(event, e.Events2))
        event.update(msgspec.to_builtins(outcome))
        event["state"] = msgspec.to_builtins(observe(host), str_keys=True)
    return [header, boot, *events]


def test_violated_properties_are_counted(tmp_path: Path) -> None:
    found = replayed(with_states(broken()), tmp_path)
    assert (found.error, found.divergences) == (None, [])
    assert found.broken["node-backed"] == 2
    assert "event 3 offline_page: " in found.first_broken["node-backed"]


def test_expected_violations_are_compared(tmp_path: Path) -> None:
    lines = with_states(broken())
    names = sorted(replayed(lines, tmp_path).broken)
    for expected, differs in ((names, False), (names[:-1], True), ([*names, "entitlement"], True)):
        lines[0]["expect"] = expected
        found = replayed(lines, tmp_path)
        assert [one.divergence.field for one in found.divergences] == (["expect"] if differs else [])
    clean = deepcopy(LINES)
    clean[0]["expect"] = ["node-backed"]
    assert [one.divergence.field for one in replayed(clean, tmp_path).divergences] == ["expect"]


def test_file_result_has_every_divergence_and_error(tmp_path: Path) -> None:
    wrong = deepcopy(LINES)
    wrong[2]["state"]["total_avail_pages"] += 1
    found = replayed([*wrong, *LINES, *wrong, *LINES], tmp_path)
    assert (found.traces, len(found.divergences), found.skipped) == (4, 2, 4)
    assert [one.divergence.line for one in found.divergences] == [3, 3 + 2 * len(LINES)]
    bad = replayed([*LINES, *wrong[:3], {"op": "no-such-op"}], tmp_path)
    assert bad.error is not None
    assert (bad.error.split(":")[1], len(bad.divergences)) == (str(len(LINES) + 4), 1)
