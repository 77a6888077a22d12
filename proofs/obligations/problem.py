"""An obligation as formulas: labelled assumptions and a negated goal; unsat is a proof."""

from model.boot import boot
from model.bounded import BoundedHost
from model.conditions import CONDITIONS
from model.encoding import Quantifiers
from model.logic import Term, negation
from model.parametric import ParametricHost, View
from model.properties import PROPERTIES, Kind, Property
from model.ranges import largest_host
from model.semantics import TRANSITIONS
from model.state import FIELDS, Shape, State
from model.step import Step, TwoStates
from proofs.obligations.auxiliary import Problem, auxiliary_problem
from proofs.obligations.focus import relevant_invariants, watched
from proofs.obligations.obligation import AUXILIARY, BOOT, EVERY_STATE, PARAMETRIC, Obligation


def problem(obligation: Obligation) -> Problem:
    """The formulas of an obligation."""
    if obligation.semantics in AUXILIARY:
        return auxiliary_problem(obligation)
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


def _invariants(names: list[str], q: Quantifiers, s: State) -> dict[str, Term]:
    found = {}
    for name in names:
        of_state = PROPERTIES[name].of_state
        if of_state is not None:
            found[f"invariant:{name}"] = of_state(q, s)
    return found


def _equations(step: Step, after: State, q: Quantifiers, read: set[str] | None = None) -> dict[str, Term]:
    """What the updates say, one labelled equation a field; only for the fields in `read`, if given."""
    found: dict[str, Term] = {}
    for name, update in step.updates.items():
        if read is None or name in read:
            new, old = getattr(after, name), getattr(step.before, name)
            found[f"update:{name}"] = _equal(q, FIELDS[name].shape, new, old, update)
    return found


def _equal(q: Quantifiers, shape: Shape, new: Term, old: Term, update: Term) -> Term:
    if shape is Shape.HOST:
        return new == update.at(old)
    if shape is Shape.NODE:
        return q.every_node(lambda n: new[n] == update.at(old, n))
    if shape is Shape.DOMAIN:
        return q.every_domain(lambda d: new[d] == update.at(old, d))
    return q.every_cell(lambda d, n: new[d, n] == update.at(old, d, n))


def _guards(obligation: Obligation, q: Quantifiers, step: Step) -> dict[str, Term]:
    """The guards; intermediate values are judged without them, each after the checks before it only."""
    if obligation.property == "no-wrap.intermediate":
        return {}
    return {f"guard:{g.name}": g.formula(q) for g in step.guards}


def _host_size(obligation: Obligation, q: Quantifiers, s: State) -> dict[str, Term]:
    """The one assumption about the machine, where C types matter."""
    return (
        {"host:at-most-2^40-pages": largest_host(q, s)} if obligation.property.startswith("no-wrap") else {}
    )


def _bounded(obligation: Obligation, host: BoundedHost) -> Problem:
    prop = PROPERTIES[obligation.property]
    before = host.state()
    if obligation.transition == BOOT:
        goal = _goal(prop, host, before, None)
        return Problem([], {"boot": boot(host, before)}, negation(goal), [])
    found = _invariants(obligation.assumptions(), host, before) | _host_size(obligation, host, before)
    if obligation.transition == EVERY_STATE:
        goal = _goal(prop, host, before, None)
        return Problem(host.axioms, found, negation(goal), [])
    step = Step(host, before)
    _build_step(obligation, step)
    after = host.after(step, fresh=frozenset(step.updates))
    goal = _goal(prop, host, after, TwoStates(step, before, after))
    found |= _guards(obligation, host, step) | _equations(step, after, host)
    found.pop(obligation.dropped, None)
    return Problem(host.axioms, found, negation(goal), [])


def _parametric(obligation: Obligation) -> Problem:
    prop = PROPERTIES[obligation.property]
    host = ParametricHost()
    shown, assumed = View(host, assumed=False), View(host, assumed=True)
    at_boot = obligation.transition == BOOT
    before = host.boot_state() if at_boot else host.state()
    step: Step | None = None
    seen = watched(before)
    after = seen
    if not at_boot and obligation.transition != EVERY_STATE:
        step = Step(host, before)
        _build_step(obligation, step)
        after = watched(host.after(step), frozenset(step.updates))
    two = None if step is None else TwoStates(step, seen, after)
    while True:
        # Twice: what the goal says of some node is instantiated at the witnesses of its own lemmas.
        for _ in range(2):
            shown.restart()
            goal = _goal(prop, shown, after, two)
            for hint in step.hints if step else []:
                hint(host, after)
        terms = host.term_count()
        assumed.restart()
        if at_boot:
            found = {"boot": boot(assumed, before)}
        else:
            found = _assumptions(obligation, assumed, before, step, after, after.read | seen.read)
        found.pop(obligation.dropped, None)
        facts = [*host.axioms, *host.definitions()]
        if host.term_count() == terms:
            break
    return Problem(facts, found, negation(goal), host.lemmas_used)


def _assumptions(
    obligation: Obligation, q: Quantifiers, before: State, step: Step | None, after: State, read: set[str]
) -> dict[str, Term]:
    """What a parametric obligation is given: only what bears on the fields its goal reads."""
    names, concerned = relevant_invariants(
        obligation.assumptions(), PROPERTIES[obligation.property].id, obligation.transition, read
    )
    if (
        step is not None
        and PROPERTIES[obligation.property].kind is Kind.STATE
        and not read & set(step.updates)
    ):
        # Nothing the property speaks of is updated: it held before, and that is all there is to it.
        return _invariants([obligation.property], q, before)
    found = _invariants(names, q, watched(before, concerned)) | _host_size(obligation, q, before)
    if step is not None:
        found |= _guards(obligation, q, step) | _equations(step, after, q, read)
    return found
