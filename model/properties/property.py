"""What a property is, and the decorators that state one: the function is its formula, the docstring its sentence.

A property may have parts, so that a failure names what failed. A *state* part is shown of boot and kept by
every step; an *implied* part follows in every state from the invariants; a *step* part relates the states
before and after one step; a part *of two steps* compares them. `support` marks invariants that serve the proofs
of others.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias, TypeVar

from model.encoding import Quantifiers
from model.logic import Term
from model.properties.comparison import Comparison
from model.rules import Rules
from model.state import State
from model.step import TwoStates

OfState: TypeAlias = Callable[[Quantifiers, State], Term]
OfStep: TypeAlias = Callable[[Quantifiers, TwoStates], Term]
OfRules: TypeAlias = Callable[[Quantifiers, State, Rules], Term]
OfTwoSteps: TypeAlias = Callable[[], tuple[Comparison, ...]]

Stated = TypeVar("Stated", bound=Callable[..., Any])


class Kind(Enum):
    """How a property is shown."""

    STATE = "kept by every step"
    IMPLIED = "follows in every reachable state"
    STEP = "of every step"
    COMPARISON = "of two steps side by side"


@dataclass(frozen=True)
class Property:
    """One part of one property: its sentence, and the same as a formula."""

    id: str
    part: str
    sentence: str
    kind: Kind
    of_state: OfState | None = None
    of_step: OfStep | None = None
    statements: tuple[str, ...] = ()
    only: frozenset[str] | None = None
    """Tags of the transitions a step property is about; None for all."""
    never: frozenset[str] = frozenset()
    """Tags of the transitions it excepts."""
    support: bool = False
    serves: frozenset[str] | None = None
    """Property ids and transitions whose parametric proofs are given this invariant; None for all."""
    of_rules: OfRules | None = None
    """The statement about a state, where it depends on the rules of the generation."""
    compared: Mapping[str, Comparison] = field(default_factory=dict)
    """What is compared, by the transition of the generation that is judged."""
    needs: tuple[str, ...] = ()
    """Features without which a generation has nothing that the property speaks of."""

    def about_state(self, rules: Rules) -> OfState | None:
        """The statement about a state, under these rules."""
        of_rules = self.of_rules
        return self.of_state if of_rules is None else lambda q, s: of_rules(q, s, rules)

    @property
    def name(self) -> str:
        """The id with the part: `aggregates-agree.host`."""
        return f"{self.id}.{self.part}" if self.part else self.id


PROPERTIES: dict[str, Property] = {}
"""Every part of every property by name, in the order in which they are stated."""


def of_state(name: str, statements: str = "", support: bool = False, serves: str = "", needs: str = "") -> "_Decorator":
    """State a property that boot has and every step keeps."""
    return _Decorator(
        name,
        Kind.STATE,
        "of_state",
        statements,
        {"support": support, "serves": frozenset(serves.split()) or None},
        needs,
    )


def implied(name: str, statements: str = "", needs: str = "") -> "_Decorator":
    """State a property that follows from the invariants in every state."""
    return _Decorator(name, Kind.IMPLIED, "of_state", statements, {}, needs)


def implied_under_rules(name: str, statements: str = "", needs: str = "") -> "_Decorator":
    """State a property that follows from the invariants; the function is given the generation's rules too."""
    return _Decorator(name, Kind.IMPLIED, "of_rules", statements, {}, needs)


def of_step(
    name: str, statements: str = "", only: str = "", never: str = "", support: bool = False, needs: str = ""
) -> "_Decorator":
    """State a property of steps: those tagged with one of `only`, if given, and with none of `never`."""
    tags = {"only": frozenset(only.split()) or None, "never": frozenset(never.split()), "support": support}
    return _Decorator(name, Kind.STEP, "of_step", statements, tags, needs)


def of_two_steps(name: str, statements: str = "", needs: str = "") -> Callable[[OfTwoSteps], OfTwoSteps]:
    """State a property by the comparisons that the function returns."""

    def decorate(function: OfTwoSteps) -> OfTwoSteps:
        compared = {c.transition: c for c in function()}
        return _Decorator(name, Kind.COMPARISON, "", statements, {"compared": compared}, needs)(function)

    return decorate


@dataclass(frozen=True)
class _Decorator:
    """Registers the function that it is put on, which stays as it is."""

    name: str
    kind: Kind
    formula: str
    """The field of `Property` that the function goes to."""
    statements: str
    more: Mapping[str, Any]
    needs: str

    def __call__(self, function: Stated) -> Stated:
        if self.name in PROPERTIES:
            raise ValueError(f"property {self.name} stated twice")
        if not function.__doc__:
            raise ValueError(f"property {self.name} has no sentence: it is the docstring of its function")
        head, _, part = self.name.partition(".")
        formula: dict[str, Any] = {self.formula: function} if self.formula else {}
        PROPERTIES[self.name] = Property(
            head,
            part,
            " ".join(function.__doc__.split()),
            self.kind,
            statements=tuple(self.statements.split()),
            needs=tuple(self.needs.split()),
            **formula,
            **self.more,
        )
        return function
