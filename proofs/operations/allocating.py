"""Operations that take pages out of the heap and assign them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import product
from typing import Any, ClassVar

from msgspec import UNSET, UnsetType

from reference import page_alloc
from reference.constants import MAX_ORDER
from reference.pages import Block, PageState
from reference.state import Domain, Host
from reference.steps import Steps

from .entries import memflags, memflags_in_c, none_in_c
from .event import Choice, Event, Outcome, ScriptWords
from .fields import Domid, MemFlag, Mfn, Node, Order
from .model_steps import ModelTrace, StepArguments, StepTranslation, UntraceableStepError
from .sides import CTest, HostAtWork, ModelSide, OperationEnd, TinyHost

_MEMFLAGS: tuple[list[MemFlag], ...] = (
    [],
    [],
    [],
    [],
    [],
    ["exact_node"],
    ["exact_node"],
    ["no_owner"],
    ["no_refcount"],
    ["exact_node", "no_refcount"],
    ["exact_node", "no_owner"],
)


_SHORT = {"flags": "memflags", "at": "mfn"}
"""``at``: the block that the allocator takes; in a script it takes the lowest one otherwise."""
_DEFAULTS: dict[str, Any] = {"order": 0, "node": None, "memflags": [], "domid": None}


def drawn_order(work: HostAtWork, node: int | None) -> int:
    """Mostly small; sometimes the largest that fits the node or the host, or one more; rarely above the maximum."""
    draw, host = work.draw, work.host
    choice = draw.random()
    if choice < 0.55:
        return 0
    if choice < 0.80:
        return 1 + draw.below(3)
    if choice < 0.98:
        avail = (
            host.node_avail_pages[node]
            if node is not None and node < len(host.node_pages)
            else max(host.node_avail_pages)
        )
        order = avail.bit_length() - 1 + draw.below(2) if choice < 0.92 else draw.below(avail.bit_length() + 1)
        return 0 if order < 0 else MAX_ORDER if order > MAX_ORDER else order
    return draw.pick((MAX_ORDER - 1, MAX_ORDER, MAX_ORDER + 1, 63))


def _drawn_memflags(work: HostAtWork) -> list[MemFlag]:
    """The flags of a request; ``no_refcount`` alone needs extended traces."""
    flags = work.draw.pick(_MEMFLAGS)
    return flags if work.extended else [flag for flag in flags if flag != "no_refcount"]


def _owner(host: Host, domid: int | None) -> Domain | None:
    return None if domid is None else host.domain(domid)


def _allocated(host: Host, mfn: int | None) -> Outcome:
    return {"mfn": None} if mfn is None else {"mfn": mfn, "on_node": host.node_of(mfn)}


@lru_cache(maxsize=1 << 10)
def _small_request(domid: int | None, order: int, node: int, mfn: int) -> Choice:
    request = {"order": order, "node": node, "memflags": ["exact_node"], "mfn": mfn, "on_node": node}
    return Choice({"op": "alloc_heap_pages", "domid": domid, **request})


@lru_cache(maxsize=1 << 10)
def _small_assignment(domid: int, mfn: int, order: int) -> Choice:
    return Choice({"op": "assign_pages", "domid": domid, "mfn": mfn, "order": order})


def _takes(trace: ModelTrace, a: StepArguments) -> None:
    mfn = trace.allocate(a, a["domid"])
    place = trace.assigned if trace.rules.assigns_at_alloc else trace.limbo
    place.setdefault((a["domid"], a["node"]), []).append(mfn)


def _takes_unowned(trace: ModelTrace, a: StepArguments) -> None:
    flags = ["no_owner"] if "domid" in a else []
    trace.anonymous.setdefault(a["node"], []).append(trace.allocate(a, a.get("domid"), *flags))


def _takes_extra(trace: ModelTrace, a: StepArguments) -> None:
    """Pages that are allocated without refcount: they become extra pages when they are assigned."""
    mfn = trace.allocate(a, a.get("domid"), "no_refcount")
    created = [event["domid"] for event in trace.events if event["op"] == "create_domain"]
    gone = {e["domid"] for e in trace.events if e["op"] in ("domain_destroy", "destroydomain")}
    listed = [a["domid"]] if "domid" in a else [domid for domid in created if domid not in gone]
    trace.events[-1]["listed"] = listed
    trace.unassigned.setdefault(a["node"], []).append((mfn, trace.events[-1]))


def _is_refused(trace: ModelTrace, a: StepArguments) -> None:
    trace.request(a, "alloc_domheap_pages", a["domid"], ())["mfn"] = None


def _crashes(trace: ModelTrace, a: StepArguments) -> None:
    trace.events.append({"op": "alloc_heap_pages", "domid": a["domid"], "order": 0, "node": a["node"]})
    trace.events[-1] |= {"memflags": ["exact_node"], "on_node": a["node"]}
    trace.crash()


def _is_not_reached(trace: ModelTrace, a: StepArguments) -> None:
    raise UntraceableStepError(f"a trace cannot express {a} after {len(trace.events)} events: see property `no-crash`")


def _assigns(trace: ModelTrace, a: StepArguments, accepted: bool) -> int:
    mfn = trace.choose(trace.limbo.get((a["domid"], a["node"]), []), a["node"], a.get("marks", 0), ends=accepted)
    event = {"op": "assign_pages", "mfn": mfn, "order": 0, "domid": a["domid"]}
    trace.events.append(event | ({"result": "OK"} if accepted else {}))
    return mfn


def _is_assigned(trace: ModelTrace, a: StepArguments) -> None:
    trace.assigned.setdefault((a["domid"], a["node"]), []).append(_assigns(trace, a, True))


def _is_not_assigned(trace: ModelTrace, a: StepArguments) -> None:
    trace.transit.setdefault(a["node"], []).append((_assigns(trace, a, False), ""))


def _is_assigned_extra(trace: ModelTrace, a: StepArguments) -> None:
    pages = trace.unassigned.get(a["node"], [])
    number = next((i for i, (_mfn, event) in enumerate(pages) if a["domid"] in event["listed"]), None)
    if number is None:
        raise UntraceableStepError
    mfn, event = pages.pop(number)
    trace.choose([mfn], a["node"], a["marks"])
    event["domid"] = a["domid"]
    trace.extra.setdefault((a["domid"], a["node"]), []).append(mfn)
    flags = {"memflags": ["no_refcount"]}
    trace.events.append({"op": "assign_pages", "mfn": mfn, "order": 0, "domid": a["domid"], **flags, "result": "OK"})


def _request_in_c(event: AllocDomheapPages | AllocHeapPages) -> str:
    """The arguments of the adapter kit's functions."""
    return f"{none_in_c(event.domid)}, {event.order}, {none_in_c(event.node)}, {memflags_in_c(event.memflags)}"


