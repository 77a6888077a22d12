"""Single changes to the rules of a generation: ``claim-sets+limbo-counted`` is ``claim-sets`` with one of them.

Most check the limit under heap_lock, where the hypervisor cannot read it: page_alloc_lock must be taken first. They
keep two counters per domain under ``heap_lock``: ``charged_pages`` (tot_pages and the pages on their way into it) and
``charge_limit`` (a copy of max_pages). Both locks are held where these are updated from tot_pages and max_pages.
"""

from ..claims import booked_on, deduct_global_claims, deduct_node_claims, redeem_claims_for_allocation, stake_claims
from ..generation import Generation, Request
from ..state import Domain, Host, read_unlocked
from ..status import Status


class ChargeCounters(Generation):
    """Keeps ``charged_pages`` and ``charge_limit``."""

    def redeem(self, host: Host, claimant: Domain, pages: int, node: int) -> None:
        claimant.charged_pages += pages
        super().redeem(host, claimant, pages, node)

    def limbo_ended(self, host: Host, domain: Domain, pages: int, node: int, *, stashed: bool) -> None:
        domain.charged_pages -= pages
        super().limbo_ended(host, domain, pages, node, stashed=stashed)

    def pages_released(self, host: Host, domain: Domain, pages: int, refcounted: bool) -> None:
        if refcounted:
            with host.heap_lock:
                domain.charged_pages -= pages

    def set_max_pages(self, host: Host, domain: Domain, max_pages: int) -> Status:
        with domain.page_alloc_lock, host.heap_lock:
            if self.refuses_limit(domain, max_pages):
                return Status.EINVAL
            domain.max_pages = domain.charge_limit = max_pages
            self.limit_stored(host, domain)
        return Status.OK

    def refuses_limit(self, domain: Domain, max_pages: int) -> bool:
        """Whether ``XEN_DOMCTL_max_mem`` refuses that limit; both locks are held."""
        del domain, max_pages
        return False

    def limit_stored(self, host: Host, domain: Domain) -> None:
        """A new limit was stored; both locks are held."""


class LimboCounted(ChargeCounters):
    """Pages in limbo count against max_pages in addition to a claim, as pages held do."""

    def pages_held(self, domain: Domain) -> int:
        return domain.charged_pages


class LowLimitRefused(ChargeCounters):
    """A limit below pages and claims is refused."""

    def refuses_limit(self, domain: Domain, max_pages: int) -> bool:
        return self.pages_held(domain) + domain.outstanding() > max_pages


class ChargedAtAlloc(ChargeCounters):
    """The allocator refuses pages beyond the limit; pages in limbo and claims left after redeeming count."""

    def request_permitted(self, host: Host, request: Request) -> bool:
        claimant = request.claimant
        if claimant is not None:
            charged = claimant.charged_pages + request.pages + _claims_left(claimant, request.pages)
            if charged > claimant.charge_limit:
                return False
        return super().request_permitted(host, request)


class DyingChecked(Generation):
    """Claim calls check is_dying under their locks."""

    def refuses_claimant(self, domain: Domain) -> bool:
        return domain.is_dying


class LimitReadUnlocked(Generation):
    """The allocator refuses pages beyond the limit; tot_pages and max_pages are read without their lock."""

    def request_permitted(self, host: Host, request: Request) -> bool:
        claimant = request.claimant
        if claimant is not None:
            tot_pages, max_pages = read_unlocked(claimant, "tot_pages"), read_unlocked(claimant, "max_pages")
            if tot_pages + request.pages + self.claims_that_count(claimant, request.pages) > max_pages:
                return False
        return super().request_permitted(host, request)

    def claims_that_count(self, claimant: Domain, pages: int) -> int:
        """The claims left after redeeming for ``pages``."""
        return _claims_left(claimant, pages)


class AllClaimsAtAlloc(LimitReadUnlocked):
    """All claims count, including those that the request is about to redeem."""

    def claims_that_count(self, claimant: Domain, pages: int) -> int:
        del pages
        return claimant.outstanding()


