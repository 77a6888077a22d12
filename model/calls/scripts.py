"""Operations of several critical sections: which calls they make, in which order, and where others may run.

A script is a generator. It yields a `ScriptSection`, a call of one critical section, and receives the `Case` that
applied. It yields `BOUNDARY` where no lock is held and other builders may run. It returns an `ScriptOutcome`.
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from model.calls.case import Case
from model.logic import Term
from model.operations.allocating import MAX_ORDER
from model.operations.blocks import ASSIGNED, Block
from model.operations.section import CRASH, OK, REFUSED


class ScriptSection(NamedTuple):
    """One call: a name in `CALLS`, and its arguments."""

    call: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Boundary:
    """No lock is held: other builders may run here."""


BOUNDARY: Final = Boundary()


class ScriptOutcome(NamedTuple):
    """How an operation ended."""

    result: str
    blocks: tuple[Block, ...] = ()
    """The pages allocated to the domain, or for no domain."""
    pages: Term = 0
    """`relinquish_memory`: the pages freed."""
    nr_done: int = 0
    """`populate_physmap`: all extents done, including those of earlier calls."""
    preempted: str | None = None
    """`populate_physmap`: where it was preempted; None: it was not preempted."""
    scrub_index: int | None = None
    """The page index at which scrubbing was preempted."""
    check: str = ""
    """The check that refused the operation before its first call, one of `SCRIPT_REFUSALS`; empty: none did."""


UNKNOWN_DOMAIN, ORDER_TOO_LARGE = "unknown-domain", "order-too-large"
SCRIPT_REFUSALS: Final = (
    ("populate_physmap", UNKNOWN_DOMAIN, REFUSED),
    ("populate_physmap", ORDER_TOO_LARGE, REFUSED),
    ("destroydomain", UNKNOWN_DOMAIN, "ESRCH"),
)
"""Checks that refuse an operation before its first call: the operation, the check, the result."""

Script = Generator[ScriptSection | Boundary, Case | None, ScriptOutcome]


def _made(case: Case | None) -> Case:
    if case is None:
        raise TypeError("send the script the Case of the section that it yielded")
    return case


def _block(case: Case | None) -> Block:
    block = _made(case).block
    if block is None:
        raise TypeError("the case has no block of pages")
    return block


def claim_pages(domid: Term, pages: Term, **checked: Term) -> Script:
    """XENMEM_claim_pages: is_dying is checked before the locks are taken."""
    case = _made((yield ScriptSection("claim_pages_check", {"domid": domid, "pages": pages, **checked})))
    if case.result != OK:
        return ScriptOutcome(case.result)
    yield BOUNDARY
    case = _made((yield ScriptSection("set_outstanding_pages", {"domid": domid, **case.answer})))
    return ScriptOutcome(case.result)


def alloc_domheap_pages(domid: Term, **request: Any) -> Script:
    """Allocates pages, then assigns them. If that fails the pages are freed; redeemed claims are not restored."""
    case = _made((yield ScriptSection("alloc_heap_pages", {"domid": domid, **request})))
    if case.result != OK:
        return ScriptOutcome(case.result)
    block = _block(case)
    if domid is None or request.get("no_owner", False):
        return ScriptOutcome(OK, (block,))
    yield BOUNDARY
    no_refcount = request.get("no_refcount", False)
    case = _made((yield ScriptSection("assign_pages", {"domid": domid, "block": block, "no_refcount": no_refcount})))
    if case.result == OK:
        return ScriptOutcome(OK, (_block(case),))
    yield BOUNDARY
    yield ScriptSection("free_heap_pages", {"block": block})
    return ScriptOutcome(REFUSED)


def free_domheap_pages(block: Block) -> Script:
    """Takes the pages off tot_pages, then returns them to the heap. A dead domain's last pages release the domain."""
    last_of: Term = None
    if block.state == ASSIGNED:
        owner = block.owner
        case = _made((yield ScriptSection("release_ownership", {"block": block})))
        last_of = owner if case.name == "released-last" else None
        block = _block(case)
        yield BOUNDARY
    yield ScriptSection("free_heap_pages", {"block": block})
    if last_of is not None:
        yield ScriptSection("put_domain", {"domid": last_of, "freed": True})
    return ScriptOutcome(OK)


BETWEEN_EXTENTS = "between extents"
SCRUBBING = "scrubbing"


class PreemptionChoice(NamedTuple):
    """The preemption check of populate_physmap that succeeds. If it is not reached it has no effect."""

    extent: int
    scrub_index: int
    """0: before the extent; else within it, once this many of its pages are scrubbed."""


