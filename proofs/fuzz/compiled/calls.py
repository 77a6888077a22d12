"""Calls of the model as functions: the first time a kind of call is made, its Z3 terms are compiled.

A kind is what the model takes as Python values: whether there is a domain, a requested node, an owner, how many entries
a claim set has. Numbers, node and domain ids are parameters, so that one function serves hosts of every size.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from operator import add, sub
from typing import Any, NamedTuple

import z3

from model.calls import Block, Call, Case, Entry, cases
from model.logic import Term
from model.named import GENERATIONS
from model.step import Step

from .code import Code
from .runtime import placed, taken_ascending
from .updates import terms_of, write_updates
from .vectors import VectorHost

HAS_BLOCK = "(heap[{}].orders >> order_)"
"""Whether a node has a free block of ``order`` or more: of the reference's heap, which the model does not have."""

_MAY_BE_OFFLINE = frozenset({"requested", "node"})
_OFFLINE = "offline"
"""Begins the names of parameters that are ids of nodes which are not online."""
_OF_CANDIDATE = frozenset({"node-overclaimed", "redeemed-beyond-counted", "allocated"})
"""Cases of one candidate of the node search."""


class CaseResult:
    """A case as it came out: what a script of the model is sent."""

    __slots__ = ("answer", "block", "name", "result")

    def __init__(self, name: str, result: str, block: Pages | None, answer: Mapping[str, Any] | None = None) -> None:
        self.name = name
        self.result = result
        self.block = block
        self.answer = answer or {}


class Pages:
    """A block of the model in plain numbers, and which frames it is."""

    __slots__ = ("marked", "mfn", "node", "order", "owner", "pages", "refcounted", "state")

    def __init__(self, order: int, node: int, state: str, owner: int | None, refcounted: bool, mfn: int | None) -> None:
        self.order = order
        self.pages = 1 << order
        self.node = node
        self.state = state
        self.owner = owner
        self.refcounted = refcounted
        self.marked = 0
        self.mfn = mfn


class CaseOutcome(NamedTuple):
    """What is known of a case when it is compiled."""

    name: str
    result: str
    state: str | None
    """Of the pages that the case leaves; none: it leaves none."""
    owned: bool
    refcounted: bool
    answers: bool
    """It has an answer, which is left in the state."""
    changed: frozenset[str]
    """The fields that are not as before."""


class Compiled(NamedTuple):
    """A kind of call: its function gives the index of the case that came out, and has changed the state."""

    name: str
    function: Callable[..., int]
    outcomes: list[CaseOutcome]
    made: list[CaseResult | None]
    """Of cases that leave no pages and answer nothing: what a script is sent."""
    counts: list[int]
    """How often each case came out."""
    source: str


class FixedCall(Call):
    """A call on a host of any size, where it is known which parameters are online nodes."""

    def is_online(self, node: Term) -> Term:
        """Of a claim's target, and of what is computed, that is asked at run time."""
        if _is_node(node):
            return True
        return False if _name(node).startswith(_OFFLINE) else node < self.host.nodes

    def on(self, node: Term, statement: Callable[[Term], Term]) -> Term:
        """The node is online and the statement holds of it."""
        if _is_node(node):
            return statement(node)
        online = self.is_online(node)
        return online if online is False else z3.And(node >= 0, online, statement(node))


def _name(term: Term) -> str:
    return str(term.decl().name()) if z3.is_const(term) else ""


_INDICES = ("node", "requested", "domid", "owner")
"""How parameters begin that are valid indices of vectors."""


def _is_node(term: Term) -> bool:
    """A parameter that is the id of an online node: any that the call names, unless it says otherwise."""
    return _name(term).startswith(_INDICES[:2])


