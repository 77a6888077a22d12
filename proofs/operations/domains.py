"""Operations of a domain's life, and queries."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, UnsetType

from reference import domain as domains
from reference import hypercalls, page_alloc, state
from reference.constants import UINT_MAX
from reference.state import Domain, Host
from reference.status import Status
from reference.steps import Steps

from .event import Event, Outcome
from .fields import U64_MAX, Count, DomainPages, Domid, HostPages, Node, Pages, require_u64
from .sides import HostAtWork, ModelSide, OperationEnd

MOST_DOMAINS = 6
"""Ids that are drawn for new domains are below that."""


class CreateDomain(Event, tag="create_domain"):
    """A new domain without pages and claims."""

    weight: ClassVar[float] = 1

    domid: Domid
    max_pages: DomainPages
    node_affinity: Annotated[list[Node], Meta(min_length=1)]

    def on_reference(self, host: Host) -> Outcome:
        state.create_domain(host, self.domid, self.max_pages, tuple(self.node_affinity))
        return {}

    def on_model(self, model: ModelSide) -> object:
        return model.create_domain(self)

    def can_stand(self, model: ModelSide) -> bool:
        return model.is_free_id(self.domid)

    @classmethod
    def drawn(cls, work: HostAtWork) -> CreateDomain | None:
        """With an id that is free now; it may have been another domain's before."""
        draw, host = work.draw, work.host
        free = work.free_domids(MOST_DOMAINS)
        if not free:
            return None
        domid = draw.pick(free)
        nodes = len(host.node_pages)
        affinity = list(range(nodes))
        if nodes > 1 and draw.random() < 0.4:
            kept = draw.random()
            affinity = [node for node in affinity if draw.random() < kept] or [draw.below(nodes)]
        return cls(domid=domid, max_pages=_first_limit(work), node_affinity=affinity)


def _first_limit(work: HostAtWork) -> int:
    draw, total = work.draw, sum(work.host.node_pages)
    choice = draw.random()
    if choice < 0.1:
        return UINT_MAX
    if choice < 0.2:
        return draw.below(4)
    return min(UINT_MAX, draw.below(2 * total + 2))


def _limit(work: HostAtWork, domain: Domain) -> int:
    """A limit around what the domain has and claims."""
    draw = work.draw
    held, claimed = domain.tot_pages, domain.global_claims + domain.node_claims
    if draw.random() < 0.3:
        return _first_limit(work)
    return draw.near((held, held + claimed, domain.max_pages, domain.charged_pages + claimed, UINT_MAX))


class SetMaxPages(Event, tag="set_max_pages"):
    """``XEN_DOMCTL_max_mem``: the new limit."""

    weight: ClassVar[float] = 2

    domid: Domid
    max_pages: DomainPages

    def on_reference(self, host: Host) -> Outcome:
        host.semantics.set_max_pages(host, host.domain(self.domid), self.max_pages)
        return {}

    def on_model(self, model: ModelSide) -> object:
        return model.call_for("set_max_pages", self.domid, max_pages=self.max_pages)

    def can_stand(self, model: ModelSide) -> bool:
        return model.has(self.domid)

    @classmethod
    def drawn(cls, work: HostAtWork) -> SetMaxPages | None:
        """The limit, as the function takes it: 32 bits."""
        domain = work.any_domain()
        return None if domain is None else cls(domid=domain.domid, max_pages=min(UINT_MAX, _limit(work, domain)))


class MaxMem(Event, tag="max_mem"):
    """``XEN_DOMCTL_max_mem``, the hypercall."""

    observed: ClassVar[tuple[str, ...]] = ("result",)
    weight: ClassVar[float] = 1
    any_numbers: ClassVar[dict[str, int] | None] = {"max_pages": U64_MAX}

    domid: Domid
    max_pages: Pages
    result: str | UnsetType = UNSET

    def __post_init__(self) -> None:
        require_u64("max_pages", self.max_pages)

    def on_reference(self, host: Host) -> Outcome:
        return {"result": hypercalls.max_mem(host, self.domid, self.max_pages)}

    def on_model(self, model: ModelSide) -> object:
        return model.call_for("max_mem", self.domid, max_pages=self.max_pages)

    @classmethod
    def drawn(cls, work: HostAtWork) -> MaxMem:
        """The limit, as the hypercall takes it: 64 bits."""
        domid = work.any_domid()
        domain = work.host.domains.get(domid)
        limit = 1 if domain is None else _limit(work, domain)
        return cls(domid=domid, max_pages=limit if work.draw.random() < 0.97 else U64_MAX)


