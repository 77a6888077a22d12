"""A search says no more than it has searched, and a trace that it finds is compared number by number."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from functools import cache

import msgspec
import pytest
import z3

from proofs.replay.observe import observe
from proofs.search import kept as of_kept
from proofs.search import minimise
from proofs.search.events import Trace
from proofs.search.minimise import SearchRequest, search
from proofs.search.on_reference import ReferenceSearchRequest, search_reference
from proofs.search.replayed import COMPARED, COMPARED_OF_DOMAIN, replay_on_reference
from proofs.search.steps import parts_of
from proofs.search.unroll import Unrolling
from reference.generations import GENERATIONS
from reference.state import boot, create_domain

ENTITLEMENT = SearchRequest("claim-sets", "entitlement", depth=2)


@cache
def trace() -> Trace:
    found = search(ENTITLEMENT).trace
    assert found is not None
    return found


def test_trace_is_found_only_at_its_depth() -> None:
    assert len(trace().events) == 2
    shallow = search(replace(ENTITLEMENT, depth=1))
    assert (shallow.trace, shallow.searched_depth, shallow.unknown) == (None, 1, "")
    tiny = ReferenceSearchRequest("claim-sets", "superpage-fulfilled.anywhere")
    found = search_reference(tiny)
    assert found.trace is not None
    depth = len(found.trace.events)
    assert search_reference(replace(tiny, depth=depth)).trace is not None
    shallow = search_reference(replace(tiny, depth=depth - 1))
    assert (shallow.trace, shallow.searched_depth) == (None, depth - 1)


def test_undecided_search_says_so() -> None:
    found = search(replace(ENTITLEMENT, rlimit=10))
    assert found.trace is None
    assert found.unknown
    assert not found.any_length


def test_reproduced_trace_has_no_difference() -> None:
    replayed = replay_on_reference(trace())
    assert (replayed.available, replayed.events, replayed.difference) == (True, 2, "")
    assert any("entitlement" in violation for violation in replayed.violations)
    assert not replay_on_reference(replace(trace(), semantics="none")).available


@pytest.mark.parametrize("name", [*COMPARED, *COMPARED_OF_DOMAIN])
@pytest.mark.parametrize("event", [1, 2])
def test_changed_model_counter_is_a_difference(name: str, event: int) -> None:
    changed = deepcopy(trace())
    value = changed.states[event][name]
    if isinstance(value, list):
        value[0] = [n + 1 for n in value[0]] if isinstance(value[0], list) else value[0] + 1
    else:
        changed.states[event][name] = value + 1
    difference = replay_on_reference(changed).difference
    assert difference.startswith(f"event {event} ")
    assert name in difference


def test_changed_model_result_is_a_difference() -> None:
    mistaken = search(SearchRequest("claim-sets", "redeemed-once", "redeem-without-step-3")).trace
    assert mistaken is not None
    assert replay_on_reference(mistaken).difference.startswith("event 3 ")
    mistaken.events[1]["result"] = "EBUSY"
    assert "event 2 install_claim_set: result is" in replay_on_reference(mistaken).difference
    crashing = deepcopy(trace())
    crashing.events[-1]["crash"] = "for a test"
    assert "crash is" in replay_on_reference(crashing).difference


def test_property_is_kept_only_if_the_solver_proves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a property that no step violates the search ends, for any length; if undecided, it continues."""

    def grown() -> Unrolling:
        host = Unrolling("claim-sets", "", parts_of("node-backed"), (), 1, 1)
        for _ in range(of_kept.FROM):
            host.grow()
        return host

    host = grown()
    assert not of_kept.may_break(host, host.parts)
    undecided = grown()
    of_kept.may_break(undecided, undecided.parts)
    monkeypatch.setattr(of_kept, "check", lambda *_: z3.unknown)
    assert of_kept.may_break(undecided, undecided.parts)


def test_any_length_requires_every_host_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """On one host size alone no step breaks it."""
    monkeypatch.setattr(minimise, "may_break", lambda host, _parts: (host.created, host.nodes) != (0, 1))
    asked = replace(ENTITLEMENT, property="node-backed", depth=1)
    assert not search(asked).any_length
    monkeypatch.setattr(minimise, "may_break", lambda _host, _parts: False)
    assert search(replace(asked, depth=2)).any_length


def test_every_counter_of_a_domain_is_compared() -> None:
    """All that the reference shows of a host and of a domain with claim sets."""
    host = boot((1,), 1, GENERATIONS["claim-sets"], check_locks=False)
    observed = observe(host)
    assert set(COMPARED) == {name for name in observed.__struct_fields__ if name != "domains"}
    create_domain(host, 0, 1)
    (domain,) = observe(host).domains.values()
    assert set(COMPARED_OF_DOMAIN) == set(msgspec.to_builtins(domain))
