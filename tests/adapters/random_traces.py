"""Random traces of claim-trace/1, made by running the reference: what is freed and taken offline is there."""

from __future__ import annotations

import random

from msgspec.structs import replace

from proofs.adapters.made import GeneratedTrace
from proofs.operations import (
    AllocDomheapPages,
    Boot,
    Claim,
    CreateDomain,
    DomainKill,
    Event,
    FreeDomheapPages,
    InstallClaimSet,
    OfflinePage,
    SetMaxPages,
    SetOutstandingPages,
)
from proofs.replay.observe import observe
from proofs.replay.runner import Runner, boot_shape
from proofs.traces.events import FORMAT_1, Header, HostShape
from reference.generations import GENERATIONS
from reference.heap import NodeHeap


class Maker:
    """Makes one trace."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        span = self.draw.choice([4, 16, 64, 1 << 21])
        nodes = [self.draw.choice([span, span - 1, self.draw.randint(0, span)]) for _ in range(self.draw.randint(1, 5))]
        if seed % 10 == 0:
            nodes = [span] * 64
        self.header = Header(FORMAT_1, "claim-sets", "random", HostShape(span, nodes), seed)
        self.host = boot_shape(self.header.host, GENERATIONS["claim-sets"], block_policy=self._block)
        self.execution = Runner(self.host)
        self.events: list[Event] = []

    def _block(self, heap: NodeHeap, order: int) -> int | None:
        """Any free block, at either end: no program does just that."""
        found = [mfn for o, blocks in enumerate(heap.free) if o >= order for mfn in blocks]
        return self.draw.choice(sorted(found)) if found else None

    def do(self, event: Event) -> None:
        """Do it on the reference and record it."""
        outcome = self.execution.do(event)
        if not isinstance(outcome, dict):
            raise TypeError(outcome)
        self.events.append(replace(event, state=observe(self.host), **outcome))

    def pages(self) -> int:
        """A number of pages, at one of the limits that matter."""
        node = self.draw.choice(self.host.nodes)
        return max(0, self.draw.choice([
            0, 1, 2, self.draw.randint(0, 20), self.host.node_avail_pages[node],
            self.host.node_avail_pages[node] - self.host.node_outstanding_claims[node] + self.draw.randint(-1, 1),
            self.host.total_avail_pages - self.host.outstanding_claims + self.draw.randint(-1, 1),
            2**32 - 1, 2**32, 2**63, 2**64 - 1,
        ]))  # fmt: skip

    def next(self) -> Event:
        """An operation that can be done."""
        draw, host = self.draw, self.host
        domid = draw.choice(list(host.domains))
        blocks = list(host.pages.blocks.values())
        kind = draw.choices(
            ["alloc", "free", "install", "legacy", "limit", "offline", "kill"], [30, 12, 14, 5, 4, 6, 1]
        )[0]
        if kind == "free" and blocks:
            block = draw.choice(blocks)
            order = block.order if draw.random() < 0.8 else draw.randint(0, block.order)
            return FreeDomheapPages(mfn=block.mfn + (draw.randrange(1 << block.order - order) << order), order=order)
        if kind == "install":
            targets = [draw.choice([*host.nodes, *host.nodes, "global", 64, 2**31]) for _ in range(draw.randint(0, 4))]
            return InstallClaimSet(
                domid=domid, claims=[Claim(self.pages(), t, int(draw.random() < 0.03)) for t in targets]
            )
        if kind == "legacy":
            return SetOutstandingPages(domid=domid, pages=self.pages())
        if kind == "limit":
            return SetMaxPages(domid=domid, max_pages=min(self.pages(), 2**32 - 1))
        if kind == "offline":
            node = draw.choice([n for n in host.nodes if host.node_pages[n]] or [0])
            if host.node_pages[node]:
                return OfflinePage(mfn=node * host.node_span + draw.randrange(host.node_pages[node]))
        if kind == "kill":
            return DomainKill(domid=domid)
        return AllocDomheapPages(
            domid=draw.choice([domid, domid, domid, None]),
            order=draw.choice([0, 0, 0, 1, 1, 2, 3, 5, 20, 21, 63]),
            node=draw.choice([None, draw.choice(host.nodes), draw.randint(0, 254)]),
            memflags=draw.sample(["exact_node", "no_owner"], draw.choice([0, 0, 1, 1, 2])),
        )

    def trace(self, length: int) -> GeneratedTrace:
        """A whole trace."""
        self.do(Boot())
        for domid in self.draw.sample(range(20), self.draw.randint(1, 4)):
            affinity = self.draw.sample(list(self.host.nodes), self.draw.randint(1, len(self.host.nodes)))
            self.do(CreateDomain(domid=domid, max_pages=min(self.pages() + 8, 2**32 - 1), node_affinity=affinity))
        while len(self.events) < length:
            self.do(self.next())
        return GeneratedTrace(self.header, self.events)
