"""Operations of a domain's life: from its creation to its end."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, UnsetType

from reference import domain as domains
from reference import hypercalls, state
from reference.constants import UINT_MAX
from reference.state import Domain, Host
from reference.status import Status
from reference.steps import Steps

from .event import Choice, Event, Outcome, ScriptWords
from .fields import U64_MAX, Count, DomainPages, Domid, Node, Pages, require_u64
from .model_steps import ModelTrace, StepArguments, StepTranslation
from .sides import CTest, HostAtWork, ModelSide, OperationEnd, TinyHost


def _is_created(trace: ModelTrace, a: StepArguments) -> None:
    affinity = list(range(trace.nodes))
    trace.events.append(
        {"op": "create_domain", "domid": a["domid"], "max_pages": a["max_pages"], "node_affinity": affinity}
    )


def _is_limited(trace: ModelTrace, a: StepArguments) -> None:
    trace.events.append({"op": "set_max_pages", "domid": a["domid"], "max_pages": a["max_pages"]})


def _is_killed(trace: ModelTrace, a: StepArguments) -> None:
    trace.killing[a["domid"]] = trace.builder()
    trace.dying.add(a["domid"])
    trace.events.append({"op": "domain_kill", "domid": a["domid"], "builder": trace.killing[a["domid"]]})


def _is_released(trace: ModelTrace, a: StepArguments) -> None:
    domid = a["domid"] if "domid" in a else next(iter(trace.killing))
    result = {} if domid in trace.stashes else {"result": "OK"}
    trace.events.append({"op": "continue", "builder": trace.killing[domid], **result})


def _is_forgotten(trace: ModelTrace, a: StepArguments) -> None:
    trace.dying.add(a["domid"])
    trace.events.append({"op": "domain_destroy", "domid": a["domid"]})


def _is_destroyed(trace: ModelTrace, a: StepArguments) -> None:
    trace.dying.add(a["domid"])
    trace.events.append({"op": "destroydomain", "domid": a["domid"], "result": "OK"})


class CreateDomain(Event, tag="create_domain"):
    """A new domain without pages and claims."""

    words: ClassVar[ScriptWords] = ScriptWords("create", "max_pages", {"max": "max_pages", "nodes": "node_affinity"})
    weight: ClassVar[float] = 1
    steps: ClassVar[dict[str, StepTranslation]] = {
        "create_domain": StepTranslation(_is_created),
    }

    domid: Domid
    max_pages: DomainPages
    node_affinity: Annotated[list[Node], Meta(min_length=1)]

    def on_reference(self, host: Host) -> Outcome:
        state.create_domain(host, self.domid, self.max_pages, tuple(self.node_affinity))
        return {}

    def on_model(self, model: ModelSide) -> object:
        return model.create_domain(self)

    def in_c(self, test: CTest) -> None:
        affinity = sum(1 << node for node in set(self.node_affinity))
        test.check(f"impl->create_domain({self.domid}, {self.max_pages}u, 0x{affinity:x}ull) == 0")

    def can_stand(self, model: ModelSide) -> bool:
        return model.is_free_id(self.domid)

    @classmethod
    def drawn(cls, work: HostAtWork) -> CreateDomain | None:
        """With an unused id, which may have belonged to another domain before."""
        draw, host = work.draw, work.host
        free = work.free_domids()
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
    """A limit near the domain's pages and claims."""
    draw = work.draw
    held, claimed = domain.tot_pages, domain.global_claims + domain.node_claims
    if draw.random() < 0.3:
        return _first_limit(work)
    return draw.near((held, held + claimed, domain.max_pages, domain.charged_pages + claimed, UINT_MAX))


@lru_cache
def _small_limits(domid: int, most: int) -> list[Choice]:
    return [Choice({"op": "set_max_pages", "domid": domid, "max_pages": pages}) for pages in range(most + 1)]


@lru_cache
def _small_kill(domid: int, builder: str) -> Choice:
    return Choice({"op": "domain_kill", "domid": domid, "builder": builder})


@lru_cache
def _small_destruction(domid: int) -> Choice:
    return Choice({"op": "destroydomain", "domid": domid})


