"""Shortest traces from boot."""

from dataclasses import replace

import pytest
from click.testing import CliRunner

from model.semantics import MUTATIONS
from proofs.cli.search import search as command
from proofs.prover.documents import MISTAKES
from proofs.search.minimise import Asked, search
from proofs.search.replayed import replay_on_reference


def test_redeeming_without_step_3_takes_two_pages_and_three_events() -> None:
    found = search(Asked("claim-sets", "redeemed-once", "redeem-without-step-3"))
    assert found.trace is not None
    assert sum(found.trace.host["nodes"]) == 2
    assert [e["op"] for e in found.trace.events] == ["create_domain", "install_claim_set", "alloc_heap_pages"]
    assert "0 == 1" in found.trace.broken[0]


EVENTS = {
    "redeem-without-step-3": 3,
    "redeem-global-first": 3,
    "redeem-forgets-host": 3,
    "install-duplicated-node": 2,
    "install-without-own-credit": 3,
    "install-accumulates": 3,
    "install-without-limit": 2,
    "recall-global-first": 3,
    "no-recall": 3,
    "kill-keeps-claims": 4,
    "node-check-ignores-claims": 3,
    "assign-without-limit": 3,
    "free-restores-claims": 5,
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_mistakes_have_short_traces_that_the_right_rules_do_not_have(mutation: str) -> None:
    prop, assumed = MISTAKES[mutation]
    mistaken = Asked("claim-sets", prop, mutation, assumed, depth=EVENTS[mutation])
    trace = search(mistaken).trace
    assert trace is not None
    assert len(trace.events) == EVENTS[mutation]
    assert trace.broken
    assert search(replace(mistaken, mutation="")).trace is None


@pytest.mark.parametrize(
    ("prop", "assumed", "events"),
    [
        ("entitlement", (), 2),
        ("entitlement", ("requests-within-limit",), 3),
        ("entitlement", ("requests-within-limit", "limit-not-lowered"), 3),
        ("entitlement-without-limbo", (), 3),
        ("entitlement-without-limbo", ("limit-not-lowered",), 4),
        ("dead-hold-nothing", (), 5),
    ],
)
def test_the_reference_reproduces_every_finding(prop: str, assumed: tuple[str, ...], events: int) -> None:
    trace = search(Asked("claim-sets", prop, assumed=assumed)).trace
    assert trace is not None
    assert len(trace.events) == events
    replayed = replay_on_reference(trace)
    assert replayed.difference == ""
    assert replayed.events == events
    assert any(prop in violation for violation in replayed.violations)


def test_the_reference_differs_from_a_mistaken_model() -> None:
    trace = search(Asked("claim-sets", "redeemed-once", "redeem-without-step-3")).trace
    assert trace is not None
    assert "in the reference" in replay_on_reference(trace).difference


def test_a_mistake_of_five_events_with_two_domains() -> None:
    """The reference does the same until the step with the mistake: also while the domains are being created."""
    trace = search(Asked("claim-sets", "host-backed", "redeem-without-step-3")).trace
    assert trace is not None
    assert [e["op"] for e in trace.events] == [*["create_domain"] * 2, *["install_claim_set"] * 2, "alloc_heap_pages"]
    assert trace.host["nodes"] == [1, 1]
    assert replay_on_reference(trace).difference.startswith("event 5 alloc_heap_pages: ")


def test_nothing_is_found_where_the_conditions_hold() -> None:
    assert search(Asked("claim-sets", "dead-hold-nothing", assumed=("legacy-check-in-lock",), depth=5)).trace is None


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--property", "entitlement"], 1, "every counter equal"),
        (["--property", "node-backed", "--depth", "2"], 0, "no proof for longer ones"),
        (["--property", "node-backed", "--rlimit", "10"], 3, "unknown"),
        (["--property", "node-backed", "--property", "entitlement", "--depth", "2", "--json"], 1, '"searches"'),
        (["--property", "node-baked"], 2, "did you mean 'node-backed'"),
        (["--property", "node-backed", "--assume", "legacy-check"], 2, "did you mean 'legacy-check-in-lock'"),
    ],
)
def test_endings_of_the_command(arguments: list[str], code: int, text: str) -> None:
    outcome = CliRunner().invoke(command, arguments)
    assert outcome.exit_code == code, outcome.output
    assert text in outcome.output
