"""Several builders at once, interleaved at critical sections: every operation, both levels, the checker after each step.

Domains are destroyed whatever is in flight, populates are preempted, extra pages are assigned. ``node-backed`` and
``redeemed-once`` hold throughout, ``aggregates-agree`` and ``host-backed`` until a destroyed domain gets a claim. The
others can fail; tests/reference/test_what_fails.py, test_destruction.py and test_stash.py show exactly how.
"""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis.stateful import invariant

from proofs.operations import OPERATIONS
from reference.properties import check_state, limbo_pages
from reference.state import all_locks
from tests.reference.builders import HOLDS_THROUGHOUT, HOLDS_WITHOUT_ORPHANS, SEEN, SITUATIONS, Builders


class HardenedBuilders(Builders):
    """With the hardened rules everything holds, whatever the builders do."""

    semantics = "claim-sets-hardened"
    holds_throughout = (
        HOLDS_THROUGHOUT
        | HOLDS_WITHOUT_ORPHANS
        | {"entitlement", "entitlement-without-limbo", "no-claims-lost", "offline-mark-kept"}
    )

    @invariant()
    def no_destroyed_domain_holds_a_claim(self) -> None:
        assert not hasattr(self, "host") or self.host.orphans == []

    @invariant()
    def the_dead_hold_nothing_once_they_are_killed(self) -> None:
        if hasattr(self, "host"):
            killing = [other for other in self.running if other.kills]
            broken = [str(v) for v in check_state(self.host) if v.property == "dead-hold-nothing"]
            assert killing or broken == []

    @invariant()
    def charges_are_pages_held_and_on_their_way(self) -> None:
        if not hasattr(self, "host"):
            return
        limbo = limbo_pages(self.host)
        with all_locks(self.host):
            for domain in self.host.domains.values():
                assert domain.charged_pages == domain.tot_pages + limbo.get(domain.domid, 0)
                assert domain.charge_limit == domain.max_pages


DEFAULT = settings.get_current_profile_name() == "default"
MANY = settings(max_examples=1200 if DEFAULT else 3000, stateful_step_count=60)
HardenedBuilders.TestCase.settings = settings(MANY, max_examples=40 if DEFAULT else 3000)
Builders.TestCase.settings = settings(MANY, max_examples=100 if DEFAULT else 3000)
EVERY_SITUATION = {
    "a destroyed domain has a claim",
    "a stash",
    "an exchange of a destroyed domain",
    "an offline mark is lost",
    "extra pages",
    "pages in limbo for a destroyed domain",
    "preempted between extents",
    "preempted scrubbing",
    "the free of the last page holds a dead domain",
}


class TestHardenedBuilders(HardenedBuilders.TestCase):  # type: ignore[misc,name-defined]
    """Runs the machine with the hardened rules."""


class TestBuilders(Builders.TestCase):  # type: ignore[misc,name-defined]
    """Runs the machine, then sees that it reached every operation there is, and most situations."""

    situations = 5

    def runTest(self) -> None:
        SEEN.clear()
        SITUATIONS.clear()
        super().runTest()
        everything = {"boot", *OPERATIONS}
        assert everything - {"get_memory_claims"} == SEEN  # claim-sets has no such query
        assert SITUATIONS <= EVERY_SITUATION
        assert len(SITUATIONS) >= self.situations, EVERY_SITUATION - SITUATIONS


@pytest.mark.long
class TestManyBuilders(TestBuilders):
    """The same, twelve times as many runs, which reach every situation."""

    settings = MANY
    situations = len(EVERY_SITUATION)


@pytest.mark.long
class TestManyHardenedBuilders(TestHardenedBuilders):
    """The same, ten times as many runs."""

    settings = settings(MANY, max_examples=400 if DEFAULT else 3000)
