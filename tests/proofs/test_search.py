"""Shortest traces from boot."""

from dataclasses import replace
from functools import cache

import pytest
import z3
from click.testing import CliRunner

from model.hosts.bounded import BoundedHost
from model.named import GENERATIONS, TRANSITIONS
from model.step import Step
from proofs.cli.search import search as command
from proofs.mistakes.in_rules import RULES
from proofs.search.kept import FROM, may_break
from proofs.search.minimise import SearchRequest, SearchResult, _at_most, search
from proofs.search.replayed import replay_on_reference
from proofs.search.steps import EXTRA, SPECIAL, parts_of, searched
from proofs.search.unroll import Unrolling
from tests.sampled import sampled


@cache
def of_a_mistake() -> SearchResult:
    return search(SearchRequest("claim-sets", "redeemed-once", "redeem-without-step-3"))


def test_redeeming_without_step_3_needs_2_pages_and_3_events() -> None:
    found = of_a_mistake()
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
    "kill-keeps-claims": 3,
    "node-check-ignores-claims": 3,
    "assign-without-limit": 3,
    "free-restores-claims": 5,
    "redeem-others-before-global": 3,
    "node-check-wants-one-more": 2,
    "host-check-wants-one-more": 2,
    "assign-leaves-room-for-claims": 2,
}


SOME = {"install-without-limit", "assign-leaves-room-for-claims"}
"""Of claiming, and of what a claim is to bar; one of redeeming is searched for above."""


@pytest.mark.parametrize("mutation", sampled(RULES, keep=SOME))
def test_mistakes_have_short_traces_and_right_rules_have_none(mutation: str) -> None:
    prop, assumed = RULES[mutation].breaks, RULES[mutation].granted
    mistaken = SearchRequest("claim-sets", prop, mutation, assumed, depth=EVENTS[mutation])
    trace = search(mistaken).trace
    assert trace is not None
    assert len(trace.events) == EVENTS[mutation]
    assert trace.broken
    assert search(replace(mistaken, mutation="")).trace is None


@pytest.mark.parametrize(
    ("prop", "assumed", "events"),
    sampled(
        [
            ("entitlement", (), 2),
            ("entitlement", ("requests-within-limit",), 3),
            ("entitlement", ("requests-within-limit", "limit-not-lowered"), 3),
            ("entitlement-without-limbo", (), 3),
            ("entitlement-without-limbo", ("limit-not-lowered",), 4),
            ("dead-hold-nothing", (), 4),
            ("aggregates-agree.host", (), 4),
            ("host-backed", (), 5),
            ("no-claims-lost", (), 2),
            ("no-claims-lost", ("limit-not-lowered", "requests-within-limit"), 3),
            ("no-claims-lost", ("limit-not-lowered", "requests-within-limit", "requests-within-claims"), 4),
            ("offline-mark-kept", (), 4),
        ],
        keep=[("entitlement", (), 2), ("entitlement-without-limbo", (), 3), ("no-claims-lost", (), 2)],
    ),
)
def test_the_reference_reproduces_every_finding(prop: str, assumed: tuple[str, ...], events: int) -> None:
    trace = search(SearchRequest("claim-sets", prop, assumed=assumed)).trace
    assert trace is not None
    assert len(trace.events) == events
    replayed = replay_on_reference(trace)
    assert replayed.difference == ""
    assert replayed.events == events
    assert any(prop.partition(".")[0] in violation for violation in replayed.violations)


@pytest.mark.parametrize(
    ("generation", "prop"),
    sampled(
        [
            ("claim-sets", "entitlement"),
            ("claim-sets", "entitlement-without-limbo"),
            ("single-node-v3", "claims-fulfilled"),
        ],
        keep=[("claim-sets", "entitlement")],
    ),
)
def test_search_gives_the_same_trace_for_every_seed(generation: str, prop: str) -> None:
    asked = SearchRequest(generation, prop)
    traces = [search(replace(asked, seed=seed)).trace for seed in (0, 1, 2)]
    assert all(trace == traces[0] for trace in traces)


@pytest.mark.long
def test_claim_outlives_its_domain_in_five_events() -> None:
    """Killing and destroying a domain without pages is one event; calls that looked it up before continue with it."""
    trace = search(SearchRequest("claim-sets", "host-backed", few=True)).trace
    assert trace is not None
    assert [e["op"] for e in trace.events] == [
        "create_domain",
        "claim_pages",
        "destroydomain",
        "continue",
        "offline_page",
    ]


@pytest.mark.long
@pytest.mark.parametrize(
    ("semantics", "claims"),
    [("mainline-4.22", ["claim_pages", "continue"]), ("per-node-v8", ["install_claim_set"])],
)
def test_dropped_stash_loses_a_granted_claim(semantics: str, claims: list[str]) -> None:
    conditions = ("limit-not-lowered", "requests-within-limit", "requests-within-claims")
    trace = search(SearchRequest(semantics, "no-claims-lost", assumed=conditions, few=True)).trace
    assert trace is not None
    assert [e["op"] for e in trace.events] == ["create_domain", *claims, "populate_physmap", "populate_physmap"]
    assert trace.host["nodes"] == [512]
    assert any("no-claims-lost" in violation for violation in replay_on_reference(trace).violations)


