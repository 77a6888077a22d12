"""A few mutants, each killed by the check that is there for it, and equal ones found to be equal."""

from functools import partial

import pytest

from model.generations.generation import INVARIANTS
from proofs.evidence.mutants import Ending, MutantVerdict
from proofs.fuzz.known import GenerationFacts
from proofs.prover.solve import solve
from proofs.prover.verdict import Settings, Verdict
from tests.mutants import on_every_path, on_model, on_reference
from tests.mutants.forked import forked
from tests.mutants.mutant import CompiledMutant, of_module, put
from tests.mutants.run import Judge, judged

GENERATIONS = "claim-sets"


def _known(name: str) -> GenerationFacts:
    return GenerationFacts(name, [], {})


def _find(side: str, name: str) -> CompiledMutant:
    return next(m for m in of_module(name.partition(":")[0], side) if m.mutant.name == name)


def _by(judge: Judge, side: str, names: list[str]) -> dict[str, MutantVerdict]:
    return {r.mutant.name: r.judged for r in judged(judge, [_find(side, name) for name in names], 1)}


OF_REFERENCE = {
    "reference.claims:redeem_claims_for_allocation do-twice 1": "replay",
    "reference.claims:deduct_node_claims drop-update 5": "state checker",
    "reference.page_alloc:alloc_heap_pages plus-minus 1": "replay",
    "reference.hypercalls:claim_pages off-by-one 1": "fuzz",
    "reference.page_alloc:offline_page drop-lock 1": "lock order",
}
OF_MODEL = {
    "model.rules:redeem_node_global_others forget-limit 1": "prove",
    "model.operations.ledger:reach_heap drop-update 1": "prove",
    "model.operations.claiming:_one_claim other-comparison 3": "diff",
    "model.operations.allocating:assign_pages wrong-errno 1": "diff",
    "model.operations.domains:mark_dying drop-update 1": "diff",
}


FEW = ["assign_pages", "mark_dying"]
"""Operations of the reference whose paths are explored here: preparing all takes longer than everything else."""
NEEDS_PATHS_OF_CLAIMING = "model.operations.claiming:_one_claim other-comparison 3"


@pytest.fixture(params=["few", pytest.param("and claiming", marks=pytest.mark.long)])
def claiming_too(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the paths of `claim_memory`, which are many, are explored as well."""
    more: bool = request.param != "few"
    operations = [*FEW, "claim_memory"] if more else FEW
    monkeypatch.setattr(on_every_path, "reached", partial(on_every_path.reached, operations=operations))
    return more


def test_mutants_of_the_reference_are_killed(claiming_too: bool) -> None:
    prepared = on_reference.prepare([GENERATIONS], _known)
    found = _by(lambda made, report: on_reference.judge(made, prepared, report), "reference", list(OF_REFERENCE))
    assert {name: one.by for name, one in found.items()} == OF_REFERENCE


def test_mutants_of_the_model_are_killed(claiming_too: bool) -> None:
    asked = [
        on_model.Promise(name, transition, ())
        for name, transition in (
            ("node-backed", "alloc_heap_pages"),
            ("redeemed-once.exact", "alloc_heap_pages"),
            ("aggregates-agree.free", "alloc_heap_pages"),
            ("all-claims-counted", "set_outstanding_pages"),
        )
    ]
    shown = on_model.Baseline({GENERATIONS: list(INVARIANTS)}, {GENERATIONS: asked})
    for promise in asked:
        assert solve(on_model.asked(GENERATIONS, promise, shown), Settings()).verdict is Verdict.PROVED
    prepared = on_model.prepare(shown, _known)
    wanted = {name: by for name, by in OF_MODEL.items() if claiming_too or name != NEEDS_PATHS_OF_CLAIMING}
    found = _by(lambda made, report: on_model.judge(made, prepared, report), "model", list(wanted))
    assert {name: one.by for name, one in found.items()} == wanted


def _for_ever(item: int, report: object) -> str:
    report.stage("a stage", 1)  # type: ignore[attr-defined]
    while item == 1:
        pass
    return "done"


def test_only_endless_work_is_ended_by_the_limit() -> None:
    found = {
        item: (ended.answer and bytes(ended.answer), ended.by_limit) for item, ended in forked(_for_ever, [0, 1, 2], 2)
    }
    assert found == {0: (b'"done"', False), 1: (None, True), 2: (b'"done"', False)}


def test_mutants_do_not_change_this_process() -> None:
    from reference.claims import deduct_node_claims

    before = deduct_node_claims.__code__
    list(
        forked(
            lambda made, _report: put(made),
            [_find("reference", "reference.claims:deduct_node_claims drop-update 1")],
            1,
        )
    )
    assert deduct_node_claims.__code__ is before


def test_all_paths_distinguish_survivors_from_equivalents() -> None:
    """What few random traces do not reach, a block of the largest order, is an input like any other there."""
    names = [
        "reference.page_alloc:alloc_heap_pages other-comparison 1",
        "reference.hypercalls:max_mem other-comparison 1",
    ]
    paths = on_every_path.reached("reference", [GENERATIONS], ["alloc_heap_pages", "max_mem"])
    nothing = MutantVerdict(Ending.SURVIVED, "")
    found = _by(lambda made, _report: _on_every_path(made, paths) or nothing, "reference", names)
    assert [(found[name].ending, found[name].by) for name in names] == [
        (Ending.KILLED, "diff"),
        (Ending.EQUIVALENT, "diff"),
    ]


def _on_every_path(made: CompiledMutant, paths: on_every_path.ReachingOperations) -> MutantVerdict | None:
    put(made)
    return on_every_path.judged(made.mutant, paths)
