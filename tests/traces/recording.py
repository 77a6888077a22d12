"""Traces for the tests of this folder: recorded ones, and small ones in claim-trace/2 made by running the reference."""

import gzip
import json
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET

from proofs.operations import (
    AllocDomheapPages,
    AllocHeapPages,
    AssignPages,
    Boot,
    Claim,
    ClaimMemory,
    ClaimPages,
    Continue,
    CreateDomain,
    DestroyDomain,
    DomainDestroy,
    DomainKill,
    Event,
    FreeDomheapPages,
    FreeHeapPages,
    GetDomainInfo,
    GetMemoryClaims,
    GetOutstandingClaims,
    HypercallClaim,
    InstallClaimSet,
    MaxMem,
    MemoryExchange,
    OfflinePage,
    OnlinePage,
    PauseDomain,
    PopulatePhysmap,
    PreemptionPoint,
    RelinquishMemory,
    SetMaxPages,
    SetOutstandingPages,
    UnpauseDomain,
)
from proofs.replay.observe import observe
from proofs.replay.runner import boot_shape
from proofs.traces.events import FORMAT_2, Header, HostShape
from reference.generations import GENERATIONS
from reference.steps import Steps, run

CONFORMANCE = Path("tests/data/conformance")
RECORDED = CONFORMANCE / "claim-sets.jsonl.gz"
GOOD = Path("tests/data/examples/redeem.jsonl").read_bytes().splitlines()
"""A short good trace: its header, then 4 events."""

Json = dict[str, Any]


def dumps(line: Any) -> bytes:
    """As the traces have it; NaN and Infinity, which are not JSON, as Python writes them."""
    return json.dumps(line, separators=(",", ":")).encode()


def _traces(lines: Iterator[bytes]) -> Iterator[list[Json]]:
    trace: list[Json] = []
    for line in lines:
        content = json.loads(line)
        if "format" in content and trace:
            yield trace
            trace = []
        trace.append(content)
    yield trace


@cache
def recorded(count: int, path: Path = RECORDED) -> list[list[Json]]:
    """The first recorded traces: header, then events."""
    with gzip.open(path) as file:
        return list(islice(_traces(iter(file)), count))


def record(host_shape: HostShape, *events: Event, semantics: str = "claim-sets") -> list[Json]:
    """What a recording of these events on the reference looks like: the header, then the events with what came of them."""
    header = Header(FORMAT_2, semantics, "made with the reference", host_shape, seed=77)
    host = boot_shape(host_shape, GENERATIONS[semantics], check_locks=True)
    builders: dict[str, Steps[Json]] = {}
    lines: list[Json] = [msgspec.to_builtins(header)]
    for event in events:
        outcome = builders.pop(event.builder) if type(event) is Continue else event.on_reference(host)
        if not isinstance(outcome, dict) and event.builder is UNSET:
            outcome = run(outcome)
        elif not isinstance(outcome, dict):
            steps = outcome
            try:
                next(steps)
                builders[event.builder] = steps
                outcome = {}
            except StopIteration as end:
                outcome = end.value
        done = msgspec.structs.replace(event, state=observe(host), **outcome)
        lines.append(json.loads(msgspec.json.encode(done)))
    return lines


_TWO_NODES = HostShape(8, [8, 8], last_alloc_node=0)


def in_sequence() -> list[Json]:
    """Every operation but ``continue``, one after the other."""
    return record(
        _TWO_NODES,
        Boot(),
        CreateDomain(domid=1, max_pages=16, node_affinity=[0, 1]),
        CreateDomain(domid=2, max_pages=16, node_affinity=[0, 1]),
        ClaimMemory(domid=1, claims=[HypercallClaim(3, 0), HypercallClaim(1, "global")]),
        ClaimMemory(domid=9, claims=[HypercallClaim(1, 0)]),  # ESRCH: an outcome, at this level
        AllocHeapPages(domid=1, order=0, node=0, memflags=[]),
        AllocHeapPages(domid=1, order=1, node=0, memflags=["exact_node"]),
        AllocHeapPages(domid=1, order=4, node=None, memflags=[]),  # refused
        AssignPages(mfn=2, order=1, domid=1),
        FreeHeapPages(mfn=0, order=0),
        AllocDomheapPages(domid=2, order=1, node=1, memflags=[]),
        AllocDomheapPages(domid=2, order=3, node=1, memflags=["exact_node"]),  # refused
        AllocDomheapPages(domid=None, order=0, node=None, memflags=["no_owner"]),
        OfflinePage(mfn=8),
        OnlinePage(mfn=8),
        OnlinePage(mfn=15),
        FreeDomheapPages(mfn=8, order=1),
        SetMaxPages(domid=2, max_pages=15),
        SetOutstandingPages(domid=2, pages=2),
        InstallClaimSet(domid=2, claims=[Claim(1, 1)]),
        ClaimPages(domid=2, nr_extents=0),
        ClaimPages(domid=2, nr_extents=3),
        MaxMem(domid=2, max_pages=2**40),
        MaxMem(domid=2, max_pages=12),
        GetDomainInfo(domid=2),
        GetDomainInfo(domid=9),
        GetOutstandingClaims(),
        PopulatePhysmap(domid=2, nr_extents=2, extent_order=0, node=1),
        PopulatePhysmap(domid=2, nr_extents=2**32, extent_order=3, node=1),  # none succeeds
        MemoryExchange(domid=2, in_mfns=[8, 9], in_order=0, out_order=1, node=1),
        MemoryExchange(domid=2, in_mfns=[0], in_order=0, out_order=0),  # not its page
        DomainKill(domid=1),
        RelinquishMemory(domid=1),
        DomainDestroy(domid=1),
        CreateDomain(domid=1, max_pages=4, node_affinity=[0]),  # the id is free again
        DestroyDomain(domid=2),
        DestroyDomain(domid=2),
        CreateDomain(domid=2, max_pages=4, node_affinity=[1]),
    )


