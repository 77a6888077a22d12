"""The task that every checker gets: the host, the steps, the properties, and mistakes that have to be found."""

from __future__ import annotations

from dataclasses import dataclass

STEPS = (
    "claim_memory",
    "alloc_heap_pages",
    "alloc_heap_pages_unowned",
    "assign_pages",
    "assign_pages_refused",
    "free_domheap_pages",
    "free_heap_pages",
    "free_anonymous_pages",
    "offline_page",
    "online_page",
    "domain_kill",
    "domain_kill_release",
)
"""Transitions of claim-sets. The legacy call, memory_exchange and marked pages would multiply the states."""
CONDITIONS = ("no-claim-in-flight",)
PROPERTIES = (
    "node-backed",
    "host-backed",
    "aggregates-agree.free",
    "aggregates-agree.node",
    "aggregates-agree.domain",
    "aggregates-agree.host",
    "entitlement-without-limbo.pages-and-claims",
)
MISTAKES = {"no-recall": "host-backed", "redeem-without-step-3": "entitlement-without-limbo"}
"""Deliberate mistakes, each with a property that it breaks; the second is none on a host of one node."""


@dataclass(frozen=True)
class Size:
    """A host, and the bounds that a checker of states needs."""

    nodes: int
    domains: int
    pages: int
    """Of each node."""
    limit: int
    """max_pages of each domain."""

    @property
    def name(self) -> str:
        """As in a table."""
        return f"{self.nodes}x{self.domains}, {self.pages} pages a node"

    @property
    def hosts(self) -> str:
        """As claimcheck names it."""
        return f"{self.nodes}x{self.domains}"

    def mistakes(self) -> list[str]:
        """Those that are mistakes on this host."""
        return [name for name in MISTAKES if self.nodes > 1 or name != "redeem-without-step-3"]

    def sets(self) -> list[tuple[int, ...]]:
        """Every claim set that the limit lets through: pages by node, and host-wide ones last."""
        found: list[tuple[int, ...]] = [()]
        for most in [*[self.pages] * self.nodes, self.pages * self.nodes]:
            found = [(*one, n) for one in found for n in range(most + 1) if sum(one) + n <= self.limit]
        return found


SIZES = (
    Size(1, 1, 2, 2),
    Size(2, 1, 2, 2),
    Size(2, 2, 1, 1),
    Size(2, 2, 2, 2),
    Size(3, 2, 1, 1),
    Size(3, 2, 2, 2),
    Size(3, 3, 2, 2),
)
SMALLEST = (Size(1, 1, 1, 1), Size(2, 1, 1, 1))


@dataclass(frozen=True)
class Outcome:
    """What a checker said, and after how much processor time."""

    answer: str
    """`holds`, `broken`, `stopped` (where), or `skipped` (why)."""
    seconds: float = 0.0
    states: int = 0
    detail: str = ""
    ready: float = 0.0
    """Seconds until the search began: formulas built, a program generated and compiled. Not in `seconds`."""
