"""Operations that install, release and report claims: drawn at the bounds of their checks, or of any size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from msgspec import UNSET, UnsetType

from reference import hypercalls
from reference.constants import (
    CLAIM_TARGET_GLOBAL,
    CLAIM_TARGET_LEGACY,
    MAX_NUMNODES,
    NUMA_NO_NODE,
    UINT_MAX,
    XENMEMF_exact_node_request,
)
from reference.state import Domain, Host
from reference.status import MisuseError, Status
from reference.steps import Steps

from .draw import UNKNOWN_DOMID
from .entries import Claim, HypercallClaim, entries
from .event import Event, Outcome
from .fields import Count, Domid, Mfn, Node, Pad, Pages, require_u64
from .sides import HostAtWork, ModelSide

Entry = TypeVar("Entry", Claim, HypercallClaim)

_BAD_TARGETS = (MAX_NUMNODES - 1, MAX_NUMNODES, 255, 256, 2**31 - 1, 2**31 + 1, UINT_MAX)
"""Not online on all but the largest host, or no node at all."""


def _set(work: HostAtWork, domain: Domain, make: Callable[..., Entry]) -> list[Entry]:
    """The entries of a claim set: mostly different nodes, and a host-wide one; mostly of pages there are."""
    host, draw, wild = work.host, work.draw, work.wild
    nodes = len(host.node_pages)
    if draw.random() < 0.002:
        return _too_many(work, make)
    host_room = host.total_avail_pages - host.outstanding_claims + domain.global_claims + domain.node_claims
    limit_room = domain.max_pages - domain.tot_pages
    found: list[Entry] = []
    targets = draw.below(min(nodes, 4) + 2)
    first = draw.below(nodes)
    for number in range(targets):
        choice = draw.random()
        room = host_room if host_room < limit_room else limit_room
        bounds: tuple[int, ...] = (host_room, limit_room, domain.max_pages, UINT_MAX)
        if choice < 0.25:
            target: int | str = "global"
        elif choice < 0.02 * wild + 0.25:
            target = draw.pick(_BAD_TARGETS)
        else:
            target = (first + number) % nodes if draw.random() < 0.97 else draw.below(nodes)
            fits = host.node_avail_pages[target] - host.node_outstanding_claims[target] + domain.claims[target]
            room = fits if fits < room else room
            bounds = (fits, *bounds)
        pages = draw.pages(room, bounds, wild)
        found.append(make(pages, target, 1 if draw.random() < wild * 0.05 else 0))
        host_room -= pages
        limit_room -= pages
    return found


def _too_many(work: HostAtWork, make: Callable[..., Entry]) -> list[Entry]:
    """About as many entries as a call may have, each for nothing."""
    count = MAX_NUMNODES + work.draw.below(3)
    nodes = len(work.host.node_pages)
    return [make(0, node if node < nodes else "global") for node in range(count)]


def _legacy_pages(work: HostAtWork, domain: Domain) -> int:
    """What a domain shall have in all: 0 releases."""
    host, draw = work.host, work.draw
    if draw.random() < 0.25:
        return 0
    unclaimed = host.total_avail_pages - host.outstanding_claims
    limit_room = domain.max_pages - domain.tot_pages
    room = unclaimed if unclaimed < limit_room else limit_room
    held = domain.tot_pages
    pages = draw.pages(room, (unclaimed, limit_room, domain.max_pages, held, unclaimed + held, UINT_MAX), work.wild)
    return pages + held if draw.random() < 0.7 and pages + held < 2**64 else pages


def _single_pages(work: HostAtWork, domain: Domain, node: int | None) -> int:
    """The pages of a claim on a node, or as of the legacy call."""
    host, draw = work.host, work.draw
    pages = _legacy_pages(work, domain)
    if node is None or node >= len(host.node_pages) or not pages:
        return pages
    room = host.node_avail_pages[node] - host.node_outstanding_claims[node]
    bounds = (room, room + domain.tot_pages, domain.max_pages, domain.max_pages - domain.tot_pages)
    return draw.pages(min(room, domain.max_pages), bounds, work.wild)


def _malformed(work: HostAtWork, often: float) -> float:
    """How often a hypercall is malformed: where LLC colouring refuses them all, it shows which check is the first."""
    return 0.5 if work.host.llc_coloring_enabled else often


class InstallClaimSet(Event, tag="install_claim_set"):
    """Replace the domain's claims by a set."""

    observed: ClassVar[tuple[str, ...]] = ("result",)
    weight: ClassVar[float] = 6

    domid: Domid
    claims: list[Claim]
    result: str | UnsetType = UNSET

    def on_reference(self, host: Host) -> Outcome:
        return {"result": host.semantics.install_claim_set(host, host.domain(self.domid), entries(self.claims))}

    def on_model(self, model: ModelSide) -> object:
        return model.call_for("install_claim_set", self.domid, entries=model.entries(self.claims))

    def can_stand(self, model: ModelSide) -> bool:
        """Where the function does not check is_dying, its callers do, under the domctl lock."""
        return not model.only_callers_refuse(self.domid) and model.has(self.domid)

    @classmethod
    def drawn(cls, work: HostAtWork) -> InstallClaimSet | None:
        """The hypervisor's function. Where it does not check is_dying, its callers have, under the domctl lock."""
        domain = work.any_domain()
        if domain is None or (domain.is_dying and not work.host.semantics.refuses_claimant(domain)):
            return None
        draw = work.draw
        claims = _set(work, domain, Claim) if draw.random() < 0.95 else []
        if draw.random() < 0.08:
            claims.append(Claim(_legacy_pages(work, domain), CLAIM_TARGET_LEGACY))
        return cls(domid=domain.domid, claims=claims)