class DomainKill(Event, tag="domain_kill"):
    """The domain is dying and its claims are released."""

    observed: ClassVar[tuple[str, ...]] = ("result",)
    weight: ClassVar[float] = 1
    in_steps: ClassVar[bool] = True

    domid: Domid
    result: str | UnsetType = UNSET

    def on_reference(self, host: Host) -> Steps[Outcome]:
        yield from domains.domain_kill(host, host.domain(self.domid))
        return {"result": Status.OK}

    def on_model(self, model: ModelSide) -> object:
        return model.script("domain_kill", self.domid)

    def can_stand(self, model: ModelSide) -> bool:
        return model.has(self.domid)

    @classmethod
    def drawn(cls, work: HostAtWork) -> DomainKill | None:
        """Also of a domain that is dying already."""
        domid = work.populated_domid()
        return cls(domid=domid) if domid in work.host.domains else None


class RelinquishMemory(Event, tag="relinquish_memory"):
    """Free the pages of a dying domain."""

    observed: ClassVar[tuple[str, ...]] = ("pages",)
    weight: ClassVar[float] = 1
    in_steps: ClassVar[bool] = True
    outcomes: ClassVar[tuple[str, ...]] = ("nothing freed", "pages freed")

    domid: Domid
    pages: Count | UnsetType = UNSET

    def on_reference(self, host: Host) -> Steps[Outcome]:
        return {"pages": (yield from domains.relinquish_memory(host, host.domain(self.domid)))}

    def on_model(self, model: ModelSide) -> object:
        """Of a dying domain only. The blocks are queried when it comes to them."""
        if not model.is_dying(self.domid):
            return model.impossible("alive")
        return model.script("relinquish_memory", model.owned(self.domid))

    def can_stand(self, model: ModelSide) -> bool:
        return model.has(self.domid)

    def outcome_of(self, ended: OperationEnd, model: ModelSide) -> list[str]:
        del model
        return [f"{'pages' if ended.pages else 'nothing'} freed"]

    @classmethod
    def drawn(cls, work: HostAtWork) -> RelinquishMemory | None:
        """Of a dying domain, whoever else works on it."""
        dying = [domain for domain in work.host.domains.values() if domain.is_dying]
        return cls(domid=work.draw.pick(dying).domid) if dying else None


class DomainDestroy(Event, tag="domain_destroy"):
    """Forget a dead domain that holds nothing."""

    weight: ClassVar[float] = 1

    domid: Domid

    def on_reference(self, host: Host) -> Outcome:
        domains.domain_destroy(host, host.domain(self.domid))
        return {}

    def on_model(self, model: ModelSide) -> object:
        return model.call("domain_destroy", domid=self.domid)

    def can_stand(self, model: ModelSide) -> bool:
        return self.domid not in model.killing and model.has(self.domid)

    @classmethod
    def drawn(cls, work: HostAtWork) -> DomainDestroy | None:
        """Of a dying domain that owns no pages. It may have claims, and pages in limbo or stolen from it."""
        owners = {block.domid for block in work.owned_blocks()}
        there = work.host.domains.values()
        empty = [d.domid for d in there if d.is_dying and d.domid not in owners and d.domid not in work.killing]
        return cls(domid=work.draw.pick(empty)) if empty else None


class DestroyDomain(Event, tag="destroydomain"):
    """``XEN_DOMCTL_destroydomain``."""

    observed: ClassVar[tuple[str, ...]] = ("result",)
    weight: ClassVar[float] = 0.7
    in_steps: ClassVar[bool] = True
    outcomes: ClassVar[tuple[str, ...]] = ("ESRCH", "OK", "OK, not forgotten yet")

    domid: Domid
    result: str | UnsetType = UNSET

    def on_reference(self, host: Host) -> Steps[Outcome]:
        return {"result": (yield from hypercalls.destroydomain(host, self.domid))}

    def on_model(self, model: ModelSide) -> object:
        domid = model.known(self.domid)
        return model.script("destroydomain", domid, dict if domid is None else model.owned(domid))

    def can_stand(self, model: ModelSide) -> bool:
        """While domain_kill of the domain holds the domctl lock, nobody destroys it."""
        return self.domid not in model.killing

    def outcome_of(self, ended: OperationEnd, model: ModelSide) -> list[str]:
        kept = ended.result == "OK" and model.known(self.domid) is not None
        return [f"{ended.result}{', not forgotten yet' if kept else ''}"]

    @classmethod
    def drawn(cls, work: HostAtWork) -> DestroyDomain | None:
        """All stages in one call, whoever works on the domain; ``domain_kill`` of it has left the domctl lock."""
        domid = work.any_domid()
        return None if domid in work.killing else cls(domid=domid)


