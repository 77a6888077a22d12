"""Compiled calls do what Z3 says of the model: every call of every generation, on random states."""

from __future__ import annotations

from copy import deepcopy
from random import Random
from typing import Any

import pytest
import z3

from model.calls import CALL_FIELDS, CALLS, Block, Call, CallHost, Case, Entry, cases, exists, search_order
from model.hosts.bounded import ListGrid, ListVector
from model.named import GENERATIONS
from proofs.fuzz import terms
from proofs.fuzz.compiler import Compiler
from proofs.fuzz.model_calls import compiler
from proofs.fuzz.numbers import ModelState, Pages, evaluated
from tests.fuzz.random_calls import DOMAINS, EVALUATED, NODES, calls, random_state
from tests.sampled import PLAIN, sampled

SYMBOLIC = frozenset({"pages", "max_pages", "pad", "extent_order", "mem_flags", "order"})
"""Arguments that are Z3 constants; ids are indices, and flags are Python values to the model."""


class SymbolicCalls:
    """A state of Z3 constants, what each is, and the same of arguments of calls on it."""

    def __init__(self, s: ModelState) -> None:
        self.numbers = numbers(s)
        self.host = CallHost(NODES, DOMAINS)
        self.before = self.host.state()
        self._solver = z3.SimpleSolver()
        for name in CALL_FIELDS:
            self._same(getattr(self.before, name), getattr(s, name))
        self._solver.push()

    def _same(self, term: Any, value: Any) -> None:
        if isinstance(term, ListGrid):
            for row, values in zip(term.rows, value, strict=True):
                self._same(row, values)
        elif isinstance(term, ListVector):
            for one, number in zip(term.entries, value, strict=True):
                self._same(one, number)
        elif isinstance(term, z3.AstRef):
            self._solver.add(term == value)
        else:
            assert term == value

    def constant(self, name: str, value: int) -> Any:
        """A Z3 constant with that value."""
        term = z3.Int(f"argument_{name}")
        self._solver.add(term == value)
        return term

    def argument(self, name: str, value: Any) -> Any:
        """The argument for the model."""
        if type(value) is Pages:
            pages, marked = self.constant("block_pages", value.pages), self.constant("marked", value.marked)
            return Block(pages, value.node, value.state, value.owner, value.refcounted, marked)
        if name == "entries":
            parts = ("pages", "target", "pad")
            return [Entry(*(self.constant(f"{p}{i}", getattr(e, p)) for p in parts)) for i, e in enumerate(value)]
        return self.constant(name, value) if name in SYMBOLIC else value

    def known(self) -> z3.ModelRef:
        """The one model of the state and the arguments, which are forgotten then."""
        assert self._solver.check() == z3.sat
        model = self._solver.model()
        self._solver.pop()
        self._solver.push()
        return model

    def after(self, model: z3.ModelRef, case: Case) -> dict[str, Any]:
        """Every field after the case."""
        after = self.before if case.effect is None else case.effect()
        fields = {name: (getattr(after, name), getattr(self.before, name)) for name in CALL_FIELDS}
        return {f: self.numbers[f] if new is old else value_of(model, new) for f, (new, old) in fields.items()}


def value_of(model: z3.ModelRef, term: Any) -> Any:
    if isinstance(term, ListGrid):
        return [value_of(model, row) for row in term.rows]
    if isinstance(term, ListVector):
        return [value_of(model, entry) for entry in term.entries]
    if not isinstance(term, z3.AstRef):
        return term
    value = model.eval(term, model_completion=True)
    return value.as_long() if z3.is_int_value(value) else z3.is_true(value)


def came_out(model: z3.ModelRef, found: list[Case]) -> Case:
    for case in found:
        if value_of(model, case.condition) is True:
            return case
    raise AssertionError("no case applies")


def numbers(s: ModelState) -> dict[str, Any]:
    return {name: getattr(s, name) for name in CALL_FIELDS}


