"""The hypercalls that take or exchange several extents."""

from __future__ import annotations

from typing import ClassVar, Literal

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from reference import hypercalls
from reference.constants import MAX_ORDER, SCRUB_CHUNK
from reference.populate import PreemptionChoice, populate_physmap
from reference.state import Host
from reference.steps import Steps

from .allocating import drawn_order
from .entries import memflags, memflags_in_c, none_in_c
from .event import Event, Outcome, ScriptWords
from .fields import Count, Domid, MemFlag, Mfn, Node, Order
from .model_steps import SMALLEST_PREEMPTED, ModelTrace, StepArguments, StepTranslation, UntraceableStepError
from .sides import CTest, HostAtWork, ModelSide, OperationEnd

_MOST_SPLIT = 4
"""The most orders by which an exchange splits blocks; each order doubles the number of critical sections."""


class PreemptionPoint(Struct, forbid_unknown_fields=True, frozen=True):
    """A preemption check: before an extent (``scrub_index`` 0), or within it, so many pages on."""

    extent: Count
    scrub_index: Count


PreemptionKind = Literal["between extents", "scrubbing"]


def _is_preempted(trace: ModelTrace, a: StepArguments) -> None:
    """An extent leaves the heap and is stashed while it is scrubbed."""
    event = trace.request(a, "populate_physmap", a["domid"], ())
    del event["order"]
    event |= {"nr_extents": 1, "extent_order": SMALLEST_PREEMPTED}
    event |= {"preempt_at": {"extent": 0, "scrub_index": SCRUB_CHUNK}}
    event |= {"mfns": [], "nr_done": 0, "preempted": "scrubbing", "scrub_index": SCRUB_CHUNK}
    trace.stashes[a["domid"]] = trace.free[a["node"]].block()


def _begins(trace: ModelTrace, a: StepArguments) -> None:
    event = {"op": "populate_physmap", "domid": a["domid"], "nr_extents": 1, "extent_order": 0}
    trace.events.append({**event, "builder": trace.builder()})
    trace.populating.setdefault(a["domid"], []).append(trace.events[-1])


def _goes_on_for_destroyed(trace: ModelTrace, a: StepArguments) -> None:
    """A populate continues that began while the domain was on the list."""
    if not trace.populating.get(a["domid"]):
        raise UntraceableStepError
    event = trace.populating[a["domid"]].pop(0)
    event["node"] = a["requested_node"]
    event["memflags"] = ["exact_node"] if a["exact_node"] else []
    trace.limbo.setdefault((a["domid"], a["node"]), []).append(trace.free[a["node"]].single())
    trace.events.append({"op": "continue", "builder": event["builder"]})


def _frees_stash(trace: ModelTrace, a: StepArguments) -> None:
    """A populate that the stash does not match frees it first; so does the end of domain_kill."""
    frames = trace.stashes.pop(a["domid"], None)
    if frames is None:
        raise UntraceableStepError
    trace.free[a["node"]].give(frames)
    if a["domid"] in trace.dying:
        trace.events.append({"op": "continue", "builder": trace.killing[a["domid"]], "result": "OK"})
        return
    event = {"op": "populate_physmap", "domid": a["domid"], "nr_extents": 1, "extent_order": 0}
    trace.events.append({**event, "builder": trace.builder()})


