"""The outcome classes of a generation: those that a campaign should reach, and those that are unreachable, and why.

Classes are the cases of the model's calls, and further distinctions for allocations and recalls. The solver decides
whether a class is reachable, on a small host in any state in which all proved properties of the generation hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import z3

from model.calls import (
    ANONYMOUS,
    ASSIGNED,
    FREE,
    GLOBAL,
    IN_USE,
    LEGACY,
    LIMBO,
    MAX_PAUSE_COUNT,
    MISUSE,
    OFFLINED,
    Block,
    Call,
    CallHost,
    CallState,
    Case,
    Entry,
    cases,
    exists,
    holds,
)
from model.logic import Term, all_of, any_of, negation
from model.named import GENERATIONS
from model.properties import PROPERTIES
from proofs.interrupts import check, interruptible
from proofs.operations import OPERATIONS

from .features import (
    PASSED_OVER_CLAIMED,
    PASSED_OVER_EMPTY,
    RECALLED_HOST,
    RECALLED_HOST_OF_SEVERAL,
    RECALLED_NODE,
    RECALLED_NODE_OF_SEVERAL,
    RECALLED_NOTHING,
    REDEEMED,
    SEARCHED,
)
from .longest import at_late_entry, classes_of_loops

NODES, DOMAINS = 3, 2
NO_STATE = f"no state with all that is proved admits it ({NODES} nodes, {DOMAINS} domains)"
_DOMID = 1

SCRUBBING = "populate_physmap: preempted scrubbing"
"""Only in generations with a stash."""

Classes = dict[str, str]
"""Every class, and why it is unreachable; empty: it is reachable."""


class _StateSolver:
    """A solver with the properties of every state, and the queries to it."""

    def __init__(self, semantics: str, proved: list[str]) -> None:
        self.host = CallHost(NODES, DOMAINS)
        self.before: CallState = self.host.state()  # type: ignore[assignment]  # its state_type
        self.call = Call(GENERATIONS[semantics], self.host, self.before)
        self.found: Classes = {}
        self.given: Term = True
        """Further facts about the arguments."""
        self._solver = interruptible(z3.SimpleSolver())
        for name in proved:
            of_state = PROPERTIES[name].of_state
            assert of_state is not None  # these are state properties
            self._solver.add(of_state(self.host, self.before))
        pauses = self.before.controller_pause_count[_DOMID]
        self._solver.add(pauses >= 0, pauses <= MAX_PAUSE_COUNT)

    def ask(self, name: str, condition: Term, reason: str = NO_STATE) -> None:
        """Record a class as reachable if the condition is satisfiable; of several queries, one suffices."""
        if self.found.get(name) == "":
            return
        self._solver.push()
        self._solver.add(*self.host.axioms, self.given, condition)
        answer = check(self._solver)
        self._solver.pop()
        if answer == z3.unknown:
            raise RuntimeError(f"{name}: the solver does not know whether it can be reached")
        self.found[name] = "" if answer == z3.sat else reason


def classes_of(semantics: str, proved: list[str]) -> Classes:
    """Every class of a generation. ``proved``: the names of the properties that hold in every state."""
    asked = _StateSolver(semantics, proved)
    for name, arguments in calls_with_arguments(asked.host):
        if not exists(name, semantics):
            continue
        asked.given = _given(asked.before, name, arguments)
        found = cases(asked.call, name, **arguments)
        for index, case in enumerate(found):
            if case.result != MISUSE:
                asked.ask(f"{name}: {case.name}", holds(found, index))
        if name == "alloc_heap_pages":
            _passed_over(asked, found, arguments["has_block"])
        if name == "install_claim_set":
            for case in found:
                if case.entry is not None:  # a check that fails at one entry may fail at a late one
                    asked.found[at_late_entry(case.name)] = asked.found[f"{name}: {case.name}"]
        _effects(asked, name, found, arguments)
    stashing = (SCRUBBING,) if asked.call.interface.stashes else ()
    of_operations = [f"{name}: {outcome}" for name, kind in OPERATIONS.items() for outcome in kind.outcomes]
    for name in (*SEARCHED, PASSED_OVER_EMPTY, *of_operations, *stashing, *classes_of_loops(semantics)):
        asked.found[name] = ""
    return asked.found


def _given(before: CallState, name: str, arguments: dict[str, Any]) -> Term:
    """Facts at every use of the call: the pages of its block are counted, and a domain that is about to leave the
    list was killed and has no operation in flight."""
    if name in ("finish_kill", "domain_destroy"):
        return all_of([before.listed(_DOMID), before.is_dying[_DOMID], before.domctl_lock != _DOMID])
    if name == "put_domain" and arguments["freed"]:
        return before.last_frees[_DOMID] >= 1
    block: Block | None = arguments.get("block")
    if block is None or block.owner is None:
        return True
    if block.state == LIMBO:
        return block.pages <= before.limbo_pages[block.owner, block.node] if block.refcounted else True
    pages = before.assigned_pages if block.refcounted else before.extra_pages
    return block.pages <= pages[block.owner, block.node]


def calls_with_arguments(host: CallHost) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every call, with arguments that together cover every case."""
    pages, more, limit, marked = (host.pages(name) for name in ("pages", "more", "limit", "marked"))
    order, target, other = (host.pages(name) for name in ("order", "target", "other"))
    pad, pad_of_entry, flags = host.pages("pad"), host.pages("pad_of_entry"), host.pages("flags")
    host.axioms.append(all_of([pages >= 1, marked <= pages, pages < 1 << 64, more < 1 << 64, order < 64]))
    blocks = [
        Block(pages, 0, state, owner, refcounted, marked)
        for state, owner, refcounted in (
            (LIMBO, _DOMID, True),
            (ASSIGNED, _DOMID, True),
            (ANONYMOUS, None, False),
            (ASSIGNED, _DOMID, False),
        )
    ]
    wanted = [Entry(pages - 1, target, pad_of_entry), Entry(more, other), Entry(limit, GLOBAL)]
    has_block = [z3.Bool(f"has_block{n}") for n in range(NODES)]
    search = {"order": order, "pages": pages, "candidates": range(NODES), "has_block": has_block}
    flag, counts = host.flag("flag"), {"extents": 3, "in_order": 0, "out_order": 0}
    yield "create_domain", {"domid": _DOMID, "max_pages": limit, "node_affinity": frozenset({0})}
    yield "set_max_pages", {"domid": _DOMID, "max_pages": limit}
    yield "mark_dying", {"domid": _DOMID}
    yield "release_all_claims", {"domid": _DOMID}
    yield "domain_destroy", {"domid": _DOMID}
    yield "finish_kill", {"domid": _DOMID}
    for freed in (True, False):
        yield "put_domain", {"domid": _DOMID, "freed": freed}
    yield "domain_unpause_by_systemcontroller", {"domid": _DOMID}
    yield "get_memory_claims", {"domid": _DOMID, "capacity": more, "pad": pad}
    yield "claim_pages_check", {"domid": _DOMID, "pages": more, "mem_flags": flags, "has_extent_start": flag}
    yield "set_outstanding_pages", {"domid": _DOMID, "pages": -more}
    for node in (None, 0, NODES, 254):
        yield "set_outstanding_pages", {"domid": _DOMID, "pages": pages - 1, "node": node}
    for entries in ([], wanted[:1], wanted[1:], [*wanted, Entry(other, target)]):
        yield "install_claim_set", {"domid": _DOMID, "entries": entries}
        yield "claim_memory", {"domid": _DOMID, "entries": entries, "pad": pad}
    for entries in ([Entry(more, LEGACY)], [*wanted[:1], Entry(more, LEGACY)]):
        yield "install_claim_set", {"domid": _DOMID, "entries": entries}
        yield "claim_memory", {"domid": _DOMID, "entries": entries, "pad": pad}
    yield "claim_memory", {"domid": _DOMID, "entries": [Entry(0, 0)] * 66}
    for requested in (None, 0):
        yield "alloc_heap_pages", {"domid": _DOMID, "requested": requested, **search}
    yield "assign_pages", {"domid": _DOMID, "block": blocks[0]}
    yield "release_ownership", {"block": blocks[1]}
    yield "release_ownership", {"block": blocks[3]}
    yield "free_heap_pages", {"block": blocks[0]}
    for page, is_marked in ((FREE, False), (IN_USE, flag), (OFFLINED, False)):
        yield "offline_page", {"node": 0, "page": page, "marked": is_marked}
        yield "online_page", {"node": 0, "page": page, "marked": is_marked}
    for changed in ({}, {"in_order": 21}, {"out_order": 1}):
        yield "exchange_check", {"known": True, **counts, **changed}
    yield "exchange_check", {"known": False, **counts}
    for block in (None, *blocks):
        yield "steal_page", {"domid": _DOMID, "block": block}
    yield "assign_in_exchange", {"domid": _DOMID, "block": blocks[2]}
    yield "drop_tot_pages", {"domid": _DOMID, "pages": pages}
    yield "get_stashed_allocation", {"domid": _DOMID, "pages": more, "requested": 0, "exact": flag}
    yield "creation_check", {"domid": _DOMID}
    yield "preemption_check", {"domid": _DOMID, "pages": pages, "scrub_index": more, "preempt_at": 256}
    yield "stash_allocation", {"domid": _DOMID, "block": blocks[0], "scrub_index": more}
    yield "stash_check", {"domid": _DOMID}
    yield "take_stash", {"domid": _DOMID}
    yield "free_stash", {"domid": _DOMID, "block": blocks[0]}
    yield "offline_marked", {"block": blocks[0]}
    for name, kind in OPERATIONS.items():
        if kind.any_numbers is not None:
            domain = {"domid": _DOMID} if "domid" in kind.__struct_fields__ else {}
            yield name, domain | {argument: host.pages(argument) for argument in kind.any_numbers}


