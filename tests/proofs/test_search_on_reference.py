"""Breadth-first search over the reference, heap and all."""

import pytest
from click.testing import CliRunner

from proofs.cli.search import search as command
from proofs.explore.running import RunningHost
from proofs.search.minimise import SearchRequest, search
from proofs.search.on_reference import ReferenceSearchRequest, search_reference
from reference.heap import lowest_address
from tests.sampled import sampled


def test_claim_on_a_node_does_not_guarantee_a_superpage() -> None:
    trace = search_reference(ReferenceSearchRequest("claim-sets", "superpage-fulfilled.node")).trace
    assert trace is not None
    assert trace.host["nodes"] == [3]
    assert [e["op"] for e in trace.events] == ["create_domain", "install_claim_set", "alloc_heap_pages"]
    assert trace.states[-1]["d0.claims"] == [2]
    assert trace.states[-1]["free_blocks"] == [[[1, 0], [2, 0]]]
    assert "claims 2 pages of node 0, and is refused a block of 2 pages" in trace.broken[0]


def test_two_claimed_pages_on_two_nodes_are_no_superpage() -> None:
    trace = search_reference(ReferenceSearchRequest("claim-sets", "superpage-fulfilled.anywhere")).trace
    assert trace is not None
    assert (trace.host["nodes"], len(trace.events)) == ([1, 1], 2)


def test_reported_refusal_is_reproduced() -> None:
    """The request that the search says is refused, made."""
    trace = search_reference(ReferenceSearchRequest("claim-sets", "superpage-fulfilled.node")).trace
    assert trace is not None
    running = RunningHost("claim-sets", tuple(trace.host["nodes"]), check_locks=True)
    for event in trace.events:
        running.do(event)
    running.host.block_policy = lowest_address
    asked = {"op": "alloc_heap_pages", "domid": 0, "node": 0, "memflags": ["exact_node"]}
    assert running.do({**asked, "order": 1})["mfn"] is None
    assert running.do({**asked, "order": 0})["mfn"] == 1


def test_claimed_single_pages_are_always_granted() -> None:
    for part in ("claims-fulfilled.granted-on-node", "claims-fulfilled.granted"):
        assert search_reference(ReferenceSearchRequest("claim-sets", part, depth=3, pages=2)).trace is None


@pytest.mark.parametrize(
    ("prop", "pages", "depth"),
    sampled(
        [("entitlement", 2, 2), ("entitlement-without-limbo", 1, 3), ("dead-hold-nothing", 1, 4)],
        keep=[("entitlement-without-limbo", 1, 3)],
    ),
)
def test_reference_has_traces_as_short_as_the_model(prop: str, pages: int, depth: int) -> None:
    on_model = search(SearchRequest("claim-sets", prop, depth=depth)).trace
    assert on_model is not None
    assert len(on_model.events) == depth
    tiny = ReferenceSearchRequest("claim-sets", prop, depth=depth - 1, nodes=1, domains=1, pages=pages)
    assert search_reference(tiny).trace is None
    trace = search_reference(
        ReferenceSearchRequest("claim-sets", prop, depth=depth, nodes=1, domains=1, pages=pages)
    ).trace
    assert trace is not None
    assert sum(trace.host["nodes"]) == sum(on_model.host["nodes"])


def test_2013_claim_is_unbacked_while_its_pages_are_in_limbo() -> None:
    trace = search_reference(ReferenceSearchRequest("legacy-2013", "host-backed")).trace
    assert trace is not None
    assert [e["op"] for e in trace.events] == ["create_domain", "claim_pages", "continue", "alloc_heap_pages"]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--property", "superpage-fulfilled"], 1, "found on the reference, breadth first"),
        (["--property", "superpage-fulfilled", "--json"], 1, '"broken": ['),
        pytest.param(
            ["--generation", "single-node-v3", "--property", "claims-fulfilled", "--json"],
            1,
            '"broken": [',
            marks=pytest.mark.long,
        ),
        (["--property", "superpage-fulfilled", "--depth", "1"], 0, "no trace of at most 1"),
        (["--property", "superpage-fulfilled", "--mutate", "no-recall"], 2, "searched on the reference"),
        (["--generation", "legacy-2014", "--property", "host-backed"], 2, "did you mean 'legacy-2013'"),
    ],
)
def test_command_exit_codes_and_messages(arguments: list[str], code: int, text: str) -> None:
    outcome = CliRunner().invoke(command, arguments)
    assert outcome.exit_code == code, outcome.output
    assert text in outcome.output
