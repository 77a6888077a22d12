"""The reference against the model, every path: small hosts here, everything in the long run."""

from __future__ import annotations

import os
import signal

import pytest

from model.calls import CALLS, SCRIPTS, Call, Case, cases
from model.named import GENERATIONS
from model.properties import PROPERTIES
from proofs.diff.operations import OPERATIONS
from proofs.diff.run import SIZES, OperationResult, Space, assumed_of, ordered, row, tasks, work
from proofs.diff.stashes import WITHIN
from proofs.diff.symmetry import Exchange
from proofs.diff.unknowns import Unknowns
from proofs.diff.world import Size
from proofs.prover.induction import induction
from proofs.prover.verdict import Verdict
from tests.sampled import sampled


def test_every_operation_of_the_model_has_plans() -> None:
    assert set(OPERATIONS) | set(WITHIN) == {*CALLS, *SCRIPTS}
    assert not set(OPERATIONS) & set(WITHIN)


@pytest.mark.parametrize(("call", "operation"), sampled(WITHIN.items(), 3))
def test_call_without_plans_is_made_within_another(call: str, operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: set[str] = set()

    def noted(section: Call, name: str, **arguments: object) -> list[Case]:
        made.add(name)
        return cases(section, name, **arguments)

    monkeypatch.setattr("proofs.diff.played.cases", noted)
    assert row(Space(Size(1, 1)), "mainline-4.22", operation).verdict is Verdict.PROVED
    assert call in made


LACKING = "get_memory_claims"
"""An operation that claim sets do not have."""


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.long)])
def test_claim_sets_match_on_one_node_and_domain(every: int) -> None:
    space = Space(Size(1, 1))
    names = [name for number, name in enumerate(OPERATIONS) if number % every == 0 or name == LACKING]
    rows = [row(space, "claim-sets", name) for name in names]
    assert {r.operation for r in rows if r.verdict is not Verdict.PROVED} == {LACKING}
    assert all(r.paths > 0 for r in rows if r.verdict is Verdict.PROVED)
    assert sum(r.verdict is Verdict.PROVED for r in rows) == len(names) - 1 > 4


@pytest.mark.parametrize(
    ("semantics", "operation"),
    sampled(
        [
            ("claim-sets", "alloc_heap_pages"),
            ("single-node-v1", "claim_pages_check"),
            ("claim-sets-v3", "get_memory_claims"),
            ("legacy-2013", "release_ownership"),
            ("per-node-v8", "claim_memory"),
            ("claim-sets-v7", "claim_memory"),
            ("mainline-4.22", "get_stashed_allocation"),
            ("claim-sets-hardened", "stash_allocation"),
            ("legacy-2013", "assign_pages"),
            ("claim-sets", "put_domain"),
        ],
        keep=[
            ("legacy-2013", "release_ownership"),
            ("per-node-v8", "claim_memory"),
            ("mainline-4.22", "get_stashed_allocation"),
        ],
    ),
)
def test_claim_sets_match_on_two_nodes_and_domains(semantics: str, operation: str) -> None:
    found = row(Space(Size(2, 2)), semantics, operation)
    assert found.verdict is Verdict.PROVED, found.reason or found.difference


def test_symmetry_reduces_plans_only_where_it_is_proved() -> None:
    found = row(Space(Size(1, 2)), "claim-sets", "set_outstanding_pages")
    assert (found.plans, found.by_symmetry) == (3, 1), "and one for a destroyed domain"
    recalled = row(Space(Size(1, 2)), "claim-sets", "offline_page")
    assert recalled.by_symmetry == 0


def test_exchange_swaps_the_names_of_two_domains() -> None:
    exchange = Exchange(Unknowns(Size(2, 2)), 0, 1)
    assert exchange.name("claims[0][1]") == "claims[1][1]"
    assert exchange.name("node_avail_pages[0]") == "node_avail_pages[0]"


def test_undecided_path_is_unknown() -> None:
    space = Space(Size(2, 2), rlimit=1)
    assert row(space, "claim-sets", "install_claim_set").verdict is Verdict.UNKNOWN


def test_generations_share_explored_paths() -> None:
    space = Space(Size(1, 1))
    first, second = (row(space, name, "install_claim_set") for name in ("claim-sets", "claim-sets-no-recall"))
    assert second.paths == first.paths
    assert second.queries == 0


def test_assumptions_are_promised_invariants() -> None:
    for name, semantics in GENERATIONS.items():
        support = {assumed for assumed in assumed_of(name) if PROPERTIES[assumed].support}  # checked below
        assert set(assumed_of(name)) - support <= set(semantics.invariants), name


@pytest.mark.long
@pytest.mark.parametrize("semantics", GENERATIONS)
def test_assumptions_are_inductive_in_every_generation(semantics: str) -> None:
    assert set(assumed_of(semantics)) <= set(induction(semantics).kept)


def test_ctrl_c_keeps_finished_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def then_interrupted(*arguments: object) -> OperationResult:
        done = row(*arguments)
        os.kill(os.getpid(), signal.SIGINT)
        return done

    monkeypatch.setattr("proofs.diff.run.row", then_interrupted)
    before = signal.getsignal(signal.SIGINT)
    (task,) = tasks(["claim-sets", "claim-sets-v3", "legacy-2013"], ["mark_dying"], [Size(1, 1)])
    assert [r.semantics for r in work(task)] == ["claim-sets"]
    assert signal.getsignal(signal.SIGINT) is before


def listed(rows: list[OperationResult]) -> list[str]:
    return [f"{r.semantics} {r.operation} {r.size} {r.verdict.value} {r.reason}" for r in rows]


@pytest.mark.long
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_operation_of_every_generation_matches(size: Size) -> None:
    rows = ordered(r for task in tasks(list(GENERATIONS), list(OPERATIONS), [size]) for r in work(task))
    wrong = [r for r in rows if r.verdict in (Verdict.REFUTED, Verdict.UNKNOWN)]
    assert not listed(wrong)
    assert len(rows) == len(GENERATIONS) * len(OPERATIONS)
