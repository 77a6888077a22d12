"""What the reference's host looks like, field by field as the model names them, and where it differs from a state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import z3

from model.bounded import ListGrid, ListVector
from model.calls import CallHost, CallState
from model.logic import Term
from model.state import Shape
from proofs.diff.finite import Seen
from proofs.diff.start import Start, as_term, compared, indices
from proofs.diff.symbolic_host import SPAN
from reference.pages import Block, PageState
from reference.state import Domain, Host, all_locks

UNCHANGED = object()
"""What node_affinity is as long as it is the unknown one."""
Index = tuple[int, ...]
Pages = dict[tuple[str, Index], Any]
"""(page class, index) -> pages in it."""

_LEDGER = {
    f"{prefix}_{line}": line
    for line in ("installed", "redeemed", "released", "recalled")
    for prefix in ("ledger", "global")
}
_NODE = {"node_avail_pages", "node_outstanding_claims"}
_HOST = {"total_avail_pages": "total_avail_pages", "outstanding_claims": "outstanding_claims"}


def page_class(block: Block) -> tuple[str, Index]:
    """The class that a block's pages are counted in."""
    node = block.mfn // SPAN
    if block.refcounted and block.domid is not None and block.state is not PageState.ANONYMOUS:
        name = "limbo_pages" if block.state is PageState.LIMBO else "assigned_pages"
        return name, (block.domid, node)
    return "other_pages", (node,)


def pages_named(host: Host) -> Pages:
    """The pages of the named blocks and frames, by class."""
    found: Pages = {}
    for block in host.pages.blocks.values():
        key = page_class(block)
        found[key] = found.get(key, 0) + block.pages
    for name, frames in (("offlined_pages", host.pages.offlined), ("marked_pages", host.pages.offlining)):
        for mfn in frames:
            key = (name, (mfn // SPAN,))
            found[key] = found.get(key, 0) + 1
    return found


class Observer:
    """Looks at a host that began in an unknown state, with some blocks named."""

    def __init__(self, semantics: str, size: CallHost, host: Host, start: Start) -> None:
        self.semantics, self.size, self.host, self.start = semantics, size, host, start
        self.named = pages_named(host)

    def differences(self, after: CallState) -> Iterator[tuple[str, Index, Any, Term]]:
        """(field, index, the reference's value, the model's term) wherever they are not plainly the same."""
        now = pages_named(self.host)
        with all_locks(self.host):
            for info in compared():
                for index in indices(self.size, info):
                    if info.shape in (Shape.DOMAIN, Shape.CELL) and not self._there(index[0], info.name):
                        continue
                    value = self._value(info.name, index, now)
                    term = _entry(getattr(after, info.name), index)
                    if not self._same(info.name, index, value, term):
                        yield info.name, index, value, term
        yield from self._own_books()

    def _there(self, domid: int, name: str) -> bool:
        return name == "is_created" or domid in self.host.domains

    def _same(self, name: str, index: Index, value: Any, term: Term) -> bool:
        if value is UNCHANGED:
            return True
        if isinstance(value, int) and isinstance(term, int):
            return value == term
        unchanged = value is self.start.get(name, *index) and term is _entry(getattr(self.start.state, name), index)
        return bool(unchanged)

    def _value(self, name: str, index: Index, now: Pages) -> Any:
        host = self.host
        if name in _HOST:
            return getattr(host, name)
        if name in _NODE:
            return getattr(host, name)[index[0]]
        if name == "llc_coloring":
            return host.llc_coloring_enabled
        if name == "is_created":
            return index[0] in host.domains
        if name in ("limbo_pages", "assigned_pages", "other_pages", "offlined_pages", "marked_pages"):
            moved = now.get((name, index), 0) - self.named.get((name, index), 0)
            start = self.start.get(name, *index)
            return start if isinstance(moved, int) and moved == 0 else start + moved
        return self._of_domain(host.domains[index[0]], name, index)

    def _of_domain(self, domain: Domain, name: str, index: Index) -> Any:
        if name in _LEDGER:
            return getattr(domain.history, _LEDGER[name])[-1 if len(index) == 1 else index[1]]
        if name == "claim_node":
            target = _raw_claim_node(domain)
            return -1 if target is None else target
        if name == "is_paused":
            return domain.paused_by_controller
        if name == "node_affinity":
            affinity = domain.node_affinity
            return index[1] in affinity if isinstance(affinity, tuple) else UNCHANGED
        value = domain.claims[index[1]] if name == "claims" else getattr(domain, name)
        if isinstance(value, Seen):  # last_alloc_node, not changed
            return self.start.get(name, *index)
        return -1 if value is None else value

    def _own_books(self) -> Iterator[tuple[str, Index, Any, Term]]:
        """What the reference keeps twice: free pages in the heap, pages out of it, and what is charged."""
        host = self.host
        with all_locks(host):
            for node, heap in enumerate(host.heap):
                avail = host.node_avail_pages[node]
                gone = self.start.get("node_avail_pages", node) - avail
                for what, one, other in (
                    ("heap.free_pages", heap.free_pages, avail),
                    ("pages.unavailable", host.pages.unavailable[node], gone),
                ):
                    if one is not other:
                        yield what, (node,), one, as_term(other)
            if self.semantics == "claim-sets-hardened":
                yield from self._charged()

    def _charged(self) -> Iterator[tuple[str, Index, Any, Term]]:
        now = pages_named(self.host)
        for domid, domain in self.host.domains.items():
            limbo = sum(self._value("limbo_pages", (domid, n), now) for n in self.host.nodes)
            yield "charged_pages", (domid,), domain.charged_pages, as_term(domain.tot_pages + limbo)
            yield "charge_limit", (domid,), domain.charge_limit, as_term(domain.max_pages)


def _raw_claim_node(domain: Domain) -> Any:
    """claim_node without deciding it."""
    return Domain.__dict__["claim_node"].__get__(domain)


def _entry(value: Any, index: Index) -> Term:
    if isinstance(value, ListVector):
        return value.entries[index[0]]
    if isinstance(value, ListGrid):
        return value.rows[index[0]].entries[index[1]]
    return value


def unequal(value: Any, term: Term) -> z3.BoolRef | bool:
    """The two differ."""
    one = as_term(value)
    if isinstance(one, int) and isinstance(term, int):
        return one != term
    return one != term
