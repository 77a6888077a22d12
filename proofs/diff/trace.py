"""Makes a trace from boot to a difference: events that make the state, then the call.

Both sides run every event on concrete numbers, the reference with a heap of blocks, the model compiled to Python. Only
a difference that occurs there, too, becomes a trace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from model.calls import GLOBAL, LEGACY, exists
from model.named import GENERATIONS
from proofs import operations as e
from proofs.fuzz.checker import Checker, Failure, ImpossibleEventError
from proofs.fuzz.finding import lines, recorded
from proofs.fuzz.known import GenerationFacts
from proofs.traces import Header, HostShape
from proofs.traces.events import FORMAT_2, least_span
from reference.constants import UINT_MAX
from reference.generations import GENERATIONS as REFERENCE

from .smallest import Input

MOST_PAGES = 256
"""The most pages of a host, because pages in use are allocated one by one."""


def trace_of(found: Input) -> list[str]:
    """The lines of a trace whose last event shows the difference; empty: no such trace was found."""
    nodes = [pages_of(found, n) for n in range(found.nodes)]
    if sum(nodes) > MOST_PAGES:
        return []
    coloring, debug = (bool(found.state.get(name, False)) for name in ("llc_coloring", "debug_build"))
    shape = HostShape(least_span(nodes), nodes, llc_coloring=coloring, last_alloc_node=0, debug_build=debug)
    done = PartialTrace(Checker(shape, GenerationFacts(found.semantics, [], {}), every=1))
    try:
        both = (events_before, event_of)
        failure = next((f for make in both for event in make(found, done) if (f := done.do(event))), None)
    except (ImpossibleEventError, KeyError, ValueError):  # these events cannot make the state
        return []
    if failure is None:
        return []
    done.events = _shorter(shape, found.semantics, done.events)
    header = Header(FORMAT_2, found.semantics, f"claimcheck diff: {failure}", shape, 0)
    text = lines(header, recorded(shape, done.events, found.semantics)).decode()
    return text.splitlines()


def _shorter(shape: HostShape, semantics: str, events: list[e.Event]) -> list[e.Event]:
    """The events without those that the difference does not need."""
    at = 0
    while at < len(events) - 1:
        fewer = events[:at] + events[at + 1 :]
        if _fails_at_end(shape, semantics, fewer):
            events = fewer
        else:
            at += 1
    return events


def _fails_at_end(shape: HostShape, semantics: str, events: list[e.Event]) -> bool:
    checker = Checker(shape, GenerationFacts(semantics, [], {}), every=1)
    try:
        for number, event in enumerate(events, 1):
            if checker.do(event) is not None:
                return number == len(events)
    except ImpossibleEventError:
        return False
    return False


_CLASSES = {"assigned_pages": ("assigned", True), "limbo_pages": ("limbo", True), "extra_pages": ("assigned", False)}
"""Classes of a domain's pages: the class, the state, and whether they are refcounted."""


class PartialTrace:
    """The events so far, and the frames of blocks."""

    def __init__(self, checker: Checker) -> None:
        self.checker = checker
        self.events: list[e.Event] = []
        self.block: int | None = None
        """The frame of the block that the call names."""

    def do(self, event: e.Event) -> Failure | None:
        self.events.append(event)
        return self.checker.do(event)

    @property
    def mfn(self) -> int:
        """The frame that the last event got."""
        outcome = self.checker.outcome or {}
        mfn = outcome.get("mfn")
        if not isinstance(mfn, int):
            raise ImpossibleEventError("the event got no pages")
        return mfn


def pages_of(found: Input, node: int) -> int:
    named = [f"{name}[{node}]" for name in ("node_avail_pages", "other_pages", "offlined_pages")]
    for d in range(found.domains):
        named += [f"{name}[{d}][{node}]" for name in _CLASSES]
    return sum(int(found.state.get(name, 0)) for name in named)


