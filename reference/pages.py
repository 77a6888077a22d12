"""Owner and state of the pages that are not free: the part of ``struct page_info`` that claims depend on."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import TYPE_CHECKING

from .constants import MAX_ORDER
from .status import MisuseError

if TYPE_CHECKING:
    from .state import Domain


class PageState(Enum):
    """The state of allocated pages between critical sections."""

    LIMBO = "limbo"  # out of the heap for a domain, but not (or no longer) in its tot_pages
    ASSIGNED = "assigned"  # a domain's page
    ANONYMOUS = "anonymous"  # in use, no owner


class Block:
    """2^order allocated pages with one state and one owner."""

    __slots__ = ("mfn", "order", "owner", "pages", "refcounted", "state")

    def __init__(self, mfn: int, order: int, state: PageState, owner: Domain | None, refcounted: bool) -> None:
        self.mfn = mfn
        self.order = order
        self.pages = 1 << order
        self.state = state
        self.owner = owner  # in limbo: the domain the pages are meant for; None: no domain
        self.refcounted = refcounted  # tot_pages counts, or will count, the pages; else they are extra pages

    @property
    def domid(self) -> int | None:
        """The owner's id; None: no owner."""
        return None if self.owner is None else self.owner.domid

    def _like(self, mfn: int, order: int) -> Block:
        return Block(mfn, order, self.state, self.owner, self.refcounted)

    def alike(self, other: Block) -> bool:
        """Whether the blocks have the same state, owner and accounting."""
        same = self.state is other.state and self.owner is other.owner
        return same and self.refcounted == other.refcounted


class PageTable:
    """All allocated blocks by mfn, and the pages that are offline or marked to become so."""

    __slots__ = ("_node_span", "blocks", "limbo_blocks", "lost_marks", "offlined", "offlining", "unavailable")

    def __init__(self, num_nodes: int, node_span: int) -> None:
        self._node_span = node_span
        self.blocks: dict[int, Block] = {}
        self.unavailable = [0] * num_nodes  # pages in blocks or offlined, per node
        self.limbo_blocks = 0
        self.offlining: set[int] = set()  # PGC_state_offlining: in use, leaves when freed
        self.offlined: set[int] = set()  # PGC_state_offlined: out of the heap
        self.lost_marks: set[int] = set()  # not in the hypervisor: marks that were overwritten

    def add(self, mfn: int, order: int, state: PageState, owner: Domain | None, refcounted: bool) -> None:
        """Add a block that just left the heap."""
        self.blocks[mfn] = block = Block(mfn, order, state, owner, refcounted)
        self.unavailable[mfn // self._node_span] += block.pages
        self.limbo_blocks += state is PageState.LIMBO

    def change(self, block: Block, state: PageState, owner: Domain | None, refcounted: bool) -> None:
        """Change state and owner of the block's pages."""
        self.limbo_blocks += (state is PageState.LIMBO) - (block.state is PageState.LIMBO)
        block.state = state
        block.owner = owner
        block.refcounted = refcounted

    def find(self, mfn: int) -> Block | None:
        """The allocated block that contains this page; None: the page is not allocated."""
        for order in range(MAX_ORDER + 1):
            block = self.blocks.get(mfn >> order << order)
            if block is not None and block.order >= order:
                return block
        return None

    def exact(self, mfn: int, order: int) -> Block:
        """The block of exactly these pages: all or part of an allocation, or several allocations that are alike.

        :raises MisuseError: the mfn is not aligned, or the pages are not all allocated, or differ in owner or state
        """
        block = self.blocks.get(mfn)
        if block is not None and block.order == order:
            return block
        if mfn & ((1 << order) - 1):
            raise MisuseError(f"mfn {mfn} is not aligned to order {order}")
        block = self.find(mfn)
        if block is not None and block.order > order:
            return self._split(block, mfn, order)
        return self._join(mfn, order)

    def _split(self, block: Block, mfn: int, order: int) -> Block:
        del self.blocks[block.mfn]
        self.limbo_blocks += (block.order - order) * (block.state is PageState.LIMBO)
        found = block.order
        while found > order:
            found -= 1
            other = (mfn >> found << found) ^ (1 << found)
            self.blocks[other] = block._like(other, found)
        self.blocks[mfn] = part = block._like(mfn, order)
        return part

    def _parts(self, mfn: int, order: int) -> Iterator[Block]:
        page = mfn
        while page < mfn + (1 << order):
            part = self.blocks.get(page)
            if part is None:
                raise MisuseError(f"mfn {page} is not allocated")
            yield part
            page += part.pages

    def _join(self, mfn: int, order: int) -> Block:
        parts = list(self._parts(mfn, order))
        if not all(part.alike(parts[0]) for part in parts):
            raise MisuseError(f"mfn {mfn} order {order}: the pages differ in owner or state")
        for part in parts:
            del self.blocks[part.mfn]
        self.limbo_blocks -= (len(parts) - 1) * (parts[0].state is PageState.LIMBO)
        self.blocks[mfn] = whole = parts[0]._like(mfn, order)
        return whole

    def remove(self, block: Block) -> list[int]:
        """Remove a block that returns to the heap; returns the mfns of its pages that are marked offline."""
        del self.blocks[block.mfn]
        self.unavailable[block.mfn // self._node_span] -= block.pages
        self.limbo_blocks -= block.state is PageState.LIMBO
        marked = self.marked(block)
        self.offlining.difference_update(marked)
        return marked

    def marked(self, block: Block) -> list[int]:
        """The mfns of the block's pages that are marked offline."""
        return [mfn for mfn in self.offlining if block.mfn <= mfn < block.mfn + block.pages] if self.offlining else []

    def lose_marks(self, block: Block) -> None:
        """Overwrite the offline marks of a block: its pages will return to the heap when they are freed."""
        lost = self.marked(block)
        self.offlining.difference_update(lost)
        self.lost_marks.update(lost)

    def set_offlined(self, mfn: int) -> None:
        """Record that a free page left the heap as offlined."""
        self.offlined.add(mfn)
        self.unavailable[mfn // self._node_span] += 1

    def set_onlined(self, mfn: int) -> None:
        """Record that an offlined page returns to the heap."""
        self.offlined.remove(mfn)
        self.unavailable[mfn // self._node_span] -= 1

    def of_domain(self, domain: Domain) -> Iterator[Block]:
        """The blocks a domain owns (``page_list``, ``extra_page_list``)."""
        return (b for b in self.blocks.values() if b.owner is domain and b.state is PageState.ASSIGNED)

    def in_limbo(self) -> Iterator[Block]:
        """The blocks in limbo."""
        return (b for b in self.blocks.values() if b.state is PageState.LIMBO) if self.limbo_blocks else iter(())
