"""The registries: every transition, and every semantics with its rules, its claims and their conditions."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from model.rules import (
    Rules,
    node_permits_free_pages,
    recall_global_then_node,
    recall_nothing,
    redeem_global_first,
    redeem_node_global,
)
from model.state import DOMCTL_LOCK, HEAP_LOCK, PAGE_ALLOC_LOCK
from model.step import Step
from model.transitions import allocating, claiming, domains, offlining


@dataclass(frozen=True)
class Transition:
    """A critical section: its name, the hypervisor function, the locks it holds in order, and its relation."""

    name: str
    function: str
    sentence: str
    locks: tuple[str, ...]
    build: Callable[[Step, Rules], None]
    tags: frozenset[str] = frozenset()


def _t(build: Callable[[Step, Rules], None], function: str, locks: str = "", tags: str = "") -> Transition:
    sentence = (build.__doc__ or "").strip().splitlines()[0]
    held = {"H": HEAP_LOCK, "P": PAGE_ALLOC_LOCK, "D": DOMCTL_LOCK}
    return Transition(
        build.__name__,
        function,
        sentence,
        tuple(held[lock] for lock in locks),
        build,
        frozenset(tags.split()),
    )


TRANSITIONS: dict[str, Transition] = {
    t.name: t
    for t in (
        _t(domains.create_domain, "domain_create", "D"),
        _t(domains.set_max_pages, "XEN_DOMCTL_max_mem", "DP"),
        _t(claiming.claim_memory, "install_claim_set", "DPH", "claims"),
        _t(claiming.claim_memory_refused, "install_claim_set", "DPH", "claim-refused set-refused"),
        _t(claiming.claim_pages_check, "XENMEM_claim_pages"),
        _t(claiming.set_outstanding_pages, "domain_set_outstanding_pages", "PH", "claims"),
        _t(claiming.set_outstanding_pages_zero, "domain_set_outstanding_pages", "PH", "claims"),
        _t(claiming.set_outstanding_pages_refused, "domain_set_outstanding_pages", "PH", "claim-refused"),
        _t(allocating.alloc_heap_pages, "alloc_heap_pages", "H", "redeems"),
        _t(allocating.alloc_heap_pages_unowned, "alloc_heap_pages", "H", "takes-unowned"),
        _t(allocating.alloc_heap_pages_refused, "alloc_heap_pages", "H"),
        _t(allocating.assign_pages, "assign_pages", "P"),
        _t(allocating.assign_pages_refused, "assign_pages", "P"),
        _t(allocating.free_domheap_pages, "free_domheap_pages", "P"),
        _t(allocating.free_heap_pages, "free_heap_pages", "H"),
        _t(allocating.free_anonymous_pages, "free_xenheap_pages"),
        _t(allocating.exchange_steal, "steal_page", "P"),
        _t(allocating.exchange_allocate, "memory_exchange", "H", "takes-unowned"),
        _t(allocating.exchange_assign, "assign_page", "P"),
        _t(offlining.offline_page, "offline_page", "H", "offlines"),
        _t(offlining.mark_page_offline, "mark_page_offline", "H"),
        _t(offlining.free_marked_page, "free_heap_pages", "H", "offlines"),
        _t(offlining.online_page, "online_page", "H"),
        _t(domains.domain_kill, "domain_kill", "D"),
        _t(domains.domain_kill_release, "domain_kill", "DPH"),
        _t(domains.destroy_domain, "domain_destroy", "P"),
    )
}

INVARIANTS = (
    "node-backed",
    "host-backed",
    "aggregates-agree.free",
    "aggregates-agree.node",
    "aggregates-agree.domain",
    "aggregates-agree.host",
    "same-claims-both-ways",
    "non-negative",
    "sums-non-negative",
    "claims-within-aggregates",
    "unused-ids-empty",
    "redeemed-once.conservation",
    "redeemed-once.ledger",
    "no-wrap.domain-counters",
)


@dataclass(frozen=True)
class Semantics:
    """A generation of claims: rules, the transitions it has, what it promises always or on conditions."""

    rules: Rules
    transitions: tuple[str, ...] = tuple(TRANSITIONS)
    invariants: tuple[str, ...] = INVARIANTS
    """State properties promised without conditions; together they are inductive."""
    conditional: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Property id to the conditions on which it is promised."""

    @property
    def name(self) -> str:
        """The name on the command line."""
        return self.rules.name


SEMANTICS: dict[str, Semantics] = {
    s.name: s
    for s in (
        Semantics(
            Rules("claim-sets", "sets of claims on nodes and the host, redeemed in the allocator, recalled"),
            conditional={
                "entitlement": ("limit-not-lowered", "no-claim-in-flight", "requests-within-limit"),
                "entitlement-without-limbo": ("limit-not-lowered", "no-claim-in-flight"),
                "dead-hold-nothing": ("legacy-check-in-lock",),
            },
        ),
    )
}


MUTATIONS: dict[str, tuple[str, Callable[[Rules], Rules]]] = {
    "redeem-without-step-3": (
        "claims on other nodes are never redeemed",
        lambda rules: replace(rules, redeem=redeem_node_global),
    ),
    "redeem-global-first": (
        "the host-wide claim is redeemed before the allocation node's",
        lambda rules: replace(rules, redeem=redeem_global_first),
    ),
    "redeem-forgets-host": (
        "redeeming leaves outstanding_claims as it was",
        lambda rules: replace(rules, counts_outstanding_on_redeem=False),
    ),
    "install-duplicated-node": (
        "a node may be named twice in a claim set",
        lambda rules: replace(rules, nodes_once=False),
    ),
    "install-without-own-credit": (
        "the claims about to be replaced are not counted as available",
        lambda rules: replace(rules, credits_own_claims=False),
    ),
    "install-accumulates": (
        "a claim set is added to the claims held",
        lambda rules: replace(rules, releases_before_install=False),
    ),
    "install-without-limit": (
        "claims may exceed max_pages",
        lambda rules: replace(rules, checks_limit_at_install=False),
    ),
    "recall-global-first": (
        "host-wide claims are recalled before the node's",
        lambda rules: replace(rules, recall=recall_global_then_node),
    ),
    "no-recall": ("offlining recalls no claims", lambda rules: replace(rules, recall=recall_nothing)),
    "kill-keeps-claims": (
        "domain_kill does not release claims",
        lambda rules: replace(rules, releases_on_kill=False),
    ),
    "node-check-ignores-claims": (
        "the node check looks at free pages only",
        lambda rules: replace(rules, node_permits=node_permits_free_pages),
    ),
    "assign-without-limit": (
        "assign_pages does not look at max_pages",
        lambda rules: replace(rules, checks_limit_at_assign=False),
    ),
    "free-restores-claims": (
        "freeing pages grows the host-wide claim back",
        lambda rules: replace(rules, frees_restore_claims=True),
    ),
}


def mutated(semantics: Semantics, mutation: str) -> Semantics:
    """The semantics with one deliberate mistake."""
    _sentence, change = MUTATIONS[mutation]
    return replace(semantics, rules=change(semantics.rules))
