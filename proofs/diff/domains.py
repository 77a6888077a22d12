"""Domains of the reference with unknown counters: how they are made, and which fields are compared afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from functools import cache
from typing import Any, NamedTuple

from model.calls import NONE
from model.generations import GENERATIONS
from model.interfaces import Interface
from reference.state import ClaimHistory, Domain

from .numbers import Count, Truth, flag, unknown
from .standins import UNREAD, Affinity, AnyDomain, LastNode, claim_node_of, pending_scrub_of
from .terms import Terms

SPAN = 1 << 40
"""The number of frames of a node: more than any block has."""
_FIELDS = ("node_claims", "global_claims", "tot_pages", "max_pages", "controller_pause_count", "last_frees")
_FLAGS = ("is_dying", "is_dead", "creation_finished")
_KINDS = ("installed", "redeemed", "released", "recalled")


def interface_of(semantics: str) -> Interface:
    """The interface of a generation's calls."""
    return GENERATIONS[semantics].rules.interface


class ChangedValues(dict[str, Any]):
    """The changed values by name: those that are no longer the initial unknowns."""

    def number(self, name: str, value: Any) -> None:
        """Record a number if it changed."""
        if value is not unknown(name):
            self[name] = value

    def truth(self, name: str, value: Any) -> None:
        """Record a truth value if it changed."""
        if value is not flag(name):
            self[name] = value


def key_of(value: Any) -> Any:
    """A key that is equal for equal values."""
    if isinstance(value, Count):
        return value.key
    return (value.atom, value.negated) if isinstance(value, Truth) else value


def signature(values: Mapping[str, Any]) -> tuple[Any, ...]:
    """A key that is equal for equal states of the reference."""
    return tuple((name, key_of(value)) for name, value in values.items())


class Names(NamedTuple):
    """The names of a domain's unknown numbers."""

    fields: list[tuple[str, str]]
    claims: list[str]
    """By node."""
    history: dict[str, list[str]]
    """By kind: by node, and last host-wide."""
    charged: Any
    """The sum of the pages charged to it."""
    extra: Any
    """The sum of its extra pages."""


@cache
def names_of(d: int, nodes: int) -> Names:
    """The names, for a domain of a host."""
    charged: Any = unknown(f"tot_pages[{d}]")
    extra: Any = 0
    for n in range(nodes):
        charged = charged + unknown(f"limbo_pages[{d}][{n}]")
        extra = extra + unknown(f"extra_pages[{d}][{n}]")
    return Names(
        [(name, f"{name}[{d}]") for name in _FIELDS],
        [f"claims[{d}][{n}]" for n in range(nodes)],
        {k: [*(f"ledger_{k}[{d}][{n}]" for n in range(nodes)), f"global_{k}[{d}]"] for k in _KINDS},
        charged,
        extra,
    )


def any_domain(
    semantics: str, terms: Terms, d: int, nodes: int, stashed: Callable[[], Any], *, destroyed: bool
) -> AnyDomain:
    """A domain with unknown fields, except whether it is on the domain list.

    :param stashed: returns its stash; called when the stash is read
    """
    names, history = names_of(d, nodes), ClaimHistory(0)
    for kind, counters in names.history.items():
        setattr(history, kind, [unknown(name) for name in counters])
    limit: Any = unknown(f"max_pages[{d}]")
    domain = AnyDomain(
        domid=d,
        page_alloc_lock=nullcontext(),
        heap_lock=nullcontext(),
        max_pages=limit,
        node_affinity=Affinity(terms, d, nodes),  # type: ignore[arg-type]  # unknown
        claims=[unknown(name) for name in names.claims],  # type: ignore[misc]  # unknown
        history=history,
        tot_pages=unknown(f"tot_pages[{d}]"),  # type: ignore[arg-type]  # unknown
        extra_pages=names.extra,
        node_claims=unknown(f"node_claims[{d}]"),  # type: ignore[arg-type]  # unknown
        global_claims=unknown(f"global_claims[{d}]"),  # type: ignore[arg-type]  # unknown
        claim_node=UNREAD if interface_of(semantics).has_claim_node else None,
        charged_pages=names.charged,
        charge_limit=limit,
        last_alloc_node=LastNode(d),  # type: ignore[arg-type]  # unknown
        pending_scrub=UNREAD,
        is_dying=flag(f"is_dying[{d}]"),  # type: ignore[arg-type]  # unknown
        is_dead=flag(f"is_dead[{d}]"),  # type: ignore[arg-type]  # unknown
        is_destroyed=destroyed,
        last_frees=unknown(f"last_frees[{d}]"),  # type: ignore[arg-type]  # unknown
        controller_pause_count=unknown(f"controller_pause_count[{d}]"),  # type: ignore[arg-type]  # unknown
        creation_finished=flag(f"creation_finished[{d}]"),  # type: ignore[arg-type]  # unknown
    )
    domain.nodes, domain.stashed = nodes, stashed
    return domain


def observe(domain: Domain, semantics: str, nodes: int, seen: ChangedValues) -> None:
    """Record the values that the operation changed, by the model's names."""
    d = domain.domid
    names = names_of(d, nodes)
    for field, name in names.fields:
        seen.number(name, getattr(domain, field))
    for field in _FLAGS:
        seen.truth(f"{field}[{d}]", getattr(domain, field))
    claim_node = claim_node_of(domain)
    if claim_node is not UNREAD and interface_of(semantics).has_claim_node:
        seen[f"claim_node[{d}]"] = NONE if claim_node is None else claim_node
    stash = pending_scrub_of(domain)
    if stash is not UNREAD:
        seen.number(f"stash_pages[{d}]", 0 if stash is None else 1 << stash.order)
        if stash is not None:
            seen[f"stash_node[{d}]"] = stash.mfn // SPAN
            seen.number(f"stash_scrub_index[{d}]", stash.scrub_index)
    last = domain.last_alloc_node
    if not isinstance(last, LastNode):
        seen[f"last_alloc_node[{d}]"] = NONE if last is None else last
    affinity: Any = domain.node_affinity
    if not isinstance(affinity, Affinity):
        for n in range(nodes):
            seen[f"node_affinity[{d}][{n}]"] = n in affinity
    for n, name in enumerate(names.claims):
        seen.number(name, domain.claims[n])
    for kind, counters in names.history.items():
        for name, pages in zip(counters, getattr(domain.history, kind), strict=True):
            seen.number(name, pages)


def copies_of(domain: Domain, nodes: int, grown: Mapping[str, Any], *, charged: bool) -> Iterator[tuple[Any, Any]]:
    """Counters that the reference keeps twice, in pairs.

    :param grown: the growth of the page table, in pages by class
    :param charged: the generation keeps the pages charged to a domain
    """
    d, names = domain.domid, names_of(domain.domid, nodes)
    extra = names.extra
    for n in range(nodes):
        extra = extra + grown.get(f"extra_pages[{d}][{n}]", 0)
    yield domain.extra_pages, extra
    if charged:
        held: Any = domain.tot_pages
        for n in range(nodes):
            name = f"limbo_pages[{d}][{n}]"
            held = held + (unknown(name) + grown.get(name, 0))
        yield domain.charged_pages, held
        yield domain.charge_limit, domain.max_pages