class SetMaxPages(Event, tag="set_max_pages"):
    """``XEN_DOMCTL_max_mem``: the new limit."""

    words: ClassVar[ScriptWords] = ScriptWords("set_max_pages", "max_pages")
    weight: ClassVar[float] = 2
    about: ClassVar[str] = "domain"
    steps: ClassVar[dict[str, StepTranslation]] = {
        "set_max_pages": StepTranslation(_is_limited),
    }

    domid: Domid
    max_pages: DomainPages

    def on_reference(self, host: Host) -> Outcome:
        host.semantics.set_max_pages(host, host.domain(self.domid), self.max_pages)
        return {}

    def on_model(self, model: ModelSide) -> object:
        return model.call_for("set_max_pages", self.domid, max_pages=self.max_pages)

    def in_c(self, test: CTest) -> None:
        test.check(f"impl->set_max_pages({self.domid}, {self.max_pages}u) == 0")

    def can_stand(self, model: ModelSide) -> bool:
        return model.has(self.domid)

    @classmethod
    def small(cls, tiny: TinyHost, about: Domain) -> Iterable[Choice]:
        """Up to all pages of the host, under the domctl lock."""
        return _small_limits(about.domid, tiny.pages) if tiny.domctl else ()

    @classmethod
    def drawn(cls, work: HostAtWork) -> SetMaxPages | None:
        """With a limit of 32 bits, as the function takes it."""
        domain = work.any_domain()
        return None if domain is None else cls(domid=domain.domid, max_pages=min(UINT_MAX, _limit(work, domain)))


class MaxMem(Event, tag="max_mem"):
    """``XEN_DOMCTL_max_mem``, the hypercall."""

    words: ClassVar[ScriptWords] = ScriptWords("limit", "max_pages")
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

    def in_c(self, test: CTest) -> None:
        test.result(f"impl->max_mem({self.domid}, {self.max_pages}ull)", self.result)

    @classmethod
    def drawn(cls, work: HostAtWork) -> MaxMem:
        """With a limit of 64 bits, as the hypercall takes it."""
        domid = work.any_domid()
        domain = work.host.domains.get(domid)
        limit = 1 if domain is None else _limit(work, domain)
        return cls(domid=domid, max_pages=limit if work.draw.random() < 0.97 else U64_MAX)


class DomainKill(Event, tag="domain_kill"):
    """The domain is dying and its claims are released."""

    words: ClassVar[ScriptWords] = ScriptWords("kill")
    observed: ClassVar[tuple[str, ...]] = ("result",)
    weight: ClassVar[float] = 1
    in_steps: ClassVar[bool] = True
    about: ClassVar[str] = "domain"
    steps: ClassVar[dict[str, StepTranslation]] = {
        "domain_kill": StepTranslation(_is_killed),
        "domain_kill_release": StepTranslation(_is_released),
    }

    domid: Domid
    result: str | UnsetType = UNSET

    def on_reference(self, host: Host) -> Steps[Outcome]:
        yield from domains.domain_kill(host, host.domain(self.domid))
        return {"result": Status.OK}

    def on_model(self, model: ModelSide) -> object:
        return model.script("domain_kill", self.domid)

    def in_c(self, test: CTest) -> None:
        test.result(f"impl->domain_kill({self.domid})", self.result)

    def can_stand(self, model: ModelSide) -> bool:
        return model.has(self.domid)

    @classmethod
    def small(cls, tiny: TinyHost, about: Domain) -> Iterable[Choice]:
        """For a live domain, under the domctl lock."""
        return (_small_kill(about.domid, tiny.builder),) if tiny.domctl and not about.is_dying else ()

    @classmethod
    def drawn(cls, work: HostAtWork) -> DomainKill | None:
        """For any domain, even one that is dying already."""
        domid = work.populated_domid()
        return cls(domid=domid) if domid in work.host.domains else None


