"""Z3 terms written as Python: shared subterms get a name, vectors become list comprehensions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import z3

from model.calls import CALL_FIELDS
from model.logic import Term

from .vectors import COUNT, INDEX, Book

_INFIX = {
    z3.Z3_OP_EQ: "==",
    z3.Z3_OP_DISTINCT: "!=",
    z3.Z3_OP_LE: "<=",
    z3.Z3_OP_LT: "<",
    z3.Z3_OP_GE: ">=",
    z3.Z3_OP_GT: ">",
    z3.Z3_OP_IDIV: "//",  # the same as in Z3 where what is divided by is above 0, as here
    z3.Z3_OP_MOD: "%",
    z3.Z3_OP_IFF: "==",
}
_INDICES = {str(term): over for over, term in INDEX.items()}
_COUNTS = {str(term) for term in COUNT.values()}


class Code:
    """Lines of a function. ``s`` is the state; other names are parameters.

    :param indices: parameters that are valid indices of vectors: of others only a guard knows whether they are
    :param functions: functions that are neither fields nor of the book: how a call is written, ``{}`` for the argument
    """

    def __init__(self, book: Book, indices: Iterable[str], functions: dict[str, str]) -> None:
        self.lines: list[str] = []
        self._book = book
        self._indices = {*indices, *_INDICES}
        self._functions = functions
        self._uses: Counter[int] = Counter()
        self._named: dict[int, str] = {}
        self._lists: dict[int | str, str] = {}
        """By the id of the entry, or by the name in the book."""
        self._bound: dict[int, frozenset[str]] = {}
        self._unsafe: dict[int, bool] = {}
        self._kept: list[Any] = []  # ids are those of terms that are alive
        self._names = 0
        self._indent = 1

    # -- lines

    def line(self, text: str) -> None:
        """Append a line."""
        self.lines.append("    " * self._indent + text)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Lines under ``head``; what gets a name in there has it only there."""
        self.line(head)
        named, lists = dict(self._named), dict(self._lists)
        self._indent += 1
        yield
        self._indent -= 1
        self._named, self._lists = named, lists

    def _fresh(self, text: str) -> str:
        self._names += 1
        name = f"t{self._names}"
        self.line(f"{name} = {text}")
        return name

    # -- what is shared

    def count(self, terms: Iterable[Term]) -> None:
        """Count the uses of every subterm in these, which are to be written."""
        waiting = [term for term in terms if isinstance(term, z3.AstRef)]
        while waiting:
            term = waiting.pop()
            self._kept.append(term)
            self._uses[term.get_id()] += 1
            if self._uses[term.get_id()] == 1:
                waiting += term.children()
                waiting += self._meaning(term)

    def _meaning(self, term: z3.ExprRef) -> list[Any]:
        name = term.decl().name()
        for known in (self._book.sums, self._book.prefixes, self._book.quantified):
            if name in known:
                return [part for part in known[name] if isinstance(part, z3.AstRef)]
        return []

    def _bound_in(self, term: z3.ExprRef) -> frozenset[str]:
        """The indices of loops that a term depends on."""
        key = term.get_id()
        if key not in self._bound:
            name = term.decl().name()
            if term.num_args() == 0:
                self._bound[key] = frozenset([name] if name in _INDICES else [])
            else:
                self._bound[key] = frozenset().union(*(self._bound_in(child) for child in term.children()))
            self._kept.append(term)
        return self._bound[key]

    # -- terms

    def term(self, term: Term, local: dict[int, str] | None = None) -> str:
        """A term. ``local`` are the terms that the loop around it has variables for: then nothing gets a name."""
        if not isinstance(term, z3.AstRef):
            return repr(term)
        key = term.get_id()
        if local is not None and key in local:
            return local[key]
        if key in self._named:
            return self._named[key]
        outside = local if local is not None and self._bound_in(term) else None
        text = self._written(term, outside)
        wanted = outside is None and (self._uses[key] > 1 or local is not None)
        if wanted and not text.isidentifier() and not _is_literal(text) and not self._guarded(term):
            text = self._named[key] = self._fresh(text)
        return text

    def _guarded(self, term: z3.ExprRef) -> bool:
        """Whether it may be evaluated behind its guard only: it has an entry at an index that may be out of range."""
        key = term.get_id()
        if key not in self._unsafe:
            children = term.children()
            indexed = term.decl().kind() == z3.Z3_OP_UNINTERPRETED
            unsafe = indexed and any(not z3.is_const(c) or c.decl().name() not in self._indices for c in children)
            self._unsafe[key] = unsafe or any(self._guarded(child) for child in children)
            self._kept.append(term)
        return self._unsafe[key]

    def _written(self, term: z3.ExprRef, local: dict[int, str] | None) -> str:
        if z3.is_int_value(term):
            return str(term.as_long())
        kind = term.decl().kind()
        if kind == z3.Z3_OP_UNINTERPRETED:
            return self._named_thing(term, local)
        children = term.children()
        if kind == z3.Z3_OP_ITE:
            return self._choice(children, local)
        parts = [self.term(child, local) for child in children]
        if kind in _INFIX:
            return f"({parts[0]} {_INFIX[kind]} {parts[1]})"
        match kind:
            case z3.Z3_OP_TRUE:
                return "True"
            case z3.Z3_OP_FALSE:
                return "False"
            case z3.Z3_OP_AND:
                return _joined(parts, " and ", "True", "False")
            case z3.Z3_OP_OR:
                return _joined(parts, " or ", "False", "True")
            case z3.Z3_OP_NOT:
                return {"True": "False", "False": "True"}.get(parts[0], f"(not {parts[0]})")
            case z3.Z3_OP_ADD:
                return _sum(parts)
            case z3.Z3_OP_IMPLIES:
                return f"(not {parts[0]} or {parts[1]})"
            case z3.Z3_OP_MUL:
                return f"({' * '.join(parts)})"
            case z3.Z3_OP_SUB:
                return f"({' - '.join(parts)})"
            case z3.Z3_OP_UMINUS:
                return "0" if parts[0] == "0" else f"(-{parts[0]})"
        raise NotImplementedError(f"cannot compile {term.decl()}")

    def _choice(self, children: list[z3.ExprRef], local: dict[int, str] | None) -> str:
        condition = self.term(children[0], local)
        if condition in ("True", "False"):
            return self.term(children[1 if condition == "True" else 2], local)
        then, otherwise = self.term(children[1], local), self.term(children[2], local)
        return then if then == otherwise else f"({then} if {condition} else {otherwise})"

    def _named_thing(self, term: z3.ExprRef, local: dict[int, str] | None) -> str:
        """A field, a parameter, or something of the book."""
        name = term.decl().name()
        arguments = [self.term(child, local) for child in term.children()]
        if name in CALL_FIELDS:
            return f"s.{name}" + "".join(f"[{argument}]" for argument in arguments)
        if name in _COUNTS:
            return f"s.{name}"
        if name in self._book.sums:
            meaning = self._book.sums[name]
            return f"sum({self.entries(meaning.over, meaning.entry)})"
        if name in self._book.prefixes:
            return f"{self._taken(name)}[{arguments[0]}]"
        if name in self._book.quantified:
            return self._quantified(name)
        if name in self._functions:
            return self._functions[name].format(*arguments)
        return str(name)

    def _quantified(self, name: str) -> str:
        over, statement, for_all = self._book.quantified[name]
        return f"{'all' if for_all else 'any'}({self.entries(over, statement)})"

    def _taken(self, name: str) -> str:
        if name not in self._lists:
            over, held, amount = self._book.prefixes[name]
            self._lists[name] = self._fresh(f"taken_ascending({self.entries(over, held)}, {self.term(amount)})")
        return self._lists[name]

    # -- lists

    def entries(self, over: str, entry: Term) -> str:
        """A list of the entries; it may be one of the state's own."""
        if not isinstance(entry, z3.AstRef):
            return f"[{entry!r}] * s.number_of_{over}"
        if stored := self._stored(over, entry):
            return stored
        key = entry.get_id()
        if key not in self._lists:
            self._lists[key] = self._fresh(self._comprehension(over, entry))
        return self._lists[key]

    def _stored(self, over: str, entry: z3.ExprRef) -> str:
        """The list of the state, or of the book, that these entries are; empty if none."""
        name, index = entry.decl().name(), INDEX[over]
        children = entry.children()
        if name in self._book.prefixes and children[0].eq(index):
            return self._taken(name)
        if name not in CALL_FIELDS or not children or self._bound_in(entry) != {str(index)}:
            return ""
        if len(children) == 1:
            return f"s.{name}" if children[0].eq(index) else ""
        domain, node = children
        if domain.eq(index):
            return f"[row[{self.term(node)}] for row in s.{name}]"
        return f"s.{name}[{self.term(domain)}]" if node.eq(index) else ""

    def _comprehension(self, over: str, entry: z3.ExprRef) -> str:
        bases: dict[str, tuple[str, list[int]]] = {}
        self._find_bases(over, entry, entry, bases)
        local: dict[int, str] = {}
        variables, sources = [], []
        for number, (source, keys) in enumerate(bases.values()):
            variables.append(f"v{number}")
            sources.append(source)
            local.update(dict.fromkeys(keys, f"v{number}"))
        index = str(INDEX[over])
        local[INDEX[over].get_id()] = index
        if placed := self._placed(over, entry, local):
            return placed
        text = self.term(entry, local)
        if text in (f"({' + '.join(variables)})", f"({' - '.join(variables)})") and len(variables) == 2:
            return f"list(map({'add' if '+' in text else 'sub'}, {', '.join(sources)}))"
        if self._needs_index(entry, local, index) or not sources:
            variables.append(index)
            sources.append(f"range(s.number_of_{over})")
        loop = f"{variables[0]} in {sources[0]}"
        if len(sources) > 1:
            loop = f"{', '.join(variables)} in zip({', '.join(sources)})"
        return f"[{text} for {loop}]"

    def _placed(self, over: str, entry: z3.ExprRef, local: dict[int, str]) -> str:
        """Where all but one entry are those of another list: a copy with that one placed. Empty: it is otherwise."""
        if not z3.is_app_of(entry, z3.Z3_OP_ITE):
            return ""
        condition, value, otherwise = entry.children()
        if not z3.is_eq(condition) or otherwise.get_id() not in local or otherwise.eq(INDEX[over]):
            return ""
        at = [side for side in condition.children() if not side.eq(INDEX[over])]
        if len(at) != 1 or not z3.is_const(at[0]) or at[0].decl().name() not in self._indices:
            return ""
        if self._bound_in(at[0]) or self._bound_in(value):
            return ""
        source = self._stored(over, otherwise) or self.entries(over, otherwise)
        return f"placed({source}, {self.term(at[0])}, {self.term(value)})"

    def _find_bases(self, over: str, entry: z3.ExprRef, term: z3.ExprRef, bases: dict[str, Any]) -> None:
        """The lists that an entry is computed from: the state's own, and such as are used elsewhere too."""
        index = INDEX[over]
        if str(index) not in self._bound_in(term) or term.eq(index):
            return
        source = self._stored(over, term)
        shared = self._uses[term.get_id()] > 1 and z3.is_int(term) and not z3.is_app_of(term, z3.Z3_OP_UMINUS)
        if not source and shared and not term.eq(entry):
            source = self.entries(over, term)
        if source:
            bases.setdefault(source, (source, []))[1].append(term.get_id())
            return
        for child in term.children():
            self._find_bases(over, entry, child, bases)

    def _needs_index(self, term: z3.ExprRef, local: dict[int, str], index: str) -> bool:
        if local.get(term.get_id()) not in (None, index):
            return False
        if term.num_args() == 0:
            return str(term.decl().name()) == index
        return any(self._needs_index(child, local, index) for child in term.children())


def _is_literal(text: str) -> bool:
    return text in ("True", "False") or text.lstrip("-").isdecimal()


def _joined(parts: list[str], word: str, neutral: str, decides: str) -> str:
    parts = list(dict.fromkeys(part for part in parts if part != neutral))
    if decides in parts:
        return decides
    return f"({word.join(parts)})" if len(parts) > 1 else parts[0] if parts else neutral


def _sum(parts: list[str]) -> str:
    parts = [part for part in parts if part != "0"]
    if not parts:
        return "0"
    text = parts[0]
    for part in parts[1:]:
        text += f" - {part[2:-1]}" if part.startswith("(-") else f" + {part}"
    return text if len(parts) == 1 else f"({text})"
