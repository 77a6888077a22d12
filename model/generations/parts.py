"""Changes to the rules of a generation, to be made one by one: `claim-sets+limbo-counted` is claim sets with one.

`claim-sets-hardened` is claim sets with six of them; the others are what else could be tried.
"""

from collections.abc import Callable
from dataclasses import replace

from model.generations.generation import Generation
from model.rules import (
    Rules,
    limit_permits_all_claims,
    limit_permits_charged,
    limit_permits_unlocked,
    redeem_others_if_needed,
)

PARTS: dict[str, tuple[str, Callable[[Rules], Rules]]] = {
    "limbo-counted": (
        "pages in limbo count against max_pages in addition to a claim, as pages held do",
        lambda rules: replace(rules, counts_limbo=True),
    ),
    "low-limit-refused": (
        "XEN_DOMCTL_max_mem refuses a limit below pages and claims",
        lambda rules: replace(rules, refuses_low_limit=True),
    ),
    "charged-at-alloc": (
        "the allocator refuses pages beyond the limit, by counters of its own that count pages in limbo",
        lambda rules: replace(rules, limit_permits=limit_permits_charged),
    ),
    "dying-checked": (
        "claim calls look at is_dying under their locks",
        lambda rules: replace(rules, checks_dying_in_lock=True),
    ),
    "limit-read-unlocked": (
        "the allocator refuses pages beyond the limit; tot_pages and max_pages are read without their lock",
        lambda rules: replace(rules, limit_permits=limit_permits_unlocked),
    ),
    "all-claims-at-alloc": (
        "the same, and all claims count, those too that the request is about to redeem",
        lambda rules: replace(rules, limit_permits=limit_permits_all_claims),
    ),
    "claims-checked-at-assign": (
        "assign_pages refuses pages that would exceed the limit together with the claims",
        lambda rules: replace(rules, counts_claims_at_assign=True),
    ),
    "claims-trimmed": (
        "XEN_DOMCTL_max_mem releases the claims that the new limit leaves no room for",
        lambda rules: replace(rules, trims_claims=True),
    ),
    "redeemed-at-assign": (
        "claims are redeemed where tot_pages grows, in assign_pages",
        lambda rules: replace(rules, redeems_at_assign=True, extra_pages_redeem=False),
    ),
    "others-kept": (
        "claims on other nodes are redeemed only as far as the limit or the host's free pages demand it",
        lambda rules: replace(rules, redeem=redeem_others_if_needed),
    ),
    "stash-kept": (
        "a live domain's stashed extent is never freed: a populate that it does not suit, and unpausing, are refused",
        lambda rules: replace(rules, keeps_stash=True),
    ),
    "stash-claim-restored": (
        "a live domain's stashed extent that is freed becomes a claim of the domain in the same critical section",
        lambda rules: replace(rules, restores_stash=True),
    ),
    "marks-kept": (
        "assign_pages leaves offline marks as they are",
        lambda rules: replace(rules, keeps_marks=True),
    ),
    "one-section": (
        "page_alloc_lock is held from before the pages leave the heap until they are in tot_pages",
        lambda rules: replace(rules, assigns_at_alloc=True),
    ),
}
"""Name to what is changed, and the change."""
HARDENING = ("limbo-counted", "low-limit-refused", "charged-at-alloc", "dying-checked", "stash-kept", "marks-kept")
"""The parts of `claim-sets-hardened`."""


def changed(semantics: Generation, parts: tuple[str, ...]) -> Generation:
    """The semantics with these changes; it promises nothing that it has not been asked for.

    :raises KeyError: there is no such part
    """
    rules = semantics.rules
    for part in parts:
        rules = PARTS[part][1](rules)
    named = replace(rules, name="+".join((semantics.name, *parts)))
    return replace(semantics, rules=named, conditional={}, follows=(semantics.name,))
