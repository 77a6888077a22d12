"""Nothing is proved of nothing, and what is dropped is missed."""

import pickle

import pytest

from proofs.prover.vacuity import Vacuity, vacuity
from tests.once import once_in_a_run


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Vacuity]:
    made = once_in_a_run(tmp_path_factory, "vacuity", lambda: pickle.dumps(vacuity("claim-sets", 1)))
    return {v.transition: v for v in pickle.loads(made)}


def test_every_obligation_has_a_witness(found: dict[str, Vacuity]) -> None:
    assert [v.vacuous + v.undecided for v in found.values() if v.vacuous or v.undecided] == []
    assert all(v.satisfiable and v.witness for v in found.values())


def test_host_node_and_installer_checks_are_needed(found: dict[str, Vacuity]) -> None:
    assert {"guard:host-check", "guard:node-check"} <= set(found["alloc_heap_pages"].needed)
    assert {"guard:nodes-once", "guard:first-fits-node", "guard:host-has-room"} <= set(found["claim_memory"].needed)


def test_some_property_needs_every_counter_update(found: dict[str, Vacuity]) -> None:
    assert [(v.transition, u) for v in found.values() for u in v.not_needed if u.startswith("update:")] == []
