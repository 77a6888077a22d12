"""Where two calls differ: found in the model, done on the reference."""

import subprocess
import sys
from dataclasses import replace

import pytest
from click.testing import CliRunner

from model.named import GENERATIONS
from proofs.cli.prove import prove
from proofs.cli.search import search
from proofs.obligations.obligation import promised_on
from proofs.prover.verdict import Verdict
from proofs.refinement.differences import CallDifference, DifferenceQuery, Differences
from proofs.refinement.exactly import exactly
from proofs.refinement.judge import judge_comparison
from proofs.refinement.replayed import replayed
from tests.sampled import sampled

HOST_WIDE, ONE_NODE = "legacy-compatible.host-wide", "legacy-compatible.one-node"


def found(part: str, transition: str, without: str) -> CallDifference:
    difference = Differences("claim-sets", part).search(DifferenceQuery(transition, without))
    assert difference is not None
    return difference


@pytest.mark.parametrize(
    ("part", "transition", "without", "events", "answers"),
    sampled(
        [
            (HOST_WIDE, "set_outstanding_pages", "no-claim-held", 4, ("EINVAL", "OK")),
            (HOST_WIDE, "set_outstanding_pages", "alive", 5, ("OK", "ESRCH")),
            (ONE_NODE, "claim_memory", "one-reason", 2, ("ENOMEM", "EINVAL")),
            (ONE_NODE, "claim_memory", "fits-host", 5, ("ENOMEM", "OK")),
            (ONE_NODE, "alloc_heap_pages", "no-claim-kept", 3, ("OK", "OK")),
            (ONE_NODE, "offline_page", "claims-stay-backed", 3, ("OK", "OK")),
        ],
        keep=[(ONE_NODE, "claim_memory", "one-reason", 2, ("ENOMEM", "EINVAL"))],
    ),
)
def test_reference_calls_differ_without_the_premise(
    part: str, transition: str, without: str, events: int, answers: tuple[str, str]
) -> None:
    difference = found(part, transition, without)
    assert (difference.events, difference.answers) == (events, answers)
    done = replayed(difference)
    assert done.error == ""
    assert done.differs
    assert len(done.trace.states) == 1 + events == 1 + len(done.trace.events)


def test_v4_keeps_its_claim_for_memory_of_another_node() -> None:
    done = replayed(found(ONE_NODE, "alloc_heap_pages", "no-claim-kept"))
    assert "outstanding_claims: 0 / 1" in done.differs


def test_unreproduced_difference_is_no_evidence() -> None:
    difference = found(ONE_NODE, "claim_memory", "one-reason")
    assert "in the reference" in replayed(replace(difference, answers=("OK", "EINVAL"))).error
    same = replace(difference, other="claim-sets", calls=(difference.calls[0],) * 2, answers=("ENOMEM",) * 2)
    assert replayed(same).error == "nothing differs in the reference"


def test_v8_refuses_a_block_that_is_partly_claimed() -> None:
    judged = judge_comparison(ONE_NODE, "per-node-v8", ())
    assert judged.verdict is Verdict.REFUTED
    assert judged.trace is not None
    assert [event["op"] for event in judged.trace.events][1:] == ["install_claim_set", "alloc_heap_pages"]
    assert judged.trace.events[-1]["order"] == 1
    assert judged.trace.events[-1]["mfn"] is None


def test_search_without_result_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofs.refinement.judge.DEPTH", 2)
    judged = judge_comparison(HOST_WIDE, "claim-sets", ())
    assert judged.verdict is Verdict.UNKNOWN
    assert "no difference within" in judged.reason
    assert judge_comparison("legacy-compatible.derived-counters", "claim-sets-v3", ()).verdict is Verdict.UNKNOWN


def test_premises_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    claim_sets = GENERATIONS["claim-sets"]
    promised = [*claim_sets.invariants, *promised_on(claim_sets, ("legacy-check-in-lock",))]
    monkeypatch.setattr("proofs.refinement.exactly.kept", lambda _semantics, _part: promised)
    kept = exactly("claim-sets", ONE_NODE, "alloc_heap_pages", "no-claim-kept")
    assert (kept.never, kept.always, kept.refused) == (False, True, False)
    assert exactly("claim-sets", ONE_NODE, "alloc_heap_pages", "claims-backed").never


@pytest.mark.parametrize(
    ("command", "arguments", "code", "text"),
    [
        pytest.param(
            prove,
            ["--property", "legacy-compatible", "--no-cache", "--jobs", "1"],
            0,
            "31 of 32 obligations are proved",
            marks=pytest.mark.long,
        ),
        (prove, ["--property", "lock-order", "--generation", "single-node-v4"], 1, "x3"),
        (
            search,
            ["--property", "legacy-compatible", "--generation", "claim-sets-hardened", "--depth", "3"],
            1,
            "in its place",
        ),
        (
            search,
            ["--property", "legacy-compatible", "--generation", "legacy-2013"],
            0,
            "not applicable to legacy-2013",
        ),
        (search, ["--property", "lock-order", "--generation", "single-node-v4"], 1, "read without page_alloc_lock"),
        (search, ["--property", "lock-order", "--mistake", "no-recall"], 2, "no --mistake"),
    ],
)
def test_exit_codes_and_messages(command, arguments: list[str], code: int, text: str) -> None:
    outcome = CliRunner().invoke(command, arguments)
    assert outcome.exit_code == code, outcome.output
    assert text in outcome.output


@pytest.mark.long
def test_fresh_run_gives_the_document() -> None:
    command = [sys.executable, "-m", "docs._make.refinement", "--check"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
