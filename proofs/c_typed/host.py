"""A host whose counters have the C types that the hypervisor gives them: what is stored in one wraps to fit it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from proofs.c_typed.cint import INT64, UINT32, CInt, CType
from reference.state import ClaimHistory, Domain, Host

HOST_TYPES = {"total_avail_pages": INT64, "outstanding_claims": INT64}
NODE_TYPES = {"node_avail_pages": INT64, "node_outstanding_claims": INT64}
DOMAIN_TYPES = dict.fromkeys(
    ("max_pages", "tot_pages", "node_claims", "global_claims", "charged_pages", "charge_limit"), UINT32
)
"""The types of semantics.md, and of the copies that hardened claim sets keep."""


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


class TypedDomain(Domain):
    """A domain, its counters typed."""

    __slots__ = ()

    def __setattr__(self, name: str, value: Any) -> None:
        if name in DOMAIN_TYPES:
            value = CInt(DOMAIN_TYPES[name], value, name)
        super().__setattr__(name, value)


class TypedHost(Host):
    """A host, its counters typed, and those of every domain that it gets."""

    __slots__ = ()

    def __setattr__(self, name: str, value: Any) -> None:
        if name in HOST_TYPES:
            value = CInt(HOST_TYPES[name], value, name)
        elif name == "domains":
            for domain in value.values():
                if type(domain) is not TypedDomain:
                    _type_domain(domain)
        super().__setattr__(name, value)


def _type_domain(domain: Domain) -> None:
    domain.__class__ = TypedDomain
    for name in DOMAIN_TYPES:
        setattr(domain, name, getattr(domain, name))
    domain.claims = TypedList(UINT32, domain.claims, "claims[n]")
    for name in ClaimHistory.__slots__:
        setattr(domain.history, name, Ghosts(getattr(domain.history, name)))


def typed(host: Host) -> Host:
    """The same host with typed counters. Its locks are not checked."""
    host.__class__ = TypedHost
    for name in HOST_TYPES:
        setattr(host, name, getattr(host, name))
    for name, c_type in NODE_TYPES.items():
        setattr(host, name, TypedList(c_type, getattr(host, name), f"{name}[n]"))
    return host
