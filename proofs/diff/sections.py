"""Operations of several critical sections: reference and model go from boundary to boundary side by side.

At a boundary the states are compared, and then everything is unknown again, as other builders may have run: all that
stays is what the operation itself holds. So what follows depends on nothing else, and is explored once for each
different thing that the operation may hold (`held`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, ValuesView
from enum import Enum
from types import FunctionType, MethodType
from typing import Any

import z3

from model.calls import CRASH, MISUSE, Boundary, CallState, Case, Ended, Script
from proofs.diff.execution import Execution, Expected, Outcome
from proofs.diff.explorer import Pruned
from proofs.diff.finite import Finite, Seen
from proofs.diff.numbers import ExplorationError, Number, Truth
from proofs.diff.request import Request
from proofs.diff.symbolic_host import Order
from reference.pages import Block
from reference.state import Domain, Host
from reference.steps import Steps

BOUNDARY = "a boundary"


def side_by_side(
    x: Execution,
    name: str,
    script: Script,
    steps: Steps[Any],
    result: Callable[[Any], Outcome],
    expected: Callable[[Ended], Expected] = lambda ended: Expected(ended.result),
    request: Request | None = None,
    between: Callable[[], None] = lambda: None,
) -> None:
    """An operation to its end. `result` and `expected` tell what came out; `between` is what others may do meanwhile.

    `request` is what the operation allocates with.
    """
    while True:
        outcome = x.run(lambda: _section(steps, result))
        after, ended = _model_section(x, script, request)
        x.compare(name, outcome, _expected(ended, expected), after)
        if outcome.result != BOUNDARY or ended is not None:
            return
        _once(x, script, steps)
        x.section += 1
        x.renew()
        if request is not None:
            request.renew()
        between()
        x.look()


def _expected(ended: Ended | None, expected: Callable[[Ended], Expected]) -> Expected:
    if ended is None:
        return Expected(BOUNDARY)
    return Expected(ended.result) if ended.result in (CRASH, MISUSE) else expected(ended)


def _section(steps: Steps[Any], result: Callable[[Any], Outcome]) -> Outcome:
    try:
        next(steps)
    except StopIteration as end:
        return result(end.value)
    return Outcome(BOUNDARY)


def _model_section(x: Execution, script: Script, request: Request | None) -> tuple[CallState, Ended | None]:
    """All calls of the model up to the next boundary, or to the end."""
    state, case = x.start.state, None
    while True:
        try:
            item = script.send(case)
        except StopIteration as end:
            return state, end.value
        if isinstance(item, Boundary):
            return state, None
        arguments = dict(item.arguments)
        if item.call == "alloc_heap_pages" and request is not None:
            asked, state = request.for_model()
            arguments |= asked
        listed = x.cases_of(item.call, arguments, state)
        index = x.decided(item.call, listed)
        case, state = listed.cases[index], listed.after(index)
        if case.result in (CRASH, MISUSE):
            return state, Ended(case.result)


def _once(x: Execution, script: Script, steps: Steps[Any]) -> None:
    """Go on only if nothing was explored yet that holds the same."""
    now = (x.section, _digest(x.choices), held(steps), held(script), _digest(x.host.pages.blocks))

    def is_new() -> bool:
        if now in x.continued:
            return False
        x.continued.add(now)
        return True

    if not x.explorer.note(is_new):
        raise Pruned


def held(steps: Generator[Any, Any, Any]) -> tuple[Any, ...]:
    """Where an operation stands, and the values that it goes on with."""
    found: list[Any] = []
    at: Any = steps
    while at is not None and at.gi_frame is not None:
        frame = at.gi_frame
        found.append((at.gi_code.co_qualname, frame.f_lasti, _digest(frame.f_locals)))
        at = at.gi_yieldfrom
    return tuple(found)


def _digest(value: Any) -> Any:
    """Equal for values with which an operation goes on in the same way."""
    if value is None or isinstance(value, (int, str, Enum)):
        return value
    if isinstance(value, Number):
        return ("number", value.key())
    if isinstance(value, Seen):
        return ("seen", value.name, value.of.values)
    if isinstance(value, Finite):
        return ("finite", value.values)
    if isinstance(value, Truth):
        return ("truth", str(value.key), value.contrary)
    if isinstance(value, z3.ExprRef):
        return ("z3", value.sexpr())
    if isinstance(value, Host):
        return "host"
    if isinstance(value, Domain):
        return ("domain", value.domid)
    if isinstance(value, Block):
        return ("block", value.mfn, _digest(value.order), value.state, value.domid, value.refcounted)
    if isinstance(value, Case):
        return ("case", value.result, _digest(value.block))
    if isinstance(value, ValuesView):
        return ("values", *map(_digest, value))
    if isinstance(value, Mapping):
        return tuple((key, _digest(part)) for key, part in value.items())
    if isinstance(value, (list, tuple, range)):
        return (type(value).__name__, *(_digest(part) for part in value))
    if isinstance(value, Order):
        return ("order", value.number.key())
    if isinstance(value, (FunctionType, MethodType)):  # looks at the execution only
        return ("function", value.__qualname__)
    if hasattr(value, "__dataclass_fields__"):
        return (type(value).__name__, *(_digest(getattr(value, name)) for name in value.__dataclass_fields__))
    raise ExplorationError(f"an operation holds a {type(value).__name__}")
