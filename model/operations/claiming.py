"""The claim calls that name one target: XENMEM_claim_pages before any lock, and `set_outstanding_pages`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from model.c_code.claims import release as release_values
from model.c_code.claims import release_of_destroyed
from model.c_code.ledger import counter_of
from model.c_types import MAX_NUMNODES
from model.interfaces import NodeArgument
from model.logic import Term, all_of, any_of, choose, negation
from model.operations.ledger import counted, install, release
from model.operations.section import Change, Section
from model.step import Step

NONE = -1
"""No node, as a value of claim_node."""


@dataclass(frozen=True)
class ClaimRequest:
    """The arguments of XENMEM_claim_pages."""

    pages: Term
    malformed: Term
    """It has an extent_start, or an extent_order other than 0."""
    flags_refused: Term = False
    on_node: Term = False
    """Its mem_flags name a node."""
    node: Term = None


def claim_pages_check(x: Section, domid: Term, request: ClaimRequest) -> None:
    """XENMEM_claim_pages before any lock; after `OK`, it calls `set_outstanding_pages` with the answer."""
    s, interface, pages = x.s, x.rules.interface, request.pages
    if interface.refuses_llc_coloring:
        x.check("llc-coloring", "EOPNOTSUPP", {"no-llc-colouring": x.llc_coloring()})
    x.check("malformed", "EINVAL", {"well-formed": request.malformed})
    x.check("flags-refused", "EINVAL", {"flags-known": request.flags_refused})
    x.check("unknown-domain", "EINVAL", {"domain-exists": x.is_unknown(domid)})
    if domid is None:
        return
    if interface.subtracts_before_locks:
        # A difference below 0 wraps: as 64 bits unsigned it exceeds the pages of any host.
        pages = choose(pages == 0, 0, pages - s.tot_pages[domid])
    if x.rules.refuses_dying:
        x.check("dying", "EINVAL", {"not-dying": x.is_dying(domid)})
    if interface.node_in_mem_flags:
        answer = {"pages": pages, "node": request.node}
        x.end("checked-on-node", when={"not-on-a-node": request.on_node}, answer=answer)
    x.end("checked", answer={"pages": pages})


def set_outstanding_pages(x: Section, domid: Term, pages: Term, node: Term = None) -> None:
    """One claim, for a total of `pages` (in v1 to v3, of that size); 0 releases every claim.

    :param pages: the pages; below 0 (v3): a difference that wrapped
    :param node: the target, which may be offline; None: the host. Ignored except in single-node generations
    """
    single = x.rules.interface.single
    offline = False if node is None else negation(x.is_online(node))
    releases = pages == 0
    if single is NodeArgument.HOST_WIDE:
        node = None
    elif single is NodeArgument.ONLY_TARGET:
        named = all_of([releases, node is not None])
        x.check("release-names-node", "EINVAL", {"release-names-no-node": named})
    else:
        only_unknown = single is NodeArgument.BELOW_MAX_NUMNODES and node is not None
        refused = all_of([offline, node >= MAX_NUMNODES]) if only_unknown else offline
        x.check("target-refused", "EINVAL", {"target-known": refused})
    code = release_of_destroyed if x.of_destroyed else release_values
    x.end("released", released(x, domid), when={"not-a-release": releases}, code=code)
    if single is NodeArgument.ONLY_TARGET:
        x.check("target-offline", "ENOENT", {"target-online": offline})
    _claim(x, domid, pages, node)


def released(x: Section, domid: Term) -> Change:
    """All claims of the domain are released, those on nodes too."""

    def change(step: Step) -> None:
        if x.of_destroyed:
            counted(step, domid)
            step.add("outstanding_claims", -x.s.orphaned_claims[domid])
            step.set_at("orphaned_claims", domid, 0)
        else:
            release(step, domid)
        if x.rules.interface.clears_claim_node:
            x.observe(step, "claim_node", domid, lambda _of: NONE)

    return change


def _claim(x: Section, domid: Term, pages: Term, node: Term) -> None:
    """A claim of at least one page: none is held, it is within the limit, and there is room for it."""
    s, rules = x.s, x.rules
    claim = _one_claim(x, domid, pages)
    if rules.folds_legacy:
        x.value("g = pages, compared with claims of 32 bits", "uint64", lambda: pages)
    if node is None or rules.node_claim_also_needs_host:
        _has_room(x, "host", "total_avail_pages - outstanding_claims", claim, lambda of: of(s.unclaimed()))
    if node is not None:
        x.check("node-offline", "ENOMEM", {"node-online": negation(x.is_online(node))})
        words = "node_avail_pages[n] - node_outstanding_claims[n]"
        _has_room(x, "node", words, claim, lambda of: x.on(node, lambda n: of(s.unclaimed_on(n))))
    x.value(f"claim, stored in {counter_of(rules)}", "uint32", lambda: claim)
    if node is not None:
        on_node = "node_outstanding_claims[n] + claim"
        x.value(on_node, rules.counter_type, lambda: s.node_outstanding_claims[node] + claim)
    x.value("outstanding_claims + claim", rules.counter_type, lambda: s.outstanding_claims + claim)
    x.end("claimed", _claimed(x, domid, claim, node))


def _one_claim(x: Section, domid: Term, pages: Term) -> Term:
    """The checks of a single claim: no other is held, and it is within max_pages. Returns the pages to claim."""
    s, rules = x.s, x.rules
    held, limit = rules.pages_held(s, domid), s.max_pages[domid]
    x.check("claim-held", "EINVAL", {"none-held": s.held(domid) != 0})
    if rules.checks_dying_in_lock:
        x.check("dying-in-lock", "EINVAL", {"not-dying": x.is_dying(domid)})
    if rules.counts_limbo:
        x.value("tot_pages and pages in limbo", "uint32", lambda: held)
    if rules.subtracts_pages_held:
        claim = pages - held
        x.check("not-above-held-pages", "EINVAL", {"more-than-held-pages": pages <= held})
        x.check("beyond-limit", "EINVAL", {"within-limit": pages > limit})
        x.value("pages - tot_pages", "uint64", lambda: claim)
    else:
        claim, total = pages, x.as_c("uint64", held + pages)
        x.value("tot_pages + pages", "uint64", lambda: held + pages)
        x.check("beyond-limit", "EINVAL", {"within-limit": any_of([total < 0, total > limit])})
    if rules.interface.subtracts_before_locks:
        x.check("difference-wrapped", "ENOMEM", {"difference-not-wrapped": claim < 0})
    return claim


OfUnclaimed = Callable[[Callable[[Term], Term]], Term]
"""A statement about the unclaimed pages of a target, true only if the target exists."""


def _has_room(x: Section, where: str, words: str, claim: Term, unclaimed: OfUnclaimed) -> None:
    """`claim > avail - claims`, mostly in unsigned arithmetic: where claims exceed free pages, any claim fits."""
    rules = x.rules
    if rules.bug_on:
        x.crash(f"{where}-overclaimed", {f"{where}-not-overclaimed": unclaimed(lambda room: room < 0)})
    if rules.counter_type != "uint64":
        x.value(words, rules.counter_type, lambda: unclaimed(lambda room: room))
    x.value(f"{words}, unsigned", "uint64", lambda: unclaimed(lambda room: room))

    def short(room: Term) -> Term:
        compared = x.as_c("uint64", room)
        return all_of([rules.legacy_compares_signed or compared >= 0, claim > compared])

    x.check(f"{where}-has-no-room", "ENOMEM", {f"{where}-has-room": unclaimed(short)})


def _claimed(x: Section, domid: Term, claim: Term, node: Term) -> Change:
    """The claim is installed host-wide or on the node."""

    def change(step: Step) -> None:
        h, nothing = x.encoding, x.encoding.combined([], x.s.claims.row(domid))
        if x.of_destroyed:
            step.add_at("orphaned_claims", domid, claim)
            if node is not None:
                step.add_at("node_outstanding_claims", node, claim)
            step.add("outstanding_claims", claim)
        elif node is not None:
            by_node = h.replaced(nothing, node, claim)
            step.arguments["by_node"], step.arguments["global"] = by_node, 0
            install(step, domid, by_node, 0, replacing=True)
        else:
            step.arguments["claim"] = claim
            if x.rules.folds_legacy:
                install(step, domid, nothing, claim, replacing=True)
            else:
                step.bookkeeping.stake(step, domid, claim)
                step.add("outstanding_claims", claim)
                step.add_at("global_installed", domid, claim)
        if x.rules.interface.has_claim_node:
            x.observe(step, "claim_node", domid, lambda _of: NONE if node is None else node)

    return change