def events_before(found: Input, done: PartialTrace) -> Iterator[e.Event]:
    """Events that make the state."""
    at: Callable[[str], int] = lambda name: int(found.state.get(name, 0))  # noqa: E731
    domids, nodes = range(found.domains), range(found.nodes)
    absent = found.arguments.get("domid") if found.operation == "create_domain" else None
    for d in domids:
        if d != absent:
            affinity = [n for n in nodes if found.state.get(f"node_affinity[{d}][{n}]")]
            yield own_create(d, affinity)
    block = found.arguments.get("block")
    for n in nodes:
        for d in (None, *domids):
            for name, kind in _CLASSES.items() if d is not None else (("other_pages", ("anonymous", False)),):
                count = at(f"{name}[{n}]" if d is None else f"{name}[{d}][{n}]")
                if block is not None and (block["node"], block["owner"], block["state"], block["refcounted"]) == (
                    *(n, d),
                    *kind,
                ):
                    order = block["pages"].bit_length() - 1
                    yield _allocation(d, order, n, *kind)
                    done.block = done.mfn
                    count -= block["pages"]
                elif d is None and block is not None and _on_its_way(block, n):
                    yield _allocation(block["owner"], block["pages"].bit_length() - 1, n, "limbo", False)
                    done.block = done.mfn
                    count -= block["pages"]
                for _ in range(count):
                    yield _allocation(d, 0, n, *kind)
    for d in domids:
        if d != absent:
            yield from _claims(found, d, at)
    for n in nodes:
        heap = done.checker.host.heap[n]
        for _ in range(at(f"offlined_pages[{n}]")):
            yield e.OfflinePage(mfn=max(mfn + (1 << order) for mfn, order in heap.blocks()) - 1)
    for d in domids:
        if d != absent:
            if at(f"controller_pause_count[{d}]") == 0:
                yield e.UnpauseDomain(domid=d)
            yield e.SetMaxPages(domid=d, max_pages=at(f"max_pages[{d}]"))
            if found.state.get(f"is_dying[{d}]"):
                yield e.DomainKill(domid=d)


def own_create(domid: int, affinity: list[int]) -> e.CreateDomain:
    """A new domain, with a limit that refuses nothing yet."""
    return e.CreateDomain(domid=domid, max_pages=UINT_MAX, node_affinity=affinity)


def _on_its_way(block: dict[str, Any], node: int) -> bool:
    """Whether the block will become extra pages; until then it has no owner."""
    meant = block["owner"] is not None and not block["refcounted"]
    return bool(block["node"] == node and block["state"] == "limbo" and meant)


def _allocation(domid: int | None, order: int, node: int, state: str, refcounted: bool) -> e.Event:
    kind = e.AllocHeapPages if state == "limbo" else e.AllocDomheapPages
    extra = domid is not None and not refcounted
    flags: Any = ["exact_node", "no_refcount"] if extra else ["exact_node"]
    return kind(domid=domid, order=order, node=node, memflags=flags)


def _claims(found: Input, d: int, at: Callable[[str], int]) -> Iterator[e.Event]:
    by_node = {n: at(f"claims[{d}][{n}]") for n in range(found.nodes)}
    host_wide = at(f"global_claims[{d}]")
    if not any((*by_node.values(), host_wide)):
        return
    if exists("install_claim_set", found.semantics):
        claims = [e.Claim(pages, n) for n, pages in by_node.items() if pages]
        yield e.InstallClaimSet(domid=d, claims=[*claims, *([e.Claim(host_wide, "global")] if host_wide else [])])
        return
    held = at(f"tot_pages[{d}]") if GENERATIONS[found.semantics].rules.subtracts_pages_held else 0
    for n, pages in ((None, host_wide), *by_node.items()):
        if pages and n is None:
            yield e.SetOutstandingPages(domid=d, pages=pages + held)
        elif pages:
            yield e.SetOutstandingPages(domid=d, pages=pages + held, node=n)


_UNKNOWN = 99