class ClaimMemory(Event, tag="claim_memory"):
    """``XEN_DOMCTL_claim_memory``."""

    observed: ClassVar[tuple[str, ...]] = ("result",)
    weight: ClassVar[float] = 6

    domid: Domid
    claims: list[HypercallClaim]
    pad: Pad = 0
    result: str | UnsetType = UNSET

    def on_reference(self, host: Host) -> Outcome:
        reserved = host.semantics.reserved_field
        if any(getattr(claim, field) != 0 for claim in self.claims for field in {"pad", "cmd"} - {reserved}):
            raise MisuseError(f"{host.semantics.name} calls the reserved field of an entry `{reserved}`")
        return {"result": hypercalls.claim_memory(host, self.domid, entries(self.claims, reserved), self.pad)}

    def on_model(self, model: ModelSide) -> object:
        found = model.entries(self.claims, model.host.semantics.reserved_field)
        return model.call_for("claim_memory", self.domid, entries=found, pad=self.pad)

    def can_stand(self, model: ModelSide) -> bool:
        """No entry has the field that another generation has in the place of its own."""
        other = {"pad": "cmd", "cmd": "pad"}[model.host.semantics.reserved_field]
        return not any(getattr(claim, other) for claim in self.claims)

    @classmethod
    def drawn(cls, work: HostAtWork) -> ClaimMemory | None:
        """The hypercall: a set, or one legacy entry; in single-node generations, a list that should have one entry."""
        draw = work.draw
        domain = work.any_domain()
        if domain is None:
            return None
        domid = domain.domid if draw.random() < 0.97 else UNKNOWN_DOMID
        if "claim_node" in work.host.semantics.claim_counters:
            claims = _single_entries(work, domain)
        elif draw.random() < 0.15:
            claims = [HypercallClaim(_legacy_pages(work, domain), "legacy")]
        else:
            claims = _set(work, domain, _hypercall_claim(work))
            if draw.random() < 0.03:
                claims.append(HypercallClaim(_legacy_pages(work, domain), "legacy"))
        return cls(domid=domid, claims=claims, pad=1 + draw.below(2) if draw.random() < _malformed(work, 0.02) else 0)


def _hypercall_claim(work: HostAtWork) -> Callable[[int, int | str, int], HypercallClaim]:
    reserved = work.host.semantics.reserved_field

    def make(pages: int, target: int | str, value: int = 0) -> HypercallClaim:
        return HypercallClaim(pages, target, **{reserved: value})  # type: ignore[arg-type]  # it is one of the names

    return make


def _single_entries(work: HostAtWork, domain: Domain) -> list[HypercallClaim]:
    """Mostly one entry, on a node or the host; its pages fit the node, or are as of the legacy call."""
    draw = work.draw
    choice = draw.random()
    if choice < 0.05:
        return []
    if choice < 0.08:
        return _set(work, domain, HypercallClaim)
    node = work.any_node()
    target: Any = node
    if node is None:
        target = NUMA_NO_NODE if draw.random() < 0.7 else "no_node"
    return [HypercallClaim(_single_pages(work, domain, node), target, 1 if draw.random() < 0.02 else 0)]


