"""Obligations and their verdicts; every ending of the command."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import z3
from click.testing import CliRunner

from model.named import GENERATIONS
from proofs.cli.prove import exit_code, prove
from proofs.matrix.verdicts import load
from proofs.mistakes.in_rules import RULES
from proofs.obligations.auxiliary import hard_obligation
from proofs.obligations.obligation import PARAMETRIC, Obligation, bounded
from proofs.obligations.suite import not_applicable, property_ids, suite
from proofs.prover.export import export
from proofs.prover.pool import run
from proofs.prover.solve import solve
from proofs.prover.verdict import Result, Settings, Verdict

QUICK = Settings(cores=False)
NODE_BACKED = Obligation("claim-sets", "node-backed", "alloc_heap_pages", PARAMETRIC)


@pytest.fixture(scope="module")
def parametric() -> list[Result]:
    results, interrupted = run(suite(["claim-sets"], property_ids(), [PARAMETRIC]), QUICK, 1)
    assert not interrupted
    return results


def test_everything_promised_is_proved_for_any_host(parametric: list[Result]) -> None:
    assert len(parametric) > 600
    assert [r.name for r in parametric if r.claimed and r.verdict is not Verdict.PROVED] == []


def test_names_are_unique_and_every_lemma_used_is_itself_proved(parametric: list[Result]) -> None:
    names = [r.name for r in parametric]
    assert len(names) == len(set(names))
    proved = {r.name.split("/")[1] for r in parametric if r.name.startswith("lemma/") and r.verdict is Verdict.PROVED}
    used = {lemma for r in parametric for lemma in r.lemmas}
    assert used
    assert used <= proved


FOLLOW = {
    "host-backed",
    "claims-protected.backed",
    "claims-fulfilled.granted-on-node",
    "claims-fulfilled.granted",
    "claims-fulfilled.delivered",
    "atomic-install.own-claims-credited",
    "recall-minimal",
}
"""No step that the condition is about breaks these by itself: a later one does, as what they rest on is broken."""


def test_each_condition_is_needed(parametric: list[Result]) -> None:
    refuted = {r.name.split("/")[1] for r in parametric if r.verdict is Verdict.REFUTED}
    conditional = GENERATIONS["claim-sets"].conditional
    needed = {name for name in conditional if {name} & (refuted | {part.split(".")[0] for part in refuted})}
    assert needed == conditional.keys() - FOLLOW
    cells = {c.row.part: c for c in load() if c.semantics == "claim-sets" and not c.row.conditions}
    assert {part for part in FOLLOW if cells[part].trace is None} == set()


def test_bounded_hosts_agree(parametric: list[Result]) -> None:
    results, _ = run(suite(["claim-sets"], property_ids(), [bounded(2, 2)]), QUICK, 1)
    verdicts = {r.name.rsplit("/", 1)[0]: r.verdict for r in parametric}
    assert [r.name for r in results if verdicts[r.name.rsplit("/", 1)[0]] is not r.verdict] == []


@pytest.mark.parametrize("mutation", RULES)
def test_each_mistake_is_refuted_by_an_obligation(mutation: str) -> None:
    obligations = suite(["claim-sets"], property_ids(), [bounded(2, 2)], mutation)
    assert any(o.claimed and solve(o, QUICK).verdict is Verdict.REFUTED for o in obligations)


def test_dropping_the_node_check_refutes_node_backed() -> None:
    assert solve(NODE_BACKED, QUICK).verdict is Verdict.PROVED
    assert solve(replace(NODE_BACKED, dropped="guard:node-check"), QUICK).verdict is Verdict.REFUTED


def test_a_proof_names_what_it_needs() -> None:
    used = solve(NODE_BACKED, Settings()).used
    assert {"guard:node-check", "invariant:node-backed", "update:node_avail_pages"} <= set(used)
    assert "invariant:redeemed-once.ledger" not in used


def test_verdicts_and_work_repeat() -> None:
    first, second = (solve(NODE_BACKED, Settings(seed=3)) for _ in range(2))
    assert (first.verdict, first.rlimit, first.used) == (second.verdict, second.rlimit, second.used)
    assert first.rlimit > 0


def test_a_verdict_is_not_a_truth_value() -> None:
    with pytest.raises(TypeError, match="not a truth value"):
        bool(Verdict.PROVED)


def test_what_is_left_out_has_a_reason() -> None:
    left_out = not_applicable(["claim-sets"], ["recall-minimal"])
    assert {n.transition for n in left_out} >= {"claim_memory", "assign_pages"}
    assert all("offlines" in n.reason for n in left_out)


def test_a_hard_obligation_ends_as_unknown() -> None:
    result = solve(hard_obligation(), Settings(rlimit=300_000))
    assert result.verdict is Verdict.UNKNOWN
    assert result.reason
    assert exit_code([result], interrupted=False) == 3


def test_unknown_does_not_hide_a_refutation() -> None:
    unknown = solve(hard_obligation(), Settings(rlimit=300_000))
    refuted = solve(replace(NODE_BACKED, dropped="guard:node-check"), QUICK)
    assert exit_code([unknown, refuted], interrupted=False) == 1


def test_too_little_work_allowed_is_unknown_not_proved() -> None:
    assert solve(NODE_BACKED, Settings(rlimit=100)).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--property", "recall-minimal", "--jobs", "1", "--no-cache"], 0, "3 proved"),
        (["node-backed", "alloc_heap_pages", "--mutate", "node-check-ignores-claims", "--no-cache"], 1, "refuted: "),
        (["self-test", "--rlimit", "300000", "--no-cache", "--jobs", "1"], 3, "unknown: self-test"),
        (["--property", "node-backd"], 2, "did you mean 'node-backed'"),
        (["--generation", "claim-set"], 2, "did you mean 'claim-sets'"),
        (["no-such-part"], 2, "no obligation has a name with"),
        (["--hosts", "0x3"], 2, "NODESxDOMAINS"),
        (["--mutate", "redeem-without-step-4"], 2, "did you mean 'redeem-without-step-3'"),
    ],
)
def test_endings_of_the_command(arguments: list[str], code: int, text: str) -> None:
    outcome = CliRunner().invoke(prove, arguments)
    assert outcome.exit_code == code, outcome.output
    assert text in outcome.output


def test_cache_gives_the_same_and_survives_garbage(tmp_path: Path) -> None:
    settings = Settings(cache=str(tmp_path))
    first, second = solve(NODE_BACKED, settings), solve(NODE_BACKED, settings)
    assert first.stored == ""
    assert first.seconds is not None
    assert second.stored == datetime.now(UTC).date().isoformat()
    assert second.seconds is None
    assert (first.verdict, first.used, first.hash) == (second.verdict, second.used, second.hash)
    (entry,) = tmp_path.iterdir()
    entry.write_bytes(entry.read_bytes()[:20])
    again = solve(NODE_BACKED, settings)
    assert (again.stored, again.unreadable) == ("", True)


def test_unknown_is_not_cached(tmp_path: Path) -> None:
    solve(hard_obligation(), Settings(rlimit=300_000, cache=str(tmp_path)))
    assert list(tmp_path.iterdir()) == []


def test_exported_files_stand_alone(tmp_path: Path) -> None:
    (path,) = export([NODE_BACKED], str(tmp_path))
    text = path.read_text()
    assert "(set-info :status unsat)" in text
    assert "; name: claim-sets/node-backed/alloc_heap_pages/parametric" in text
    solver = z3.Solver()
    solver.from_file(str(path))
    assert solver.check() == z3.unsat
