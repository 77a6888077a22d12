"""Spacer's invariant: found, certified by the prover, compared with the hand-written one."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
import z3
from click.testing import CliRunner

from proofs.cli.prove import prove
from proofs.evidence import spacer as section
from proofs.evidence.request import EvidenceRequest
from proofs.evidence.structure import SkippedSection
from proofs.prover.verdict import Settings, Verdict
from proofs.spacer.certify import certified
from proofs.spacer.clauses import conjuncts, derived
from proofs.spacer.compare import by_hand, compared, paired, without_needless
from proofs.spacer.derive import LEFT_OPEN, NOT_CERTIFIED, derive, derive_all, less, more
from proofs.spacer.readable import readable
from proofs.spacer.target import LIFE, OF_HEAP_LOCK, SpacerTarget, System, targets
from tests.sampled import sampled

QUICK = Settings(cores=False)
BACKED = ["node-backed", "host-backed", "aggregates-agree"]


def backed(nodes: int = 1, domains: int = 1, mutation: str = "") -> SpacerTarget:
    """What is promised of them without conditions; host-backed is promised on one."""
    return next(t for t in targets("claim-sets", BACKED, nodes, domains, mutation) if not t.conditions)


@pytest.fixture(scope="module")
def system() -> System:
    return System(backed())


@pytest.fixture(scope="module")
def found(system: System) -> list[z3.BoolRef]:
    answer = derived(system, 60)
    assert answer.answer == "unsat"
    return without_needless(answer.invariant, QUICK)


def failed(system: System, invariant: list[z3.BoolRef]) -> set[str]:
    return {c.question for c in certified(system, invariant, QUICK) if c.verdict is not Verdict.PROVED}


@pytest.mark.long
@pytest.mark.parametrize("properties", [["aggregates-agree", "node-backed"], BACKED])
def test_derivation_does_not_depend_on_those_before_it(properties: list[str]) -> None:
    asked = targets("claim-sets", properties, 1, 1)
    assert len(asked) == 2
    last = derive_all(asked, QUICK, 60, jobs=1)[-1]
    (alone,) = derive_all(asked[-1:], QUICK, 60, jobs=1)
    assert (last.spacers, last.by_hand, last.smtlib) == (alone.spacers, alone.by_hand, alone.smtlib)


def test_invariant_of_the_smallest_host_is_certified(found: list[z3.BoolRef]) -> None:
    derivation = derive(backed(), QUICK, 60)
    assert (derivation.verdict, derivation.reason) == (Verdict.PROVED, "")
    questions = [c.question for c in derivation.certificates]
    assert questions[0] == "boot"
    assert {"claim_memory", "alloc_heap_pages", "offline_page", "destroy_domain", *derivation.properties} < set(
        questions
    )
    assert len(questions) == 1 + 34 + 4
    assert derivation.counters == 12
    assert not {"node-backed", "aggregates-agree.node", "aggregates-agree.free"} & set(less(derivation))
    assert [c.text for c in more(derivation)] == ["domctl_lock <= 0"]
    assert {"all-claims-counted", "destroyed-empty"} < set(less(derivation))


def test_certificate_covers_every_transition_and_field(system: System) -> None:
    assert set(system.followed) == OF_HEAP_LOCK | LIFE
    names = {c.question for c in certified(system, [], QUICK)}
    assert set(system.target.rules().transitions) < names


@pytest.mark.parametrize(
    ("change", "fails"),
    sampled(
        [
            (lambda inv, s: [c for c in inv if "total_avail_pages" not in readable(c)], {"aggregates-agree.free"}),
            (lambda inv, s: [*inv, s.claims[0, 0] <= 5], {"claim_memory"}),
            (lambda inv, s: [*inv, s.node_avail_pages[0] >= 1], {"boot", "alloc_heap_pages"}),
            (lambda inv, s: [*inv, s.node_avail_pages[0] <= s.installed_pages[0]], {"free_heap_pages"}),
        ],
        2,
    ),
)
def test_corrupted_invariant_is_not_certified(system: System, found: list[z3.BoolRef], change, fails) -> None:  # type: ignore[no-untyped-def]
    assert fails <= failed(system, change(found, system.state))


def test_uncertified_invariant_is_not_a_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofs.spacer.derive.without_needless", lambda invariant, _settings: invariant[:2])
    derivation = derive(backed(), QUICK, 60)
    assert (derivation.verdict, derivation.reason) == (Verdict.UNKNOWN, NOT_CERTIFIED)


@pytest.mark.long
def test_comparison_notices_missing_conjuncts_on_either_side(system: System, found: list[z3.BoolRef]) -> None:
    hand = by_hand(system)
    ours, theirs = compared(system, found, hand, QUICK)
    beyond = ["domctl_lock <= 0"]
    assert [c.text for c in ours if c.implied is not Verdict.PROVED] == beyond
    assert [c.implied for c in theirs if c.invariant == "aggregates-agree.free"] == [Verdict.PROVED]
    poorer = [c for c in found if "total_avail_pages" not in readable(c)]
    _, theirs = compared(system, poorer, hand, QUICK)
    assert [c.implied for c in theirs if c.invariant == "aggregates-agree.free"] == [Verdict.REFUTED]
    del hand["aggregates-agree.free"]
    ours, _ = compared(system, found, hand, QUICK)
    lost = [c.text for c in ours if c.implied is Verdict.REFUTED and c.text not in beyond]
    assert lost
    assert all("total_avail_pages" in text for text in lost)
    assert {c.implied for c in theirs if "anonymous" in c.text} == {Verdict.NOT_APPLICABLE}


def test_mistaken_model_has_no_invariant() -> None:
    derivation = derive(backed(mutation="no-recall"), QUICK, 60)
    assert (derivation.verdict, derivation.reason, derivation.spacers) == (Verdict.UNKNOWN, LEFT_OPEN, [])


def test_properties_with_equal_conditions_are_shown_together() -> None:
    named = [t.name for t in targets("claim-sets", [*BACKED, "entitlement"], 2, 1)]
    conditions = "limit-not-lowered+no-claim-in-flight+requests-within-limit"
    assert named == [
        "claim-sets/node-backed,aggregates-agree/2x1",
        "claim-sets/host-backed,aggregates-agree+legacy-check-in-lock/2x1",
        f"claim-sets/entitlement+{conditions}/2x1",
    ]
    followed = System(targets("claim-sets", ["entitlement-without-limbo"], 1, 1)[0]).followed
    assert {"tot_pages", "max_pages", "limbo_pages", "is_created"} <= set(followed)


def test_clauses_are_readable() -> None:
    a, b, c = z3.Ints("a b c")
    assert readable(z3.Not(a - b <= -1)) == "b <= a"
    assert readable(z3.Not(-1 * a + b >= 1)) == "b <= a"
    assert readable(z3.Not(a + -1 * b >= 2)) == "a <= b + 1"
    assert readable(z3.Or(z3.Not(a == b), a + b <= 0, z3.Bool("f"))) == "a != b or a + b <= 0 or f"
    assert readable(z3.Not(z3.Or(a <= 0, b >= 0))) == "a >= 1 and b + 1 <= 0"
    assert [text for text, _ in paired([a - b <= 0, z3.Not(a - b <= -1), c >= 0])] == ["a = b", "c >= 0"]
    assert conjuncts(z3.And(a > 0, z3.And(b > 0, z3.BoolVal(True)))) == [a > 0, b > 0]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        pytest.param(
            ["--derive", "1x1", "--property", "node-backed"], 0, "36 of 36 questions proved", marks=pytest.mark.long
        ),
        pytest.param(["--derive", "2x2", "--seconds", "1"], 3, "not found in 1 s", marks=pytest.mark.long),
        (["--derive", "1x1", "--property", "node-backed", "--mutate", "no-recall"], 3, LEFT_OPEN),
        (["--derive", "1x1", "--property", "unclaimed-only"], 2, "'unclaimed-only' is not"),
        (["--derive", "1"], 2, "NODESxDOMAINS"),
        (["--derive", "1x1", "--hosts", "2x2"], 2, "--derive takes only"),
    ],
)
def test_command_exit_codes_and_messages(arguments: list[str], code: int, text: str) -> None:
    outcome = CliRunner().invoke(prove, [*arguments, "--jobs", "1"])
    assert outcome.exit_code == code, outcome.output
    assert text in outcome.output


@pytest.mark.long
def test_json_has_versions_limits_and_the_invariant() -> None:
    outcome = CliRunner().invoke(prove, ["--derive", "1x1", "--property", "node-backed", "--jobs", "1", "--json"])
    found = json.loads(outcome.output)
    assert {"z3", "python", "claimcheck"} <= set(found["versions"])
    assert (found["seed"], found["seconds"], found["asked"]) == (0, 300, 1)
    assert "node_outstanding_claims" in found["invariants"][0]["smtlib"]


def test_section_of_the_evidence_is_complete() -> None:
    found = section.collected(EvidenceRequest(properties=["node-backed"], jobs=1))
    assert not isinstance(found, SkippedSection)
    assert found.ok
    assert [row[:2] for row in found.tables[0].rows] == [["claim-sets/node-backed/1x1", "proved"]]
    nothing = section.collected(EvidenceRequest(properties=["lock-order"], jobs=1))
    assert isinstance(nothing, SkippedSection)


@pytest.mark.long
def test_ctrl_c_keeps_results_and_starts_no_new_work() -> None:
    command = [sys.executable, "-m", "proofs.cli.main", "prove", "--derive", "1x1", "--derive", "2x2", "--jobs", "2"]
    program = subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    time.sleep(15)
    os.killpg(program.pid, signal.SIGINT)
    out, err = program.communicate(timeout=60)
    assert program.returncode == 3, err
    assert re.search(r"interrupted after [0-7] of 8 invariants", err)
    assert "Traceback" not in err + out


@pytest.mark.long
@pytest.mark.parametrize(("nodes", "domains"), [(2, 1), (1, 2), (2, 2)])
def test_invariants_of_larger_hosts_are_certified(nodes: int, domains: int) -> None:
    derivation = derive(backed(nodes, domains), QUICK, 300)
    assert derivation.verdict is Verdict.PROVED
    of_destroyed = {"all-claims-counted", "destroyed-empty", "dead-hold-no-node-claims"}
    of_numbers = {"non-negative", "sums-non-negative", "no-wrap.domain-counters", "claims-within-aggregates"}
    assert less(derivation).keys() <= of_numbers | of_destroyed
