"""A state's counters and a call's arguments as named constants with values, and terms over them as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import prod
from operator import eq, floordiv, ge, gt, le, lt, mod, ne, not_
from typing import Any

import z3

from model.calls import CALL_FIELDS, UNSEEN, Block, Entry
from model.logic import Term
from model.state import Shape
from proofs.fuzz.numbers import ModelState

_MIRRORED = {">": "<", "<": ">", ">=": "<=", "<=": ">="}
_RELATIONS = {"=": "==", "distinct": "!="}
_NEGATED = {">": "<=", "<": ">=", ">=": "<", "<=": ">", "=": "distinct", "distinct": "="}
_OPERATORS: dict[str, Callable[..., Any]] = {
    "+": lambda *terms: sum(terms),
    "-": lambda first, *others: first - sum(others) if others else -first,
    "*": lambda *factors: prod(factors),
    "div": floordiv,  # the model divides by numbers above 0
    "mod": mod,
    "<=": le,
    "<": lt,
    ">=": ge,
    ">": gt,
    "=": eq,
    "distinct": ne,
    "and": lambda *parts: all(parts),
    "or": lambda *parts: any(parts),
    "not": not_,
    "=>": lambda premise, conclusion: not premise or conclusion,
}
"""By Z3's name."""
_PLACES = frozenset({"domid", "node", "requested"})
"""Arguments that choose what is read: they stay numbers."""
_OF_ARGUMENT = "argument "
_NUMBER = re.compile(r"\b\d")