def populate_physmap(
    domid: Term,
    extents: int,
    order: Term,
    start_extent: int = 0,
    preempt_at: PreemptionChoice | None = None,
    **request: Any,
) -> Script:
    """Allocates extents until one fails or the call is preempted. The result is their number, never an error.

    Requests are refcounted: MEMF_no_refcount and MEMF_no_owner do not exist for this call.

    :param domid: the domain; None: unknown
    :param extents: the number of all extents, of which `start_extent` are done already
    :param request: the other arguments of `alloc_heap_pages`; `pages` of an extent if its order is symbolic
    """
    done: list[Block] = []
    if domid is None:
        return ScriptOutcome(OK, nr_done=start_extent, check=UNKNOWN_DOMAIN)
    if isinstance(order, int) and order > MAX_ORDER:
        return ScriptOutcome(OK, nr_done=start_extent, check=ORDER_TOO_LARGE)
    for extent in range(start_extent, extents):
        if extent > start_extent:
            if preempt_at == (extent, 0):
                return ScriptOutcome(OK, tuple(done), nr_done=extent, preempted=BETWEEN_EXTENTS)
            yield BOUNDARY
        at = preempt_at.scrub_index if preempt_at is not None and preempt_at.extent == extent else 0
        got = yield from _extent(domid, at, {"order": order, **request})
        if got == SCRUBBING:
            return ScriptOutcome(OK, tuple(done), nr_done=extent, preempted=SCRUBBING, scrub_index=at)
        if got is None:
            return ScriptOutcome(OK, tuple(done), nr_done=extent)
        done.append(got)
    return ScriptOutcome(OK, tuple(done), nr_done=max(start_extent, extents))


_Extent = Generator[ScriptSection | Boundary, Case | None, Any]
"""Returns the block, `SCRUBBING`, or None if there is no block."""


def _extent(domid: Term, preempt_at: int, request: Mapping[str, Any]) -> _Extent:
    """One extent of populate_physmap: its critical sections P1 to P4."""
    pages = request["pages"] if "pages" in request else 1 << request["order"]
    wanted = {key: request[key] for key in ("requested", "exact") if key in request}
    case = _made((yield ScriptSection("get_stashed_allocation", {"domid": domid, "pages": pages, **wanted})))
    if case.name == "never-stashes":
        return (yield from _plain(domid, request))
    if case.result != OK:
        return None
    if case.name == "unsuitable":
        yield from _free_stash(domid, _block(case))
    yield BOUNDARY
    scrub_index: Term = 0
    if case.name == "taken":
        block, scrub_index = _block(case), case.answer["scrub_index"]
    else:
        case = _made((yield ScriptSection("creation_check", {"domid": domid})))
        if case.name == "finished":
            return (yield from _plain(domid, request))
        case = _made((yield ScriptSection("alloc_heap_pages", {"domid": domid, **request})))
        if case.result != OK:
            return None
        block = _block(case)
        yield BOUNDARY
    if preempt_at != 0 and (yield from _preempted(domid, block, scrub_index, preempt_at)):
        return SCRUBBING
    case = _made((yield ScriptSection("assign_pages", {"domid": domid, "block": block, "no_refcount": False})))
    if case.result == OK:
        return _block(case)
    yield BOUNDARY
    yield ScriptSection("free_heap_pages", {"block": block})
    return None


def _plain(domid: Term, request: Mapping[str, Any]) -> _Extent:
    ended = yield from alloc_domheap_pages(domid, **request)
    return ended.blocks[0] if ended.result == OK else None


def _preempted(
    domid: Term, block: Block, scrub_index: Term, at: int
) -> Generator[ScriptSection | Boundary, Case | None, bool]:
    """The end of P3: whether the call is preempted. It is not where a second extent must not be freed."""
    asked = {"domid": domid, "pages": block.pages, "scrub_index": scrub_index, "preempt_at": at}
    case = _made((yield ScriptSection("preemption_check", asked)))
    if case.name != "preempted":
        return False
    case = _made((yield ScriptSection("stash_allocation", {"domid": domid, "block": block, "scrub_index": at})))
    if case.result != OK:
        yield BOUNDARY
        return False
    if case.name != "stashed":
        yield from _free_stash(domid, block)
    return True


def _free_stash(domid: Term, block: Block) -> "_Silent":
    """An extent is freed, and its marked pages go offline, in the same critical section."""
    yield ScriptSection("free_stash", {"domid": domid, "block": block})
    yield ScriptSection("offline_marked", {"block": block})


def unpausedomain(domid: Term) -> Script:
    """XEN_DOMCTL_unpausedomain: one section. `domid` None: unknown."""
    case = _made((yield ScriptSection("domain_unpause_by_systemcontroller", {"domid": domid})))
    if case.name == "crashed":
        yield from _free_stash(domid, _block(case))
    return ScriptOutcome(case.result)


def domain_kill(domid: Term) -> Script:
    """Marks the domain dying, releases all claims, then frees the stash. Killing it again does nothing."""
    case = _made((yield ScriptSection("mark_dying", {"domid": domid})))
    if case.name == "already-dying":
        return ScriptOutcome(OK)
    yield BOUNDARY
    yield ScriptSection("release_all_claims", {"domid": domid})
    case = _made((yield ScriptSection("stash_check", {"domid": domid})))
    if case.name != "to-be-freed":
        return ScriptOutcome(OK)
    yield BOUNDARY
    case = _made((yield ScriptSection("take_stash", {"domid": domid})))
    if case.name == "taken":
        yield from _free_stash(domid, _block(case))
    return ScriptOutcome(OK)


