"""The calls of the model, made one after the other on one state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from model.calls import NONE, OK, search_order
from model.named import GENERATIONS
from reference.state import Domain, Host
from reference.status import MisuseError

from .compiled import CaseResult, Compiled, Compiler, ModelState, Pages, direct
from .features import PASSED_OVER, claims_of, count_recalled, count_redeemed, count_search, kind_of_search
from .frames import marked_in, stash_of

_MOST_ENTRIES = 6
"""Of a claim set that is compiled: the checks of an entry grow with those before it."""
_orders = lru_cache(maxsize=1 << 14)(search_order)
Arguments = Mapping[str, Any]


@lru_cache(maxsize=64)
def compiler(semantics: str) -> Compiler:
    """The compiled calls of a semantics, shared by everything in this process."""
    return Compiler(semantics)


class ModelCalls:
    """A state of the model, and what the calls of the last critical section did to it."""

    def __init__(self, host: Host, domains: int) -> None:
        """``host``: of the reference, whose free blocks are looked at; ``domains``: ids are below that."""
        self.host = host
        self.state = ModelState(host.node_pages, domains, host.llc_coloring_enabled, host.debug_build)
        self.domains: dict[int, Domain] = {}
        """Of the reference: the last domain of every id, whether it is on the list or destroyed."""
        self.killing: set[int] = set()
        """Ids of domains whose domain_kill has begun and not ended: it holds the domctl lock all the while."""
        self.result = OK
        """Of the call made last."""
        self.changed: frozenset[str] = frozenset()
        """The fields that changed."""
        self.touched: int | None = NONE
        """The only domain that something changed of; none: it may be any."""
        self.affinity: dict[int | None, frozenset[int]] = {None: frozenset(host.nodes)}
        """node_affinity by domain; for no domain it is every node."""
        self._compiler = compiler(host.semantics.name)
        self.hits = self._compiler.hits
        self._nodes = len(host.node_pages)
        self._taken: Pages | None = None
        self._redeems_at_assign = GENERATIONS[host.semantics.name].rules.redeems_at_assign

    def new_section(self) -> None:
        """A critical section begins."""
        self.result = OK
        self.changed = frozenset()
        self.touched = NONE

    def settle(self) -> None:
        """The reference has done its part, with the same result: which frames it took is known now."""
        if self._taken is not None:
            self._taken.mfn = next(reversed(self.host.pages.blocks))
            self._taken = None

    def make(self, name: str, arguments: Arguments) -> CaseResult:
        """Make a call: the case that came out."""
        special = _MADE.get(name)
        return self._plain(name, arguments) if special is None else special(self, name, arguments)

    def _plain(self, name: str, arguments: Arguments) -> CaseResult:
        compiled, numbers = self._compiler.kind(name, arguments, self._nodes)
        block: Pages | None = arguments.get("block")
        domid = arguments.get("domid", None if block is None else block.owner)
        if domid != self.touched:
            self._touch(domid)
        return self._came_out(compiled, compiled.function(self.state, *numbers), block, domid)

    def _touch(self, domid: int | None) -> None:
        """Something changes of a domain, or of none; of several calls in a section, each may touch another."""
        if domid is not None:
            self.touched = domid if self.touched in (NONE, domid) else None

    def _came_out(self, compiled: Compiled, index: int, block: Pages | None, domid: int | None) -> CaseResult:
        compiled.counts[index] += 1
        outcome = compiled.outcomes[index]
        changed = outcome.changed
        if changed:
            self.changed = self.changed | changed if self.changed else changed
        made = compiled.made[index]
        if made is None:
            if outcome.state is None:
                made = CaseResult(outcome.name, outcome.result, None, self.state.answer)
            else:
                assert block is not None  # it leaves what it was given
                owner = domid if outcome.owned else None
                left = Pages(block.order, block.node, outcome.state, owner, outcome.refcounted, block.mfn)
                made = CaseResult(outcome.name, outcome.result, left, self.state.answer if outcome.answers else None)
        self.result = made.result
        return made

    def _directly(self, name: str, arguments: Arguments) -> CaseResult:
        """Evaluated on numbers, not compiled: it is rare, and would be compiled anew each time."""
        self._touch(arguments.get("domid"))
        _, case = direct.outcome(self.host.semantics.name, self.state, name, arguments)
        self.changed |= direct.apply(case, self.state)
        self.hits[f"{name}: {case.name}"] += 1
        self.result = case.result
        if case.answer:
            self.state.answer = direct.answer(case)
        return CaseResult(case.name, case.result, None, self.state.answer if case.answer else None)

    def _with_entries(self, name: str, arguments: Arguments) -> CaseResult:
        few = len(arguments["entries"]) <= _MOST_ENTRIES
        return self._plain(name, arguments) if few else self._directly(name, arguments)

    def _freeing(self, name: str, arguments: Arguments) -> CaseResult:
        block: Pages = arguments["block"]
        block.marked = marked_in(self.host, block)
        return self._recalling(name, arguments) if block.marked else self._plain(name, arguments)

    def _recalling(self, name: str, arguments: Arguments) -> CaseResult:
        before = self.state.node_claims, self.state.global_claims
        made = self._plain(name, arguments)
        if self.changed:
            self.touched = None
            count_recalled(self.hits, before, self.state)
        return made

    def _marked(self, name: str, arguments: Arguments) -> CaseResult:
        block: Pages = arguments["block"]
        block.marked = marked_in(self.host, block)
        return self._plain(name, arguments)

    def _killing(self, name: str, arguments: Arguments) -> CaseResult:
        made = self._plain(name, arguments)
        if made.name == "marked":
            self.killing.add(arguments["domid"])
        elif name == "stash_check" and made.name != "to-be-freed":
            self.killing.discard(arguments["domid"])
        return made

    def _stash(self, name: str, arguments: Arguments) -> CaseResult:
        """Which frames a stashed extent is, is asked of the reference."""
        compiled, numbers = self._compiler.kind(name, arguments, self._nodes)
        domid = arguments["domid"]
        self._touch(domid)
        index = compiled.function(self.state, *numbers)
        stash = None if domid is None else stash_of(self.host, self.domains[domid])
        if compiled.outcomes[index].state is not None and stash is None:
            raise MisuseError("the model has a stashed extent, and the reference has none")
        made = self._came_out(compiled, index, stash, domid)
        if name == "take_stash":
            self.killing.discard(domid)
        return made

    def _offlining(self, name: str, arguments: Arguments) -> CaseResult:
        before = self.state.node_claims, self.state.global_claims
        made = self._plain(name, arguments)
        if made.name == "offlined":
            self.touched = None
            count_recalled(self.hits, before, self.state)
        return made

    def _assigning(self, name: str, arguments: Arguments) -> CaseResult:
        if not self._redeems_at_assign:
            return self._marked(name, arguments)
        before = claims_of(self.state, arguments["domid"])
        made = self._marked(name, arguments)
        if made.block is not None:
            count_redeemed(self.hits, before, self.state, arguments["domid"], made.block.node)
        return made

    def _alloc_heap_pages(self, _name: str, arguments: Arguments) -> CaseResult:
        s, hits = self.state, self.hits
        domid, order, requested = arguments["domid"], arguments["order"], arguments["requested"]
        self._touch(domid)
        compiled, numbers = self._compiler.search(arguments, self._nodes)
        last = NONE if domid is None else s.last_alloc_node[domid]
        affinity, exact = self.affinity[domid], arguments.get("exact", False)
        candidates = _orders(self._nodes, affinity, requested, None if last == NONE else last, exact)
        before = None if domid is None else claims_of(s, domid)
        index = compiled.function(s, *numbers, candidates, self.host.heap)
        outcome = compiled.outcomes[index]
        found = s.chosen if outcome.state is not None else None
        if found is not None or outcome.name == "no-node":
            count_search(hits, kind_of_search(domid, requested, exact), candidates, found, affinity)
        if found is None:
            return self._came_out(compiled, index, None, domid)
        if outcome.refcounted and before is not None and not self._redeems_at_assign:
            count_redeemed(hits, before, s, domid, found)
        if found != candidates[0]:
            hits[PASSED_OVER[not self.host.heap[candidates[0]].orders >> order]] += 1
        made = self._came_out(compiled, index, Pages(order, found, "", None, False, None), domid)
        self._taken = made.block
        return made


_MADE: dict[str, Callable[[ModelCalls, str, Arguments], CaseResult]] = {
    "alloc_heap_pages": ModelCalls._alloc_heap_pages,
    "assign_pages": ModelCalls._assigning,
    "assign_in_exchange": ModelCalls._marked,
    "mark_dying": ModelCalls._killing,
    "stash_check": ModelCalls._killing,
    "get_stashed_allocation": ModelCalls._stash,
    "take_stash": ModelCalls._stash,
    "domain_unpause_by_systemcontroller": ModelCalls._stash,
    "free_stash": ModelCalls._marked,
    "offline_marked": ModelCalls._offlining,
    "offline_page": ModelCalls._recalling,
    "free_heap_pages": ModelCalls._freeing,
    "install_claim_set": ModelCalls._with_entries,
    "claim_memory": ModelCalls._with_entries,
    "create_domain": ModelCalls._directly,
    "exchange_check": ModelCalls._directly,
    "get_memory_claims": ModelCalls._directly,
}
"""How the calls are made for which it is not enough to call the compiled function."""
