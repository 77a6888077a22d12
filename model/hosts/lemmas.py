"""The lemmas about sums that parametric proofs use.

A lemma states: if `premise(w)` holds for all 0 <= w < m, then `conclusion(m)` holds. A proof uses it as
"`conclusion(bound)` holds, or some witness below the bound violates the premise", so that the premise is proved and
never assumed. The lemma is proved by induction on m (`induction`) from the two facts that define a prefix sum: it is 0
at 0, and grows at k by the entry at k.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import z3

from model.logic import Term, all_of, choose, implies, minimum, positive_part, total_of


@dataclass(frozen=True)
class SummableSequence:
    """A vector of any length with its prefix sums: `prefix(m)` is the sum of the entries below m."""

    entry: Callable[[Term], Term]
    prefix: Callable[[Term], Term]


@dataclass(frozen=True)
class Lemma:
    """A premise on every index below m, and what follows for m."""

    name: str
    sentence: str
    premise: Callable[[Term], Term]
    conclusion: Callable[[Term], Term]
    vectors: Sequence[SummableSequence]

    def induction(self) -> list[tuple[str, list[Term], Term]]:
        """The proof of the lemma: (case, assumptions, goal) for base and step."""
        k = z3.Int("k")
        grows = [v.prefix(k + 1) == v.prefix(k) + v.entry(k) for v in self.vectors]
        starts = [v.prefix(z3.IntVal(0)) == 0 for v in self.vectors]
        step = [k >= 0, self.premise(k), self.conclusion(k), *grows]
        return [("base", starts, self.conclusion(z3.IntVal(0))), ("step", step, self.conclusion(k + 1))]


class UnprovedLemmaError(ValueError):
    """Induction does not prove a lemma."""


_proved: dict[tuple[int, int], tuple[Term, Term]] = {}
"""The lemmas proved so far, by the ids of their terms. The terms are kept: an id must not outlive its term."""


def require(lemma: Lemma) -> None:
    """Prove this formula by induction, unless it is proved already.

    :raises UnprovedLemmaError: induction does not prove it
    """
    k = z3.Int("k")
    statement = lemma.premise(k), lemma.conclusion(k)
    key = statement[0].get_id(), statement[1].get_id()
    if key in _proved:
        return
    for case, assumptions, goal in lemma.induction():
        solver = z3.SimpleSolver()
        solver.set("ctrl_c", False)  # Z3 would take Ctrl-C for itself, and the lemma would count as not shown
        solver.add(*assumptions, z3.Not(goal))
        if solver.check() != z3.unsat:
            raise UnprovedLemmaError(f"{lemma.name}: not proved by induction: the {case} case fails")
    _proved[key] = statement


def changed_at(before: SummableSequence, after: SummableSequence, index: Term) -> Lemma:
    """Vectors equal except at one index: the sums differ by the difference there."""

    def difference(m: Term) -> Term:
        inside = all_of([index >= 0, index < m])
        return choose(inside, after.entry(index) - before.entry(index), 0)

    return Lemma(
        "sum-changed-at",
        "vectors equal except at one index have sums that differ by the difference there",
        lambda w: implies(w != index, before.entry(w) == after.entry(w)),
        lambda m: after.prefix(m) == before.prefix(m) + difference(m),
        [before, after],
    )


def equal_sums(a: SummableSequence, b: SummableSequence) -> Lemma:
    """Vectors equal everywhere have equal sums."""
    return Lemma(
        "sum-equal",
        "vectors equal everywhere have equal sums",
        lambda w: a.entry(w) == b.entry(w),
        lambda m: a.prefix(m) == b.prefix(m),
        [a, b],
    )


def ordered_sums(low: SummableSequence, high: SummableSequence) -> Lemma:
    """A vector nowhere above another has a sum not above the other's."""
    return Lemma(
        "sum-ordered",
        "a vector nowhere above another has a sum not above the other's",
        lambda w: low.entry(w) <= high.entry(w),
        lambda m: low.prefix(m) <= high.prefix(m),
        [low, high],
    )