class PopulatePhysmap(Event, tag="populate_physmap"):
    """``XENMEM_populate_physmap``: ``mfns`` are the extents that this call finished, ``nr_done`` counts all."""

    words: ClassVar[ScriptWords] = ScriptWords(
        "populate",
        "nr_extents",
        {"order": "extent_order", "flags": "memflags", "start": "start_extent", "preempt": "preempt_at"},
        {"extent_order": 0},
    )
    observed: ClassVar[tuple[str, ...]] = ("mfns", "nr_done", "preempted", "scrub_index")
    weight: ClassVar[float] = 4
    in_steps: ClassVar[bool] = True
    outcomes: ClassVar[tuple[str, ...]] = (
        "none of the extents",
        "some of the extents",
        "all of the extents",
        "preempted between extents",
    )
    steps: ClassVar[dict[str, StepTranslation]] = {
        "populate_preempted": StepTranslation(
            _is_preempted,
            "alive, no stash",
            sections=("alloc_heap_pages",),  # large enough to be stashed
            needs=frozenset({"free_stash"}),
        ),
        "populate_begins": StepTranslation(_begins, "no stash"),
        "alloc_for_destroyed": StepTranslation(_goes_on_for_destroyed, "names its node"),
        "free_stash": StepTranslation(_frees_stash),
    }

    domid: Domid
    nr_extents: Count
    extent_order: Order
    node: Node | None = None
    memflags: list[MemFlag] = []
    start_extent: Count = 0
    preempt_at: PreemptionPoint | None = None
    mfns: list[Mfn] | UnsetType = UNSET
    nr_done: Count | UnsetType = UNSET
    preempted: PreemptionKind | None | UnsetType = UNSET
    scrub_index: Count | UnsetType = UNSET

    def on_reference(self, host: Host) -> Steps[Outcome]:
        extents, at = self.nr_extents, self.preempt_at
        if self.mfns is not UNSET:  # one more than observed shows a difference; all may be billions
            extents = min(extents, self.start_extent + len(self.mfns) + 1)
        done = yield from populate_physmap(
            host,
            self.domid,
            extents,
            self.extent_order,
            self.node,
            memflags(self.memflags),
            self.start_extent,
            None if at is None else PreemptionChoice(at.extent, at.scrub_index),
        )
        outcome: Outcome = {"mfns": done.mfns, "nr_done": done.nr_done, "preempted": done.preempted}
        return outcome if done.scrub_index is None else outcome | {"scrub_index": done.scrub_index}

    def on_model(self, model: ModelSide) -> object:
        at = self.preempt_at
        return model.script(
            "populate_physmap",
            model.known(self.domid),
            self.nr_extents,
            self.extent_order,
            self.start_extent,
            None if at is None else model.preempt_at(at.extent, at.scrub_index),
            **model.request(self),
        )

    def in_c(self, test: CTest) -> None:
        at = PreemptionPoint(-1, 0) if self.preempt_at is None else self.preempt_at
        fields = {
            "nr_extents": f"{self.nr_extents}ull",
            "start_extent": f"{self.start_extent}ull",
            "order": self.extent_order,
            "memflags": memflags_in_c(self.memflags),
            "node": none_in_c(self.node),
            "preempt_extent": at.extent,
            "preempt_scrub_index": at.scrub_index,
        }
        given = ", ".join(f".{name} = {value}" for name, value in fields.items())
        test.line(f"populate = (struct claim_populate){{ {given} }};")
        test.line(f"impl->populate_physmap({self.domid}, &populate);")
        if self.mfns is not UNSET:
            test.check(f"populate.nr_mfns == {len(self.mfns)}")
            test.blocks_of("populate.mfns", self.mfns, self.extent_order)
        if self.nr_done is not UNSET:
            test.check(f"populate.nr_done == {self.nr_done}")
        if self.preempted is not UNSET:
            name = "NOT_PREEMPTED" if self.preempted is None else self.preempted.upper().replace(" ", "_")
            test.check(f"populate.preempted == CLAIM_{name}")
        if self.scrub_index is not UNSET:
            test.check(f"populate.scrub_index == {self.scrub_index}")
        test.line("free(populate.mfns);")

    def can_stand(self, model: ModelSide) -> bool:
        """The hypercall has neither of the two flags."""
        del model
        return not {"no_refcount", "no_owner"}.intersection(self.memflags)

    def outcome_of(self, ended: OperationEnd, model: ModelSide) -> list[str]:
        del model
        preempted = [] if ended.preempted is None else [f"preempted {ended.preempted}"]
        found = len(ended.blocks)
        how = "none" if not found else "all" if found == self.nr_extents - self.start_extent else "some"
        return [*preempted, f"{how} of the extents"]

    @classmethod
    def drawn(cls, work: HostAtWork) -> PopulatePhysmap:
        """A few extents; or the continuation of a preempted call, mostly with the same arguments."""
        draw = work.draw
        domid = work.populated_domid()
        continued = work.preempted.get(domid)
        if continued is None or draw.random() < 0.4:
            node = work.any_node()
            event = cls(
                domid=domid,
                nr_extents=draw.below(9),
                extent_order=_extent_order(work, node),
                node=node,
                memflags=["exact_node"] if draw.random() < 0.3 else [],
            )
        else:
            event = replace(continued)
            if draw.random() < 0.1:
                event.nr_extents += draw.below(3)
            if draw.random() < 0.1:
                event.node, event.memflags = work.any_node(), ["exact_node"]
        event.preempt_at = _preempt_at(work, event)
        return event


def _extent_order(work: HostAtWork, node: int | None) -> int:
    """Mostly as for any request; if there is room, often so large that scrubbing may be preempted."""
    draw = work.draw
    if max(work.host.node_avail_pages) >> SMALLEST_PREEMPTED and draw.random() < 0.6:
        return SMALLEST_PREEMPTED + draw.below(2)
    return drawn_order(work, node)


