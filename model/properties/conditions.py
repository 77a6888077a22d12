"""Conditions on callers that make a property hold which does not hold in general.

A condition is an extra guard on some transitions. That a property needs one is a finding: the hypervisor, or all its
callers, would have to guarantee it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from model.logic import Term, any_of, minimum, negation
from model.step import Formula, Step


@dataclass(frozen=True)
class Condition:
    """A condition that callers must guarantee, as an extra guard on some transitions."""

    id: str
    sentence: str
    transitions: frozenset[str]
    guard: Callable[[Step], Formula]
    excludes: frozenset[str] = frozenset()
    """The transitions that cannot happen under the condition: nothing is to be proved about them."""


def _used(step: Step) -> Term:
    """Pages, pages in limbo and claims of the actor."""
    s, d = step.before, step.actor
    return s.tot_pages[d] + s.limbo_pages.row(d).total() + s.held(d)


def _limit_not_lowered(step: Step) -> Formula:
    limit = step.arguments["max_pages"]
    return lambda _q: _used(step) <= limit


def _no_limbo(step: Step) -> Formula:
    s, d = step.before, step.actor

    return lambda _q: s.limbo_pages.row(d).total() == 0


def _within_limit(step: Step) -> Formula:
    s, d, pages = step.before, step.actor, step.arguments["pages"]
    return lambda _q: _used(step) + pages - minimum(pages, s.held(d)) <= s.max_pages[d]


def _within_claims(step: Step) -> Formula:
    s, d, pages = step.before, step.actor, step.arguments["pages"]
    return lambda _q: pages <= s.held(d)


def _not_dying(step: Step) -> Formula:
    s, d = step.before, step.actor
    return lambda _q: negation(s.is_dying[d])


def _insisted_on(step: Step) -> Formula:
    exact, anywhere = step.arguments["exact_node"], step.arguments["anywhere"]
    return lambda _q: any_of([exact, anywhere])


def _claims_nothing(step: Step) -> Formula:
    s, d = step.before, step.actor
    return lambda _q: True if d is None else s.held(d) == 0


def _no_marks(step: Step) -> Formula:
    marks = step.arguments["marks"]
    return lambda _q: marks == 0


def _without(name: str, sentence: str, transitions: set[str]) -> Condition:
    return Condition(name, sentence, frozenset(transitions), lambda _step: lambda _q: False, frozenset(transitions))


CONDITIONS: dict[str, Condition] = {
    c.id: c
    for c in (
        Condition(
            "limit-not-lowered",
            "max_pages is never set below the domain's pages, pages in limbo and claims",
            frozenset({"set_max_pages"}),
            _limit_not_lowered,
        ),
        Condition(
            "no-claim-in-flight",
            "claims are installed only while no allocation of the domain is between the heap and assign_pages",
            frozenset({"claim_memory", "set_outstanding_pages", "claim_on_node"}),
            _no_limbo,
        ),
        Condition(
            "requests-within-limit",
            "no builder requests pages that would exceed max_pages once claims and pages in limbo are counted",
            frozenset({"alloc_heap_pages"}),
            _within_limit,
        ),
        Condition(
            "requests-within-claims",
            "no builder requests more pages than its domain has claimed",
            frozenset({"alloc_heap_pages"}),
            _within_claims,
        ),
        Condition(
            "legacy-check-in-lock",
            "set_outstanding_pages itself checks is_dying, under its locks",
            frozenset({"set_outstanding_pages", "claim_for_destroyed", "claim_on_node_for_destroyed"}),
            _not_dying,
            excludes=frozenset({"claim_for_destroyed", "claim_on_node_for_destroyed"}),
        ),
        Condition(
            "node-insisted-on",
            "a request that names a node accepts no other node (MEMF_exact_node)",
            frozenset({"alloc_heap_pages", "alloc_heap_pages_unowned", "exchange_allocate"}),
            _insisted_on,
        ),
        Condition(
            "claimants-refcounted",
            "a request for a domain that holds claims is refcounted to it",
            frozenset({"alloc_heap_pages_unowned", "exchange_allocate"}),
            _claims_nothing,
        ),
        _without(
            "nothing-offlined",
            "no page goes offline",
            {"offline_page", "free_marked_page", "free_marked_stash_page"},
        ),
        Condition(
            "limbo-not-marked",
            "no page is marked offline while it is in limbo",
            frozenset({"assign_pages", "assign_extra_pages", "exchange_assign"}),
            _no_marks,
        ),
        _without(
            "stash-not-dropped",
            "a preempted populate_physmap is continued with the same arguments: no stashed extent is freed",
            {"free_stash", "free_marked_stash_page"},
        ),
    )
}
