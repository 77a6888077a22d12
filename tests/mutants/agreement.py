"""Transitions and calls say the same: a step is possible exactly where its call succeeds, and leaves what that leaves.

Properties of states cannot see a guard that is too strong: what never happens breaks nothing. The calls, which are
held against the reference, can: from every state in which the invariants hold, on the premises that are named, the
guards of a transition and the success of its call are the same condition, and the counters afterwards are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import z3

from model.c_types import UINT_MAX
from model.calls import (
    ANONYMOUS,
    ASSIGNED,
    FREE,
    GLOBAL,
    IN_USE,
    LIMBO,
    NONE,
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
from model.named import GENERATIONS, TRANSITIONS
from model.state import FIELDS
from model.step import Step
from model.transitions.stash import SMALLEST
from proofs.obligations.invariants import invariant
from proofs.prover.verdict import Settings, Verdict

NODES, DOMAINS = 2, 2
_NOT_COMPARED = frozenset(
    {"domctl_lock", "legacy_calls", "transit_pages", "anonymous_pages", "installed_pages", "marked_pages"}
)
"""Fields that calls do not have, or, of marks, that belong to another of their cases."""
_LOOKS_AT_AFFINITY = "single-node-v2"
"""Its host check looks at claim_node where node_affinity is that node alone; transitions have no node_affinity."""


@dataclass(frozen=True)
class Asked:
    """A call that stands beside a transition."""

    call: str
    arguments: Mapping[str, Any]
    """Of the call."""
    where: Term
    """What is presumed: what the caller has seen to, and what only one side looks at."""
    success: tuple[str, ...]
    """Names of the cases in which the step is made."""
    given: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of the transition that are not to be any."""
    failing: bool = False
    """The step stands for the call's failure."""


Ask = Callable[[CallHost, CallState, Mapping[str, Any]], Iterator[Asked]]


def _pages(name: str = "pages") -> Term:
    return z3.Int(f"{name}?")


def _set(s: CallState, domid: Term, failing: bool, success: tuple[str, ...] = ("installed",)) -> Iterator[Asked]:
    first, host_wide = [_pages("first[0]"), _pages("first[1]")], _pages("global")
    usual = [
        s.listed(domid), s.domctl_lock == -1, s.controller_pause_count[domid] >= 1,
        negation(z3.Bool("malformed")), negation(z3.Bool("names_offline_node")),
        s.llc_coloring == z3.Bool("llc_coloring"), _pages("second[0]") == 0, _pages("second[1]") == 0,
    ]  # fmt: skip
    for named in ((0,), (1,), (0, 1), (0, GLOBAL), (GLOBAL,), (0, 1, GLOBAL)):
        pages = {target: host_wide if target == GLOBAL else first[target] for target in named}
        left = [term for target, term in ((0, first[0]), (1, first[1]), (GLOBAL, host_wide)) if target not in pages]
        where = all_of([*usual, *(term >= 1 for term in pages.values()), *(term == 0 for term in left)])
        entries = [Entry(term, target) for target, term in pages.items()]
        yield Asked("claim_memory", {"domid": domid, "entries": entries}, where, success, failing=failing)


def _legacy(semantics: str, s: CallState, domid: Term, failing: bool, release: bool = False) -> Iterator[Asked]:
    pages = _pages()
    checked = s.legacy_calls[domid] >= 1 if GENERATIONS[semantics].rules.refuses_dying else True
    where = all_of([s.listed(domid), checked])
    if release:
        yield Asked("set_outstanding_pages", {"domid": domid, "pages": 0}, where, ("released",))
    else:
        arguments = {"domid": domid, "pages": pages}
        yield Asked("set_outstanding_pages", arguments, all_of([where, pages >= 1]), ("claimed",), failing=failing)


def _on_node(semantics: str, s: CallState, domid: Term, node: Term) -> Iterator[Asked]:
    pages = _pages()
    # Of a dying domain the hypercall has seen to it, where anybody does.
    alive = negation(s.is_dying[domid]) if GENERATIONS[semantics].rules.refuses_dying else True
    where = all_of([s.listed(domid), s.domctl_lock == -1, alive, pages >= 1])
    yield Asked("set_outstanding_pages", {"domid": domid, "pages": pages, "node": node}, where, ("claimed",))


