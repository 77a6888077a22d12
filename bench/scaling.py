"""The cost of an allocation over the size of the host: it must not grow."""

from __future__ import annotations

from functools import partial

from .effort import TIB, Effort
from .hosts import booted, fill, pairs
from .plot import lines_over_sizes
from .report import Section, Target
from .timing import in_turn

ORDERS = (0, 9)
FILLED_WITH = 16
FLAT = 1.5  # more than that times the smallest host's cost is not flat


def _sizes(effort: Effort) -> list[int]:
    sizes = [2**exponent for exponent in range(18, 35, 2)]  # 1 GiB to 64 TiB, in pages
    return [pages for pages in sizes if pages <= effort.nodes * effort.node_pages]


def _name(pages: int) -> str:
    return f"{pages // TIB} TiB" if pages >= TIB else f"{pages * 1024 // TIB} GiB"


def measure(effort: Effort) -> Section:
    """Half-filled hosts of all sizes, each order."""
    sizes = _sizes(effort)
    subjects = {}
    for pages in sizes:
        nodes = max(1, pages // TIB)
        host = booted(nodes, pages // nodes)
        fill(host, pages // 2, FILLED_WITH)
        for order in ORDERS:
            subjects[f"{pages} {order}"] = partial(pairs, host, order, effort.pairs)
    times = in_turn(subjects, effort.many_rounds)
    costs = {order: [times[f"{pages} {order}"].best / effort.pairs * 1e6 for pages in sizes] for order in ORDERS}
    rows = [
        [_name(pages), str(max(1, pages // TIB)), *(f"{costs[order][row]:.1f}" for order in ORDERS)]
        for row, pages in enumerate(sizes)
    ]
    growth = max(cost[-1] / cost[0] for cost in costs.values())
    return Section(
        title="Cost of an allocation over the size of the host",
        text=(
            "Microseconds for a pair of `alloc_domheap_pages` and `free_domheap_pages`, best of the rounds;\n"
            "hosts half in use, of one node up to 1 TiB and of nodes of 1 TiB beyond, all measured in turn."
        ),
        header=["memory", "nodes", *(f"order {order}, µs" for order in ORDERS)],
        rows=rows,
        targets=[
            Target(
                f"cost of an allocation, {_name(sizes[-1])} over {_name(sizes[0])}",
                f"flat (below {FLAT})",
                f"{growth:.2f}",
                growth < FLAT,
            )
        ],
        plots={
            "allocation-cost.svg": lines_over_sizes(
                [_name(pages) for pages in sizes],
                {f"order {order}": costs[order] for order in ORDERS},
                "µs for allocation and free",
                "memory of the host",
            )
        },
    )
