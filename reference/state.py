"""State of a host and its domains, with the hypervisor's names. Counts are pages."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from .constants import DOMID_FIRST_RESERVED, MAX_NUMNODES
from .heap import BlockPolicy, NodeHeap, lowest_address
from .locks import HEAP_LOCK, PAGE_ALLOC_LOCK, CheckedLock, LockLike, guarded, make_lock
from .pages import PageTable
from .status import MisuseError

if TYPE_CHECKING:
    from .generation import Generation


class ClaimHistory:
    """The history of claimed pages per target (nodes, then host-wide): the ledger of ``redeemed-once``.

    Not in the hypervisor. Always installed = outstanding + redeemed + released + recalled. ``lost`` counts pages that
    were granted to the domain but never reached it (``no-claims-lost``).
    """

    __slots__ = ("installed", "lost", "recalled", "redeemed", "released")

    def __init__(self, num_nodes: int) -> None:
        self.installed = [0] * (num_nodes + 1)
        self.redeemed = [0] * (num_nodes + 1)
        self.released = [0] * (num_nodes + 1)
        self.recalled = [0] * (num_nodes + 1)
        self.lost = 0

    def book(self, line: str, target: int, pages: int) -> None:
        """Record claimed pages of a node, or host-wide ones (target -1), on a line of the history."""
        getattr(self, line)[target] += pages


class Stash(NamedTuple):
    """An extent that a preempted ``populate_physmap`` left with its domain: ``pending_scrub`` and its companions."""

    mfn: int
    order: int
    scrub_index: int  # pages from the first on that are scrubbed


@guarded(
    page_alloc_lock=("tot_pages", "max_pages", "extra_pages", "pending_scrub"),
    heap_lock=(
        "claims",
        "node_claims",
        "global_claims",
        "claim_node",
        "last_alloc_node",
        "history",
        "charged_pages",
        "charge_limit",
    ),
)
@dataclass(slots=True, eq=False, repr=False)
class Domain:
    """``struct domain``, as far as claims depend on it."""

    Checked: ClassVar[Any]

    domid: int
    page_alloc_lock: LockLike
    heap_lock: LockLike  # the host's
    max_pages: int
    node_affinity: tuple[int, ...]  # online nodes only, ascending
    claims: list[int]  # per node
    history: ClaimHistory
    tot_pages: int = 0  # as ``domain_tot_pages()`` returns it, without extra pages
    extra_pages: int = 0  # owned, not refcounted
    node_claims: int = 0  # sum of claims[]
    global_claims: int = 0
    claim_node: int | None = None  # single-node generations: the target of the claim; None: host-wide
    charged_pages: int = 0  # hardened claim sets: tot_pages and refcounted pages in limbo
    charge_limit: int = 0  # hardened claim sets: max_pages
    last_alloc_node: int | None = 0
    pending_scrub: Stash | None = None
    is_dying: bool = False
    is_dead: bool = False  # domain_kill is over: only pages, and frees of the last pages, keep it on the list
    is_destroyed: bool = False  # off the list; calls that looked it up before still use it
    last_frees: int = 0  # frees between their two halves that took the domain's last page
    controller_pause_count: int = 1  # a new domain is paused until the toolstack unpauses it
    creation_finished: bool = False  # the toolstack has unpaused it once

    def outstanding(self) -> int:
        """Pages of all its claims. Needs heap_lock."""
        return self.global_claims + self.node_claims


def read_unlocked(domain: Domain, field: str) -> int:
    """Read a field without page_alloc_lock, as some generations do: the lock check is skipped and recorded."""
    lock = domain.page_alloc_lock
    if isinstance(lock, CheckedLock) and lock not in lock.held:
        lock.passed_over.append(f"{field} of d{domain.domid} read without page_alloc_lock")
    value: int = getattr(Domain, field).__get__(domain)
    return value


@guarded(
    heap_lock=(
        "total_avail_pages",
        "node_avail_pages",
        "node_outstanding_claims",
        "outstanding_claims",
        "heap",
    )
)
@dataclass(slots=True, eq=False, repr=False)
class Host:
    """A host: its memory, its counters and its domains (ascending by id)."""

    Checked: ClassVar[Any]

    semantics: Generation
    heap_lock: LockLike
    node_span: int  # node i owns frames from i * node_span
    node_pages: tuple[int, ...]  # installed
    llc_coloring_enabled: bool
    debug_build: bool  # assertions of a debug build stop the host
    first_last_alloc_node: int | None  # last_alloc_node of a new domain
    block_policy: BlockPolicy
    locks_held: list[CheckedLock] | None  # None: locks are not checked
    heap: list[NodeHeap]
    total_avail_pages: int
    node_avail_pages: list[int]
    node_outstanding_claims: list[int]
    pages: PageTable
    outstanding_claims: int = 0
    domains: dict[int, Domain] = field(default_factory=dict)  # the domain list
    orphans: list[Domain] = field(default_factory=list)  # not in the hypervisor: destroyed domains that got a claim
    booked_on: str = "redeemed"  # not in the hypervisor: the line of claim histories for deductions

    @property
    def nodes(self) -> range:
        """The online nodes. They are fixed at boot."""
        return range(len(self.node_pages))

    def unclaimed(self) -> int:
        """Free pages minus claimed pages; below 0 where claims exceed free pages. Needs heap_lock."""
        return self.total_avail_pages - self.outstanding_claims

    def unclaimed_on(self, node: int) -> int:
        """Free pages of a node minus pages claimed there; may be below 0. Needs heap_lock."""
        return self.node_avail_pages[node] - self.node_outstanding_claims[node]

    def node_of(self, mfn: int) -> int:
        """The node that owns a machine frame.

        :raises MisuseError: the host has no such frame
        """
        node = mfn // self.node_span
        if not 0 <= node < len(self.node_pages) or mfn - node * self.node_span >= self.node_pages[node]:
            raise MisuseError(f"the host has no mfn {mfn}")
        return node

    def domain(self, domid: int) -> Domain:
        """The domain with that id.

        :raises MisuseError: there is none
        """
        domain = self.domains.get(domid)
        if domain is None:
            raise MisuseError(f"no domain {domid}")
        return domain


_NO_LOCKS: LockLike = nullcontext()


def all_locks(host: Host) -> LockLike:
    """Hold every lock of the host, in order, to observe it. Free of cost where locks are not checked."""
    if host.locks_held is None:
        return _NO_LOCKS
    locks = ExitStack()
    for domain in host.domains.values():
        locks.enter_context(domain.page_alloc_lock)
    locks.enter_context(host.heap_lock)
    return locks


def boot(
    node_pages: tuple[int, ...],
    node_span: int,
    semantics: Generation,
    *,
    block_policy: BlockPolicy = lowest_address,
    check_locks: bool = True,
    llc_coloring_enabled: bool = False,
    debug_build: bool = False,
    last_alloc_node: int | None = 0,
) -> Host:
    """A host after boot: every page of every node is free, and there is no domain.

    :param node_pages: pages of each node, in order of node ids
    :param node_span: node i owns the machine frames from ``i * node_span``; a power of two
    :param last_alloc_node: ``last_alloc_node`` of a new domain; 0 in the hypervisor, which clears ``struct domain``
    :raises MisuseError: the number or size of the nodes is out of range, or ``node_span`` is not a power of two
    """
    if not 1 <= len(node_pages) <= MAX_NUMNODES:
        raise MisuseError(f"a host has 1 to {MAX_NUMNODES} nodes, not {len(node_pages)}")
    if node_span <= 0 or node_span & (node_span - 1):
        raise MisuseError(f"node_span {node_span} is not a power of two")
    for pages in node_pages:
        if not 0 <= pages <= node_span:
            raise MisuseError(f"a node of {pages} pages does not fit node_span {node_span}")
    held: list[CheckedLock] | None = [] if check_locks else None
    cls: type[Host] = Host.Checked if check_locks else Host
    return cls(
        semantics=semantics,
        heap_lock=make_lock(HEAP_LOCK, HEAP_LOCK, held),
        node_span=node_span,
        node_pages=node_pages,
        llc_coloring_enabled=llc_coloring_enabled,
        debug_build=debug_build,
        first_last_alloc_node=last_alloc_node,
        block_policy=block_policy,
        locks_held=held,
        heap=[NodeHeap(node * node_span, pages) for node, pages in enumerate(node_pages)],
        total_avail_pages=sum(node_pages),
        node_avail_pages=list(node_pages),
        node_outstanding_claims=[0] * len(node_pages),
        pages=PageTable(len(node_pages), node_span),
    )


def create_domain(host: Host, domid: int, max_pages: int, node_affinity: tuple[int, ...] | None = None) -> Domain:
    """A new domain without pages and claims. ``node_affinity`` None: every node.

    :raises MisuseError: the id is taken or out of range, or no node of the affinity is online
    """
    if domid in host.domains:
        raise MisuseError(f"domain {domid} exists")
    if not 0 <= domid < DOMID_FIRST_RESERVED:
        raise MisuseError(f"domain id {domid} is out of range")
    affinity = host.nodes if node_affinity is None else sorted(set(node_affinity) & set(host.nodes))
    if not affinity:
        raise MisuseError(f"domain {domid}: no node of its node_affinity is online")
    cls: type[Domain] = Domain if host.locks_held is None else Domain.Checked
    domain = cls(
        domid=domid,
        page_alloc_lock=make_lock(PAGE_ALLOC_LOCK, f"page_alloc_lock of d{domid}", host.locks_held),
        heap_lock=host.heap_lock,
        max_pages=max_pages,
        node_affinity=tuple(affinity),
        claims=[0] * len(host.node_pages),
        history=ClaimHistory(len(host.node_pages)),
        charge_limit=max_pages,
        last_alloc_node=host.first_last_alloc_node,
    )
    host.domains[domid] = domain
    host.domains = dict(sorted(host.domains.items()))
    return domain
