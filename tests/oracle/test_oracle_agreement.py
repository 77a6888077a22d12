"""The C oracle agrees with the Python model, call by call, on random traces of every generation."""

from __future__ import annotations

import shutil
from itertools import product
from pathlib import Path
from random import Random

import pytest

from model.calls import search_order
from model.named import GENERATIONS
from proofs.fuzz.generators.plan import draw_plan
from proofs.fuzz.known import GenerationFacts
from proofs.fuzz.model_calls import ModelCalls
from proofs.fuzz.trial import Trial, random_trial, trial
from proofs.operations.draw import Draw
from proofs.traces import HostShape
from reference.generations import GENERATIONS as REFERENCES
from tests.oracle.agreement import Comparison, COracle
from tests.sampled import sampled

EVERY = sampled(GENERATIONS, keep=("claim-sets",))

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler: `cc` is not found")


def compared(
    semantics: str, folder: Path, calls: int, monkeypatch: pytest.MonkeyPatch, *options: str, nodes: int | None = None
) -> Comparison:
    """Random traces, until so many calls are compared; on hosts of so many nodes, or of random ones."""
    comparison = Comparison(COracle(semantics, folder, *options))
    make = ModelCalls.make
    monkeypatch.setattr(
        ModelCalls, "make", lambda self, name, arguments: comparison.make(make, self, name, dict(arguments))
    )
    seed = 0
    while comparison.calls.total() < calls:
        known = GenerationFacts(semantics, [], {})
        made = random_trial(known, seed) if nodes is None else trial_on(known, seed, nodes)
        assert made.failure is None
        seed += 1
    return comparison


def trial_on(known: GenerationFacts, seed: int, nodes: int) -> Trial:
    draw = Draw(Random(seed))
    host = HostShape(16, [1 + draw.below(16) for _ in range(nodes)], last_alloc_node=0)
    return trial(known, seed, draw, host, draw_plan(draw, REFERENCES[known.semantics], {}))


@pytest.mark.parametrize("semantics", EVERY)
def test_oracle_agrees_with_the_model(semantics: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    comparison = compared(semantics, tmp_path, 2000, monkeypatch)
    assert comparison.most_nodes > 16
    assert comparison.calls["exchange_check"] > 5
    assert not comparison.not_in_c
    assert comparison.calls["alloc_heap_pages"] > 200


def test_oracle_agrees_on_64_nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    comparison = compared("claim-sets", tmp_path, 1500, monkeypatch, nodes=64)
    assert comparison.most_nodes == 64
    assert comparison.calls["install_claim_set"] + comparison.calls["claim_memory"] > 100


def test_node_search_in_c_is_the_closed_form(tmp_path: Path) -> None:
    found = COracle("claim-sets", tmp_path)  # the search is the same of every generation
    for nodes in range(1, 5):
        for affinity, requested, last, exact in product(
            range(1, 1 << nodes), range(-1, nodes + 1), range(-1, nodes), (False, True)
        ):
            listed = [node for node in range(nodes) if affinity >> node & 1]
            wanted = search_order(
                nodes, listed, None if requested < 0 else requested, None if last < 0 else last, exact
            )
            assert found.search(nodes, affinity, requested, last, exact) == list(wanted)


@pytest.mark.long
@pytest.mark.parametrize("semantics", GENERATIONS)
def test_oracle_agrees_on_a_million_steps(semantics: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    comparison = compared(semantics, tmp_path, 1_000_000 // len(GENERATIONS) + 1, monkeypatch, "-O2")
    assert comparison.most_nodes == 64
