"""Staking claims: XEN_DOMCTL_claim_memory with install_claim_set, XENMEM_claim_pages with its legacy path."""

from model.c_types import UINT_MAX
from model.encoding import Vector
from model.logic import Term, all_of, any_of, negation
from model.rules import Rules
from model.step import Guard, Step
from model.transitions.ledger import install, release

NO_DOMCTL = -1


def claim_memory(step: Step, rules: Rules) -> None:
    """A claim set replaces the domain's claims in one atomic step."""
    domid = step.domain()
    _checks(step, rules)
    by_node, host_wide = step.arguments["by_node"], step.arguments["global"]
    install(step, domid, by_node, host_wide, rules.releases_before_install)


def claim_memory_refused(step: Step, rules: Rules) -> None:
    """A claim set that fails one of the checks changes nothing."""
    domid = step.domain()
    trial = Step(step.encoding, step.before)
    trial.actor, trial.arguments = domid, step.arguments
    _checks(trial, rules)
    step.guards.append(trial.guards[0])
    refusable = trial.guards[1:]
    step.guard_all("a-check-fails", lambda q: negation(all_of(check.formula(q.dual) for check in refusable)))


def _checks(step: Step, rules: Rules) -> None:
    """The checks of claim_memory and install_claim_set, in the hypervisor's order, each with its errno.

    A request is a page count per node in up to two entries each (`first`, `second`), so that a node named
    twice can be told from a node named once; `by_node` is their sum.
    """
    s, h, domid = step.before, step.encoding, step.actor
    first, second = step.pages_by_node("first"), step.pages_by_node("second")
    host_wide = step.pages("global")
    by_node = h.combined([(1, first), (1, second)], first)
    step.arguments["by_node"] = by_node
    own = s.held(domid) if rules.credits_own_claims else 0

    step.guard("domain-exists", all_of([s.listed(domid), s.domctl_lock == NO_DOMCTL]), "ESRCH")
    step.guard("no-llc-colouring", negation(step.flag("llc_coloring")), "EOPNOTSUPP")
    step.guard("well-formed", negation(step.flag("malformed")), "EINVAL")
    step.guard("not-dying", negation(s.is_dying[domid]), "ESRCH")
    step.guard("nodes-online", negation(step.flag("names_offline_node")), "ENOENT")
    if not rules.replaces:
        step.guard("names-something", by_node.total() + host_wide >= 1, "EINVAL")
        step.guard("none-held", s.held(domid) == 0, "EINVAL")
    if rules.nodes_once:
        step.guard_all("nodes-once", lambda q: q.every_node(lambda n: second[n] == 0), "EINVAL")
    if rules.checks_sum:
        step.guard("sum-fits-type", by_node.total() <= UINT_MAX, "EINVAL")
    for entry in (first, second):
        step.guards.append(_fits_node(step, rules, entry, "first" if entry is first else "second"))
    total, limit, tot = by_node.total(), s.max_pages[domid], rules.pages_held(s, domid)
    released = host_wide + total == 0 if rules.releases_before_limits else False
    if rules.checks_limit_at_install:
        step.guard("global-within-limit", any_of([released, host_wide <= limit]), "EINVAL")
        step.guard("set-within-limit", any_of([released, total <= limit - host_wide]), "EINVAL")
        step.guard("pages-and-set-within-limit", any_of([released, tot <= limit - host_wide - total]), "EINVAL")
    step.guard("host-has-room", any_of([released, host_wide + total <= s.unclaimed() + own]), "ENOMEM")


def _fits_node(step: Step, rules: Rules, entry: Vector, which: str) -> Guard:
    """An entry's pages are within the node's free pages after other domains' claims."""
    s, domid = step.before, step.actor

    def own_claim(node: Term) -> Term:
        return s.claims[domid, node] if rules.credits_own_claims else 0

    return Guard(
        f"{which}-fits-node",
        # A node that is not named is not looked at; its claims may exceed its free pages where nothing is recalled.
        lambda q: q.every_node(lambda n: any_of([entry[n] == 0, entry[n] <= s.unclaimed_on(n) + own_claim(n)])),
        "ENOMEM",
    )


def claim_pages_check(step: Step, rules: Rules) -> None:  # noqa: ARG001
    """XENMEM_claim_pages before any lock: the domain is looked up and is_dying is read."""
    s, domid = step.before, step.domain()
    step.guard("domain-exists", s.listed(domid), "EINVAL")
    step.guard("no-llc-colouring", negation(step.flag("llc_coloring")), "EOPNOTSUPP")
    step.guard("well-formed", negation(step.flag("malformed")), "EINVAL")
    step.guard("not-dying", negation(s.is_dying[domid]), "EINVAL")
    step.add_at("legacy_calls", domid, 1)


def past_the_check(step: Step, rules: Rules) -> None:
    """The call is past what XENMEM_claim_pages looks at before any lock; without is_dying there is nothing to pass."""
    s, domid = step.before, step.actor
    passed = s.legacy_calls[domid] >= 1 if rules.refuses_dying else s.is_created[domid]
    step.guard("past-the-check", passed)


def call_ends(step: Step, rules: Rules) -> None:
    if rules.refuses_dying:
        step.add_at("legacy_calls", step.actor, -1)


