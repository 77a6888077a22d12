"""Passes the arguments of the claim calls to the sections of `model.operations`."""

from __future__ import annotations

from collections.abc import Sequence

from model.c_types import MAX_NUMNODES, NUMA_NO_NODE
from model.calls.sections import CallSection
from model.interfaces import MemoryDomctl
from model.logic import Term, all_of, any_of, bits, negation
from model.operations import claiming, installing
from model.operations.sets import LEGACY, NO_NODE, Entry, ListedSet


def claim_pages_check(
    x: CallSection,
    domid: Term,
    pages: Term,
    extent_order: Term = 0,
    mem_flags: Term = 0,
    has_extent_start: Term = False,
) -> None:
    """XENMEM_claim_pages before it takes a lock; after `OK`, it calls `set_outstanding_pages` with the answer.

    :param domid: the domain; None: unknown
    :param pages: the pages requested, 64 bits
    """
    node_field, names_exact_node = bits(mem_flags, 8, 8), bits(mem_flags, 17, 1) == 1
    if x.rules.interface.node_in_mem_flags:
        on_node, node = node_field != 0, node_field - 1
        flags_refused = all_of([on_node, any_of([negation(names_exact_node), node >= MAX_NUMNODES])])
    else:
        on_node, node, flags_refused = False, None, mem_flags != 0
    malformed = any_of([has_extent_start, extent_order != 0])
    claiming.claim_pages_check(x, domid, claiming.ClaimRequest(pages, malformed, flags_refused, on_node, node))


def install_claim_set(x: CallSection, domid: Term, entries: Sequence[Entry]) -> None:
    """A set of claims under both locks: the first entry that fails, then the totals."""
    installing.install_claim_set(x, domid, ListedSet(x, entries))


def claim_memory(x: CallSection, domid: Term, entries: Sequence[Entry], pad: Term = 0) -> None:
    """XEN_DOMCTL_claim_memory, or set_memory_claims: finds the domain, makes its checks, installs the set.

    :param domid: the domain; None: unknown
    :param pad: the call's `pad` field; in claim-sets-v3 its mode, 0 to set
    """
    if x.rules.interface.memory in (MemoryDomctl.ONE_OR_NONE, MemoryDomctl.ONE):
        installing.claim_one_checks(x, domid, len(entries), [pad, *(entry.pad for entry in entries)])
        if not x.decided:
            _claim_one(x, domid, entries)
        return
    as_set = ListedSet(x, entries)
    installing.claim_memory_checks(x, domid, as_set, pad)
    if x.decided:
        return
    if x.rules.interface.memory is MemoryDomctl.SET and len(entries) == 1:
        with x.where(entries[0].target == LEGACY):
            claiming.set_outstanding_pages(x, domid, entries[0].pages)
    installing.install_claim_set(x, domid, as_set)


def _claim_one(x: CallSection, domid: Term, entries: Sequence[Entry]) -> None:
    """Installs the single entry, or releases the claims."""
    if not entries:
        claiming.set_outstanding_pages(x, domid, 0)
        return
    (entry,) = entries
    host_targets = (NUMA_NO_NODE, NO_NODE) if x.rules.interface.memory is MemoryDomctl.ONE else (NUMA_NO_NODE,)
    with x.where(any_of([entry.target == target for target in host_targets])):
        claiming.set_outstanding_pages(x, domid, entry.pages)
    if not x.decided:
        claiming.set_outstanding_pages(x, domid, entry.pages, entry.target)
