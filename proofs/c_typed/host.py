"""A host whose counters have the C types that the hypervisor gives them: what is stored in one wraps to fit it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from proofs.c_typed.c_type import CType
from proofs.c_typed.cint import TYPES, UINT32, CInt
from reference.state import ClaimHistory, Domain, Host

HOST_COUNTERS = ("total_avail_pages", "outstanding_claims")
NODE_COUNTERS = ("node_avail_pages", "node_outstanding_claims")
DOMAIN_COUNTERS = (
    "max_pages",
    "tot_pages",
    "extra_pages",
    "node_claims",
    "global_claims",
    "charged_pages",
    "charge_limit",
)
"""32 bits unsigned, as are the copies that hardened claim sets keep."""


def counter_type(host: Host) -> CType:
    """The type of the counters of host and nodes, by its generation."""
    from model.named import GENERATIONS  # with it comes the solver: not before a number is to be typed

    return TYPES[GENERATIONS[host.semantics.name].rules.counter_type]


class TypedList(list[Any]):
    """Counters of one type."""

    def __init__(self, c_type: CType, values: Iterable[int], what: str) -> None:
        self.c_type, self.what = c_type, what
        super().__init__(CInt(c_type, value, what) for value in values)

    def __setitem__(self, index: Any, value: Any) -> None:
        super().__setitem__(index, CInt(self.c_type, value, self.what))


class Ghosts(list[int]):
    """Numbers that the hypervisor does not have: they have no type."""

    def __setitem__(self, index: Any, value: Any) -> None:
        super().__setitem__(index, int(value))


class GhostHistory(ClaimHistory):
    """The ledger, which the hypervisor does not have either."""

    __slots__ = ()

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, int(value) if name == "lost" else value)


class TypedDomain(Domain):
    """A domain, its counters typed."""

    __slots__ = ()

    def __setattr__(self, name: str, value: Any) -> None:
        if name in DOMAIN_COUNTERS:
            value = CInt(UINT32, value, name)
        super().__setattr__(name, value)


class TypedHost(Host):
    """A host, its counters typed, and those of every domain that it gets."""

    __slots__ = ()

    def __setattr__(self, name: str, value: Any) -> None:
        if name in HOST_COUNTERS:
            value = CInt(self.total_avail_pages.c_type, value, name)  # type: ignore[attr-defined]  # it is a CInt
        elif name == "domains":
            for domain in value.values():
                if type(domain) is not TypedDomain:
                    _type_domain(domain)
        super().__setattr__(name, value)


def _type_domain(domain: Domain) -> None:
    domain.__class__ = TypedDomain
    for name in DOMAIN_COUNTERS:
        setattr(domain, name, getattr(domain, name))
    domain.claims = TypedList(UINT32, domain.claims, "claims[n]")
    history = domain.history
    domain.history = GhostHistory(len(domain.claims))
    for name in ("installed", "redeemed", "released", "recalled"):
        setattr(domain.history, name, Ghosts(getattr(history, name)))
    domain.history.lost = history.lost


def typed(host: Host) -> Host:
    """The same host with typed counters. Its locks are not checked."""
    c_type = counter_type(host)
    for name in HOST_COUNTERS:
        setattr(host, name, CInt(c_type, getattr(host, name), name))
    for name in NODE_COUNTERS:
        setattr(host, name, TypedList(c_type, getattr(host, name), f"{name}[n]"))
    host.__class__ = TypedHost
    return host
