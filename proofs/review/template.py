"""A file of rules to begin with: every rule of the base as a comment, worked out, from the code itself.

Uncommented, every rule does what the base does. Comments that begin with `#:` are sentences of the code.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import model
from model.generations import GENERATIONS
from model.rules import Rules
from proofs.rules import LOADED
from proofs.rules.loading import NAME
from reference.generation import Generation as ReferenceGeneration
from reference.generations import GENERATIONS as OF_REFERENCE

LEFT_OUT = ("name", "claim_counters", "reserved_field", "get_memory_claims")
"""What no rule of claims is: how observers and callers name things."""
BOTH_HALVES = re.compile(r"\bRequest\b")
"""A name that reference and model have: the model's begins with Model."""
WIDTH = 116


class NotANameError(Exception):
    """Nothing that a generation can be named; says why."""


def template(name: str, base: str) -> str:
    """The text of the file.

    :raises NotANameError: a generation cannot have that name
    :raises KeyError: there is no such base
    """
    if not NAME.fullmatch(name):
        raise NotANameError("only lower-case letters, digits, `-` and `.`")
    if name in GENERATIONS:
        raise NotANameError("there is such a generation; choose another name")
    if base in LOADED:
        raise NotANameError(f"{base} is in {LOADED[base].file.path}: copy that file")
    writer = _Writer(name, base)
    return writer.text()


def documented_rules() -> dict[str, str]:
    """The fields of the model's rules, each with the sentence below it in the code."""
    (cls,) = ast.parse(textwrap.dedent(inspect.getsource(Rules))).body
    assert isinstance(cls, ast.ClassDef)
    found: dict[str, str] = {}
    last = ""
    for node in cls.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            last = node.target.id
            found[last] = ""
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and last:
            found[last] = " ".join(str(node.value.value).split())
            last = ""
        else:
            last = ""
    return found


