"""Operations that return pages to the heap, and take them offline."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import ClassVar

from msgspec import UNSET, UnsetType

from reference import page_alloc
from reference.pages import Block, PageState
from reference.state import Host
from reference.steps import Steps

from .event import Choice, Event, Outcome, ScriptWords
from .fields import Mfn, Order
from .model_steps import ModelTrace, StepArguments, StepTranslation
from .sides import CTest, HostAtWork, ModelSide, TinyHost


@lru_cache(maxsize=1 << 10)
def _small_return(mfn: int, order: int) -> Choice:
    return Choice({"op": "free_heap_pages", "mfn": mfn, "order": order})


@lru_cache(maxsize=1 << 10)
def _small_free(builder: str, mfn: int, order: int) -> Choice:
    return Choice({"op": "free_domheap_pages", "builder": builder, "mfn": mfn, "order": order})


@lru_cache(maxsize=1 << 10)
def _small_frame(op: str, mfn: int) -> Choice:
    return Choice({"op": op, "mfn": mfn})


def _frees(trace: ModelTrace, mfn: int, node: int) -> None:
    """The first half: the page leaves its owner's tot_pages."""
    builder = trace.builder()
    trace.transit.setdefault(node, []).append((mfn, builder))
    trace.events.append({"op": "free_domheap_pages", "mfn": mfn, "order": 0, "builder": builder})


def _frees_own(trace: ModelTrace, a: StepArguments) -> None:
    _frees(trace, trace.assigned[a["domid"], a["node"]].pop(0), a["node"])


def _frees_extra(trace: ModelTrace, a: StepArguments) -> None:
    _frees(trace, trace.extra[a["domid"], a["node"]].pop(0), a["node"])


def _frees_anonymous(trace: ModelTrace, a: StepArguments) -> None:
    _frees(trace, trace.anonymous[a["node"]].pop(0), a["node"])


def _returns(trace: ModelTrace, a: StepArguments) -> None:
    trace.free[a["node"]].give([_to_heap(trace, a["node"], 0)])


def _returns_marked(trace: ModelTrace, a: StepArguments) -> None:
    trace.offlined.setdefault(a["node"], []).append(_to_heap(trace, a["node"], 1))


def _to_heap(trace: ModelTrace, node: int, marks: int) -> int:
    """A page on its way to the heap is freed, by the builder that is freeing it or by an event of its own."""
    pages = dict(trace.transit.get(node, []))
    for mfn, event in trace.unassigned.get(node, []):
        event["domid"] = event["listed"][0]
        pages[mfn] = ""
    mfn = trace.choose(list(pages), node, marks)
    builder = pages[mfn]
    trace.transit[node] = [page for page in trace.transit.get(node, []) if page[0] != mfn]
    trace.unassigned[node] = [page for page in trace.unassigned.get(node, []) if page[0] != mfn]
    if builder:
        trace.events.append({"op": "continue", "builder": builder})
    else:
        trace.events.append({"op": "free_heap_pages", "mfn": mfn, "order": 0})
    return mfn


def _goes_offline(trace: ModelTrace, a: StepArguments) -> None:
    mfn = trace.free[a["node"]].take(last=True)
    trace.offlined.setdefault(a["node"], []).append(mfn)
    trace.events.append({"op": "offline_page", "mfn": mfn, "result": "OFFLINED"})


def _is_marked(trace: ModelTrace, a: StepArguments) -> None:
    """A page in use; later events determine which one."""
    node, in_use = a["node"], set[int]()
    for by_cell in (trace.limbo, trace.assigned, trace.extra):
        for (_domid, n), frames in by_cell.items():
            in_use |= set(frames) if n == node else set()
    in_use |= {mfn for mfn, _ in (*trace.transit.get(node, []), *trace.unassigned.get(node, []))}
    in_use |= {*trace.anonymous.get(node, [])}
    event = {"op": "offline_page", "mfn": -1}
    trace.events.append(event)
    trace.marks.setdefault(node, []).append((event, in_use))


def _comes_back(trace: ModelTrace, a: StepArguments) -> None:
    mfn = trace.offlined[a["node"]].pop()
    trace.free[a["node"]].give([mfn])
    trace.events.append({"op": "online_page", "mfn": mfn})


