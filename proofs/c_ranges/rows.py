"""Every intermediate value of a generation: proved to be in its type for any host, or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache

from model.c_code.evaluation import Value, evaluated
from model.encoding import Quantifiers
from model.hosts.bounded import BoundedHost
from model.logic import Term
from model.named import GENERATIONS, TRANSITIONS
from model.properties import PROPERTIES
from model.properties.ranges import value_fits
from model.step import Step, TwoStates
from proofs.prover.induction import Induction, induction, shown
from proofs.prover.verdict import Verdict

WHOLE = "no-wrap.intermediate"
SMALL = (2, 2)
"""The numbers of nodes and domains of the host on which values are listed."""


@dataclass(frozen=True)
class RangeRow:
    """One value."""

    semantics: str
    transition: str
    function: str
    expression: str
    c_type: str
    verdict: Verdict
    assumes: tuple[str, ...] = ()
    """The loop invariants assumed for it."""
    number: int = 0
    """Its number in the transition."""


def values_of(semantics: str, transition: str) -> list[Value]:
    """The values that a transition's C code computes, on a small host."""
    _host, step = _step(semantics, transition)
    return evaluated(step, step.before).values


def _step(semantics: str, transition: str) -> tuple[BoundedHost, Step]:
    host = BoundedHost(*SMALL)
    step = Step(host, host.state())
    TRANSITIONS[transition].build(step, GENERATIONS[semantics].rules)
    return host, step


@contextmanager
def _stated(transition: str, number: int) -> Iterator[str]:
    """A property about one value, registered inside the block."""
    name = f"{WHOLE}[{transition} {number}]"

    def fits(q: Quantifiers, t: TwoStates) -> Term:
        return value_fits(q, t, number)

    PROPERTIES[name] = replace(PROPERTIES[WHOLE], part=name.partition(".")[2], of_step=fits)
    try:
        yield name
    finally:
        del PROPERTIES[name]


BEFORE_ANY_WRAP = "no-wrap.domain-counters"
"""An invariant of every state that a trace reaches before a value leaves its type; the proofs assume it."""


@cache
def _kept(semantics: str) -> Induction:
    return Induction(semantics, (), list(dict.fromkeys([*induction(semantics).kept, BEFORE_ANY_WRAP])))


def rows_of(semantics: str, transitions: Sequence[str] | None = None) -> list[RangeRow]:
    """Every value of a generation, judged with the invariants that hold until the first value leaves its type.

    :param transitions: those whose values are judged; None: all
    """
    kept = _kept(semantics)
    found = []
    for transition in GENERATIONS[semantics].transitions if transitions is None else transitions:
        values = values_of(semantics, transition)
        whole = bool(values) and shown(kept.question(WHOLE, transition)) is not None
        for number, value in enumerate(values):
            found.append(_row(transition, number, value, kept, whole))
    return found


def _row(transition: str, number: int, value: Value, kept: Induction, proved: bool) -> RangeRow:
    function = TRANSITIONS[transition].function
    row = RangeRow(
        kept.semantics, transition, function, value.expression, value.c_type, Verdict.PROVED, value.assumes, number
    )
    if proved:
        return row
    with _stated(transition, number) as name:
        if shown(kept.question(name, transition)) is not None:
            return row
    return replace(row, verdict=Verdict.UNKNOWN)
