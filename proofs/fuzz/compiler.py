"""Compiles calls of the model: on the first call of a kind, its Z3 terms are translated to a Python function.

The kind of a call is given by the arguments that are Python values in the model: whether there is a domain, a requested
node, an owner, and how many entries a claim set has. Numbers, node and domain ids are parameters, so that one function
works for hosts of every size.

Measured: compiled, fuzz makes 18 to 22 times the steps of the Hypothesis machine of `bench.fuzz`; with every call
evaluated on numbers instead, 8 to 11 times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from itertools import groupby
from typing import Any, NamedTuple

import z3

from model.calls import Block, Case, Entry, cases
from model.generations.generation import Generation
from model.logic import Term
from model.named import GENERATIONS
from model.step import CellUpdate, ColumnUpdate, EntryUpdate, RowUpdate, Step

from .numbers import CaseResult, Pages
from .terms import BOOL, COUNT, FUNCTIONS, INT, NODES, OFFLINE, Code, TermCall, TermHost, TermVector

_OF_CANDIDATE = frozenset({"node-overclaimed", "redeemed-beyond-counted", "allocated"})
"""Cases of one candidate of the node search."""


class CompiledCall(NamedTuple):
    """A kind of call: its function changes the state and returns the index of the case that applied."""

    function: Callable[..., int]
    cases: list[Case]
    hits: list[str]
    """By case, the class that is counted: ``call: case``."""
    changed: list[frozenset[str]]
    """By case, the fields that change."""
    results: list[CaseResult | None]
    """By case without pages and answer: the result that a script receives."""


class Compiler:
    """The compiled calls of one generation."""

    def __init__(self, semantics: str) -> None:
        self.semantics = GENERATIONS[semantics]
        self._known: dict[Any, CompiledCall] = {}
        self.hits: Counter[str] = Counter()
        """The counted classes: cases as ``call: case``, and further distinctions."""

    def take_hits(self) -> Counter[str]:
        """Return and clear the counts."""
        hits, self.hits = self.hits, Counter()
        return hits

    def kind(
        self, name: str, arguments: Mapping[str, Any], nodes: int, slots: Mapping[int, int] | None = None
    ) -> tuple[CompiledCall, list[Any]]:
        """The compiled kind of a call, and the numbers to pass to its function.

        :param slots: the index of a domain by its id; None: they are the same
        ``alloc_heap_pages`` takes in addition the candidates of its search, and which nodes have a block.
        """
        key: list[Any] = [name]
        numbers: list[Any] = []
        for parameter, value in arguments.items():
            kind = type(value)
            if kind is int:
                offline = parameter in ("requested", "node") and value >= nodes
                key.append((parameter, OFFLINE) if offline else parameter)
                numbers.append(value if slots is None or parameter != "domid" else slots[value])
            elif kind is Pages:
                key.append((parameter, value.state, value.owner is None, value.refcounted))
                owner = value.owner if slots is None or value.owner is None else slots[value.owner]
                numbers += (value.pages, value.node, owner, value.marked)
            elif kind is list:
                key.append((parameter, len(value)))
                for entry in value:
                    numbers += (entry.pages, entry.target, entry.pad)
            else:
                key.append((parameter, value))
        fixed = tuple(key)
        return self._known.get(fixed) or self._known.setdefault(fixed, self._compile(fixed)), numbers

    def _compile(self, key: tuple[Any, ...]) -> CompiledCall:
        name, *parts = key
        arguments, parameters = arguments_of(name, parts)
        found = cases(call_on_terms(self.semantics), name, **arguments)
        source, changed = source_of(found, parameters, looped=False)
        names: dict[str, Any] = dict(FUNCTIONS)
        exec(compile(source, f"<{self.semantics.name} {name}>", "exec"), names)  # text generated here
        return CompiledCall(
            names["call"],
            found,
            [f"{name}: {case.name}" for case in found],
            changed,
            [CaseResult(c.name, c.result, None) if c.block is None and not c.answer else None for c in found],
        )


def source_of(found: list[Case], parameters: list[str], looped: bool) -> tuple[str, list[frozenset[str]]]:
    """The Python source of a call's function, and by case the fields that change.

    :param looped: the checks of an entry are those of each entry in a loop
    """
    stores = [[] if case.effect is None else _stores(case.effect.step()) for case in found]
    terms = [_term(value) for case in found for value in (case.condition, *case.answer.values())]
    code = Code(terms + [value for of_case in stores for _, _, value in of_case])

    def loop_of(index: int) -> str:
        if "candidates" in parameters and found[index].name in _OF_CANDIDATE:
            return "for node in candidates:"
        return "for entry in entries:" if looped and found[index].entry is not None else ""

    for head, indices in groupby(range(len(found)), loop_of):
        with code.block(head) if head else nullcontext():
            for index in indices:
                _write(code, index, found[index], stores[index])
    source = "\n".join([f"def call({', '.join(parameters)}):", *code.lines])
    return source, [frozenset(field for field, _, _ in of_case) for of_case in stores]


def call_on_terms(semantics: Generation) -> TermCall:
    """A call on a host of any numbers."""
    host = TermHost(*COUNT.values())
    return TermCall(semantics, host, host.state())  # type: ignore[arg-type]  # its state_type


def arguments_of(name: str, parts: Iterable[Any]) -> tuple[dict[str, Any], list[str]]:
    """The arguments of the model's call, by the parts of a call's kind; and the parameters that they need."""
    parameters = ["s"]
    arguments = dict(_argument_of(part, parameters) for part in parts)
    if name == "alloc_heap_pages":
        has_block = TermVector(NODES, z3.Array("has_block", INT, BOOL))
        arguments |= {"candidates": (z3.Int("node"),), "has_block": has_block}
        parameters += ["candidates", "has_block"]
    return arguments, parameters


def _argument_of(part: Any, parameters: list[str]) -> tuple[str, Any]:
    """An argument of the model's call, by a part of a call's kind; appends the parameters that it needs."""

    def parameter(name: str) -> Term:
        parameters.append(name)
        return z3.Int(name)

    if isinstance(part, str):
        return part, parameter(part)
    name, *kind = part
    if name == "block" and len(kind) == 3:
        state, unowned, refcounted = kind
        pages, node, owner, marked = map(parameter, ("block_pages", "node", "owner", "marked"))
        return name, Block(pages, node, state, None if unowned else owner, refcounted, marked)
    if name == "entries":
        return name, [Entry(*(parameter(f"{p}{i}") for p in ("pages", "target", "pad"))) for i in range(kind[0])]
    return name, parameter(f"{OFFLINE}_{name}") if kind[0] == OFFLINE else kind[0]


def _term(value: Any) -> Term:
    """The term of a vector or grid; a term itself."""
    return getattr(value, "term", value)


Store = tuple[str, tuple[Term, ...], Term]
"""A field, the indices at which it gets a new value, and the value."""


def _stores(step: Step) -> list[Store]:
    """The changes of a step, without those that set the current value."""
    found = []
    for field, update in step.updates.items():
        before = getattr(step.before, field)
        place: tuple[Term, ...] = ()
        match update:
            case EntryUpdate(index, new):
                place, old = (index,), before[index]
            case CellUpdate(domain, node, new):
                place, old = (domain, node), before[domain, node]
            case RowUpdate(domain, new):
                place, old = (domain,), before.row(domain)
            case ColumnUpdate(node, new):
                new, old = before.with_column(node, new), before
            case _:
                new, old = update.value, before
        value, known = _term(new), _term(old)
        if not (isinstance(value, z3.AstRef) and z3.simplify(value).eq(z3.simplify(known))):
            found.append((field, place, value))
    return found


def _write(code: Code, index: int, case: Case, stores: list[Store]) -> None:
    with code.block(f"if {code.text(case.condition)}:"):
        if stores:  # one assignment: new values are computed from the state before, and no two fields share a list
            values = [code.own(value) if z3.is_array(value) else code.text(value) for _, _, value in stores]
            places = [f"s.{field}" + "".join(f"[{code.text(i)}]" for i in place) for field, place, _ in stores]
            code.line(f"{', '.join(places)} = {', '.join(values)}")
        if case.name == "allocated":
            code.line("s.chosen = node")
        elif case.answer:
            answer = ", ".join(f"{name!r}: {code.text(_term(value))}" for name, value in case.answer.items())
            code.line(f"s.answer = {{{answer}}}")
        code.line(f"return {index}")