def compare(
    compiler: Compiler,
    semantics: str,
    asked: SymbolicCalls,
    s: ModelState,
    name: str,
    given: dict[str, Any],
    random: Random,
) -> str:
    """One call on both sides, on the current state; returns the case."""
    arguments = {key: asked.argument(key, value) for key, value in given.items()}
    if name == "alloc_heap_pages":
        domid = given["domid"]
        affinity = [n for n in range(NODES) if domid is None or s.node_affinity[domid][n]] or [0]
        last = None if domid is None or s.last_alloc_node[domid] < 0 else s.last_alloc_node[domid]
        candidates = search_order(NODES, affinity, given["requested"], last, given.get("exact", False))
        has_block = [random.getrandbits(5) >> given["order"] != 0 for _ in range(NODES)]
        searched = {"pages": asked.constant("pages", 1 << given["order"]), "candidates": candidates}
        arguments |= searched | {"has_block": has_block}
    found = cases(Call(GENERATIONS[semantics], asked.host, asked.before), name, **arguments)
    model = asked.known()
    wanted = came_out(model, found)
    expected = asked.after(model, wanted)
    answer = {key: value_of(model, told) for key, told in wanted.answer.items()}

    s.answer = {}
    if name == "alloc_heap_pages":
        compiled, arguments_of = compiler.kind(name, given | {"pages": 1 << given["order"]}, NODES)
        index = compiled.function(s, *arguments_of, candidates, has_block)
    else:
        compiled, arguments_of = compiler.kind(name, given, NODES)
        index = compiled.function(s, *arguments_of)
    outcome = compiled.cases[index]
    what = f"{semantics} {name} {given}: {wanted.name}"
    assert (outcome.name, outcome.result) == (wanted.name, wanted.result), what
    assert numbers(s) == expected, what
    assert ({"node": s.chosen} if wanted.name == "allocated" else s.answer) == answer, what
    assert _left(outcome) == _left(wanted), what
    return f"{name}: {wanted.name}"


def _left(case: Case) -> tuple[str, bool, bool] | None:
    """What is known of the pages that a case leaves."""
    block = case.block
    return None if block is None else (block.state, block.owner is not None, block.refcounted)


def compared(compiler: Compiler, semantics: str, rounds: int, seed: int) -> set[str]:
    random, seen = Random(seed), set()
    for _ in range(rounds):
        s = random_state(random)
        asked = SymbolicCalls(s)
        for name, given in calls(random):
            if exists(name, semantics):
                seen.add(compare(compiler, semantics, asked, deepcopy(s), name, given, random))
    return seen


@pytest.mark.parametrize("semantics", sampled(GENERATIONS, keep=PLAIN))
def test_compiled_calls_agree_with_z3(semantics: str) -> None:
    """One round of every kind of call; which cases that reaches is up to the random numbers."""
    seen = compared(compiler(semantics), semantics, 1, seed=1)
    assert {name.partition(":")[0] for name in seen} == {c for c in set(CALLS) - EVALUATED if exists(c, semantics)}


@pytest.mark.long
@pytest.mark.parametrize("semantics", GENERATIONS)
def test_compiled_calls_agree_with_z3_in_many_states(semantics: str) -> None:
    assert len(compared(compiler(semantics), semantics, 60, seed=2)) > 50


@pytest.mark.parametrize("semantics", sampled(GENERATIONS, keep=PLAIN))
def test_evaluated_calls_agree_with_compiled_calls(semantics: str) -> None:
    """The same function evaluates every call on numbers; here it is held against the compiled calls."""
    random = Random(3)
    for name, given in calls(random):
        if name == "alloc_heap_pages" or not exists(name, semantics):
            continue
        s, t = random_state(Random(7)), random_state(Random(7))
        case, _ = evaluated(semantics, s, name, given)
        compiled, arguments = compiler(semantics).kind(name, given, NODES)
        assert compiled.cases[compiled.function(t, *arguments)].name == case.name, (name, given)
        assert numbers(s) == numbers(t), (name, given, case.name)


def test_wrong_compiled_line_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison can fail: with >= in the place of > it does."""
    monkeypatch.setitem(terms._INFIX, ">", ">=")
    with pytest.raises(AssertionError):
        compared(Compiler("legacy-redeem-at-alloc"), "legacy-redeem-at-alloc", 3, seed=1)
