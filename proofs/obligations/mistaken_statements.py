"""For every statement of the design, a mistake that is detected even if model and reference both make it.

A comparison of the two cannot detect such a mistake. A property can, because it is stated independently; so can a
recording of the hypervisor's code, and a test that states the specification.
"""

from __future__ import annotations

from dataclasses import dataclass

from proofs.obligations.mistaken_parts import REFUTED_BY, PartRefutation

CLAIM_SETS = "claim-sets"
"""The recording."""


@dataclass(frozen=True)
class NoticedMistake:
    """A mistake, by name, and one check that detects it."""

    mistake: str
    part: str = ""
    """A part of a property that the model with the mistake refutes."""
    refuted: PartRefutation | None = None
    """The place; empty: the one in the table of parts."""
    seed: int = 0
    """A recorded trace on which the reference with the mistake diverges."""
    test: str = ""
    """A test of the reference that states the specification and fails with the mistake."""
    locks: str = ""
    """A transition that accesses a counter without its lock; the mistake is a part of a variant."""

    def of_part(self) -> PartRefutation:
        """The refutation of the part."""
        return self.refuted or REFUTED_BY[self.part]


def _by_part(part: str, mistake: str = "", place: str = "") -> NoticedMistake:
    given = PartRefutation(mistake, place) if mistake else None
    return NoticedMistake((given or REFUTED_BY[part]).mistake, part, given)


HYPERCALLS = "tests/reference/test_hypercalls.py::test_claim_memory_checks_in_order"
NOTICED_BY: dict[str, NoticedMistake] = {
    "DS-01": _by_part("atomic-install.nothing-on-failure"),
    "DS-02": NoticedMistake("legacy-on-top-of-set", seed=1000),
    "DS-03": NoticedMistake("target-only-availability", seed=1001),
    "DS-04": _by_part("claims-protected.kept"),
    "DS-05": _by_part("unclaimed-only"),
    "DS-06": _by_part("atomic-install.exact"),
    "DS-07": _by_part("atomic-install.exact", "installing-subtracts-held", "claim_memory"),
    "DS-08": NoticedMistake("duplicate-node-accepted", seed=1000),
    "DS-09": _by_part("node-backed", "installing-beyond-node", "claim_memory"),
    "DS-10": _by_part("host-backed", "installing-beyond-host", "claim_memory"),
    "DS-11": _by_part("entitlement-without-limbo.pages-and-claims"),
    "DS-12": NoticedMistake("release-keeps-global", seed=1002),
    "DS-13": NoticedMistake("no-mixing", seed=1000),
    "DS-14": NoticedMistake("node-check-credits-whole-set", seed=1003),
    "DS-15": NoticedMistake("search-ends-at-the-first-node", seed=1000),
    "DS-16": _by_part("redeem-order", "redeem-others-before-global", "alloc_heap_pages"),
    "DS-17": NoticedMistake("redeem-at-assign", seed=1006),
    "DS-18": _by_part("entitlement"),
    "DS-19": NoticedMistake("limit-read-unlocked", locks="alloc_heap_pages"),
    "DS-20": _by_part("node-backed"),
    "DS-21": _by_part("host-backed"),
    "DS-22": _by_part("entitlement-without-limbo.claimants"),
    "DS-23": _by_part("aggregates-agree.node"),
    "DS-24": NoticedMistake("limit-read-unlocked", locks="alloc_heap_pages"),
    "DS-25": NoticedMistake("no-mixing", seed=1000),
    "DS-26": _by_part("recall-minimal"),
    "DS-27": _by_part("claims-protected.kept"),
    "DS-28": NoticedMistake("failed-assign-restores-claims", seed=1002),
    "DS-29": _by_part("dead-hold-nothing"),
    "DS-30": NoticedMistake("no-refcount-uses-claims", seed=1004),
    "DS-31": _by_part("redeemed-once.claims-do-not-come-back"),
    "DS-32": _by_part("claims-fulfilled.granted"),
    "DS-33": NoticedMistake("claims-under-colouring", test=HYPERCALLS),
    "DS-34": NoticedMistake("one-entry-too-many", test=HYPERCALLS),
}