class PauseDomain(Event, tag="pausedomain"):
    """``XEN_DOMCTL_pausedomain``; a new domain is paused once."""

    observed: ClassVar[tuple[str, ...]] = ("result",)
    weight: ClassVar[float] = 0.7
    any_numbers: ClassVar[dict[str, int] | None] = {}

    domid: Domid
    result: str | UnsetType = UNSET

    def on_reference(self, host: Host) -> Outcome:
        return {"result": hypercalls.pausedomain(host, self.domid)}

    def on_model(self, model: ModelSide) -> object:
        return model.call_for("pausedomain", self.domid)

    @classmethod
    def drawn(cls, work: HostAtWork) -> PauseDomain:
        """Of a domain, or of none."""
        return cls(domid=work.any_domid())


class UnpauseDomain(Event, tag="unpausedomain"):
    """``XEN_DOMCTL_unpausedomain``."""

    observed: ClassVar[tuple[str, ...]] = ("result",)
    weight: ClassVar[float] = 0.5

    domid: Domid
    result: str | UnsetType = UNSET

    def on_reference(self, host: Host) -> Outcome:
        return {"result": hypercalls.unpausedomain(host, self.domid)}

    def on_model(self, model: ModelSide) -> object:
        return model.script("unpausedomain", model.known(self.domid))

    @classmethod
    def drawn(cls, work: HostAtWork) -> UnpauseDomain:
        """Of a domain, or of none."""
        return cls(domid=work.populated_domid())


class GetDomainInfo(Event, tag="getdomaininfo"):
    """``XEN_DOMCTL_getdomaininfo``; the counters are absent if the result is an errno."""

    observed: ClassVar[tuple[str, ...]] = ("result", "tot_pages", "max_pages", "outstanding_pages")
    weight: ClassVar[float] = 0.5
    any_numbers: ClassVar[dict[str, int] | None] = {}

    domid: Domid
    result: str | UnsetType = UNSET
    tot_pages: DomainPages | UnsetType = UNSET
    max_pages: DomainPages | UnsetType = UNSET
    outstanding_pages: DomainPages | UnsetType = UNSET

    def on_reference(self, host: Host) -> Outcome:
        info = hypercalls.getdomaininfo(host, self.domid)
        return {"result": info} if isinstance(info, Status) else {"result": Status.OK, **info._asdict()}

    def on_model(self, model: ModelSide) -> object:
        return model.call_for("getdomaininfo", self.domid)

    @classmethod
    def drawn(cls, work: HostAtWork) -> GetDomainInfo:
        """Of a domain, or of none."""
        return cls(domid=work.any_domid())


class GetOutstandingClaims(Event, tag="get_outstanding_claims"):
    """``XEN_SYSCTL_physinfo``'s view of free and claimed pages."""

    observed: ClassVar[tuple[str, ...]] = ("free_pages", "outstanding_pages")
    weight: ClassVar[float] = 0.5
    any_numbers: ClassVar[dict[str, int] | None] = {}

    free_pages: HostPages | UnsetType = UNSET
    outstanding_pages: HostPages | UnsetType = UNSET

    def on_reference(self, host: Host) -> Outcome:
        free_pages, outstanding_pages = page_alloc.get_outstanding_claims(host)
        return {"free_pages": free_pages, "outstanding_pages": outstanding_pages}

    def on_model(self, model: ModelSide) -> object:
        return model.call("get_outstanding_claims")

    @classmethod
    def drawn(cls, work: HostAtWork) -> GetOutstandingClaims:
        """Of the host."""
        del work
        return cls()