def _passed_over(asked: _StateSolver, found: list[Case], has_block: list[Term]) -> None:
    """The search skips a node that has a block."""
    second = [index for index, case in enumerate(found) if case.name == "allocated"][1]
    asked.ask(PASSED_OVER_CLAIMED, all_of([holds(found, second), has_block[0]]))


def _effects(asked: _StateSolver, name: str, found: list[Case], arguments: dict[str, Any]) -> None:
    """The classes of cases that redeem or recall."""
    redeems = "assign_pages" if asked.call.rules.redeems_at_assign else "alloc_heap_pages"
    for index, case in enumerate(found):
        if case.effect is None:
            continue
        if name == redeems:
            node = case.answer.get("node", 0)
            _redeemed(asked, holds(found, index), case.effect(), node)
        elif name in ("offline_page", "free_heap_pages", "offline_marked"):
            _recalled(asked, holds(found, index), case.effect(), arguments.get("node", 0), case.name)


def _redeemed(asked: _StateSolver, condition: Term, after: CallState, node: int) -> None:
    before = asked.before
    from_node = before.claims[_DOMID, node] - after.claims[_DOMID, node]
    took = (
        from_node > 0,
        after.global_claims[_DOMID] < before.global_claims[_DOMID],
        before.node_claims[_DOMID] - after.node_claims[_DOMID] > from_node,
    )
    for steps, name in enumerate(REDEEMED):
        pattern = [t if steps & (1 << bit) else negation(t) for bit, t in enumerate(took)]
        asked.ask(name, all_of([condition, *pattern]))


def _recalled(asked: _StateSolver, condition: Term, after: CallState, node: int, case: str) -> None:
    if case not in ("offlined", "freed-and-offlined"):
        return
    before = asked.before
    of_node = [after.claims[d, node] < before.claims[d, node] for d in range(DOMAINS)]
    of_host = [after.global_claims[d] < before.global_claims[d] for d in range(DOMAINS)]
    asked.ask(RECALLED_NOTHING, all_of([condition, negation(any_of([*of_node, *of_host]))]))
    for name, several, counts in (
        (RECALLED_NODE, RECALLED_NODE_OF_SEVERAL, of_node),
        (RECALLED_HOST, RECALLED_HOST_OF_SEVERAL, of_host),
    ):
        asked.ask(name, all_of([condition, any_of(counts), negation(all_of(counts))]))
        asked.ask(several, all_of([condition, *counts]))
