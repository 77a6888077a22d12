"""The life of a domain: created, limited, killed in two steps, destroyed."""

from model.c_types import UINT_MAX
from model.logic import Term, all_of, minimum, negation, positive_part
from model.rules import Rules
from model.step import Step
from model.transitions.ledger import deduct, release

NO_DOMCTL = -1
"""No domain is being killed: the domctl lock is free."""


def create_domain(step: Step, rules: Rules) -> None:  # noqa: ARG001
    """A domain id not used before gets a domain and a limit."""
    s, domid, limit = step.before, step.domain(), step.pages("max_pages")
    step.guard("domctl-lock-free", s.domctl_lock == NO_DOMCTL)
    step.guard("id-unused", negation(s.is_created[domid]))
    step.guard("fits-type", limit <= UINT_MAX)
    step.set_at("is_created", domid, True)
    step.set_at("max_pages", domid, limit)


def set_max_pages(step: Step, rules: Rules) -> None:
    """XEN_DOMCTL_max_mem stores the limit; neither tot_pages nor claims are looked at."""
    s, domid, limit = step.before, step.domain(), step.pages("max_pages")
    step.guard("domctl-lock-free", s.domctl_lock == NO_DOMCTL)
    step.guard("domain-exists", s.listed(domid))
    step.guard("fits-type", limit <= UINT_MAX)
    if rules.refuses_low_limit:
        step.guard("not-below-pages-and-claims", rules.pages_held(s, domid) + s.held(domid) <= limit, "EINVAL")
    if rules.trims_claims:
        _trim(step, domid, rules.pages_held(s, domid) + s.held(domid) - limit)
    step.set_at("max_pages", domid, limit)


def _trim(step: Step, domid: Term, excess: Term) -> None:
    """Release so many claims, host-wide ones first, then nodes ascending; all there are, if they are fewer."""
    s, h = step.before, step.encoding
    from_global = minimum(positive_part(excess), s.global_claims[domid])
    by_node = h.taken_ascending(s.claims.row(domid), positive_part(excess) - from_global)
    deduct(step, domid, by_node, from_global, "released")


def domain_kill(step: Step, rules: Rules) -> None:  # noqa: ARG001
    """domain_kill under the domctl lock, first step: the domain is marked dying."""
    s, domid = step.before, step.domain()
    step.guard("domctl-lock-free", s.domctl_lock == NO_DOMCTL)
    step.guard("domain-exists", s.listed(domid))
    step.guard("alive", negation(s.is_dying[domid]))
    step.set_at("is_dying", domid, True)
    step.set("domctl_lock", domid)


def domain_kill_release(step: Step, rules: Rules) -> None:
    """domain_kill, second step: all claims are released, and the domctl lock with them."""
    s, domid = step.before, step.domain()
    step.guard("being-killed", s.domctl_lock == domid)
    if rules.releases_on_kill:
        release(step, domid)
    step.set("domctl_lock", NO_DOMCTL)


def destroy_domain(step: Step, rules: Rules) -> None:  # noqa: ARG001
    """The domain leaves the domain list when its pages are gone. Claims that it has are nobody's from then on.

    Pages in limbo do not keep it: whoever allocated them goes on with a domain that no loop visits. The model never
    gives a domain id to a second domain.
    """
    s, h, domid = step.before, step.encoding, step.domain()
    step.guard("killed", all_of([s.is_dying[domid], s.domctl_lock != domid, s.listed(domid)]))
    step.guard("no-pages-counted", s.tot_pages[domid] == 0)
    step.guard_all(
        "no-pages-held",
        lambda q: q.every_node(lambda n: all_of([s.extra_pages[domid, n] == 0, s.assigned_pages[domid, n] == 0])),
    )
    step.set_at("is_destroyed", domid, True)
    step.set_at("orphaned_claims", domid, s.held(domid))
    step.bookkeeping.change(step, domid, -s.node_claims[domid], -s.global_claims[domid])
    step.set_row("claims", domid, h.combined([], s.claims.row(domid)))