class Values:
    """The values of constants for a state's counters and a call's arguments, and terms with them."""

    def __init__(self, s: ModelState) -> None:
        self._numbers: dict[str, Any] = {}
        """By the name of a constant, its value."""
        self._labels: dict[str, str] = {}
        """By the name of a counter's constant, how a reason names it."""
        self._arguments: dict[str, str] = {}
        """Likewise of arguments."""
        self._names_arguments = False
        for info in CALL_FIELDS.values():
            value = getattr(s, info.name)
            for index, entry in _entries(info.shape, value):
                name = info.name + "".join(f"[{i}]" for i in index)
                self._labels[name] = _label(info.name, info.shape, index, s.domids)
                self._numbers[name] = entry

    def named(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of a call, with constants in the place of numbers."""
        return {name: value if name in _PLACES else self._named(name, value) for name, value in arguments.items()}

    def _named(self, name: str, value: Any) -> Any:
        if isinstance(value, Block):
            return replace(value, marked=self._named("marked_pages", value.marked))
        if name == "entries":
            return [Entry(self._named("pages", e.pages), e.target, self._named("reserved_field", e.pad)) for e in value]
        if type(value) is not int and name != "has_extent_start":
            return value  # another flag may choose what is described
        constant = f"{_OF_ARGUMENT}{len(self._arguments)}"
        self._arguments[constant] = name
        self._numbers[constant] = value
        return z3.Bool(constant) if isinstance(value, bool) else z3.Int(constant)

    def value(self, term: Term) -> Any:
        """The value of a term."""
        return self._value(term, {})

    def _value(self, term: Term, known: dict[int, Any]) -> Any:
        """By Python's own operators: a solver that was interrupted elsewhere would leave terms as they are."""
        if not isinstance(term, z3.AstRef):
            return term
        key = term.get_id()
        if key not in known:
            known[key] = self._evaluated(term, known)
        return known[key]

    def _evaluated(self, term: Any, known: dict[int, Any]) -> Any:
        if z3.is_int_value(term):
            return term.as_long()
        name, children = str(term.decl().name()), term.children()
        if not children:
            return name == "true" if name in ("true", "false") else self._numbers[name]
        if name == "if":
            return self._value(children[1 if self._value(children[0], known) else 2], known)
        return _OPERATORS[name](*(self._value(child, known) for child in children))

    def holds(self, condition: Term) -> bool:
        """Whether the condition is true in the state."""
        return bool(self.value(condition))

    def why(self, condition: Term) -> str:
        """The innermost comparisons that make the condition true, with their numbers.

        Arguments are compared with constants only where no counter is compared.
        """
        for self._names_arguments in (False, True):
            text = " and ".join(dict.fromkeys(self._why(condition, True)))
            if _NUMBER.search(text):
                break
        return text

    def _why(self, term: Term, value: bool) -> list[str]:
        if not isinstance(term, z3.AstRef):
            return []
        children, name = term.children(), str(term.decl().name())
        if name == "not":
            return self._why(children[0], not value)
        if name == "=>":
            return self._why(z3.Or(z3.Not(children[0]), children[1]), value)
        if name in ("and", "or"):
            return self._joined(name, children, value)
        if name == "if" and z3.is_bool(term):
            return self._why(children[1 if self.holds(children[0]) else 2], value)
        if len(children) == 2 and not z3.is_bool(children[0]):
            return self._comparison(name if value else _NEGATED[name], children)
        return [f"{'' if value else 'not '}{self.text(term, self._labels | self._arguments)}"]

    def _joined(self, name: str, children: Sequence[Term], value: bool) -> list[str]:
        if (name == "and") is value:
            texts = [text for child in children if (text := self._why(child, value))]
            if name == "or":  # none of the alternatives
                return [text for found in texts for text in found]
            if texts and not any(map(_NUMBER.search, texts[-1])):  # a flag
                return [text for found in texts for text in found]
            return texts[-1] if texts else []  # the last one is what the check is about
        decides = next(child for child in children if self.holds(child) is value)
        return self._why(decides, value)

    def _comparison(self, relation: str, sides: Sequence[Term]) -> list[str]:
        """Two sides with their numbers; the side with more counters is on the right."""
        counters = [self._count(side, self._labels) for side in sides]
        labels = self._labels
        if counters == [0, 0] and self._names_arguments:
            counters = [-self._count(side, self._arguments) for side in sides]
            labels = self._arguments
        if counters == [0, 0]:
            return []
        left, right = (self.text(side, labels) for side in sides)
        if counters[0] > counters[1]:
            left, right, relation = right, left, _MIRRORED.get(relation, relation)
        return [f"{left} {_RELATIONS.get(relation, relation)} {right}"]

    def _count(self, term: Term, labels: Mapping[str, str]) -> int:
        if not isinstance(term, z3.AstRef):
            return 0
        return int(str(term) in labels) + sum(self._count(child, labels) for child in term.children())

    def text(self, term: Term, labels: Mapping[str, str] | None = None) -> str:
        """The term with the numbers in it: ``4 node_avail_pages[0] - 0 node_outstanding_claims[0]``.

        :param labels: what is named; None: the counters
        """
        labels = self._labels if labels is None else labels
        if not isinstance(term, z3.AstRef):
            return str(term)
        children, name = term.children(), str(term.decl().name())
        if name in labels:
            value, label = self.value(term), labels[name]
            if not z3.is_int(term):
                return label
            return f"{label}={value}" if name in self._arguments else f"{value} {label}"
        if name == "if":
            return self.text(children[1 if self.holds(children[0]) else 2], labels)
        if name in ("+", "-") and len(children) > 1:
            return self._sum(name, children, labels)
        return str(self.value(term))

    def _sum(self, sign: str, children: Sequence[Term], labels: Mapping[str, str]) -> str:
        """A sum or difference, without what is 0 and no counter of the hypervisor."""
        text = self.text(children[0], labels)
        for child in children[1:]:
            if self.value(child) == 0 and not self._is_counter(child):
                continue
            operand = self.text(child, labels)
            is_sum = child.num_args() > 1 and " " in operand and (" + " in operand or " - " in operand)
            text += f" {sign} {f'({operand})' if sign == '-' and is_sum else operand}"
        return text

    def _is_counter(self, term: Term) -> bool:
        if term.num_args():
            return any(self._is_counter(child) for child in term.children())
        name = str(term.decl().name())
        return name in self._labels and name.partition("[")[0] not in UNSEEN


def _entries(shape: Shape, value: Any) -> Iterator[tuple[tuple[int, ...], Any]]:
    if shape is Shape.HOST:
        yield (), value
    elif shape is Shape.CELL:
        for row, entries in enumerate(value):
            for column, entry in enumerate(entries):
                yield (row, column), entry
    else:
        for index, entry in enumerate(value):
            yield (index,), entry


def _label(name: str, shape: Shape, index: Sequence[int], domids: Sequence[int]) -> str:
    """The counter as traces name it."""
    if shape in (Shape.DOMAIN, Shape.CELL):
        rest = "".join(f"[{i}]" for i in index[1:])
        return f"d{domids[index[0]]}.{name}{rest}"
    return name + "".join(f"[{i}]" for i in index)
