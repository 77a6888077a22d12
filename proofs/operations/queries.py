"""Operations that pause a domain, and queries."""

from __future__ import annotations

from typing import ClassVar

from msgspec import UNSET, UnsetType

from reference import hypercalls, page_alloc
from reference.state import Host
from reference.status import Status

from .event import Event, Outcome, ScriptWords
from .fields import DomainPages, Domid, HostPages
from .sides import CTest, HostAtWork, ModelSide


class PauseDomain(Event, tag="pausedomain"):
    """``XEN_DOMCTL_pausedomain``; a new domain is paused once."""

    words: ClassVar[ScriptWords] = ScriptWords("pause")
    observed: ClassVar[tuple[str, ...]] = ("result",)
    weight: ClassVar[float] = 0.7
    any_numbers: ClassVar[dict[str, int] | None] = {}

    domid: Domid
    result: str | UnsetType = UNSET

    def on_reference(self, host: Host) -> Outcome:
        return {"result": hypercalls.pausedomain(host, self.domid)}

    def on_model(self, model: ModelSide) -> object:
        return model.call_for("pausedomain", self.domid)

    def in_c(self, test: CTest) -> None:
        test.result(f"impl->pausedomain({self.domid})", self.result)

    @classmethod
    def drawn(cls, work: HostAtWork) -> PauseDomain:
        """For a domain, or an unknown id."""
        return cls(domid=work.any_domid())


class UnpauseDomain(Event, tag="unpausedomain"):
    """``XEN_DOMCTL_unpausedomain``."""

    words: ClassVar[ScriptWords] = ScriptWords("unpause")
    observed: ClassVar[tuple[str, ...]] = ("result",)
    weight: ClassVar[float] = 0.5

    domid: Domid
    result: str | UnsetType = UNSET

    def on_reference(self, host: Host) -> Outcome:
        return {"result": hypercalls.unpausedomain(host, self.domid)}

    def on_model(self, model: ModelSide) -> object:
        return model.script("unpausedomain", model.known(self.domid))

    def in_c(self, test: CTest) -> None:
        test.result(f"impl->unpausedomain({self.domid})", self.result)

    @classmethod
    def drawn(cls, work: HostAtWork) -> UnpauseDomain:
        """For a domain, or an unknown id."""
        return cls(domid=work.populated_domid())


class GetDomainInfo(Event, tag="getdomaininfo"):
    """``XEN_DOMCTL_getdomaininfo``; the counters are absent if the result is an errno."""

    words: ClassVar[ScriptWords] = ScriptWords("info")
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

    def in_c(self, test: CTest) -> None:
        test.result(f"impl->getdomaininfo({self.domid}, &info)", self.result)
        for name in ("tot_pages", "max_pages", "outstanding_pages"):
            if getattr(self, name) is not UNSET:
                test.check(f"info.{name} == {getattr(self, name)}u")

    @classmethod
    def drawn(cls, work: HostAtWork) -> GetDomainInfo:
        """For a domain, or an unknown id."""
        return cls(domid=work.any_domid())


class GetOutstandingClaims(Event, tag="get_outstanding_claims"):
    """``XEN_SYSCTL_physinfo``'s view of free and claimed pages."""

    words: ClassVar[ScriptWords] = ScriptWords("physinfo")
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

    def in_c(self, test: CTest) -> None:
        test.line("impl->get_outstanding_claims(&free_pages, &outstanding_pages);")
        for name in ("free_pages", "outstanding_pages"):
            if getattr(self, name) is not UNSET:
                test.check(f"{name} == {getattr(self, name)}")

    @classmethod
    def drawn(cls, work: HostAtWork) -> GetOutstandingClaims:
        """Without arguments."""
        del work
        return cls()
