"""An obligation as formulas: labelled assumptions and a negated goal; unsat is a proof."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial

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
    return _bounded(obligation)


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


def _equation(name: str, step: Step, after: State, q: Quantifiers) -> Term:
    """What the update of one field says."""
    update = step.updates[name]
    return _equal(q, FIELDS[name].shape, getattr(after, name), getattr(step.before, name), update)


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


@dataclass
class _BoundedStep:
    """What all obligations about one step on one bounded host share; formulas are built once, on demand."""

    host: BoundedHost
    before: State
    step: Step | None
    after: State | None
    built: dict[str, Term]

    def once(self, label: str, build: Callable[[], Term]) -> Term:
        """The formula with this label."""
        if label not in self.built:
            self.built[label] = build()
        return self.built[label]


@lru_cache(maxsize=4)
def _bounded_step(about: Obligation) -> _BoundedStep:
    nodes, domains = about.encoding.removeprefix("bounded-").split("x")
    host = BoundedHost(int(nodes), int(domains))
    before = host.state()
    if about.transition in (BOOT, EVERY_STATE):
        return _BoundedStep(host, before, None, None, {})
    step = Step(host, before)
    _build_step(about, step)
    return _BoundedStep(host, before, step, host.after(step, fresh=frozenset(step.updates)), {})


def _bounded(obligation: Obligation) -> Problem:
    prop = PROPERTIES[obligation.property]
    shared = _bounded_step(replace(obligation, property="", dropped="", claimed=True))
    host, before, step = shared.host, shared.before, shared.step
    seen = watched(before)
    after = seen
    two = None
    if step is not None and shared.after is not None:
        after = watched(shared.after, frozenset(step.updates))
        two = TwoStates(step, seen, after)
    goal = _goal(prop, host, after, two)
    if obligation.transition == BOOT:
        return Problem([], {"boot": shared.once("boot", lambda: boot(host, before))}, negation(goal), [])
    read = after.read | seen.read
    names, _concerned = relevant_invariants(obligation.assumptions(), prop.id, obligation.transition, read)
    found = {}
    for name in names:
        label = f"invariant:{name}"
        found[label] = shared.once(label, lambda n=name: _invariants([n], host, before)[f"invariant:{n}"])
    found |= _host_size(obligation, host, before)
    if step is not None and shared.after is not None:
        found |= _guards(obligation, host, step)
        for name in step.updates:
            if name in read:
                label = f"update:{name}"
                found[label] = shared.once(label, partial(_equation, name, step, shared.after, host))
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
    """What an obligation is given: only what bears on the fields its goal reads."""
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
        found |= _guards(obligation, q, step)
        found |= {f"update:{u}": _equation(u, step, after, q) for u in step.updates if u in read}
    return found
