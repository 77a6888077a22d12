"""The differences in code between two generations, and the size of each."""

import ast
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from difflib import unified_diff
from functools import cache
from pathlib import Path
from typing import Any

from model import generations
from model.generations import parts
from model.generations.generation import Generation
from model.named import GENERATIONS
from model.rules import Rules
from reference.generations import GENERATIONS as OF_REFERENCE
from reference.generations import parts as reference_parts

MODULES = [module for module in vars(generations).values() if inspect.ismodule(module)]
"""The modules of generations, and of what generations share."""
LARGEST = 120
"""The most lines that a generation may have, in the reference and in the model."""


@dataclass(frozen=True)
class RuleChange:
    """A point of variation, and the choice of either generation."""

    rule: str
    before: str
    after: str


def rule_changes(before: str, after: str) -> list[RuleChange]:
    """The rules of the model that differ, and the transitions that only one of the two has."""
    one, other = GENERATIONS[before], GENERATIONS[after]
    found = []
    for f in fields(Rules):
        values = [getattr(semantics.rules, f.name) for semantics in (one, other)]
        if f.name not in ("name", "summary", "interface") and values[0] != values[1]:
            found.append(RuleChange(f.name, *map(_shown, values)))
    for name in [*one.transitions, *(t for t in other.transitions if t not in one.transitions)]:
        if (name in one.transitions) != (name in other.transitions):
            found.append(
                RuleChange(f"transition {name}", *("yes" if name in s.transitions else "no" for s in (one, other)))
            )
    return found


def _shown(value: Any) -> str:
    if callable(value):
        sentence = (inspect.getdoc(value) or "").splitlines()[0]
        return f"{value.__name__} ({sentence})"
    return str(value)


def reference_diff(before: str, after: str) -> list[str]:
    """A unified diff of the two classes of the reference, without what they inherit from other generations."""
    texts = [[line for part in reference_source(name) for line in part] for name in (before, after)]
    return list(unified_diff(texts[0], texts[1], before, after, lineterm=""))


def reference_source(name: str) -> list[list[str]]:
    """The source lines of a generation's class in the reference, and of its parts."""
    cls = type(OF_REFERENCE[name])
    own = [] if cls.__module__ == reference_parts.__name__ else [cls]  # a variant has no text of its own
    used = [c for c in cls.__mro__ if c.__module__ == reference_parts.__name__ and c.__name__ != "Variant"]
    return [inspect.getsource(c).splitlines() for c in (*own, *used)]


@cache
def lines_of_code() -> dict[str, tuple[int, int]]:
    """For every generation of the tree: its lines in reference and model, with the functions that only it uses."""
    return {name: (_reference_lines(name), lines) for name, lines in _model_lines().items()}


def _reference_lines(name: str) -> int:
    cls = type(OF_REFERENCE[name])
    module = inspect.getmodule(cls)
    classes = [c for c in vars(module).values() if inspect.isclass(c) and c.__module__ == cls.__module__]
    first = min((c for c in classes if c.__name__ in {type(s).__name__ for s in OF_REFERENCE.values()}), key=_starts)
    shared = [f for f in vars(module).values() if inspect.isfunction(f) and f.__module__ == cls.__module__]
    own = sum(len(text) for text in reference_source(name))
    return own + (sum(len(inspect.getsource(f).splitlines()) for f in shared) if cls is first else 0)


def _starts(cls: type) -> int:
    return inspect.getsourcelines(cls)[1]


def _model_lines() -> dict[str, int]:
    """For each generation: its assignment, and the functions above it that no earlier generation uses."""
    found: dict[str, int] = {}
    for module in MODULES:
        tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
        functions: dict[str, int] = {n.name: _length(n) for n in tree.body if isinstance(n, ast.FunctionDef)}
        for node in tree.body:
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            value = getattr(module, target.id, None) if isinstance(target, ast.Name) else None
            if isinstance(value, Generation):
                names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
                used = [functions.pop(n) for n in sorted(names) if n in functions]
                found[value.name] = _length(node) + sum(used)
    found["claim-sets-hardened"] += sum(inspect.getsource(c).count("\n") for c in _hardening_rules())
    return {name: found[name] for name in GENERATIONS if name in found}


def _hardening_rules() -> list[Callable[..., Any]]:
    return [parts.PARTS[part][1] for part in parts.HARDENING]


def _length(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1
