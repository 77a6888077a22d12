"""What events are drawn for: a host at work, and what may be done on it without misuse.

The hypervisor's callers never free a page twice. Neither do the events made here: pages that an operation in flight
holds are left alone by the others. Domains are not: one may be destroyed while somebody works on it.
"""

from __future__ import annotations

from collections.abc import Collection

from proofs.operations import (
    AllocHeapPages,
    AssignPages,
    Continue,
    Event,
    FreeHeapPages,
    MemoryExchange,
    PopulatePhysmap,
)
from proofs.operations.draw import UNKNOWN_DOMID, Draw
from proofs.operations.sides import Loose
from reference.constants import MAX_NUMNODES
from reference.pages import Block, PageState
from reference.state import Domain, Host

from .machine import Machine
from .offered import Offered


class RandomWorld:
    """A machine, the randomness, and how wild the requests are."""

    __slots__ = ("draw", "host", "killing", "loose", "machine", "offered", "preempted", "wild")

    def __init__(
        self,
        machine: Machine,
        draw: Draw,
        wild: float,
        offered: Offered | None = None,
        killing: Collection[int] = (),
    ) -> None:
        self.machine = machine
        self.host: Host = machine.host
        self.draw = draw
        self.wild = wild
        """How often an argument is arbitrary, and not chosen to pass the checks."""
        self.offered = offered
        """What an outside program can be asked; none: there is no such program."""
        self.killing = killing
        """Ids of domains whose ``domain_kill`` holds the domctl lock."""
        self.loose: list[Loose] = []
        self.preempted: dict[int, PopulatePhysmap] = {}
        """By domain: what would go on with the call that was preempted last."""

    @property
    def extended(self) -> bool:
        """Whether what only ``claim-trace/2`` has can be asked for."""
        return self.offered is None or self.offered.extended

    def any_domain(self) -> Domain | None:
        """One of the domains, if there are any."""
        domains = list(self.host.domains.values())
        return domains[self.draw.below(len(domains))] if domains else None

    def any_domid(self) -> int:
        """The id of a domain; now and then of none."""
        draw, domains = self.draw, self.host.domains
        if not domains or draw.random() < 0.03:
            return UNKNOWN_DOMID
        return draw.pick(list(domains))

    def populated_domid(self) -> int:
        """Often the id of a domain that is being populated, or has a stashed extent."""
        draw, domains = self.draw, self.host.domains
        if draw.random() < 0.5:
            events = [running.event for running in self.machine.running.values()]
            at_work = [e.domid for e in events if type(e) is PopulatePhysmap and e.domid in domains]
            at_work += [domid for domid, domain in domains.items() if domain.pending_scrub is not None]
            if at_work:
                return draw.pick(at_work)
        return self.any_domid()

    def any_node(self) -> int | None:
        """A node to request, or none; seldom one that is not online."""
        draw = self.draw
        choice = draw.random()
        if choice < 0.35:
            return None
        nodes = len(self.host.node_pages)
        if choice > 0.97:
            node = nodes + draw.below(3) if choice < 0.99 else 254
            # The hypervisor asserts that a requested node is below MAX_NUMNODES: a program may do the same.
            return node if self.offered is None else min(node, MAX_NUMNODES - 1)
        return draw.below(nodes)

    def free_domids(self, most: int) -> list[int]:
        """Ids below ``most`` that a new domain may get.

        The model never gives an id to a second domain while somebody works on the first: here too nobody is in flight
        on a destroyed domain of that id, and no page is in limbo for it.
        """
        taken = {getattr(running.event, "domid", None) for running in self.machine.running.values()}
        taken.update(block.domid for block in self.host.pages.in_limbo())
        return [domid for domid in range(most) if domid not in taken and domid not in self.host.domains]

    def assignable(self) -> list[Loose]:
        """Pages loose in limbo whose domain is on the list: of another one nobody can look it up."""
        return [loose for loose in self.loose if loose.domid in self.host.domains]

    def freeable_blocks(self) -> list[Block]:
        """Blocks that a holder may free: of domains, or without owner. Limbo is in flight; so is what is exchanged."""
        running = self.machine.running.values()
        if any(type(r.event) is MemoryExchange for r in running):
            return self.owned_blocks()
        return [block for block in self.host.pages.blocks.values() if block.state is not PageState.LIMBO]

    def owned_blocks(self) -> list[Block]:
        """Blocks that are a domain's."""
        return [block for block in self.host.pages.blocks.values() if block.state is PageState.ASSIGNED]

    def any_mfn(self) -> int | None:
        """A frame of the host, in any state; of a node without pages there is none."""
        node = self.draw.below(len(self.host.node_pages))
        pages = self.host.node_pages[node]
        return node * self.host.node_span + self.draw.below(pages) if pages else None

    def note(self, event: Event, outcome: dict[str, object]) -> None:
        """Keep account of pages that are loose in limbo, and of preempted calls; told of every event that ended one."""
        if type(event) is Continue and self.machine.ended is not None:
            event = self.machine.ended
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
                self.loose.append(Loose(mfn, event.order, event.domid, event.memflags))  # type: ignore[arg-type]  # it is a frame
        elif (type(event) is AssignPages and outcome["result"] == "OK") or type(event) is FreeHeapPages:
            self.loose = [loose for loose in self.loose if loose.mfn != event.mfn]
