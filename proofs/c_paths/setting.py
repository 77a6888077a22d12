"""The setting that plans are made for, and how a plan is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import z3

from model.calls import Script
from proofs.diff.numbers import Count
from proofs.diff.plan import Outcome, Plan, PlannedScript, Setting, Table, no_arguments, no_blocks
from proofs.diff.terms import Terms
from proofs.diff.world import Size

from .world import CWorld

MAX_ORDER = 20


class CSetting(Setting):
    """The generation and the host that plans are made for, with the ranges of arguments."""

    def __init__(self, semantics: str, size: Size, terms: Terms) -> None:
        super().__init__(semantics, size, terms)
        self.ranges: dict[str, tuple[int, int]] = {}
        self._powers: list[Any] = []

    def number(self, name: str, most: int, least: int = 0) -> tuple[Count, list[Any]]:
        """An argument, and its range."""
        self.ranges[name] = least, most
        return super().number(name, most, least)

    def power(self) -> tuple[Count, Count, list[Any]]:
        """An order, 2 to its power, and the facts about them."""
        (order, one), (pages, other) = self.number("order", 63), self.number("pages", 1 << 63, 1)
        if not self._powers:
            number, size = self.terms.number("order"), self.terms.number("pages")
            powers = [z3.And(number == n, size == 1 << n) for n in range(64)]
            self._powers = [*one, *other, z3.Or(powers)]
        return order, pages, self._powers


Act = Callable[[CWorld], Outcome]


def plan_of(
    operation: str, label: str, act: Act, known: list[Any], domid: int | None, arguments: Mapping[str, Any]
) -> Plan:
    """A plan that is compared with a call of the model."""
    return Plan(operation, label, act, lambda _w: arguments, known, domid=domid)  # type: ignore[arg-type]  # a CWorld


def scripted(
    operation: str, label: str, act: Act, known: list[Any], script: Callable[[Table], Script], domid: int | None
) -> Plan:
    """A plan that is compared with a script of the model."""
    planned: Any = PlannedScript(script, no_blocks)
    return Plan(operation, label, act, no_arguments, known, domid=domid, script=planned)  # type: ignore[arg-type]
