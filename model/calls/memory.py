"""The domctls that claim memory, and that tell what is claimed: their own checks, in the order of each generation."""

from collections.abc import Sequence

from model.c_types import MAX_NUMNODES, NUMA_NO_NODE
from model.calls.case import OK, Call, Case
from model.calls.claiming import released, set_outstanding_pages
from model.calls.installing import LEGACY, NO_NODE, Entry, install_claim_set, only_where
from model.generations.interface import Memory
from model.logic import Term, any_of, choose, negation


def claim_memory(call: Call, domid: Term, entries: Sequence[Entry], pad: Term = 0) -> list[Case]:
    """XEN_DOMCTL_claim_memory, or set_memory_claims: the domain, its own checks, the set. `domid` None: unknown.

    :param pad: of the call; in claim-sets-v3 its mode, 0 to set
    """
    checks = [_unknown(call, domid), *_CHECKS[call.interface.memory](call, domid, entries, pad)]
    if domid is None or any(case.condition is True for case in checks):
        return checks
    return checks + _claimed(call, domid, entries)


def _unknown(call: Call, domid: Term) -> Case:
    unknown = True if domid is None else negation(call.before.listed(domid))
    return Case("unknown-domain", unknown, "ESRCH")


def _dying(call: Call, domid: Term, errno: str) -> Case:
    return Case("dying", False if domid is None else call.before.is_dying[domid], errno)


def _coloring(call: Call) -> Case:
    return Case("llc-coloring", call.before.llc_coloring, "EOPNOTSUPP")


def _too_many(entries: Sequence[Entry]) -> Case:
    return Case("too-many-entries", len(entries) > MAX_NUMNODES + 1, "E2BIG")


def _one_or_none(_call: Call, _domid: Term, entries: Sequence[Entry], _pad: Term) -> list[Case]:
    return [Case("several-entries", len(entries) > 1, "EOPNOTSUPP")]


def _one(call: Call, domid: Term, entries: Sequence[Entry], pad: Term) -> list[Case]:
    malformed = any_of([pad != 0, len(entries) != 1, *(entry.pad != 0 for entry in entries)])
    return [
        _coloring(call),
        Case("malformed", malformed, "EINVAL"),
        _dying(call, domid, "EINVAL"),
    ]


def _set(call: Call, domid: Term, entries: Sequence[Entry], pad: Term) -> list[Case]:
    return [
        _coloring(call),
        Case("malformed", any_of([not entries, pad != 0]), "EINVAL"),
        _too_many(entries),
        _dying(call, domid, "ESRCH"),
    ]


def _set_or_get(call: Call, domid: Term, entries: Sequence[Entry], mode: Term) -> list[Case]:
    return [
        _coloring(call),
        Case("unknown-mode", mode != 0, "EOPNOTSUPP"),
        Case("no-entries", not entries, "EINVAL"),
        _too_many(entries),
        _dying(call, domid, "ESRCH"),
    ]


def _set_and_get(call: Call, domid: Term, entries: Sequence[Entry], pad: Term) -> list[Case]:
    s = call.before
    unpaused = False if domid is None else s.controller_pause_count[domid] == 0
    return [
        Case("malformed", pad != 0, "EINVAL"),
        *([Case("released", True, OK, released(call, domid))] if not entries and domid is not None else []),
        _coloring(call),
        _dying(call, domid, "ESRCH"),
        _too_many(entries),
        Case("not-paused", unpaused, "EBUSY"),
    ]


_CHECKS = {
    Memory.ONE_OR_NONE: _one_or_none,
    Memory.ONE: _one,
    Memory.SET: _set,
    Memory.SET_OR_GET: _set_or_get,
    Memory.SET_AND_GET: _set_and_get,
}


def _claimed(call: Call, domid: Term, entries: Sequence[Entry]) -> list[Case]:
    """What follows the checks."""
    memory = call.interface.memory
    if memory in (Memory.ONE_OR_NONE, Memory.ONE):
        if not entries:
            return set_outstanding_pages(call, domid, 0)
        (entry,) = entries
        host_targets = (NUMA_NO_NODE, NO_NODE) if memory is Memory.ONE else (NUMA_NO_NODE,)
        host_wide = any_of([entry.target == target for target in host_targets])
        on_host = set_outstanding_pages(call, domid, entry.pages)
        return only_where(host_wide, on_host) + set_outstanding_pages(call, domid, entry.pages, entry.target)
    as_set = install_claim_set(call, domid, entries)
    if memory is not Memory.SET or len(entries) != 1:
        return as_set
    (entry,) = entries
    return only_where(entry.target == LEGACY, set_outstanding_pages(call, domid, entry.pages)) + as_set


def get_memory_claims(call: Call, domid: Term, capacity: Term, pad: Term = 0) -> list[Case]:
    """The set installed: the GET mode of XEN_DOMCTL_claim_memory, or XEN_DOMCTL_get_memory_claims.

    Told are the host-wide entry, where `tells_global`, and the nodes with claims, ascending; `needed` entries in all.

    :param domid: None: unknown
    :param capacity: the entries that the caller has room for
    """
    by_mode = call.interface.memory is Memory.SET_OR_GET
    own = (
        [_coloring(call), Case("pad", pad != 0, "EOPNOTSUPP"), _dying(call, domid, "ESRCH")]
        if by_mode
        else [Case("pad", pad != 0, "EINVAL")]
    )
    checks = [_unknown(call, domid), *own]
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
