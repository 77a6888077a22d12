"""Step properties: claim calls are atomic, and claims already held are credited to the caller."""

from collections.abc import Callable

from model.encoding import Quantifiers, Vector
from model.logic import Term, all_of, any_of
from model.properties.property import of_step
from model.state import FIELDS, Shape
from model.step import TwoStates


@of_step("atomic-install.exact", "DS-01 DS-06 DS-07 DS-12", only="claims")
def installs_exactly(q: Quantifiers, t: TwoStates) -> Term:
    """A successful claim call leaves exactly the requested set."""
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


def _same(q: Quantifiers, shape: Shape, before: Term, after: Term) -> Term:
    if shape is Shape.HOST:
        return before == after
    if shape is Shape.NODE:
        return q.every_node(lambda n: after[n] == before[n])
    if shape is Shape.DOMAIN:
        return q.every_domain(lambda d: after[d] == before[d])
    return q.every_cell(lambda d, n: after[d, n] == before[d, n])


@of_step("atomic-install.nothing-on-failure", "DS-01", only="claim-refused")
def changes_nothing_on_failure(q: Quantifiers, t: TwoStates) -> Term:
    """A failed claim call changes nothing."""
    parts = []
    for info in FIELDS.values():
        before, after = getattr(t.before, info.name), getattr(t.after, info.name)
        if info.name != "legacy_calls" and before is not after:
            parts.append(_same(q, info.shape, before, after))
    return all_of(parts)


@of_step(
    "atomic-install.own-claims-credited",
    "DS-06 DS-09 DS-10",
    only="set-refused",
    needs="replacing",
)
def own_claims_credited(q: Quantifiers, t: TwoStates) -> Term:
    """A claim call of a live domain for at most what it holds on each target is not refused (within max_pages)."""
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