def one_claim(step: Step, rules: Rules, pages: Term) -> Term:
    """The checks of every claim that is no set: one claim at a time, within max_pages. Gives what is to be claimed."""
    s, domid = step.before, step.actor
    tot, limit = rules.pages_held(s, domid), s.max_pages[domid]
    if rules.checks_dying_in_lock:
        step.guard("not-dying", negation(s.is_dying[domid]), "EINVAL")
    step.guard("none-held", s.held(domid) == 0, "EINVAL")
    if not rules.subtracts_pages_held:
        step.guard("within-limit", tot + pages <= limit, "EINVAL")
        return pages
    step.guard("more-than-held-pages", pages > tot, "EINVAL")
    step.guard("within-limit", pages <= limit, "EINVAL")
    return pages - tot


def has_room(step: Step, rules: Rules, name: str, claim: Term, unclaimed: Term) -> None:
    """`claim <= avail - claims`, mostly in unsigned arithmetic: where claims exceed free pages, everything fits."""
    if rules.bug_on:
        step.guard(f"{name}-not-overclaimed", unclaimed >= 0)
    wraps = False if rules.bug_on or rules.legacy_compares_signed else unclaimed < 0
    step.guard(f"{name}-has-room", any_of([wraps, claim <= unclaimed]), "ENOMEM")


def _legacy_checks(step: Step, rules: Rules) -> None:
    """The checks of set_outstanding_pages for a claim of more than 0 pages."""
    pages = step.pages()
    past_the_check(step, rules)
    step.guard("not-a-release", pages >= 1)
    claim = one_claim(step, rules, pages)
    step.arguments["claim"] = claim
    has_room(step, rules, "host", claim, step.before.unclaimed())


def set_outstanding_pages(step: Step, rules: Rules) -> None:
    """The legacy call stakes a host-wide claim of `pages` less the pages already held."""
    domid = step.domain()
    _legacy_checks(step, rules)
    step.guard("listed", step.before.listed(domid))
    claim = step.arguments["claim"]
    if rules.folds_legacy:
        install(step, domid, step.encoding.combined([], step.before.claims.row(domid)), claim, replacing=True)
    else:
        step.bookkeeping.stake(step, domid, claim)
        step.add("outstanding_claims", claim)
        step.add_at("global_installed", domid, claim)
    call_ends(step, rules)


def set_outstanding_pages_zero(step: Step, rules: Rules) -> None:
    """The legacy call with 0 pages releases all claims, those on nodes too."""
    domid = step.domain()
    past_the_check(step, rules)
    step.guard("listed", step.before.listed(domid))
    release(step, domid)
    call_ends(step, rules)


def set_outstanding_pages_refused(step: Step, rules: Rules) -> None:
    """A legacy call that fails one of its checks changes no claim."""
    domid = step.domain()
    trial = Step(step.encoding, step.before)
    trial.actor, trial.arguments = domid, step.arguments
    _legacy_checks(trial, rules)
    step.guards.extend(trial.guards[:2])
    refusable = trial.guards[2:]
    step.guard_all("a-check-fails", lambda q: negation(all_of(check.formula(q.dual) for check in refusable)))
    call_ends(step, rules)


def release_claims(step: Step, rules: Rules) -> None:  # noqa: ARG001
    """A claim call without entries releases all claims, whatever the state of the domain."""
    s, domid = step.before, step.domain()
    step.guard("domain-exists", all_of([s.listed(domid), s.domctl_lock == NO_DOMCTL]), "ESRCH")
    release(step, domid)


def claim_on_node(step: Step, rules: Rules) -> None:
    """A single-node claim: all of a domain's one claim is on one node."""
    s, h, domid = step.before, step.encoding, step.domain()
    node, pages = step.node(), step.pages()
    step.guard("domain-exists", s.listed(domid), "ESRCH")
    if rules.refuses_dying:
        step.guard("domctl-lock-free", s.domctl_lock == NO_DOMCTL)
        step.guard("not-dying", negation(s.is_dying[domid]), "EINVAL")
    step.guard("not-a-release", pages >= 1)
    claim = one_claim(step, rules, pages)
    if rules.node_claim_also_needs_host:
        has_room(step, rules, "host", claim, s.unclaimed())
    has_room(step, rules, "node", claim, s.unclaimed_on(node))
    on_node = h.replaced(h.combined([], s.claims.row(domid)), node, claim)
    step.arguments["by_node"], step.arguments["global"] = on_node, 0
    install(step, domid, on_node, 0, replacing=True)  # in the place of none


def claim_crashes(step: Step, rules: Rules) -> None:  # noqa: ARG001
    """BUG_ON(claims > avail_pages) where a claim looks for room on its target, the host or a node."""
    s, domid = step.before, step.domain()
    node, pages, host_wide = step.node(), step.pages(), step.flag("host_wide")
    step.guard("domain-exists", all_of([s.listed(domid), s.domctl_lock == NO_DOMCTL]))
    step.guard("passes-its-checks", all_of([s.held(domid) == 0, pages > s.tot_pages[domid]]))
    step.guard("within-limit", pages <= s.max_pages[domid])
    on_host = all_of([host_wide, s.unclaimed() < 0])
    on_node = all_of([negation(host_wide), s.unclaimed_on(node) < 0])
    step.guard("claims-exceed-free-pages", any_of([on_host, on_node]))
