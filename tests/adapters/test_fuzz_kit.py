"""The fuzzer against the C kit: a program that reads ``claim-trace/1`` only, and has its nine operations only."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from model.named import GENERATIONS
from proofs.cli.main import claimcheck
from proofs.fuzz.classes import classes_of
from proofs.fuzz.finding import decode
from proofs.fuzz.known import GenerationFacts, known_of
from proofs.fuzz.leads import NOT_IN_TRACES, NOT_OFFERED
from proofs.fuzz.program import Program
from proofs.fuzz.target import FailingTrace
from tests.adapters.programs import ledger


def fuzzed(command: str, out: Path, steps: int) -> tuple[int, dict]:
    """Exit code and result of a short run in one process."""
    options = ["--against", command, "--steps", str(steps), "--jobs", "1", "--json", "--out", str(out)]
    ended = CliRunner().invoke(claimcheck, ["fuzz", *options], catch_exceptions=False)
    return ended.exit_code, json.loads(ended.stdout)


def facts(semantics: str) -> GenerationFacts:
    """All but what is proved: the classes that the listed invariants admit, because the induction takes long."""
    return GenerationFacts(semantics, [], classes_of(semantics, list(GENERATIONS[semantics].invariants)))


@pytest.mark.parametrize(
    ("known", "steps"), [(facts, 400), pytest.param(known_of, 4000, marks=pytest.mark.long)], ids=["400", "4000"]
)
def test_ledger_agrees_with_reference_in_a_fuzz_campaign(
    known: Callable[[str], GenerationFacts], steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proofs.fuzz.known.known_of", known)
    _, result = fuzzed(ledger(), tmp_path, steps)
    (total,) = result["semantics"]
    assert result["findings"] == []
    assert total["steps"] >= steps
    assert not {name.partition(":")[0] for name in total["unreached"]} & {"claim_memory", "online_page", "steal_page"}
    assert total["unreachable"]["claim_memory: installed"] == NOT_OFFERED
    assert set(total["unreachable"].values()) >= {NOT_OFFERED}
    not_in_traces = [name for name, reason in total["unreachable"].items() if reason == NOT_IN_TRACES]
    # Only in a debug build; no call of the kit checks LLC colouring.
    assert not_in_traces == ["assign_pages: mark-asserted"]


def test_mistake_of_one_page_is_found_and_written_as_kit_trace() -> None:
    with closing(Program(GenerationFacts("claim-sets", [], {}), ledger("-DLEDGER_SLACK=1"), 10, 30)) as program:
        trials = (program.trial(seed, {}) for seed in range(100))
        trial = next(trial for trial in trials if trial.failure is not None)
        assert trial.failure is not None
        told = program.told(FailingTrace(trial.host, trial.events, trial.failure, trial.seed))
    header, events = decode(told.trace)
    assert header.format == "claim-trace/1"
    assert events[-1].op == trial.failure.op
