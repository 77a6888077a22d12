"""The claim calls that name one target: `set_outstanding_pages` of every generation, and XENMEM_claim_pages' checks."""

from model.c_types import MAX_NUMNODES
from model.calls.case import CRASH, OK, Call, Case, Effect
from model.calls.interfaces import Single
from model.calls.state import NONE
from model.logic import Term, all_of, any_of, choose, negation, same
from model.step import Step
from model.transitions.ledger import install, release


def claim_pages_check(
    call: Call,
    domid: Term,
    extent_order: Term = 0,
    mem_flags: Term = 0,
    has_extent_start: Term = False,
) -> list[Case]:
    """XENMEM_claim_pages before any lock; `OK`: it goes on with `set_outstanding_pages`. `domid` None: unknown."""
    s = call.before
    refuses_llc = call.interface.refuses_llc_coloring
    malformed = any_of([has_extent_start, extent_order != 0, mem_flags != 0])
    dying = s.is_dying[domid] if domid is not None and call.rules.refuses_dying else False
    return [
        Case("llc-coloring", all_of([refuses_llc, s.llc_coloring]), "EOPNOTSUPP"),
        Case("malformed", malformed, "EINVAL"),
        Case("unknown-domain", _unknown(call, domid), "EINVAL"),
        Case("dying", dying, "EINVAL"),
        Case("checked", True, OK),
    ]


def _unknown(call: Call, domid: Term) -> Term:
    return True if domid is None else negation(call.before.is_created[domid])


def set_outstanding_pages(call: Call, domid: Term, pages: Term, node: int | None = None) -> list[Case]:
    """One claim, for `pages` in all (or, in v1 to v3, of that size); 0 releases every claim.

    :param node: its target, which may be offline; None: the host. Single-node generations only, else not looked at
    """
    if call.interface.single is Single.HOST_WIDE:
        return _release(call, domid, pages == 0) + _claim(call, domid, pages, None)
    if call.interface.single is Single.ONLY_TARGET:
        return _only_target(call, domid, pages, node)
    if call.interface.single is Single.BELOW_MAX_NUMNODES:
        refused = node is not None and node >= MAX_NUMNODES
    else:
        refused = node is not None and not call.is_online(node)
    cases = [Case("target-refused", refused, "EINVAL"), *_release(call, domid, pages == 0)]
    return cases + _claim(call, domid, pages, node)


def _only_target(call: Call, domid: Term, pages: Term, node: int | None) -> list[Case]:
    release = pages == 0
    named = node is not None
    return [
        Case("release-names-node", all_of([release, named]), "EINVAL"),
        *_release(call, domid, release),
        Case("target-offline", named and not call.is_online(node), "ENOENT"),
        *_claim(call, domid, pages, node),
    ]


def _release(call: Call, domid: Term, condition: Term) -> list[Case]:
    return [Case("released", condition, OK, released(call, domid))]


def released(call: Call, domid: Term) -> Effect:
    """All claims of the domain are gone, those on nodes too."""

    def change(step: Step) -> None:
        release(step, domid)
        if call.interface.clears_claim_node:
            step.set_at("claim_node", domid, NONE)

    return call.effect(change)


def _claim(call: Call, domid: Term, pages: Term, node: int | None) -> list[Case]:
    """A claim of more than nothing: none held, within the limit, and room for it."""
    s, rules = call.before, call.rules
    held, limit = rules.pages_held(s, domid), s.max_pages[domid]
    cases = [Case("claim-held", s.held(domid) != 0, "EINVAL")]
    if rules.checks_dying_in_lock:
        cases.append(Case("dying-in-lock", s.is_dying[domid], "EINVAL"))
    if rules.subtracts_pages_held:
        claim = pages - held
        cases += [
            Case("not-above-held-pages", pages <= held, "EINVAL"),
            Case("beyond-limit", pages > limit, "EINVAL"),
        ]
    else:
        claim = pages
        cases.append(Case("beyond-limit", held + pages > limit, "EINVAL"))
    if node is None or rules.node_claim_also_needs_host:
        cases += _room(call, "host", claim, s.unclaimed())
    if node is not None and not call.is_online(node):
        return [*cases, Case("node-offline", True, "ENOMEM")]
    if node is not None:
        cases += _room(call, "node", claim, s.unclaimed_on(node))
    return [*cases, Case("claimed", True, OK, _claimed(call, domid, claim, node))]


def _room(call: Call, where: str, claim: Term, unclaimed: Term) -> list[Case]:
    """`claim > avail - claims` in unsigned arithmetic, or behind a BUG_ON."""
    cases = [Case(f"{where}-overclaimed", unclaimed < 0, CRASH)] if call.rules.bug_on else []
    return [*cases, Case(f"{where}-has-no-room", all_of([unclaimed >= 0, claim > unclaimed]), "ENOMEM")]


def _claimed(call: Call, domid: Term, claim: Term, node: int | None) -> Effect:
    by_node = call.host.by_node(lambda n: 0 if node is None else choose(same(n, node), claim, 0))

    def change(step: Step) -> None:
        install(step, domid, by_node, claim if node is None else 0, replacing=False)
        if call.interface.has_claim_node:
            step.set_at("claim_node", domid, NONE if node is None else node)

    return call.effect(change)
