"""Makes calls of the model, one after the other, on one state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from model.calls import NONE, OK, search_order
from model.named import GENERATIONS
from reference.state import Domain, Host
from reference.status import MisuseError

from . import longest
from .compiler import CompiledCall, Compiler
from .features import PASSED_OVER, claims_of, count_recalled, count_redeemed, count_search, kind_of_search
from .frames import marked_in, stash_of
from .numbers import CaseResult, ModelState, Pages, evaluated

_MOST_ENTRIES = 6
"""The most entries of a claim set that is compiled: the checks of an entry grow with those before it."""
_orders = lru_cache(maxsize=1 << 14)(search_order)
Arguments = Mapping[str, Any]


@lru_cache(maxsize=64)
def compiler(semantics: str) -> Compiler:
    """The compiled calls of a generation, shared in this process."""
    return Compiler(semantics)


class ModelCalls:
    """A state of the model, and the changes made by the calls of the last critical section."""

    def __init__(self, host: Host) -> None:
        """``host``: the host of the reference, whose free blocks decide where an allocation is possible."""
        self.host = host
        self.state = ModelState(host.node_pages, (), host.llc_coloring_enabled, host.debug_build)
        self.domains: dict[int, Domain] = {}
        """The reference's last domain of every id, on the list or destroyed."""
        self.killing: set[int] = set()
        """Ids of domains whose domain_kill has begun and not ended; it holds the domctl lock."""
        self.result = OK
        """The result of the last call."""
        self.decided = ""
        """The case of the last call, as ``call: case``: the check that decided."""
        self.changed: frozenset[str] = frozenset()
        """The fields that changed."""
        self.touched: int | None = NONE
        """The only domain whose fields changed; None: any domain's may have."""
        self.affinity: dict[int | None, frozenset[int]] = {None: frozenset(host.nodes)}
        """node_affinity by domain; without a domain it is every node."""
        self._compiler = compiler(host.semantics.name)
        self.hits = self._compiler.hits
        self._nodes = len(host.node_pages)
        self._is_large = self._nodes >= longest.NODES
        self._taken: Pages | None = None
        self._redeems_at_assign = GENERATIONS[host.semantics.name].rules.redeems_at_assign

    def new_section(self) -> None:
        """Begin a critical section."""
        self.result = OK
        self.changed = frozenset()
        self.touched = NONE

    def settle(self) -> None:
        """The reference has run the section with the same result: record the frames that it took."""
        if self._taken is not None:
            self._taken.mfn = next(reversed(self.host.pages.blocks))
            self._taken = None

    def make(self, name: str, arguments: Arguments) -> CaseResult:
        """Make a call; returns the case that applied."""
        special = _MADE.get(name, ModelCalls._plain)
        return self._on_large(special, name, arguments) if self._is_large else special(self, name, arguments)

    def _on_large(self, special: MakeCall, name: str, arguments: Arguments) -> CaseResult:
        """Make a call on a host of many nodes, and count on how many nodes a domain's claims changed."""
        s = self.state
        slot = s.slots.get(arguments.get("domid", NONE))  # a domain that is being created has no slot and no claims
        if slot is None:
            return special(self, name, arguments)
        before = s.claims[slot][:]
        made = special(self, name, arguments)
        if "claims" in self.changed:
            redeems = name in ("alloc_heap_pages", "assign_pages")
            longest.count_claims(self.hits, before, s.claims[slot], redeems=redeems)
        return made

    def _plain(self, name: str, arguments: Arguments) -> CaseResult:
        compiled, numbers = self._compiler.kind(name, arguments, self._nodes, self.state.slots)
        block: Pages | None = arguments.get("block")
        domid = arguments.get("domid", None if block is None else block.owner)
        if domid != self.touched:
            self._touch(domid)
        return self._came_out(compiled, compiled.function(self.state, *numbers), block, domid)

    def _touch(self, domid: int | None) -> None:
        """Record that a domain, or no domain, changes; calls in one section may change different domains."""
        if domid is not None:
            self.touched = domid if self.touched in (NONE, domid) else None

    def _came_out(self, compiled: CompiledCall, index: int, block: Pages | None, domid: int | None) -> CaseResult:
        self.decided = compiled.hits[index]
        self.hits[self.decided] += 1
        changed = compiled.changed[index]
        if changed:
            self.changed = self.changed | changed if self.changed else changed
        made = compiled.results[index]
        if made is None:
            case = compiled.cases[index]
            left: Pages | None = None
            if case.block is not None:
                assert block is not None  # the case keeps the block that it got
                owner = None if case.block.owner is None else domid
                left = Pages(block.order, block.node, case.block.state, owner, case.block.refcounted, block.mfn)
            made = CaseResult(case.name, case.result, left, self.state.answer if case.answer else None)
        self.result = made.result
        return made

    def _directly(self, name: str, arguments: Arguments) -> CaseResult:
        """Make a call evaluated on numbers: it is rare, and would have to be compiled for each use."""
        domid = arguments.get("domid")
        self._touch(domid)
        if domid is not None:
            arguments = {**arguments, "domid": self.state.slots[domid]}
        case, updated = evaluated(self.host.semantics.name, self.state, name, arguments)
        self.changed = self.changed.union(updated)
        self.decided = f"{name}: {case.name}"
        self.hits[self.decided] += 1
        if "entries" in arguments:
            longest.count_set(self.hits, arguments["entries"], case)
        self.result = case.result
        return CaseResult(case.name, case.result, None)

    def _with_entries(self, name: str, arguments: Arguments) -> CaseResult:
        few = len(arguments["entries"]) <= _MOST_ENTRIES
        return self._plain(name, arguments) if few else self._directly(name, arguments)

    def _freeing(self, name: str, arguments: Arguments) -> CaseResult:
        block: Pages = arguments["block"]
        block.marked = marked_in(self.host, block)
        if not block.marked:
            return self._plain(name, arguments)
        if block.marked >= longest.MARKED:
            self.hits[longest.LEFT_MARKED] += 1
        return self._recalling(name, arguments)

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

    def _reporting(self, name: str, arguments: Arguments) -> CaseResult:
        made = self._plain(name, arguments)
        if made.result == OK and self.state.answer.get("needed", 0) >= longest.NODES:
            self.hits[longest.ANSWERED] += 1
        return made

    def _stash(self, name: str, arguments: Arguments) -> CaseResult:
        """Make a call on a stashed extent; the reference supplies its frames."""
        compiled, numbers = self._compiler.kind(name, arguments, self._nodes, self.state.slots)
        domid = arguments["domid"]
        self._touch(domid)
        index = compiled.function(self.state, *numbers)
        stash = None if domid is None else stash_of(self.host, self.domains[domid])
        if compiled.cases[index].block is not None and stash is None:
            raise MisuseError("the model has a stashed extent, but the reference does not")
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

    def node_search(
        self, domid: int | None, order: int, requested: int | None, exact: bool
    ) -> tuple[tuple[int, ...], list[int]]:
        """The candidates of an allocation's node search, in order; and for each node, whether it has a free block."""
        last = NONE if domid is None else self.state.last_alloc_node[self.state.slots[domid]]
        candidates = _orders(self._nodes, self.affinity[domid], requested, None if last == NONE else last, exact)
        return candidates, [node.orders >> order for node in self.host.heap]

    def _alloc_heap_pages(self, _name: str, arguments: Arguments) -> CaseResult:
        s, hits = self.state, self.hits
        domid, order, requested = arguments["domid"], arguments["order"], arguments["requested"]
        self._touch(domid)
        flags = {name: arguments.get(name, False) for name in ("exact", "no_refcount", "no_owner")}
        request = {"domid": domid, "order": order, "pages": 1 << order, "requested": requested, **flags}
        compiled, numbers = self._compiler.kind("alloc_heap_pages", request, self._nodes, s.slots)
        affinity, exact = self.affinity[domid], flags["exact"]
        candidates, has_block = self.node_search(domid, order, requested, exact)
        before = None if domid is None else claims_of(s, domid)
        index = compiled.function(s, *numbers, candidates, has_block)
        case = compiled.cases[index]
        found = None if case.block is None else s.chosen
        if found is not None or case.name == "no-node":
            count_search(hits, kind_of_search(domid, requested, exact), candidates, found, affinity)
            if len(candidates) >= longest.NODES:
                if found is None:
                    hits[longest.SEARCHED_IN_VAIN] += 1
                elif found in candidates[longest.NODES - 1 :]:
                    hits[longest.SEARCHED] += 1
        if case.block is None or found is None:
            return self._came_out(compiled, index, None, domid)
        if case.block.refcounted and before is not None and not self._redeems_at_assign:
            count_redeemed(hits, before, s, domid, found)
        if found != candidates[0]:
            hits[PASSED_OVER[not has_block[candidates[0]]]] += 1
        made = self._came_out(compiled, index, Pages(order, found, "", None, False, None), domid)
        self._taken = made.block
        return made


MakeCall = Callable[[ModelCalls, str, Arguments], CaseResult]
_MADE: dict[str, MakeCall] = {
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
    "get_memory_claims": ModelCalls._reporting,
    "create_domain": ModelCalls._directly,
    "exchange_check": ModelCalls._directly,
}
"""Functions for the calls that need more than the compiled function."""
