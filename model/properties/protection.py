"""Step properties: a step does not affect other domains' claims, nor the free pages that back them."""

from collections.abc import Callable

from model.encoding import Quantifiers
from model.logic import Term, all_of, implies, negation, same
from model.properties.property import of_step
from model.state import State
from model.step import TwoStates


def _others(t: TwoStates) -> Callable[[Term], Term]:
    actor = t.step.actor
    return lambda e: True if actor is None else negation(same(e, actor))


@of_step("claims-protected.kept", "DS-04 DS-05 DS-27", never="offlines")
def keeps_others(q: Quantifiers, t: TwoStates) -> Term:
    """A step never lowers the claims of a domain other than the one it is made for (recall excepted)."""
    other, before, after = _others(t), t.before, t.after
    return all_of(
        [
            q.every_cell(lambda e, n: implies(other(e), after.claims[e, n] >= before.claims[e, n])),
            q.every_domain(lambda e: implies(other(e), after.global_claims[e] >= before.global_claims[e])),
        ]
    )


@of_step("claims-protected.backed", "DS-04 DS-05 DS-13 DS-27")
def backs_others(q: Quantifiers, t: TwoStates) -> Term:
    """If free pages back the other domains' claims, on a node or in sum, they still do after a domain's step."""
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


@of_step("unclaimed-only", "DS-13 DS-14 DS-30", only="redeems takes-unowned")
def takes_unclaimed_only(q: Quantifiers, t: TwoStates) -> Term:
    """A request without claims takes pages that nobody claims, on the node and in sum."""
    step, before, node = t.step, t.before, t.step.place
    q.entry_within_sum(before.node_outstanding_claims, node)  # a host without claims has no claims on the node
    q.entry_within_sum(before.global_claims, 0)
    if step.actor is not None:
        q.entry_within_sum(before.claims.row(step.actor), node)
    if not isinstance(step.unowned, int):
        return all_of([step.unowned <= before.unclaimed(), step.unowned <= before.unclaimed_on(node)])
    r = step.allocates
    fits = all_of([r <= before.unclaimed(), r <= before.unclaimed_on(node)])
    return implies(before.held(step.actor) == 0, fits)