class GetMemoryClaims(Event, tag="get_memory_claims"):
    """``XEN_DOMCTL_get_memory_claims``, or ``XEN_DOMCTL_claim_memory`` in its GET mode; no ``claims`` on error."""

    observed: ClassVar[tuple[str, ...]] = ("result", "needed", "claims")
    weight: ClassVar[float] = 0.5

    domid: Domid
    capacity: Count
    pad: Pad = 0
    result: str | UnsetType = UNSET
    needed: Count | UnsetType = UNSET
    claims: list[HypercallClaim] | UnsetType = UNSET

    def on_reference(self, host: Host) -> Outcome:
        found = hypercalls.get_memory_claims(host, self.domid, self.capacity, self.pad)
        if found.status not in (Status.OK, Status.ERANGE, Status.ENOBUFS):
            return {"result": found.status}
        outcome: Outcome = {"result": found.status, "needed": found.needed}
        if found.status is Status.OK:
            outcome["claims"] = [
                HypercallClaim(pages, "host" if target == CLAIM_TARGET_GLOBAL else target)
                for pages, target, _reserved in found.entries
            ]
        return outcome

    def on_model(self, model: ModelSide) -> object:
        return model.call_for("get_memory_claims", self.domid, capacity=self.capacity, pad=self.pad)

    @classmethod
    def drawn(cls, work: HostAtWork) -> GetMemoryClaims:
        """With room for all entries there may be, or for about as many as there are."""
        draw = work.draw
        capacity = MAX_NUMNODES + 1 if draw.random() < 0.4 else draw.below(5)
        return cls(domid=work.any_domid(), capacity=capacity, pad=1 if draw.random() < 0.05 else 0)


class SetOutstandingPages(Event, tag="set_outstanding_pages"):
    """The legacy claim."""

    observed: ClassVar[tuple[str, ...]] = ("result",)
    weight: ClassVar[float] = 3

    domid: Domid
    pages: Pages
    node: Node | None | UnsetType = UNSET  # single-node generations only
    result: str | UnsetType = UNSET

    def __post_init__(self) -> None:
        require_u64("pages", self.pages)

    def on_reference(self, host: Host) -> Outcome:
        node = None if self.node is UNSET else self.node
        if self.node is not UNSET and "claim_node" not in host.semantics.claim_counters:
            raise MisuseError(f"{host.semantics.name} has no field `node` here")
        return {"result": host.semantics.set_outstanding_pages(host, host.domain(self.domid), self.pages, node)}

    def on_model(self, model: ModelSide) -> object:
        if self.node is UNSET:
            return model.call_for("set_outstanding_pages", self.domid, pages=self.pages)
        return model.call_for("set_outstanding_pages", self.domid, pages=self.pages, node=self.node)

    def can_stand(self, model: ModelSide) -> bool:
        """Of a claim on a node of a dying domain the callers see to that under the domctl lock."""
        if self.node is not UNSET:
            if "claim_node" not in model.host.semantics.claim_counters:
                return False
            if self.node is not None and model.only_callers_refuse(self.domid):
                return False
        return model.has(self.domid)

    @classmethod
    def drawn(cls, work: HostAtWork) -> SetOutstandingPages | None:
        """The hypervisor's function; in single-node generations with a node."""
        domain = work.any_domain()
        if domain is None:
            return None
        if "claim_node" not in work.host.semantics.claim_counters:
            return cls(domid=domain.domid, pages=_legacy_pages(work, domain))
        node = None if domain.is_dying and work.host.semantics.refuses_dying else work.any_node()
        return cls(domid=domain.domid, pages=_single_pages(work, domain, node), node=node)


class ClaimPages(Event, tag="claim_pages"):
    """``XENMEM_claim_pages``."""

    observed: ClassVar[tuple[str, ...]] = ("result",)
    weight: ClassVar[float] = 4
    in_steps: ClassVar[bool] = True

    domid: Domid
    nr_extents: Pages
    extent_order: Count = 0
    mem_flags: Count = 0
    extent_start: Mfn | None = None
    result: str | UnsetType = UNSET

    def __post_init__(self) -> None:
        require_u64("nr_extents", self.nr_extents)

    def on_reference(self, host: Host) -> Steps[Outcome]:
        status = yield from hypercalls.claim_pages(
            host, self.domid, self.nr_extents, self.extent_order, self.mem_flags, self.extent_start
        )
        return {"result": status}

    def on_model(self, model: ModelSide) -> object:
        return model.script(
            "claim_pages",
            model.known(self.domid),
            self.nr_extents,
            extent_order=self.extent_order,
            mem_flags=self.mem_flags,
            has_extent_start=self.extent_start is not None,
        )

    @classmethod
    def drawn(cls, work: HostAtWork) -> ClaimPages | None:
        draw = work.draw
        domain = work.any_domain()
        if domain is None:
            return None
        domid = domain.domid if draw.random() < 0.97 else UNKNOWN_DOMID
        node = work.any_node()
        event = cls(domid=domid, nr_extents=_legacy_pages(work, domain))
        if work.host.semantics.target_of_claim_pages(1 << 8 | XENMEMF_exact_node_request) == 0 and node is not None:
            exact = XENMEMF_exact_node_request if draw.random() < 0.95 else 0
            event.nr_extents = _single_pages(work, domain, node)
            event.mem_flags = ((node + 1) & 0xFF) << 8 | exact | (1 if draw.random() < 0.1 else 0)
        if draw.random() < _malformed(work, 0.03):
            setattr(event, draw.pick(("extent_order", "mem_flags", "extent_start")), 1)
        return event
