"""The legacy claim: one number of pages, host-wide or on one node."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import product
from typing import ClassVar

from msgspec import UNSET, UnsetType

from reference import hypercalls
from reference.constants import XENMEMF_exact_node_request
from reference.state import Domain, Host
from reference.status import MisuseError
from reference.steps import Steps

from .claiming import legacy_pages, malformed, single_pages
from .entries import none_in_c
from .event import Choice, Event, Outcome, ScriptWords
from .fields import Count, Domid, Mfn, Node, Pages, require_u64
from .model_steps import ModelTrace, StepArguments, StepTranslation, UntraceableStepError
from .sides import CTest, HostAtWork, ModelSide, TinyHost


@lru_cache
def _small_node_claims(domid: int, most: int, nodes: range) -> list[Choice]:
    return [
        Choice({"op": "set_outstanding_pages", "domid": domid, "pages": pages, "node": node})
        for pages, node in product(range(most + 1), nodes)
    ]


@lru_cache
def _small_legacy_calls(domid: int, most: int, builder: str) -> list[Choice]:
    return [
        Choice({"op": "claim_pages", "domid": domid, "nr_extents": pages, "builder": builder})
        for pages in range(most + 1)
    ]


def _claims(trace: ModelTrace, domid: int, pages: int, node: int | None = None) -> None:
    """A claim call without checks before its locks."""
    target = {} if node is None else {"node": node}
    trace.events.append({"op": "set_outstanding_pages", "domid": domid, "pages": pages, **target, "result": "OK"})


def _claims_on_node(trace: ModelTrace, a: StepArguments) -> None:
    _claims(trace, a["domid"], a["pages"], a["node"])


def _claim_crashes(trace: ModelTrace, a: StepArguments) -> None:
    _claims(trace, a["domid"], a["pages"], None if a["host_wide"] else a["node"])
    trace.crash()


def _begins(trace: ModelTrace, a: StepArguments) -> None:
    event = {"op": "claim_pages", "domid": a["domid"], "builder": trace.builder()}
    trace.calls.setdefault(a["domid"], []).append(event)
    trace.events.append(event)


def _goes_on(trace: ModelTrace, a: StepArguments, mem_flags: int = 0) -> None:
    """A call that has looked up its domain continues to its end."""
    if not trace.calls.get(a["domid"]):
        raise UntraceableStepError
    call = trace.calls[a["domid"]].pop(0)
    call["nr_extents"] = a.get("pages", 0)
    if mem_flags:
        call["mem_flags"] = mem_flags
    trace.events.append({"op": "continue", "builder": call["builder"], "result": "OK"})


def _claims_or_goes_on(trace: ModelTrace, a: StepArguments) -> None:
    if trace.rules.refuses_dying:
        _goes_on(trace, a)
    else:
        _claims(trace, a["domid"], a.get("pages", 0))


def _releases(trace: ModelTrace, a: StepArguments) -> None:
    _claims_or_goes_on(trace, {"domid": a["domid"]})


def _goes_on_with_node(trace: ModelTrace, a: StepArguments) -> None:
    _goes_on(trace, a, XENMEMF_exact_node_request | (a["node"] + 1) << 8)


def _releases_for_destroyed(trace: ModelTrace, a: StepArguments) -> None:
    _goes_on(trace, {"domid": a["domid"]})


class SetOutstandingPages(Event, tag="set_outstanding_pages"):
    """The legacy claim."""

    words: ClassVar[ScriptWords] = ScriptWords("set_claim", "pages")
    observed: ClassVar[tuple[str, ...]] = ("result",)
    weight: ClassVar[float] = 3
    about: ClassVar[str] = "domain"
    rank: ClassVar[int] = -1
    steps: ClassVar[dict[str, StepTranslation]] = {
        "claim_on_node": StepTranslation(_claims_on_node),
        "claim_crashes": StepTranslation(_claim_crashes),
    }

    domid: Domid
    pages: Pages
    node: Node | None | UnsetType = UNSET  # single-node generations only
    result: str | UnsetType = UNSET

    def __post_init__(self) -> None:
        require_u64("pages", self.pages)

    def on_reference(self, host: Host) -> Outcome:
        node = None if self.node is UNSET else self.node
        if self.node is not UNSET and "claim_node" not in host.semantics.claim_counters:
            raise MisuseError(f"{host.semantics.name} has no field `node` in this call")
        return {"result": host.semantics.set_outstanding_pages(host, host.domain(self.domid), self.pages, node)}

    def on_model(self, model: ModelSide) -> object:
        if self.node is UNSET:
            return model.call_for("set_outstanding_pages", self.domid, pages=self.pages)
        return model.call_for("set_outstanding_pages", self.domid, pages=self.pages, node=self.node)

    def in_c(self, test: CTest) -> None:
        test.result(f"impl->set_outstanding_pages({self.domid}, {self.pages}ull, {none_in_c(self.node)})", self.result)

    def can_stand(self, model: ModelSide) -> bool:
        """For a claim on a node, the callers check under the domctl lock that the domain is not dying."""
        if self.node is not UNSET:
            if "claim_node" not in model.host.semantics.claim_counters:
                return False
            if self.node is not None and model.only_callers_refuse(self.domid):
                return False
        return model.has(self.domid)

    @classmethod
    def small(cls, tiny: TinyHost, about: Domain) -> Iterable[Choice]:
        """On a node, in single-node generations."""
        host = tiny.host
        if "claim_node" not in host.semantics.claim_counters or (about.is_dying and host.semantics.refuses_dying):
            return ()
        return _small_node_claims(about.domid, tiny.pages, host.nodes)

    @classmethod
    def drawn(cls, work: HostAtWork) -> SetOutstandingPages | None:
        """The hypervisor's function; in single-node generations with a node."""
        domain = work.any_domain()
        if domain is None:
            return None
        if "claim_node" not in work.host.semantics.claim_counters:
            return cls(domid=domain.domid, pages=legacy_pages(work, domain))
        node = None if domain.is_dying and work.host.semantics.refuses_dying else work.any_node()
        return cls(domid=domain.domid, pages=single_pages(work, domain, node), node=node)