def interleaved() -> list[Json]:
    """Builders a and b, a critical section at a time; at the end one of them is still at work."""
    return record(
        _TWO_NODES,
        Boot(),
        CreateDomain(domid=1, max_pages=16, node_affinity=[0, 1]),
        CreateDomain(domid=2, max_pages=16, node_affinity=[0, 1]),
        AllocDomheapPages(domid=1, order=1, node=0, memflags=[], builder="a"),
        PopulatePhysmap(domid=2, nr_extents=2, extent_order=0, node=1, builder="b"),
        Continue(builder="a"),  # mfn, on_node
        Continue(builder="b"),
        Continue(builder="b"),
        OfflinePage(mfn=14),
        OnlinePage(mfn=14),  # free, and not the lowest: the next section must not take it for an observed block
        *[Continue(builder="b")] * 3,  # mfns, nr_done, preempted
        AllocDomheapPages(domid=1, order=4, node=None, memflags=[], builder="a"),  # refused at once
        MaxMem(domid=2, max_pages=12, builder="b"),  # a single critical section
        ClaimPages(domid=1, nr_extents=4, builder="a"),
        Continue(builder="a"),  # result
        MemoryExchange(domid=2, in_mfns=[8, 9], in_order=0, out_order=1, node=1, builder="b"),
        *[Continue(builder="b")] * 5,  # result, mfns
        DomainKill(domid=1, builder="a"),
        Continue(builder="a"),  # result
        RelinquishMemory(domid=1, builder="a"),
        Continue(builder="a"),  # pages
        PopulatePhysmap(domid=2, nr_extents=2, extent_order=0, builder="b"),
    )


def queries() -> list[Json]:
    """A feature that claim-sets does not have: a query of the installed set."""
    return record(
        _TWO_NODES,
        Boot(),
        CreateDomain(domid=1, max_pages=16, node_affinity=[0, 1]),
        CreateDomain(domid=2, max_pages=16, node_affinity=[0, 1]),
        ClaimMemory(domid=1, claims=[HypercallClaim(3, 1), HypercallClaim(1, "host")]),
        ClaimMemory(domid=1, claims=[HypercallClaim(3, 1, cmd=1)]),  # EINVAL
        GetMemoryClaims(domid=1, capacity=1),  # ERANGE
        GetMemoryClaims(domid=1, capacity=2),
        GetMemoryClaims(domid=9, capacity=2),  # ESRCH
        UnpauseDomain(domid=1),
        UnpauseDomain(domid=1),  # EINVAL
        PauseDomain(domid=1),
        semantics="claim-sets-v3",
    )


def stashing() -> list[Json]:
    """Mainline: extents preempted between and within, a stash taken and one that is given up, a mark lost in limbo."""
    return record(
        HostShape(1024, [1024, 1024], last_alloc_node=0),
        Boot(),
        CreateDomain(domid=1, max_pages=2048, node_affinity=[0, 1]),
        CreateDomain(domid=2, max_pages=2048, node_affinity=[0, 1]),
        ClaimPages(domid=1, nr_extents=1024),
        PopulatePhysmap(domid=1, nr_extents=2, extent_order=0, node=0, preempt_at=PreemptionPoint(1, 0)),
        PopulatePhysmap(
            domid=1, nr_extents=3, extent_order=9, node=0, start_extent=1, preempt_at=PreemptionPoint(2, 256)
        ),
        OfflinePage(mfn=1027),
        PopulatePhysmap(domid=1, nr_extents=3, extent_order=9, node=0, start_extent=2),  # the stash suits
        PopulatePhysmap(domid=1, nr_extents=1, extent_order=9, preempt_at=PreemptionPoint(0, 256), builder="a"),
        *[Continue(builder="a")] * 2,  # preempted: scrubbing
        PopulatePhysmap(domid=2, nr_extents=2, extent_order=0, preempt_at=PreemptionPoint(1, 0), builder="b"),
        *[Continue(builder="b")] * 2,  # preempted: between extents
        UnpauseDomain(domid=1),  # EBUSY
        UnpauseDomain(domid=2),
        semantics="mainline-4.22",
    )


def own_traces() -> list[list[Json]]:
    """The traces in claim-trace/2."""
    return [in_sequence(), interleaved(), queries(), stashing()]
