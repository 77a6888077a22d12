"""Operations that take pages out of the heap and hand them over, and those that give them back."""

from __future__ import annotations

from typing import ClassVar

from msgspec import UNSET, UnsetType

from reference import page_alloc
from reference.constants import MAX_ORDER
from reference.pages import PageState
from reference.state import Domain, Host
from reference.steps import Steps

from .entries import memflags
from .event import Event, Outcome
from .fields import Domid, MemFlag, Mfn, Node, Order
from .sides import HostAtWork, ModelSide, OperationEnd

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


def drawn_order(work: HostAtWork, node: int | None) -> int:
    """Mostly small; now and then the largest that fits the node or the host, or one more; seldom too large for any."""
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
    """Those of a request; ``no_refcount`` alone needs extended traces."""
    flags = work.draw.pick(_MEMFLAGS)
    return flags if work.extended else [flag for flag in flags if flag != "no_refcount"]


def _owner(host: Host, domid: int | None) -> Domain | None:
    return None if domid is None else host.domain(domid)


def _allocated(host: Host, mfn: int | None) -> Outcome:
    return {"mfn": None} if mfn is None else {"mfn": mfn, "on_node": host.node_of(mfn)}


class AllocDomheapPages(Event, tag="alloc_domheap_pages"):
    """Allocate 2^order pages and assign them."""

    observed: ClassVar[tuple[str, ...]] = ("mfn", "on_node")
    weight: ClassVar[float] = 12
    in_steps: ClassVar[bool] = True
    outcomes: ClassVar[tuple[str, ...]] = ("OK", "refused")

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

    observed: ClassVar[tuple[str, ...]] = ("mfn", "on_node")
    weight: ClassVar[float] = 3

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

    def can_stand(self, model: ModelSide) -> bool:
        return model.has(self.domid)

    @classmethod
    def drawn(cls, work: HostAtWork) -> AllocHeapPages:
        """The first half alone: the pages stay in limbo until somebody assigns or frees them."""
        whole = AllocDomheapPages.drawn(work)
        return cls(domid=whole.domid, order=whole.order, node=whole.node, memflags=whole.memflags)


class AssignPages(Event, tag="assign_pages"):
    """Give pages in limbo to a domain."""

    observed: ClassVar[tuple[str, ...]] = ("result",)
    weight: ClassVar[float] = 3

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

    def can_stand(self, model: ModelSide) -> bool:
        return model.has(self.domid)

    @classmethod
    def drawn(cls, work: HostAtWork) -> AssignPages | None:
        """The second half, for pages that are loose in limbo."""
        assignable = work.assignable()
        if not assignable:
            return None
        loose = work.draw.pick(assignable)
        kept: list[MemFlag] = [flag for flag in loose.memflags if flag == "no_refcount"]
        return cls(mfn=loose.mfn, order=loose.order, domid=loose.domid, memflags=kept)


class FreeHeapPages(Event, tag="free_heap_pages"):
    """Return pages without owner to the heap."""

    weight: ClassVar[float] = 2

    mfn: Mfn
    order: Order

    def on_reference(self, host: Host) -> Outcome:
        page_alloc.free_heap_pages(host, self.mfn, self.order)
        return {}

    def on_model(self, model: ModelSide) -> object:
        return model.call_on("free_heap_pages", self.mfn, self.order)

    @classmethod
    def drawn(cls, work: HostAtWork) -> FreeHeapPages | None:
        """Pages that are loose in limbo go back to the heap, or such as have no owner."""
        if work.loose and work.draw.random() < 0.7:
            loose = work.draw.pick(work.loose)
            return cls(mfn=loose.mfn, order=loose.order)
        blocks = [block for block in work.freeable_blocks() if block.state is PageState.ANONYMOUS]
        if not blocks:
            return None
        block = work.draw.pick(blocks)
        return cls(mfn=block.mfn, order=block.order)


class FreeDomheapPages(Event, tag="free_domheap_pages"):
    """Free 2^order pages."""

    weight: ClassVar[float] = 7
    in_steps: ClassVar[bool] = True

    mfn: Mfn
    order: Order

    def on_reference(self, host: Host) -> Steps[Outcome]:
        yield from page_alloc.free_domheap_pages(host, self.mfn, self.order)
        return {}

    def on_model(self, model: ModelSide) -> object:
        block = model.pages_at(self.mfn, self.order)
        return model.impossible("not-allocated") if block is None else model.script("free_domheap_pages", block)

    @classmethod
    def drawn(cls, work: HostAtWork) -> FreeDomheapPages | None:
        """A block that somebody holds, or the lower part of it."""
        blocks = work.freeable_blocks()
        if not blocks:
            return None
        block = work.draw.pick(blocks)
        order = block.order if work.draw.random() < 0.8 else work.draw.below(block.order + 1)
        return cls(mfn=block.mfn, order=order)


class OfflinePage(Event, tag="offline_page"):
    """Take one page out of use."""

    observed: ClassVar[tuple[str, ...]] = ("result",)
    weight: ClassVar[float] = 3

    mfn: Mfn
    result: str | UnsetType = UNSET

    def on_reference(self, host: Host) -> Outcome:
        return {"result": page_alloc.offline_page(host, self.mfn)}

    def on_model(self, model: ModelSide) -> object:
        return model.offline_page(self.mfn)

    def can_stand(self, model: ModelSide) -> bool:
        return model.has_page(self.mfn)

    @classmethod
    def drawn(cls, work: HostAtWork) -> OfflinePage | None:
        """A page in any state: free, in use, or offline already."""
        draw, pages = work.draw, work.host.pages
        choice = draw.random()
        if choice < 0.1 and (stashed := [d.pending_scrub for d in work.host.domains.values() if d.pending_scrub]):
            stash = draw.pick(stashed)
            return cls(mfn=stash.mfn + draw.below(1 << stash.order))
        if choice < 0.3 and pages.blocks:
            block = draw.pick(list(pages.blocks.values()))
            return cls(mfn=block.mfn + draw.below(block.pages))
        if choice < 0.35 and pages.offlined:
            return cls(mfn=draw.pick(sorted(pages.offlined)))
        mfn = work.any_mfn()
        return None if mfn is None else cls(mfn=mfn)


class OnlinePage(Event, tag="online_page"):
    """Bring a page back, or withdraw its offline mark."""

    observed: ClassVar[tuple[str, ...]] = ("result",)
    weight: ClassVar[float] = 2

    mfn: Mfn
    result: str | UnsetType = UNSET

    def on_reference(self, host: Host) -> Outcome:
        return {"result": page_alloc.online_page(host, self.mfn)}

    def on_model(self, model: ModelSide) -> object:
        return model.online_page(self.mfn)

    def can_stand(self, model: ModelSide) -> bool:
        return model.has_page(self.mfn)

    @classmethod
    def drawn(cls, work: HostAtWork) -> OnlinePage | None:
        """Mostly a page that is offline or marked."""
        draw, pages = work.draw, work.host.pages
        if draw.random() < 0.9 and (gone := pages.offlined or pages.offlining):
            return cls(mfn=draw.pick(sorted(gone)))
        if pages.offlining and draw.random() < 0.5:
            return cls(mfn=draw.pick(sorted(pages.offlining)))
        mfn = work.any_mfn()
        return None if mfn is None else cls(mfn=mfn)
