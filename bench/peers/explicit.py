"""Explicit-state search, breadth first, in plain Python: a state is a tuple, the steps are the model's own.

Every transition is built by the model on terms, once for each choice of its arguments, and printed as Python.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import z3

from model.hosts.bounded import BoundedHost
from model.logic import Term, all_of
from model.named import GENERATIONS, TRANSITIONS
from model.properties import PROPERTIES as ALL_PROPERTIES
from model.properties.conditions import CONDITIONS as ALL_CONDITIONS
from model.state import FIELDS, Shape, State
from model.step import Step
from proofs.mistakes.in_rules import mutated

from .clock import worked
from .subject import CONDITIONS, PROPERTIES, STEPS, Outcome, Size

FIXED: dict[str, Any] = {
    "is_created": True,
    "is_destroyed": False,
    "orphaned_claims": 0,
    "extra_pages": 0,
    "marked_pages": 0,
    "legacy_calls": 0,
}
"""Fields that no step of these changes; max_pages and installed_pages are the size's, ledgers are left out."""
FLAGS = ("llc_coloring", "malformed", "names_offline_node")
"""Arguments that only make a call fail."""
PROGRESS = 5_000

Successors = Callable[[tuple[int, ...]], list[tuple[int, ...]]]


def search(size: Size, mistake: str = "", seconds: float = 60.0, most: int = 3_000_000) -> Outcome:
    """All states that can be reached, or those up to the first that violates a property."""
    begun = worked()
    first, successors, broken = compiled(size, mistake)
    started, end = worked(), time.perf_counter() + seconds
    ready = started - begun
    seen, level, depth = {first}, [first], 0
    while level:
        following = []
        for number, state in enumerate(level):
            for new in successors(state):
                if new not in seen:
                    seen.add(new)
                    following.append(new)
                    name = broken(new)
                    if name:
                        spent = worked() - started
                        return Outcome("broken", spent, len(seen), f"{name} at depth {depth + 1}", ready)
            if number % PROGRESS == 0 and (time.perf_counter() > end or len(seen) > most):
                return Outcome("stopped", worked() - started, len(seen), f"at depth {depth}", ready)
        level, depth = following, depth + 1
    return Outcome("holds", worked() - started, len(seen), f"depth {depth - 1}", ready)


def compiled(size: Size, mistake: str = "") -> tuple[tuple[int, ...], Successors, Callable[[tuple[int, ...]], str]]:
    """The first state, the states after one, and the property that one breaks (or nothing)."""
    host = BoundedHost(size.nodes, size.domains)
    state, names, first = _symbolic(host, size)
    inside = f"({', '.join(names)},)"
    lines = ["def successors(state):", f"    {inside} = state", "    found = []"]
    for possible, after in _instances(size, state, mistake):
        new = ", ".join(_text(value) for value in _tracked(host, after))
        lines += [f"    if {_text(possible)}:", f"        found.append(({new},))"]
    lines += ["    return found", "", "def broken(state):", f"    {inside} = state"]
    for name in PROPERTIES:
        says = ALL_PROPERTIES[name].of_state
        assert says is not None
        lines += [f"    if not {_text(says(host, state))}:", f"        return {name!r}"]
    lines.append("    return ''")
    space: dict[str, Any] = {}
    exec(compile("\n".join(lines), "<steps>", "exec"), space)
    return first, space["successors"], space["broken"]


def _instances(size: Size, state: State, mistake: str) -> Iterator[tuple[Term, State]]:
    """Every step with every choice of arguments: when it is possible, and the state after it."""
    semantics = mutated(GENERATIONS["claim-sets"], mistake) if mistake else GENERATIONS["claim-sets"]
    for name in STEPS:
        for given in _arguments(name, size):
            host = BoundedHost(size.nodes, size.domains)
            step = Step(host, state, given)
            TRANSITIONS[name].build(step, semantics.rules)
            for condition in (ALL_CONDITIONS[c] for c in CONDITIONS):
                if name in condition.transitions:
                    step.guard_all(condition.id, condition.guard(step))
            yield all_of(guard.formula(host) for guard in step.guards), host.after(step)


