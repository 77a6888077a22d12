"""`legacy-compatible`: a later generation behaves as an earlier one where its calls replace the earlier calls.

Three comparisons of steps from one state, for the generations with claim sets:

- *host-wide*: the legacy call and the host-wide claim set of the difference;
- *one-node*: every step and the same step of `single-node-v4`; a one-node set and the claim on the node;
- *derived-counters*: every step with a total kept and host-wide claims derived, and the same step with both counted.

In the model a single-node claim is the entry of `claims` at its `claim_node`, or `global_claims`, so that corresponding
states are equal. Equal states and equal steps give equal runs: two hosts, each of which gets one of the two calls,
behave the same from then on.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from model.bookkeeping import TOTAL_KEPT, StateWithTotal
from model.encoding import Encoding, Lemmas, Quantifiers
from model.generations.single_node import V4
from model.logic import Term, all_of, any_of, negation, positive_part, same
from model.operations.domains import NO_DOMCTL
from model.properties.comparison import Build, Comparison, Hint, Pair, Premise, after
from model.properties.property import of_two_steps
from model.registry import TRANSITIONS
from model.rules import Rules
from model.state import State
from model.step import Formula, Step

NO_FLAGS = {"llc_coloring": False, "malformed": False, "names_offline_node": False}
"""The arguments of a well-formed call, without LLC colouring."""


def _built(h: Encoding, s: State, rules: Rules, name: str, given: Mapping[str, Any] | None = None) -> Step:
    step = Step(h, s, {**NO_FLAGS, **(given or {})})
    step.name = name
    TRANSITIONS[name].build(step, rules)
    return step


def _set_of(h: Encoding, s: State, domid: Term, host_wide: Term, node: Term = None, pages: Term = 0) -> dict[str, Any]:
    """The arguments of a claim set: pages host-wide, and on one node."""
    nothing = h.combined([], s.claims.row(domid))
    first = nothing if node is None else h.replaced(nothing, node, pages)
    return {"first": first, "second": nothing, "global": host_wide}


def _own_claim(s: State, domid: Term) -> Hint:
    """A domain without claims has no claim on any node."""
    return lambda lemmas, node: lemmas.entry_within_sum(s.claims.row(domid), node)


def _when(name: str, sentence: str, condition: Term, applies: bool = False) -> Premise:
    formula: Formula = lambda _q: condition  # noqa: E731
    return Premise(name, sentence, formula, applies)


# -- premises


def _can_be_made(s: State, domid: Term) -> Premise:
    """A domctl can be made, so a claim set can be installed."""
    free = all_of([s.listed(domid), s.domctl_lock == NO_DOMCTL])
    return _when("both-can-be-made", "the domain is listed and no domctl is in progress", free, applies=True)


def _past_the_check(s: State, rules: Rules, domid: Term) -> Premise:
    called = s.legacy_calls[domid] >= 1 if rules.refuses_dying else s.is_created[domid]
    return _when("call-in-progress", "XENMEM_claim_pages has passed its check of is_dying", called, applies=True)


def _alive(s: State, domid: Term) -> Premise:
    return _when("alive", "the domain is not dying", negation(s.is_dying[domid]))


def _none_held(s: State, domid: Term) -> Premise:
    return _when("no-claim-held", "the domain holds no claim", s.held(domid) == 0)


def _asks_for_more(pages: Term, counted: Term) -> Premise:
    return _when("more-than-pages-held", "the call is for more pages than the domain has", pages > counted)


def _backed(s: State, node: Term = None) -> Premise:
    on_node = True if node is None else s.unclaimed_on(node) >= 0
    backed = all_of([s.unclaimed() >= 0, on_node])
    return _when("claims-backed", "no more pages are claimed than are free", backed)


# -- host-wide: the legacy call and the set of the difference


def _legacy_call(h: Encoding, s: State, rules: Rules) -> Pair:
    one = _built(h, s, rules, "set_outstanding_pages")
    domid, pages, counted = one.actor, one.arguments["pages"], rules.pages_held(s, one.actor)
    other = _built(h, s, rules, "claim_memory", _set_of(h, s, domid, positive_part(pages - counted)))
    premises = [
        _past_the_check(s, rules, domid),
        _can_be_made(s, domid),
        _when("not-a-release", "the call is for at least one page", pages >= 1, applies=True),
        _alive(s, domid),
        _none_held(s, domid),
        _asks_for_more(pages, counted),
    ]
    return Pair(one, other, premises, frozenset({"legacy_calls"}), at_node=_own_claim(s, domid))


def _legacy_release(h: Encoding, s: State, rules: Rules) -> Pair:
    one = _built(h, s, rules, "set_outstanding_pages_zero")
    domid, limit = one.actor, s.max_pages[one.actor]
    premises = [_past_the_check(s, rules, domid), _can_be_made(s, domid)]
    if rules.replaces:
        other = _built(h, s, rules, "claim_memory", _set_of(h, s, domid, 0))
        within = rules.pages_held(s, domid) <= limit
        premises += [
            _alive(s, domid),
            _when("pages-within-limit", "the domain has no more pages than max_pages", within),
        ]
    else:
        other = _built(h, s, rules, "release_claims")
    return Pair(one, other, premises, frozenset({"legacy_calls"}))


HOST_WIDE = (
    Comparison("set_outstanding_pages", "legacy call", "host-wide set of the difference", _legacy_call),
    Comparison("set_outstanding_pages_zero", "legacy call for 0 pages", "set without pages", _legacy_release),
)


# -- one-node: the same steps in single-node-v4


def _one_node_claim(h: Encoding, s: State, rules: Rules) -> Pair:
    other = _built(h, s, V4.rules, "claim_on_node")
    domid, node, pages = other.actor, other.place, other.arguments["pages"]
    claim = positive_part(pages - s.tot_pages[domid])
    one = _built(h, s, rules, "claim_memory", {"domid": domid, **_set_of(h, s, domid, 0, node, claim)})
    limit, there = s.max_pages[domid], s.unclaimed_on(node)
    h.entry_within_sum(s.claims.row(domid), node)
    premises = [
        _can_be_made(s, domid),
        _when("not-a-release", "the call is for at least one page", pages >= 1, applies=True),
        _when("alive", "the domain is not dying", negation(s.is_dying[domid]), applies=True),
        _none_held(s, domid),
        _asks_for_more(pages, s.tot_pages[domid]),
        _when("fits-host", "the host has room for the claim, as well as the node", claim <= s.unclaimed()),
        _when("node-backed", "no more pages of the node are claimed than are free", there >= 0),
        _when("one-reason", "not both the limit and the node are too small", any_of([pages <= limit, claim <= there])),
    ]
    return Pair(one, other, premises, at_node=_own_claim(s, domid))


def _as_v4(name: str) -> Build:
    def build(h: Encoding, s: State, rules: Rules) -> Pair:
        one, other = _built(h, s, rules, name), _built(h, s, V4.rules, name)
        pair = Pair(one, other, _where_v4_is_right(name, h, s, one))
        if name == "alloc_heap_pages":
            others = h.replaced(s.claims.row(one.actor), one.place, 0)
            h.none_below(others, h.node("claim_node"))
            h.entry_within_sum(others, h.node("claim_node"))
        if name in ("offline_page", "free_marked_page", "free_marked_stash_page"):
            pair.at_domain = _nothing_recalled(s, one.place)
            left = h.replaced(s.node_avail_pages, one.place, s.node_avail_pages[one.place] - 1)
            h.sums_ordered(s.node_outstanding_claims, left)
        if name == "set_outstanding_pages":
            pair.at_node = _own_claim(s, one.actor)
        return pair

    return build


def _nothing_recalled(s: State, node: Term) -> Hint:
    def hint(lemmas: Lemmas, domid: Term) -> None:
        lemmas.not_negative_below(s.claims.column(node), domid)
        lemmas.not_negative_below(s.global_claims, domid)

    return hint


def _where_v4_is_right(name: str, h: Encoding, s: State, step: Step) -> list[Premise]:
    domid, node = step.actor, step.place
    if name == "alloc_heap_pages":
        target = h.node("claim_node")
        full = s.tot_pages[domid] + s.held(domid) >= s.max_pages[domid]
        redeems_all = any_of([s.claims[domid, target] == 0, same(node, target), full])
        return [
            Premise(
                "one-target", "the domain's claims are on one node, or host-wide", _one_target(s, domid, target), True
            ),
            _backed(s, node),
            _when("no-claim-kept", "memory is from the claim's node, or pages and claims fill max_pages", redeems_all),
        ]
    if name in ("alloc_heap_pages_unowned", "exchange_allocate", "alloc_for_destroyed"):
        return [_backed(s, node)]
    if name in ("set_outstanding_pages", "claim_for_destroyed"):
        return [_backed(s)]
    if name in ("offline_page", "free_marked_page", "free_marked_stash_page"):
        gone = 1 if name == "offline_page" else 0
        on_node = s.node_outstanding_claims[node] <= s.node_avail_pages[node] - gone
        enough = all_of([on_node, s.outstanding_claims <= s.total_avail_pages - gone])
        return [_when("claims-stay-backed", "enough pages stay free for all claims", enough)]
    return []


def _one_target(s: State, domid: Term, target: Term) -> Formula:
    either = any_of([s.global_claims[domid] == 0, s.claims[domid, target] == 0])
    return lambda q: all_of([either, q.every_node(lambda n: any_of([same(n, target), s.claims[domid, n] == 0]))])


_SAME_CALLS = [t for t in V4.transitions if t in TRANSITIONS and not t.endswith("crashes") and t != "claim_on_node"]
_DECIDED = ("claim_memory_refused", "set_outstanding_pages_refused", "alloc_heap_pages_refused")
"""Refusals are compared together with the accepting transition."""
ONE_NODE = (
    Comparison("claim_memory", "one-node set", "claim on the node", _one_node_claim),
    *(Comparison(t, t, t, _as_v4(t)) for t in _SAME_CALLS if t not in _DECIDED),
)


# -- derived-counters: a total kept


def _with_total(name: str) -> Build:
    def build(h: Encoding, s: State, rules: Rules) -> Pair:
        total = h.pages_by_domain("outstanding_pages")
        kept = StateWithTotal(h, s, total)
        one = Step(h, kept, NO_FLAGS, TOTAL_KEPT)
        TRANSITIONS[name].build(one, rules)
        counted = replace(rules, keeps_total=False, folds_legacy=False)
        other = _built(h, s, counted, name)
        relation = Premise(
            "total-agrees",
            "outstanding_pages is the sum of the listed domain's claims",
            lambda q: q.every_domain(lambda d: total[d] == s.global_claims[d] + s.node_claims[d]),
            applies=True,
        )
        h.sums_equal(kept.global_claims, s.global_claims)
        pair = Pair(one, other, [relation], frozenset({"global_claims"}), _still_related(one, other))
        pair.at_domain = lambda lemmas, d: lemmas.sums_equal(kept.global_claims, s.global_claims, d)
        if name == "set_outstanding_pages":
            pair.at_node = _own_claim(s, one.actor)
        return pair

    return build


def _still_related(one: Step, other: Step) -> Formula:
    total = after(one, "outstanding_pages")
    node_claims, host_wide = after(other, "node_claims"), after(other, "global_claims")

    def domain(q: Quantifiers, d: Term) -> Term:
        q.sums_equal(one.before.global_claims, other.before.global_claims, d)
        return total(d) == host_wide(d) + node_claims(d)

    return lambda q: q.every_domain(lambda d: domain(q, d))


DERIVED = tuple(
    Comparison(t, f"{t}, total kept", f"{t}, both counted", _with_total(t))
    for t in TRANSITIONS
    if t not in _DECIDED and not t.endswith("crashes") and t != "claim_on_node"
)


# -- the property's parts


@of_two_steps("legacy-compatible.host-wide", "DS-02 DS-12", needs="sets")
def host_wide() -> tuple[Comparison, ...]:
    """A legacy call and the host-wide claim set of the difference return the same and lead to the same state."""
    return HOST_WIDE


@of_two_steps("legacy-compatible.one-node", "DS-02 DS-03", needs="sets")
def one_node() -> tuple[Comparison, ...]:
    """With a one-node claim set every step has the effect that it has in single-node-v4 with a claim on the node,
    where that is right."""
    return ONE_NODE


@of_two_steps("legacy-compatible.derived-counters", "DS-23", needs="derived")
def derived_counters() -> tuple[Comparison, ...]:
    """Keeping the total of a domain's claims, and deriving host-wide ones,
    every step does the same as counting both."""
    return DERIVED
