"""Mistakes that only many nodes, entries or domains, or large ids show are found; hosts and ids are drawn for that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random

import click
import pytest

from proofs.cli.main import claimcheck
from proofs.fuzz.checker import Checker, Failure
from proofs.fuzz.generators.plan import TracePlan, draw_plan
from proofs.fuzz.hosts import draw_host
from proofs.fuzz.hunt import hunt_in_reference
from proofs.fuzz.known import GenerationFacts
from proofs.fuzz.numbers import ModelState
from proofs.fuzz.rerun import RerunResult, as_steps, do
from proofs.fuzz.shrink import shrink
from proofs.fuzz.steps import Steps
from proofs.fuzz.trial import trial
from proofs.fuzz.world import RandomWorld
from proofs.mistakes.bounds import BOUNDS
from proofs.mistakes.edits import Edit
from proofs.mistakes.planted import planted
from proofs.operations import Claim, ClaimMemory, CreateDomain, InstallClaimSet, OfflinePage
from proofs.operations.draw import UNKNOWN_DOMID, USUAL_DOMIDS, Draw
from proofs.traces.events import HostShape
from reference.constants import DOMID_FIRST_RESERVED
from reference.generations import GENERATIONS
from tests.sampled import sampled

MOST_TRIALS = 60
SLOW = frozenset(
    {
        "recall-ignores-the-last-domain",
        "recalls-by-the-low-byte-of-ids",
        "search-stops-at-60-nodes",
        "room-unchecked-after-16-nodes",
        "host-wide-recall-stops-after-16-domains",
        "reports-32-nodes",
    }
)
"""Looked for in long runs only: it takes more than a second or two to come to them."""
MOST_EVENTS = 20
"""17 domains are needed before the 17th is forgotten."""


def large_trials(semantics: str, *favoured: str, domains: bool) -> Iterator[tuple[int, Draw, HostShape, TracePlan]]:
    """Of the trials of consecutive seeds those with many domains, or those with 64 nodes."""
    wanted = dict.fromkeys(favoured, 5.0)
    for seed in range(1_000_000):
        draw = Draw(Random(seed))
        host = draw_host(draw)
        plan = draw_plan(draw, GENERATIONS[semantics], wanted)
        if (len(plan.domids) > len(USUAL_DOMIDS)) if domains else len(host.nodes) == 64:
            yield seed, draw, host, plan


def failure_of(mistake: Edit) -> Failure | None:
    """What is found first, on large hosts only: most of a campaign's are small."""
    known = GenerationFacts(mistake.semantics, [], {})
    of_domains = mistake.operation in ("offline_page", "claim_memory")
    trials = large_trials(mistake.semantics, "install_claim_set", mistake.operation, domains=of_domains)
    with planted(mistake.name):
        for _, (seed, draw, host, plan) in zip(range(MOST_TRIALS), trials, strict=False):
            if (failure := trial(known, seed, draw, host, plan).failure) is not None:
                return failure
    return None


@pytest.mark.parametrize("mistake", sampled((m for m in BOUNDS if m.name not in SLOW), 4), ids=lambda m: m.name)
def test_mistake_at_a_bound_is_found(mistake: Edit) -> None:
    assert failure_of(mistake) is not None


@pytest.mark.long
@pytest.mark.parametrize("mistake", BOUNDS, ids=lambda m: m.name)
def test_mistake_at_a_bound_is_found_and_shrunk_in_a_minute(mistake: Edit) -> None:
    found = hunt_in_reference(mistake, seed=1)
    assert found.found is not None
    assert len(found.found.events) <= MOST_EVENTS


def test_unchanged_reference_passes_on_large_hosts() -> None:
    for semantics, domains in (("claim-sets", True), ("per-node-v8", False)):
        known = GenerationFacts(semantics, [], {})
        for _, (seed, draw, host, plan) in zip(range(2), large_trials(semantics, domains=domains), strict=False):
            assert trial(known, seed, draw, host, plan).failure is None


def test_most_hosts_stay_small_and_some_have_64_nodes() -> None:
    sizes = Counter(len(draw_host(Draw(Random(seed))).nodes) for seed in range(4000))
    assert sum(count for nodes, count in sizes.items() if nodes <= 4) > 0.7 * 4000
    assert 40 < sizes[64] < 160


