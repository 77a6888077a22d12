"""Plans for operations of several critical sections, run without interruption, and compared with the model's scripts.

Other plans compare each section from any state. These compare the order of the sections, the values passed from one to
the next, and the final outcome. That does not depend on the domain, so the plans use the last one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import z3

from model.calls import (
    OK,
    REFUSED,
    SCRIPTS,
    Block,
    PreemptionChoice,
    Script,
)
from reference import domain as domains
from reference import hypercalls, page_alloc, populate
from reference.constants import MAX_ORDER, SCRUB_CHUNK, MEMF_exact_node, MEMF_no_owner, MEMF_no_refcount
from reference.pages import PageState
from reference.steps import run

from .domains import interface_of
from .pages import request_label, requested_pages
from .plan import (
    U32,
    U64,
    UNKNOWN,
    BlockKind,
    Outcome,
    Plan,
    PlanDomain,
    PlannedScript,
    Setting,
    Table,
    answered,
    block_kinds,
    in_a_row,
    no_arguments,
    no_blocks,
)
from .played import PREEMPTED
from .stashes import stash_marks
from .world import ALL_THERE, MissingDomains, World


def _plan(
    operation: str,
    label: str,
    act: Callable[[World], Outcome],
    script: Callable[[Table], Script],
    known: list[Any],
    blocks: Callable[[World], Mapping[int, Block]] = no_blocks,
    there: MissingDomains = ALL_THERE,
) -> Plan:
    return Plan(operation, label, act, no_arguments, known, there=there, script=PlannedScript(script, blocks))


# -- claims and domains


def claim_pages(x: Setting) -> Iterator[Plan]:
    """XENMEM_claim_pages, for every domain and for an unknown one."""
    for domid in (x.domids[-1], None):
        yield _claim_pages(x, domid)


def _claim_pages(x: Setting, domid: int | None) -> Plan:
    pages, one = x.number("pages", U64)
    order, other = x.number("extent_order", U32)
    flags, third = x.mem_flags()

    def act(w: World) -> Outcome:
        asked = UNKNOWN if domid is None else domid
        return in_a_row(hypercalls.claim_pages(w.host, asked, pages, order, flags))  # type: ignore[arg-type]  # unknown

    def script(_t: Table) -> Script:
        return SCRIPTS["claim_pages"](domid, x.term(pages), extent_order=x.term(order), mem_flags=x.term(flags))

    return _plan("claim_pages", "unknown domain" if domid is None else f"d{domid}", act, script, one + other + third)


def unpausedomain(x: Setting) -> Iterator[Plan]:
    """For the last domain, with or without a stash, one page of it marked or not; and for an unknown domain."""
    for marked in (0, 1):
        yield _unpause(x, PlanDomain(x.domids[-1]), marked)
    yield _unpause(x, PlanDomain(None), 0)


def _unpause(x: Setting, who: PlanDomain, marked: int) -> Plan:
    def act(w: World) -> Outcome:
        w.stash_marked = marked
        return answered(lambda: hypercalls.unpausedomain(w.host, who.asked))

    known = [] if who.domid is None else stash_marks(x, who.domid, marked)
    label = f"{who}{', a page of the stash marked' if marked else ''}"
    return _plan("unpausedomain", label, act, lambda _t: SCRIPTS["unpausedomain"](who.domid), known)


def domain_kill(x: Setting) -> Iterator[Plan]:
    """For the last domain, with or without a stash, one page of it marked or not."""
    for marked in (0, 1) if interface_of(x.semantics).stashes else (0,):
        yield _kill(x, x.domids[-1], marked)


def _kill(x: Setting, domid: int, marked: int) -> Plan:
    def act(w: World) -> Outcome:
        w.stash_marked = marked
        return in_a_row(domains.domain_kill(w.host, w.domain(domid)))

    label = f"d{domid}{', a page of the stash marked' if marked else ''}"
    return _plan("domain_kill", label, act, lambda _t: SCRIPTS["domain_kill"](domid), stash_marks(x, domid, marked))


# -- allocating and freeing


def alloc_domheap_pages(x: Setting) -> Iterator[Plan]:
    """With and without a domain: from the first or the last node, or on one node from any node; refcounted or not.

    For a destroyed domain, from the first node.
    """
    for domid in (x.domids[-1], None):
        for requested in sorted({0, x.nodes[-1]}):
            for flags in (0, MEMF_no_refcount, MEMF_no_owner) if domid is not None else (0,):
                yield _alloc(x, PlanDomain(domid), requested, flags | MEMF_exact_node)
                if x.size.nodes == 1:
                    yield _alloc(x, PlanDomain(domid), None, flags)
    for flags in (0, MEMF_no_refcount):
        yield _alloc(x, x.worked_on[-1], 0, flags | MEMF_exact_node)


def _alloc(x: Setting, who: PlanDomain, requested: int | None, memflags: int) -> Plan:
    domid = who.domid
    order, known = x.order()

    def act(w: World) -> Outcome:
        domain = None if domid is None else w.domain(domid)
        mfns: list[int | None] = []

        def ask() -> str:
            mfns.append(run(page_alloc.alloc_domheap_pages(w.host, domain, order, requested, memflags)))  # type: ignore[arg-type]  # unknown
            return REFUSED if mfns[0] is None else OK

        return answered(ask)

    def script(_t: Table) -> Script:
        return SCRIPTS["alloc_domheap_pages"](domid, **requested_pages(x, requested, memflags))

    return _plan("alloc_domheap_pages", request_label(who, requested, memflags), act, script, known, there=who.there)


class _Populate(NamedTuple):
    """A call of populate_physmap."""

    extents: int
    start: int = 0
    preempt: tuple[int, int] | None = None
    stash: bool = False
    """The domain may have a stash at the start."""
    too_large: bool = False
    """The order exceeds the largest of the heap."""

    def __str__(self) -> str:
        words = [f"{self.extents} extents"]
        if self.start:
            words.append(f"from {self.start}")
        if self.preempt:
            words.append(f"preempted in {self.preempt[0]} at {self.preempt[1]}")
        if self.stash:
            words.append("with or without a stash")
        if self.too_large:
            words.append("order too large")
        return ", ".join(words)


def populate_physmap(x: Setting) -> Iterator[Plan]:
    """No or one extent, and on hosts of one node two, from the first node; one for an unknown domain.

    In generations with a stash the call is preempted while a large enough extent is scrubbed: with or without a stash
    on hosts of one or two nodes, without one on larger hosts. On one node, a call with two extents is also preempted
    between them and, without a stash, in the second.
    """
    small = x.size.nodes == 1
    stashes = interface_of(x.semantics).stashes
    stash = stashes and x.size.nodes * x.size.domains <= 4
    calls = [_Populate(0), _Populate(1, 2), _Populate(2, 1, (1, SCRUB_CHUNK) if stashes else None, stash)]
    if small:
        calls += [_Populate(2, 0, (1, 0), stash), _Populate(2, 0, (1, 2 * SCRUB_CHUNK) if stashes else None)]
    for call in calls:
        yield _populate(x, PlanDomain(x.domids[-1]), call)
    yield _populate(x, PlanDomain(x.domids[-1]), _Populate(1, too_large=True))
    yield _populate(x, PlanDomain(None), _Populate(1))


def _populate(x: Setting, who: PlanDomain, call: _Populate) -> Plan:
    order, known = x.order()
    extents, start, preempt, stash, too_large = call
    asked = requested_pages(x, 0, MEMF_exact_node)
    if too_large:
        asked |= {"order": MAX_ORDER + 1, "pages": 1 << (MAX_ORDER + 1)}
    else:
        known = [*known, x.terms.number("order") <= MAX_ORDER]

    def act(w: World) -> Outcome:
        at = None if preempt is None else populate.PreemptionChoice(*preempt)
        wanted: Any = MAX_ORDER + 1 if too_large else order
        steps = populate.populate_physmap(w.host, who.asked, extents, wanted, 0, MEMF_exact_node, start, at)
        return answered(lambda: _populated(run(steps), order))

    def script(_t: Table) -> Script:
        at = None if preempt is None else PreemptionChoice(*preempt)
        return SCRIPTS["populate_physmap"](who.domid, extents, start_extent=start, preempt_at=at, **asked)

    if who.domid is not None and not stash:
        known = [*known, x.terms.number(f"stash_pages[{who.domid}]") == 0]
    return _plan("populate_physmap", f"{who}, {call}", act, script, known)


def _populated(found: populate.PopulateResult, order: Any) -> Outcome:
    answer = {
        "pages": sum(order.pages for _ in found.mfns),
        "nr_done": found.nr_done,
        "preempted": PREEMPTED[found.preempted],
    }
    return Outcome(OK, answer if found.scrub_index is None else {**answer, "scrub_index": found.scrub_index})


def free_domheap_pages(x: Setting) -> Iterator[Plan]:
    """Blocks of every kind."""
    for kind in block_kinds(x, [x.domids[-1]]):
        yield _free(x, kind)


def _free(x: Setting, kind: BlockKind) -> Plan:
    order, known = x.order()
    block = kind.in_model(x.pages)
    frames: list[int] = []

    def act(w: World) -> Outcome:
        frames[:] = [kind.enter(w, order)]
        w.begin()
        return in_a_row(page_alloc.free_domheap_pages(w.host, frames[0], order))  # type: ignore[arg-type]  # unknown

    limits = [*known, x.terms.number("order") <= MAX_ORDER]
    return _plan(
        "free_domheap_pages",
        str(kind),
        act,
        lambda _t: SCRIPTS["free_domheap_pages"](block),
        limits,
        lambda _w: {frames[0]: block},
    )


def relinquish_memory(x: Setting) -> Iterator[Plan]:
    """For a dying domain with 0 to 2 blocks, on every pair of nodes."""
    for domid in x.domids[-1:]:
        yield _relinquish(x, "relinquish_memory", domid, ())
        for one in x.nodes:
            yield _relinquish(x, "relinquish_memory", domid, (one,))
            for other in range(one, x.size.nodes):
                yield _relinquish(x, "relinquish_memory", domid, (one, other))


def destroydomain(x: Setting) -> Iterator[Plan]:
    """For every domain without or with a block, alive or dying, with or without pages in limbo; and an unknown one."""
    for domid in x.domids[-1:]:
        for limbo in (False, True):
            yield _relinquish(x, "destroydomain", domid, (), limbo)
            for node in x.nodes:
                yield _relinquish(x, "destroydomain", domid, (node,), limbo)
    yield _plan(
        "destroydomain",
        "unknown domain",
        lambda w: in_a_row(hypercalls.destroydomain(w.host, UNKNOWN)),
        lambda _t: SCRIPTS["destroydomain"](None, dict),
        [],
    )


def _relinquish(x: Setting, operation: str, domid: int, nodes: tuple[int, ...], limbo: bool = False) -> Plan:
    order, known = x.order()
    kinds = [BlockKind(node, PageState.ASSIGNED, domid, True) for node in nodes]
    if limbo:
        kinds.append(BlockKind(0, PageState.LIMBO, domid, True))
    frames: list[int] = []

    def act(w: World) -> Outcome:
        frames[:] = [kind.enter(w, order) for kind in kinds]
        w.begin()
        if operation == "destroydomain":
            return in_a_row(hypercalls.destroydomain(w.host, domid))
        freed: Any = run(domains.relinquish_memory(w.host, w.domain(domid)))
        return Outcome(OK, {"pages": freed})

    def script(t: Table) -> Script:
        if operation == "destroydomain":
            return SCRIPTS[operation](domid, lambda: t.owned(domid))
        return SCRIPTS[operation](lambda: t.owned(domid))

    dying = [x.terms.flag(f"is_dying[{domid}]")] if operation == "relinquish_memory" else []
    limits = [*known, x.terms.number("order") <= MAX_ORDER, *dying]
    label = f"d{domid}, blocks on nodes {list(nodes)}{', pages in limbo' if limbo else ''}"
    return _plan(
        operation,
        label,
        act,
        script,
        limits,
        lambda _w: dict(zip(frames, (kind.in_model(x.pages) for kind in kinds), strict=True)),
    )


# -- exchanging


def memory_exchange(x: Setting) -> Iterator[Plan]:
    """One page for one, two for a block of two, a block of two for two; and frames that the domain does not own.

    On a host of one node and domain, the domain may be dead and be put after its last page; else it is not dead.
    """
    for domid in x.domids[-1:]:
        for owned in (True, False):
            yield _exchange(x, domid, 1, 0, 0, owned)
        if x.size.nodes == 1:
            yield _exchange(x, domid, 2, 0, 1, True)
            yield _exchange(x, domid, 1, 1, 0, True)
    yield _exchange(x, None, 1, 0, 0, True)


def _exchange(x: Setting, domid: int | None, extents: int, in_order: int, out_order: int, owned: bool) -> Plan:
    """``owned``: the last frame is that of an extent of the domain."""
    node = x.nodes[-1]
    mine = BlockKind(node, PageState.ASSIGNED, 0 if domid is None else domid, True)
    kinds = [mine] * (extents if owned else extents - 1)
    if not owned:
        kinds.append(BlockKind(node, PageState.ANONYMOUS, None, False))
    frames: list[int] = []

    def act(w: World) -> Outcome:
        frames[:] = [kind.enter(w, in_order) for kind in kinds]
        w.begin()
        asked = UNKNOWN if domid is None else domid

        def ask() -> Outcome:
            exchanged = run(hypercalls.memory_exchange(w.host, asked, frames, in_order, out_order, node))
            return Outcome(str(exchanged.status), {"pages": len(exchanged.mfns) << out_order})

        return answered(ask)

    def script(t: Table) -> Script:
        return SCRIPTS["memory_exchange"](domid, frames, t.blocks.get, in_order, out_order, requested=node)

    alive = domid is not None and x.size != (1, 1)
    known = [z3.Not(x.terms.flag(f"is_dead[{domid}]"))] if alive else []
    whose = "unknown domain" if domid is None else f"d{domid}"
    label = f"{whose}, {extents} extents, orders {in_order} and {out_order}{'' if owned else ', not its own'}"
    return _plan(
        "memory_exchange",
        label,
        act,
        script,
        known,
        lambda _w: dict(zip(frames, (kind.in_model(1 << in_order) for kind in kinds), strict=True)),
    )
