"""For every section, for any host: on its premises it is accepted, refused, or stops the host. Nothing is left out."""

from model.hosts.parametric import ParametricHost
from model.hosts.views import View
from model.logic import negation
from model.named import GENERATIONS, TRANSITIONS
from model.operations.derived import Derived, outcomes
from proofs.obligations.auxiliary import Problem
from proofs.obligations.obligation import PARAMETRIC, SECTION, Obligation


def section_obligations(semantics: list[str]) -> list[Obligation]:
    """One for each transition that is derived from a section, in each generation that has it."""
    return [
        Obligation(SECTION, name, transition, PARAMETRIC)
        for name in semantics
        for transition in GENERATIONS[name].transitions
        if isinstance(TRANSITIONS[transition].written, Derived)
    ]


def section_problem(obligation: Obligation) -> Problem:
    """The formulas: the premises, and that no outcome comes out."""
    written = TRANSITIONS[obligation.transition].written
    if not isinstance(written, Derived):
        raise TypeError(f"{obligation.transition} is not derived from a section")
    host = ParametricHost()
    shown, assumed = View(host, assumed=False), View(host, assumed=True)
    found = outcomes(host, host.state(), GENERATIONS[obligation.property].rules, written)
    while True:
        terms = host.term_count()
        shown.restart()
        goal = found.some(shown)
        assumed.restart()
        premises = {f"premise:{name}": term for name, term in found.premises(assumed).items()}
        facts = [*host.axioms, *host.definitions()]
        if host.term_count() == terms:
            return Problem(facts, premises, negation(goal), host.lemmas_used)
