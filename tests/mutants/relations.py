"""The relation of a transition on a bounded host as plain terms, and whether two relations are the same.

The same names stand for the same state and arguments, so that relations of the right code and of a mutant, built one
after the other, can be put side by side.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import z3

from model.hosts.bounded import BoundedHost, ListGrid, ListVector
from model.logic import Term, all_of, any_of, negation
from model.named import GENERATIONS, TRANSITIONS
from model.step import Step
from proofs.obligations.invariants import invariant
from proofs.prover.verdict import Settings, Verdict


@dataclass(frozen=True)
class Relation:
    """What a step may do: when it is possible, and what it leaves."""

    guards: tuple[Term, ...]
    after: dict[str, Term]
    """Every counter of the state after, and what the step is said to allocate."""
    axioms: tuple[Term, ...]
    """Of its arguments."""


def relation(semantics: str, transition: str, nodes: int, domains: int) -> Relation:
    """As the code in this process has it now."""
    host = BoundedHost(nodes, domains)
    step = Step(host, host.state())
    TRANSITIONS[transition].build(step, GENERATIONS[semantics].rules)
    guards = tuple(guard.formula(host) for guard in step.guards)
    after = {"allocates": step.allocates, "unowned": step.unowned}
    for name, value in vars(host.after(step)).items():
        after.update((f"{name}{index}", term) for index, term in _entries(value))
    return Relation(guards, after, tuple(host.axioms))


def _entries(value: object) -> Iterable[tuple[str, Term]]:
    if isinstance(value, ListVector):
        return [(f"[{i}]", term) for i, term in enumerate(value.entries)]
    if isinstance(value, ListGrid):
        return [(f"[{d}][{n}]", term) for d, row in enumerate(value.rows) for n, term in enumerate(row.entries)]
    return [("", value)]


def _same_term(one: Term, other: Term) -> bool:
    if isinstance(one, z3.ExprRef) and isinstance(other, z3.ExprRef):
        return bool(z3.eq(one, other))
    return type(one) is type(other) and bool(one == other)


def same_formulas(one: Relation, other: Relation) -> bool:
    """Formula by formula: nothing has to be proved."""
    return (
        len(one.guards) == len(other.guards)
        and all(map(_same_term, one.guards, other.guards))
        and all(_same_term(term, other.after[name]) for name, term in one.after.items())
    )


def same_relation(kept: Iterable[str], one: Relation, other: Relation, nodes: int, domains: int) -> Verdict:
    """Proved: from every state in which the invariants hold, the same steps are possible and leave the same."""
    host = BoundedHost(nodes, domains)
    s = host.state()
    possible, too = all_of(one.guards), all_of(other.guards)
    changed = any_of(_differ(term, other.after[name]) for name, term in one.after.items())
    solver = z3.SimpleSolver()
    solver.set("rlimit", Settings().rlimit // 20)
    for name in kept:
        solver.add(_term(invariant(name, host, s)))
    for axiom in {str(a): a for a in (*one.axioms, *other.axioms)}.values():
        solver.add(_term(axiom))
    solver.add(_term(any_of([_differ(possible, too), all_of([possible, changed])])))
    answer = solver.check()
    if answer == z3.unsat:
        return Verdict.PROVED
    return Verdict.REFUTED if answer == z3.sat else Verdict.UNKNOWN


def _differ(one: Term, other: Term) -> Term:
    return False if _same_term(one, other) else negation(one == other)


def _term(term: Term) -> Term:
    return z3.BoolVal(term) if isinstance(term, bool) else term
