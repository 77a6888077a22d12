"""Lemmas are proved by induction; with a premise taken away the induction breaks."""

from dataclasses import replace

import pytest
import z3

from model.hosts.lemmas import Lemma, all_lemmas

LEMMAS = {f"{lemma.name}-{len(lemma.vectors)}": lemma for lemma in all_lemmas()}


def cases_that_fail(lemma: Lemma) -> list[str]:
    found = []
    for case, assumptions, goal in lemma.induction():
        solver = z3.Solver()
        solver.add(*assumptions, z3.Not(goal))
        if solver.check() != z3.unsat:
            found.append(case)
    return found


@pytest.mark.parametrize("lemma", LEMMAS.values(), ids=LEMMAS)
def test_lemma_is_proved(lemma: Lemma) -> None:
    assert cases_that_fail(lemma) == []


@pytest.mark.parametrize("lemma", LEMMAS.values(), ids=LEMMAS)
def test_lemma_needs_its_premise(lemma: Lemma) -> None:
    assert cases_that_fail(replace(lemma, premise=lambda _w: z3.BoolVal(True))) == ["step"]
