"""The class of a property, and the decorators that state one: the function is the formula, its docstring the sentence.

A property may have parts, so that a failure names the part that failed. A *state* part holds at boot and every step
keeps it; an *implied* part follows in every state from the invariants; a *step* part relates the states before and
after one step; a part *of two steps* compares them. `support` marks invariants that only serve the proofs of others.
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

StatementFunction = TypeVar("StatementFunction", bound=Callable[..., Any])


class Kind(Enum):
    """How a property is proved."""

    STATE = "kept by every step"
    IMPLIED = "follows in every reachable state"
    STEP = "holds for every step"
    COMPARISON = "compares two steps"


@dataclass(frozen=True)
class Property:
    """One part of a property: its sentence, and its formula."""

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
    """Tags of the transitions that it excludes."""
    support: bool = False
    serves: frozenset[str] | None = None
    """Ids of properties and transitions whose parametric proofs may assume this invariant; None: all."""
    of_rules: OfRules | None = None
    """The statement about a state, if it depends on the rules of the generation."""
    compared: Mapping[str, Comparison] = field(default_factory=dict)
    """The comparisons, for a property of two steps."""
    needs: tuple[str, ...] = ()
    """Features without which the property does not apply to a generation."""

    def about_state(self, rules: Rules) -> OfState | None:
        """The statement about a state, under these rules."""
        of_rules = self.of_rules
        return self.of_state if of_rules is None else lambda q, s: of_rules(q, s, rules)

    @property
    def name(self) -> str:
        """The id with the part: `aggregates-agree.host`."""
        return f"{self.id}.{self.part}" if self.part else self.id


PROPERTIES: dict[str, Property] = {}
"""Every part of every property by name, in order of definition."""


def of_state(name: str, statements: str = "", support: bool = False, serves: str = "", needs: str = "") -> "_Decorator":
    """State a property that holds at boot and that every step keeps."""
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
    """State a property that follows from the invariants; the function also receives the generation's rules."""
    return _Decorator(name, Kind.IMPLIED, "of_rules", statements, {}, needs)


def of_step(
    name: str, statements: str = "", only: str = "", never: str = "", support: bool = False, needs: str = ""
) -> "_Decorator":
    """State a property of steps: those with a tag in `only`, if given, and without a tag in `never`."""
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
    """Registers the function that it decorates, and returns it unchanged."""

    name: str
    kind: Kind
    formula: str
    """The field of `Property` that holds the function."""
    statements: str
    more: Mapping[str, Any]
    needs: str

    def __call__(self, function: StatementFunction) -> StatementFunction:
        if self.name in PROPERTIES:
            raise ValueError(f"property {self.name} stated twice")
        if not function.__doc__:
            raise ValueError(f"property {self.name} has no sentence: give its function a docstring")
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
