"""Passes the arguments of an allocation, and of a new domain, to the sections of `model.operations`."""

from __future__ import annotations

from collections.abc import Sequence

from model.calls.sections import CallSection
from model.calls.state import NONE
from model.logic import Term
from model.operations import allocating, domains
from model.operations.blocks import ANONYMOUS, LIMBO, Block
from model.operations.section import MISUSE
from model.rules import Request
from model.step import Step


def alloc_heap_pages(
    x: CallSection,
    domid: Term,
    order: Term,
    pages: Term,
    candidates: Sequence[Term],
    has_block: Sequence[Term],
    requested: int | None = None,
    exact: Term = False,
    no_refcount: bool = False,
    no_owner: bool = False,
) -> None:
    """The host check, then the node search: the first candidate that passes its check and has a block is used.

    :param domid: the domain; None: no domain
    :param pages: 2^order
    :param candidates: online nodes in the order of the search (`search_order`)
    :param has_block: for each node, whether it has a free block of the order
    :param requested: the requested node, which may be offline; None: any node
    """
    claimant = None if no_refcount or no_owner else domid
    node, anywhere = (NONE, True) if requested is None else (requested, False)
    request = Request(pages, claimant, domid, node, exact, anywhere)
    x.blocks = has_block
    if domid is None or no_owner:
        block = Block(pages, None, ANONYMOUS)
    else:
        block = Block(pages, None, LIMBO, domid, claimant is not None)
    allocating.alloc_heap_pages(x, request, order > allocating.MAX_ORDER, block, candidates)


_OF_A_NEW_DOMAIN = {
    "is_dying": False,
    "is_dead": False,
    "is_destroyed": False,
    "creation_finished": False,
    "controller_pause_count": 1,
    "claim_node": NONE,
    "node_claims": 0,
    "global_claims": 0,
    "stash_pages": 0,
}


def create_domain(
    x: CallSection, domid: int, max_pages: Term, node_affinity: frozenset[int], last_alloc_node: Term = 0
) -> None:
    """An unused domain id gets a domain without pages and claims.

    The id may have belonged to a destroyed domain, if nothing uses that domain any more. This function checks that it
    has no pages in limbo; the caller checks that no call on it is in flight.

    :param last_alloc_node: 0, because the hypervisor clears `struct domain`; `NONE` in old recordings
    """
    s, host = x.before, x.call.host

    def reset(step: Step) -> None:
        for name, value in _OF_A_NEW_DOMAIN.items():
            step.set_at(name, domid, value)
        step.set_at("last_alloc_node", domid, last_alloc_node)
        step.set_row("claims", domid, host.by_node(lambda _n: 0))
        step.set_row("node_affinity", domid, host.by_node(lambda n: n in node_affinity))

    x.check("id-in-use", MISUSE, {"id-unused": s.listed(domid)})
    x.check("pages-in-limbo", MISUSE, {"none-in-limbo": s.limbo_pages.row(domid).total() != 0})
    x.check("no-node-online", MISUSE, {"node-online": not any(node < host.nodes for node in node_affinity)})
    domains.new_domain(x, domid, max_pages, reset)