Blocks = Callable[[], Mapping[int, Block]]
"""The blocks that a domain owned at the last boundary or at the start of the operation, by first frame."""


def relinquish_memory(blocks: Blocks) -> Script:
    """Frees a dying domain's blocks one by one, until it owns none. Other calls may free some in between."""
    freed: Term = 0
    first = True
    while there := list(blocks()):
        for frame in there:
            if not first:
                yield BOUNDARY
            first = False
            block = blocks().get(frame)
            if block is not None:
                yield from free_domheap_pages(block)
                freed = freed + block.pages
    return ScriptOutcome(OK, pages=freed)


Look = Callable[[int], Block | None]
"""The block at a frame, at the last boundary or at the start; None: no extent with one owner."""


def memory_exchange(
    domid: Term, frames: Sequence[int], look: Look, in_order: int, out_order: int, **request: Any
) -> Script:
    """Extents of one order are swapped for new ones of another, chunk by chunk; tot_pages stays as it is.

    :param domid: None: unknown
    :param frames: the first frame of each extent
    """
    orders = {"in_order": in_order, "out_order": out_order}
    case = _made(
        (yield ScriptSection("exchange_check", {"known": domid is not None, "extents": len(frames), **orders}))
    )
    done: list[Block] = []
    if case.result != OK:
        return ScriptOutcome(case.result)
    chunk = 1 << max(0, out_order - in_order)
    new = 1 << max(0, in_order - out_order)
    wanted = {"domid": domid, "order": out_order, "pages": 1 << out_order, "no_owner": True, **request}
    for first in range(0, len(frames), chunk):
        yield BOUNDARY
        result = yield from _chunk(domid, frames[first : first + chunk], look, [wanted] * new, done)
        if result != OK:
            return ScriptOutcome(result, tuple(done))
    return ScriptOutcome(OK, tuple(done))


_Part = Generator[ScriptSection | Boundary, Case | None, str]
_Silent = Generator[ScriptSection | Boundary, Case | None, None]


def _chunk(
    domid: Term, frames: Sequence[int], look: Look, wanted: Sequence[Mapping[str, Any]], done: list[Block]
) -> _Part:
    stolen: dict[int, Block] = {}
    for frame in frames:
        case = _made((yield ScriptSection("steal_page", {"domid": domid, "block": stolen.get(frame) or look(frame)})))
        if case.result != OK:
            yield from _give_back(domid, stolen.values())
            return case.result
        stolen[frame] = _block(case)
    out: list[Block] = []
    for request in wanted:
        yield BOUNDARY
        case = _made((yield ScriptSection("alloc_heap_pages", request)))
        if case.result != OK:
            yield from _give_back(domid, stolen.values())
            yield from _free_all(out)
            return "ENOMEM"
        out.append(_block(case))
    yield from _free_all(stolen.values())
    for at, block in enumerate(out):
        yield BOUNDARY
        case = _made((yield ScriptSection("assign_in_exchange", {"domid": domid, "block": block})))
        if case.result == CRASH:
            return CRASH
        if case.result != OK:
            yield ScriptSection("drop_tot_pages", {"domid": domid, "pages": sum(b.pages for b in out[at:])})
            yield ScriptSection("put_domain", {"domid": domid, "freed": False})
            yield from _free_all(out[at:])
            return case.result
    done += out
    return OK


def _give_back(domid: Term, stolen: Iterable[Block]) -> _Silent:
    for block in stolen:
        yield BOUNDARY
        case = _made((yield ScriptSection("assign_in_exchange", {"domid": domid, "block": block})))
        if case.result == CRASH:
            return
        if case.result != OK:
            yield ScriptSection("drop_tot_pages", {"domid": domid, "pages": block.pages})
            yield ScriptSection("put_domain", {"domid": domid, "freed": False})
            yield BOUNDARY
            yield ScriptSection("free_heap_pages", {"block": block})


def _free_all(blocks: Iterable[Block]) -> _Silent:
    for block in blocks:
        yield BOUNDARY
        yield ScriptSection("free_heap_pages", {"block": block})


def destroydomain(domid: Term, blocks: Blocks) -> Script:
    """Kills the domain, frees its pages, and removes it from the list once nothing keeps it there.

    :param domid: the domain; None: unknown
    """
    if domid is None:
        return ScriptOutcome("ESRCH", check=UNKNOWN_DOMAIN)
    yield from domain_kill(domid)
    yield BOUNDARY
    yield from relinquish_memory(blocks)
    yield ScriptSection("finish_kill", {"domid": domid})
    return ScriptOutcome(OK)
