"""Operations that install, release and report claim sets, drawn near the bounds of their checks, or of any size."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import product
from typing import Any, ClassVar, TypeVar

from msgspec import UNSET, UnsetType

from reference import hypercalls
from reference.constants import (
    CLAIM_TARGET_GLOBAL,
    CLAIM_TARGET_LEGACY,
    MAX_NUMNODES,
    NUMA_NO_NODE,
    UINT_MAX,
)
from reference.state import Domain, Host
from reference.status import MisuseError, Status

from .entries import Claim, HypercallClaim, entries, entries_in_c
from .event import Choice, Event, Outcome, ScriptWords
from .fields import Count, Domid, Pad
from .model_steps import ModelTrace, StepArguments, StepTranslation
from .sides import CTest, HostAtWork, ModelSide, TinyHost

Entry = TypeVar("Entry", Claim, HypercallClaim)

_FEW_NODES, _MANY_NODES = 6, 48
_LONG, _LONG_OF_MANY, _FEW_PAGES = 0.15, 0.5, 8
"""How often a set names most nodes of a host with several or with many nodes; and the pages of such an entry."""
_BAD_TARGETS = (MAX_NUMNODES - 1, MAX_NUMNODES, 255, 256, 2**31 - 1, 2**31 + 1, UINT_MAX)
"""Targets that are offline on all but the largest host, or no node ids."""


def _set(work: HostAtWork, domain: Domain, make: Callable[..., Entry]) -> list[Entry]:
    """Draw the entries of a claim set: mostly different nodes and a host-wide entry, mostly of pages that are free."""
    host, draw, wild = work.host, work.draw, work.wild
    nodes = len(host.node_pages)
    if draw.random() < 0.002:
        return _too_many(work, make)
    if nodes > _FEW_NODES and draw.random() < (_LONG if nodes < _MANY_NODES else _LONG_OF_MANY):
        return _long_set(work, domain, make)
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


def _long_set(work: HostAtWork, domain: Domain, make: Callable[..., Entry]) -> list[Entry]:
    """Draw entries of a few pages on most nodes with room, and host-wide; half of the sets have one error."""
    host, draw = work.host, work.draw
    fits = [host.unclaimed_on(node) + domain.claims[node] for node in host.nodes]
    targets: list[int | str] = [node for node in host.nodes if fits[node] > 0 or draw.random() < 0.02]
    if draw.random() < 0.5:
        middle: int = draw.below(len(fits))
        targets = [*targets[middle:], *targets[:middle]] if draw.random() < 0.5 else targets[::-1]
    if draw.random() < 0.3:
        targets = targets[draw.below(len(targets) + 1) :]
    if draw.random() < 0.7:
        targets.insert(draw.pick((0, len(targets), draw.below(len(targets) + 1))), "global")
    room = min(host.unclaimed() + domain.global_claims + domain.node_claims, domain.max_pages - domain.tot_pages)
    most = max(1, room // (len(targets) + 1))
    most = 1 if draw.random() < 0.6 else 1 + draw.below(min(most, _FEW_PAGES))
    pages = [most if isinstance(target, str) else min(most, max(0, fits[target])) for target in targets]
    found = [make(number, target, 0) for number, target in zip(pages, targets, strict=True)]
    if found and draw.random() < 0.5:
        _spoil(work, found, fits, make)
    return found


def _spoil(work: HostAtWork, found: list[Entry], fits: list[int], make: Callable[..., Entry]) -> None:
    """Make one entry wrong, mostly one of the last: its target, pages or padding; or duplicate it."""
    draw, number = work.draw, len(found)
    at = max(0, number - 1 - draw.below(5)) if draw.random() < 0.7 else draw.below(number)
    entry, choice = found[at], draw.random()
    target = entry.target if isinstance(entry.target, int) else None
    if choice < 0.35:
        found.insert(max(at, number - 1) + draw.below(2), found[draw.below(number)])
    elif choice < 0.45:
        found += [make(1, "global", 0)] * 2
    elif choice < 0.6:
        found[at] = make(entry.pages, entry.target, 1)
    elif choice < 0.7:
        found[at] = make(entry.pages, draw.pick(_BAD_TARGETS), 0)
    else:
        left = UINT_MAX - sum(earlier.pages for earlier in found[:at] if earlier.target != "global")
        bounds = [left] if target is None else [fits[target], fits[target], left]
        found[at] = make(draw.near(bounds), entry.target, 0)


def _too_many(work: HostAtWork, make: Callable[..., Entry]) -> list[Entry]:
    """Draw about as many entries as a call may have, each of 0 pages."""
    count = MAX_NUMNODES + work.draw.below(3)
    nodes = len(work.host.node_pages)
    return [make(0, node if node < nodes else "global") for node in range(count)]


def legacy_pages(work: HostAtWork, domain: Domain) -> int:
    """Draw the total that a domain shall have; 0 releases."""
    host, draw = work.host, work.draw
    if draw.random() < 0.25:
        return 0
    unclaimed = host.total_avail_pages - host.outstanding_claims
    limit_room = domain.max_pages - domain.tot_pages
    room = unclaimed if unclaimed < limit_room else limit_room
    held = domain.tot_pages
    pages = draw.pages(room, (unclaimed, limit_room, domain.max_pages, held, unclaimed + held, UINT_MAX), work.wild)
    return pages + held if draw.random() < 0.7 and pages + held < 2**64 else pages


def single_pages(work: HostAtWork, domain: Domain, node: int | None) -> int:
    """Draw the pages of a claim on a node, or of the legacy call."""
    host, draw = work.host, work.draw
    pages = legacy_pages(work, domain)
    if node is None or node >= len(host.node_pages) or not pages:
        return pages
    room = host.node_avail_pages[node] - host.node_outstanding_claims[node]
    bounds = (room, room + domain.tot_pages, domain.max_pages, domain.max_pages - domain.tot_pages)
    return draw.pages(min(room, domain.max_pages), bounds, work.wild)


def malformed(work: HostAtWork, often: float) -> float:
    """How often a hypercall is malformed: more often if LLC colouring refuses all, to test which check is first."""
    return 0.5 if work.host.llc_coloring_enabled else often


@lru_cache
def _small_sets(domid: int, node_pages: tuple[int, ...]) -> list[Choice]:
    """The sets that claim_memory passes to install_claim_set for a live domain."""
    sets = []
    for host_wide, *by_node in product(range(sum(node_pages) + 1), *(range(p + 1) for p in node_pages)):
        claims: list[dict[str, int | str]] = [
            {"pages": pages, "target": node} for node, pages in enumerate(by_node) if pages
        ]
        if host_wide or not claims:
            claims.append({"pages": host_wide, "target": "global"})
        sets.append(Choice({"op": "install_claim_set", "domid": domid, "claims": claims}))
    return sets


def _replaces(trace: ModelTrace, a: StepArguments, result: str = "OK") -> None:
    claims: list[dict[str, Any]] = [
        {"pages": pages, "target": node}
        for by_node in (a["first"], a["second"])
        for node, pages in enumerate(by_node)
        if pages
    ]
    if a["global"] or not claims:
        claims.append({"pages": a["global"], "target": "global"})
    trace.events.append({"op": "install_claim_set", "domid": a["domid"], "claims": claims, "result": result})


def _is_refused(trace: ModelTrace, a: StepArguments) -> None:
    _replaces(trace, a, "ENOMEM")


def _releases(trace: ModelTrace, a: StepArguments) -> None:
    trace.events.append({"op": "claim_memory", "domid": a["domid"], "claims": [], "result": "OK"})


class InstallClaimSet(Event, tag="install_claim_set"):
    """Replace the domain's claims by a set."""

    words: ClassVar[ScriptWords] = ScriptWords("install", "claims")
    observed: ClassVar[tuple[str, ...]] = ("result",)
    weight: ClassVar[float] = 6
    about: ClassVar[str] = "domain"
    steps: ClassVar[dict[str, StepTranslation]] = {
        "claim_memory": StepTranslation(_replaces),
        "claim_memory_refused": StepTranslation(_is_refused),
    }

    domid: Domid
    claims: list[Claim]
    result: str | UnsetType = UNSET

    def on_reference(self, host: Host) -> Outcome:
        return {"result": host.semantics.install_claim_set(host, host.domain(self.domid), entries(self.claims))}

    def on_model(self, model: ModelSide) -> object:
        return model.call_for("install_claim_set", self.domid, entries=model.entries(self.claims))

    def in_c(self, test: CTest) -> None:
        test.result(f"impl->install_claim_set({self.domid}, {entries_in_c(self.claims)})", self.result)

    def can_stand(self, model: ModelSide) -> bool:
        """If the function does not check is_dying, its callers do, under the domctl lock."""
        return not model.only_callers_refuse(self.domid) and model.has(self.domid)

    @classmethod
    def small(cls, tiny: TinyHost, about: Domain) -> Iterable[Choice]:
        """For a live domain, under the domctl lock: up to all pages of each node, and of the host."""
        host = tiny.host
        if not tiny.domctl or about.is_dying or "claims" not in host.semantics.claim_counters:
            return ()
        return _small_sets(about.domid, host.node_pages)

    @classmethod
    def drawn(cls, work: HostAtWork) -> InstallClaimSet | None:
        """The hypervisor's function. If it does not check is_dying, its callers do, under the domctl lock."""
        domain = work.any_domain()
        if domain is None or (domain.is_dying and not work.host.semantics.refuses_claimant(domain)):
            return None
        draw = work.draw
        claims = _set(work, domain, Claim) if draw.random() < 0.95 else []
        if draw.random() < 0.08:
            claims.append(Claim(legacy_pages(work, domain), CLAIM_TARGET_LEGACY))
        return cls(domid=domain.domid, claims=claims)


