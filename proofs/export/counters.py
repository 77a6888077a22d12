"""The model's state over names instead of values: the counters that exist in the hypervisor, to be written as C.

A vector or grid entry becomes an application of a function of that name, a sum an application of ``sum_...``, and a
quantifier a truth constant, whose body is kept separately. Reading fields that only the model has (ghosts, page
classes) raises an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import z3

from model.encoding import OneIndex, TwoIndices, Vector
from model.logic import Term, all_of
from model.state import FIELDS, Shape, State

FLAGS = ("is_dying",)
"""Flags that the hypervisor has too."""


ORPHANS = ("is_destroyed", "orphaned_claims")
"""What only a destroyed domain has. The hypervisor's loops visit the domains on the list: there, no entry is set."""


class ModelOnlyFieldError(Exception):
    """A statement reads what only the model has; the message is its name."""


@dataclass(frozen=True)
class Loop:
    """A quantified statement: over ``node`` or ``domain``, with its variable and body."""

    over: str
    variable: z3.ArithRef
    body: Term


class _AbsentField:
    """A field that is no counter of the hypervisor."""

    def __init__(self, name: str) -> None:
        self._name = name

    def _refuse(self, *_arguments: Any) -> Any:
        raise ModelOnlyFieldError(self._name)

    __getitem__ = __eq__ = __ne__ = __le__ = __ge__ = __add__ = _refuse
    __hash__ = object.__hash__
    total = row = column = _refuse


class _Entries:
    """A vector of a field: per node, per domain, or one row or column of a grid."""

    def __init__(self, name: str, total: str, fixed: tuple[Term, ...] = (), flag: bool = False) -> None:
        self._name, self._total, self._fixed, self._flag = name, total, fixed, flag

    def __getitem__(self, index: Term) -> Term:
        return _applied(self._name, (*self._fixed, index), self._flag)

    def total(self) -> Term:
        return _applied(self._total, self._fixed) if self._fixed else z3.Int(self._total)


class _OrphanField:
    """A field of ``ORPHANS``: of a domain that a loop visits, nothing. The sum is over those that none visits."""

    def __init__(self, name: str, nothing: Term) -> None:
        self._name, self._nothing = name, nothing

    def __getitem__(self, _domain: Term) -> Term:
        return self._nothing

    def total(self) -> Term:
        raise ModelOnlyFieldError(self._name)


class _Cells:
    """A grid by (domain, node)."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getitem__(self, cell: tuple[Term, Term]) -> Term:
        return _applied(self._name, cell)

    def row(self, domain: Term) -> Vector:
        return _Entries(self._name, f"sum_over_nodes_{self._name}", (domain,))

    def column(self, node: Term) -> Vector:
        return _Column(self._name, node)


class _Column:
    """A node's entries by domain."""

    def __init__(self, name: str, node: Term) -> None:
        self._name, self._node = name, node

    def __getitem__(self, domain: Term) -> Term:
        return _applied(self._name, (domain, self._node))

    def total(self) -> Term:
        return _applied(f"sum_over_domains_{self._name}", (self._node,))


def _applied(name: str, indices: tuple[Term, ...], flag: bool = False) -> Term:
    result = z3.BoolSort() if flag else z3.IntSort()
    return z3.Function(name, *[z3.IntSort()] * len(indices), result)(*indices)


class Counters(State):
    """The state of which a statement may read the hypervisor's counters only."""

    def concerns(self, name: str) -> bool:
        """Whether a statement about all fields must cover this one."""
        return bool(FIELDS[name].c_type) and name not in ORPHANS

    def held(self, domain: Term) -> Term:
        """All claims of a domain on the list: it has no orphaned ones."""
        return self.global_claims[domain] + self.node_claims[domain]


def counters() -> Counters:
    """Every field by its name."""
    found: dict[str, Any] = {}
    for info in FIELDS.values():
        if info.name in ORPHANS:
            found[info.name] = _OrphanField(info.name, z3.BoolVal(False) if info.flag else z3.IntVal(0))
        elif not info.c_type and info.name not in FLAGS:
            found[info.name] = _AbsentField(info.name)
        elif info.shape is Shape.HOST:
            found[info.name] = z3.Int(info.name)
        elif info.shape is Shape.CELL:
            found[info.name] = _Cells(info.name)
        else:
            over = "nodes" if info.shape is Shape.NODE else "domains"
            found[info.name] = _Entries(info.name, f"sum_over_{over}_{info.name}", flag=info.flag)
    return Counters(**found)


class Statements:
    """Quantifiers that keep their bodies; see model.encoding.Quantifiers."""

    def __init__(self) -> None:
        self.loops: dict[str, Loop] = {}

    @property
    def dual(self) -> Statements:
        """The same: nothing is proved here."""
        return self

    def _loop(self, over: str, statement: OneIndex) -> Term:
        number = len(self.loops)
        name = f"every_{over}_{number}"
        self.loops[name] = Loop(over, z3.Int(f"{over[0]}{number}"), True)
        body = statement(self.loops[name].variable)
        self.loops[name] = Loop(over, self.loops[name].variable, body)
        return body if isinstance(body, bool) else z3.Bool(name)

    def every_node(self, statement: OneIndex) -> Term:
        """For all nodes."""
        return self._loop("node", statement)

    def every_domain(self, statement: OneIndex) -> Term:
        """For all domains there are: what is not there has nothing."""
        return self._loop("domain", statement)

    def every_cell(self, statement: TwoIndices) -> Term:
        """For all (domain, node)."""
        return self.every_domain(lambda d: self.every_node(lambda n: statement(d, n)))

    def some_node(self, _statement: OneIndex) -> Term:
        """Not in a statement about states so far."""
        raise ModelOnlyFieldError("a witness")

    def one_node(self) -> Term:
        """Not in a statement about states so far."""
        raise ModelOnlyFieldError("the number of nodes")

    def domain_count(self) -> Term:
        """Not in a statement about states so far."""
        raise ModelOnlyFieldError("the number of domain ids")

    def sums_ordered(self, low: Vector, high: Vector) -> None:
        """Nothing is proved here."""

    def sums_equal(self, a: Vector, b: Vector, below: Term | None = None) -> None:
        """Nothing is proved here."""

    def none_below(self, vector: Vector, index: Term) -> None:
        """Nothing is proved here."""

    def not_negative_below(self, vector: Vector, index: Term) -> None:
        """Nothing is proved here."""

    def prefix_within(self, vector: Vector, index: Term, below: Term) -> None:
        """Nothing is proved here."""

    def sum_bounded(self, vector: Vector, most: int) -> None:
        """Nothing is proved here."""

    def positive_somewhere(self, vector: Vector) -> None:
        """Nothing is proved here."""

    def entry_within_sum(self, vector: Vector, index: Term) -> None:
        """Nothing is proved here."""


def conjuncts(term: Term) -> list[Term]:
    """The parts of a conjunction, without those that always hold."""
    if isinstance(term, bool):
        return [] if term else [z3.BoolVal(False)]
    if z3.is_and(term):
        return [part for child in term.children() for part in conjuncts(child)]
    return [] if z3.is_true(z3.simplify(term)) else [all_of([term])]