_UNMARKED = {"marks": 0}
"""Nothing is marked offline: what becomes of marks is another case."""
_RELEASED = ("released", "released-last")
_CRASHES = ("host-overclaimed", "node-overclaimed")


def _crash(s: CallState, domid: Term, node: Term) -> Iterator[Asked]:
    pages = _pages()
    where = all_of([s.listed(domid), s.domctl_lock == -1, pages >= 1])
    for on_host in (True, False):
        arguments = {"domid": domid, "pages": pages, "node": None if on_host else node}
        yield Asked("set_outstanding_pages", arguments, where, _CRASHES, {"host_wide": on_host})


def _alloc(
    semantics: str, host: CallHost, s: CallState, domid: Term, owned: bool, failing: bool = False
) -> Iterator[Asked]:
    pages = _pages()
    for requested in (0, 1, None):
        for exact in (True, False) if requested is not None else (False,):
            candidates = (requested,) if exact else (0, 1) if failing else (0,)
            given = {
                "requested_node": 0 if requested is None else requested,
                "node": candidates[0],
                "exact_node": exact,
                "anywhere": requested is None,
            }
            arguments = {
                "domid": domid, "order": 0, "pages": pages, "candidates": candidates, "requested": requested,
                "exact": exact, "has_block": [pages <= s.node_avail_pages[n] for n in range(host.nodes)],
                "no_owner": not owned,
            }  # fmt: skip
            named = z3.Int("requested_node") == given["requested_node"]
            where = all_of([True if domid is None else s.listed(domid), pages >= 1, named])
            if domid is not None and requested is None and semantics == _LOOKS_AT_AFFINITY:
                where = all_of([where, *(s.node_affinity[domid, n] for n in range(host.nodes))])
            yield Asked("alloc_heap_pages", arguments, where, ("allocated",), given, failing)


def _block(state: str, node: Term, owner: Term, refcounted: bool = True) -> dict[str, Any]:
    return {"block": Block(_pages(), node, state, owner, refcounted)}


