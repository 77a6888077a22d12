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
from tests.sampled import sampled

QUICK = Settings(cores=False)
NODE_BACKED = Obligation("claim-sets", "node-backed", "alloc_heap_pages", PARAMETRIC)


def sample(obligations: list[Obligation]) -> list[Obligation]:
    """Each part, each transition, every lemma, all that are not promised."""
    seen: set[str] = set()
    found = []
    for one in obligations:
        kinds = {one.property.partition(".")[0], f"in {one.transition}"}
        if not kinds <= seen or not one.claimed or one.name.startswith("lemma/"):
            found.append(one)
            seen |= kinds
    return found


@pytest.fixture(scope="module", params=["a sample", pytest.param("all", marks=pytest.mark.long)])
def parametric(request: pytest.FixtureRequest) -> list[Result]:
    asked = suite(["claim-sets"], property_ids(), [PARAMETRIC])
    asked = asked if request.param == "all" else sample(asked)
    results, interrupted = run(asked, QUICK, 1)
    assert not interrupted
    return results


def test_every_promise_is_proved_for_any_host(parametric: list[Result]) -> None:
    assert len(parametric) > 100
    assert [r.name for r in parametric if r.claimed and r.verdict is not Verdict.PROVED] == []


def test_names_are_unique_and_used_lemmas_are_proved(parametric: list[Result]) -> None:
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
    verdicts = {_step(r.name): r.verdict for r in parametric}
    on_two_nodes = [o for o in suite(["claim-sets"], property_ids(), [bounded(2, 2)]) if _step(o.name) in verdicts]
    results, _ = run(on_two_nodes, QUICK, 1)
    assert len(results) > 40
    assert [r.name for r in results if verdicts[_step(r.name)] is not r.verdict] == []


def _step(name: str) -> str:
    """An obligation without its host."""
    return name.rsplit("/", 1)[0]


@pytest.mark.parametrize("mutation", sampled(RULES, keep={"kill-keeps-claims", "node-check-wants-one-more"}))
def test_each_mistake_is_refuted_on_two_nodes_and_any_host(mutation: str) -> None:
    """What is refuted on a bounded host is never proved for any."""
    obligations = suite(["claim-sets"], [RULES[mutation].breaks], [bounded(2, 2)], mutation)
    refuted = [o for o in obligations if solve(o, QUICK).verdict is Verdict.REFUTED]
    assert any(o.claimed for o in refuted)
    for_any = {o: solve(replace(o, encoding=PARAMETRIC), QUICK).verdict for o in refuted}
    assert [o.name for o, verdict in for_any.items() if verdict is Verdict.PROVED] == []
    assert any(o.claimed and verdict is Verdict.REFUTED for o, verdict in for_any.items())


def test_dropping_the_node_check_refutes_node_backed() -> None:
    assert solve(NODE_BACKED, QUICK).verdict is Verdict.PROVED
    assert solve(replace(NODE_BACKED, dropped="guard:node-check"), QUICK).verdict is Verdict.REFUTED


def test_proof_lists_the_assumptions_it_needs() -> None:
    used = solve(NODE_BACKED, Settings()).used
    assert {"guard:node-check", "invariant:node-backed", "update:node_avail_pages"} <= set(used)
    assert "invariant:redeemed-once.ledger" not in used


def test_verdicts_and_work_repeat() -> None:
    first, second = (solve(NODE_BACKED, Settings(seed=3)) for _ in range(2))
    assert (first.verdict, first.rlimit, first.used) == (second.verdict, second.rlimit, second.used)
    assert first.rlimit > 0


def test_verdict_has_no_truth_value() -> None:
    with pytest.raises(TypeError, match="not a truth value"):
        bool(Verdict.PROVED)


def test_omitted_obligations_have_a_reason() -> None:
    left_out = not_applicable(["claim-sets"], ["recall-minimal"])
    assert {n.transition for n in left_out} >= {"claim_memory", "assign_pages"}
    assert all("offlines" in n.reason for n in left_out)


def test_hard_obligation_ends_as_unknown() -> None:
    result = solve(hard_obligation(), Settings(rlimit=300_000))
    assert result.verdict is Verdict.UNKNOWN
    assert result.reason
    assert exit_code([result], interrupted=False) == 3


def test_unknown_does_not_hide_a_refutation() -> None:
    unknown = solve(hard_obligation(), Settings(rlimit=300_000))
    refuted = solve(replace(NODE_BACKED, dropped="guard:node-check"), QUICK)
    assert exit_code([unknown, refuted], interrupted=False) == 1


def test_too_small_limit_gives_unknown_not_proved() -> None:
    assert solve(NODE_BACKED, Settings(rlimit=100)).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--property", "recall-minimal", "--jobs", "1", "--no-cache"], 0, "3 of 3 obligations are proved"),
        (["node-backed", "alloc_heap_pages", "--mutate", "node-check-ignores-claims", "--no-cache"], 1, "refuted: "),
        (["self-test", "--rlimit", "300000", "--no-cache", "--jobs", "1"], 3, "unknown: self-test"),
        (["--property", "node-backd"], 2, "did you mean 'node-backed'"),
        (["--generation", "claim-set"], 2, "did you mean 'claim-sets'"),
        (["no-such-part"], 2, "no obligation is about 'no-such-part'"),
        (["--hosts", "0x3"], 2, "NODESxDOMAINS"),
        (["--mutate", "redeem-without-step-4"], 2, "did you mean 'redeem-without-step-3'"),
    ],
)
def test_command_exit_codes_and_messages(arguments: list[str], code: int, text: str) -> None:
    outcome = CliRunner().invoke(prove, arguments)
    assert outcome.exit_code == code, outcome.output
    assert text in outcome.output


def test_cache_gives_equal_results_and_survives_garbage(tmp_path: Path) -> None:
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


def test_exported_files_are_self_contained(tmp_path: Path) -> None:
    (path,) = export([NODE_BACKED], str(tmp_path))
    text = path.read_text()
    assert "(set-info :status unsat)" in text
    assert "; name: claim-sets/node-backed/alloc_heap_pages/parametric" in text
    solver = z3.Solver()
    solver.from_file(str(path))
    assert solver.check() == z3.unsat
