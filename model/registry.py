"""The registry of transitions: every critical section, with its function, its locks and what it is about."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps

from model.c_code import CODE
from model.operations import claim_transitions as claiming
from model.operations.derived import Derived
from model.rules import Rules
from model.state import DOMCTL_LOCK, HEAP_LOCK, PAGE_ALLOC_LOCK
from model.step import Step
from model.transitions import allocating, destroyed, domains, offlining, stash


@dataclass(frozen=True)
class Transition:
    """A critical section: its name, the hypervisor function, the locks it holds in order, and its relation."""

    name: str
    function: str
    sentence: str
    locks: tuple[str, ...]
    build: Callable[[Step, Rules], None]
    tags: frozenset[str] = frozenset()
    written: Callable[[Step, Rules], None] | None = None
    """The relation alone: `Derived` where it follows from a section."""

    def locks_under(self, rules: Rules) -> tuple[str, ...]:
        """The locks that it holds in a generation: some take heap_lock inside page_alloc_lock, for claims."""
        redeems = self.name == "assign_pages" and rules.redeems_at_assign
        grows = self.name == "free_domheap_pages" and rules.frees_restore_claims
        grows = grows or (self.name == "free_extra_pages" and rules.frees_restore_claims)
        redeems = redeems or (self.name == "assign_extra_pages" and rules.redeems_at_assign)
        charges = self.name in ("set_max_pages", "free_domheap_pages") and rules.keeps_copies()
        counts = self.name == "assign_pages" and rules.counts_claims_at_assign
        return (*self.locks, HEAP_LOCK) if redeems or grows or charges or counts else self.locks


def _with_code(build: Callable[[Step, Rules], None]) -> Callable[[Step, Rules], None]:
    """The relation, with what its C code computes."""

    if isinstance(build, Derived) and build.__name__ in CODE:
        raise ValueError(f"the C values of {build.__name__} are given twice")

    @wraps(build, assigned=("__name__", "__doc__"))
    def built(step: Step, rules: Rules) -> None:
        step.rules = rules
        build(step, rules)
        code = build.code if isinstance(build, Derived) else CODE.get(build.__name__)
        step.c_code = None if code is None else (code, rules)

    return built


def _t(build: Callable[[Step, Rules], None], function: str, locks: str = "", tags: str = "") -> Transition:
    sentence = (build.__doc__ or "").strip().splitlines()[0]
    held = {"H": HEAP_LOCK, "P": PAGE_ALLOC_LOCK, "D": DOMCTL_LOCK}
    return Transition(
        build.__name__,
        function,
        sentence,
        tuple(held[lock] for lock in locks),
        _with_code(build),
        frozenset(tags.split()),
        build,
    )


TRANSITIONS: dict[str, Transition] = {
    t.name: t
    for t in (
        _t(domains.create_domain, "domain_create", "D"),
        _t(domains.set_max_pages, "XEN_DOMCTL_max_mem", "DP"),
        _t(claiming.claim_memory, "install_claim_set", "DPH", "claims"),
        _t(claiming.claim_memory_refused, "install_claim_set", "DPH", "claim-refused set-refused"),
        _t(claiming.release_claims, "set_memory_claims", "DPH", "claims"),
        _t(claiming.claim_on_node, "domain_set_outstanding_pages", "DPH", "claims"),
        _t(claiming.claim_crashes, "domain_set_outstanding_pages", "DPH", "crashes"),
        _t(claiming.claim_pages_check, "XENMEM_claim_pages", tags="outside-heap-lock"),
        _t(claiming.set_outstanding_pages, "domain_set_outstanding_pages", "PH", "claims"),
        _t(claiming.set_outstanding_pages_zero, "domain_set_outstanding_pages", "PH", "claims"),
        _t(claiming.set_outstanding_pages_refused, "domain_set_outstanding_pages", "PH", "claim-refused"),
        _t(allocating.alloc_heap_pages, "alloc_heap_pages", "H", "redeems"),
        _t(allocating.alloc_heap_pages_unowned, "alloc_heap_pages", "H", "takes-unowned"),
        _t(allocating.alloc_heap_pages_refused, "alloc_heap_pages", "H"),
        _t(allocating.allocation_crashes, "alloc_heap_pages", "H", "crashes"),
        _t(allocating.redemption_crashes, "redeem_claims_for_allocation", "H", "crashes"),
        _t(allocating.assign_pages, "assign_pages", "P", "outside-heap-lock"),
        _t(allocating.assign_pages_refused, "assign_pages", "P", "outside-heap-lock"),
        _t(allocating.assign_extra_pages, "assign_pages", "P", "outside-heap-lock"),
        _t(allocating.free_domheap_pages, "free_domheap_pages", "P", "frees"),
        _t(allocating.free_extra_pages, "free_domheap_pages", "P", "outside-heap-lock"),
        _t(allocating.free_heap_pages, "free_heap_pages", "H"),
        _t(allocating.free_anonymous_pages, "free_xenheap_pages", tags="outside-heap-lock"),
        _t(allocating.exchange_steal, "steal_page", "P", "outside-heap-lock"),
        _t(allocating.exchange_allocate, "memory_exchange", "H", "takes-unowned"),
        _t(allocating.exchange_assign, "assign_page", "P", "outside-heap-lock"),
        _t(offlining.offline_page, "offline_page", "H", "offlines"),
        _t(offlining.mark_page_offline, "mark_page_offline", "H"),
        _t(offlining.free_marked_page, "free_heap_pages", "H", "offlines unmarks"),
        _t(offlining.online_page, "online_page", "H"),
        _t(domains.domain_kill, "domain_kill", "D", "outside-heap-lock"),
        _t(domains.domain_kill_release, "domain_kill", "DPH"),
        _t(domains.destroy_domain, "domain_destroy", "P", "outside-heap-lock"),
        _t(destroyed.alloc_for_destroyed, "alloc_heap_pages", "H", "redeems"),
        _t(claiming.claim_for_destroyed, "domain_set_outstanding_pages", "PH"),
        _t(claiming.claim_on_node_for_destroyed, "domain_set_outstanding_pages", "PH"),
        _t(claiming.release_for_destroyed, "domain_set_outstanding_pages", "PH"),
        _t(stash.free_stash, "get_stashed_allocation", "PH"),
        _t(stash.free_marked_stash_page, "get_stashed_allocation", "PH", "offlines unmarks"),
    )
}