def test_extra_pages_overflow_a_2013_claim_at_2_to_the_32_pages() -> None:
    trace = search(SearchRequest("legacy-2013", "no-wrap.domain-counters", depth=5)).trace
    assert trace is not None
    assert trace.host["nodes"] == [1 << 32]
    assert (trace.events[-1]["op"], len(trace.events)) == ("free_domheap_pages", 5)
    assert replay_on_reference(trace).difference == ""


def test_reference_differs_from_a_mistaken_model() -> None:
    trace = of_a_mistake().trace
    assert trace is not None
    assert "in the reference" in replay_on_reference(trace).difference


@pytest.mark.long
def test_mistake_needs_five_events_and_two_domains() -> None:
    """The reference does the same until the step with the mistake: also while the domains are being created."""
    in_lock = ("legacy-check-in-lock",)
    trace = search(SearchRequest("claim-sets", "host-backed", "redeem-without-step-3", assumed=in_lock)).trace
    assert trace is not None
    assert [e["op"] for e in trace.events] == [*["create_domain"] * 2, *["install_claim_set"] * 2, "alloc_heap_pages"]
    assert trace.host["nodes"] == [1, 1]
    assert replay_on_reference(trace).difference.startswith("event 5 alloc_heap_pages: ")


@pytest.mark.parametrize(
    ("prop", "assumed", "depth"),
    [
        ("entitlement", "requests-within-limit", 2),
        pytest.param("dead-hold-nothing", "legacy-check-in-lock", 5, marks=pytest.mark.long),
    ],
)
def test_no_trace_is_found_where_the_conditions_hold(prop: str, assumed: str, depth: int) -> None:
    """At depths at which there is one without."""
    assert search(SearchRequest("claim-sets", prop, assumed=(assumed,), depth=depth)).trace is None


@pytest.mark.long
def test_property_kept_by_every_step_has_no_trace_of_any_length() -> None:
    found = search(SearchRequest("claim-sets", "node-backed"))
    assert found.trace is None
    assert found.any_length
    assert not search(SearchRequest("claim-sets", "node-backed", depth=3)).any_length


def test_inductive_statements_hold_after_every_step() -> None:
    """Only what boot and every step keep may be given to the solver: of a wrong statement it would find no trace."""
    host = Unrolling("legacy-2013", "", parts_of("host-backed"), (), 1, 1)
    for _ in range(FROM):
        host.grow()
    assert may_break(host, host.parts)
    names = {part.name for part in host.kept}
    assert "aggregates-agree.domain" in names
    assert names.isdisjoint({"host-backed", "entitlement", "dead-hold-nothing"})


def test_unsearched_steps_change_no_counter() -> None:
    host = BoundedHost(2, 2)
    special = {name for names in (*SPECIAL.values(), EXTRA) for name in names}
    for name, transition in TRANSITIONS.items():
        found = {*searched(GENERATIONS["claim-sets"], []), *special}
        if name not in found and name in GENERATIONS["claim-sets"].transitions:
            step = Step(host, host.state())
            transition.build(step, GENERATIONS["claim-sets"].rules)
            assert name == "create_domain" or set(step.updates) <= {"legacy_calls"}


def test_untraceable_steps_are_reported_and_not_in_the_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofs.search.unroll.UNTOLD", ("set_max_pages",))
    found = search(SearchRequest("claim-sets", "entitlement-without-limbo", depth=4))
    assert found.untold == 3
    assert found.trace is not None
    assert len(found.trace.events) == 4


def test_search_considers_no_host_beyond_2_to_the_63_pages() -> None:
    """On one of more than 2^63 pages everything wraps at once."""
    assert search(SearchRequest("legacy-2013", "no-wrap", depth=2)).trace is None


def test_search_finds_the_smallest_large_number() -> None:
    solver, x = z3.SimpleSolver(), z3.Int("x")
    solver.add(x * 2 > 10**6)
    assert _at_most(solver, x, 0)[x] == 500_001
    assert solver.check(x > 500_001) == z3.unsat


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--property", "node-backed", "--nodes", "1", "--domains", "1"], 0, "no trace of any length"),
        pytest.param(["--property", "node-backed"], 0, "no trace of any length", marks=pytest.mark.long),
        (["--property", "entitlement"], 1, "every counter equal"),
        (["--property", "node-backed", "--depth", "2"], 0, "no proof for longer ones"),
        (["--property", "node-backed", "--rlimit", "10"], 3, "unknown"),
        (["--property", "node-backed", "--property", "entitlement", "--depth", "2", "--json"], 1, '"searches"'),
        (["--property", "node-baked"], 2, "did you mean 'node-backed'"),
        (["--property", "node-backed", "--assume", "legacy-check"], 2, "did you mean 'legacy-check-in-lock'"),
    ],
)
def test_command_exit_codes_and_messages(arguments: list[str], code: int, text: str) -> None:
    outcome = CliRunner().invoke(command, arguments)
    assert outcome.exit_code == code, outcome.output
    assert text in outcome.output
