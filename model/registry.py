"""The registry of transitions: every critical section with its hypervisor function, locks and tags."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps

from model.hosts.bounded import BoundedHost
from model.operations import claim_transitions as claiming
from model.operations import domain_transitions as domains
from model.operations import page_transitions as pages
from model.operations.derived import DerivedTransition
from model.operations.section import CRASH, Check, LockAcquisition
from model.operations.stepped import StepSection
from model.rules import Rules
from model.state import DOMCTL_LOCK, HEAP_LOCK, PAGE_ALLOC_LOCK
from model.step import Step


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
    """The relation without C values; a `DerivedTransition` if it follows from a section."""

    def locks_under(self, rules: Rules) -> tuple[str, ...]:
        """The locks held in a generation: in some, claims take heap_lock inside page_alloc_lock."""
        if not isinstance(self.written, DerivedTransition):
            return self.locks
        section = StepSection(Step(_SMALL, _SMALL.state()), rules)
        self.written.describe(section)
        records = section.records
        if self.written.refusal:
            checks = [i for i, r in enumerate(records) if isinstance(r, Check) and r.errno != CRASH]
            records = records[: checks[-1]]
        return (*self.locks, *(record.lock for record in records if isinstance(record, LockAcquisition)))


_SMALL = BoundedHost(1, 1)


def _with_code(build: Callable[[Step, Rules], None]) -> Callable[[Step, Rules], None]:
    """The relation, with the values that its C code computes."""

    @wraps(build, assigned=("__name__", "__doc__"))
    def built(step: Step, rules: Rules) -> None:
        step.rules = rules
        build(step, rules)
        code = build.code if isinstance(build, DerivedTransition) else None
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
        _t(pages.alloc_heap_pages, "alloc_heap_pages", "H", "redeems"),
        _t(pages.alloc_heap_pages_unowned, "alloc_heap_pages", "H", "takes-unowned"),
        _t(pages.alloc_heap_pages_refused, "alloc_heap_pages", "H"),
        _t(pages.allocation_crashes, "alloc_heap_pages", "H", "crashes"),
        _t(pages.redemption_crashes, "redeem_claims_for_allocation", "H", "crashes"),
        _t(pages.assign_pages, "assign_pages", "P", "outside-heap-lock"),
        _t(pages.assign_pages_refused, "assign_pages", "P", "outside-heap-lock"),
        _t(pages.assign_extra_pages, "assign_pages", "P", "outside-heap-lock"),
        _t(pages.free_domheap_pages, "free_domheap_pages", "P", "frees"),
        _t(pages.free_extra_pages, "free_domheap_pages", "P", "outside-heap-lock"),
        _t(pages.free_heap_pages, "free_heap_pages", "H"),
        _t(pages.free_anonymous_pages, "free_xenheap_pages", tags="outside-heap-lock"),
        _t(pages.exchange_steal, "steal_page", "P", "outside-heap-lock"),
        _t(pages.exchange_allocate, "memory_exchange", "H", "takes-unowned"),
        _t(pages.exchange_assign, "assign_page", "P", "outside-heap-lock"),
        _t(pages.drop_tot_pages, "memory_exchange", "P", "frees"),
        _t(pages.offline_page, "offline_page", "H", "offlines"),
        _t(pages.mark_page_offline, "mark_page_offline", "H"),
        _t(pages.free_marked_page, "free_heap_pages", "H", "offlines unmarks"),
        _t(pages.online_page, "online_page", "H"),
        _t(domains.domain_kill, "domain_kill", "D", "outside-heap-lock"),
        _t(domains.domain_kill_release, "domain_kill", "DPH"),
        _t(domains.destroy_domain, "domain_destroy", "P", "outside-heap-lock"),
        _t(pages.alloc_for_destroyed, "alloc_heap_pages", "H", "redeems"),
        _t(claiming.claim_for_destroyed, "domain_set_outstanding_pages", "PH"),
        _t(claiming.claim_on_node_for_destroyed, "domain_set_outstanding_pages", "PH"),
        _t(claiming.release_for_destroyed, "domain_set_outstanding_pages", "PH"),
        _t(pages.free_stash, "get_stashed_allocation", "PH"),
        _t(pages.free_marked_stash_page, "get_stashed_allocation", "PH", "offlines unmarks"),
    )
}
