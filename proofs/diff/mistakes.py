"""Deliberate mistakes in the reference, each a small edit of its source: `claimcheck diff` has to find them all."""

from __future__ import annotations

import importlib
import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Mistake:
    """One edit: in a function or method of a module, a piece of text becomes another."""

    name: str
    where: str
    """``module:function`` or ``module:Class.method``."""
    text: str
    instead: str
    semantics: str
    operation: str
    """Where it is looked for."""


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        "permits-one-too-many",
        "reference.claims:claims_permit_request",
        "pages <= avail_pages",
        "pages - 1 <= avail_pages",
        "claim-sets",
        "alloc_heap_pages",
    ),
    Mistake(
        "refuses-the-largest-block",
        "reference.page_alloc:alloc_heap_pages",
        "order > MAX_ORDER",
        "order >= MAX_ORDER",
        "claim-sets",
        "alloc_heap_pages",
    ),
    Mistake(
        "permits-one-too-few",
        "reference.claims:claims_permit_request",
        "pages <= avail_pages",
        "pages < avail_pages",
        "claim-sets",
        "alloc_domheap_pages",
    ),
    Mistake(
        "deducts-one-too-few",
        "reference.claims:deduct_node_claims",
        "host.outstanding_claims -= pages",
        "host.outstanding_claims -= pages - 1 if pages > 1 else pages",
        "claim-sets",
        "release_all_claims",
    ),
    Mistake(
        "redeems-other-nodes-twice",
        "reference.claims:redeem_claims_for_allocation",
        "pages -= deduct_node_claims(host, domain, other, pages, redeemed)",
        "deduct_node_claims(host, domain, other, pages, redeemed)",
        "claim-sets",
        "alloc_heap_pages",
    ),
    Mistake(
        "recalls-one-too-many",
        "reference.claims:recall_claims",
        "deduct_node_claims(host, domain, node, claimed - avail, domain.history.recalled)",
        "deduct_node_claims(host, domain, node, claimed - avail + 1, domain.history.recalled)",
        "claim-sets",
        "offline_page",
    ),
    Mistake(
        "recalls-one-too-few",
        "reference.claims:recall_claims",
        "deduct_global_claims(host, domain, claimed - avail, domain.history.recalled)",
        "deduct_global_claims(host, domain, claimed - avail - 1, domain.history.recalled)",
        "claim-sets",
        "offline_page",
    ),
    Mistake(
        "second-global-entry-passes",
        "reference.claims:checked_entries",
        "if global_pages is not None:",
        "if global_pages is not None and pages != 0:",
        "claim-sets",
        "install_claim_set",
    ),
    Mistake(
        "node-limit-off-by-one",
        "reference.claims:checked_entries",
        "pages > host.unclaimed_on(target) + domain.claims[target]",
        "pages >= host.unclaimed_on(target) + domain.claims[target] + 2",
        "claim-sets",
        "install_claim_set",
    ),
    Mistake(
        "sum-wraps-one-late",
        "reference.claims:checked_entries",
        "pages > UINT_MAX - nodes_total",
        "pages > UINT_MAX + 1 - nodes_total",
        "claim-sets",
        "install_claim_set",
    ),
    Mistake(
        "host-wide-claims-escape-the-limit",
        "reference.claims:replace_claims",
        "> domain.max_pages - global_pages - nodes_total:",
        "> domain.max_pages - nodes_total:",
        "claim-sets",
        "install_claim_set",
    ),
    Mistake(
        "legacy-claim-may-be-nothing",
        "reference.claims:stake_outstanding_pages",
        "pages <= held",
        "pages < held",
        "claim-sets",
        "set_outstanding_pages",
    ),
    Mistake(
        "assigns-beyond-limit",
        "reference.page_alloc:assign_pages",
        "if domain.tot_pages > limit:",
        "if domain.tot_pages > limit + 1:",
        "claim-sets",
        "assign_pages",
    ),
    Mistake(
        "dying-before-entries",
        "reference.semantics:Semantics.claim_memory",
        "if not entries or pad != 0:",
        "if domain.is_dying:\n    return Status.ESRCH\nif not entries or pad != 0:",
        "claim-sets",
        "claim_memory",
    ),
    Mistake(
        "clamps-one-too-high",
        "reference.generations.per_node:PerNodeV8.node_permits",
        "unclaimed = 0",
        "unclaimed = 1",
        "per-node-v8",
        "alloc_heap_pages",
    ),
    Mistake(
        "keeps-claim-node",
        "reference.generations.single_node:SingleNodeV4.redeem",
        "if claimant.outstanding() == 0:",
        "if claimant.outstanding() == 0 and target is None:",
        "single-node-v4",
        "alloc_heap_pages",
    ),
    Mistake(
        "grows-back-when-gone",
        "reference.generations.legacy:Legacy2013.pages_released",
        "if domain.global_claims != 0:",
        "if domain.global_claims > 1:",
        "legacy-2013",
        "release_ownership",
    ),
    Mistake(
        "forgets-a-page-marked",
        "reference.page_alloc:free_heap_pages",
        "host.total_avail_pages -= 1",
        "host.total_avail_pages -= 1 if page == mfn else 0",
        "claim-sets",
        "free_heap_pages",
    ),
    Mistake(
        "extra-pages-do-not-redeem",
        "reference.generations.legacy:LegacyRedeemAtAssign.pages_assigned",
        "redeemed = self.redeem_at_assign(host, domain, pages, node)",
        "redeemed = self.redeem_at_assign(host, domain, pages, node) if refcounted else 0",
        "legacy-redeem-at-assign",
        "assign_pages",
    ),
    Mistake(
        "keeps-a-stash-of-another-order",
        "reference.populate:get_stashed_allocation",
        "free_heap_pages(host, stash.mfn, stash.order, stashed=True)",
        "domain.pending_scrub = stash",
        "mainline-4.22",
        "get_stashed_allocation",
    ),
    Mistake(
        "takes-a-stash-from-another-node",
        "reference.populate:get_stashed_allocation",
        "memflags & MEMF_exact_node and node is not None and",
        "memflags & MEMF_exact_node == 0 and node is not None and",
        "mainline-4.22",
        "populate_physmap",
    ),
    Mistake(
        "stashes-for-the-dying",
        "reference.populate:stash_allocation",
        "domain.pending_scrub is None and not domain.is_dying",
        "domain.pending_scrub is None",
        "claim-sets",
        "stash_allocation",
    ),
    Mistake(
        "unpausing-keeps-the-stash",
        "reference.hypercalls:unpausedomain",
        "domains.domain_pending_scrub_free(host, domain)",
        "domains.has_stash(domain)",
        "mainline-4.22",
        "unpausedomain",
    ),
    Mistake(
        "recalls-from-destroyed-domains",
        "reference.claims:recall_claims",
        "for domain in host.domains.values():\n        claimed, avail = host.outstanding_claims",
        "for domain in [*host.domains.values(), *host.orphans]:\n    claimed, avail = host.outstanding_claims",
        "claim-sets",
        "offline_page",
    ),
    Mistake(
        "destroys-while-the-last-page-is-freed",
        "reference.page_alloc:put_domain",
        "and domain.last_frees == 0",
        "",
        "claim-sets",
        "put_domain",
    ),
    Mistake(
        "forgets-extra-pages-of-the-dead",
        "reference.page_alloc:put_domain",
        "pages = domain.tot_pages + domain.extra_pages",
        "pages = domain.tot_pages",
        "claim-sets",
        "put_domain",
    ),
    Mistake(
        "keeps-marks-in-a-release-build",
        "reference.page_alloc:set_owner",
        "host.pages.lose_marks(block)",
        "pass",
        "claim-sets",
        "assign_pages",
    ),
    Mistake(
        "loses-marks-in-a-debug-build",
        "reference.page_alloc:set_owner",
        "if host.debug_build:",
        "if False:",
        "claim-sets",
        "assign_in_exchange",
    ),
    Mistake(
        "host-check-mixes",
        "reference.claims:permit_without_mixing",
        "claimant.outstanding() >= pages",
        "pages <= host.unclaimed() + claimant.outstanding()",
        "claim-sets-v7",
        "alloc_heap_pages",
    ),
    Mistake(
        "looks-at-limits-before-it-releases",
        "reference.generations.claim_sets_v7:ClaimSetsV7.install_claim_set",
        "if claim == 0 and nodes_total == 0:",
        "if claim == 0 and nodes_total == 0 and domain.tot_pages <= domain.max_pages:",
        "claim-sets-v7",
        "install_claim_set",
    ),
    Mistake(
        "redeems-beyond-what-is-counted",
        "reference.generations.legacy:stop_if_above",
        "outstanding > host.outstanding_claims",
        "outstanding > host.outstanding_claims + 1",
        "legacy-redeem-at-alloc",
        "alloc_heap_pages",
    ),
)