def event_of(found: Input, done: PartialTrace) -> Iterator[e.Event]:
    """The event of the call; no event if traces cannot express it."""
    a = found.arguments
    domid = a.get("domid")
    looked_up = _UNKNOWN if domid is None else domid
    match found.operation:
        case "create_domain":
            yield e.CreateDomain(domid=a["domid"], max_pages=a["max_pages"], node_affinity=a["node_affinity"])
        case "set_max_pages":
            yield e.SetMaxPages(domid=a["domid"], max_pages=a["max_pages"])
        case "max_mem":
            yield e.MaxMem(domid=looked_up, max_pages=a["max_pages"])
        case "pausedomain":
            yield e.PauseDomain(domid=looked_up)
        case "unpausedomain" | "domain_unpause_by_systemcontroller":
            yield e.UnpauseDomain(domid=looked_up)
        case "mark_dying" | "release_all_claims" | "domain_kill":
            yield e.DomainKill(domid=a.get("domid", found.domains - 1))
        case "domain_destroy":
            yield e.DomainDestroy(domid=a["domid"])
        case "getdomaininfo":
            yield e.GetDomainInfo(domid=looked_up)
        case "get_outstanding_claims":
            yield e.GetOutstandingClaims()
        case "claim_pages_check" if not isinstance(a["mem_flags"], list):
            start = 0 if a["has_extent_start"] else None
            yield e.ClaimPages(
                domid=looked_up,
                nr_extents=a["pages"],
                extent_order=a["extent_order"],
                mem_flags=a["mem_flags"],
                extent_start=start,
            )
        case "set_outstanding_pages":
            single = {} if a.get("node") is None else {"node": a["node"]}
            yield e.SetOutstandingPages(domid=a["domid"], pages=a["pages"], **single)
        case "install_claim_set":
            yield e.InstallClaimSet(domid=a["domid"], claims=[_claim(c) for c in a["entries"]])
        case "claim_memory":
            reserved = REFERENCE[found.semantics].reserved_field
            claims = [e.HypercallClaim(c["pages"], _target(c["target"]), **{reserved: c["pad"]}) for c in a["entries"]]
            yield e.ClaimMemory(domid=looked_up, claims=claims, pad=a["pad"])
        case "get_memory_claims":
            yield e.GetMemoryClaims(domid=looked_up, capacity=a["capacity"], pad=a["pad"])
        case "alloc_heap_pages":
            names = {"exact_node": "exact", "no_owner": "no_owner", "no_refcount": "no_refcount"}
            flags: Any = [name for name, argument in names.items() if a[argument]]
            yield e.AllocHeapPages(domid=domid, order=a["order"], node=a["requested"], memflags=flags)
        case _:
            yield from _on_block(found, done)


def _on_block(found: Input, done: PartialTrace) -> Iterator[e.Event]:
    a = found.arguments
    if "block" in a and done.block is not None:
        order = a["block"]["pages"].bit_length() - 1
        match found.operation:
            case "assign_pages":
                flags: Any = ["no_refcount"] if a["no_refcount"] else []
                for page in range(a["block"]["marked"]):
                    yield e.OfflinePage(mfn=done.block + page)
                yield e.AssignPages(mfn=done.block, order=order, domid=a["domid"], memflags=flags)
            case "free_heap_pages":
                for page in range(a["block"]["marked"]):
                    yield e.OfflinePage(mfn=done.block + page)
                yield e.FreeHeapPages(mfn=done.block, order=order)
            case "release_ownership":
                yield e.FreeDomheapPages(mfn=done.block, order=order)
    elif found.operation == "offline_page" and a["page"] == "free":
        heap = done.checker.host.heap[a["node"]]
        frames = [mfn for mfn, _ in heap.blocks()]
        if frames:
            yield e.OfflinePage(mfn=min(frames))


def _claim(entry: dict[str, int]) -> e.Claim:
    target: Any = "global" if entry["target"] == GLOBAL else entry["target"]
    return e.Claim(entry["pages"], target, entry["pad"])


def _target(target: int) -> Any:
    return {GLOBAL: "global", LEGACY: "legacy"}.get(target, target)
