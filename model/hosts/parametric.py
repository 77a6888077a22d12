"""Any number of nodes and domains: uninterpreted counters, prefix sums, and quantifiers instantiated by hand.

A vector is an uninterpreted function with an uninterpreted prefix sum (`model.hosts.summed`). An assumed quantifier is
instantiated at every index term of the obligation; a quantifier to prove gets a fresh constant (`model.hosts.views`).
Facts about sums come only from `model.hosts.lemmas`, whose witnesses are index terms too. The result is
quantifier-free: unsat is a proof for every host; sat may be spurious, and a bounded host then decides.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

import z3

from model.boot import NOT_ZERO
from model.encoding import OneIndex, Vector
from model.hosts import lemmas
from model.hosts.lemmas import Lemma, SummableSequence
from model.hosts.summed import DOMAIN, NODE, SummedGrid, SummedVector, applied, integer, key_of, summed
from model.logic import Term, all_of, any_of, choose, minimum, negation, positive_part, same, total_of
from model.state import AFTER, FIELDS, FieldInfo, Shape, State
from model.step import CellUpdate, ColumnUpdate, EntryUpdate, RowUpdate, Step, Update, WholeUpdate


class ParametricHost:
    """The host of one obligation: its index terms, the lemmas used so far, and the definitions made."""

    def __init__(self) -> None:
        self.nodes, self.domains = integer("nodes"), integer("domains")
        self.axioms: list[Term] = [self.nodes >= 1, self.domains >= 1]
        self.lemmas_used: list[str] = []
        self._terms: dict[str, dict[str, Term]] = {NODE: {}, DOMAIN: {}}
        self._main: dict[str, dict[str, Term]] = {NODE: {}, DOMAIN: {}}
        self._definitions: list[tuple[str, OneIndex]] = []
        self._lemma_keys: set[tuple[str, int]] = set()
        self._derived: dict[Hashable, tuple[SummedVector, object]] = {}
        self._fresh = 0

    # -- index terms

    def bound(self, sort: str) -> Term:
        """The number of nodes or of domains."""
        return self.nodes if sort == NODE else self.domains

    def inside(self, sort: str, index: Term) -> Term:
        """The index is that of a node or domain of the host."""
        return all_of([index >= 0, index < self.bound(sort)])

    def index(self, sort: str, name: str, main: bool) -> Term:
        """An index term: `main`, or only a witness."""
        term = self._terms[sort].get(name)
        if term is None:
            term = self._terms[sort][name] = integer(name)
            # There is at least one node and one domain, so a constant that stands for an example or a
            # counterexample may be assumed to be in range, even if there is no such example.
            self.axioms.append(self.inside(sort, term))
            if main:
                self._main[sort][name] = term
        return term

    def term_count(self) -> int:
        """How many index terms there are; grows while an obligation is being built."""
        return sum(len(terms) for terms in self._terms.values())

    def indices(self, sort: str) -> list[Term]:
        """The index terms of a sort."""
        return list(self._terms[sort].values())

    def cells(self) -> Iterator[tuple[Term, Term]]:
        """The (domain, node) pairs to instantiate: at least one of the two is not only a witness."""
        for d_name, d in self._terms[DOMAIN].items():
            for n_name, n in self._terms[NODE].items():
                if d_name in self._main[DOMAIN] or n_name in self._main[NODE]:
                    yield d, n

    def fresh(self, sort: str, hint: str, main: bool = True) -> Term:
        """A new index term."""
        self._fresh += 1
        return self.index(sort, f"{hint}!{self._fresh}", main)

    # -- arguments and derived vectors (protocol Encoding)

    def one_node(self) -> Term:
        """Open: the number of nodes is unknown."""
        return self.nodes == 1

    def domain_count(self) -> Term:
        """The unknown number of domains."""
        return self.domains

    def domain(self, name: str) -> Term:
        """A domain id of the host."""
        return self.index(DOMAIN, name, main=True)

    def node(self, name: str) -> Term:
        """A node of the host."""
        return self.index(NODE, name, main=True)

    def pages(self, name: str) -> Term:
        """A page count argument. Its name ends in ``?``: in SMT-LIB it must differ from that of a field."""
        term = z3.Int(f"{name}?")
        self.axioms.append(term >= 0)
        return term

    def flag(self, name: str) -> Term:
        """A truth argument."""
        return z3.Bool(name)

    def vector(self, name: str, sort: str, flag: bool = False) -> SummedVector:
        """An uninterpreted vector."""
        return SummedVector(self, sort, applied(name, 1, flag), applied(f"sum.{name}", 1))

    def pages_by_node(self, name: str) -> SummedVector:
        """A page count argument per node."""
        vector = self.vector(name, NODE)
        self._definitions.append((NODE, lambda n: vector[n] >= 0))
        return vector

    def pages_by_domain(self, name: str) -> SummedVector:
        """A page count argument per domain."""
        vector = self.vector(name, DOMAIN)
        self._definitions.append((DOMAIN, lambda d: vector[d] >= 0))
        return vector

    def _defined(
        self,
        hint: str,
        sort: str,
        made_of: tuple[object, ...],
        definition: OneIndex,
        lemma: Callable[[SummableSequence], Lemma],
    ) -> SummedVector:
        """A derived vector, the same for the same parts. Reading its sum adds the lemma about the sum."""
        key = (hint, sort, *(id(part) if isinstance(part, SummedVector) else key_of(part) for part in made_of))
        if key not in self._derived:
            # The parts are kept: the key is made of their addresses and must not outlive them.
            self._derived[key] = (self._newly_defined(hint, sort, definition, lemma), made_of)
        return self._derived[key][0]

    def _newly_defined(
        self, hint: str, sort: str, definition: OneIndex, lemma: Callable[[SummableSequence], Lemma]
    ) -> SummedVector:
        self._fresh += 1
        named = self.vector(f"{hint}!{self._fresh}", sort).sequenced
        asked: list[bool] = []

        def define() -> None:
            if not asked:
                asked.append(True)
                self._definitions.append((sort, lambda i: named.entry(i) == definition(i)))
                self.use(lemma(named), sort)

        return SummedVector(self, sort, definition, named.prefix, define, named)

    def replaced(self, vector: Vector, index: Term, value: Term) -> Vector:
        """One entry replaced."""
        old = summed(vector)

        def lemma(new: SummableSequence) -> Lemma:
            old.total()
            return lemmas.changed_at(old.sequenced, new, index)

        changed: OneIndex = lambda i: choose(same(i, index), value, old[i])  # noqa: E731
        return self._defined("replaced", old.sort, (old, index, value), changed, lemma)

    def combined(self, parts: Sequence[tuple[int, Vector]], like: Vector) -> Vector:
        """Vectors added and subtracted."""
        sort = summed(like).sort
        terms = [(sign, summed(part)) for sign, part in parts]

        def lemma(new: SummableSequence) -> Lemma:
            for _sign, part in terms:
                part.total()
            return lemmas.combined_sum(new, [(sign, part.sequenced) for sign, part in terms])

        added: OneIndex = lambda i: total_of([sign * part[i] for sign, part in terms])  # noqa: E731
        return self._defined("combined", sort, tuple(x for part in terms for x in part), added, lemma)

    def taken_ascending(self, held: Vector, amount: Term) -> Vector:
        """The closed form of taking in ascending order."""
        old = summed(held)

        def lemma(new: SummableSequence) -> Lemma:
            old.total()
            return lemmas.taken_sum(new, old.sequenced, amount)

        def taken(i: Term) -> Term:
            old.total()
            return minimum(old[i], positive_part(amount - old.sequenced.prefix(i)))

        return self._defined("taken", old.sort, (old, amount), taken, lemma)

    # -- lemmas

    def use(self, lemma: Lemma, sort: str, below: Term | None = None) -> None:
        """Instantiate a lemma at the bound or at an index, with a witness that may violate its premise."""
        conclusion = lemma.conclusion(self.bound(sort) if below is None else below)
        key = (lemma.name, conclusion.get_id())
        if key in self._lemma_keys:
            return
        self._lemma_keys.add(key)
        lemmas.require(lemma)
        self.lemmas_used.append(lemma.name)
        witness = self.fresh(sort, "witness", main=False)
        breaks = negation(lemma.premise(witness))
        self.axioms.append(any_of([conclusion, breaks if below is None else all_of([witness < below, breaks])]))

    def sums_ordered(self, low: Vector, high: Vector) -> None:
        """Lemma: low <= high pointwise implies the same for the sums."""
        a, b = summed(low), summed(high)
        a.total(), b.total()
        self.use(lemmas.ordered_sums(a.sequenced, b.sequenced), a.sort)

    def entry_within_sum(self, vector: Vector, index: Term) -> None:
        """Lemma: without negative entries, an entry is at most the sum."""
        v = summed(vector)
        v.total()
        self.use(lemmas.entry_within(v.sequenced, index), v.sort)

    def sums_equal(self, a: Vector, b: Vector, below: Term | None = None) -> None:
        """Lemma: equal entries imply equal sums."""
        one, other = summed(a), summed(b)
        one.total(), other.total()
        self.use(lemmas.equal_sums(one.sequenced, other.sequenced), one.sort, below)

    def none_below(self, vector: Vector, index: Term) -> None:
        """Lemma: if all entries below an index are 0, their sum is 0."""
        v = summed(vector)
        v.total()
        self.use(lemmas.combined_sum(v.sequenced, []), v.sort, index)

    def not_negative_below(self, vector: Vector, index: Term) -> None:
        """Lemma: if no entry below an index is negative, their sum is not negative."""
        v = summed(vector)
        v.total()
        self.use(lemmas.entry_within(v.sequenced, index), v.sort, index)

    def prefix_within(self, vector: Vector, index: Term, below: Term) -> None:
        """Lemma: the sum up to and including an index is at most the sum below a later one."""
        v = summed(vector)
        v.total()
        self.use(lemmas.prefix_within(v.sequenced, index), v.sort, below)

    def sum_bounded(self, vector: Vector, most: int) -> None:
        """Lemma: no entry above a bound implies a sum of at most the bound times their number."""
        v = summed(vector)
        v.total()
        self.use(lemmas.bounded_sum(v.sequenced, most), v.sort)

    def positive_somewhere(self, vector: Vector) -> None:
        """Lemma: if all entries are 0, the sum is 0."""
        v = summed(vector)
        v.total()
        self.use(lemmas.combined_sum(v.sequenced, []), v.sort)

    def definitions(self) -> list[Term]:
        """The definitions of derived vectors, at every index term."""
        return [definition(i) for sort, definition in self._definitions for i in self.indices(sort)]

    # -- states

    def state(self, suffix: str = "") -> State:
        """An arbitrary state."""
        return State(**{info.name: self.field(info, suffix) for info in FIELDS.values()})

    def field(self, info: FieldInfo, suffix: str, watch: Any = None) -> Any:
        """An uninterpreted field. Reading one of its sums calls `watch`."""
        name = info.name + suffix
        if info.shape is Shape.HOST:
            return integer(name)
        if info.shape is Shape.CELL:
            return SummedGrid(self, name, watch)
        sort = NODE if info.shape is Shape.NODE else DOMAIN
        vector = self.vector(name, sort, info.flag)
        if watch is not None:
            vector._on_total = lambda: watch("", None)
        return vector

    def boot_state(self) -> State:
        """A state for which reading a sum adds the lemma about vectors of zeros."""
        values: dict[str, Any] = {}
        for info in FIELDS.values():
            if info.name in NOT_ZERO:
                values[info.name] = self.field(info, "")
                continue

            def zero(part: str, index: Term, name: str = info.name) -> None:
                vector = getattr(values[name], part)(index) if part else values[name]
                self.use(lemmas.combined_sum(vector.sequenced, []), vector.sort)

            values[info.name] = self.field(info, "", zero)
        self.entry_within_sum(values["node_avail_pages"], 0)
        return State(**values)

    def after(self, step: Step) -> State:
        """The state after a step: updated fields are new, related to the old ones by sum lemmas."""
        values = {}
        for info in FIELDS.values():
            value = getattr(step.before, info.name)
            update = step.updates.get(info.name)
            if update is not None:
                related = _UpdateLemmas(self, value, update)
                new = self.field(info, AFTER, related.relate)
                related.after = new
                value = new
            values[info.name] = value
        return State(**values)


class _UpdateLemmas:
    """Adds the lemmas that relate the sums of an updated field to those before, when a sum is read."""

    def __init__(self, host: ParametricHost, before: Any, update: Update) -> None:
        self.host, self.before, self.update = host, before, update
        self.after: Any = None
        self._done: set[str] = set()

    def relate(self, part: str, index: Term) -> None:
        key = f"{part} {index}"
        if key in self._done:
            return
        self._done.add(key)
        old, new = self.before, self.after
        if part:
            old, new = getattr(old, part)(index), getattr(new, part)(index)
        update, use = self.update, self.host.use
        values: Vector | None = None
        if isinstance(update, WholeUpdate):
            values = update.value
        elif (isinstance(update, RowUpdate) and part == "row") or (
            isinstance(update, ColumnUpdate) and part == "column"
        ):
            values = update.values
        if values is not None:
            values = summed(values)
            values.total()
            use(lemmas.equal_sums(new.sequenced, values.sequenced), new.sort)
            if isinstance(update, WholeUpdate):
                return
        use(lemmas.changed_at(old.sequenced, new.sequenced, self._touched(part)), new.sort)

    def _touched(self, part: str) -> Term:
        update = self.update
        if isinstance(update, EntryUpdate):
            return update.index
        if isinstance(update, CellUpdate):
            return update.node if part == "row" else update.domain
        if isinstance(update, RowUpdate) and part == "column":
            return update.domain
        if isinstance(update, ColumnUpdate) and part == "row":
            return update.node
        return z3.IntVal(-1)
