"""Which obligations there are: every property with every transition it is about, and what is not applicable."""

from model.named import GENERATIONS, LACKS, TRANSITIONS, Generation
from model.properties import PROPERTIES, Kind, Property
from model.properties.conditions import CONDITIONS
from proofs.obligations.auxiliary import auxiliary_obligations, hard_obligation
from proofs.obligations.names import BOOT, EVERY_STATE, PARAMETRIC, SELF_TEST, NotApplicable
from proofs.obligations.obligation import Obligation
from proofs.obligations.sections import section_obligations


def applies(prop: Property, transition: str) -> str:
    """Why the property does not speak of the transition; empty if it does."""
    tags = TRANSITIONS[transition].tags
    if prop.only is not None and not prop.only & tags:
        return f"speaks only of steps that are: {', '.join(sorted(prop.only))}"
    excepted = prop.never & tags
    return f"excepts steps that are: {', '.join(sorted(excepted))}" if excepted else ""


def lacking(prop: Property, semantics: Generation) -> str:
    """Why the property says nothing about a generation; empty if it does."""
    return "; ".join(LACKS[feature] for feature in prop.needs if semantics.lacks(feature))


def excluding(transition: str, conditions: tuple[str, ...]) -> str:
    """The condition under which the transition cannot happen; empty if there is none."""
    return next((c for c in conditions if transition in CONDITIONS[c].excludes), "")


def places(prop: Property, semantics: Generation) -> list[str]:
    """Where the property has to be shown."""
    if prop.kind is Kind.IMPLIED:
        return [EVERY_STATE]
    if prop.kind is Kind.COMPARISON:
        return [t for t in semantics.transitions if t in prop.compared]
    boot = [BOOT] if prop.kind is Kind.STATE else []
    return boot + [t for t in semantics.transitions if not applies(prop, t)]


def of_property(semantics: str, prop: Property, encoding: str, mutation: str = "") -> list[Obligation]:
    """All obligations of one property; those without its conditions last, and there what a condition excludes too."""
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
    """Every obligation of these semantics and property ids, in these encodings."""
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
    return auxiliary_obligations() + ([] if mutation else section_obligations(semantics)) + found


def not_applicable(semantics: list[str], properties: list[str]) -> list[NotApplicable]:
    """What the suite leaves out, with the reasons."""
    return [
        NotApplicable(name, prop.name, transition, reason)
        for name in semantics
        for prop in PROPERTIES.values()
        if prop.id in properties and not prop.support
        for transition in GENERATIONS[name].transitions
        if (reason := _unspoken_of(prop, transition, GENERATIONS[name]))
    ]


def _unspoken_of(prop: Property, transition: str, semantics: Generation) -> str:
    """Why a property has nothing to be proved of a transition; empty if it has."""
    if prop.kind is Kind.STEP and (reason := applies(prop, transition)):
        return reason
    spoken_of = not lacking(prop, semantics) and transition in places(prop, semantics)
    excluded = excluding(transition, semantics.conditions_of(prop)) if spoken_of else ""
    return f"cannot happen if {excluded}" if excluded else ""


def property_ids() -> list[str]:
    """The ids of all properties, each once, in the order in which they are stated."""
    return list(dict.fromkeys(p.id for p in PROPERTIES.values()))


def selected(obligations: list[Obligation], parts: list[str]) -> list[Obligation]:
    """The obligations whose name contains each of the parts. The self-test is there only when named."""
    if any(SELF_TEST in part for part in parts):
        obligations = [*obligations, hard_obligation()]
    return [o for o in obligations if all(part in o.name for part in parts)]
