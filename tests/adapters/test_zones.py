"""Several zones a node: the ledger on zones agrees, both zones are used, and mistakes about zones are found."""

from __future__ import annotations

import json
import subprocess
from contextlib import closing

import pytest

from proofs.fuzz.checker import Failure
from proofs.fuzz.known import GenerationFacts
from proofs.fuzz.program import Program
from tests.adapters.zones import MISTAKES, with_zones

KNOWN = GenerationFacts("claim-sets", [], {})


def first_failure(command: str, seeds: range) -> Failure | None:
    with closing(Program(KNOWN, command, 60, 60)) as program:
        return next((found for seed in seeds if (found := program.trial(seed, {}).failure) is not None), None)


def test_ledger_on_zones_agrees_with_the_reference() -> None:
    assert first_failure(with_zones(), range(8)) is None


@pytest.mark.parametrize(
    ("mistake", "field"), [("lower-zone-not-searched", "mfn"), ("upper-zone-not-counted", "node_avail_pages")]
)
def test_mistake_about_zones_is_found(mistake: str, field: str) -> None:
    assert mistake in MISTAKES
    found = first_failure(with_zones(mistake), range(20))
    assert found is not None
    assert found.what == field


def answers(nodes: list[int]) -> list[dict[str, object]]:
    """The answers to a greeting and to a host of nodes of so many pages."""
    host = {"node_span": 64, "nodes": nodes, "last_alloc_node": 0}
    header = {"format": "claim-trace/2", "semantics": "claim-sets", "source": "", "host": host}
    text = "".join(json.dumps(line) + "\n" for line in ({"hello": ["claim-adapter/1"]}, header))
    done = subprocess.run([with_zones()], input=text, capture_output=True, text=True, timeout=60, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_kit_with_zones_offers_no_builders() -> None:
    hello, ready = answers([24])
    operations = hello["operations"]
    assert isinstance(operations, list)
    assert "continue" not in operations
    assert ready == {"ready": True}


def test_host_with_too_many_nodes_is_refused() -> None:
    assert answers([8] * 50)[1] == {"ready": True}
    assert answers([8] * 60)[1] == {"error": "too many nodes, or too large ones, for several zones"}
