"""What a condition excludes cannot happen under it: only then is there nothing to prove of it."""

import pytest
import z3

from model.hosts.bounded import BoundedHost
from model.hosts.parametric import ParametricHost
from model.hosts.views import View
from model.named import GENERATIONS, TRANSITIONS
from model.properties.conditions import CONDITIONS
from model.step import Step
from proofs.obligations.invariants import invariant
from tests.sampled import sampled

EXCLUDED = [(c.id, t) for c in CONDITIONS.values() for t in sorted(c.excludes)]
DESTROYED_ARE_DYING = "destroyed-empty"
"""What every generation keeps and says, among other things, that a destroyed domain is dying."""


def _generations(transition: str) -> list[str]:
    return [name for name, of in GENERATIONS.items() if transition in of.transitions]


def test_excluded_transition_belongs_to_its_condition() -> None:
    assert EXCLUDED
    assert all(c.excludes <= c.transitions for c in CONDITIONS.values())
    assert all(_generations(transition) for _condition, transition in EXCLUDED)


@pytest.mark.parametrize(("condition", "transition"), EXCLUDED)
def test_excluded_transition_is_impossible_under_the_condition(condition: str, transition: str) -> None:
    for name in _generations(transition):
        host = ParametricHost()
        assumed = View(host, assumed=True)
        before = host.state()
        step = Step(host, before)
        TRANSITIONS[transition].build(step, GENERATIONS[name].rules)
        step.guard_all(condition, CONDITIONS[condition].guard(step))
        terms = -1
        while terms != host.term_count():
            terms = host.term_count()
            assumed.restart()
            formulas = [guard.formula(assumed) for guard in step.guards]
            formulas.append(invariant(DESTROYED_ARE_DYING, assumed, before))
        solver = z3.Solver()
        solver.add(*host.axioms, *host.definitions(), *formulas)
        assert solver.check() == z3.unsat, name


@pytest.mark.parametrize(("condition", "transition"), EXCLUDED)
@pytest.mark.parametrize("size", sampled([1, 2, 3], keep={2}))
def test_excluded_transition_is_possible_without_the_condition(condition: str, transition: str, size: int) -> None:
    """Otherwise the condition would exclude what never happens. claim-sets-hardened checks is_dying in its lock itself."""
    never = set()
    for name in _generations(transition):
        host = BoundedHost(size, size)
        before = host.state()
        step = Step(host, before)
        TRANSITIONS[transition].build(step, GENERATIONS[name].rules)
        solver = z3.Solver()
        solver.add(*host.axioms, *[guard.formula(host) for guard in step.guards])
        solver.add(invariant(DESTROYED_ARE_DYING, host, before))
        if solver.check() == z3.unsat:
            never.add(name)
    assert never == ({"claim-sets-hardened"} if transition == "claim_for_destroyed" else set()), condition