def _preempt_at(work: HostAtWork, event: PopulatePhysmap) -> PreemptionPoint | None:
    """The preemption check that succeeds; it may be one that is not reached."""
    draw = work.draw
    if not work.extended or draw.random() < 0.4:
        return None
    large = event.extent_order >= SMALLEST_PREEMPTED
    extent = event.start_extent + draw.below(max(1, min(event.nr_extents - event.start_extent, 3)))
    if not large or draw.random() < 0.15:
        return PreemptionPoint(extent, 0)
    chunks = (1 << min(event.extent_order, SMALLEST_PREEMPTED + 2)) // SCRUB_CHUNK
    return PreemptionPoint(extent, SCRUB_CHUNK * (1 + draw.below(chunks)))


class MemoryExchange(Event, tag="memory_exchange"):
    """``XENMEM_exchange``: ``mfns`` are the new extents of the chunks that succeeded."""

    words: ClassVar[ScriptWords] = ScriptWords("exchange", "in_mfns", defaults={"in_order": 0, "out_order": 0})
    observed: ClassVar[tuple[str, ...]] = ("result", "mfns")
    weight: ClassVar[float] = 2
    in_steps: ClassVar[bool] = True
    outcomes: ClassVar[tuple[str, ...]] = ("EPERM", "EINVAL", "ESRCH", "ENOMEM", "OK")

    domid: Domid
    in_mfns: list[Mfn]
    in_order: Order
    out_order: Order
    node: Node | None = None
    result: str | UnsetType = UNSET
    mfns: list[Mfn] | UnsetType = UNSET

    def on_reference(self, host: Host) -> Steps[Outcome]:
        exchanged = yield from hypercalls.memory_exchange(
            host, self.domid, self.in_mfns, self.in_order, self.out_order, self.node
        )
        return {"result": exchanged.status, "mfns": exchanged.mfns}

    def on_model(self, model: ModelSide) -> object:
        order = self.in_order
        return model.script(
            "memory_exchange",
            model.known(self.domid),
            self.in_mfns,
            lambda mfn: model.pages_at(mfn, order),
            order,
            self.out_order,
            requested=self.node,
        )

    def in_c(self, test: CTest) -> None:
        frames = ", ".join(test.frame(mfn, self.in_order) for mfn in self.in_mfns)
        listed = f"(const uint64_t[]){{ {frames} }}" if frames else "0"
        given = f".in_mfns = {listed}, .nr_in = {len(self.in_mfns)}, .in_order = {self.in_order}"
        test.line(f"exchange = (struct claim_exchange){{ {given}, .out_order = {self.out_order},")
        test.line(f"    .node = {none_in_c(self.node)} }};")
        test.result(f"impl->memory_exchange({self.domid}, &exchange)", self.result)
        if self.mfns is not UNSET:
            test.check(f"exchange.nr_mfns == {len(self.mfns)}")
            test.blocks_of("exchange.mfns", self.mfns, self.out_order)
        test.line("free(exchange.mfns);")

    def outcome_of(self, ended: OperationEnd, model: ModelSide) -> list[str]:
        del model
        return [ended.result]

    @classmethod
    def drawn(cls, work: HostAtWork) -> MemoryExchange | None:
        """Extents of a domain for extents of another order; sometimes extents that the domain does not own."""
        draw = work.draw
        blocks = work.owned_blocks()
        if not blocks:
            return None
        block = draw.pick(blocks)
        in_order = draw.below(min(block.order, _MOST_SPLIT) + 1)
        out_order = draw.below(3) if draw.random() < 0.6 else in_order
        extents = 1 << max(0, out_order - in_order)
        if draw.random() < 0.2:
            extents += draw.below(3)
        mfns = _extents(work, block.domid, in_order, extents)
        if draw.random() < 0.1:
            mfns[draw.below(len(mfns))] = draw.below(len(work.host.node_pages) * work.host.node_span)
        if draw.random() < 0.02:
            out_order = MAX_ORDER + 1
        assert block.domid is not None  # the block is a domain's
        return cls(
            domid=draw.looked_up(block.domid),
            in_mfns=mfns,
            in_order=in_order,
            out_order=out_order,
            node=work.any_node(),
        )


def _extents(work: HostAtWork, domid: int | None, order: int, number: int) -> list[int]:
    """First frames of extents of a domain: up to ``number``, but at least one."""
    found = []
    for block in work.owned_blocks():
        if block.domid == domid and block.order >= order:
            for mfn in range(block.mfn, block.mfn + min(block.pages, number << order), 1 << order):
                found.append(mfn)
                if len(found) == number:
                    return found
    return found
