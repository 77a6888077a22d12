"""Nothing is proved of nothing, and what is dropped is missed."""

import pickle

import pytest

from proofs.prover.vacuity import Vacuity, examine, examined_obligations, vacuity
from proofs.prover.verdict import Settings
from tests.once import once_in_a_run

FEW = ("claim_memory", "alloc_heap_pages", "set_max_pages")
"""Transitions that differ in kind, for the default run."""


@pytest.fixture(scope="module", params=["few", pytest.param("all", marks=pytest.mark.long)])
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Vacuity]:
    def examined() -> list[Vacuity]:
        if request.param == "all":
            return vacuity("claim-sets", 1)
        groups = examined_obligations("claim-sets")
        return [examine(groups[transition], Settings()) for transition in FEW]

    made = once_in_a_run(tmp_path_factory, f"vacuity-{request.param}", lambda: pickle.dumps(examined()))
    return {v.transition: v for v in pickle.loads(made)}


def test_every_obligation_has_a_witness(found: dict[str, Vacuity]) -> None:
    assert set(FEW) <= set(found)
    assert [v.vacuous + v.undecided for v in found.values() if v.vacuous or v.undecided] == []
    assert all(v.satisfiable and v.witness for v in found.values())


def test_host_node_and_installer_checks_are_needed(found: dict[str, Vacuity]) -> None:
    assert {"guard:host-check", "guard:node-check"} <= set(found["alloc_heap_pages"].needed)
    assert {"guard:nodes-once", "guard:first-fits-node", "guard:host-has-room"} <= set(found["claim_memory"].needed)


def test_some_property_needs_every_counter_update(found: dict[str, Vacuity]) -> None:
    assert [(v.transition, u) for v in found.values() for u in v.not_needed if u.startswith("update:")] == []
