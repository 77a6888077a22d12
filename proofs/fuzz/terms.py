"""Z3 terms that represent Python text: a host of any size for calls of the model, and its terms as lines of a function.

The name of a constant or function is its Python text, with arguments in braces. A vector is a term that represents a
list. ``s`` is the state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import add, sub
from typing import Any

import z3

from model.calls import Call, CallHost
from model.logic import Term
from model.state import FieldInfo, Shape

from .numbers import placed, taken_ascending

INT, BOOL, INTS = z3.IntSort(), z3.BoolSort(), z3.ArraySort(z3.IntSort(), z3.IntSort())
NODES, DOMAINS = "n", "d"
"""The index variable of vectors by node and by domain in comprehensions."""
COUNT: dict[str, Any] = {NODES: z3.Int("s.number_of_nodes"), DOMAINS: z3.Int("s.number_of_domains")}

VALID = ("node", "requested", "domid", "owner")
"""The prefix of parameters that are valid indices of vectors."""
OFFLINE = "offline"
"""The prefix of parameters that are ids of offline nodes."""


def written(text: str, sort: z3.SortRef, *arguments: Term) -> Any:
    """The term that represents this text, with the arguments in place of the braces."""
    terms = [z3.IntVal(a) if type(a) is int else a for a in arguments]
    return z3.Function(text, *(term.sort() for term in terms), sort)(*terms)


class TermVector:
    """A vector as one term."""

    def __init__(self, over: str, term: z3.ExprRef) -> None:
        self.over, self.term = over, term

    def __getitem__(self, index: Term) -> Term:
        return z3.Select(self.term, index)

    def total(self) -> Term:
        """The sum."""
        return written("sum({})", INT, self.term)

    def with_text(self, text: str, *more: Term) -> TermVector:
        """A vector computed from this one and others, in this order."""
        return TermVector(self.over, written(text, self.term.sort(), self.term, *more))


class TermGrid:
    """A field by domain and node as one term, which represents a list of lists."""

    def __init__(self, term: z3.ExprRef) -> None:
        self.term = term

    def __getitem__(self, cell: tuple[Term, Term]) -> Term:
        return self.row(cell[0])[cell[1]]

    def row(self, domain: Term) -> TermVector:
        """A domain's entries by node."""
        return TermVector(NODES, z3.Select(self.term, domain))

    def column(self, node: Term) -> TermVector:
        """A node's entries by domain."""
        return TermVector(DOMAINS, written("[row[{1}] for row in {0}]", self.term.sort().range(), self.term, node))

    def with_column(self, node: Term, values: TermVector) -> TermGrid:
        """A grid with one node's entries replaced."""
        text = "[placed(row, {2}, value) for row, value in zip({0}, {1})]"
        return TermGrid(written(text, self.term.sort(), self.term, values.term, node))


class TermHost(CallHost):
    """A host of any size: ``nodes`` and ``domains`` are terms."""

    def every_node(self, statement: Callable[[Term], Term]) -> Term:
        """For all nodes."""
        return self._each(NODES, "all([{}", statement, "])", BOOL)

    def some_node(self, statement: Callable[[Term], Term]) -> Term:
        """For at least one node."""
        return self._each(NODES, "any([{}", statement, "])", BOOL)

    def by_node(self, entry: Callable[[Term], Term]) -> Any:
        """A vector with entries computed by node."""
        return TermVector(NODES, self._each(NODES, "[{}", entry, "]", INTS))

    def by_domain(self, entry: Callable[[Term], Term]) -> Any:
        """A vector with entries computed by domain."""
        return TermVector(DOMAINS, self._each(DOMAINS, "[{}", entry, "]", INTS))

    def _each(self, over: str, head: str, entry: Callable[[Term], Term], tail: str, sort: z3.SortRef) -> Term:
        value = entry(z3.Int(over))
        if isinstance(value, bool):  # a constant statement: a host has at least one node
            return value
        return written(f"{head} for {over} in range({COUNT[over]}){tail}", sort, value)

    def replaced(self, vector: Any, index: Term, value: Term) -> Any:
        """One entry replaced."""
        return vector.with_text("placed({}, {}, {})", index, value)

    def combined(self, parts: Sequence[tuple[int, Any]], like: Any) -> Any:
        """Vectors added and subtracted."""
        if parts and parts[0][0] == 1:
            total, parts = parts[0][1], parts[1:]
        else:
            total = TermVector(like.over, z3.Const(f"([0] * {COUNT[like.over]})", INTS))
        for sign, part in parts:
            total = total.with_text(f"list(map({'add' if sign == 1 else 'sub'}, {{}}, {{}}))", part.term)
        return total

    def taken_ascending(self, held: Any, amount: Term) -> Any:
        """Computed by a loop."""
        return held.with_text("taken_ascending({}, {})", amount)

    def field(self, info: FieldInfo, suffix: str) -> Any:  # noqa: ARG002
        """A field with arbitrary entries."""
        entry, name = BOOL if info.flag else INT, f"s.{info.name}"
        if info.shape is Shape.HOST:
            return z3.Const(name, entry)
        if info.shape is Shape.CELL:
            return TermGrid(z3.Const(name, z3.ArraySort(INT, z3.ArraySort(INT, entry))))
        return TermVector(NODES if info.shape is Shape.NODE else DOMAINS, z3.Const(name, z3.ArraySort(INT, entry)))