class Compiler:
    """The calls of one semantics."""

    def __init__(self, semantics: str) -> None:
        self.semantics = GENERATIONS[semantics]
        self._known: dict[Any, Compiled] = {}
        self._searches: dict[Any, Compiled] = {}
        self.hits: Counter[str] = Counter()
        """What calls did beyond the cases that came out, and the cases of those that are not compiled."""

    def take_hits(self) -> Counter[str]:
        """Everything counted since the last time, cases as ``call: case``."""
        hits, self.hits = self.hits, Counter()
        for compiled in self._known.values():
            counts = compiled.counts
            if any(counts):
                for index, outcome in enumerate(compiled.outcomes):
                    if counts[index]:
                        hits[f"{compiled.name}: {outcome.name}"] += counts[index]
                        counts[index] = 0
        return hits

    def kind(self, name: str, arguments: Mapping[str, Any], nodes: int) -> tuple[Compiled, list[Any]]:
        """The compiled kind of a call, and the numbers that its function takes after the state.

        :param nodes: how many the host has
        """
        key: list[Any] = [name]
        numbers: list[Any] = []
        for parameter, value in arguments.items():
            kind = type(value)
            if kind is int:
                key.append((parameter, _OFFLINE) if parameter in _MAY_BE_OFFLINE and value >= nodes else parameter)
                numbers.append(value)
            elif kind is Pages:
                key.append((parameter, value.state, value.owner is None, value.refcounted))
                numbers += (value.pages, value.node, value.owner, value.marked)
            elif kind is list:
                key.append((parameter, len(value)))
                for entry in value:
                    numbers += (entry.pages, entry.target, entry.pad)
            else:
                key.append((parameter, value))
        fixed = tuple(key)
        compiled = self._known.get(fixed)
        if compiled is None:
            compiled = self._known[fixed] = self._compile(fixed)
        return compiled, numbers

    def search(self, arguments: Mapping[str, Any], nodes: int) -> tuple[Compiled, list[Any]]:
        """:meth:`kind` of an ``alloc_heap_pages``, the call made most often; whatever else it is given is left out."""
        domid, requested, order = arguments["domid"], arguments["requested"], arguments["order"]
        flag = arguments.get
        flags = flag("exact", False), flag("no_refcount", False), flag("no_owner", False)
        numbers = [order, 1 << order] if domid is None else [domid, order, 1 << order]
        asked: Any = None
        if requested is not None:
            asked = requested < nodes
            numbers.append(requested)
        key = (domid is None, asked, flags)
        compiled = self._searches.get(key)
        if compiled is None:
            same = {"domid": domid, "order": order, "pages": 1 << order, "requested": requested}
            named = dict(zip(("exact", "no_refcount", "no_owner"), flags, strict=True))
            compiled = self._searches[key] = self.kind("alloc_heap_pages", same | named, nodes)[0]
        return compiled, numbers

    def _compile(self, key: tuple[Any, ...]) -> Compiled:
        host = VectorHost()
        call = FixedCall(self.semantics, host, host.state())
        name, *parts = key
        parameters: list[str] = []
        arguments = dict(_argument(part, parameters) for part in parts)
        searches = name == "alloc_heap_pages"
        if searches:
            node = z3.Int("node")
            arguments["candidates"] = (node,)
            arguments["has_block"] = _HasBlock()
        found = cases(call, name, **arguments)
        steps = [case.effect.step() if case.effect is not None else None for case in found]
        code = Code(host.book, [p for p in [*parameters, "node"] if p.startswith(_INDICES)], {"has_block": HAS_BLOCK})
        for case, step in zip(found, steps, strict=True):
            code.count([case.condition, *case.answer.values(), *(terms_of(step) if step is not None else [])])
        changed = _write(code, found, steps, _OF_CANDIDATE if searches else frozenset())
        extra = ["candidates", "heap"] if searches else []
        head = f"def call({', '.join(['s', *parameters, *extra])}):"
        source = "\n".join([head, *code.lines]) + "\n"
        names: dict[str, Any] = {"taken_ascending": taken_ascending, "placed": placed, "add": add, "sub": sub}
        exec(compile(source, f"<{self.semantics.name} {name}>", "exec"), names)  # our own text
        outcomes = [_outcome(case, changed[index]) for index, case in enumerate(found)]
        made = [CaseResult(o.name, o.result, None) if o.state is None and not o.answers else None for o in outcomes]
        return Compiled(name, names["call"], outcomes, made, [0] * len(found), source)


def _outcome(case: Case, changed: frozenset[str]) -> CaseOutcome:
    block, answers = case.block, bool(case.answer)
    if block is None:
        return CaseOutcome(case.name, case.result, None, False, False, answers, changed)
    return CaseOutcome(case.name, case.result, block.state, block.owner is not None, block.refcounted, answers, changed)


class _HasBlock:
    """``has_block`` of a node that is a parameter."""

    def __getitem__(self, node: Term) -> Term:
        return z3.Function("has_block", z3.IntSort(), z3.BoolSort())(node)


def _argument(part: Any, parameters: list[str]) -> tuple[str, Any]:
    """An argument of the model's call; the parameters that it needs are appended."""

    def parameter(name: str) -> Term:
        parameters.append(f"{name}_")  # no field of the state is called that
        return z3.Int(f"{name}_")

    if isinstance(part, str):
        return part, parameter(part)
    name, *kind = part
    if name == "block" and len(kind) == 3:
        state, unowned, refcounted = kind
        pages, node, owner, marked = (parameter(p) for p in ("pages", "node", "owner", "marked"))
        return name, Block(pages, node, state, None if unowned else owner, refcounted, marked)
    if name == "entries":
        return name, [
            Entry(parameter(f"pages{i}"), parameter(f"target{i}"), parameter(f"pad{i}")) for i in range(kind[0])
        ]
    if kind[0] == _OFFLINE:
        return name, parameter(f"{_OFFLINE}_{name}")
    return name, kind[0]


def _write(
    code: Code, found: Sequence[Case], steps: Sequence[Step | None], in_loop: frozenset[str]
) -> list[frozenset[str]]:
    """The cases in order; returns the fields that each changes. Some are asked of every candidate for a node."""
    changed: list[frozenset[str]] = [frozenset()] * len(found)
    index = 0

    def next_case() -> bool:
        """Write one; whether no other can be reached behind it."""
        nonlocal index
        case, step = found[index], steps[index]
        condition = code.term(case.condition)
        if condition == "True":
            changed[index] = _write_effect(code, index, case, step)
        elif condition != "False":
            with code.block(f"if {condition}:"):
                changed[index] = _write_effect(code, index, case, step)
        index += 1
        return condition == "True"

    while index < len(found):
        if found[index].name in in_loop:
            with code.block("for node in candidates:"):
                while found[index].name in in_loop:
                    next_case()
        elif next_case():
            break
    return changed


def _write_effect(code: Code, index: int, case: Case, step: Step | None) -> frozenset[str]:
    changed = frozenset(write_updates(code, step) if step is not None else ())
    if case.name == "allocated":
        code.line("s.chosen = node")
    elif case.answer:
        told = ", ".join(f"{name!r}: {code.term(value)}" for name, value in case.answer.items())
        code.line(f"s.answer = {{{told}}}")
    code.line(f"return {index}")
    return changed
