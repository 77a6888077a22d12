"""The C oracle agrees with the Python model, call by call, on random traces of every generation."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from model.named import GENERATIONS
from proofs.export.oracle import oracle
from proofs.fuzz.known import GenerationFacts
from proofs.fuzz.model_calls import ModelCalls
from proofs.fuzz.trial import random_trial
from tests.oracle.agreement import Comparison, COracle

DEFAULT = ("legacy-2013", "single-node-v4", "mainline-4.22", "claim-sets", "per-node-v8")
EVERY = [name if name in DEFAULT else pytest.param(name, marks=pytest.mark.long) for name in GENERATIONS]

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler: `cc` is not found")


def compared(semantics: str, folder: Path, calls: int, monkeypatch: pytest.MonkeyPatch, *options: str) -> Comparison:
    """Random traces, until so many calls are compared."""
    comparison = Comparison(COracle(oracle(semantics), folder, *options))
    make = ModelCalls.make
    monkeypatch.setattr(
        ModelCalls, "make", lambda self, name, arguments: comparison.make(make, self, name, dict(arguments))
    )
    seed = 0
    while comparison.calls.total() < calls:
        assert random_trial(GenerationFacts(semantics, [], {}), seed).failure is None
        seed += 1
    return comparison


@pytest.mark.parametrize("semantics", EVERY)
def test_oracle_agrees_with_the_model(semantics: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    comparison = compared(semantics, tmp_path, 4000, monkeypatch)
    assert comparison.most_nodes > 16
    assert set(comparison.not_in_c) <= {"exchange_check"}
    assert comparison.calls["alloc_heap_pages"] > 200


@pytest.mark.long
@pytest.mark.parametrize("semantics", GENERATIONS)
def test_oracle_agrees_on_a_million_steps(semantics: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    comparison = compared(semantics, tmp_path, 1_000_000 // len(GENERATIONS) + 1, monkeypatch, "-O2")
    assert comparison.most_nodes == 64
