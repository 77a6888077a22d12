"""The candidates in closed form, compared with the hypervisor's loop, written step by step."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from reference.node_search import candidate_nodes


def visited(
    num_nodes: int, affinity: tuple[int, ...], requested: int | None, last: int | None, exact: bool
) -> Iterator[int]:
    """The nodes that ``get_free_buddy`` tries on a host on which no node qualifies."""
    mask = set(affinity)
    retry = False
    if requested is None:
        node = next((n for n in affinity if last is not None and n > last), affinity[0])
    else:
        node = requested
    first = node
    while True:
        yield node
        if exact and requested is not None:
            return
        if node not in mask:
            first = node = min(mask)
            continue
        node = min((n for n in mask if n > node), default=min(mask))
        if node == first:
            if exact or retry:
                return
            retry = True
            mask = set(range(num_nodes)) - mask
            if not mask:
                return
            first = node = min(mask)


@given(st.data(), st.integers(1, 8))
def test_candidates_are_the_nodes_the_loop_visits(data: st.DataObject, num_nodes: int) -> None:
    affinity = tuple(sorted(data.draw(st.sets(st.integers(0, num_nodes - 1), min_size=1))))
    requested = data.draw(st.none() | st.integers(0, num_nodes + 2))
    last = data.draw(st.none() | st.integers(0, num_nodes - 1))
    exact = data.draw(st.booleans())
    loop = dict.fromkeys(n for n in visited(num_nodes, affinity, requested, last, exact) if n < num_nodes)
    assert candidate_nodes(num_nodes, affinity, requested, last, exact) == tuple(loop)


def test_round_robin_starts_after_the_last_node() -> None:
    assert candidate_nodes(4, (0, 1, 3), None, 1, False) == (3, 0, 1, 2)
    assert candidate_nodes(4, (0, 1, 3), None, 3, False) == (0, 1, 3, 2)
    assert candidate_nodes(4, (1, 3), None, None, False) == (1, 3, 0, 2)


def test_requested_node_outside_the_affinity_comes_first() -> None:
    assert candidate_nodes(4, (1, 3), 2, 0, False) == (2, 1, 3, 0)


def test_exact_node_without_a_node_stays_in_the_affinity() -> None:
    assert candidate_nodes(4, (1, 3), None, 1, True) == (3, 1)
