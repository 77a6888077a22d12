"""The list of obligations: every property with every transition it applies to, and what is not applicable."""

from model.named import GENERATIONS, LACKS, TRANSITIONS, Generation
from model.properties import PROPERTIES, Kind, Property
from model.properties.conditions import CONDITIONS
from proofs.obligations.abstractions import abstraction_obligations
from proofs.obligations.auxiliary import auxiliary_obligations, hard_obligation
from proofs.obligations.names import BOOT, EVERY_STATE, PARAMETRIC, SELF_TEST, InapplicableProperty
from proofs.obligations.obligation import Obligation
from proofs.obligations.sections import section_obligations
from proofs.obligations.two_views import view_obligations


def applies(prop: Property, transition: str) -> str:
    """Why the property does not apply to the transition; empty: it applies."""
    tags = TRANSITIONS[transition].tags
    if prop.only is not None and not prop.only & tags:
        return f"applies only to steps tagged {' or '.join(sorted(prop.only))}"
    excepted = prop.never & tags
    return f"does not apply to steps tagged {' or '.join(sorted(excepted))}" if excepted else ""


def lacking(prop: Property, semantics: Generation) -> str:
    """Why the property does not apply to a generation; empty: it applies."""
    return "; ".join(LACKS[feature] for feature in prop.needs if semantics.lacks(feature))


def excluding(transition: str, conditions: tuple[str, ...]) -> str:
    """The condition under which the transition cannot happen; empty: there is no such condition."""
    return next((c for c in conditions if transition in CONDITIONS[c].excludes), "")


def places(prop: Property, semantics: Generation) -> list[str]:
    """The places where the property must be proved."""
    if prop.kind is Kind.IMPLIED:
        return [EVERY_STATE]
    if prop.kind is Kind.COMPARISON:
        return [t for t in semantics.transitions if t in prop.compared]
    boot = [BOOT] if prop.kind is Kind.STATE else []
    return boot + [t for t in semantics.transitions if not applies(prop, t)]


def of_property(semantics: str, prop: Property, encoding: str, mutation: str = "") -> list[Obligation]:
    """All obligations of one property; those without its conditions last, including what a condition excludes."""
    rules = GENERATIONS[semantics]
    conditions = rules.conditions_of(prop)
    found = [
        Obligation(semantics, prop.name, place, encoding, conditions, mutation)
        for place in places(prop, rules)
        if not excluding(place, conditions)
    ]
    touched = {t for c in conditions for t in CONDITIONS[c].transitions}
    found += [
        Obligation(semantics, prop.name, place, encoding, (), mutation, claimed=False)
        for place in places(prop, rules)
        if place in touched
    ]
    return found


def suite(semantics: list[str], properties: list[str], encodings: list[str], mutation: str = "") -> list[Obligation]:
    """Every obligation of these generations and property ids, in these encodings."""
    found = [
        obligation
        for encoding in encodings
        for name in semantics
        for prop in PROPERTIES.values()
        if prop.id in properties and not lacking(prop, GENERATIONS[name])
        for obligation in of_property(name, prop, encoding, mutation)
    ]
    if PARAMETRIC not in encodings:
        return found
    if mutation:
        return auxiliary_obligations() + found
    of_the_model = [section_obligations, view_obligations, abstraction_obligations]
    return [*auxiliary_obligations(), *(o for make in of_the_model for o in make(semantics)), *found]


def not_applicable(semantics: list[str], properties: list[str]) -> list[InapplicableProperty]:
    """The pairs of property and transition that the suite leaves out, with reasons."""
    return [
        InapplicableProperty(name, prop.name, transition, reason)
        for name in semantics
        for prop in PROPERTIES.values()
        if prop.id in properties and not prop.support
        for transition in GENERATIONS[name].transitions
        if (reason := _unspoken_of(prop, transition, GENERATIONS[name]))
    ]


def _unspoken_of(prop: Property, transition: str, semantics: Generation) -> str:
    """Why there is nothing to prove for a property and a transition; empty: there is."""
    if prop.kind is Kind.STEP and (reason := applies(prop, transition)):
        return reason
    spoken_of = not lacking(prop, semantics) and transition in places(prop, semantics)
    excluded = excluding(transition, semantics.conditions_of(prop)) if spoken_of else ""
    return f"cannot happen if {excluded}" if excluded else ""


def property_ids() -> list[str]:
    """The ids of all properties, each once, in order of definition."""
    return list(dict.fromkeys(p.id for p in PROPERTIES.values()))


def selected(obligations: list[Obligation], parts: list[str]) -> list[Obligation]:
    """The obligations whose name contains each of the parts. The self-test is included only if named."""
    if any(SELF_TEST in part for part in parts):
        obligations = [*obligations, hard_obligation()]
    return [o for o in obligations if all(part in o.name for part in parts)]
