"""The operations that a person may want next, with a few sensible arguments, as lines of the script language.

Sizes are the ones at which outcomes change: one page, all that is left, and what a domain has or claims.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reference.pages import PageState
from reference.state import Domain, Host

_MOST_DOMAINS = 4
_MOST_NODES = 4
_MOST_BLOCKS = 3
"""What lines are about, at most: the first of each."""
_MOST_EXTENTS = 64
_LARGE = 9
"""The order of a 2 MiB page."""


def first_lines() -> list[str]:
    """Where there is no host yet."""
    return ["host 4 4", "host 2 1", "host 16GiB 16GiB", "generation claim-sets", "generation per-node-v8"]


def sensible_lines(host: Host, builder: str, *, domctl: bool) -> Iterator[str]:
    """The lines; those that the generation does not have are among them.

    :param builder: a builder that has nothing in flight
    :param domctl: whether the domctl lock is free
    """
    domains = list(host.domains.values())[:_MOST_DOMAINS]
    for domain in domains:
        yield from _of_domain(host, domain, builder, domctl=domctl)
    if domctl:
        free_id = next(domid for domid in range(1, len(host.domains) + 2) if domid not in host.domains)
        yield f"d{free_id} create max={host.total_avail_pages or sum(host.node_pages)}"
    yield from _of_blocks(host, builder)
    yield from _of_frames(host)


def _of_domain(host: Host, domain: Domain, builder: str, *, domctl: bool) -> Iterator[str]:
    name = f"d{domain.domid}"
    if domain.is_dying:
        if domctl:  # while it is killed, nothing else destroys it
            yield from (f"{name} relinquish", f"{name} forget")
        return
    if domctl:
        yield from _claims(host, domain, name)
    yield from _allocations(host, domain, name, builder)
    if domctl:
        yield from (f"{name} limit {pages}" for pages in _sizes(domain.tot_pages, domain.max_pages - 1))
        yield from (f"{name} kill", f"{builder}: {name} kill", f"{name} destroy")


def _sizes(*pages: int) -> list[int]:
    """Each size once, and none below one page."""
    return list(dict.fromkeys(size for size in pages if size > 0))


def _claims(host: Host, domain: Domain, name: str) -> Iterator[str]:
    nodes = host.nodes[:_MOST_NODES]
    left = min(host.unclaimed() + domain.outstanding(), domain.max_pages - domain.tot_pages)
    for node in nodes:
        on_node = host.unclaimed_on(node) + domain.claims[node]
        yield from (f"{name} claim {pages}@{node}" for pages in _sizes(1, min(on_node, left)))
    yield from (f"{name} claim {pages}@host" for pages in _sizes(1, left))
    if len(nodes) > 1:
        yield f"{name} claim {' '.join(f'1@{node}' for node in nodes)}"
    yield f"{name} claim 1@{nodes[0]} 1@host"
    if domain.outstanding():
        yield f"{name} claim 0@host"


def _allocations(host: Host, domain: Domain, name: str, builder: str) -> Iterator[str]:
    for node in host.nodes[:_MOST_NODES]:
        if host.node_avail_pages[node]:
            yield from (f"{name} populate {_extents(size)} node={node}" for size in _sizes(1, domain.claims[node]))
    yield f"{name} populate {_extents(max(1, domain.outstanding()))}"
    yield f"{builder}: {name} populate 1"
    yield f"{name} alloc order=1"
    if max(host.node_avail_pages) >> _LARGE:
        yield f"{name} populate 1 order={_LARGE}"
        yield f"{name} populate 1 order={_LARGE} preempt=0/256"


def _extents(pages: int) -> str:
    """So many pages in extents so large that a call makes few of them."""
    order = next(order for order in (0, _LARGE, 2 * _LARGE) if pages >> order <= _MOST_EXTENTS or order > _LARGE)
    return f"{pages >> order} order={order}" if order else f"{pages}"


def _of_blocks(host: Host, builder: str) -> Iterator[str]:
    for block in list(host.pages.blocks.values())[:_MOST_BLOCKS]:
        of = f"{block.mfn} order={block.order}" if block.order else f"{block.mfn}"
        if block.state is PageState.ASSIGNED:
            yield from (f"free {of}", f"{builder}: free {of}")
        elif block.state is PageState.ANONYMOUS:
            yield f"give_back {of}"


def _of_frames(host: Host) -> Iterator[str]:
    pages = host.pages
    gone = pages.offlined | pages.offlining
    used = [block.mfn for block in pages.blocks.values()]
    free = [node * host.node_span for node in host.nodes[:_MOST_NODES] if host.node_pages[node]]
    yield from (f"offline {mfn}" for mfn in _first((*used, *free), gone))
    yield from (f"online {mfn}" for mfn in sorted(gone)[:_MOST_BLOCKS])


def _first(frames: Iterable[int], without: Iterable[int]) -> list[int]:
    return [mfn for mfn in dict.fromkeys(frames) if mfn not in without][:_MOST_BLOCKS]
