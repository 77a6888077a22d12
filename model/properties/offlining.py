"""Step properties: which claims offlining recalls, and that offline marks stay."""

from model.encoding import Quantifiers
from model.logic import Term, all_of, any_of, choose, minimum, same
from model.properties.property import of_step
from model.step import TwoStates


@of_step("recall-minimal", "DS-26 DS-27", only="offlines", needs="recall")
def recalls_minimally(q: Quantifiers, t: TwoStates) -> Term:
    """Recall removes exactly the node's shortage from its claims, then exactly the host's from global claims."""
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


@of_step("offline-mark-kept", "DS-26", never="unmarks")
def keeps_marks(q: Quantifiers, t: TwoStates) -> Term:
    """A page marked offline stays marked until it leaves the heap or is brought back."""
    return q.every_node(lambda n: t.after.marked_pages[n] >= t.before.marked_pages[n])
