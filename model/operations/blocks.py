"""Allocated pages that an operation names, and the field of the state that counts them."""

from dataclasses import dataclass

from model.logic import Term

LIMBO, ASSIGNED, ANONYMOUS, TRANSIT = "limbo", "assigned", "anonymous", "transit"
"""States of pages in use. `transit`: on no list, stolen, or on the way to the heap; calls use `anonymous` instead."""


@dataclass(frozen=True)
class Block:
    """Allocated pages that a call names. `state`, `refcounted` and whether `owner` is None are Python values."""

    pages: Term
    node: Term
    state: str
    """`limbo`, `assigned`, `anonymous` or `transit`."""
    owner: Term = None
    """The owner of assigned pages; for pages in limbo, the domain they are meant for; None: no domain."""
    refcounted: bool = False
    marked: Term = 0
    """How many of the pages go offline when they are freed."""


BY_NODE = frozenset({"transit_pages", "anonymous_pages", "other_pages"})
"""Classes that are counted by node alone."""


def counted_in(block: Block | None) -> str:
    """The field of the model's state; empty: free."""
    if block is None:
        return ""
    if block.state == ASSIGNED:
        return "assigned_pages" if block.refcounted else "extra_pages"
    if block.state == LIMBO and block.refcounted and block.owner is not None:
        return "limbo_pages"
    return "anonymous_pages" if block.state == ANONYMOUS else "transit_pages"


def counted_by_observer(block: Block | None) -> str:
    """The field of the state of calls, which distinguishes fewer classes; empty: free."""
    name = counted_in(block)
    return "other_pages" if name in BY_NODE else name