def test_domain_ids_are_mostly_low_and_sometimes_large() -> None:
    drawn = [Draw(Random(seed)).domids() for seed in range(2000)]
    assert sum(domids == USUAL_DOMIDS for domids in drawn) > 1000
    assert 30 < sum(len(domids) >= 24 for domids in drawn) < 120
    ids = {domid for domids in drawn for domid in domids}
    assert {0, 255, 256, DOMID_FIRST_RESERVED - 1} <= ids
    assert UNKNOWN_DOMID not in ids
    assert max(ids) < DOMID_FIRST_RESERVED
    assert all(list(domids) == sorted(set(domids)) for domids in drawn)


def test_drawn_sets_have_up_to_66_entries_and_late_errors() -> None:
    checker = Checker(HostShape(64, [4] * 64), GenerationFacts("claim-sets", [], {}))
    world = RandomWorld(checker.runner, Draw(Random(1)), 0.02)
    checker.do(CreateDomain(domid=0, max_pages=600, node_affinity=[0]))
    lengths: Counter[int] = Counter()
    twice = padded = 0
    for _ in range(1000):
        event = ClaimMemory.drawn(world)
        assert event is not None
        lengths[len(event.claims)] += 1
        if len(event.claims) > 60:
            targets = [claim.target for claim in event.claims]
            twice += targets[-1] in targets[:-1]
            padded += any(claim.pad for claim in event.claims[40:])
    assert {64, 65, 66} <= set(lengths)
    assert sum(count for length, count in lengths.items() if length >= 60) > 200
    assert twice > 20
    assert padded > 10


def test_new_id_shifts_the_ids_above_it() -> None:
    s = ModelState([3, 3], (5, 9), False)
    s.claims, s.tot_pages, s.domctl_lock = [[1, 0], [0, 2]], [7, 8], 1
    s.add_domid(6)
    assert (s.domids, s.slots, s.number_of_domains) == ([5, 6, 9], {5: 0, 6: 1, 9: 2}, 3)
    assert (s.claims, s.tot_pages, s.domctl_lock) == ([[1, 0], [0, 0], [0, 2]], [7, 0, 8], 2)
    s.add_domid(0x7FEF)
    assert s.slots[0x7FEF] == 3
    assert s.domctl_lock == 2
    assert {len(s.claims), len(s.is_dying), len(s.claim_node)} == {4}


def _again(host: HostShape, steps: Steps, failure: Failure) -> RerunResult | None:
    redone = do(host, steps, GenerationFacts("claim-sets", [], {}))
    same = redone is not None and redone.failure is not None and redone.failure.symptom == failure.symptom
    return redone if same else None


def test_shrinking_reduces_ids_and_domains() -> None:
    """Of twelve domains with large ids, seven are needed, with the lowest ids."""
    (mistake,) = (m for m in BOUNDS if m.name == "recall-stops-after-six-domains")
    domids = [0x7FEF - 300 * n for n in range(12)][::-1]
    events = [CreateDomain(domid=domid, max_pages=60, node_affinity=[0]) for domid in domids]
    claim = InstallClaimSet(domid=domids[-1], claims=[Claim(1, 0)])
    trace = [*events, claim, OfflinePage(mfn=0)]
    known, host = GenerationFacts("claim-sets", [], {}), HostShape(1, [1], last_alloc_node=0)
    with planted(mistake.name):
        checker = Checker(host, known)
        (failure,) = [failure for event in trace if (failure := checker.do(event)) is not None]
        small = shrink(host, as_steps(host, trace, known), lambda host, steps: _again(host, steps, failure))
    created = [event.domid for event in small.events if isinstance(event, CreateDomain)]
    assert sorted(created) == list(range(7))
    assert len(small.events) == 9


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("fuzz --mistake nothing", "no mistake 'nothing'"),
        ("fuzz --mistake no-recall --against cat", "--mistake and --against: one of them"),
        ("fuzz --mistake no-recall --generation legacy-2013", "does not fit, legacy-2013"),
        ("fuzz --mistake recall-global-first", "is a mistake of the model"),
    ],
)
def test_inapplicable_mistake_is_refused(line: str, said: str) -> None:
    with pytest.raises(click.UsageError, match=said):
        claimcheck.main(line.split(), standalone_mode=False)