class TermCall(Call):
    """A call on a host of any size; the names of parameters tell which are online nodes."""

    def is_online(self, node: Term) -> Term:
        """Decided at run time for a claim's target, and for what is computed."""
        name = str(node.decl().name())
        if name.startswith(VALID[:2]):
            return True
        return False if name.startswith(OFFLINE) else node < self.host.nodes


FUNCTIONS = {"taken_ascending": taken_ascending, "placed": placed, "add": add, "sub": sub}
"""The functions that the text of terms calls."""
_INFIX = {"=": "==", "distinct": "!=", "div": "//", "mod": "%"}
"""Python's operators by Z3's name; `div` agrees with Python for divisors above 0, as here."""
_INFIX |= {name: name for name in ("and", "or", "+", "-", "*", "<", "<=", ">", ">=")}
_OTHERS = {"select": "{}[{}]", "if": "({1} if {0} else {2})", "not": "(not {})", "=>": "(not {} or {})"}
_OTHERS |= {"true": "True", "false": "False"}


class Code:
    """Lines of a function. A term that is used more than once gets a name at its first use."""

    def __init__(self, terms: Iterable[Term]) -> None:
        """``terms``: all terms that the function will contain."""
        self.lines: list[str] = []
        self._uses: Counter[int] = Counter()
        self._needed: dict[int, frozenset[str]] = {}
        self._named: dict[int, str] = {}
        self._indent = 1
        waiting = [term for term in terms if isinstance(term, z3.AstRef)]
        self._kept = waiting[:]  # keeps the terms alive, so that their ids stay valid
        while waiting:
            term = waiting.pop()
            self._uses[term.get_id()] += 1
            if self._uses[term.get_id()] == 1:
                waiting += term.children()

    def line(self, text: str) -> None:
        """Append a line."""
        self.lines.append("    " * self._indent + text)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Lines under ``head``; names given inside are valid only there."""
        self.line(head)
        named, self._indent = dict(self._named), self._indent + 1
        yield
        self._named, self._indent = named, self._indent - 1

    def text(self, term: Term) -> str:
        """The term as Python."""
        if not isinstance(term, z3.AstRef):
            return repr(term)
        key = term.get_id()
        if key in self._named:
            return self._named[key]
        parts = [self.text(child) for child in term.children()]
        name = str(term.decl().name())
        if z3.is_int_value(term):
            text = str(term.as_long())
        elif term.decl().kind() == z3.Z3_OP_UNINTERPRETED:
            text = name.format(*parts)
        elif name in _INFIX:
            text = f"({_INFIX[name] if len(parts) == 1 else ''}{f' {_INFIX[name]} '.join(parts)})"
        else:
            text = _OTHERS[name].format(*parts)
        if parts and self._uses[key] > 1 and not self._needs(term):
            name = f"t{len(self._named)}"  # among the names valid here
            self.line(f"{name} = {text}")
            text = self._named[key] = name
        return text

    def own(self, term: z3.ExprRef) -> str:
        """A list that is not shared."""
        text = self.text(term)
        return text if text.endswith(")") else f"{text}[:]"

    def _needs(self, term: z3.ExprRef) -> frozenset[str]:
        """What the term needs around it: indices of comprehensions, and ``guard`` if an index may be out of range."""
        key = term.get_id()
        if key not in self._needed:
            children, name = term.children(), str(term.decl().name())
            needed = frozenset({name}).intersection(COUNT).union(*map(self._needs, children))
            index = str(children[1].decl().name()) if z3.is_select(term) else "Int"  # Z3's name of a number
            if index not in ("Int", *COUNT) and not index.startswith(VALID):
                needed |= {"guard"}
            self._needed[key] = needed - {over for over in COUNT if f" for {over} in " in name}
        return self._needed[key]