class ClaimPages(Event, tag="claim_pages"):
    """``XENMEM_claim_pages``."""

    words: ClassVar[ScriptWords] = ScriptWords("claim", "nr_extents", {"order": "extent_order"})
    observed: ClassVar[tuple[str, ...]] = ("result",)
    weight: ClassVar[float] = 4
    in_steps: ClassVar[bool] = True
    about: ClassVar[str] = "domain"
    rank: ClassVar[int] = -2
    steps: ClassVar[dict[str, StepTranslation]] = {
        "claim_pages_check": StepTranslation(_begins, "no second call after a look-up"),
        "set_outstanding_pages": StepTranslation(_claims_or_goes_on),
        "set_outstanding_pages_zero": StepTranslation(_releases),
        "claim_for_destroyed": StepTranslation(_goes_on),
        "claim_on_node_for_destroyed": StepTranslation(_goes_on_with_node),
        "release_for_destroyed": StepTranslation(_releases_for_destroyed),
    }

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

    def in_c(self, test: CTest) -> None:
        arguments = f"{self.nr_extents}ull, {self.extent_order}, {self.mem_flags}, {none_in_c(self.extent_start)}"
        test.result(f"impl->claim_pages({self.domid}, {arguments})", self.result)

    @classmethod
    def small(cls, tiny: TinyHost, about: Domain) -> Iterable[Choice]:
        """Host-wide, for any domain."""
        return _small_legacy_calls(about.domid, tiny.pages, tiny.builder)

    @classmethod
    def drawn(cls, work: HostAtWork) -> ClaimPages | None:
        draw = work.draw
        domain = work.any_domain()
        if domain is None:
            return None
        domid = draw.looked_up(domain.domid)
        node = work.any_node()
        event = cls(domid=domid, nr_extents=legacy_pages(work, domain))
        if work.host.semantics.target_of_claim_pages(1 << 8 | XENMEMF_exact_node_request) == 0 and node is not None:
            exact = XENMEMF_exact_node_request if draw.random() < 0.95 else 0
            event.nr_extents = single_pages(work, domain, node)
            event.mem_flags = ((node + 1) & 0xFF) << 8 | exact | (1 if draw.random() < 0.1 else 0)
        if draw.random() < malformed(work, 0.03):
            setattr(event, draw.pick(("extent_order", "mem_flags", "extent_start")), 1)
        return event
