"""A comparison of two steps as formulas: premises and invariants imply equal results and states.

The checks of the two steps are not assumed: the goal is that both pass, or that both fail for the same reason.
"""

from model.encoding import Quantifiers
from model.hosts.bounded import BoundedHost
from model.hosts.parametric import ParametricHost
from model.hosts.views import View
from model.logic import Term, negation
from model.properties import PROPERTIES
from model.properties.comparison import Pair
from model.properties.conditions import CONDITIONS
from model.watched import watched
from proofs.obligations.auxiliary import Problem
from proofs.obligations.focus import relevant_invariants
from proofs.obligations.invariants import invariant, parametric_invariants
from proofs.obligations.obligation import PARAMETRIC, Obligation


def compared(obligation: Obligation) -> Problem:
    """The formulas of an obligation that compares two steps."""
    if obligation.encoding == PARAMETRIC:
        return _parametric(obligation)
    return _bounded(obligation)


def _pair(obligation: Obligation, host: ParametricHost | BoundedHost, seen: object) -> Pair:
    comparison = PROPERTIES[obligation.property].compared[obligation.transition]
    return comparison.build(host, seen, obligation.rules().rules)  # type: ignore[arg-type]  # a state, watched


def _given(obligation: Obligation, pair: Pair, q: Quantifiers) -> dict[str, Term]:
    """The premises, and the conditions on the step of the generation under test."""
    found = {f"premise:{premise.name}": premise.formula(q) for premise in pair.premises}
    for name in obligation.conditions:
        if obligation.transition in CONDITIONS[name].transitions:
            found[f"condition:{name}"] = CONDITIONS[name].guard(pair.one)(q)
    found.pop(obligation.dropped, None)
    return found


def _relevant(obligation: Obligation, read: set[str]) -> tuple[list[str], frozenset[str]]:
    own = PROPERTIES[obligation.property].id
    return relevant_invariants(obligation.assumptions(), own, obligation.transition, read)


def _parametric(obligation: Obligation) -> Problem:
    host = ParametricHost()
    shown, assumed = View(host, assumed=False), View(host, assumed=True)
    before = host.state()
    seen = watched(before)
    pair = _pair(obligation, host, seen)
    while True:
        # Twice: the goal's statements about some node are instantiated at the witnesses of its own lemmas.
        for _ in range(2):
            shown.restart()
            goal = pair.same(shown)
            for hint in (*pair.one.hints, *pair.other.hints):
                hint(host, seen)
        terms = host.term_count()
        assumed.restart()
        found = _given(obligation, pair, assumed)
        names, concerned = _relevant(obligation, seen.read)
        found |= parametric_invariants(names, assumed, before, concerned)
        facts = [*host.axioms, *host.definitions()]
        if host.term_count() == terms:
            break
    return Problem(facts, found, negation(goal), host.lemmas_used)


def _bounded(obligation: Obligation) -> Problem:
    nodes, domains = obligation.encoding.removeprefix("bounded-").split("x")
    host = BoundedHost(int(nodes), int(domains))
    seen = watched(host.state())
    pair = _pair(obligation, host, seen)
    goal = pair.same(host)
    found = _given(obligation, pair, host)
    names, _concerned = _relevant(obligation, seen.read)
    found |= {f"invariant:{name}": invariant(name, host, seen) for name in names}
    return Problem(host.axioms, found, negation(goal), [])