def asked(semantics: str, transition: str, host: CallHost, s: CallState) -> Iterator[Asked]:
    """The calls beside a transition; none where it stands for no call that this compares."""
    domid, node, pages = z3.Int("domid"), z3.Int("node"), _pages()
    one = pages >= 1
    if transition in ("claim_memory", "claim_memory_refused") and exists("claim_memory", semantics):
        yield from _set(s, domid, transition.endswith("refused"))
    elif transition in ("set_outstanding_pages", "set_outstanding_pages_refused"):
        yield from _legacy(semantics, s, domid, transition.endswith("refused"))
    elif transition == "set_outstanding_pages_zero":
        yield from _legacy(semantics, s, domid, failing=False, release=True)
    elif transition == "claim_on_node":
        yield from _on_node(semantics, s, domid, node)
    elif transition == "claim_crashes":
        yield from _crash(s, domid, node)
    elif transition == "allocation_crashes":
        arguments = {"domid": domid, "order": 0, "pages": 1, "candidates": (0,), "requested": 0, "exact": True}
        has_block = {"has_block": [True] * host.nodes}
        yield Asked("alloc_heap_pages", {**arguments, **has_block}, s.listed(domid), _CRASHES, {"node": 0})
    elif transition == "claim_pages_check":
        usual = [s.listed(domid), negation(z3.Bool("malformed")), s.llc_coloring == z3.Bool("llc_coloring")]
        yield Asked("claim_pages_check", {"domid": domid, "pages": pages}, all_of(usual), ("checked",))
    elif transition == "release_claims" and semantics == "per-node-v8":
        yield Asked("claim_memory", {"domid": domid, "entries": []}, s.domctl_lock == -1, ("released",))
    elif transition in ("alloc_heap_pages", "alloc_heap_pages_refused"):
        yield from _alloc(semantics, host, s, domid, owned=True, failing=transition.endswith("refused"))
    elif transition in ("alloc_heap_pages_unowned", "exchange_allocate"):
        domain = domid if GENERATIONS[semantics].rules.credits_without_refcount else None
        yield from _alloc(semantics, host, s, domain, owned=False)
    elif transition in ("assign_pages", "assign_pages_refused"):
        where = all_of([one, pages <= s.limbo_pages[domid, node]])
        arguments = {"domid": domid, **_block(LIMBO, node, domid)}
        failing = transition.endswith("refused")
        yield Asked("assign_pages", arguments, where, ("assigned",), _UNMARKED, failing)
    elif transition == "assign_extra_pages":
        where = all_of([one, pages <= s.transit_pages[node], s.is_created[domid]])
        arguments = {"domid": domid, "no_refcount": True, **_block(LIMBO, node, domid, False)}
        yield Asked("assign_pages", arguments, where, ("assigned",), _UNMARKED)
    elif transition == "free_domheap_pages":
        where = all_of([one, pages <= s.assigned_pages[domid, node], pages <= s.tot_pages[domid]])
        yield Asked("release_ownership", _block(ASSIGNED, node, domid), where, _RELEASED)
    elif transition == "free_extra_pages":
        where = all_of([one, pages <= s.extra_pages[domid, node]])
        yield Asked("release_ownership", _block(ASSIGNED, node, domid, False), where, _RELEASED)
    elif transition == "free_stash":
        kept = s.is_dying[domid] if GENERATIONS[semantics].rules.keeps_stash else True
        where = all_of([pages >= SMALLEST, pages <= s.limbo_pages[domid, node], kept])
        yield Asked("free_stash", {"domid": domid, **_block(LIMBO, node, domid)}, where, ("freed",))
    elif transition == "destroy_domain":
        # Of claims that it leaves behind the calls keep the domain's own counters, and transitions the sum.
        nobody = all_of([s.domctl_lock != domid, s.last_frees[domid] == 0, s.held(domid) == 0])
        where = all_of([s.listed(domid), s.is_dying[domid], nobody])
        yield Asked("domain_destroy", {"domid": domid}, where, ("destroyed",))
    elif transition == "free_heap_pages":
        where = all_of([one, pages <= s.transit_pages[node]])
        yield Asked("free_heap_pages", _block(LIMBO, node, None, False), where, ("freed",))
    elif transition == "free_marked_page":
        where = all_of([s.transit_pages[node] >= 1, s.marked_pages[node] >= 1])
        yield Asked("free_heap_pages", {"block": Block(1, node, LIMBO, None, False, 1)}, where, ("freed-and-offlined",))
    elif transition == "offline_page":
        yield Asked("offline_page", {"node": node, "page": FREE}, s.node_avail_pages[node] >= 1, ("offlined",))
    elif transition == "mark_page_offline":
        in_use = s.installed_pages[node] - s.node_avail_pages[node] - s.offlined_pages[node]
        where = s.marked_pages[node] < in_use
        yield Asked("offline_page", {"node": node, "page": IN_USE}, where, ("marked",))
    elif transition == "online_page":
        yield Asked("online_page", {"node": node, "page": OFFLINED}, s.offlined_pages[node] >= 1, ("onlined",))
    elif transition == "exchange_steal":
        where = all_of([one, pages <= s.assigned_pages[domid, node]])
        yield Asked("steal_page", {"domid": domid, **_block(ASSIGNED, node, domid)}, where, ("stolen",))
    elif transition == "exchange_assign":
        where = all_of([one, pages <= s.transit_pages[node], s.is_created[domid]])
        arguments = {"domid": domid, **_block(ANONYMOUS, node, None, False)}
        yield Asked("assign_in_exchange", arguments, where, ("assigned",), _UNMARKED)
    elif transition == "set_max_pages":
        limit = _pages("max_pages")
        where = all_of([s.listed(domid), s.domctl_lock == -1, limit <= UINT_MAX])
        yield Asked("set_max_pages", {"domid": domid, "max_pages": limit}, where, ("limited",))
    elif transition == "create_domain":
        limit = _pages("max_pages")
        where = all_of([negation(s.is_created[domid]), s.domctl_lock == -1, limit <= UINT_MAX])
        arguments = {"domid": domid, "max_pages": limit, "node_affinity": frozenset(range(host.nodes))}
        yield Asked("create_domain", arguments, where, ("created",))
    elif transition == "domain_kill":
        where = all_of([s.listed(domid), s.domctl_lock == -1])
        yield Asked("mark_dying", {"domid": domid}, where, ("marked",))
    elif transition == "domain_kill_release":
        yield Asked("release_all_claims", {"domid": domid}, s.domctl_lock == domid, ("released",))


