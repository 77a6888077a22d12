"""The fields of a scenario file, as the code states them: for docs/scenarios.md."""

from __future__ import annotations

import ast
import inspect
from itertools import pairwise

from docs._make.blocks import table
from proofs.simulate import scenario

TABLES = {
    "": "Scenario",
    "host": "ScenarioHost",
    "builds": "Builds",
    "running": "BallooningDomains",
    "dom0": "ControlDomain",
}
"""The tables of a file, and their classes."""


def fields() -> str:
    """Every field, its default, and what its class says of it."""
    classes = {n.name: n for n in ast.parse(inspect.getsource(scenario)).body if isinstance(n, ast.ClassDef)}
    body = []
    for prefix, name in TABLES.items():
        for field, after in pairwise([*classes[name].body, ast.Pass()]):
            if isinstance(field, ast.AnnAssign) and ast.unparse(field.target) not in TABLES:
                path = ".".join(filter(None, (prefix, ast.unparse(field.target))))
                body.append([f"`{path}`", _default(field.value), _text(after)])
    return table(["field", "default", "meaning"], body)


def _text(after: ast.stmt) -> str:
    """The string that stands below a field."""
    if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
        return " ".join(str(after.value.value).split())
    return ""


def _default(value: ast.expr | None) -> str:
    """A default as a file would write it."""
    if value is None:
        return "required"
    text = ast.unparse(value.args[0] if isinstance(value, ast.Call) else value)
    return {"None": "not set", "False": "`false`"}.get(text, f"`{text}`").replace("'", '"')
