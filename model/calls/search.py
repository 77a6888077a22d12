"""The order of the node search in closed form: every candidate gets a sort key."""

from collections.abc import Collection


def search_order(
    nodes: int, affinity: Collection[int], requested: int | None, last_alloc_node: int | None, exact: bool
) -> tuple[int, ...]:
    """The candidates of `get_free_buddy`, in the order in which it tries them.

    The search starts at the requested node; without one, at the affinity node that follows `last_alloc_node`
    cyclically. It continues through the affinity nodes in ascending order, cyclically, then through the other online
    nodes in ascending order. Without a domain, every node is an affinity node and there is no `last_alloc_node`.

    :param affinity: the online nodes of the domain's node_affinity
    :param requested: the requested node, which may be offline; None: any node
    :param exact: MEMF_exact_node: only the requested node; without one, only the affinity nodes
    """
    if requested is not None and exact:
        return tuple(n for n in range(nodes) if n == requested)
    after = NONE_YET if last_alloc_node is None else last_alloc_node
    start = min(affinity, key=lambda n: (n <= after, n)) if requested is None else requested

    def place(node: int) -> tuple[int, int]:
        if node == start:
            return (0, 0)
        if node in affinity:
            # Cyclic from the start; from the first one if the start is outside.
            return (1, (node - start) % nodes if start in affinity else node)
        return (2, node)

    candidates = affinity if exact else range(nodes)
    return tuple(sorted(candidates, key=place))


NONE_YET = -1
