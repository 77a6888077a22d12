"""The counters of a host as a trace records them, and the differences between two such records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET

from proofs.operations import DomainCounters, PendingScrub, State
from proofs.traces.partial import PartialState
from reference.state import Domain, Host, all_locks


def _claim_set_counters(domain: Domain) -> DomainCounters:
    return DomainCounters(
        max_pages=domain.max_pages,
        tot_pages=domain.tot_pages,
        global_claims=domain.global_claims,
        node_claims=domain.node_claims,
        claims=list(domain.claims),
    )


def _same_claim_set_counters(domain: Domain, observed: DomainCounters) -> bool:
    return (
        observed.tot_pages == domain.tot_pages
        and observed.claims == domain.claims
        and observed.node_claims == domain.node_claims
        and observed.global_claims == domain.global_claims
        and observed.max_pages == domain.max_pages
        and observed.outstanding_pages is UNSET
        and observed.claim_node is UNSET
    )


def _legacy_counters(domain: Domain) -> DomainCounters:
    return DomainCounters(
        max_pages=domain.max_pages,
        tot_pages=domain.tot_pages,
        outstanding_pages=domain.global_claims + domain.node_claims,
    )


def _single_node_counters(domain: Domain) -> DomainCounters:
    counters = _legacy_counters(domain)
    counters.claim_node = -1 if domain.claim_node is None else domain.claim_node
    return counters


def _mainline_counters(domain: Domain) -> DomainCounters:
    counters = _legacy_counters(domain)
    counters.pending_scrub = _pending_scrub(domain)
    counters.creation_finished = domain.creation_finished
    return counters


def _pending_scrub(domain: Domain) -> PendingScrub | None:
    return None if domain.pending_scrub is None else PendingScrub(*domain.pending_scrub)


def _total_counters(domain: Domain) -> DomainCounters:
    counters = _legacy_counters(domain)
    counters.node_claims = domain.node_claims
    counters.claims = list(domain.claims)
    return counters


class _View(NamedTuple):
    """The observable counters of a domain, and a fast comparison with them, except for the stash."""

    counters: Callable[[Domain], DomainCounters]
    same: Callable[[Domain, DomainCounters], bool]


def _view(counters: Callable[[Domain], DomainCounters]) -> _View:
    def same(domain: Domain, observed: DomainCounters) -> bool:
        expected = counters(domain)
        expected.pending_scrub, expected.creation_finished = observed.pending_scrub, observed.creation_finished
        return expected == observed

    return _View(counters, same)


_VIEWS: dict[tuple[str, ...], _View] = {
    ("global_claims", "node_claims", "claims"): _View(_claim_set_counters, _same_claim_set_counters),
    ("outstanding_pages",): _view(_legacy_counters),
    ("outstanding_pages", "pending_scrub", "creation_finished"): _view(_mainline_counters),
    ("outstanding_pages", "node_claims", "claims"): _view(_total_counters),
    ("outstanding_pages", "claim_node"): _view(_single_node_counters),
}


def _same_stash(domain: Domain, observed: DomainCounters) -> bool:
    """Compares the observed fields of the stash, in every generation."""
    return (observed.pending_scrub is UNSET or observed.pending_scrub == _pending_scrub(domain)) and (
        observed.creation_finished is UNSET or observed.creation_finished is domain.creation_finished
    )


def matches(host: Host, observed: State) -> bool:
    """Whether the host equals the observed state. :func:`differences` lists the differences."""
    same = _VIEWS[host.semantics.claim_counters].same
    domains = host.domains
    with all_locks(host):
        if (
            observed.total_avail_pages != host.total_avail_pages
            or observed.outstanding_claims != host.outstanding_claims
            or observed.node_avail_pages != host.node_avail_pages
            or observed.node_outstanding_claims != host.node_outstanding_claims
            or len(observed.domains) != len(domains)
        ):
            return False
        for domid, counters in observed.domains.items():
            domain = domains.get(domid)
            if domain is None or not same(domain, counters) or not _same_stash(domain, counters):
                return False
    return True


def observe(host: Host, like: State | None = None) -> State:
    """The state that a trace records after an event, with stashes that exist; in mainline, always with that field.

    :param like: an observed state, whose fields of stashes are used; None: all fields
    """
    view = _VIEWS[host.semantics.claim_counters].counters

    def counters(domain: Domain) -> DomainCounters:
        found = view(domain)
        observed = None if like is None else like.domains.get(domain.domid)
        if observed is not None:
            found.pending_scrub = UNSET if observed.pending_scrub is UNSET else _pending_scrub(domain)
            found.creation_finished = UNSET if observed.creation_finished is UNSET else domain.creation_finished
        elif domain.pending_scrub is not None:
            found.pending_scrub = _pending_scrub(domain)
        return found

    with all_locks(host):
        return State(
            host.total_avail_pages,
            host.outstanding_claims,
            list(host.node_avail_pages),
            list(host.node_outstanding_claims),
            {domid: counters(domain) for domid, domain in host.domains.items()},
        )


def size(state: State) -> int:
    """The number of numbers that a state records."""
    per_node = len(state.node_avail_pages)
    numbers = 2 + 2 * per_node
    for counters in state.domains.values():
        fields = sum(value is not UNSET for value in msgspec.structs.astuple(counters))
        numbers += fields if counters.claims is UNSET else fields - 1 + per_node
    return numbers


def observed_numbers(expected: State, observed: PartialState) -> Iterator[tuple[str, Any, Any]]:
    """(field, expected, observed) of every number that was observed, whether it differs or not."""
    there = msgspec.to_builtins(expected)
    seen = msgspec.to_builtins(observed)
    seen.pop("partial", None)
    yield from _observed("state", there, seen)


def _observed(name: str, expected: Any, observed: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(observed, dict) and isinstance(expected, dict) and not name.endswith(".pending_scrub"):
        for key, value in observed.items():
            yield from _observed(f"{name}.{key}", expected.get(key, "absent"), value)
    elif isinstance(observed, list) and isinstance(expected, list):
        for index, (one, other) in enumerate(zip(expected, observed, strict=True)):
            yield f"{name}[{index}]", one, other
    else:
        yield name, expected, observed


def differences(expected: State, observed: State) -> Iterator[tuple[str, Any, Any]]:
    """(field, expected, observed) of every number that differs, in the order a trace has them."""
    yield from _differences("state", msgspec.to_builtins(expected), msgspec.to_builtins(observed))


def _differences(name: str, expected: Any, observed: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(expected, dict) and isinstance(observed, dict):
        for key in [*expected, *(key for key in observed if key not in expected)]:
            yield from _differences(f"{name}.{key}", expected.get(key, "absent"), observed.get(key, "absent"))
    elif isinstance(expected, list) and isinstance(observed, list):
        for index, (one, other) in enumerate(zip(expected, observed, strict=True)):
            yield from _differences(f"{name}[{index}]", one, other)
    elif expected != observed:
        yield name, expected, observed
