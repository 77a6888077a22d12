"""What is checked of rules from a file before anything runs with them: their names, kinds and arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from difflib import get_close_matches
from typing import Any

from model.generations.generation import Generation
from model.properties import PROPERTIES
from model.properties.conditions import CONDITIONS
from model.registry import TRANSITIONS
from model.rules import Rules
from proofs.rules import RulesError
from reference.generation import Generation as ReferenceGeneration


def check_reference(path: str, cls: type[ReferenceGeneration]) -> None:
    """Every public name of the class is a rule, and takes what the rule takes.

    :raises RulesError: one does not
    """
    for made in [one for one in cls.__mro__ if one.__module__ == cls.__module__]:
        above = [base for base in made.__mro__[1:] if base.__module__ != cls.__module__]
        for name, value in vars(made).items():
            if name.startswith("_"):
                continue
            right = next((getattr(base, name) for base in above if hasattr(base, name)), None)
            line = value.__code__.co_firstlineno if inspect.isfunction(value) else inspect.getsourcelines(made)[1]
            if right is None:
                rules = [rule for rule in dir(above[0]) if not rule.startswith("_")]
                raise RulesError(
                    path, line, f"`{name}` overrides no rule{_near(name, rules)} (own helpers begin with `_`)"
                )
            if inspect.isfunction(value) and callable(right):
                _same_arguments(path, name, value, right)
            elif inspect.isfunction(value) or callable(right):
                raise RulesError(
                    path, line, f"`{name}` is a {'method' if callable(right) else 'value'} in {above[0].__name__}"
                )
            elif type(value) is not type(right):
                raise RulesError(path, line, f"`{name}` is {value!r}, and has to be a {type(right).__name__}")


def check_model(path: str, line: int, value: Generation, base: Generation) -> None:
    """Every rule is of its kind, and takes what the rule of the base takes; the names of the rest are known.

    :raises RulesError: one is not
    """
    for rule in fields(Rules):
        one, other = getattr(value.rules, rule.name), getattr(base.rules, rule.name)
        if callable(other) != callable(one):
            kind = "function" if callable(other) else type(other).__name__
            raise RulesError(path, line, f"rules: {rule.name} is {one!r}, and has to be a {kind}")
        if callable(other):
            if one is not other:
                _same_arguments(path, rule.name, one, other, line)
        elif type(one) is not type(other):
            raise RulesError(path, line, f"rules: {rule.name} is {one!r}, and has to be a {type(other).__name__}")
    for what, given, known in (
        ("transition", value.transitions, list(TRANSITIONS)),
        ("invariant", value.invariants, list(PROPERTIES)),
        ("condition", [c for of in value.conditional.values() for c in of], list(CONDITIONS)),
    ):
        for name in given:
            if name not in known:
                raise RulesError(path, line, f"no {what} {name!r}{_near(name, known)}")


def _near(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean `{near[0]}`?" if near else ""


def _same_arguments(path: str, name: str, one: Any, other: Callable[..., Any], otherwise: int = 1) -> None:
    """:raises RulesError: they do not take the same arguments"""
    code = getattr(one, "__code__", None)
    line = otherwise if code is None or code.co_filename != path else code.co_firstlineno
    taken, right = inspect.signature(one), inspect.signature(other)
    plain = [p for p in right.parameters.values() if p.kind is not p.KEYWORD_ONLY]
    named = {p.name: None for p in right.parameters.values() if p.kind is p.KEYWORD_ONLY}
    try:
        taken.bind(*plain, **named)
    except TypeError:
        raise RulesError(path, line, f"`{name}` takes {taken}, and has to take {right}") from None
