"""The stash of populate_physmap: an extent in limbo that is freed although its claim was redeemed."""

from model.logic import Term, all_of, choose
from model.rules import Rules
from model.step import Step
from model.transitions.ledger import install
from model.transitions.offlining import recall_claims

SMALLEST = 512
"""Pages: an extent of order 8 or less is never preempted while it is scrubbed."""


def free_stash(step: Step, rules: Rules) -> None:
    """A stashed extent that does not suit the request, a second one, or that of a domain that is unpaused or killed."""
    s, domid, node, pages = step.before, step.domain(), step.node(), step.pages()
    step.guard("in-limbo", all_of([pages >= SMALLEST, pages <= s.limbo_pages[domid, node]]))
    if rules.keeps_stash:
        step.guard("dying", s.is_dying[domid])
    step.add_cell("limbo_pages", domid, node, -pages)
    step.add_at("node_avail_pages", node, pages)
    step.add("total_avail_pages", pages)
    if rules.restores_stash:
        restore(step, rules, domid, node, choose(s.is_dying[domid], 0, pages))


def restore(step: Step, rules: Rules, domid: Term, node: Term, pages: Term) -> None:
    """The pages are claimed again: on their node where there are claims on nodes, else host-wide."""
    h, nothing = step.encoding, step.encoding.combined([], step.before.claims.row(domid))
    if rules.targets == "host":
        install(step, domid, nothing, pages, replacing=False)
    else:
        install(step, domid, h.replaced(nothing, node, pages), 0, replacing=False)


def free_marked_stash_page(step: Step, rules: Rules) -> None:
    """The same for a page of it that is marked offline: out of use at once, with the same recall."""
    s, domid, node = step.before, step.domain(), step.node()
    step.actor = None  # claims of any domain are recalled
    step.guard("in-limbo", s.limbo_pages[domid, node] >= 1)
    step.guard("is-marked", s.marked_pages[node] >= 1)
    if rules.keeps_stash:
        step.guard("dying", s.is_dying[domid])
    step.add_cell("limbo_pages", domid, node, -1)
    step.add_at("marked_pages", node, -1)
    step.add_at("offlined_pages", node, 1)
    recall_claims(step, rules, node, s.node_avail_pages[node], s.total_avail_pages)
