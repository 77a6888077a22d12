"""The closed forms of the transitions, on known numbers, against the loops they stand for."""

from dataclasses import fields

from hypothesis import given
from hypothesis import strategies as st

from model.hosts.bounded import BoundedHost, ListVector
from model.rules import redeem_node_global_others
from model.state import FIELDS, State

pages = st.integers(0, 6)


def loop(held: list[int], amount: int) -> list[int]:
    taken = []
    for pages_held in held:
        here = min(amount, pages_held)
        taken.append(here)
        amount -= here
    return taken


@given(st.lists(pages, min_size=1, max_size=6), st.integers(0, 30))
def test_closed_form_of_ascending_deduction_equals_the_loop(held: list[int], amount: int) -> None:
    host = BoundedHost(len(held), 1)
    assert host.taken_ascending(ListVector(held), amount).entries == loop(held, amount)


@given(st.lists(pages, min_size=1, max_size=4), pages, st.integers(1, 30), st.data())
def test_redemption_order_is_node_then_global_then_others(claims, global_claims, amount, data) -> None:
    node = data.draw(st.integers(0, len(claims) - 1))
    host = BoundedHost(len(claims), 1)
    values = {f.name: None for f in fields(State)}
    values["claims"] = host.shaped(FIELDS["claims"], lambda _d, n: claims[n])
    values["global_claims"] = ListVector([global_claims])
    redemption = redeem_node_global_others(host, State(**values), 0, node, amount)

    left = list(claims)
    rest = amount - min(amount, left[node])
    left[node] -= min(amount, left[node])
    from_global = min(rest, global_claims)
    rest -= from_global
    for n in range(len(left)):
        here = min(rest, left[n])
        left[n] -= here
        rest -= here
    assert redemption.by_node.entries == [before - after for before, after in zip(claims, left, strict=True)]
    assert redemption.from_global == from_global