class ClaimMemory(Event, tag="claim_memory"):
    """``XEN_DOMCTL_claim_memory``."""

    words: ClassVar[ScriptWords] = ScriptWords("claim", "claims")
    observed: ClassVar[tuple[str, ...]] = ("result",)
    weight: ClassVar[float] = 6
    steps: ClassVar[dict[str, StepTranslation]] = {
        "release_claims": StepTranslation(_releases),
    }

    domid: Domid
    claims: list[HypercallClaim]
    pad: Pad = 0
    result: str | UnsetType = UNSET

    def on_reference(self, host: Host) -> Outcome:
        reserved = host.semantics.reserved_field
        if any(getattr(claim, field) != 0 for claim in self.claims for field in {"pad", "cmd"} - {reserved}):
            raise MisuseError(f"in {host.semantics.name}, the reserved field of an entry is named `{reserved}`")
        return {"result": hypercalls.claim_memory(host, self.domid, entries(self.claims, reserved), self.pad)}

    def on_model(self, model: ModelSide) -> object:
        found = model.entries(self.claims, model.host.semantics.reserved_field)
        return model.call_for("claim_memory", self.domid, entries=found, pad=self.pad)

    def in_c(self, test: CTest) -> None:
        test.result(f"impl->claim_memory({self.domid}, {entries_in_c(self.claims)}, {self.pad})", self.result)

    def can_stand(self, model: ModelSide) -> bool:
        """No entry has the reserved field of another generation."""
        other = {"pad": "cmd", "cmd": "pad"}[model.host.semantics.reserved_field]
        return not any(getattr(claim, other) for claim in self.claims)

    @classmethod
    def drawn(cls, work: HostAtWork) -> ClaimMemory | None:
        """A set, or one legacy entry; in single-node generations, a list that should have one entry."""
        draw = work.draw
        domain = work.any_domain()
        if domain is None:
            return None
        domid = draw.looked_up(domain.domid)
        if "claim_node" in work.host.semantics.claim_counters:
            claims = _single_entries(work, domain)
        elif draw.random() < 0.15:
            claims = [HypercallClaim(legacy_pages(work, domain), "legacy")]
        else:
            claims = _set(work, domain, _hypercall_claim(work))
            if draw.random() < 0.03:
                claims.append(HypercallClaim(legacy_pages(work, domain), "legacy"))
        return cls(domid=domid, claims=claims, pad=1 + draw.below(2) if draw.random() < malformed(work, 0.02) else 0)


