"""A mutant: a function with one mistake, and putting it in the place of the right one in this process."""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from msgspec import Struct

from proofs.evidence.mutants import Mutant
from tests.mutants.edits import edits_of

REFERENCE = ("claims", "page_alloc", "hypercalls", "domain", "node_search", "generation")
REFERENCE_GENERATIONS = ("claim_sets", "legacy", "per_node", "single_node", "parts")
MODEL = ("rules", "generations.legacy", "generations.per_node", "generations.single_node")
MODEL_OPERATIONS = (
    "claiming",
    "installing",
    "sets",
    "claim_transitions",
    "allocating",
    "exchanging",
    "freeing",
    "ledger",
    "page_transitions",
    "domains",
    "domain_transitions",
    "stashing",
)
MODEL_CALLS = ("allocating", "claims", "search")
SIDES: dict[str, tuple[str, ...]] = {
    "reference": (
        *(f"reference.{name}" for name in REFERENCE),
        *(f"reference.generations.{name}" for name in REFERENCE_GENERATIONS),
    ),
    "model": (
        *(f"model.{name}" for name in MODEL),
        *(f"model.operations.{name}" for name in MODEL_OPERATIONS),
        *(f"model.calls.{name}" for name in MODEL_CALLS),
    ),
}
"""The modules of which mutants are made: what operations do. The page table and the heap below them are not claims."""


LEFT_OUT = (
    "LimitReadUnlocked",
    "AllClaimsAtAlloc",
    "ClaimsCheckedAtAssign",
    "ClaimsTrimmed",
    "RedeemedAtAssign",
    "OthersKept",
    "changed",
    "_trim",
    "Rules.looks_at_limbo",
    "Rules.keeps_copies",
)
"""Rules that no generation has: alternatives that are judged as variants, and deliberate mistakes. And what no rule is:
which facts a proof is given, and which locks a table shows."""


class CompiledMutant(Struct, frozen=True):
    """A mutant with its code."""

    mutant: Mutant
    code: CodeType


def mutants(side: str, most: int | None = None) -> Iterator[CompiledMutant]:
    """The mutants of a side, in the order of the code. What gives the same code as another, or the right, is left out.

    :param most: the most mutants of one operator in one function, spread over them; None: all
    """
    for module in SIDES[side]:
        of_operator: dict[tuple[str, str], list[CompiledMutant]] = {}
        for made in of_module(module, side):
            of_operator.setdefault((made.mutant.function, made.mutant.operator), []).append(made)
        for found in of_operator.values():
            yield from found if most is None else spread(found, most)


def spread(found: list[CompiledMutant], most: int) -> list[CompiledMutant]:
    """At most so many, the first and others at equal distances."""
    count = min(most, len(found))
    return [found[at * len(found) // count] for at in range(count)]


def of_module(module: str, side: str) -> Iterator[CompiledMutant]:
    """All mutants of one module."""
    path = source_of(module)
    tree = ast.parse(path.read_text())
    for function, outer in _functions(tree):
        qualified = ".".join([*(c.name for c in outer), function.name])
        if qualified in LEFT_OUT or qualified.partition(".")[0] in LEFT_OUT:
            continue
        yield from _of_function(function, outer, side, module, qualified, str(path))


def source_of(module: str) -> Path:
    """The file of a module."""
    return Path(str(import_module(module).__file__))


def _functions(tree: ast.Module) -> Iterator[tuple[ast.FunctionDef, list[ast.ClassDef]]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node, []
        elif isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef):
                    yield method, [node]


def _of_function(
    function: ast.FunctionDef, outer: list[ast.ClassDef], side: str, module: str, qualified: str, path: str
) -> Iterator[CompiledMutant]:
    seen = {ast.dump(function)}
    counts: dict[str, int] = {}
    right = function_of(module, qualified).__code__.co_freevars
    for edit in edits_of(function, side):
        with edit.made():
            text = ast.dump(function)
            if text in seen:
                continue
            seen.add(text)
            code = _compiled(function, outer, path)
        if code is None or code.co_freevars != right:
            continue
        counts[edit.operator] = number = counts.get(edit.operator, 0) + 1
        key = hashlib.sha256(f"{module} {qualified} {text}".encode()).hexdigest()[:16]
        line = edit.line or function.lineno
        yield CompiledMutant(
            Mutant(key, side, module, qualified, edit.operator, number, line, edit.before, edit.after), code
        )


def _compiled(function: ast.FunctionDef, outer: list[ast.ClassDef], path: str) -> CodeType | None:
    """The function's code; none where the edit left no Python."""
    plain = ast.FunctionDef(function.name, function.args, function.body, [], None, None)
    body: list[ast.stmt] = [ast.copy_location(plain, function)]
    if outer:
        body = [ast.copy_location(ast.ClassDef(outer[0].name, [], [], body, []), outer[0])]
    future = ast.ImportFrom("__future__", [ast.alias("annotations")], 0)
    module = ast.fix_missing_locations(ast.Module([future, *body], []))
    try:
        code: Any = compile(module, path, "exec", dont_inherit=True)
    except SyntaxError:
        return None
    for name in [*(c.name for c in outer), function.name]:
        code = next(c for c in code.co_consts if isinstance(c, CodeType) and c.co_name == name)
    return code  # type: ignore[no-any-return]  # it is one


def function_of(module: str, qualified: str) -> FunctionType:
    """The function object itself, beneath a cache or a property."""
    found: Any = sys.modules[module]
    for name in qualified.split("."):
        found = vars(found)[name]
    found = getattr(found, "fget", found)
    found = getattr(found, "__func__", found)
    function: FunctionType = getattr(found, "__wrapped__", found)
    return function


def put(made: CompiledMutant) -> None:
    """From now on this process has the mistake: whoever holds the function calls the mutant."""
    mutant = made.mutant
    function_of(mutant.module, mutant.function).__code__ = made.code
    cached: Any = getattr(sys.modules[mutant.module], mutant.function, None)
    if hasattr(cached, "cache_clear"):
        cached.cache_clear()
