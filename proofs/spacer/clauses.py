"""The model's transitions as constrained Horn clauses, and Spacer's answer to them.

    boot(s) -> inv(s);  inv(s) and step(s, s') -> inv(s'), for each transition;  can inv(s) and not property(s) be?

Spacer's invariant is about the followed fields. Nothing here is trusted: the prover certifies the result.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import z3

from model.logic import Term, all_of, negation
from proofs.interrupts import raise_if_interrupted
from proofs.spacer.target import System

INVARIANT = "inv"
UNSAT, SAT, UNKNOWN = "unsat", "sat", "unknown"


@dataclass
class SpacerAnswer:
    """Spacer's answer: `unsat` with an invariant, `sat` if a run of the clauses violates a property."""

    answer: str
    invariant: list[z3.BoolRef]
    """The conjuncts of the invariant, over the system's state."""
    seconds: float
    """Seconds of processor time."""
    clauses: int
    counters: int
    reason: str = ""


def derived(system: System, seconds: int, seed: int = 0) -> SpacerAnswer:
    """Query Spacer in a new context, so that the result depends only on the problem.

    :raises KeyboardInterrupt: Ctrl-C during the query, or recorded before it
    """
    context = z3.Context()
    engine = z3.Fixedpoint(ctx=context)
    engine.set(engine="spacer", timeout=1000 * seconds)
    engine.set("spacer.random_seed", seed)
    cells = system.cells(system.state)
    relation = z3.Function(INVARIANT, *[cell.sort() for cell in cells], z3.BoolSort())
    inv = relation(*cells)
    engine.register_relation(relation.translate(context))
    rules = [(system.boot(), inv), *_steps(system, relation, inv)]
    for body, head in rules:
        engine.add_rule(_closed(z3.Implies(body, head)).translate(context))
    broken = _closed(all_of([inv, negation(system.goal())]), some=True)
    raise_if_interrupted()
    started, worked = time.perf_counter(), time.process_time()
    try:
        answer = str(engine.query(broken.translate(context)))
    except z3.Z3Exception as error:
        if "canceled" not in str(error):
            raise
        if time.perf_counter() - started < seconds:
            raise KeyboardInterrupt from None  # Z3 handles Ctrl-C itself, and reports it as a limit
        return SpacerAnswer(
            UNKNOWN, [], time.process_time() - worked, len(rules), len(cells), f"not found in {seconds} s"
        )
    found = SpacerAnswer(answer, [], time.process_time() - worked, len(rules), len(cells))
    if answer == UNSAT:
        found.invariant = _read(engine.get_answer().translate(z3.main_ctx()), relation, cells)
    elif answer == UNKNOWN:
        found.reason = engine.reason_unknown()
    return found


def _steps(system: System, relation: z3.FuncDeclRef, inv: z3.BoolRef) -> list[tuple[Term, Term]]:
    """One clause per transition; a transition that sets no followed field, or is impossible, has no clause."""
    found = []
    for name in system.target.rules().transitions:
        possible, after, updates = system.step(name)
        body = all_of([inv, *possible])
        if updates & set(system.followed) and body is not False:
            found.append((body, relation(*system.cells(after))))
    return found


def _closed(formula: z3.BoolRef, some: bool = False) -> z3.BoolRef:
    """The formula for all values of its constants, or for some."""
    constants = _constants(formula)
    if not constants:
        return formula
    return z3.Exists(constants, formula) if some else z3.ForAll(constants, formula)


def _constants(formula: z3.ExprRef) -> list[z3.ExprRef]:
    seen, found, left = set(), [], [formula]
    while left:
        term = left.pop()
        if term.get_id() not in seen:
            seen.add(term.get_id())
            if z3.is_const(term) and term.decl().kind() == z3.Z3_OP_UNINTERPRETED:
                found.append(term)
            left += term.children()
    return found


def _read(answer: z3.BoolRef, relation: z3.FuncDeclRef, cells: list[z3.ExprRef]) -> list[z3.BoolRef]:
    """The definition of the relation in Spacer's answer, at the state's own counters.

    :raises ValueError: the answer has no such definition
    """
    for part in [answer, *answer.children()]:
        if z3.is_quantifier(part) and part.num_vars() == len(cells):
            here = z3.substitute_vars(part.body(), *reversed(cells))
            if z3.is_eq(here) and here.arg(0).decl() == relation:
                return conjuncts(here.arg(1))
            if z3.is_app(here) and here.decl() == relation:
                return []
    raise ValueError(f"no definition of {INVARIANT} in the answer: {answer}")


def conjuncts(formula: Term) -> list[z3.BoolRef]:
    """The parts of a conjunction."""
    if isinstance(formula, bool):
        return [] if formula else [z3.BoolVal(False)]
    if z3.is_and(formula):
        return [part for child in formula.children() for part in conjuncts(child)]
    return [] if z3.is_true(formula) else [formula]