def _hypercall_claim(work: HostAtWork) -> Callable[[int, int | str, int], HypercallClaim]:
    reserved = work.host.semantics.reserved_field

    def make(pages: int, target: int | str, value: int = 0) -> HypercallClaim:
        return HypercallClaim(pages, target, **{reserved: value})  # type: ignore[arg-type]  # it is one of the names

    return make


def _single_entries(work: HostAtWork, domain: Domain) -> list[HypercallClaim]:
    """Draw mostly one entry, on a node or the host, whose pages fit the node or are drawn as for the legacy call."""
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
    return [HypercallClaim(single_pages(work, domain, node), target, 1 if draw.random() < 0.02 else 0)]


class GetMemoryClaims(Event, tag="get_memory_claims"):
    """``XEN_DOMCTL_get_memory_claims``, or ``XEN_DOMCTL_claim_memory`` in its GET mode; no ``claims`` on error."""

    words: ClassVar[ScriptWords] = ScriptWords("get_claims", "capacity")
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

    def in_c(self, test: CTest) -> None:
        test.line("memset(&set, 0, sizeof(set));")
        test.result(f"impl->get_memory_claims({self.domid}, {self.capacity}ull, {self.pad}, &set)", self.result)
        if self.needed is not UNSET:
            test.check(f"set.needed == {self.needed}")
        for at, claim in enumerate([] if self.claims is UNSET else self.claims):
            target = "CLAIM_TARGET_GLOBAL" if claim.target == "host" else claim.target
            test.check(f"set.claims[{at}].target == {target} && set.claims[{at}].pages == {claim.pages}")

    @classmethod
    def drawn(cls, work: HostAtWork) -> GetMemoryClaims:
        """With room for the largest set, or for about as many entries as there are."""
        draw = work.draw
        capacity = MAX_NUMNODES + 1 if draw.random() < 0.4 else draw.below(5)
        return cls(domid=work.any_domid(), capacity=capacity, pad=1 if draw.random() < 0.05 else 0)
