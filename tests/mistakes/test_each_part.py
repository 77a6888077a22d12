"""Every part of every property can fail: a deliberate mistake refutes it, on a bounded host and for any."""

import pytest

from model.properties import PROPERTIES
from proofs.mistakes.in_rules import IN_MODEL
from proofs.mistakes.in_steps import STEPS
from proofs.obligations.mistaken_parts import REFUTED_BY
from proofs.obligations.mistaken_statements import NOTICED_BY
from proofs.obligations.obligation import PARAMETRIC, bounded
from proofs.prover.solve import solve
from proofs.prover.verdict import Settings, Verdict
from tests.sampled import sampled

SETTINGS = Settings(rlimit=20_000_000, cores=False)


def test_every_part_is_in_the_table() -> None:
    assert list(REFUTED_BY) == list(PROPERTIES)


def test_every_mistake_of_a_step_violates_its_named_part() -> None:
    broken = {(refuted.mistake, PROPERTIES[part].id) for part, refuted in REFUTED_BY.items()}
    broken |= {(n.mistake, PROPERTIES[n.part].id) for n in NOTICED_BY.values() if n.part}
    assert {(name, mistake.breaks) for name, mistake in STEPS.items()} - broken == set()


def test_follow_up_part_lacks_an_invariant_of_the_same_mistake() -> None:
    following = [refuted for refuted in REFUTED_BY.values() if refuted.without]
    assert [r for r in following if REFUTED_BY[r.without].mistake != r.mistake] == []
    assert len(following) == 1


@pytest.mark.parametrize("part", sampled(REFUTED_BY, 7))
def test_part_is_refuted_only_with_the_mistake(part: str) -> None:
    refuted = REFUTED_BY[part]
    assert refuted.mistake in IN_MODEL
    for encoding in (bounded(2, 2), PARAMETRIC):
        assert solve(refuted.obligation(part, encoding, spoiled=False), SETTINGS).verdict is Verdict.PROVED
        assert solve(refuted.obligation(part, encoding), SETTINGS).verdict is Verdict.REFUTED