class ClaimsCheckedAtAssign(Generation):
    """assign_pages refuses pages that would exceed the limit together with the claims."""

    def limit_at_assign(self, host: Host, domain: Domain) -> int:
        with host.heap_lock:
            return domain.max_pages - domain.outstanding()


class ClaimsTrimmed(ChargeCounters):
    """A new limit releases the claims that exceed it: host-wide ones first, then nodes in ascending order."""

    def limit_stored(self, host: Host, domain: Domain) -> None:
        excess = self.pages_held(domain) + domain.outstanding() - domain.max_pages
        with booked_on(host, "released"):
            if excess > 0:
                excess -= deduct_global_claims(host, domain, excess)
            for node in host.nodes:
                if excess > 0:
                    excess -= deduct_node_claims(host, domain, node, excess)


class RedeemedAtAssign(Generation):
    """Claims are redeemed where tot_pages grows; until then, pages that left the heap stay claimed."""

    redeems_at_alloc = False

    def redeem(self, host: Host, claimant: Domain, pages: int, node: int) -> None:
        """No effect: claims are redeemed in ``assign_pages``."""

    def pages_assigned(self, host: Host, domain: Domain, pages: int, node: int, refcounted: bool) -> None:
        if refcounted:
            with host.heap_lock:
                redeem_claims_for_allocation(host, domain, pages, node)


class StashKept(Generation):
    """A live domain's stashed extent is never freed: a populate that does not match it, and unpausing, are refused."""

    drops_stash = False


class StashClaimRestored(Generation):
    """A live domain's stashed extent that is freed becomes a claim of the domain in the same critical section."""

    def limbo_ended(self, host: Host, domain: Domain, pages: int, node: int, *, stashed: bool) -> None:
        if not stashed or domain.is_dying:
            super().limbo_ended(host, domain, pages, node, stashed=stashed)
        elif "claims" in self.claim_counters:
            stake_claims(host, domain, {node: pages}, 0)
        else:
            stake_claims(host, domain, {}, pages)


class MarksKept(Generation):
    """``assign_pages`` leaves offline marks as they are."""

    keeps_marks = True


class OthersKept(ChargeCounters):
    """Claims on other nodes are redeemed only as far as the limit or the host's free pages require it."""

    def redeem(self, host: Host, claimant: Domain, pages: int, node: int) -> None:
        claimant.charged_pages += pages
        pages -= deduct_node_claims(host, claimant, node, pages)
        pages -= deduct_global_claims(host, claimant, pages)
        over_limit = claimant.charged_pages + claimant.outstanding() - claimant.charge_limit
        beyond = host.outstanding_claims - host.total_avail_pages
        demanded = over_limit if over_limit >= beyond else beyond
        if demanded < pages:
            pages = demanded
        for other in host.nodes:
            if pages > 0:
                pages -= deduct_node_claims(host, claimant, other, pages)


def _claims_left(domain: Domain, pages: int) -> int:
    left = domain.outstanding() - pages
    return left if left > 0 else 0


PARTS: dict[str, type[Generation]] = {
    "limbo-counted": LimboCounted,
    "low-limit-refused": LowLimitRefused,
    "charged-at-alloc": ChargedAtAlloc,
    "dying-checked": DyingChecked,
    "limit-read-unlocked": LimitReadUnlocked,
    "all-claims-at-alloc": AllClaimsAtAlloc,
    "claims-checked-at-assign": ClaimsCheckedAtAssign,
    "claims-trimmed": ClaimsTrimmed,
    "redeemed-at-assign": RedeemedAtAssign,
    "others-kept": OthersKept,
    "stash-kept": StashKept,
    "stash-claim-restored": StashClaimRestored,
    "marks-kept": MarksKept,
}
"""The parts of variants, by name. ``one-section`` exists only in the model."""


def changed(base: Generation, parts: list[str]) -> Generation:
    """The generation with these changes.

    :raises KeyError: there is no such part
    """
    classes = (*(PARTS[part] for part in parts), type(base))
    variant = type("Variant", classes, {"name": "+".join((base.name, *parts))})
    return variant()  # type: ignore[no-any-return]