class FreeHeapPages(Event, tag="free_heap_pages"):
    """Return pages without owner to the heap."""

    words: ClassVar[ScriptWords] = ScriptWords("give_back", "mfn", defaults={"order": 0})
    weight: ClassVar[float] = 2
    about: ClassVar[str] = "block"
    steps: ClassVar[dict[str, StepTranslation]] = {
        "free_heap_pages": StepTranslation(_returns),
        "free_marked_page": StepTranslation(_returns_marked),
    }

    mfn: Mfn
    order: Order

    def on_reference(self, host: Host) -> Outcome:
        page_alloc.free_heap_pages(host, self.mfn, self.order)
        return {}

    def on_model(self, model: ModelSide) -> object:
        return model.call_on("free_heap_pages", self.mfn, self.order)

    def in_c(self, test: CTest) -> None:
        test.check(f"impl->free_heap_pages({test.frame(self.mfn, self.order)}, {self.order}) == 0")

    @classmethod
    def small(cls, tiny: TinyHost, about: Block) -> Iterable[Choice]:
        """Pages without owner, and pages in limbo whose assignment would be refused."""
        del tiny
        owner = about.owner
        refused = owner is not None and (owner.is_dying or owner.tot_pages + about.pages > owner.max_pages)
        if about.state is PageState.ANONYMOUS or (about.state is PageState.LIMBO and refused):
            return (_small_return(about.mfn, about.order),)
        return ()

    @classmethod
    def drawn(cls, work: HostAtWork) -> FreeHeapPages | None:
        """Pages in limbo that no operation in flight holds, or pages without owner."""
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

    words: ClassVar[ScriptWords] = ScriptWords("free", "mfn", defaults={"order": 0})
    weight: ClassVar[float] = 7
    in_steps: ClassVar[bool] = True
    about: ClassVar[str] = "block"
    steps: ClassVar[dict[str, StepTranslation]] = {
        "free_domheap_pages": StepTranslation(_frees_own),
        "free_extra_pages": StepTranslation(_frees_extra),
        "free_anonymous_pages": StepTranslation(_frees_anonymous),
    }

    mfn: Mfn
    order: Order

    def on_reference(self, host: Host) -> Steps[Outcome]:
        yield from page_alloc.free_domheap_pages(host, self.mfn, self.order)
        return {}

    def on_model(self, model: ModelSide) -> object:
        block = model.pages_at(self.mfn, self.order)
        return model.impossible("not-allocated") if block is None else model.script("free_domheap_pages", block)

    def in_c(self, test: CTest) -> None:
        test.check(f"impl->free_domheap_pages({test.frame(self.mfn, self.order)}, {self.order}) == 0")

    @classmethod
    def small(cls, tiny: TinyHost, about: Block) -> Iterable[Choice]:
        """Blocks of a domain."""
        return (_small_free(tiny.builder, about.mfn, about.order),) if about.state is PageState.ASSIGNED else ()

    @classmethod
    def drawn(cls, work: HostAtWork) -> FreeDomheapPages | None:
        """A block in use, or its lower part."""
        blocks = work.freeable_blocks()
        if not blocks:
            return None
        block = work.draw.pick(blocks)
        order = block.order if work.draw.random() < 0.8 else work.draw.below(block.order + 1)
        return cls(mfn=block.mfn, order=order)


class OfflinePage(Event, tag="offline_page"):
    """Take one page out of use."""

    words: ClassVar[ScriptWords] = ScriptWords("offline", "mfn")
    observed: ClassVar[tuple[str, ...]] = ("result",)
    weight: ClassVar[float] = 3
    about: ClassVar[str] = "frame"
    steps: ClassVar[dict[str, StepTranslation]] = {
        "offline_page": StepTranslation(_goes_offline),
        "mark_page_offline": StepTranslation(_is_marked),
    }

    mfn: Mfn
    result: str | UnsetType = UNSET

    def on_reference(self, host: Host) -> Outcome:
        return {"result": page_alloc.offline_page(host, self.mfn)}

    def on_model(self, model: ModelSide) -> object:
        return model.offline_page(self.mfn)

    def in_c(self, test: CTest) -> None:
        test.check(f'!strcmp(impl->offline_page({test.frame(self.mfn)}), "{self.result}")')

    def can_stand(self, model: ModelSide) -> bool:
        return model.has_page(self.mfn)

    @classmethod
    def small(cls, tiny: TinyHost, about: int) -> Iterable[Choice]:
        """A page that is neither offline nor marked."""
        pages = tiny.host.pages
        return (_small_frame("offline_page", about),) if about not in pages.offlined | pages.offlining else ()

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

    words: ClassVar[ScriptWords] = ScriptWords("online", "mfn")
    observed: ClassVar[tuple[str, ...]] = ("result",)
    weight: ClassVar[float] = 2
    about: ClassVar[str] = "frame"
    steps: ClassVar[dict[str, StepTranslation]] = {
        "online_page": StepTranslation(_comes_back),
    }

    mfn: Mfn
    result: str | UnsetType = UNSET

    def on_reference(self, host: Host) -> Outcome:
        return {"result": page_alloc.online_page(host, self.mfn)}

    def on_model(self, model: ModelSide) -> object:
        return model.online_page(self.mfn)

    def in_c(self, test: CTest) -> None:
        test.check(f'!strcmp(impl->online_page({test.frame(self.mfn)}), "{self.result}")')

    def can_stand(self, model: ModelSide) -> bool:
        return model.has_page(self.mfn)

    @classmethod
    def small(cls, tiny: TinyHost, about: int) -> Iterable[Choice]:
        """A page that is offline or marked."""
        pages = tiny.host.pages
        return (_small_frame("online_page", about),) if about in pages.offlined | pages.offlining else ()

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
