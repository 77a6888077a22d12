"""The claim calls that name one target: `set_outstanding_pages` of every generation, and XENMEM_claim_pages' checks."""

from collections.abc import Callable

from model.c_types import MAX_NUMNODES
from model.calls.case import CRASH, OK, Call, Case, Effect
from model.calls.state import NONE
from model.generations.interface import Single
from model.logic import Term, all_of, any_of, bits, choose, negation, same
from model.step import Step
from model.transitions.ledger import install, release


def claim_pages_check(
    call: Call,
    domid: Term,
    pages: Term,
    extent_order: Term = 0,
    mem_flags: Term = 0,
    has_extent_start: Term = False,
) -> list[Case]:
    """XENMEM_claim_pages before any lock; `OK`: it goes on with `set_outstanding_pages` of what it answers.

    :param domid: None: unknown
    :param pages: what is asked for, 64 bits
    """
    s = call.before
    refuses_llc = call.interface.refuses_llc_coloring
    node_field, names_exact_node = bits(mem_flags, 8, 8), bits(mem_flags, 17, 1) == 1
    if call.interface.node_in_mem_flags:
        on_node, node = node_field != 0, node_field - 1
        flags_refused = all_of([on_node, any_of([negation(names_exact_node), node >= MAX_NUMNODES])])
    else:
        on_node, node, flags_refused = False, None, mem_flags != 0
    return [
        Case("llc-coloring", all_of([refuses_llc, s.llc_coloring]), "EOPNOTSUPP"),
        Case("malformed", any_of([has_extent_start, extent_order != 0]), "EINVAL"),
        Case("flags-refused", flags_refused, "EINVAL"),
        Case("unknown-domain", _unknown(call, domid), "EINVAL"),
        *_checked(call, domid, pages, on_node, node),
    ]


def _checked(call: Call, domid: Term, pages: Term, on_node: Term, node: Term) -> list[Case]:
    """What `set_outstanding_pages` is asked for: `pages` and, if there is one, a `node`."""
    if domid is None:
        return []
    s = call.before
    if call.interface.subtracts_before_locks:
        # Below 0 the difference wraps: as 64 bits unsigned it is more than any host has.
        pages = choose(pages == 0, 0, pages - s.tot_pages[domid])
    cases = [Case("dying", s.is_dying[domid], "EINVAL")] if call.rules.refuses_dying else []
    if call.interface.node_in_mem_flags:
        cases.append(Case("checked-on-node", on_node, OK, answer={"pages": pages, "node": node}))
    return [*cases, Case("checked", True, OK, answer={"pages": pages})]


def _unknown(call: Call, domid: Term) -> Term:
    return True if domid is None else negation(call.before.listed(domid))


def set_outstanding_pages(call: Call, domid: Term, pages: Term, node: Term = None) -> list[Case]:
    """One claim, for `pages` in all (or, in v1 to v3, of that size); 0 releases every claim.

    :param pages: below 0 (v3): a difference that wrapped
    :param node: its target, which may be offline; None: the host. Single-node generations only, else not looked at
    """
    if call.interface.single is Single.HOST_WIDE:
        return _release(call, domid, pages == 0) + _claim(call, domid, pages, None)
    if call.interface.single is Single.ONLY_TARGET:
        return _only_target(call, domid, pages, node)
    below_64 = call.interface.single is Single.BELOW_MAX_NUMNODES
    refused = False if node is None else node >= MAX_NUMNODES if below_64 else negation(call.is_online(node))
    cases = [Case("target-refused", refused, "EINVAL"), *_release(call, domid, pages == 0)]
    return cases + _claim(call, domid, pages, node)


def _only_target(call: Call, domid: Term, pages: Term, node: Term) -> list[Case]:
    release = pages == 0
    return [
        Case("release-names-node", all_of([release, node is not None]), "EINVAL"),
        *_release(call, domid, release),
        Case("target-offline", False if node is None else negation(call.is_online(node)), "ENOENT"),
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


def _claim(call: Call, domid: Term, pages: Term, node: Term) -> list[Case]:
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
        cases.append(Case("beyond-limit", any_of([held + pages < 0, held + pages > limit]), "EINVAL"))
    if call.interface.subtracts_before_locks:
        cases.append(Case("difference-wrapped", claim < 0, "ENOMEM"))
    if node is None or rules.node_claim_also_needs_host:
        cases += _room(call, "host", claim, lambda compare: compare(s.unclaimed()))
    if node is not None:
        cases.append(Case("node-offline", negation(call.is_online(node)), "ENOMEM"))
        cases += _room(call, "node", claim, lambda compare: call.on(node, lambda n: compare(s.unclaimed_on(n))))
    return [*cases, Case("claimed", True, OK, _claimed(call, domid, claim, node))]


Statement = Callable[[Term], Term]


def _room(call: Call, where: str, claim: Term, of_unclaimed: Callable[[Statement], Term]) -> list[Case]:
    """`claim > avail - claims`, mostly in unsigned arithmetic, or behind a BUG_ON."""
    signed = call.rules.legacy_compares_signed
    short = of_unclaimed(lambda unclaimed: all_of([signed or unclaimed >= 0, claim > unclaimed]))
    cases = [Case(f"{where}-overclaimed", of_unclaimed(lambda u: u < 0), CRASH)] if call.rules.bug_on else []
    return [*cases, Case(f"{where}-has-no-room", short, "ENOMEM")]


def _claimed(call: Call, domid: Term, claim: Term, node: Term) -> Effect:
    by_node = call.host.by_node(lambda n: 0 if node is None else choose(same(n, node), claim, 0))

    def change(step: Step) -> None:
        install(step, domid, by_node, claim if node is None else 0, replacing=False)
        if call.interface.has_claim_node:
            step.set_at("claim_node", domid, NONE if node is None else node)

    return call.effect(change)