class AllocDomheapPages(Event, tag="alloc_domheap_pages"):
    """Allocate 2^order pages and assign them."""

    words: ClassVar[ScriptWords] = ScriptWords("alloc", "", _SHORT, _DEFAULTS)
    observed: ClassVar[tuple[str, ...]] = ("mfn", "on_node")
    weight: ClassVar[float] = 12
    in_steps: ClassVar[bool] = True
    outcomes: ClassVar[tuple[str, ...]] = ("OK", "refused")
    steps: ClassVar[dict[str, StepTranslation]] = {
        "alloc_domheap_pages_refused": StepTranslation(
            _is_refused, sections=("alloc_heap_pages", "assign_pages_refused", "free_heap_pages")
        ),
    }

    domid: Domid | None
    order: Order
    node: Node | None
    memflags: list[MemFlag]
    mfn: Mfn | None | UnsetType = UNSET
    on_node: Node | UnsetType = UNSET  # absent if refused

    def on_reference(self, host: Host) -> Steps[Outcome]:
        mfn = yield from page_alloc.alloc_domheap_pages(
            host, _owner(host, self.domid), self.order, self.node, memflags(self.memflags)
        )
        return _allocated(host, mfn)

    def on_model(self, model: ModelSide) -> object:
        return model.script("alloc_domheap_pages", self.domid, order=self.order, **model.request(self))

    def in_c(self, test: CTest) -> None:
        test.block(f"impl->alloc_domheap_pages({_request_in_c(self)})", self.mfn, self.order)

    def can_stand(self, model: ModelSide) -> bool:
        return model.has(self.domid)

    def outcome_of(self, ended: OperationEnd, model: ModelSide) -> list[str]:
        del model
        return [ended.result] if ended.result != "crash" else []

    @classmethod
    def drawn(cls, work: HostAtWork) -> AllocDomheapPages:
        """For a domain or for the hypervisor itself."""
        draw = work.draw
        domain = work.any_domain() if draw.random() < 0.93 else None
        node = work.any_node()
        return cls(
            domid=None if domain is None else domain.domid,
            order=drawn_order(work, node),
            node=node,
            memflags=_drawn_memflags(work),
        )


