"""The ranges of a file's values, held against those of the model's values for the same operation.

A value is known by the counters that it adds and subtracts, and by whether it adds or subtracts other numbers: the
texts of the expressions are not compared. Of counters only those of the map count, and the claims on nodes are one,
whether by node or as a sum. A value that branches is known in each of its ways.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any

import msgspec
import z3

from model.c_code.evaluation import Value
from model.calls import CALL_FIELDS
from model.named import GENERATIONS
from proofs.c_ranges.rows import RangeRow, values_of
from proofs.diff.numbers import Count, unknown
from proofs.prover.verdict import Verdict

from .arithmetic import Arithmetic, product
from .memory import PathEndError
from .operations import DERIVED
from .tree import SourcePlace
from .types import IntType

TRANSITIONS_OF = {
    "install_claim_set": ("claim_memory",),
    "claim_memory": ("claim_memory",),
    "set_outstanding_pages": ("set_outstanding_pages", "set_outstanding_pages_zero", "claim_on_node"),
    "claim_pages": ("set_outstanding_pages", "set_outstanding_pages_zero", "claim_on_node"),
    "release_all_claims": ("release_claims", "set_outstanding_pages_zero"),
    "domain_kill": ("domain_kill_release",),
    "set_max_pages": ("set_max_pages",),
    "alloc_heap_pages": ("alloc_heap_pages", "alloc_heap_pages_unowned"),
    "alloc_domheap_pages": ("alloc_heap_pages", "alloc_heap_pages_unowned", "assign_pages"),
    "assign_pages": ("assign_pages",),
    "free_heap_pages": ("free_heap_pages",),
    "free_domheap_pages": ("free_domheap_pages", "free_heap_pages"),
    "offline_page": ("offline_page",),
}
"""The transitions of the model whose values an operation of a map computes."""

SAME, KNOWN = "same", "a known number"
OTHER_TYPE, OTHER_RANGE, MORE_COUNTERS, NOT_COMPUTED = "other type", "other range", "more counters", "not computed"
_MOST_WAYS = 64
"""Ways of a value that branches."""

Form = tuple[str, ...]
"""Counters with their signs, then other numbers with theirs."""


class CRange(msgspec.Struct, frozen=True):
    """Values of a C file that have one form and one type."""

    form: str
    c_type: str
    leaves: bool
    """Some path computes one that is outside the type."""


class RangeComparison(msgspec.Struct):
    """One value of the model, and those of the file that have its form."""

    transition: str
    expression: str
    c_type: str
    proved: bool
    """It is in its type, for any host. If not, it may leave it."""
    computed: list[CRange] = []
    outcome: str = NOT_COMPUTED
    """`same`; `a known number`, which needs no proof; else a difference: `other type`; `other range`; `more counters`:
    the file computes it after it has changed a counter, which the model does not follow; `not computed`."""


class SeenRanges:
    """The values that an interpreter computes."""

    def __init__(self) -> None:
        self._forms: dict[Any, Form] = {}
        self._left: dict[tuple[Form, str], bool] = {}

    def add(self, value: Any, of: IntType, left: bool) -> None:
        """A value takes a type; known numbers are no concern."""
        if not isinstance(value, Count) or of.is_bool:
            return
        form = self._forms.get(value.key)
        if form is None:
            form = self._forms[value.key] = _form(value)
        key = form, f"{'' if of.signed else 'u'}int{of.bits}"
        self._left[key] = self._left.get(key, False) or left

    def found(self) -> list[CRange]:
        """Each form and type once."""
        return [CRange(" ".join(form), c_type, left) for (form, c_type), left in sorted(self._left.items()) if form]


class NotingArithmetic(Arithmetic):
    """Takes note of every value and its type."""

    def __init__(self, seen: SeenRanges, *of: Any) -> None:
        super().__init__(*of)
        self.seen = seen

    def _stays(self, value: Any, of: IntType, place: SourcePlace) -> None:
        try:
            super()._stays(value, of, place)
        except PathEndError:
            self.seen.add(value, of, True)
            raise
        self.seen.add(value, of, False)

    def converted(self, value: Any, to: IntType, place: SourcePlace) -> Any:
        """A value as another type."""
        before = len(self.departures)
        result = super().converted(value, to, place)
        self.seen.add(value, to, len(self.departures) > before)
        return result


def joined(found: Iterable[CRange]) -> list[CRange]:
    """Each form and type once, of several runs."""
    left: dict[tuple[str, str], bool] = {}
    for one in found:
        left[one.form, one.c_type] = left.get((one.form, one.c_type), False) or one.leaves
    return [CRange(*key, leaves) for key, leaves in sorted(left.items())]


def _form(value: Count, counters: Collection[str] = CALL_FIELDS) -> Form:
    parts, numbers = set(), set()
    for name, times in {**value.terms, "": value.constant}.items():
        found = re.match(r"\w+", name)
        sign = "+" if times > 0 else "-"
        if not found or found[0] not in CALL_FIELDS:
            numbers |= {f"{sign}number"} if times else set()
        elif times and found[0] in counters:
            parts.add(sign + ("claims" if found[0] == "node_claims" else found[0]))
    return (*sorted(parts, key=lambda part: (part[0] == "-", part)), *sorted(numbers))


def compared(
    operation: str, counters: Collection[str], rows: Iterable[RangeRow], found: Iterable[CRange]
) -> list[RangeComparison]:
    """Every value of the model that an operation computes, with the file's values of its form.

    :param counters: those that the map names
    :param rows: the values of the generation's transitions, as proved
    """
    by_form: dict[str, list[CRange]] = {}
    found = list(found)
    for one in found:
        by_form.setdefault(one.form, []).append(one)
    compared = []
    for row in rows:
        if row.transition not in TRANSITIONS_OF[operation]:
            continue
        value = values_of(row.semantics, row.transition)[row.number]
        proved = row.verdict is Verdict.PROVED
        forms = _forms(value, {part for name in counters for part in (name, *DERIVED.get(name, ()))})
        comparison = RangeComparison(row.transition, row.expression, row.c_type, proved)
        comparison.computed = [one for form in forms for one in by_form.get(" ".join(form), [])]
        comparison.outcome = _outcome(comparison) if forms else KNOWN
        if comparison.outcome == NOT_COMPUTED:
            comparison.computed = [one for one in found if any({*form} < {*one.form.split()} for form in forms)]
            comparison.outcome = MORE_COUNTERS if comparison.computed else NOT_COMPUTED
        compared.append(comparison)
    return compared


def transitions_of(generation: str, operations: Iterable[str]) -> list[str]:
    """The generation's transitions whose values some operations compute."""
    wanted = {transition for operation in operations for transition in TRANSITIONS_OF[operation]}
    return [transition for transition in GENERATIONS[generation].transitions if transition in wanted]


