"""Lemmas are proved by induction; with a premise taken away the induction breaks."""

from dataclasses import replace

import pytest
import z3

from model.hosts import lemmas
from model.hosts.lemmas import Lemma, UnprovedLemmaError, all_lemmas, require
from model.hosts.parametric import ParametricHost

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


def test_false_lemma_under_a_proved_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    right = lemmas.ordered_sums

    def larger(low: lemmas.SummableSequence, high: lemmas.SummableSequence) -> Lemma:
        return replace(right(low, high), conclusion=lambda m: low.prefix(m) < high.prefix(m))

    host = ParametricHost()
    state = host.state()
    host.sums_ordered(state.node_outstanding_claims, state.node_avail_pages)
    monkeypatch.setattr(lemmas, "ordered_sums", larger)
    other = ParametricHost()
    with pytest.raises(UnprovedLemmaError, match="sum-ordered"):
        other.sums_ordered(state.node_outstanding_claims, state.node_avail_pages)


@pytest.mark.parametrize("lemma", LEMMAS.values(), ids=LEMMAS)
def test_lemma_without_its_premise_is_refused(lemma: Lemma) -> None:
    require(lemma)
    with pytest.raises(UnprovedLemmaError, match=lemma.name):
        require(replace(lemma, premise=lambda _w: z3.BoolVal(True)))


def one_more(lemma: Lemma) -> Lemma:
    """Of each sum one page more: a step keeps that, and of no entries it is false."""
    return replace(lemma, conclusion=lambda m: lemma.vectors[0].prefix(m) == lemma.vectors[1].prefix(m) + 1)


def test_lemma_that_fails_at_the_start_is_refused() -> None:
    with pytest.raises(UnprovedLemmaError, match="the base case"):
        require(one_more(LEMMAS["sum-equal-2"]))


def test_lemma_about_another_vector_is_refused() -> None:
    """A prefix sum grows by the entries of its own vector."""
    lemma = LEMMAS["sum-equal-2"]
    with pytest.raises(UnprovedLemmaError, match="the step case"):
        require(replace(lemma, premise=lambda w: lemma.vectors[0].entry(w) >= 0))
