"""Replay tells wraps from divergences: what only C's numbers give is counted and named, and the trace continues."""

import json
from pathlib import Path

import pytest

from model.c_code.allocating import LOW_MEMORY_ALARM as ALARM
from proofs.c_typed.replay import CTypedReplay
from proofs.file_replay import FileResult, replay_file
from proofs.replay.replay import TraceResult
from proofs.traces import read_traces
from reference.generation import Request
from reference.generations.single_node import SingleNodeV2
from reference.state import Host
from tests.command import run_here

BY_HAND = Path("tests/data/wraps")
NODE_SEARCH = BY_HAND / "single-node-v2-node-search.jsonl"
TOO_MANY = Path("tests/data/c-ranges/single-node-v1/claim_on_node-1.jsonl")
"""2^64 - 1 pages claimed by a domain that has one: refused for another reason where the sum wraps."""
HUGE = 2**64


def replayed(path: Path) -> FileResult:
    result = replay_file(str(path))
    assert result.error is None
    return result


def test_node_search_of_single_node_v2_is_unsigned() -> None:
    result = replayed(NODE_SEARCH)
    assert (result.divergences, result.skipped) == ([], 0)
    [wrap] = result.wraps
    assert (wrap.line, wrap.event, wrap.op) == (8, 6, "alloc_domheap_pages")
    assert (wrap.c_type, wrap.exact, wrap.value) == ("uint64", -1, HUGE - 1)
    assert wrap.where.startswith("node_permits (")


def test_difference_that_c_integers_explain_is_a_wrap(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the reference stated the node search in integers: it picks node 2 where C picks node 0."""
    as_stated = SingleNodeV2.node_permits

    def in_integers(self: SingleNodeV2, host: Host, request: Request, node: int) -> bool:
        if not isinstance(host.outstanding_claims, int):
            return as_stated(self, host, request, node)  # C's numbers
        unclaimed = host.node_avail_pages[node] - host.node_outstanding_claims[node]
        return request.node is not None or host.outstanding_claims == 0 or request.pages <= unclaimed

    monkeypatch.setattr(SingleNodeV2, "node_permits", in_integers)
    result = replayed(NODE_SEARCH)
    assert (result.divergences, result.skipped, result.events) == ([], 0, 8)
    assert [(w.event, w.expression, w.exact) for w in result.wraps] == [
        (6, "node_avail_pages[n] - node_outstanding_claims[n]", -1)
    ]


def test_sum_that_wraps_is_no_divergence() -> None:
    result = replayed(TOO_MANY)
    assert (result.divergences, result.skipped) == ([], 0)
    [wrap] = result.wraps
    assert (wrap.expression, wrap.c_type, wrap.exact, wrap.value) == ("tot_pages + pages", "uint64", HUGE, 0)
    assert result.parted == [
        "line 1, seed 0, event 5 set_outstanding_pages: result is EINVAL on unbounded numbers, ENOMEM in C"
    ]


def test_replay_after_a_wrap_still_finds_divergences(tmp_path: Path) -> None:
    lines = Path("tests/data/c-ranges/single-node-v1/claim_on_node-3.jsonl").read_bytes().splitlines()
    again = json.loads(lines[-1]) | {"op": "set_outstanding_pages", "domid": 1, "pages": 0}
    again.pop("node", None)
    again["state"]["outstanding_claims"] = 7
    path = tmp_path / "wrong.jsonl"
    path.write_bytes(b"\n".join([*lines, json.dumps(again).encode()]) + b"\n")
    result = replayed(path)
    [written] = result.divergences
    assert (written.divergence.line, written.divergence.field) == (len(lines) + 1, "state.outstanding_claims")
    assert result.wraps
    assert result.parted


def test_difference_that_c_integers_do_not_explain_remains(tmp_path: Path) -> None:
    path = tmp_path / "wrong.jsonl"
    path.write_bytes(NODE_SEARCH.read_bytes().replace(b'"mfn":1,"on_node":0', b'"mfn":9,"on_node":2'))
    result = replayed(path)
    [written] = result.divergences
    assert (written.divergence.event, written.divergence.expected, written.divergence.observed) == (6, 1, 9)
    assert (result.wraps, result.parted, result.skipped) == ([], [], 1)


@pytest.mark.parametrize("semantics", ["mainline-4.22", "per-node-v8"])
def test_offlining_a_claimed_page_wraps_the_alarm_value(semantics: str) -> None:
    result = TraceResult(1, 0)
    for trace in read_traces(BY_HAND / f"{semantics}-alarm.jsonl"):
        CTypedReplay(trace, result).run()
    assert (result.events, result.divergence) == (5, None)
    assert [(w.event, w.expression, w.c_type, w.exact) for w in result.wraps] == [(4, ALARM, "uint64", -1)]
    assert result.parted == ""
    assert replayed(BY_HAND / f"{semantics}-alarm.jsonl").wraps == []


def test_command_counts_wraps_and_ends_with_0() -> None:
    code, out, err = run_here("replay", str(NODE_SEARCH), str(TOO_MANY))
    assert (code, err) == (0, "")
    assert "wraps" in out
    assert "tot_pages + pages is 18446744073709551616, as uint64 0 in set_outstanding_pages" in out
    code, out, _ = run_here("replay", "--json", str(NODE_SEARCH), str(TOO_MANY))
    report = json.loads(out)
    assert code == 0
    assert (report["total"]["wraps"], report["total"]["divergences"]) == (2, 0)
    assert [len(file["wraps"]) for file in report["files"]] == [1, 1]
    assert report["files"][1]["wraps"][0]["exact"] == HUGE
