"""Shortest traces from boot."""

import pytest
from click.testing import CliRunner

from model.semantics import MUTATIONS
from proofs.cli.search import search as command
from proofs.search.minimise import Asked, search
from proofs.search.replayed import replay_on_reference


def test_redeeming_without_step_3_takes_two_pages_and_three_events() -> None:
    found = search(Asked("claim-sets", "redeemed-once", "redeem-without-step-3"))
    assert found.trace is not None
    assert sum(found.trace.host["nodes"]) == 2
    assert [e["op"] for e in found.trace.events] == ["create_domain", "install_claim_set", "alloc_heap_pages"]
    assert "0 == 1" in found.trace.broken[0]


@pytest.mark.parametrize(
    ("prop", "mutation", "events"),
    [
        ("node-backed", "install-duplicated-node", 2),
        ("atomic-install", "install-without-own-credit", 3),
        ("recall-minimal", "recall-global-first", 3),
        ("dead-hold-nothing", "kill-keeps-claims", 4),
        ("node-backed", "redeem-global-first", 3),
        ("host-backed", "redeem-forgets-host", 3),
        ("atomic-install", "install-accumulates", 3),
        ("entitlement-without-limbo", "install-without-limit", 2),
        ("node-backed", "no-recall", 3),
        ("node-backed", "node-check-ignores-claims", 4),
        ("entitlement-without-limbo", "assign-without-limit", 3),
        ("redeemed-once", "free-restores-claims", 5),
    ],
)
def test_mistakes_have_short_traces(prop: str, mutation: str, events: int) -> None:
    found = search(Asked("claim-sets", prop, mutation))
    assert found.trace is not None
    assert len(found.trace.events) == events
    assert found.trace.broken


def test_every_mistake_is_searched_for() -> None:
    marks = [m for m in test_mistakes_have_short_traces.pytestmark if m.name == "parametrize"]
    searched = {mutation for _prop, mutation, _events in marks[0].args[1]}
    assert searched | {"redeem-without-step-3"} == set(MUTATIONS)


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


def test_nothing_is_found_where_the_conditions_hold() -> None:
    assert search(Asked("claim-sets", "dead-hold-nothing", assumed=("legacy-check-in-lock",), depth=5)).trace is None


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--property", "entitlement"], 1, "every counter equal"),
        (["--property", "node-backed", "--depth", "2"], 0, "no proof for longer ones"),
        (["--property", "node-backed", "--rlimit", "10"], 3, "unknown"),
        (["--property", "node-baked"], 2, "did you mean 'node-backed'"),
        (["--property", "node-backed", "--assume", "legacy-check"], 2, "did you mean 'legacy-check-in-lock'"),
    ],
)
def test_endings_of_the_command(arguments: list[str], code: int, text: str) -> None:
    outcome = CliRunner().invoke(command, arguments)
    assert outcome.exit_code == code, outcome.output
    assert text in outcome.output
