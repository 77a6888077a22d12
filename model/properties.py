"""What must hold, stated once each; the ids are those of the project's list of properties.

A property may have parts, so that a failure names what failed. A *state* part is shown of boot and kept by
every step; an *implied* part follows in every state from the invariants; a *step* part relates the states
before and after one step. `support` marks invariants that serve the proofs of others.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from model.c_types import HOST_PAGES_MAX, UINT_MAX
from model.comparison import Comparison
from model.encoding import Quantifiers, Vector
from model.logic import Term, all_of, any_of, choose, implies, minimum, negation, same, total_of
from model.rules import Request, Rules
from model.state import FIELDS, Shape, State
from model.step import TwoStates

OfState: TypeAlias = Callable[[Quantifiers, State], Term]
OfStep: TypeAlias = Callable[[Quantifiers, TwoStates], Term]
OfRules: TypeAlias = Callable[[Rules], OfState]


class Kind(Enum):
    """How a property is shown."""

    STATE = "kept by every step"
    IMPLIED = "follows in every reachable state"
    STEP = "of every step"
    COMPARISON = "of two steps side by side"


@dataclass(frozen=True)
class Property:
    """One part of one property: its sentence, and the same as a formula."""

    id: str
    part: str
    sentence: str
    kind: Kind
    of_state: OfState | None = None
    of_step: OfStep | None = None
    statements: tuple[str, ...] = ()
    only: frozenset[str] | None = None
    """Tags of the transitions a step property is about; None for all."""
    never: frozenset[str] = frozenset()
    """Tags of the transitions it excepts."""
    support: bool = False
    serves: frozenset[str] | None = None
    """Property ids and transitions whose parametric proofs are given this invariant; None for all."""
    of_rules: OfRules | None = None
    """The statement about a state, where it depends on the rules of the generation."""
    compared: Mapping[str, Comparison] = field(default_factory=dict)
    """What is compared, by the transition of the generation that is judged."""
    needs: tuple[str, ...] = ()
    """Features without which a generation has nothing that the property speaks of."""

    def about_state(self, rules: Rules) -> OfState | None:
        """The statement about a state, under these rules."""
        return self.of_state if self.of_rules is None else self.of_rules(rules)

    @property
    def name(self) -> str:
        """The id with the part: `aggregates-agree.host`."""
        return f"{self.id}.{self.part}" if self.part else self.id


PROPERTIES: dict[str, Property] = {}


def _add(prop: Property) -> None:
    if prop.name in PROPERTIES:
        raise ValueError(f"property {prop.name} stated twice")
    PROPERTIES[prop.name] = prop


def _state(
    name: str,
    sentence: str,
    of_state: OfState,
    statements: str = "",
    support: bool = False,
    serves: str = "",
    needs: str = "",
) -> None:
    head, _, part = name.partition(".")
    _add(
        Property(
            head,
            part,
            sentence,
            Kind.STATE,
            of_state,
            statements=tuple(statements.split()),
            support=support,
            serves=frozenset(serves.split()) or None,
            needs=tuple(needs.split()),
        )
    )


def _implied(name: str, sentence: str, of_rules: OfRules, statements: str = "", needs: str = "") -> None:
    head, _, part = name.partition(".")
    known, needed = tuple(statements.split()), tuple(needs.split())
    _add(Property(head, part, sentence, Kind.IMPLIED, statements=known, of_rules=of_rules, needs=needed))


def _step(
    name: str,
    sentence: str,
    of_step: OfStep,
    statements: str = "",
    only: str = "",
    never: str = "",
    needs: str = "",
) -> None:
    head, _, part = name.partition(".")
    _add(
        Property(
            head,
            part,
            sentence,
            Kind.STEP,
            of_step=of_step,
            statements=tuple(statements.split()),
            only=frozenset(only.split()) or None,
            never=frozenset(never.split()),
            needs=tuple(needs.split()),
        )
    )


# -- claims are backed by free pages

_state(
    "node-backed",
    "No node has more claimed than free pages.",
    lambda q, s: q.every_node(lambda n: s.node_outstanding_claims[n] <= s.node_avail_pages[n]),
    "DS-04 DS-05 DS-09 DS-20 DS-26",
    needs="node-claims",
)
_state(
    "host-backed",
    "The host has no more claimed than free pages.",
    lambda _q, s: s.outstanding_claims <= s.total_avail_pages,
    "DS-04 DS-05 DS-10 DS-21 DS-26",
)

# -- the aggregates are the sums they stand for

_state(
    "aggregates-agree.free",
    "total_avail_pages is the sum of node_avail_pages.",
    lambda _q, s: s.total_avail_pages == s.node_avail_pages.total(),
    "DS-23",
)
_state(
    "aggregates-agree.node",
    "node_outstanding_claims of a node is the sum of all domains' claims on it.",
    lambda q, s: q.every_node(lambda n: s.node_outstanding_claims[n] == s.claims.column(n).total()),
    "DS-23",
)
_state(
    "aggregates-agree.domain",
    "node_claims of a domain is the sum of its claims on all nodes.",
    lambda q, s: q.every_domain(lambda d: s.node_claims[d] == s.claims.row(d).total()),
    "DS-23",
)
_state(
    "aggregates-agree.host",
    "outstanding_claims is the sum of global_claims and node_claims of all domains on the domain list.",
    lambda _q, s: s.outstanding_claims == s.global_claims.total() + s.node_claims.total(),
    "DS-23",
)
_state(
    "same-claims-both-ways",
    "Node claims summed by domain and summed by node are the same.",
    lambda _q, s: s.node_claims.total() == s.node_outstanding_claims.total(),
    support=True,
)

# -- no counter is negative, and an id not yet used has nothing


AGGREGATES = ("total_avail_pages", "outstanding_claims", "node_outstanding_claims", "node_claims")


def _non_negative(q: Quantifiers, s: State) -> Term:
    counters = [
        info
        for info in FIELDS.values()
        if not info.flag and info.name not in (*AGGREGATES, "domctl_lock") and s.concerns(info.name)
    ]
    by = {shape: [getattr(s, i.name) for i in counters if i.shape is shape] for shape in Shape}
    return all_of(
        [
            q.every_node(lambda n: all_of([vector[n] >= 0 for vector in by[Shape.NODE]])),
            q.every_domain(lambda d: all_of([vector[d] >= 0 for vector in by[Shape.DOMAIN]])),
            q.every_cell(lambda d, n: all_of([grid[d, n] >= 0 for grid in by[Shape.CELL]])),
        ]
    )


_state("non-negative", "No counter and no page class is negative.", _non_negative, support=True)


def _sums_non_negative(q: Quantifiers, s: State) -> Term:
    vectors = [v for v in ("global_claims", "node_claims", "node_avail_pages") if s.concerns(v)]
    q.entry_within_sum(s.orphaned_claims, 0)
    for vector in vectors:
        q.entry_within_sum(getattr(s, vector), 0)
    by_node = [g for g in ("limbo_pages", "assigned_pages", "extra_pages") if s.concerns(g)]
    claims, limbo = s.concerns("claims"), s.concerns("limbo_pages")

    def node(n: Term) -> Term:
        columns = [getattr(s, grid).column(n) for grid in by_node]
        for column in [*columns, *([s.claims.column(n)] if claims else [])]:
            q.entry_within_sum(column, 0)
        return all_of([s.node_outstanding_claims[n] >= 0, *(column.total() >= 0 for column in columns)])

    def domain(d: Term) -> Term:
        rows = [s.limbo_pages.row(d)] if limbo else []
        for row in [*rows, *([s.claims.row(d)] if claims else [])]:
            q.entry_within_sum(row, 0)
        return all_of([s.node_claims[d] >= 0, *(row.total() >= 0 for row in rows)])

    host = [s.total_avail_pages >= 0, s.outstanding_claims >= 0]
    return all_of([*host, q.every_node(node), q.every_domain(domain)])


_state("sums-non-negative", "No sum of counters or page classes is negative.", _sums_non_negative, support=True)


def _within_aggregates(q: Quantifiers, s: State) -> Term:
    def cell(d: Term, n: Term) -> Term:
        q.entry_within_sum(s.claims.column(n), d)
        q.entry_within_sum(s.claims.row(d), n)
        claim = s.claims[d, n]
        return all_of([claim <= s.node_outstanding_claims[n], claim <= s.node_claims[d]])

    return q.every_cell(cell)


_state(
    "claims-within-aggregates",
    "A claim on a node is at most the node's outstanding claims and at most its domain's node_claims.",
    _within_aggregates,
    support=True,
    serves="claims-within-aggregates sums-non-negative claims-fulfilled atomic-install no-wrap one-target",
)


def _unused_empty(q: Quantifiers, s: State) -> Term:
    def domain(d: Term) -> Term:
        nothing = [
            s.global_claims[d] == 0,
            s.node_claims[d] == 0,
            s.tot_pages[d] == 0,
            s.legacy_calls[d] == 0,
            s.orphaned_claims[d] == 0,
            negation(s.is_dying[d]),
            negation(s.is_destroyed[d]),
            s.domctl_lock != d,
        ]
        if s.concerns("limbo_pages"):
            nothing.append(s.limbo_pages.row(d).total() == 0)
        return any_of([s.is_created[d], all_of(nothing)])

    def cell(d: Term, n: Term) -> Term:
        grids = [g for g in ("claims", "limbo_pages", "assigned_pages", "extra_pages") if s.concerns(g)]
        nothing = [getattr(s, grid)[d, n] == 0 for grid in grids]
        return any_of([s.is_created[d], all_of(nothing)])

    return all_of([q.every_domain(domain), q.every_cell(cell)])


_state(
    "unused-ids-empty",
    "A domain id not yet used has no claims and no pages.",
    _unused_empty,
    support=True,
    serves="unused-ids-empty create_domain",
)


def _destroyed_empty(q: Quantifiers, s: State) -> Term:
    def domain(d: Term) -> Term:
        empty = [
            s.is_created[d],
            s.is_dying[d],
            s.domctl_lock != d,
            s.global_claims[d] == 0,
            s.node_claims[d] == 0,
            s.tot_pages[d] == 0,
        ]
        return all_of(
            [
                any_of([negation(s.is_destroyed[d]), all_of(empty)]),
                any_of([s.is_destroyed[d], s.orphaned_claims[d] == 0]),
            ]
        )

    def cell(d: Term, n: Term) -> Term:
        grids = [g for g in ("claims", "assigned_pages", "extra_pages") if s.concerns(g)]
        return any_of([negation(s.is_destroyed[d]), all_of([getattr(s, grid)[d, n] == 0 for grid in grids])])

    return all_of([q.every_domain(domain), q.every_cell(cell)])


_state(
    "destroyed-empty",
    "A destroyed domain has no pages and no claims but orphaned ones; no other domain has orphaned claims.",
    _destroyed_empty,
    support=True,
)
_state(
    "all-claims-counted",
    "outstanding_claims is the sum of all claims, those of destroyed domains included.",
    lambda _q, s: s.outstanding_claims == s.global_claims.total() + s.node_claims.total() + s.orphaned_claims.total(),
    support=True,
)

_state(
    "node-claims-within",
    "node_outstanding_claims of a node is no less than the sum of all domains' claims on it.",
    lambda q, s: q.every_node(lambda n: s.node_outstanding_claims[n] >= s.claims.column(n).total()),
    support=True,
)

# -- what the generations before claim sets keep besides


def _host_wide_only(q: Quantifiers, s: State) -> Term:
    return all_of(
        [
            q.every_cell(lambda d, n: s.claims[d, n] == 0),
            q.every_domain(lambda d: s.node_claims[d] == 0),
            q.every_node(lambda n: s.node_outstanding_claims[n] == 0),
        ]
    )


_state("host-wide-only", "No claim is on a node.", _host_wide_only, support=True, needs="only-host-wide")


def _one_target(q: Quantifiers, s: State) -> Term:
    def cell(d: Term, n: Term) -> Term:
        q.entry_within_sum(s.claims.row(d), n)
        elsewhere = q.every_node(lambda m: any_of([same(m, n), s.claims[d, m] == 0]))
        return any_of([s.claims[d, n] == 0, all_of([s.global_claims[d] == 0, elsewhere])])

    either = q.every_domain(lambda d: any_of([s.global_claims[d] == 0, s.node_claims[d] == 0]))
    return all_of([either, q.every_cell(cell)])


_state(
    "one-target",
    "All of a domain's claims are on one node, or host-wide.",
    _one_target,
    support=True,
    needs="one-claim",
)
_state(
    "nothing-in-limbo",
    "No page is between the allocator and assign_pages.",
    lambda q, s: all_of(
        [
            q.every_cell(lambda d, n: s.limbo_pages[d, n] == 0),
            q.every_domain(lambda d: s.limbo_pages.row(d).total() == 0),
        ]
    ),
    support=True,
    needs="one-section",
)


def _extra(q: Quantifiers, s: State, d: Term) -> Term:
    row = s.extra_pages.row(d)
    q.entry_within_sum(row, 0)
    q.sums_ordered(row, s.installed_pages)
    return row.total()


def _extra_within_node(q: Quantifiers, s: State) -> Term:
    def cell(d: Term, n: Term) -> Term:
        for grid in (s.limbo_pages, s.assigned_pages, s.extra_pages):
            q.entry_within_sum(grid.column(n), d)
        return s.extra_pages[d, n] <= s.installed_pages[n]

    return q.every_cell(cell)


def _grown_claims_bounded(q: Quantifiers, s: State) -> Term:
    def domain(d: Term) -> Term:
        extra = _extra(q, s, d)
        return all_of([extra >= 0, s.held(d) + s.tot_pages[d] + extra <= GROWN_CLAIM_MAX])

    return q.every_domain(domain)


GROWN_CLAIM_MAX = 2 * UINT_MAX + HOST_PAGES_MAX
"""Pages: no claim that grows back exceeds it, as it grows by the pages of its domain only."""

_state(
    "no-wrap.pages",
    "A domain's limit and tot_pages are within 32 bits.",
    lambda q, s: q.every_domain(lambda d: all_of([s.max_pages[d] <= UINT_MAX, s.tot_pages[d] <= UINT_MAX])),
    support=True,
    needs="growing-back",
)
_state(
    "no-wrap.extra-pages",
    "A domain has no more extra pages of a node than it has pages.",
    _extra_within_node,
    support=True,
    needs="growing-back",
)
_state(
    "no-wrap.pages-and-claims",
    "A domain's pages, extra pages and claims are no more than two domains' largest and all pages of the host.",
    _grown_claims_bounded,
    support=True,
    needs="growing-back",
)

_state(
    "charged-within-limit",
    "A domain's pages and its pages in limbo are within max_pages, listed or not.",
    lambda q, s: q.every_domain(lambda d: s.tot_pages[d] + _limbo(q, s, d) <= s.max_pages[d]),
    support=True,
    needs="copies",
)

# -- entitlement


def _limbo(q: Quantifiers, s: State, d: Term) -> Term:
    q.entry_within_sum(s.limbo_pages.row(d), 0)
    return s.limbo_pages.row(d).total()


_state(
    "entitlement",
    "A listed domain's pages, its pages in limbo and its claims are within max_pages.",
    lambda q, s: q.every_domain(
        lambda d: any_of([s.is_destroyed[d], s.tot_pages[d] + _limbo(q, s, d) + s.held(d) <= s.max_pages[d]])
    ),
    "DS-11 DS-18 DS-22",
)
_state(
    "entitlement-without-limbo.pages-and-claims",
    "A listed domain's pages and its claims are within max_pages.",
    lambda q, s: q.every_domain(lambda d: any_of([s.is_destroyed[d], s.tot_pages[d] + s.held(d) <= s.max_pages[d]])),
    "DS-11 DS-18 DS-22",
)
_state(
    "entitlement-without-limbo.claimants",
    "A listed domain that holds claims has pages, pages in limbo and claims within max_pages.",
    lambda q, s: q.every_domain(
        lambda d: any_of(
            [
                s.is_destroyed[d],
                s.held(d) <= 0,
                s.tot_pages[d] + _limbo(q, s, d) + s.held(d) <= s.max_pages[d],
            ]
        )
    ),
    "DS-18 DS-22",
    support=True,
)

_state(
    "limbo-within-limit",
    "A live domain's pages and pages in limbo are within max_pages: assign_pages refuses none.",
    lambda q, s: q.every_domain(lambda d: any_of([s.is_dying[d], s.tot_pages[d] + _limbo(q, s, d) <= s.max_pages[d]])),
    support=True,
)


def _granted(t: TwoStates, s: State, d: Term) -> Term:
    """What a domain was granted: claims, pages, and pages in limbo unless their claim is still to be redeemed."""
    limbo = 0 if t.step.rules.redeems_at_assign else s.limbo_pages.row(d).total()
    return s.held(d) + limbo + s.tot_pages[d]


def _loses_nothing(q: Quantifiers, t: TwoStates) -> Term:
    before, after = t.before, t.after
    return q.every_domain(
        lambda d: any_of([before.is_dying[d], _granted(t, after, d) >= _granted(t, before, d)]),
    )


_step(
    "no-claims-lost",
    "A live domain's claims, limbo and tot_pages go down in sum only by its own release, its own frees, or recall.",
    _loses_nothing,
    "DS-28 DS-32",
    never="claims frees offlines",
)

# -- a page is never counted twice


def _classes_agree(q: Quantifiers, s: State) -> Term:
    def node(n: Term) -> Term:
        alone = s.node_avail_pages[n] + s.transit_pages[n] + s.anonymous_pages[n] + s.offlined_pages[n]
        owned = [grid.column(n).total() for grid in (s.limbo_pages, s.assigned_pages, s.extra_pages)]
        return alone + total_of(owned) == s.installed_pages[n]

    return q.every_node(node)


_state(
    "redeemed-once.conservation",
    "Every page of a node is in exactly one class: free, limbo, assigned, extra, in transit, anonymous or offlined.",
    _classes_agree,
    "DS-17",
)


def _ledger_agrees(q: Quantifiers, s: State) -> Term:
    return all_of(
        [
            q.every_cell(
                lambda d, n: any_of(
                    [
                        s.is_destroyed[d],
                        s.ledger_installed[d, n]
                        == s.claims[d, n] + s.ledger_redeemed[d, n] + s.ledger_released[d, n] + s.ledger_recalled[d, n],
                    ]
                )
            ),
            q.every_domain(
                lambda d: any_of(
                    [
                        s.is_destroyed[d],
                        s.global_installed[d]
                        == s.global_claims[d] + s.global_redeemed[d] + s.global_released[d] + s.global_recalled[d],
                    ]
                )
            ),
        ]
    )


_state(
    "redeemed-once.ledger",
    "Per listed domain and target: claims installed are outstanding, redeemed, released or recalled, one of these.",
    _ledger_agrees,
    "DS-06 DS-17 DS-31",
)


def _redeems_exactly(q: Quantifiers, t: TwoStates) -> Term:
    d, r = t.step.actor, t.step.allocates
    before, after = t.before, t.after
    return all_of(
        [
            before.held(d) - after.held(d) == minimum(r, before.held(d)),
            after.global_claims[d] <= before.global_claims[d],
            q.every_node(lambda n: after.claims[d, n] <= before.claims[d, n]),
        ]
    )


_step(
    "redeemed-once.exact",
    "An allocation of r pages redeems min(r, all claims held) in the step in which the pages leave the heap.",
    _redeems_exactly,
    "DS-16 DS-17 DS-25",
    only="redeems",
)


def _redeems_nothing(q: Quantifiers, t: TwoStates) -> Term:
    before, after = t.before, t.after
    return all_of(
        [
            q.every_cell(lambda d, n: after.ledger_redeemed[d, n] == before.ledger_redeemed[d, n]),
            q.every_domain(lambda d: after.global_redeemed[d] == before.global_redeemed[d]),
        ]
    )


def _redeems_in_order(q: Quantifiers, t: TwoStates) -> Term:
    d, r, node = t.step.actor, t.step.allocates, t.step.place
    before, after = t.before, t.after
    from_node = minimum(r, before.claims[d, node])
    # Claims on other nodes, as redemption goes through them.
    others = t.step.encoding.replaced(before.claims.row(d), node, 0)

    def ascending(n: Term) -> Term:
        def lower(m: Term) -> Term:
            q.prefix_within(others, m, n)
            return any_of([m >= n, same(m, node), after.claims[d, m] == 0])

        kept = after.claims[d, n] == before.claims[d, n]
        return any_of([same(n, node), kept, q.every_node(lower)])

    return all_of(
        [
            after.claims[d, node] == before.claims[d, node] - from_node,
            after.global_claims[d] == before.global_claims[d] - minimum(r - from_node, before.global_claims[d]),
            q.every_node(ascending),
        ]
    )


_step(
    "redeem-order",
    "An allocation redeems the claim on the block's node first, then the host-wide one, then other nodes ascending.",
    _redeems_in_order,
    "DS-16 DS-18",
    only="redeems",
    needs="sets",
)
_step(
    "redeemed-once.only-by-allocating",
    "A step in which no refcounted page leaves the heap redeems nothing.",
    _redeems_nothing,
    "DS-17 DS-30",
    never="redeems",
)


def _grows_nothing(q: Quantifiers, t: TwoStates) -> Term:
    before, after = t.before, t.after
    return all_of(
        [
            q.every_cell(lambda d, n: after.claims[d, n] <= before.claims[d, n]),
            q.every_domain(lambda d: after.global_claims[d] <= before.global_claims[d]),
        ]
    )


_step(
    "redeemed-once.claims-do-not-come-back",
    "Only a claim call makes a claim grow; freeing pages does not.",
    _grows_nothing,
    "DS-31",
    never="claims",
)

# -- other domains' claims


def _others(t: TwoStates) -> Callable[[Term], Term]:
    actor = t.step.actor
    return lambda e: True if actor is None else negation(same(e, actor))


def _keeps_others(q: Quantifiers, t: TwoStates) -> Term:
    other, before, after = _others(t), t.before, t.after
    return all_of(
        [
            q.every_cell(lambda e, n: implies(other(e), after.claims[e, n] >= before.claims[e, n])),
            q.every_domain(lambda e: implies(other(e), after.global_claims[e] >= before.global_claims[e])),
        ]
    )


_step(
    "claims-protected.kept",
    "A step never lowers the claims of a domain other than the one it is made for (recall excepted).",
    _keeps_others,
    "DS-04 DS-05 DS-27",
    never="offlines",
)


def _backs_others(q: Quantifiers, t: TwoStates) -> Term:
    actor, before, after = t.step.actor, t.before, t.after
    if actor is not None:
        q.entry_within_sum(after.global_claims, actor)
        q.entry_within_sum(after.node_claims, actor)

    def backed_on(s: State, n: Term) -> Term:
        own = 0 if actor is None else s.claims[actor, n]
        return s.node_outstanding_claims[n] - own <= s.node_avail_pages[n]

    def backed(s: State) -> Term:
        own = 0 if actor is None else s.held(actor)
        return s.outstanding_claims - own <= s.total_avail_pages

    on_nodes = q.every_node(lambda n: implies(backed_on(before, n), backed_on(after, n)))
    return all_of([on_nodes, implies(backed(before), backed(after))])


_step(
    "claims-protected.backed",
    "A step of one domain leaves no claims of the others without free pages, on a node or in sum, that had them.",
    _backs_others,
    "DS-04 DS-05 DS-13 DS-27",
)

# -- requests without claims


def _takes_unclaimed(q: Quantifiers, t: TwoStates) -> Term:
    step, before, node = t.step, t.before, t.step.place
    q.entry_within_sum(before.node_outstanding_claims, node)  # no claims at all: none on the node
    q.entry_within_sum(before.global_claims, 0)
    if step.actor is not None:
        q.entry_within_sum(before.claims.row(step.actor), node)
    if not isinstance(step.unowned, int):
        return all_of([step.unowned <= before.unclaimed(), step.unowned <= before.unclaimed_on(node)])
    r = step.allocates
    fits = all_of([r <= before.unclaimed(), r <= before.unclaimed_on(node)])
    return implies(before.held(step.actor) == 0, fits)


_step(
    "unclaimed-only",
    "A request without claims takes pages that nobody claims, on the node and in sum.",
    _takes_unclaimed,
    "DS-13 DS-14 DS-30",
    only="redeems takes-unowned",
)

# -- what claims are good for


def _fulfilled_on_node(rules: Rules) -> OfState:
    def statement(q: Quantifiers, s: State) -> Term:
        def cell(d: Term, n: Term) -> Term:
            request = Request(1, d, d, n)
            checks = [
                rules.limit_permits(s, d, 1),
                rules.host_permits(q, s, request),
                rules.node_permits(s, request, n),
            ]
            return any_of([s.claims[d, n] <= 0, s.is_dying[d], all_of([*checks, s.node_avail_pages[n] >= 1])])

        return q.every_cell(cell)

    return statement


_implied(
    "claims-fulfilled.granted-on-node",
    "A live domain with a claim on a node passes every check for one page of that node, and one is free there.",
    _fulfilled_on_node,
    "DS-03 DS-13 DS-14 DS-32",
    needs="node-claims",
)


def _fulfilled_somewhere(rules: Rules) -> OfState:
    def statement(q: Quantifiers, s: State) -> Term:
        q.sums_ordered(s.node_avail_pages, s.node_outstanding_claims)

        def domain(d: Term) -> Term:
            q.entry_within_sum(s.global_claims, d)
            q.positive_somewhere(s.claims.row(d))
            q.positive_somewhere(s.node_avail_pages)
            request = Request(1, d, d, exact=False, anywhere=True)
            on_node: Callable[[Term], Term] = lambda n: rules.node_permits(s, request, n)  # noqa: E731
            qualifies = q.some_node(lambda n: all_of([on_node(n), s.node_avail_pages[n] >= 1]))
            checks = [rules.limit_permits(s, d, 1), rules.host_permits(q, s, request), qualifies]
            return any_of([s.held(d) <= 0, s.is_dying[d], all_of(checks)])

        return q.every_domain(domain)

    return statement


_implied(
    "claims-fulfilled.granted",
    "A live domain with any claim passes every check for one page of some node, and one is free there.",
    _fulfilled_somewhere,
    "DS-03 DS-13 DS-15 DS-32",
)


def _delivered(rules: Rules) -> OfState:
    def statement(q: Quantifiers, s: State) -> Term:
        def domain(d: Term) -> Term:
            room = s.tot_pages[d] + _limbo(q, s, d) + 1 <= rules.limit_at_assign(s, d)
            return any_of([s.held(d) <= 0, s.is_dying[d], room])

        return q.every_domain(domain)

    return statement


_implied(
    "claims-fulfilled.delivered",
    "A live domain with any claim has room in max_pages for one page more than its pages and its pages in limbo.",
    _delivered,
    "DS-03 DS-28 DS-32",
)

# -- claim calls are atomic


def _installs_exactly(q: Quantifiers, t: TwoStates) -> Term:
    d, after, args = t.step.actor, t.after, t.step.arguments
    by_node: Vector | None = args.get("by_node")
    wanted: Callable[[Term], Term] = lambda n: 0 if by_node is None else by_node[n]  # noqa: E731
    if by_node is not None:
        host_wide, nodes = args["global"], by_node.total()
    elif "claim" in args:
        host_wide, nodes = args["claim"], 0
    else:
        host_wide, nodes = 0, 0

    def node(n: Term) -> Term:
        q.entry_within_sum(t.before.claims.row(d), n)
        return after.claims[d, n] == wanted(n)

    exact = [after.global_claims[d] == host_wide, after.node_claims[d] == nodes, after.orphaned_claims[d] == 0]
    return all_of([*exact, q.every_node(node)])


_step(
    "atomic-install.exact",
    "A successful claim call leaves exactly the requested set.",
    _installs_exactly,
    "DS-01 DS-06 DS-07 DS-12",
    only="claims",
)


def _same(q: Quantifiers, shape: Shape, before: Term, after: Term) -> Term:
    if shape is Shape.HOST:
        return before == after
    if shape is Shape.NODE:
        return q.every_node(lambda n: after[n] == before[n])
    if shape is Shape.DOMAIN:
        return q.every_domain(lambda d: after[d] == before[d])
    return q.every_cell(lambda d, n: after[d, n] == before[d, n])


def _changes_nothing(q: Quantifiers, t: TwoStates) -> Term:
    parts = []
    for info in FIELDS.values():
        before, after = getattr(t.before, info.name), getattr(t.after, info.name)
        if info.name != "legacy_calls" and before is not after:
            parts.append(_same(q, info.shape, before, after))
    return all_of(parts)


_step(
    "atomic-install.nothing-on-failure",
    "A failed claim call changes nothing.",
    _changes_nothing,
    "DS-01",
    only="claim-refused",
)


def _credits_own(q: Quantifiers, t: TwoStates) -> Term:
    d, args, s = t.step.actor, t.step.arguments, t.before
    first, second, host_wide = args["first"], args["second"], args["global"]
    q.sums_ordered(first, s.claims.row(d))
    q.entry_within_sum(first, 0)
    q.positive_somewhere(second)
    over_limit = s.tot_pages[d] + first.total() + host_wide > s.max_pages[d]
    return any_of(
        [
            args["llc_coloring"],
            args["malformed"],
            args["names_offline_node"],
            s.is_dying[d],
            over_limit,
            host_wide > s.global_claims[d],
            q.some_node(lambda n: any_of([first[n] > s.claims[d, n], second[n] > 0])),
        ]
    )


_step(
    "atomic-install.own-claims-credited",
    "A live domain that asks, target by target, for no more than it holds is not refused (within max_pages).",
    _credits_own,
    "DS-06 DS-09 DS-10",
    only="set-refused",
    needs="replacing",
)

# -- dying domains


def _alive(s: State, d: Term) -> Term:
    """Not dying, or domain_kill has not yet released its claims."""
    return any_of([negation(s.is_dying[d]), s.domctl_lock == d])


def _dead(q: Quantifiers, s: State) -> Term:
    return all_of(
        [
            q.every_domain(
                lambda d: all_of(
                    [
                        any_of([_alive(s, d), all_of([s.global_claims[d] == 0, s.node_claims[d] == 0])]),
                        s.orphaned_claims[d] == 0,
                    ]
                )
            ),
            q.every_cell(lambda d, n: any_of([_alive(s, d), s.claims[d, n] == 0])),
        ]
    )


_state(
    "dead-hold-nothing",
    "A dying or destroyed domain holds no claims once domain_kill has released them, and can get none.",
    _dead,
    "DS-29",
)


def _dead_on_nodes(q: Quantifiers, s: State) -> Term:
    return all_of(
        [
            q.every_domain(lambda d: any_of([s.domctl_lock != d, s.is_dying[d]])),
            q.every_domain(lambda d: any_of([_alive(s, d), s.node_claims[d] == 0])),
            q.every_cell(lambda d, n: any_of([_alive(s, d), s.claims[d, n] == 0])),
        ]
    )


_state(
    "dead-hold-no-node-claims",
    "A dying domain holds no claims on nodes once domain_kill has released them; whom domain_kill is about is dying.",
    _dead_on_nodes,
    support=True,
)

# -- recall


def _recalls_minimally(q: Quantifiers, t: TwoStates) -> Term:
    before, after, node = t.before, t.after, t.step.place
    from_node = before.node_outstanding_claims[node] - after.node_outstanding_claims[node]
    left = before.outstanding_claims - from_node
    return all_of(
        [
            after.node_outstanding_claims[node]
            == minimum(before.node_outstanding_claims[node], after.node_avail_pages[node]),
            after.outstanding_claims == minimum(left, after.total_avail_pages),
            q.every_cell(
                lambda d, n: choose(
                    same(n, node),
                    after.claims[d, n] <= before.claims[d, n],
                    after.claims[d, n] == before.claims[d, n],
                )
            ),
            q.every_node(
                lambda n: any_of(
                    [
                        same(n, node),
                        after.node_outstanding_claims[n] == before.node_outstanding_claims[n],
                    ]
                )
            ),
            q.every_domain(lambda d: after.global_claims[d] <= before.global_claims[d]),
        ]
    )


_step(
    "recall-minimal",
    "Recall removes exactly the node's shortage from its claims, then the host's from global claims, no more.",
    _recalls_minimally,
    "DS-26 DS-27",
    only="offlines",
    needs="recall",
)

# -- offline marks


def _keeps_marks(q: Quantifiers, t: TwoStates) -> Term:
    return q.every_node(lambda n: t.after.marked_pages[n] >= t.before.marked_pages[n])


_step(
    "offline-mark-kept",
    "A page marked offline stays marked until it leaves the heap or is brought back.",
    _keeps_marks,
    "DS-26",
    never="unmarks",
)

# -- crashes

_step(
    "no-crash",
    "No step reaches a BUG_ON on claims.",
    lambda _q, _t: False,
    only="crashes",
    needs="bug-on",
)
