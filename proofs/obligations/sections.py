"""For every section, for any host: on its premises it is accepted, refused, or stops the host."""

from model.encoding import Quantifiers
from model.hosts.parametric import ParametricHost
from model.logic import Term
from model.named import GENERATIONS, TRANSITIONS
from model.operations.derived import DerivedTransition
from model.operations.outcomes import outcomes
from proofs.obligations.auxiliary import Problem, parametric_problem
from proofs.obligations.obligation import PARAMETRIC, SECTION, Obligation


def section_obligations(semantics: list[str]) -> list[Obligation]:
    """One for each transition that is derived from a section, in each generation that has it."""
    return [
        Obligation(SECTION, name, transition, PARAMETRIC)
        for name in semantics
        for transition in GENERATIONS[name].transitions
        if isinstance(TRANSITIONS[transition].written, DerivedTransition)
    ]


def section_problem(obligation: Obligation) -> Problem:
    """The formulas: the premises, and that no outcome applies."""
    written = TRANSITIONS[obligation.transition].written
    if not isinstance(written, DerivedTransition):
        raise TypeError(f"{obligation.transition} is not derived from a section")
    host = ParametricHost()
    found = outcomes(host, host.state(), GENERATIONS[obligation.property].rules, written)

    def premises(q: Quantifiers) -> dict[str, Term]:
        return {f"premise:{name}": term for name, term in found.premises(q).items()}

    return parametric_problem(host, found.some, premises)