def _outcome(of: RangeComparison) -> str:
    if not of.computed:
        return NOT_COMPUTED
    there = [one for one in of.computed if one.c_type == of.c_type]
    if not there:
        return OTHER_TYPE
    return SAME if any(one.leaves for one in there) is not of.proved else OTHER_RANGE


def _forms(value: Value, counters: Collection[str]) -> list[Form]:
    """The forms of a value of the model, one for each way it branches; no form: it is a known number."""
    return sorted({_form(way, counters) for way in _ways(value.term) if isinstance(way, Count)} - {()})


def _ways(term: Any) -> list[Count | int]:
    """The sums that a term may be. Counters of all nodes and domains count as one."""
    if isinstance(term, int):
        return [term]
    kind = term.decl().kind()
    parts = term.children()
    if z3.is_int_value(term):
        return [term.as_long()]
    if kind == z3.Z3_OP_ITE:
        return _different([*_ways(parts[1]), *_ways(parts[2])])
    if kind == z3.Z3_OP_UMINUS:
        return [-way for way in _ways(parts[0])]
    if kind == z3.Z3_OP_MUL and z3.is_int_value(parts[0]):
        return [product(parts[0].as_long(), way) for way in _ways(parts[1])]
    if kind in (z3.Z3_OP_ADD, z3.Z3_OP_SUB):
        found, *others = (_ways(part) for part in parts)
        for other in others:
            sums = (one + way if kind == z3.Z3_OP_ADD else one - way for one in found for way in other)
            found = _different(sums)
        return found
    name = re.match(r"\w+", term.decl().name())
    return [unknown(name[0] if name and name[0] in CALL_FIELDS else "number")]


def _different(ways: Iterable[Count | int]) -> list[Count | int]:
    """Each once, up to the most."""
    found = {way.key if isinstance(way, Count) else way: way for way in ways}
    return list(found.values())[:_MOST_WAYS]
