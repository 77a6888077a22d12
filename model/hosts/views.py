"""Quantifiers of the parametric host, in assumptions or in goals."""

from copy import copy

from model.encoding import Lemmas, OneIndex, Quantifiers, TwoIndices, Vector
from model.hosts.bounded import NoLemmas
from model.hosts.parametric import ParametricHost
from model.hosts.summed import DOMAIN, NODE
from model.logic import Term, all_of, negation


class FreshConstants:
    """The numbered constants that stand for a counterexample, or for an example that is assumed."""

    def __init__(self, host: ParametricHost, label: str) -> None:
        self._host = host
        self._label = label
        self._number = 0

    def restart(self) -> None:
        """Start over: the same constants in the same order."""
        self._number = 0

    def new(self, sort: str) -> Term:
        """The next one."""
        self._number += 1
        return self._host.index(sort, f"{self._label}.{sort}{self._number}", main=True)


class View:
    """Quantifiers of the parametric host, in an assumption or in a goal.

    A goal uses the lemmas that its proof may need; an assumption uses none.
    """

    def __init__(self, host: ParametricHost, assumed: bool) -> None:
        self._host = host
        self._assumed = assumed
        self._lemmas: Lemmas = NoLemmas() if assumed else host
        self._constants = FreshConstants(host, "assumed" if assumed else "shown")

    def restart(self) -> None:
        """Build the same assumptions again: the same fresh constants in the same order."""
        self._constants.restart()

    @property
    def dual(self) -> Quantifiers:
        """The view for a statement under a negation: an assumption becomes a goal, and vice versa."""
        dual = copy(self)
        dual._assumed = not self._assumed
        return dual

    def one_node(self) -> Term:
        """Whether the host has a single node."""
        return self._host.one_node()

    def domain_count(self) -> Term:
        """The number of domain ids."""
        return self._host.domain_count()

    # -- quantifiers

    def _every(self, sort: str, statement: OneIndex, assumed: bool) -> Term:
        if assumed:
            return all_of([statement(i) for i in self._host.indices(sort)])
        return statement(self._constants.new(sort))

    def every_node(self, statement: OneIndex) -> Term:
        """For all nodes."""
        return self._every(NODE, statement, self._assumed)

    def some_node(self, statement: OneIndex) -> Term:
        """For at least one node: it does not fail for all nodes."""
        return negation(self._every(NODE, lambda n: negation(statement(n)), not self._assumed))

    def every_domain(self, statement: OneIndex) -> Term:
        """For all domains."""
        return self._every(DOMAIN, statement, self._assumed)

    def every_cell(self, statement: TwoIndices) -> Term:
        """For all (domain, node)."""
        if self._assumed:
            return all_of([statement(d, n) for d, n in self._host.cells()])
        return statement(self._constants.new(DOMAIN), self._constants.new(NODE))

    # -- lemmas

    def sums_ordered(self, low: Vector, high: Vector) -> None:
        """Use the lemma in a goal."""
        self._lemmas.sums_ordered(low, high)

    def positive_somewhere(self, vector: Vector) -> None:
        """Use the lemma in a goal."""
        self._lemmas.positive_somewhere(vector)

    def entry_within_sum(self, vector: Vector, index: Term) -> None:
        """Use the lemma in a goal."""
        self._lemmas.entry_within_sum(vector, index)

    def sums_equal(self, a: Vector, b: Vector, below: Term | None = None) -> None:
        """Use the lemma in a goal."""
        self._lemmas.sums_equal(a, b, below)

    def none_below(self, vector: Vector, index: Term) -> None:
        """Use the lemma in a goal."""
        self._lemmas.none_below(vector, index)

    def not_negative_below(self, vector: Vector, index: Term) -> None:
        """Use the lemma in a goal."""
        self._lemmas.not_negative_below(vector, index)

    def prefix_within(self, vector: Vector, index: Term, below: Term) -> None:
        """Use the lemma in a goal."""
        self._lemmas.prefix_within(vector, index, below)

    def sum_bounded(self, vector: Vector, most: int) -> None:
        """Use the lemma in a goal."""
        self._lemmas.sum_bounded(vector, most)
