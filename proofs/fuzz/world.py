"""The world that events are drawn for: a host in use, and the objects that events may name without misuse.

The hypervisor's callers never free a page twice, so events do not name pages that an operation in flight holds. They
may name domains in use: a domain may be destroyed while an operation on it is in flight.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from proofs.operations import (
    AllocHeapPages,
    AssignPages,
    Continue,
    Event,
    FreeHeapPages,
    MemoryExchange,
    PopulatePhysmap,
)
from proofs.operations.draw import UNKNOWN_DOMID, USUAL_DOMIDS, Draw
from proofs.operations.sides import LimboPages
from proofs.replay.runner import Runner
from reference.constants import MAX_NUMNODES
from reference.pages import Block, PageState
from reference.state import Domain, Host

from .offered import ProgramCapabilities


class RandomWorld:
    """A host, the random source, and how wild the requests are."""

    __slots__ = ("domids", "draw", "host", "killing", "loose", "offered", "preempted", "runner", "wild")

    def __init__(
        self,
        runner: Runner,
        draw: Draw,
        wild: float,
        offered: ProgramCapabilities | None = None,
        killing: Collection[int] = (),
        domids: Sequence[int] = USUAL_DOMIDS,
    ) -> None:
        self.runner = runner
        self.host: Host = runner.host
        self.draw = draw
        self.wild = wild
        """The share of arguments that are arbitrary, not chosen to pass the checks."""
        self.offered = offered
        """What an outside program offers; None: there is no such program."""
        self.killing = killing
        """Ids of domains whose ``domain_kill`` holds the domctl lock."""
        self.domids = domids
        """Ids for new domains."""
        self.loose: list[LimboPages] = []
        self.preempted: dict[int, PopulatePhysmap] = {}
        """By domain: the call that would continue the last preempted one."""

    @property
    def extended(self) -> bool:
        """Whether features that only ``claim-trace/2`` has may be used."""
        return self.offered is None or self.offered.extended

    def any_domain(self) -> Domain | None:
        """One of the domains; None: there is no domain."""
        domains = list(self.host.domains.values())
        return domains[self.draw.below(len(domains))] if domains else None

    def any_domid(self) -> int:
        """The id of a domain; sometimes an id that no domain has."""
        draw, domains = self.draw, self.host.domains
        if not domains or draw.random() < 0.03:
            return UNKNOWN_DOMID
        return draw.pick(list(domains))

    def populated_domid(self) -> int:
        """Often the id of a domain that is being populated or has a stashed extent."""
        draw, domains = self.draw, self.host.domains
        if draw.random() < 0.5:
            events = [running.event for running in self.runner.in_flight.values()]
            at_work = [e.domid for e in events if type(e) is PopulatePhysmap and e.domid in domains]
            at_work += [domid for domid, domain in domains.items() if domain.pending_scrub is not None]
            if at_work:
                return draw.pick(at_work)
        return self.any_domid()

    def any_node(self) -> int | None:
        """A node to request, rarely an offline one; None: no node."""
        draw = self.draw
        choice = draw.random()
        if choice < 0.35:
            return None
        nodes = len(self.host.node_pages)
        if choice > 0.97:
            node = nodes + draw.below(3) if choice < 0.99 else 254
            # The hypervisor asserts that a requested node is below MAX_NUMNODES; a program may do the same.
            return node if self.offered is None else min(node, MAX_NUMNODES - 1)
        return draw.below(nodes)

    def free_domids(self) -> list[int]:
        """Ids that a new domain may get.

        The model does not give an id to a second domain while the first is in use: no operation on a destroyed domain
        of that id is in flight, and no page is in limbo for it.
        """
        taken = {getattr(running.event, "domid", None) for running in self.runner.in_flight.values()}
        taken.update(block.domid for block in self.host.pages.in_limbo())
        return [domid for domid in self.domids if domid not in taken and domid not in self.host.domains]

    def assignable(self) -> list[LimboPages]:
        """Pages in limbo, held by no operation, whose domain is on the list and can be looked up."""
        return [loose for loose in self.loose if loose.domid in self.host.domains]

    def freeable_blocks(self) -> list[Block]:
        """Blocks that may be freed: a domain's, or without owner. Blocks in limbo or in an exchange are in flight."""
        running = self.runner.in_flight.values()
        if any(type(r.event) is MemoryExchange for r in running):
            return self.owned_blocks()
        return [block for block in self.host.pages.blocks.values() if block.state is not PageState.LIMBO]

    def owned_blocks(self) -> list[Block]:
        """Blocks that a domain owns."""
        return [block for block in self.host.pages.blocks.values() if block.state is PageState.ASSIGNED]

    def any_mfn(self) -> int | None:
        """A frame of the host, in any state; None: the node drawn has no pages."""
        node = self.draw.below(len(self.host.node_pages))
        pages = self.host.node_pages[node]
        return node * self.host.node_span + self.draw.below(pages) if pages else None

    def note(self, event: Event, outcome: dict[str, object]) -> None:
        """Update pages in limbo and preempted calls; called for every event that ends an operation."""
        if type(event) is Continue and self.runner.ended is not None:
            event = self.runner.ended
        if type(event) is PopulatePhysmap:
            self.preempted.pop(event.domid, None)
            if outcome["preempted"] is not None:
                done: int = outcome["nr_done"]  # type: ignore[assignment]  # a count
                self.preempted[event.domid] = PopulatePhysmap(
                    domid=event.domid,
                    nr_extents=event.nr_extents,
                    extent_order=event.extent_order,
                    node=event.node,
                    memflags=event.memflags,
                    start_extent=done,
                )
        elif type(event) is AllocHeapPages:
            mfn = outcome["mfn"]
            if mfn is not None and event.domid is not None and "no_owner" not in event.memflags:
                self.loose.append(LimboPages(mfn, event.order, event.domid, event.memflags))  # type: ignore[arg-type]  # it is a frame
        elif (type(event) is AssignPages and outcome["result"] == "OK") or type(event) is FreeHeapPages:
            self.loose = [loose for loose in self.loose if loose.mfn != event.mfn]
