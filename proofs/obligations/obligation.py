"""An obligation: (generation, property, transition, encoding), and the meaning of an answer to it."""

from dataclasses import dataclass
from functools import cached_property

from model.named import GENERATIONS, Generation
from model.properties import PROPERTIES, Kind
from model.properties.conditions import CONDITIONS
from proofs.mistakes.in_rules import mutated
from proofs.obligations.names import (
    ABSTRACTION,
    AUXILIARY,
    BOOT,
    EVERY_STATE,
    LEMMA,
    LOOP,
    PARAMETRIC,
    SECTION,
    SELF_TEST,
    VIEWS,
    bounded,
)

__all__ = [
    "ABSTRACTION",
    "AUXILIARY",
    "BOOT",
    "EVERY_STATE",
    "LEMMA",
    "LOOP",
    "PARAMETRIC",
    "SECTION",
    "SELF_TEST",
    "VIEWS",
    "Obligation",
    "bounded",
]


def promised_on(semantics: Generation, conditions: tuple[str, ...]) -> list[str]:
    """The state properties that a generation promises on some of these conditions."""
    parts = [(p.name, semantics.conditions_of(p)) for p in PROPERTIES.values() if p.of_state is not None]
    return [name for name, needed in parts if needed and set(needed) <= set(conditions)]


@dataclass(frozen=True)
class Obligation:
    """One query to the solver. These names determine it."""

    semantics: str
    property: str
    transition: str
    encoding: str
    conditions: tuple[str, ...] = ()
    mutation: str = ""
    dropped: str = ""
    """The label of a guard or update left out of the transition: `guard:host-check`; empty: none is left out."""
    invariants: tuple[str, ...] | None = None
    """The invariants assumed about the state before; None: those that the generation promises."""
    claimed: bool = True
    """The generation promises the property; else a refutation is expected, which shows that a condition is needed."""

    @cached_property
    def name(self) -> str:
        """`generation/property/transition/encoding`, with changes appended to the component that they change."""
        semantics = self.semantics + (f"~{self.mutation}" if self.mutation else "")
        prop = "+".join([self.property, *self.conditions])
        transition = self.transition + (f"-without-{self.dropped}" if self.dropped else "")
        return "/".join([semantics, prop, transition, self.encoding])

    def rules(self) -> Generation:
        """The generation, with the deliberate mistake if there is one."""
        semantics = GENERATIONS[self.semantics]
        return mutated(semantics, self.mutation) if self.mutation else semantics

    @cached_property
    def hosts(self) -> str:
        """The hosts for which a proof holds, in words."""
        if self.encoding == PARAMETRIC:
            return "any number of nodes and domains"
        nodes, domains = self.encoding.removeprefix("bounded-").split("x")
        return f"{nodes} nodes, {domains} domains"

    def meaning(self) -> tuple[str, str]:
        """What unsat and sat mean, in one sentence each."""
        if self.semantics == SECTION:
            section = f"the section of {self.transition} in {self.property}"
            return (
                f"On its premises, {section} is accepted, refused, or stops the host.",
                f"There is a case in which {section} has no outcome (or a sum that no host has).",
            )
        if self.semantics == VIEWS:
            sides = f"{self.transition} of {self.property} and the corresponding calls"
            return (
                f"With {self.hosts}, {sides} are possible in the same cases and leave the same counters.",
                f"There is a case, on a host of {self.hosts}, in which {sides} differ.",
            )
        if self.semantics in AUXILIARY:
            case = f"the {self.transition} case of {self.semantics} {self.property}"
            return f"Proved: {case}.", f"There is a counterexample to {case}."
        prop = PROPERTIES[self.property]
        sentence = prop.sentence.rstrip(".")
        if self.transition == BOOT:
            where = "at boot"
        elif self.transition == EVERY_STATE:
            where = "in every state in which the invariants hold"
        elif prop.kind is Kind.COMPARISON:
            where = f"in {self.transition}, on its premises, from a state in which the invariants hold"
        elif prop.kind is Kind.STATE:
            where = f"after {self.transition}, if the invariants held before"
        else:
            where = f"in every step of {self.transition} from a state in which the invariants hold"
        provided = "".join(f", provided {CONDITIONS[c].sentence}" for c in self.conditions)
        spurious = " (or a sum that no host has)" if self.encoding == PARAMETRIC else ""
        return (
            f"With {self.hosts}, {where}{provided}: {sentence[0].lower()}{sentence[1:]}.",
            f"There is a state in which the invariants hold{spurious} and from which this fails.",
        )

    def assumptions(self) -> list[str]:
        """The names of the invariants assumed about the state before."""
        if self.transition == BOOT or self.semantics in AUXILIARY:
            return []
        semantics, prop = self.rules(), PROPERTIES[self.property]
        names = list(semantics.invariants if self.invariants is None else self.invariants)
        if self.invariants is None and prop.kind is Kind.STATE and prop.name not in names:
            names += [p.name for p in PROPERTIES.values() if p.id == prop.id and p.kind is Kind.STATE]
        if self.invariants is None and self.conditions:
            names += [n for n in promised_on(semantics, self.conditions) if n not in names]
        return names

    def statements(self) -> tuple[str, ...]:
        """The statements of the design that the answer supports or refutes."""
        prop = PROPERTIES.get(self.property)
        return prop.statements if prop else ()
