"""Calls that return information and change nothing."""

from __future__ import annotations

from model.interfaces import MemoryDomctl
from model.logic import Term, choose
from model.operations.section import Section


def getdomaininfo(x: Section, domid: Term) -> None:
    """Returns a domain's pages, limit and claims."""
    x.check("unknown-domain", "ESRCH", {"domain-exists": x.is_unknown(domid)})
    if x.decided:
        return
    s = x.s
    x.end(
        "reported",
        answer={
            "tot_pages": s.tot_pages[domid],
            "max_pages": s.max_pages[domid],
            "outstanding_pages": s.held(domid),
        },
    )


def get_outstanding_claims(x: Section) -> None:
    """Returns the free and claimed pages of the host."""
    s = x.s
    x.end("reported", answer={"free_pages": s.total_avail_pages, "outstanding_pages": s.outstanding_claims})


def get_memory_claims(x: Section, domid: Term, capacity: Term, pad: Term = 0) -> None:
    """Returns the set installed: the GET mode of XEN_DOMCTL_claim_memory, or XEN_DOMCTL_get_memory_claims.

    The set has `needed` entries: the host-wide claim if `tells_global`, then the nodes with claims in ascending order.

    :param domid: the domain; None: unknown
    :param capacity: the number of entries that the caller has room for
    """
    by_mode = x.rules.interface.memory is MemoryDomctl.SET_OR_GET
    x.check("unknown-domain", "ESRCH", {"domain-exists": x.is_unknown(domid)})
    if by_mode:
        x.check("llc-coloring", "EOPNOTSUPP", {"no-llc-colouring": x.llc_coloring()})
        x.check("pad", "EOPNOTSUPP", {"pad-zero": pad != 0})
        x.check("dying", "ESRCH", {"not-dying": False if domid is None else x.is_dying(domid)})
    else:
        x.check("pad", "EINVAL", {"pad-zero": pad != 0})
    if x.decided:
        return
    s = x.s
    tells_global = True if by_mode else s.global_claims[domid] != 0
    nodes = x.by_node(lambda n: choose(s.claims[domid, n] != 0, 1, 0))
    needed = {"needed": nodes.total() + choose(tells_global, 1, 0)}
    told = {"global_claims": s.global_claims[domid], "claims": s.claims.row(domid), "tells_global": tells_global}
    short = {"room": needed["needed"] > capacity}
    x.end("no-room", when=short, answer=needed, result="ERANGE" if by_mode else "ENOBUFS")
    x.end("reported", answer=needed | told)