class RelinquishMemory(Event, tag="relinquish_memory"):
    """Free the pages of a dying domain."""

    words: ClassVar[ScriptWords] = ScriptWords("relinquish")
    observed: ClassVar[tuple[str, ...]] = ("pages",)
    weight: ClassVar[float] = 1
    in_steps: ClassVar[bool] = True
    outcomes: ClassVar[tuple[str, ...]] = ("nothing freed", "pages freed")

    domid: Domid
    pages: Count | UnsetType = UNSET

    def on_reference(self, host: Host) -> Steps[Outcome]:
        return {"pages": (yield from domains.relinquish_memory(host, host.domain(self.domid)))}

    def on_model(self, model: ModelSide) -> object:
        """For a dying domain only. The blocks are queried when they are needed."""
        if not model.is_dying(self.domid):
            return model.impossible("alive")
        return model.script("relinquish_memory", model.owned(self.domid))

    def in_c(self, test: CTest) -> None:
        call = f"impl->relinquish_memory({self.domid})"
        test.line(f"{call};") if self.pages is UNSET else test.check(f"{call} == {self.pages}")

    def can_stand(self, model: ModelSide) -> bool:
        return model.has(self.domid)

    def outcome_of(self, ended: OperationEnd, model: ModelSide) -> list[str]:
        del model
        return [f"{'pages' if ended.pages else 'nothing'} freed"]

    @classmethod
    def drawn(cls, work: HostAtWork) -> RelinquishMemory | None:
        """For a dying domain, which other operations may use."""
        dying = [domain for domain in work.host.domains.values() if domain.is_dying]
        return cls(domid=work.draw.pick(dying).domid) if dying else None


class DomainDestroy(Event, tag="domain_destroy"):
    """Forget a dead domain that holds nothing."""

    words: ClassVar[ScriptWords] = ScriptWords("forget")
    weight: ClassVar[float] = 1
    steps: ClassVar[dict[str, StepTranslation]] = {
        "destroy_domain": StepTranslation(_is_forgotten, "nothing on its way"),
    }

    domid: Domid

    def on_reference(self, host: Host) -> Outcome:
        domains.domain_destroy(host, host.domain(self.domid))
        return {}

    def on_model(self, model: ModelSide) -> object:
        return model.call("domain_destroy", domid=self.domid)

    def in_c(self, test: CTest) -> None:
        test.check(f"impl->domain_destroy({self.domid}) == 0")

    def can_stand(self, model: ModelSide) -> bool:
        return self.domid not in model.killing and model.has(self.domid)

    @classmethod
    def drawn(cls, work: HostAtWork) -> DomainDestroy | None:
        """For a dying domain without pages. It may have claims, and pages in limbo or stolen from it."""
        owners = {block.domid for block in work.owned_blocks()}
        there = work.host.domains.values()
        empty = [d.domid for d in there if d.is_dying and d.domid not in owners and d.domid not in work.killing]
        return cls(domid=work.draw.pick(empty)) if empty else None


class DestroyDomain(Event, tag="destroydomain"):
    """``XEN_DOMCTL_destroydomain``."""

    words: ClassVar[ScriptWords] = ScriptWords("destroy")
    observed: ClassVar[tuple[str, ...]] = ("result",)
    weight: ClassVar[float] = 0.7
    in_steps: ClassVar[bool] = True
    outcomes: ClassVar[tuple[str, ...]] = ("ESRCH", "OK", "OK, not forgotten yet")
    about: ClassVar[str] = "domain"
    steps: ClassVar[dict[str, StepTranslation]] = {
        "destroydomain": StepTranslation(
            _is_destroyed, "no stash", sections=("domain_kill", "domain_kill_release", "destroy_domain")
        ),
    }

    domid: Domid
    result: str | UnsetType = UNSET

    def on_reference(self, host: Host) -> Steps[Outcome]:
        return {"result": (yield from hypercalls.destroydomain(host, self.domid))}

    def on_model(self, model: ModelSide) -> object:
        domid = model.known(self.domid)
        return model.script("destroydomain", domid, dict if domid is None else model.owned(domid))

    def in_c(self, test: CTest) -> None:
        test.result(f"impl->destroydomain({self.domid})", self.result)

    def can_stand(self, model: ModelSide) -> bool:
        """The domain is not destroyed while its domain_kill holds the domctl lock."""
        return self.domid not in model.killing

    def outcome_of(self, ended: OperationEnd, model: ModelSide) -> list[str]:
        kept = ended.result == "OK" and model.known(self.domid) is not None
        return [f"{ended.result}{', not forgotten yet' if kept else ''}"]

    @classmethod
    def small(cls, tiny: TinyHost, about: Domain) -> Iterable[Choice]:
        """For a live domain, under the domctl lock."""
        return (_small_destruction(about.domid),) if tiny.domctl and not about.is_dying else ()

    @classmethod
    def drawn(cls, work: HostAtWork) -> DestroyDomain | None:
        """All stages in one call. Other operations may use the domain, but its ``domain_kill`` is over."""
        domid = work.any_domid()
        return None if domid in work.killing else cls(domid=domid)
