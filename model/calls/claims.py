"""The claim calls on numbers: what their arguments are for the sections of `model.operations`; the set installed."""

from __future__ import annotations

from collections.abc import Sequence

from model.c_types import MAX_NUMNODES, NUMA_NO_NODE
from model.calls.case import OK, Call, Case, Effect
from model.calls.sections import CallSection
from model.interfaces import Memory
from model.logic import Term, all_of, any_of, bits, choose, negation
from model.operations import claiming, installing
from model.operations.sets import LEGACY, NO_NODE, Entry, ListedSet


def claim_pages_check(
    call: Call,
    domid: Term,
    pages: Term,
    extent_order: Term = 0,
    mem_flags: Term = 0,
    has_extent_start: Term = False,
) -> list[Case]:
    """XENMEM_claim_pages before any lock; `OK`: it goes on with `set_outstanding_pages` of what it answers.

    :param domid: None: unknown
    :param pages: what is asked for, 64 bits
    """
    node_field, names_exact_node = bits(mem_flags, 8, 8), bits(mem_flags, 17, 1) == 1
    if call.interface.node_in_mem_flags:
        on_node, node = node_field != 0, node_field - 1
        flags_refused = all_of([on_node, any_of([negation(names_exact_node), node >= MAX_NUMNODES])])
    else:
        on_node, node, flags_refused = False, None, mem_flags != 0
    malformed = any_of([has_extent_start, extent_order != 0])
    x = CallSection(call)
    claiming.claim_pages_check(x, domid, claiming.ClaimRequest(pages, malformed, flags_refused, on_node, node))
    return x.cases()


def set_outstanding_pages(call: Call, domid: Term, pages: Term, node: Term = None) -> list[Case]:
    """One claim, for `pages` in all (or, in v1 to v3, of that size); 0 releases every claim.

    :param pages: below 0 (v3): a difference that wrapped
    :param node: its target, which may be offline; None: the host. Single-node generations only, else not looked at
    """
    x = CallSection(call)
    claiming.set_outstanding_pages(x, domid, pages, node)
    return x.cases()


def released(call: Call, domid: Term) -> Effect:
    """All claims of the domain are gone, those on nodes too."""
    return call.effect(claiming.released(CallSection(call), domid))


def install_claim_set(call: Call, domid: Term, entries: Sequence[Entry]) -> list[Case]:
    """A set of claims under both locks: the first entry that fails, then the totals."""
    x = CallSection(call)
    installing.install_claim_set(x, domid, ListedSet(x, entries))
    return x.cases()


def claim_memory(call: Call, domid: Term, entries: Sequence[Entry], pad: Term = 0) -> list[Case]:
    """XEN_DOMCTL_claim_memory, or set_memory_claims: the domain, its own checks, the set. `domid` None: unknown.

    :param pad: of the call; in claim-sets-v3 its mode, 0 to set
    """
    x = CallSection(call)
    if call.interface.memory in (Memory.ONE_OR_NONE, Memory.ONE):
        installing.claim_one_checks(x, domid, len(entries), [pad, *(entry.pad for entry in entries)])
        if not x.decided:
            _claim_one(x, domid, entries)
        return x.cases()
    as_set = ListedSet(x, entries)
    installing.claim_memory_checks(x, domid, as_set, pad)
    if x.decided:
        return x.cases()
    if call.interface.memory is Memory.SET and len(entries) == 1:
        with x.where(entries[0].target == LEGACY):
            claiming.set_outstanding_pages(x, domid, entries[0].pages)
    installing.install_claim_set(x, domid, as_set)
    return x.cases()


def _claim_one(x: CallSection, domid: Term, entries: Sequence[Entry]) -> None:
    """The one entry, or a release."""
    if not entries:
        claiming.set_outstanding_pages(x, domid, 0)
        return
    (entry,) = entries
    host_targets = (NUMA_NO_NODE, NO_NODE) if x.rules.interface.memory is Memory.ONE else (NUMA_NO_NODE,)
    with x.where(any_of([entry.target == target for target in host_targets])):
        claiming.set_outstanding_pages(x, domid, entry.pages)
    if not x.decided:
        claiming.set_outstanding_pages(x, domid, entry.pages, entry.target)


def get_memory_claims(call: Call, domid: Term, capacity: Term, pad: Term = 0) -> list[Case]:
    """The set installed: the GET mode of XEN_DOMCTL_claim_memory, or XEN_DOMCTL_get_memory_claims.

    Told are the host-wide entry, where `tells_global`, and the nodes with claims, ascending; `needed` entries in all.

    :param domid: None: unknown
    :param capacity: the entries that the caller has room for
    """
    by_mode = call.interface.memory is Memory.SET_OR_GET
    own = (
        [
            Case("llc-coloring", call.before.llc_coloring, "EOPNOTSUPP"),
            Case("pad", pad != 0, "EOPNOTSUPP"),
            Case("dying", False if domid is None else call.before.is_dying[domid], "ESRCH"),
        ]
        if by_mode
        else [Case("pad", pad != 0, "EINVAL")]
    )
    unknown = True if domid is None else negation(call.before.listed(domid))
    checks = [Case("unknown-domain", unknown, "ESRCH"), *own]
    if domid is None:
        return checks
    s = call.before
    tells_global = True if by_mode else s.global_claims[domid] != 0
    nodes = call.host.by_node(lambda n: choose(s.claims[domid, n] != 0, 1, 0))
    needed = nodes.total() + choose(tells_global, 1, 0)
    told = {"global_claims": s.global_claims[domid], "claims": s.claims.row(domid), "tells_global": tells_global}
    return [
        *checks,
        Case("no-room", needed > capacity, "ERANGE" if by_mode else "ENOBUFS", answer={"needed": needed}),
        Case("told", True, OK, answer={"needed": needed, **told}),
    ]