@contextmanager
def planted(mistake: Mistake) -> Iterator[None]:
    """The reference with the mistake, in this process, for as long as the context lasts."""
    module_name, _, path = mistake.where.partition(":")
    module = importlib.import_module(module_name)
    owner: Any = module
    *classes, name = path.split(".")
    for part in classes:
        owner = getattr(owner, part)
    right = owner.__dict__[name] if classes else getattr(owner, name)
    source = textwrap.dedent(inspect.getsource(right))
    changed = _edited(source, mistake)
    scope: dict[str, Any] = dict(vars(module))
    if classes:
        scope["__class__"] = owner
    exec(compile(changed, f"<{mistake.name}>", "exec"), scope)
    made = scope[name]
    if classes:
        setattr(owner, name, made)
    else:
        right_code, right.__code__ = right.__code__, made.__code__  # whoever imported it has the mistake, too
    try:
        yield
    finally:
        if classes:
            setattr(owner, name, right)
        else:
            right.__code__ = right_code


def _edited(source: str, mistake: Mistake) -> str:
    if source.count(mistake.text) < 1:
        raise ValueError(f"{mistake.name}: {mistake.where} has no {mistake.text!r}")
    at = source.index(mistake.text)
    margin = at - (source.rfind("\n", 0, at) + 1)
    return source[:at] + mistake.instead.replace("\n", "\n" + " " * margin) + source[at + len(mistake.text) :]