class _Writer:
    """Writes the file for one base."""

    def __init__(self, name: str, base: str) -> None:
        self.name, self.base = name, base
        self.cls = type(OF_REFERENCE[base])
        module, self.variable = _place(base)
        self.imports: dict[str, set[str]] = {self.cls.__module__: {self.cls.__name__}, module: {self.variable}}

    def text(self) -> str:
        """All of it. The imports are known when the rest is written."""
        reference, functions, rules = "\n".join(self._reference()), self._functions(), "\n".join(self._model())
        title = self.name.replace(".", "-").title().replace("-", "")
        cls = title if title[0].isalpha() else f"Rules{title}"
        return (
            f'"""`{self.name}`: {self.base} with ... (say what the patch changes).\n\n'
            "Uncomment a rule (`#:` begins a sentence about it) and change it, in both halves. As it stands, a rule\n"
            "does what the base does.\n"
            f'Then: claimcheck review {self.name}.py\n"""\n\n'
            f"{self._imported()}\n\n\n"
            f"class {cls}({self.cls.__name__}):\n"
            f'    """The half for the reference: what the hypervisor does, step by step."""\n\n'
            f'    name = "{self.name}"\n{reference}\n\n'
            f"{functions}"
            "#: The half for the model: what the hypervisor must do.\n"
            f"MODEL = replace(\n    {self.variable},\n    rules=replace(\n        {self.variable}.rules,\n"
            f'        name="{self.name}",\n        summary="{self.base} with ...",\n{rules}\n    ),\n)\n'
        )

    def _imported(self) -> str:
        lines = ["from dataclasses import replace", ""]
        for module in sorted(self.imports):
            names = sorted(self.imports[module], key=lambda n: (n.split(" as ")[-1].isupper() is False, n))
            whole = f"from {module} import {', '.join(names)}"
            wrapped = textwrap.wrap(", ".join(names) + ",", WIDTH - 4)
            lines += (
                [whole] if len(whole) <= WIDTH else [f"from {module} import (", *(f"    {w}" for w in wrapped), ")"]
            )
        return "\n".join(lines)

    def _reference(self) -> Iterator[str]:
        annotated = inspect.get_annotations(ReferenceGeneration)  # values before methods, as in the class
        for name in (*annotated, *(n for n in vars(ReferenceGeneration) if n not in annotated)):
            if name.startswith("_") or name in LEFT_OUT:
                continue
            owner = next(one for one in self.cls.__mro__ if name in vars(one))
            value = inspect.getattr_static(owner, name)
            yield ""
            if isinstance(value, FunctionType):
                yield from (f"    # {line}".rstrip() for line in self._method(name, value))
            else:
                sentence = _documented_values().get(name, "")
                yield from (f"    #: {line}" for line in textwrap.wrap(sentence, WIDTH - 7))
                yield f"    # {name} = {value!r}"

    def _method(self, name: str, value: FunctionType) -> list[str]:
        """The source of a method; where it calls the one it overrides, a call of it."""
        lines = textwrap.dedent(inspect.getsource(value)).splitlines()
        body = ast.parse("\n".join(lines)).body[0]
        assert isinstance(body, ast.FunctionDef)
        self._need(value, body, annotations=True)
        if "super()" not in "\n".join(lines):
            self._need(value, body)
            return lines
        head = lines[: body.body[0].lineno - 1]
        doc = inspect.getdoc(value) or inspect.getdoc(getattr(ReferenceGeneration, name)) or ""
        named = [arg.arg for arg in body.args.args[1:]] + [f"{a.arg}={a.arg}" for a in body.args.kwonlyargs]
        said = [f'    """{doc.splitlines()[0]}"""'] if doc else []
        return [*head, *said, f"    return super().{name}({', '.join(named)})"]

    def _model(self) -> Iterator[str]:
        rules, documented = GENERATIONS[self.base].rules, documented_rules()
        for rule in fields(Rules):
            if rule.name in ("name", "summary", "interface"):
                continue
            value = getattr(rules, rule.name)
            sentence = documented[rule.name] or _sentence(value)
            yield from (f"        #: {line}" for line in textwrap.wrap(sentence, WIDTH - 11))
            if isinstance(value, FunctionType):
                yield from (f"        #:   {line}" for line in self._others(rule.name, value))
                yield f"        # {rule.name}={value.__name__ if self._is_known(value) else _own_name(value)},"
            else:
                yield f"        # {rule.name}={value!r},"

    def _others(self, rule: str, value: FunctionType) -> Iterator[str]:
        """What other generations have there: it can be imported."""
        seen = {value}
        for generation in GENERATIONS.values():
            other = getattr(generation.rules, rule)
            if other not in seen and generation.name not in LOADED:
                seen.add(other)
                text = f"{generation.name} has {other.__module__}.{other.__name__}: {_sentence(other)}"
                yield from textwrap.wrap(text, WIDTH - 12, subsequent_indent="  ", break_on_hyphens=False)

    def _functions(self) -> str:
        """The functions of the model's rules, to be changed."""
        blocks = []
        for rule in fields(Rules):
            value = getattr(GENERATIONS[self.base].rules, rule.name)
            if not isinstance(value, FunctionType):
                continue
            if self._is_known(value):
                self.imports.setdefault(value.__module__, set()).add(value.__name__)
                continue
            lines = inspect.getsource(value).splitlines()
            tree = ast.parse("\n".join(lines)).body[0]
            assert isinstance(tree, ast.FunctionDef)
            self._need(value, tree)
            self._need(value, tree, annotations=True)
            lines[0] = lines[0].replace(f"def {value.__name__}(", f"def {_own_name(value)}(", 1)
            lines = [BOTH_HALVES.sub(r"Model\g<0>", line) for line in lines]
            blocks.append("\n".join(f"# {line}".rstrip() for line in lines))
        return "".join(f"\n{block}\n\n" for block in dict.fromkeys(blocks))

    @staticmethod
    def _is_known(function: FunctionType) -> bool:
        """Whether the model compares with this very function: a copy of it would be another rule."""
        return re.search(rf"\bis (not )?{function.__name__}\b", _text_of_model()) is not None

    def _need(self, function: Callable[..., Any], tree: ast.FunctionDef, annotations: bool = False) -> None:
        """Import what a function's text names."""
        found = inspect.getmodule(function)
        assert found is not None
        nodes: list[ast.AST] = [*tree.body]
        if annotations:
            nodes = [a for arg in (*tree.args.args, *tree.args.kwonlyargs) if (a := arg.annotation) is not None]
            nodes += [tree.returns] if tree.returns is not None else []
        for node in [one for root in nodes for one in ast.walk(root)]:
            if isinstance(node, ast.Name) and hasattr(found, node.id):
                self._import(found, node.id)

    def _import(self, where: ModuleType, name: str) -> None:
        value = getattr(where, name)
        if isinstance(value, ModuleType):
            parent, _, own = value.__name__.rpartition(".")
            self.imports.setdefault(parent, set()).add(own if own == name else f"{own} as {name}")
            return
        home = getattr(value, "__module__", None)
        if BOTH_HALVES.fullmatch(name) and where.__name__.startswith("model."):
            self.imports.setdefault(value.__module__, set()).add(f"{name} as Model{name}")
            return
        there = home if home in sys.modules and getattr(sys.modules[home], name, None) is value else where.__name__
        if there != self.cls.__module__ or name != self.cls.__name__:
            self.imports.setdefault(there, set()).add(name)


def _documented_values() -> dict[str, str]:
    """The values of the reference's rules, each with the sentence below it in the code."""
    (cls,) = ast.parse(textwrap.dedent(inspect.getsource(ReferenceGeneration))).body
    assert isinstance(cls, ast.ClassDef)
    found = {}
    for node, after in zip(cls.body, cls.body[1:], strict=False):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and isinstance(after, ast.Expr):
            assert isinstance(after.value, ast.Constant)
            found[node.target.id] = " ".join(str(after.value.value).split())
    return found


@cache
def _text_of_model() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in Path(str(model.__file__)).parent.rglob("*.py"))


def _own_name(function: FunctionType) -> str:
    return f"my_{function.__name__}"


def _sentence(value: Any) -> str:
    return (inspect.getdoc(value) or "").splitlines()[0] if callable(value) else ""


def _place(base: str) -> tuple[str, str]:
    """The module and the variable of a generation's value."""
    for name, module in sorted(sys.modules.items()):
        if re.fullmatch(r"model\.generations\.\w+", name):
            for variable, value in vars(module).items():
                if value is GENERATIONS[base] and not variable.startswith("_"):
                    return name, variable
    raise KeyError(base)
