"""Operations of several critical sections: which calls they make, in which order, and where others may run between.

A script is a generator. It yields a `Section`, a call of one critical section, and is sent the `Case` that it had; it
yields `BOUNDARY` where no lock is held and other builders may run. It returns the result and what else comes out.
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from model.calls.allocating import MAX_ORDER
from model.calls.case import ASSIGNED, OK, REFUSED, Block, Case
from model.logic import Term


class Section(NamedTuple):
    """One call: a name in `CALLS`, and its arguments."""

    call: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Boundary:
    """No lock is held: other builders may run here."""


BOUNDARY: Final = Boundary()


class Ended(NamedTuple):
    """How an operation ended."""

    result: str
    blocks: tuple[Block, ...] = ()
    """The pages that it gave to the domain, or took for nobody."""
    pages: Term = 0
    """`relinquish_memory`: the pages freed."""


Script = Generator[Section | Boundary, Case | None, Ended]


def _made(case: Case | None) -> Case:
    if case is None:
        raise TypeError("a section is answered with its case")
    return case


def _block(case: Case | None) -> Block:
    block = _made(case).block
    if block is None:
        raise TypeError("the case left no block")
    return block


def claim_pages(domid: Term, pages: Term, **checked: Term) -> Script:
    """XENMEM_claim_pages: is_dying is looked at before the locks are taken."""
    case = _made((yield Section("claim_pages_check", {"domid": domid, "pages": pages, **checked})))
    if case.result != OK:
        return Ended(case.result)
    yield BOUNDARY
    case = _made((yield Section("set_outstanding_pages", {"domid": domid, **case.answer})))
    return Ended(case.result)


def alloc_domheap_pages(domid: Term, **request: Any) -> Script:
    """Allocated, then assigned; what cannot be assigned is freed, and claims redeemed for it are not restored."""
    case = _made((yield Section("alloc_heap_pages", {"domid": domid, **request})))
    if case.result != OK:
        return Ended(case.result)
    block = _block(case)
    if domid is None or request.get("no_owner", False):
        return Ended(OK, (block,))
    yield BOUNDARY
    no_refcount = request.get("no_refcount", False)
    case = _made((yield Section("assign_pages", {"domid": domid, "block": block, "no_refcount": no_refcount})))
    if case.result == OK:
        return Ended(OK, (_block(case),))
    yield BOUNDARY
    yield Section("free_heap_pages", {"block": block})
    return Ended(REFUSED)


def free_domheap_pages(block: Block) -> Script:
    """Out of the owner's tot_pages, then into the heap."""
    if block.state == ASSIGNED:
        block = _block((yield Section("release_ownership", {"block": block})))
        yield BOUNDARY
    yield Section("free_heap_pages", {"block": block})
    return Ended(OK)


def populate_physmap(domid: Term, extents: int, order: Term, **request: Any) -> Script:
    """Extents until one fails. `domid` None: unknown. No error: the result is how many there are."""
    done: list[Block] = []
    if domid is None or (isinstance(order, int) and order > MAX_ORDER):
        return Ended(OK)
    while len(done) < extents:
        if done:
            yield BOUNDARY
        ended = yield from alloc_domheap_pages(domid, order=order, **request)
        if ended.result != OK:
            break
        done += ended.blocks
    return Ended(OK, tuple(done))


def domain_kill(domid: Term) -> Script:
    """Marked dying, then all claims are released. Killing again does nothing."""
    case = _made((yield Section("mark_dying", {"domid": domid})))
    if case.name == "already-dying":
        return Ended(OK)
    yield BOUNDARY
    yield Section("release_all_claims", {"domid": domid})
    return Ended(OK)


Blocks = Callable[[], Mapping[int, Block]]
"""The blocks that a domain owned at the last boundary, or when the operation began, by first frame."""


def relinquish_memory(blocks: Blocks) -> Script:
    """A dying domain's blocks are freed one by one, until it owns none. Others may free some meanwhile."""
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
    return Ended(OK, pages=freed)


Look = Callable[[int], Block | None]
"""What a frame was at the last boundary, or when the operation began: a block, or no extent of one owner."""


def memory_exchange(
    domid: Term, frames: Sequence[int], look: Look, in_order: int, out_order: int, **request: Any
) -> Script:
    """Extents of one order are swapped for new ones of another, chunk by chunk; tot_pages stays as it is.

    :param domid: None: unknown
    :param frames: the first frame of each extent
    """
    orders = {"in_order": in_order, "out_order": out_order}
    case = _made((yield Section("exchange_check", {"known": domid is not None, "extents": len(frames), **orders})))
    done: list[Block] = []
    if case.result != OK:
        return Ended(case.result)
    chunk = 1 << max(0, out_order - in_order)
    new = 1 << max(0, in_order - out_order)
    wanted = {"domid": domid, "order": out_order, "pages": 1 << out_order, "no_owner": True, **request}
    for first in range(0, len(frames), chunk):
        yield BOUNDARY
        result = yield from _chunk(domid, frames[first : first + chunk], look, [wanted] * new, done)
        if result != OK:
            return Ended(result, tuple(done))
    return Ended(OK, tuple(done))


_Part = Generator[Section | Boundary, Case | None, str]
_Silent = Generator[Section | Boundary, Case | None, None]


def _chunk(
    domid: Term, frames: Sequence[int], look: Look, wanted: Sequence[Mapping[str, Any]], done: list[Block]
) -> _Part:
    stolen: dict[int, Block] = {}
    for frame in frames:
        case = _made((yield Section("steal_page", {"domid": domid, "block": stolen.get(frame) or look(frame)})))
        if case.result != OK:
            yield from _give_back(domid, stolen.values())
            return case.result
        stolen[frame] = _block(case)
    out: list[Block] = []
    for request in wanted:
        yield BOUNDARY
        case = _made((yield Section("alloc_heap_pages", request)))
        if case.result != OK:
            yield from _give_back(domid, stolen.values())
            yield from _free_all(out)
            return "ENOMEM"
        out.append(_block(case))
    yield from _free_all(stolen.values())
    for at, block in enumerate(out):
        yield BOUNDARY
        case = _made((yield Section("assign_in_exchange", {"domid": domid, "block": block})))
        if case.result != OK:
            yield Section("drop_tot_pages", {"domid": domid, "pages": sum(b.pages for b in out[at:])})
            yield from _free_all(out[at:])
            return case.result
    done += out
    return OK


def _give_back(domid: Term, stolen: Iterable[Block]) -> _Silent:
    for block in stolen:
        yield BOUNDARY
        case = _made((yield Section("assign_in_exchange", {"domid": domid, "block": block})))
        if case.result != OK:
            yield Section("drop_tot_pages", {"domid": domid, "pages": block.pages})
            yield BOUNDARY
            yield Section("free_heap_pages", {"block": block})


def _free_all(blocks: Iterable[Block]) -> _Silent:
    for block in blocks:
        yield BOUNDARY
        yield Section("free_heap_pages", {"block": block})


def destroydomain(domid: Term, blocks: Blocks, has_pages: Callable[[], bool]) -> Script:
    """Killed, its pages freed, and forgotten once nothing is left of it.

    :param domid: None: unknown
    :param has_pages: whether some block is the domain's by now, in limbo or assigned
    """
    if domid is None:
        return Ended("ESRCH")
    yield from domain_kill(domid)
    yield BOUNDARY
    yield from relinquish_memory(blocks)
    yield Section("destroy_if_empty", {"domid": domid, "has_pages": has_pages()})
    return Ended(OK)
