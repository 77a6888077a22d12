"""Plans of the operations of several critical sections, all sections in a row, and the model's scripts beside them.

Each section is looked at by itself elsewhere, from any state. Here it is the order of the sections, what each hands to
the next, and what comes out in the end. That does not depend on which domain it is: it is the last.
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
    PreemptAt,
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
    Scripted,
    Setting,
    Table,
    Who,
    answered,
    block_kinds,
    in_a_row,
    no_arguments,
    no_blocks,
)
from .played import PREEMPTED
from .stashes import stash_marks
from .world import ALL_THERE, There, World


def _plan(
    operation: str,
    label: str,
    act: Callable[[World], Outcome],
    script: Callable[[Table], Script],
    known: list[Any],
    blocks: Callable[[World], Mapping[int, Block]] = no_blocks,
    there: There = ALL_THERE,
) -> Plan:
    return Plan(operation, label, act, no_arguments, known, there=there, script=Scripted(script, blocks))


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
    """Of the last domain, with any stash or none, of which a page is marked or none; of an unknown one."""
    for marked in (0, 1):
        yield _unpause(x, Who(x.domids[-1]), marked)
    yield _unpause(x, Who(None), 0)


def _unpause(x: Setting, who: Who, marked: int) -> Plan:
    def act(w: World) -> Outcome:
        w.stash_marked = marked
        return answered(lambda: hypercalls.unpausedomain(w.host, who.asked))

    known = [] if who.domid is None else stash_marks(x, who.domid, marked)
    label = f"{who}{', a page of the stash marked' if marked else ''}"
    return _plan("unpausedomain", label, act, lambda _t: SCRIPTS["unpausedomain"](who.domid), known)


def domain_kill(x: Setting) -> Iterator[Plan]:
    """Of the last domain, with any stash or none, of which a page is marked or none."""
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
    """For a domain and none: from the first node, or the last, or on one node from any; refcounted or not.

    For a destroyed domain from the first node.
    """
    for domid in (x.domids[-1], None):
        for requested in sorted({0, x.nodes[-1]}):
            for flags in (0, MEMF_no_refcount, MEMF_no_owner) if domid is not None else (0,):
                yield _alloc(x, Who(domid), requested, flags | MEMF_exact_node)
                if x.size.nodes == 1:
                    yield _alloc(x, Who(domid), None, flags)
    for flags in (0, MEMF_no_refcount):
        yield _alloc(x, x.worked_on[-1], 0, flags | MEMF_exact_node)


def _alloc(x: Setting, who: Who, requested: int | None, memflags: int) -> Plan:
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
    """There may be a stash when it begins."""
    too_large: bool = False
    """The order is above what the heap has."""

    def __str__(self) -> str:
        words = [f"{self.extents} extents"]
        if self.start:
            words.append(f"from {self.start}")
        if self.preempt:
            words.append(f"preempted in {self.preempt[0]} at {self.preempt[1]}")
        if self.stash:
            words.append("any stash or none")
        if self.too_large:
            words.append("order too large")
        return ", ".join(words)


def populate_physmap(x: Setting) -> Iterator[Plan]:
    """None or one extent, and on one node two, from the first node; one for an unknown domain.

    In generations with a stash it is preempted while the extent is scrubbed, where that is large enough: with any stash
    or none on hosts of one or two nodes, with none on larger ones. On one node two extents are also preempted between
    them and, where there is no stash, in the second.
    """
    small = x.size.nodes == 1
    stashes = interface_of(x.semantics).stashes
    stash = stashes and x.size.nodes * x.size.domains <= 4
    calls = [_Populate(0), _Populate(1, 2), _Populate(2, 1, (1, SCRUB_CHUNK) if stashes else None, stash)]
    if small:
        calls += [_Populate(2, 0, (1, 0), stash), _Populate(2, 0, (1, 2 * SCRUB_CHUNK) if stashes else None)]
    for call in calls:
        yield _populate(x, Who(x.domids[-1]), call)
    yield _populate(x, Who(x.domids[-1]), _Populate(1, too_large=True))
    yield _populate(x, Who(None), _Populate(1))


def _populate(x: Setting, who: Who, call: _Populate) -> Plan:
    order, known = x.order()
    extents, start, preempt, stash, too_large = call
    asked = requested_pages(x, 0, MEMF_exact_node)
    if too_large:
        asked |= {"order": MAX_ORDER + 1, "pages": 1 << (MAX_ORDER + 1)}
    else:
        known = [*known, x.terms.number("order") <= MAX_ORDER]

    def act(w: World) -> Outcome:
        at = None if preempt is None else populate.PreemptAt(*preempt)
        wanted: Any = MAX_ORDER + 1 if too_large else order
        steps = populate.populate_physmap(w.host, who.asked, extents, wanted, 0, MEMF_exact_node, start, at)
        return answered(lambda: _populated(run(steps), order))

    def script(_t: Table) -> Script:
        at = None if preempt is None else PreemptAt(*preempt)
        return SCRIPTS["populate_physmap"](who.domid, extents, start_extent=start, preempt_at=at, **asked)

    if who.domid is not None and not stash:
        known = [*known, x.terms.number(f"stash_pages[{who.domid}]") == 0]
    return _plan("populate_physmap", f"{who}, {call}", act, script, known)


def _populated(found: populate.Populated, order: Any) -> Outcome:
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
    """Of a dying domain with none to two blocks, on every two nodes."""
    for domid in x.domids[-1:]:
        yield _relinquish(x, "relinquish_memory", domid, ())
        for one in x.nodes:
            yield _relinquish(x, "relinquish_memory", domid, (one,))
            for other in range(one, x.size.nodes):
                yield _relinquish(x, "relinquish_memory", domid, (one, other))


def destroydomain(x: Setting) -> Iterator[Plan]:
    """Of every domain with none or one block, alive or dying, with pages in limbo or not; and of an unknown one."""
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
    """One page for one, two for a block of two, a block of two for two; frames that are not the domain's.

    The last of its pages may let the domain go on a host of one node and domain; else it is not dead.
    """
    for domid in x.domids[-1:]:
        for owned in (True, False):
            yield _exchange(x, domid, 1, 0, 0, owned)
        if x.size.nodes == 1:
            yield _exchange(x, domid, 2, 0, 1, True)
            yield _exchange(x, domid, 1, 1, 0, True)
    yield _exchange(x, None, 1, 0, 0, True)


def _exchange(x: Setting, domid: int | None, extents: int, in_order: int, out_order: int, owned: bool) -> Plan:
    """``owned``: the second of the frames, or the only one, is an extent of the domain."""
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
