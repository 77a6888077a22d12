"""The claim calls."""

from __future__ import annotations

from typing import Any

from model.calls import INTERFACES, SCRIPTS, Entry
from model.calls.interfaces import Sets, Single
from proofs.diff.execution import Execution, Outcome
from proofs.diff.operations.allocating import any_domid, unknown
from proofs.diff.sections import side_by_side
from reference import hypercalls
from reference.claims import ClaimEntry
from reference.constants import MAX_NUMNODES, UINT_MAX

PAGES_MAX = 2**64 - 1
"""A request's pages are 64-bit unsigned."""


def _pages(x: Execution, name: str = "pages") -> Any:
    return x.number(name, 0, PAGES_MAX)


def set_outstanding_pages(x: Execution) -> None:
    """Any number of pages, on any node or the host."""
    domain, pages = x.caller(), _pages(x)
    nodes: list[int | None] = [None]
    if INTERFACES[x.semantics].single is not Single.HOST_WIDE:
        nodes += [*range(x.size.nodes + 1), MAX_NUMNODES - 1, MAX_NUMNODES]
    node = x.choose("node", nodes)
    semantics = x.host.semantics
    where = {} if INTERFACES[x.semantics].single is Single.HOST_WIDE else {"node": node}
    x.calls("set_outstanding_pages", domid=domain, pages=pages, **where)
    outcome = x.run(lambda: Outcome(semantics.set_outstanding_pages(x.host, domain, pages, node).value))
    x.check("set_outstanding_pages", outcome, domid=domain.domid, pages=pages.z3(), node=node)


def claim_pages(x: Execution) -> None:
    """Any arguments, for any domain or an unknown one."""
    domid, pages = any_domid(x), _pages(x)
    order, flags = x.number("extent_order", 0, 2**32), x.number("mem_flags", 0, 2**32)
    start = x.choose("extent_start", [None, 0, 1])
    script = SCRIPTS["claim_pages"](
        domid, pages.z3(), extent_order=order.z3(), mem_flags=flags.z3(), has_extent_start=start is not None
    )
    known = unknown(x) if domid is None else domid
    x.calls("claim_pages", domid=known, nr_extents=pages, extent_order=order, mem_flags=flags, extent_start=start)
    steps = hypercalls.claim_pages(x.host, known, pages, order, flags, start)
    side_by_side(x, "claim_pages", script, steps, lambda status: Outcome(status.value))


def _entries(x: Execution, length: int, first: int = 0) -> list[ClaimEntry]:
    """That many entries of any pages, target and pad; the numbers of the ABI."""
    return [
        ClaimEntry(_pages(x, f"pages[{i}]"), x.number(f"target[{i}]", 0, UINT_MAX), x.number(f"pad[{i}]", 0, UINT_MAX))  # type: ignore[arg-type]  # symbolic
        for i in range(first, length)
    ]


def _for_model(x: Execution, entries: list[ClaimEntry]) -> list[Entry]:
    """The entries for the model; targets that the path fixed as such."""
    return [Entry(x.term(e.pages), x.term(e.target), x.term(e.pad)) for e in entries]


def _lengths(x: Execution) -> range:
    """One more than there are targets: a node or the host is then named twice, if no entry fails otherwise."""
    return range(x.size.nodes + 3)


def install_claim_set(x: Execution) -> None:
    """Any set, in any order."""
    domain = x.caller()
    entries = _entries(x, x.choose("entries", _lengths(x)))
    semantics = x.host.semantics
    x.calls("install_claim_set", domid=domain, claims=entries)
    outcome = x.run(lambda: Outcome(semantics.install_claim_set(x.host, domain, entries).value))
    x.check("install_claim_set", outcome, domid=domain.domid, entries=_for_model(x, entries))


MOST = MAX_NUMNODES + 1
"""Entries of a set, at most."""


def claim_memory(x: Execution) -> None:
    """Any short set, and sets of about the greatest number of entries of which the second fails at once."""
    domid = any_domid(x)
    length = x.choose("entries", [0, 1, 2, MOST, MOST + 1])
    entries = _entries(x, min(length, 2))
    if length > 2:
        entries[1:] = [ClaimEntry(1, 0, pad=1)] * (length - 1)
    pad = x.number("pad", 0, UINT_MAX)
    known = unknown(x) if domid is None else domid
    x.calls("claim_memory", domid=known, claims=entries, pad=pad)
    outcome = x.run(lambda: Outcome(hypercalls.claim_memory(x.host, known, entries, pad).value))  # type: ignore[arg-type]  # symbolic
    x.check("claim_memory", outcome, domid=domid, entries=_for_model(x, entries), pad=pad.z3())


def has_sets(semantics: str) -> bool:
    """Whether the generation has claim sets."""
    return INTERFACES[semantics].sets is not Sets.NONE
