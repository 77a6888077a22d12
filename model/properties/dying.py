"""State properties: dying domains hold no claims."""

from model.encoding import Quantifiers
from model.logic import Term, all_of, any_of, negation
from model.properties.property import of_state
from model.state import State


def _alive(s: State, d: Term) -> Term:
    """Not dying, or domain_kill has not yet released its claims."""
    return any_of([negation(s.is_dying[d]), s.domctl_lock == d])


@of_state("dead-hold-nothing", "DS-29")
def dead_hold_nothing(q: Quantifiers, s: State) -> Term:
    """A dying or destroyed domain holds no claims once domain_kill has released them, and can get none."""
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


@of_state("dead-hold-no-node-claims", support=True)
def dead_hold_no_node_claims(q: Quantifiers, s: State) -> Term:
    """A dying domain holds no claims on nodes once domain_kill has released them;
    a domain that domain_kill is working on is dying."""
    return all_of(
        [
            q.every_domain(lambda d: any_of([s.domctl_lock != d, s.is_dying[d]])),
            q.every_domain(lambda d: any_of([_alive(s, d), s.node_claims[d] == 0])),
            q.every_cell(lambda d, n: any_of([_alive(s, d), s.claims[d, n] == 0])),
        ]
    )