def disagreement(semantics: str, kept: list[str], transition: str) -> tuple[Verdict, str]:
    """Refuted, with what differs: some state and arguments let one side do what the other does not. Proved: none does.

    Not applicable where the transition stands beside no call.
    """
    host = CallHost(NODES, DOMAINS)
    s = host.state()
    assert isinstance(s, CallState)
    compared = 0
    for one in asked(semantics, transition, host, s):
        compared += 1
        verdict = _compared(semantics, kept, transition, host, s, one)
        if verdict is not Verdict.PROVED:
            return verdict, one.call
    return (Verdict.PROVED if compared else Verdict.NOT_APPLICABLE), ""


def _compared(semantics: str, kept: list[str], transition: str, host: CallHost, s: CallState, one: Asked) -> Verdict:
    rules = GENERATIONS[semantics]
    step = Step(host, s, one.given)
    step.rules = rules.rules
    TRANSITIONS[transition].build(step, rules.rules)
    possible = all_of(guard.formula(host) for guard in step.guards)
    found = cases(Call(rules, host, s), one.call, **one.arguments)
    succeeds = any_of(holds(found, i) for i, case in enumerate(found) if case.name in one.success)
    solver = z3.SimpleSolver()
    solver.set("rlimit", Settings().rlimit // 20)
    if one.failing:
        crashes = any_of(holds(found, i) for i, case in enumerate(found) if case.result == "crash")
        wrong = negation(possible == negation(any_of([succeeds, crashes])))
        wrong = all_of([negation(crashes), wrong])
    else:
        after = host.after(step)
        effects = [(holds(found, i), case) for i, case in enumerate(found) if case.name in one.success]
        wrong = any_of([negation(_as_term(possible) == _as_term(succeeds)), _differs(host, s, after, effects)])
    facts = [invariant(name, host, s) for name in kept]
    for fact in [*facts, *host.axioms, one.where, *_never_both(host, s), wrong]:
        solver.add(_as_term(fact))
    answer = solver.check()
    if answer == z3.unsat:
        return Verdict.PROVED
    return Verdict.REFUTED if answer == z3.sat else Verdict.UNKNOWN


def _never_both(host: CallHost, s: CallState) -> list[Term]:
    """Where a claim's target is kept, it is where the claim is."""
    facts = []
    for d in range(host.domains):
        for n in range(host.nodes):
            facts.append(any_of([s.claims[d, n] == 0, s.claim_node[d] == n]))
        facts.append(any_of([s.global_claims[d] == 0, s.claim_node[d] == NONE]))
    return facts


def _differs(host: CallHost, s: CallState, after: Any, effects: list[tuple[Term, Case]]) -> Term:
    """Some counter is not what the call leaves."""
    found = []
    for condition, case in effects:
        left = s if case.effect is None else case.effect()
        for name, info in FIELDS.items():
            if name in _NOT_COMPARED:
                continue
            ours, theirs = getattr(after, name), getattr(left, name)
            different: list[Term] = []
            host.shaped(info, lambda *i, a=ours, b=theirs, d=different: d.append(negation(_at(a, i) == _at(b, i))) or 0)
            found.append(all_of([condition, any_of(different)]))
    return any_of(found)


def _at(value: Any, index: tuple[int, ...]) -> Term:
    if not index:
        return _as_term(value)
    return _as_term(value[index[0]] if len(index) == 1 else value[index])


def _as_term(term: Term) -> Term:
    return z3.BoolVal(term) if isinstance(term, bool) else z3.IntVal(term) if isinstance(term, int) else term
