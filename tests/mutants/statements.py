"""Operators on statements: each gives another body for one, with the statement before and what stands there after."""

from __future__ import annotations

import ast
from collections.abc import Iterator

Body = list[ast.stmt]
Other = tuple[str, Body, ast.AST, "ast.AST | None"]

_LEAVES = (ast.Return, ast.Raise, ast.Break, ast.Continue)


def of_body(function: ast.FunctionDef, body: Body, side: str) -> Iterator[Other]:
    """What may stand for a body, one statement changed."""
    parameters = {argument.arg for argument in function.args.args}
    for at, statement in enumerate(body):
        for operator, new in _of_statement(statement, parameters, side):
            rest = [*body[:at], *new, *body[at + 1 :]]
            yield operator, rest or [ast.Pass()], statement, new[0] if len(new) == 1 else _both(new)
        if at + 1 < len(body) and _may_be_swapped(statement, body[at + 1], side):
            swapped = [*body[:at], body[at + 1], statement, *body[at + 2 :]]
            yield "swap-steps", swapped, _both(body[at : at + 2]), _both([body[at + 1], statement])  # type: ignore[misc]  # two


def _both(statements: Body) -> ast.AST | None:
    if not statements:
        return None
    module = ast.Module([*statements], [])
    module.lineno = statements[0].lineno if hasattr(statements[0], "lineno") else 0  # type: ignore[attr-defined]  # to show it
    return module


def _of_statement(statement: ast.stmt, parameters: set[str], side: str) -> Iterator[tuple[str, Body]]:
    if isinstance(statement, ast.If):
        leaves = isinstance(statement.body[-1], _LEAVES)
        yield ("drop-guard" if leaves else "drop-branch"), statement.orelse
        if not leaves or statement.orelse:
            yield "drop-condition", statement.body
    elif isinstance(statement, ast.AugAssign):
        yield "drop-update", []
        # What is taken by a call is taken twice and counted once; a second call with the rest would take nothing.
        again = ast.Expr(statement.value) if isinstance(statement.value, ast.Call) else statement
        yield "do-twice", [again, statement]
        if isinstance(statement.op, (ast.Add, ast.Sub)):
            other: ast.operator = ast.Sub() if isinstance(statement.op, ast.Add) else ast.Add()
            yield "plus-minus", [ast.AugAssign(statement.target, other, statement.value)]
    elif isinstance(statement, ast.Assign):
        target = statement.targets[0]
        if not isinstance(target, (ast.Name, ast.Tuple)) or (isinstance(target, ast.Name) and target.id in parameters):
            yield "drop-update", []
    elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call) and not is_stated(statement):
        name = getattr(statement.value.func, "attr", "")
        guards = side == "model" and (name.startswith("guard") or name in _OF_A_SECTION)
        yield ("drop-guard" if guards else "drop-update"), []
        if side == "reference" or not _is_of_step(statement.value):
            yield "do-twice", [statement, statement]
    elif isinstance(statement, ast.Expr) and isinstance(statement.value, (ast.Yield, ast.YieldFrom)):
        yield ("drop-boundary" if isinstance(statement.value, ast.Yield) else "drop-update"), []
    elif isinstance(statement, (ast.Break, ast.Continue)):
        yield "drop-early-exit", [ast.Pass()]
    elif isinstance(statement, ast.With):
        yield from _locks(statement)


_OF_A_SECTION = ("premise", "check", "crash", "end")
"""What decides between the outcomes of a section (`model.operations.section`)."""
_STATED = ("value", "value_on_nodes", "loop", "hint")


def is_stated(statement: ast.stmt) -> bool:
    """Not what a step does, but what is to be shown of it, or helps to show it."""
    return _name(statement) in _STATED


def _is_of_step(call: ast.Call) -> bool:
    """A field is updated once in a step of the model: twice is refused."""
    return (
        isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id in ("step", "x")
    )


def _locks(statement: ast.With) -> Iterator[tuple[str, Body]]:
    items = statement.items
    if len(items) == 1:
        yield "drop-lock", statement.body
        return
    for at in range(len(items)):
        yield "drop-lock", [ast.With([*items[:at], *items[at + 1 :]], statement.body)]
    yield "swap-locks", [ast.With([*reversed(items)], statement.body)]


def _may_be_swapped(one: ast.stmt, other: ast.stmt, side: str) -> bool:
    """Both do something, and neither gives a name to what the other uses."""
    if side == "model":
        return False  # the order of guards and updates is no part of a relation
    return all(_does(statement) for statement in (one, other)) and not _independent(one, other)


def _independent(one: ast.stmt, other: ast.stmt) -> bool:
    """Each is arithmetic on a place that the other does not read, so their order does not matter."""
    if not isinstance(one, ast.AugAssign) or not isinstance(other, ast.AugAssign):
        return False
    if any(isinstance(node, ast.Call) for statement in (one, other) for node in ast.walk(statement)):
        return False
    return all(_place(a) not in _read(b) for a, b in ((one, other), (other, one)))


def _does(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Assign):
        return not any(isinstance(name, (ast.Name, ast.Tuple)) for name in statement.targets)
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, (ast.Call, ast.Yield))
    return isinstance(statement, ast.AugAssign) or (
        isinstance(statement, ast.If) and isinstance(statement.body[-1], _LEAVES)
    )


def _place(statement: ast.AugAssign) -> str:
    """The counter: its name, whatever it is a counter of."""
    target = statement.target
    while isinstance(target, ast.Subscript):
        target = target.value  # type: ignore[assignment]  # what is indexed can be assigned to
    return target.attr if isinstance(target, ast.Attribute) else ast.unparse(target)


def _read(statement: ast.AugAssign) -> set[str]:
    """All names in it."""
    nodes = list(ast.walk(statement))
    return {n.attr for n in nodes if isinstance(n, ast.Attribute)} | {n.id for n in nodes if isinstance(n, ast.Name)}


def _name(statement: ast.stmt) -> str:
    call = statement.value if isinstance(statement, ast.Expr) else None
    return call.func.attr if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) else ""


def of_failure(function: ast.FunctionDef, body: Body) -> Iterator[Other]:
    """A refused operation changes something all the same: the domain's claims are released."""
    domain = next((a.arg for a in function.args.args if _is_domain(a)), None)
    if domain is None or not any(a.arg == "host" for a in function.args.args):
        return
    for at, statement in enumerate(body):
        if isinstance(statement, ast.Return) and _is_failure(statement):
            release = ast.parse(f"host.semantics.set_outstanding_pages(host, {domain}, 0)").body
            yield "release-on-failure", [*body[:at], *release, *body[at:]], statement, _both([*release, statement])


def _is_domain(argument: ast.arg) -> bool:
    return argument.annotation is not None and ast.unparse(argument.annotation) == "Domain"


def _is_failure(statement: ast.Return) -> bool:
    value = statement.value
    if isinstance(value, ast.Constant):
        return value.value is None or value.value is False
    return isinstance(value, ast.Attribute) and ast.unparse(value.value) == "Status" and value.attr != "OK"
