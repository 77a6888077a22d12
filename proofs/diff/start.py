"""An arbitrary state on N nodes and D domains: unknowns, what is assumed of them, and the model's view of them.

The aggregates are not unknowns: each is the sum that it stands for, which is what `aggregates-agree` says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import z3

import model.ranges  # noqa: F401  (states no-wrap)
from model.calls import CALL_FIELDS, INTERFACES, UNSEEN, CallHost, CallState
from model.calls.state import NONE
from model.logic import Term, all_of, implies
from model.properties import PROPERTIES
from model.semantics import SEMANTICS
from model.state import FieldInfo, Shape
from proofs.diff.explorer import Explorer
from proofs.diff.numbers import Number, Truth
from proofs.obligations.focus import watched

COUNTERS = frozenset(info.name for info in CALL_FIELDS.values() if info.lock)
"""The fields that outcomes depend on; of ghosts nothing is assumed."""
COMMON = ("non-negative", "claims-within-aggregates", "no-wrap.domain-counters")
WITH_RECALL = ("node-backed", "host-backed")


def assumed(semantics: str) -> tuple[str, ...]:
    """The state properties assumed before every call: each is kept by every step of that generation."""
    generation = SEMANTICS[semantics]
    names = list(COMMON)
    if not generation.lacks("recall"):
        names += WITH_RECALL
    if not generation.lacks("only-host-wide"):
        names.append("host-wide-only")
    if not generation.lacks("one-claim"):
        names.append("one-target")
    if generation.rules.charges_at_alloc:
        names.append("entitlement")
    return tuple(names)


def claim_node_agrees(host: CallHost, s: CallState, semantics: str, before: CallState | None = None) -> Term:
    """Single-node generations: a claim on a node is on claim_node, a host-wide one has none.

    :param before: a state of which this is known: nothing is said about domains that are as they were there
    """
    if not INTERFACES[semantics].has_claim_node:
        return True

    def of_domain(state: CallState, d: int) -> list[Term]:
        return [state.claim_node.entries[d], state.global_claims.entries[d], *state.claims.rows[d].entries]

    def agrees(d: int) -> Term:
        target, host_wide, *claims = of_domain(s, d)
        on_node = [implies(claim > 0, target == n) for n, claim in enumerate(claims)]
        return all_of([target >= NONE, target < host.nodes, implies(host_wide > 0, target == NONE), *on_node])

    def changed(d: int) -> bool:
        return before is None or any(a is not b for a, b in zip(of_domain(s, d), of_domain(before, d), strict=True))

    return all_of([agrees(d) for d in range(host.domains) if changed(d)])


Value = Number | Truth | int


@dataclass(frozen=True)
class Unread:
    """A part of a domain that only an operation of its own looks at: compared by identity, so it may not change."""

    term: Any


@dataclass(frozen=True)
class Start:
    """The unknown state: `values` for the reference by field and index, and the same as the model's terms."""

    values: dict[str, dict[tuple[int, ...], Any]]
    state: CallState
    facts: list[z3.BoolRef]

    def get(self, name: str, *index: int) -> Any:
        """The value of a field at an index."""
        return self.values[name][index]


_LOWEST = {"claim_node": NONE}
_SUMS = ("total_avail_pages", "outstanding_claims", "node_outstanding_claims", "node_claims")
_KNOWN: dict[str, Value] = {"domctl_lock": -1, "legacy_calls": 0, "transit_pages": 0, "anonymous_pages": 0}


def make_start(explorer: Explorer, semantics: str, host: CallHost, moment: str) -> Start:
    """An unknown state; `moment` tells its unknowns from those of other states of the same operation."""
    generation = SEMANTICS[semantics]
    values: dict[str, dict[tuple[int, ...], Any]] = {}

    def unknown(info: FieldInfo, *index: int) -> Any:
        name = info.name + "".join(f"[{i}]" for i in index) + moment
        if info.name in _KNOWN:
            return _KNOWN[info.name]
        if info.name == "claims" and not generation.lacks("only-host-wide"):
            return 0
        if info.name == "claim_node" and not INTERFACES[semantics].has_claim_node:
            return NONE
        if info.name == "is_created":
            return True
        if info.name in ("last_alloc_node", "node_affinity"):
            return Unread(z3.Bool(name) if info.flag else z3.Int(name))
        return explorer.flag(name) if info.flag else explorer.number(name, _LOWEST.get(info.name, 0))

    for info in CALL_FIELDS.values():
        if info.name not in _SUMS:
            values[info.name] = {index: unknown(info, *index) for index in indices(host, info)}
    values |= _sums(host, values)
    terms = {name: {index: as_term(value) for index, value in field.items()} for name, field in values.items()}
    state = CallState(**{info.name: host.shaped(info, _looked_up(terms[info.name])) for info in CALL_FIELDS.values()})
    concerned = COUNTERS | ({"limbo_pages"} if generation.rules.charges_at_alloc else set())
    seen = watched(state, concerned)
    facts = [PROPERTIES[name].of_state(host, seen) for name in assumed(semantics)]  # type: ignore[misc]  # state properties
    facts.append(claim_node_agrees(host, state, semantics))
    return Start(values, state, [fact for fact in facts if fact is not True])


def _looked_up(field: dict[tuple[int, ...], Term]) -> Callable[..., Term]:
    return lambda *index: field[index]


def indices(host: CallHost, info: FieldInfo) -> list[tuple[int, ...]]:
    """All indices of a field."""
    nodes, domains = range(host.nodes), range(host.domains)
    if info.shape is Shape.HOST:
        return [()]
    if info.shape is Shape.NODE:
        return [(n,) for n in nodes]
    if info.shape is Shape.DOMAIN:
        return [(d,) for d in domains]
    return [(d, n) for d in domains for n in nodes]


def _sums(host: CallHost, values: dict[str, dict[tuple[int, ...], Any]]) -> dict[str, dict[tuple[int, ...], Any]]:
    nodes, domains, claims = range(host.nodes), range(host.domains), values["claims"]
    by_domain = {(d,): sum(claims[d, n] for n in nodes) for d in domains}
    return {
        "total_avail_pages": {(): sum(values["node_avail_pages"].values())},
        "node_outstanding_claims": {(n,): sum(claims[d, n] for d in domains) for n in nodes},
        "node_claims": by_domain,
        "outstanding_claims": {(): sum(values["global_claims"].values()) + sum(by_domain.values())},
    }


def as_term(value: Any) -> Term:
    """A value of the reference as the model would write it."""
    if isinstance(value, (Number, Truth)):
        return value.z3()
    if isinstance(value, Unread):
        return value.term
    return NONE if value is None else value


def compared() -> list[FieldInfo]:
    """The fields that a call's outcome is compared in."""
    return [info for info in CALL_FIELDS.values() if info.name not in UNSEEN]