def _arguments(name: str, size: Size) -> Iterator[dict[str, Any]]:
    probe = Step(BoundedHost(size.nodes, size.domains), BoundedHost(size.nodes, size.domains).state())
    TRANSITIONS[name].build(probe, GENERATIONS["claim-sets"].rules)
    if name == "claim_memory":
        for domain, (*by_node, host_wide) in product(range(size.domains), size.sets()):
            first, second = _vector(by_node), _vector([0] * size.nodes)
            yield {
                "domid": domain,
                "first": first,
                "second": second,
                "global": host_wide,
                **dict.fromkeys(FLAGS, False),
            }
        return
    domains = range(size.domains) if "domid" in probe.arguments else [0]
    for domain, node in product(domains, range(size.nodes) if "node" in probe.arguments else [0]):
        yield {"domid": domain, "node": node, "exact_node": False, "anywhere": False, "pages": 1, "marks": 0}


def _vector(entries: list[int]) -> Any:
    from model.hosts.bounded import ListVector

    return ListVector(entries)


def _changes(name: str) -> bool:
    ledger = name.startswith("ledger_") or name in ("global_installed", "global_redeemed", "global_released")
    return not ledger and name not in (*FIXED, "global_recalled", "max_pages", "installed_pages")


def _symbolic(host: BoundedHost, size: Size) -> tuple[State, list[str], tuple[int, ...]]:
    """A state of named counters where they change; their names, and their values at boot, all domains created."""
    values, names, first = {}, [], []
    for info in FIELDS.values():
        if not _changes(info.name):
            fixed = {**FIXED, "max_pages": size.limit, "installed_pages": size.pages}.get(info.name, 0)
            values[info.name] = host.shaped(info, lambda *_i, v=fixed: v)
            continue
        values[info.name] = host.field(info, "")
        at_boot = {"node_avail_pages": size.pages, "total_avail_pages": size.pages * size.nodes, "domctl_lock": -1}
        for cell in _cells(host, info.shape, values[info.name]):
            names.append(_name(cell))
            first.append(at_boot.get(info.name, 0))
    return State(**values), names, tuple(first)


def _tracked(host: BoundedHost, state: State) -> list[Term]:
    return [
        cell
        for info in FIELDS.values()
        if _changes(info.name)
        for cell in _cells(host, info.shape, getattr(state, info.name))
    ]


def _cells(host: BoundedHost, shape: Shape, value: Any) -> list[Term]:
    if shape is Shape.HOST:
        return [value]
    if shape is Shape.CELL:
        return [value[d, n] for d in range(host.domains) for n in range(host.nodes)]
    return [value[i] for i in range(host.nodes if shape is Shape.NODE else host.domains)]


def _name(term: z3.ExprRef) -> str:
    return str(term).replace("[", "_").replace("]", "")


_BETWEEN = {
    z3.Z3_OP_ADD: "+",
    z3.Z3_OP_SUB: "-",
    z3.Z3_OP_MUL: "*",
    z3.Z3_OP_AND: "and",
    z3.Z3_OP_OR: "or",
    z3.Z3_OP_EQ: "==",
    z3.Z3_OP_LE: "<=",
    z3.Z3_OP_GE: ">=",
    z3.Z3_OP_LT: "<",
    z3.Z3_OP_GT: ">",
}


def _text(term: Term) -> str:
    """A term as Python."""
    if not isinstance(term, z3.ExprRef):
        return repr(term)
    return _written(z3.simplify(term))


def _written(term: z3.ExprRef) -> str:
    if z3.is_int_value(term):
        return str(term.as_long())
    if z3.is_true(term) or z3.is_false(term):
        return str(z3.is_true(term))
    parts = [_written(child) for child in term.children()]
    kind = term.decl().kind()
    if kind == z3.Z3_OP_UNINTERPRETED:
        return _name(term)
    if kind == z3.Z3_OP_ITE:
        return f"({parts[1]} if {parts[0]} else {parts[2]})"
    if kind in (z3.Z3_OP_NOT, z3.Z3_OP_UMINUS):
        return f"({'not' if kind == z3.Z3_OP_NOT else '-'} {parts[0]})"
    return f"({f' {_BETWEEN[kind]} '.join(parts)})"
