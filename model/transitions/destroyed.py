"""What operations in flight do for a domain that left the domain list: they looked it up before, and go on with it.

Its claims are `orphaned_claims`: they count in the aggregates, and no loop over domains finds them.
"""

from model.logic import minimum, negation
from model.rules import Rules
from model.step import Step
from model.transitions.allocating import counted, refcounted_request


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
