"""The order in which ``get_free_buddy`` tries the nodes (DS-15)."""

from functools import lru_cache


@lru_cache(maxsize=4096)
def candidate_nodes(
    num_nodes: int,
    affinity: tuple[int, ...],
    requested: int | None,
    last_alloc_node: int | None,
    exact: bool,
) -> tuple[int, ...]:
    """The nodes to try, in order.

    :param affinity: online nodes of the domain's ``node_affinity``, ascending; without a domain, all nodes
    :param requested: the requested node, skipped if it is offline; None: any node
    :param last_alloc_node: without a requested node, the search starts at the node after this one; without a domain,
        pass the last node, so that it starts at node 0
    :param exact: MEMF_exact_node: only the requested node; without one, only nodes of the affinity
    """
    if requested is not None and exact:
        return (requested,) if requested < num_nodes else ()
    if requested is not None:
        start = requested
    else:
        behind = [n for n in affinity if last_alloc_node is not None and n > last_alloc_node]
        start = behind[0] if behind else affinity[0]
    if start in affinity:
        at = affinity.index(start)
        order = [*affinity[at:], *affinity[:at]]
    else:
        order = [start, *affinity] if start < num_nodes else list(affinity)
    if not exact:
        order += [n for n in range(num_nodes) if n not in order]
    return tuple(order)
