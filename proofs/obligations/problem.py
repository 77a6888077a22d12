"""An obligation as formulas: labelled assumptions and a negated goal; unsat is a proof."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial

from model.boot import boot
from model.encoding import Quantifiers
from model.hosts.bounded import BoundedHost
from model.hosts.parametric import ParametricHost
from model.hosts.views import View
from model.logic import Term, negation
from model.named import TRANSITIONS
from model.properties import PROPERTIES, Kind, Property
from model.properties.conditions import CONDITIONS
from model.properties.ranges import largest_host
from model.state import FIELDS, Shape, State
from model.step import Step, TwoStates
from model.watched import watched
from proofs.mistakes.in_steps import spoil
from proofs.obligations.abstractions import abstraction_problem
from proofs.obligations.auxiliary import Problem, auxiliary_problem
from proofs.obligations.focus import relevant_invariants
from proofs.obligations.invariants import invariant, parametric_invariants
from proofs.obligations.obligation import (
    ABSTRACTION,
    AUXILIARY,
    BOOT,
    EVERY_STATE,
    PARAMETRIC,
    SECTION,
    VIEWS,
    Obligation,
)
from proofs.obligations.sections import section_problem
from proofs.obligations.two_views import view_problem
from proofs.refinement.problem import compared


def problem(obligation: Obligation) -> Problem:
    """The formulas of an obligation."""
    if obligation.semantics == SECTION:
        return section_problem(obligation)
    if obligation.semantics == VIEWS:
        return view_problem(obligation)
    if obligation.semantics == ABSTRACTION:
        return abstraction_problem(obligation)
    if obligation.semantics in AUXILIARY:
        return auxiliary_problem(obligation)
    if PROPERTIES[obligation.property].kind is Kind.COMPARISON:
        return compared(obligation)
    if obligation.encoding == PARAMETRIC:
        return _parametric(obligation)
    return _bounded(obligation)


def _build_step(obligation: Obligation, step: Step) -> None:
    TRANSITIONS[obligation.transition].build(step, obligation.rules().rules)
    spoil(obligation.mutation, obligation.transition, step)
    for condition in (CONDITIONS[c] for c in obligation.conditions):
        if obligation.transition in condition.transitions:
            step.guard_all(f"condition {condition.id}", condition.guard(step))


def _goal(obligation: Obligation, prop: Property, q: Quantifiers, state: State, two: TwoStates | None) -> Term:
    if prop.kind is Kind.STEP:
        if prop.of_step is None or two is None:
            raise TypeError(f"{prop.name} is a step property and needs a step")
        return prop.of_step(q, two)
    about_state = prop.about_state(obligation.rules().rules)
    if about_state is None:
        raise TypeError(f"{prop.name} has no formula")
    return about_state(q, state)


def _equation(name: str, step: Step, after: State, q: Quantifiers) -> Term:
    """The equation for the update of one field."""
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
    """The guards of the step; none for intermediate values, each of which assumes only the checks before it."""
    if obligation.property.startswith("no-wrap.intermediate"):
        return {}
    return {f"guard:{g.name}": g.formula(q) for g in step.guards}


def _host_size(obligation: Obligation, q: Quantifiers, s: State) -> dict[str, Term]:
    """The one assumption about the machine, where C types matter."""
    return {"host:largest": largest_host(q, s)} if obligation.property.startswith("no-wrap") else {}


class _SharedFormulas:
    """Formulas that several obligations share, built once, on demand."""

    def __init__(self) -> None:
        self._terms: dict[str, Term] = {}

    def once(self, label: str, build: Callable[[], Term]) -> Term:
        """The formula with this label, built on the first call."""
        if label not in self._terms:
            self._terms[label] = build()
        return self._terms[label]


def _host_of(encoding: str) -> BoundedHost:
    nodes, domains = encoding.removeprefix("bounded-").split("x")
    return BoundedHost(int(nodes), int(domains))


@lru_cache(maxsize=4)
def _bounded_before(encoding: str) -> tuple[State, _SharedFormulas]:
    """The state before a step on one bounded host, and the assumptions about it."""
    return _host_of(encoding).state(), _SharedFormulas()


@lru_cache(maxsize=4)
def _bounded_step(about: Obligation) -> tuple[BoundedHost, Step | None, State, _SharedFormulas]:
    """A step on one bounded host, the state after it, and the formulas about it."""
    host, (before, _built) = _host_of(about.encoding), _bounded_before(about.encoding)
    if about.transition in (BOOT, EVERY_STATE):
        return host, None, before, _SharedFormulas()
    step = Step(host, before)
    _build_step(about, step)
    return host, step, host.after(step, fresh=frozenset(step.updates)), _SharedFormulas()


def _bounded(obligation: Obligation) -> Problem:
    prop = PROPERTIES[obligation.property]
    before, of_before = _bounded_before(obligation.encoding)
    about = replace(obligation, property="", dropped="", claimed=True)
    host, step, then, of_step = _bounded_step(about)
    updates = frozenset(step.updates) if step else frozenset()
    seen = watched(before)
    after = watched(then, updates) if step else seen
    goal = _goal(obligation, prop, host, after, TwoStates(step, seen, after) if step else None)
    if obligation.transition == BOOT:
        at_boot = of_before.once("boot", lambda: boot(host, before))
        return Problem([], {"boot": at_boot}, negation(goal), [])
    read = after.read | seen.read | _counted(obligation)
    untouched = step is not None and prop.kind is Kind.STATE and not read & updates
    names = [prop.name]
    if not untouched:
        names, _cut = relevant_invariants(obligation.assumptions(), prop.id, obligation.transition, read)
    found = {}
    for name in names:
        label = f"invariant:{name}"
        found[label] = of_before.once(label, partial(invariant, name, host, before))
    if step is not None and not untouched:
        found |= _guards(obligation, host, step)
        for name in updates & read:
            label = f"update:{name}"
            found[label] = of_step.once(label, partial(_equation, name, step, then, host))
    found |= _host_size(obligation, host, before)
    found.pop(obligation.dropped, None)
    return Problem(host.axioms, dict(sorted(found.items())), negation(goal), [])


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
        # Twice: the goal's statements about some node are instantiated at the witnesses of its own lemmas.
        for _ in range(2):
            shown.restart()
            goal = _goal(obligation, prop, shown, after, two)
            for hint in step.hints if step else []:
                hint(host, after)
        terms = host.term_count()
        assumed.restart()
        if at_boot:
            found = {"boot": boot(assumed, before)}
        else:
            found = _assumptions(
                obligation, assumed, before, step, after, after.read | seen.read | _counted(obligation)
            )
        found.pop(obligation.dropped, None)
        facts = [*host.axioms, *host.definitions()]
        if host.term_count() == terms:
            break
    return Problem(facts, found, negation(goal), host.lemmas_used)


def _counted(obligation: Obligation) -> set[str]:
    """Ghosts that the generation's checks or the conditions depend on, for example charged pages in limbo."""
    return {"limbo_pages"} if obligation.rules().rules.looks_at_limbo() or obligation.conditions else set()


def _assumptions(
    obligation: Obligation,
    q: Quantifiers,
    before: State,
    step: Step | None,
    after: State,
    read: set[str],
) -> dict[str, Term]:
    """The assumptions of an obligation: only those about the fields that its goal reads."""
    names, concerned = relevant_invariants(
        obligation.assumptions(), PROPERTIES[obligation.property].id, obligation.transition, read
    )
    if step is not None and PROPERTIES[obligation.property].kind is Kind.STATE and not read & set(step.updates):
        # The step updates no field of the property: it held before, and so it holds after.
        return parametric_invariants([obligation.property], q, before, None)
    found = parametric_invariants(names, q, before, concerned) | _host_size(obligation, q, before)
    if step is not None:
        found |= _guards(obligation, q, step)
        found |= {f"update:{u}": _equation(u, step, after, q) for u in step.updates if u in read}
    return found
