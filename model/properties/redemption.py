"""Every page is in one class; a claim is redeemed, released or recalled once, and redeemed only by an allocation."""

from model.encoding import Quantifiers
from model.logic import Term, all_of, any_of, minimum, same, total_of
from model.properties.property import of_state, of_step
from model.state import State
from model.step import TwoStates


@of_state("redeemed-once.conservation", "DS-17")
def conservation(q: Quantifiers, s: State) -> Term:
    """Every page of a node is in exactly one class:
    free, limbo, assigned, extra, in transit, anonymous or offlined."""

    def node(n: Term) -> Term:
        alone = s.node_avail_pages[n] + s.transit_pages[n] + s.anonymous_pages[n] + s.offlined_pages[n]
        owned = [grid.column(n).total() for grid in (s.limbo_pages, s.assigned_pages, s.extra_pages)]
        return alone + total_of(owned) == s.installed_pages[n]

    return q.every_node(node)


@of_state("redeemed-once.ledger", "DS-06 DS-17 DS-31")
def ledger(q: Quantifiers, s: State) -> Term:
    """For each listed domain and target,
    each claim installed is exactly one of outstanding, redeemed, released or recalled."""
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


@of_step("redeemed-once.exact", "DS-16 DS-17 DS-25", only="redeems")
def redeems_exactly(q: Quantifiers, t: TwoStates) -> Term:
    """An allocation of r pages redeems min(r, all claims held) in the step in which the pages leave the heap."""
    d, r = t.step.actor, t.step.allocates
    before, after = t.before, t.after
    return all_of(
        [
            before.held(d) - after.held(d) == minimum(r, before.held(d)),
            after.global_claims[d] <= before.global_claims[d],
            q.every_node(lambda n: after.claims[d, n] <= before.claims[d, n]),
        ]
    )


@of_step("redeem-order", "DS-16 DS-18", only="redeems", needs="sets")
def redeem_order(q: Quantifiers, t: TwoStates) -> Term:
    """An allocation redeems the claim on the block's node first,
    then the host-wide one, then other nodes ascending."""
    d, r, node = t.step.actor, t.step.allocates, t.step.place
    before, after = t.before, t.after
    from_node = minimum(r, before.claims[d, node])
    # Claims on other nodes, in the order of redemption.
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


@of_step("redeemed-once.only-by-allocating", "DS-17 DS-30", never="redeems")
def redeems_nothing(q: Quantifiers, t: TwoStates) -> Term:
    """A step in which no refcounted page leaves the heap redeems nothing."""
    before, after = t.before, t.after
    return all_of(
        [
            q.every_cell(lambda d, n: after.ledger_redeemed[d, n] == before.ledger_redeemed[d, n]),
            q.every_domain(lambda d: after.global_redeemed[d] == before.global_redeemed[d]),
        ]
    )


@of_step("redeemed-once.claims-do-not-come-back", "DS-31", never="claims")
def claims_do_not_come_back(q: Quantifiers, t: TwoStates) -> Term:
    """Only a claim call makes a claim grow; freeing pages does not."""
    before, after = t.before, t.after
    return all_of(
        [
            q.every_cell(lambda d, n: after.claims[d, n] <= before.claims[d, n]),
            q.every_domain(lambda d: after.global_claims[d] <= before.global_claims[d]),
        ]
    )
