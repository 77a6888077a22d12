"""An obligation as formulas: labelled assumptions and a negated goal; unsat is a proof."""

from collections.abc import Callable
from dataclasses import dataclass

from model.boot import boot
from model.bounded import BoundedHost
from model.conditions import CONDITIONS
from model.encoding import Quantifiers
from model.logic import Term, all_of, negation
from model.parametric import ParametricHost, View
from model.properties import PROPERTIES, Kind, Property
from model.ranges import largest_host
from model.semantics import SEMANTICS, TRANSITIONS
from model.state import FIELDS, Shape, State
from model.step import Step, TwoStates
from proofs.obligations.obligation import BOOT, EVERY_STATE, PARAMETRIC, Obligation


@dataclass
class Problem:
    """What the solver gets. `facts` are definitions and lemma instances: true, so never dropped."""

    facts: list[Term]
    assumptions: dict[str, Term]
    negated_goal: Term
    lemmas: list[str]


def problem(obligation: Obligation) -> Problem:
    """The formulas of an obligation."""
    if obligation.encoding == PARAMETRIC:
        return _parametric(obligation)
    nodes, domains = obligation.encoding.removeprefix("bounded-").split("x")
    return _bounded(obligation, BoundedHost(int(nodes), int(domains)))


def _build_step(obligation: Obligation, step: Step) -> None:
    TRANSITIONS[obligation.transition].build(step, obligation.rules().rules)
    for condition in (CONDITIONS[c] for c in obligation.conditions):
        if obligation.transition in condition.transitions:
            step.guard_all(f"condition {condition.id}", condition.guard(step))


def _goal(prop: Property, q: Quantifiers, state: State, two: TwoStates | None) -> Term:
    if prop.kind is Kind.STEP:
        if prop.of_step is None or two is None:
            raise TypeError(f"{prop.name} is a step property and needs a step")
        return prop.of_step(q, two)
    if prop.of_state is None:
        raise TypeError(f"{prop.name} has no formula")
    return prop.of_state(q, state)


def _invariants(obligation: Obligation, q: Quantifiers, s: State) -> dict[str, Term]:
    found = {}
    for name in obligation.assumptions():
        of_state = PROPERTIES[name].of_state
        if of_state is not None:
            found[f"invariant:{name}"] = of_state(q, s)
    found["host:at-most-2^40-pages"] = largest_host(q, s)
    return found


def _equations(step: Step, after: State, q: Quantifiers) -> dict[str, Callable[[], Term]]:
    """What the updates say, one labelled equation a field."""
    found: dict[str, Callable[[], Term]] = {}
    for name, update in step.updates.items():
        new, old, shape = getattr(after, name), getattr(step.before, name), FIELDS[name].shape

        def equation(new: object = new, old: object = old, u: object = update, shape: Shape = shape) -> Term:
            return _equal(q, shape, new, old, u)

        found[f"update:{name}"] = equation
    return found


def _equal(q: Quantifiers, shape: Shape, new: Term, old: Term, update: Term) -> Term:
    if shape is Shape.HOST:
        return new == update.at(old)
    if shape is Shape.NODE:
        return q.every_node(lambda n: new[n] == update.at(old, n))
    if shape is Shape.DOMAIN:
        return q.every_domain(lambda d: new[d] == update.at(old, d))
    return q.every_cell(lambda d, n: new[d, n] == update.at(old, d, n))


def _labelled(
    obligation: Obligation,
    q: Quantifiers,
    before: State,
    step: Step | None,
    equations: dict[str, Callable[[], Term]],
) -> dict[str, Term]:
    """All assumptions but the dropped one. Intermediate values are judged without the later guards."""
    found = _invariants(obligation, q, before)
    if step is not None:
        if obligation.property != "no-wrap.intermediate":
            found |= {f"guard:{g.name}": g.formula(q) for g in step.guards}
        found |= {label: equation() for label, equation in equations.items()}
    found.pop(obligation.dropped, None)
    return found


def _bounded(obligation: Obligation, host: BoundedHost) -> Problem:
    prop = PROPERTIES[obligation.property]
    before = host.state()
    if obligation.transition == BOOT:
        goal = _goal(prop, host, before, None)
        return Problem([], {"boot": boot(host, before)}, negation(goal), [])
    if obligation.transition == EVERY_STATE:
        goal = _goal(prop, host, before, None)
        found = _labelled(obligation, host, before, None, {})
        return Problem(host.axioms, found, negation(goal), [])
    step = Step(host, before)
    _build_step(obligation, step)
    after = host.after(step, fresh=frozenset(step.updates))
    goal = _goal(prop, host, after, TwoStates(step, before, after))
    found = _labelled(obligation, host, before, step, _equations(step, after, host))
    return Problem(host.axioms, found, negation(goal), [])


def _parametric(obligation: Obligation) -> Problem:
    prop = PROPERTIES[obligation.property]
    host = ParametricHost()
    shown, assumed = View(host, assumed=False), View(host, assumed=True)
    step: Step | None = None
    equations: dict[str, Callable[[], Term]] = {}
    if obligation.transition == BOOT:
        before = host.boot_state()
        goal = _goal(prop, shown, before, None)
    elif obligation.transition == EVERY_STATE:
        before = host.state()
        goal = _goal(prop, shown, before, None)
    else:
        before = host.state()
        step = Step(host, before)
        _build_step(obligation, step)
        after = host.after(step)
        goal = _goal(prop, shown, after, TwoStates(step, before, after))
        for hint in step.hints:
            hint(host, after)
        equations = _equations(step, after, assumed)
    while True:
        terms = host.term_count()
        assumed.restart()
        if obligation.transition == BOOT:
            found = {"boot": boot(assumed, before)}
        else:
            found = _labelled(obligation, assumed, before, step, equations)
        facts = [*host.axioms, *host.definitions()]
        if host.term_count() == terms:
            break
    return Problem(facts, found, negation(goal), host.lemmas_used)


def lemma_problems() -> dict[str, Problem]:
    """The induction proofs of the lemmas: `lemma/NAME/base` and `lemma/NAME/step`."""
    from model.lemmas import all_lemmas

    found = {}
    for lemma in all_lemmas():
        for case, assumptions, goal in lemma.induction():
            found[f"lemma/{lemma.name}/{case}"] = Problem(
                [], {"induction": all_of(assumptions)}, negation(goal), []
            )
    return found


def semantics_names() -> list[str]:
    """All semantics that can be proved about."""
    return list(SEMANTICS)
