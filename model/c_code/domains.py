"""The values of XEN_DOMCTL_max_mem, and of releasing all claims of a domain that is killed."""

from model.c_code.evaluation import Evaluation
from model.c_types import UINT_MAX
from model.logic import minimum, negation
from model.rules import Rules


def new_limit(c: Evaluation, rules: Rules) -> None:
    """XEN_DOMCTL_max_mem for a domain that was just created."""
    c.check(negation(c.s.is_created[c.d]))
    _max_mem(c, rules)


def max_mem(c: Evaluation, rules: Rules) -> None:
    """XEN_DOMCTL_max_mem: 64 bits are capped before they are stored in 32."""
    c.check(c.s.listed(c.d))
    _max_mem(c, rules)


def _max_mem(c: Evaluation, rules: Rules) -> None:
    asked = c.unsigned("max_mem")
    limit = c.value("min(max_mem, UINT_MAX), stored in max_pages", "uint32", minimum(asked, UINT_MAX))
    if rules.refuses_low_limit or rules.trims_claims:
        held = c.value("tot_pages and pages in limbo", "uint32", rules.pages_held(c.s, c.d))
        claims = c.value("global_claims + node_claims", "uint32", c.s.held(c.d))
        used = c.value("pages held + claims", "uint64", held + claims)
        if rules.refuses_low_limit:
            c.check(used <= limit)
