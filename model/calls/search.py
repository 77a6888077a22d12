"""The order of the node search, in closed form: every candidate has a place, and the places are sorted."""

from collections.abc import Collection


def search_order(
    nodes: int, affinity: Collection[int], requested: int | None, last_alloc_node: int | None, exact: bool
) -> tuple[int, ...]:
    """The candidates of `get_free_buddy`, in the order in which they are tried.

    It begins at the requested node, else behind `last_alloc_node` among the affinity nodes, cyclically; then on through
    the affinity nodes, cyclically ascending; then the other online nodes ascending. A request for no domain has every
    node as its affinity and no `last_alloc_node`.

    :param affinity: the online nodes of the domain's node_affinity
    :param requested: the node asked for, which may be offline; None: any
    :param exact: MEMF_exact_node: no node but the requested; without one, no node outside the affinity
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