def entry_within(vector: SummableSequence, index: Term) -> Lemma:
    """Without negative entries, every entry is at most the sum, which is not negative."""

    def conclusion(m: Term) -> Term:
        inside = all_of([index >= 0, index < m])
        return all_of([vector.prefix(m) >= 0, implies(inside, vector.entry(index) <= vector.prefix(m))])

    return Lemma(
        "entry-within-sum",
        "without negative entries, every entry is at most the sum, which is not negative",
        lambda w: vector.entry(w) >= 0,
        conclusion,
        [vector],
    )


def prefix_within(vector: SummableSequence, index: Term) -> Lemma:
    """Without negative entries, the sum up to and including an index is at most the sum below a later one."""
    here = vector.prefix(index) + vector.entry(index)
    return Lemma(
        "prefix-within",
        "without negative entries, the sum up to and including an index is at most the sum below a later one",
        lambda w: vector.entry(w) >= 0,
        lambda m: implies(all_of([index >= 0, index < m]), here <= vector.prefix(m)),
        [vector],
    )


def bounded_sum(vector: SummableSequence, most: Term) -> Lemma:
    """Without entries above a bound, the sum is at most the bound times their number."""
    return Lemma(
        "sum-bounded",
        "without entries above a bound, the sum is at most the bound times their number",
        lambda w: vector.entry(w) <= most,
        lambda m: vector.prefix(m) <= most * m,
        [vector],
    )


def combined_sum(result: SummableSequence, parts: Sequence[tuple[int, SummableSequence]]) -> Lemma:
    """The sum of vectors added and subtracted entry by entry is their sums added and subtracted."""
    signs = "".join("-plus" if sign == 1 else "-minus" for sign, _part in parts)
    return Lemma(
        f"sum-combined{signs or '-of-none'}",
        "the sum of vectors added and subtracted entry by entry is their sums added and subtracted",
        lambda w: result.entry(w) == total_of([sign * part.entry(w) for sign, part in parts]),
        lambda m: result.prefix(m) == total_of([sign * part.prefix(m) for sign, part in parts]),
        [result, *(part for _sign, part in parts)],
    )


def taken(held: SummableSequence, amount: Term, index: Term) -> Term:
    """The amount that `index` contributes when `amount` is taken from `held` in ascending order."""
    return minimum(held.entry(index), positive_part(amount - held.prefix(index)))


def taken_sum(result: SummableSequence, held: SummableSequence, amount: Term) -> Lemma:
    """Taking an amount in ascending order takes exactly the amount, or all there is."""
    return Lemma(
        "sum-taken-ascending",
        "taking an amount in ascending order takes exactly the amount, or all there is",
        lambda w: all_of([held.entry(w) >= 0, result.entry(w) == taken(held, amount, w)]),
        lambda m: implies(
            amount >= 0,
            all_of([held.prefix(m) >= 0, result.prefix(m) == minimum(amount, held.prefix(m))]),
        ),
        [result, held],
    )


def _generic(name: str) -> SummableSequence:
    entry = z3.Function(name, z3.IntSort(), z3.IntSort())
    prefix = z3.Function(f"sum.{name}", z3.IntSort(), z3.IntSort())
    return SummableSequence(entry, prefix)


def all_lemmas() -> list[Lemma]:
    """Every lemma in its general form, over arbitrary vectors."""
    a, b, d = (_generic(name) for name in "abd")
    i, amount = z3.Int("i"), z3.Int("amount")
    return [
        changed_at(a, b, i),
        equal_sums(a, b),
        ordered_sums(a, b),
        entry_within(a, i),
        prefix_within(a, i),
        bounded_sum(a, amount),
        combined_sum(d, []),
        combined_sum(d, [(1, a)]),
        combined_sum(d, [(1, a), (1, b)]),
        combined_sum(d, [(1, a), (-1, b)]),
        taken_sum(b, a, amount),
    ]
