"""Plans derived from an operation's class: one critical section, unknown numbers, and the domain that is looked up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from model.calls import CALLS, OK
from proofs.operations import OPERATIONS, Event

from .plan import Outcome, Plan, PlanDomain, Setting, answered
from .world import ALL_THERE, World


class _CallRecorder:
    """Replaces the model: records which call an operation makes, and its arguments."""

    def __init__(self, x: Setting, who: PlanDomain) -> None:
        self._x, self._who = x, who

    def call(self, name: str, **arguments: Any) -> tuple[str, dict[str, Any]]:
        """A call without a domain."""
        return name, {argument: self._x.term(value) for argument, value in arguments.items()}

    def call_for(self, name: str, domid: int, **arguments: Any) -> tuple[str, dict[str, Any]]:
        """A call for the domain that is looked up."""
        assert domid == self._who.asked
        return name, {"domid": self._who.domid, **self.call(name, **arguments)[1]}


def plans_of(kind: type[Event], x: Setting) -> Iterator[Plan]:
    """For every domain, an unused id and a destroyed domain's id; every argument is unknown."""
    if "domid" in kind.__struct_fields__:
        for who in x.looked_up:
            yield _plan(kind, x, who)
    else:
        yield _plan(kind, x, None)


def _plan(kind: type[Event], x: Setting, who: PlanDomain | None) -> Plan:
    event, known = _event(kind, x, who)
    name, arguments = _call_of(event, x, who)

    def act(w: World) -> Outcome:
        def ask() -> Outcome:
            outcome = event.on_reference(w.host)
            assert isinstance(outcome, dict)  # one critical section
            answer = dict(outcome)
            return Outcome(str(answer.pop("result", OK)), answer)

        return answered(ask)

    there = ALL_THERE if who is None else who.there
    return Plan(name, "" if who is None else str(who), act, lambda _w: arguments, known, there=there)


def _call_of(event: Any, x: Setting, who: PlanDomain | None) -> tuple[str, dict[str, Any]]:
    """The model's call, and its arguments."""
    name, arguments = event.on_model(_CallRecorder(x, who or PlanDomain(None)))
    return name, arguments


def _event(kind: Any, x: Setting, who: PlanDomain | None) -> tuple[Event, list[Any]]:
    """The operation with unknown numbers, and their ranges."""
    known: list[Any] = []
    fields = dict.fromkeys(kind.any_numbers, 0) | ({} if who is None else {"domid": who.asked})
    event: Event = kind(**fields)
    for field, most in kind.any_numbers.items():
        number, limits = x.number(f"new_{field}", most)
        setattr(event, field, number)  # bypasses the constructor, which checks the range
        known += limits
    return event, known


DERIVED = {name: kind for name, kind in OPERATIONS.items() if kind.any_numbers is not None and name in CALLS}
"""The operations whose plans are made here."""
