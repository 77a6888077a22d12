"""What operations in flight do for a domain that left the domain list: they looked it up before, and go on with it.

Its claims are `orphaned_claims`: they count in the aggregates, and no loop over domains finds them.
"""

from model.logic import minimum, negation
from model.rules import Rules
from model.step import Step
from model.transitions.allocating import counted, refcounted_request
from model.transitions.claiming import call_ends, has_room, one_claim, past_the_check


def alloc_for_destroyed(step: Step, rules: Rules) -> None:
    """populate_physmap goes on: a refcounted request, which may redeem what the destroyed domain still claims."""
    s, domid = step.before, step.domain()
    step.guard("destroyed", s.is_destroyed[domid])
    if rules.assigns_at_alloc:
        step.guard("not-dying", negation(s.is_dying[domid]))
    node, pages = refcounted_request(step, rules, domid)
    if not rules.redeems_at_assign:
        redeemed = minimum(pages, s.orphaned_claims[domid])
        counted(step, domid)
        step.add_at("orphaned_claims", domid, -redeemed)
        step.add("outstanding_claims", -redeemed)
    step.add_cell("limbo_pages", domid, node, pages)
    step.allocates = pages


def claim_for_destroyed(step: Step, rules: Rules) -> None:
    """XENMEM_claim_pages goes on: a host-wide claim is installed that belongs to nobody."""
    s, domid, pages = step.before, step.domain(), step.pages()
    past_the_check(step, rules)
    step.guard("destroyed", s.is_destroyed[domid])
    step.guard("not-a-release", pages >= 1)
    claim = one_claim(step, rules, pages)
    has_room(step, rules, "host", claim, s.unclaimed())
    step.add_at("orphaned_claims", domid, claim)
    step.add("outstanding_claims", claim)
    call_ends(step, rules)


def claim_on_node_for_destroyed(step: Step, rules: Rules) -> None:
    """The same with a claim on a node, where the memory op takes one."""
    s, domid, node, pages = step.before, step.domain(), step.node(), step.pages()
    step.guard("destroyed", s.is_destroyed[domid])
    step.guard("not-a-release", pages >= 1)
    claim = one_claim(step, rules, pages)
    has_room(step, rules, "host", claim, s.unclaimed())
    has_room(step, rules, "node", claim, s.unclaimed_on(node))
    step.add_at("orphaned_claims", domid, claim)
    step.add_at("node_outstanding_claims", node, claim)
    step.add("outstanding_claims", claim)


def release_for_destroyed(step: Step, rules: Rules) -> None:
    """XENMEM_claim_pages for 0 pages goes on: what the destroyed domain claims is released."""
    s, domid = step.before, step.domain()
    past_the_check(step, rules)
    step.guard("destroyed", s.is_destroyed[domid])
    counted(step, domid)
    step.add("outstanding_claims", -s.orphaned_claims[domid])
    step.set_at("orphaned_claims", domid, 0)
    call_ends(step, rules)
