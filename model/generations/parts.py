"""Single changes to the rules of a generation: `claim-sets+limbo-counted` is `claim-sets` with one of them.

`claim-sets-hardened` is `claim-sets` with six of them. The others are alternatives.
"""

from collections.abc import Callable
from dataclasses import replace

from model.encoding import Encoding
from model.generations.generation import Generation
from model.logic import Term, choose, minimum, positive_part
from model.rules import Redemption, Rules
from model.state import State


def redeem_others_if_needed(h: Encoding, s: State, domid: Term, node: Term, pages: Term) -> Redemption:
    """Redeems claims on other nodes only as far as the domain's limit or the host's free pages require it."""
    from_node = minimum(pages, s.claims[domid, node])
    from_global = minimum(pages - from_node, s.global_claims[domid])
    rest = pages - from_node - from_global
    held = s.tot_pages[domid] + s.limbo_pages.row(domid).total() + s.held(domid)
    over_limit = held + rest - s.max_pages[domid]
    beyond = rest - s.unclaimed()
    demanded = positive_part(choose(over_limit >= beyond, over_limit, beyond))
    others = h.replaced(s.claims.row(domid), node, 0)
    from_others = h.taken_ascending(others, minimum(rest, demanded))
    return Redemption(h.replaced(from_others, node, from_node), from_global)


def limit_permits_charged(s: State, domid: Term, pages: Term) -> Term:
    """Pages, pages in limbo and the claims left after redeeming are within the limit."""
    stay = positive_part(s.held(domid) - pages)
    return s.tot_pages[domid] + s.limbo_pages.row(domid).total() + pages + stay <= s.max_pages[domid]


def limit_permits_unlocked(s: State, domid: Term, pages: Term) -> Term:
    """tot_pages and max_pages are read without their lock; pages in limbo are not in tot_pages yet."""
    return s.tot_pages[domid] + pages + positive_part(s.held(domid) - pages) <= s.max_pages[domid]


def limit_permits_all_claims(s: State, domid: Term, pages: Term) -> Term:
    """As unlocked, but all claims count, including those that the request is about to redeem."""
    return s.tot_pages[domid] + pages + s.held(domid) <= s.max_pages[domid]


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
        lambda rules: replace(rules, limit_permits=limit_permits_charged, charges_pages=True),
    ),
    "dying-checked": (
        "claim calls check is_dying under their locks",
        lambda rules: replace(rules, checks_dying_in_lock=True),
    ),
    "limit-read-unlocked": (
        "the allocator refuses pages beyond the limit; tot_pages and max_pages are read without their lock",
        lambda rules: replace(rules, limit_permits=limit_permits_unlocked),
    ),
    "all-claims-at-alloc": (
        "the same, but all claims count, including those that the request is about to redeem",
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
        lambda rules: replace(rules, redeem=redeem_others_if_needed, charges_pages=True),
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
"""Each part by name: a sentence about the change, and the change."""
HARDENING = ("limbo-counted", "low-limit-refused", "charged-at-alloc", "dying-checked", "stash-kept", "marks-kept")
"""The parts of `claim-sets-hardened`."""


def changed(semantics: Generation, parts: tuple[str, ...]) -> Generation:
    """The generation with these changes. It has no promises of its own.

    :raises KeyError: there is no such part
    """
    rules = semantics.rules
    for part in parts:
        rules = PARTS[part][1](rules)
    named = replace(rules, name="+".join((semantics.name, *parts)))
    return replace(semantics, rules=named, conditional={}, follows=(semantics.name,))