class AllocHeapPages(Event, tag="alloc_heap_pages"):
    """Take 2^order pages out of the heap and redeem claims: the pages are in limbo."""

    words: ClassVar[ScriptWords] = ScriptWords("take", "", _SHORT, _DEFAULTS)
    observed: ClassVar[tuple[str, ...]] = ("mfn", "on_node")
    weight: ClassVar[float] = 3
    about: ClassVar[str] = "host"
    steps: ClassVar[dict[str, StepTranslation]] = {
        "alloc_heap_pages": StepTranslation(_takes),
        "alloc_heap_pages_unowned": StepTranslation(_takes_unowned),
        "exchange_allocate": StepTranslation(_takes_extra, "names its node, for a domain"),
        "allocation_crashes": StepTranslation(_crashes),
        "redemption_crashes": StepTranslation(_is_not_reached),
    }

    domid: Domid | None
    order: Order
    node: Node | None
    memflags: list[MemFlag]
    mfn: Mfn | None | UnsetType = UNSET
    on_node: Node | UnsetType = UNSET

    def on_reference(self, host: Host) -> Outcome:
        mfn = page_alloc.alloc_heap_pages(
            host, _owner(host, self.domid), self.order, self.node, memflags(self.memflags)
        )
        return _allocated(host, mfn)

    def on_model(self, model: ModelSide) -> object:
        return model.call("alloc_heap_pages", domid=self.domid, order=self.order, **model.request(self))

    def in_c(self, test: CTest) -> None:
        test.block(f"impl->alloc_heap_pages({_request_in_c(self)})", self.mfn, self.order)

    def can_stand(self, model: ModelSide) -> bool:
        return model.has(self.domid)

    @classmethod
    def small(cls, tiny: TinyHost, about: Host) -> Iterator[Choice]:
        """Each free block of each node, for each domain and for none."""
        for node, order in product(about.nodes, range(tiny.order + 1)):
            first, pages = node * about.node_span, about.node_pages[node]
            for mfn in range(first, first + pages, 1 << order):
                if about.heap[node].find(mfn, order) is not None:
                    for domid in (None, *about.domains):
                        yield _small_request(domid, order, node, mfn)

    @classmethod
    def drawn(cls, work: HostAtWork) -> AllocHeapPages:
        """Only the first half: the pages stay in limbo until another event assigns or frees them."""
        whole = AllocDomheapPages.drawn(work)
        return cls(domid=whole.domid, order=whole.order, node=whole.node, memflags=whole.memflags)


class AssignPages(Event, tag="assign_pages"):
    """Give pages in limbo to a domain."""

    words: ClassVar[ScriptWords] = ScriptWords("assign", "mfn", {"flags": "memflags"}, {"order": 0})
    observed: ClassVar[tuple[str, ...]] = ("result",)
    weight: ClassVar[float] = 3
    about: ClassVar[str] = "block"
    steps: ClassVar[dict[str, StepTranslation]] = {
        "assign_pages": StepTranslation(_is_assigned, "not the stash"),
        "assign_pages_refused": StepTranslation(_is_not_assigned, "not the stash"),
        "assign_extra_pages": StepTranslation(_is_assigned_extra),
    }

    mfn: Mfn
    order: Order
    domid: Domid
    memflags: list[MemFlag] = []
    result: str | UnsetType = UNSET

    def on_reference(self, host: Host) -> Outcome:
        domain = host.domain(self.domid)
        return {"result": page_alloc.assign_pages(host, self.mfn, self.order, domain, memflags(self.memflags))}

    def on_model(self, model: ModelSide) -> object:
        no_refcount = "no_refcount" in self.memflags
        return model.call_on("assign_pages", self.mfn, self.order, domid=self.domid, no_refcount=no_refcount)

    def in_c(self, test: CTest) -> None:
        frame = test.frame(self.mfn, self.order)
        test.result(
            f"impl->assign_pages({frame}, {self.order}, {self.domid}, {memflags_in_c(self.memflags)})", self.result
        )

    def can_stand(self, model: ModelSide) -> bool:
        return model.has(self.domid)

    @classmethod
    def small(cls, tiny: TinyHost, about: Block) -> Iterable[Choice]:
        """Pages in limbo, to the domain that they are meant for."""
        del tiny
        owner = about.owner
        if about.state is not PageState.LIMBO or owner is None or owner.is_destroyed:
            return ()
        return (_small_assignment(owner.domid, about.mfn, about.order),)

    @classmethod
    def drawn(cls, work: HostAtWork) -> AssignPages | None:
        """The second half, for pages in limbo that no operation in flight holds."""
        assignable = work.assignable()
        if not assignable:
            return None
        loose = work.draw.pick(assignable)
        kept: list[MemFlag] = [flag for flag in loose.memflags if flag == "no_refcount"]
        return cls(mfn=loose.mfn, order=loose.order, domid=loose.domid, memflags=kept)
