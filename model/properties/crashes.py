"""Step property: a step does not crash the host."""

from model.encoding import Quantifiers
from model.logic import Term
from model.properties.property import of_step
from model.step import TwoStates


@of_step("no-crash", only="crashes", needs="bug-on")
def no_crash(_q: Quantifiers, _t: TwoStates) -> Term:
    """No step reaches a BUG_ON on claims."""
    return False
