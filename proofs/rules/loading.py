"""A file of rules, read: its two halves, checked, and known by name from then on."""

from __future__ import annotations

import hashlib
import inspect
import linecache
import re
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from model.generations import GENERATIONS
from model.generations.generation import Generation
from proofs.rules import LOADED, LoadedRules, RulesError, RulesFile, last_line, said
from proofs.rules.checks import check_model, check_reference
from reference.generation import Generation as ReferenceGeneration
from reference.generations import GENERATIONS as OF_REFERENCE

NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")
_VALUE = re.compile(r"^\w+\s*(:[^=]*)?=\s*\(?\s*\w*(replace|Generation|changed)\(")
"""Where a file gives the model's half."""


def load(path: str) -> LoadedRules:
    """Read a file, and make its generation known.

    :raises RulesError: it cannot be read, or is not both halves of one generation; says where
    """
    try:
        text = Path(path).read_bytes().decode("utf-8")
    except OSError as error:
        raise RulesError(path, 0, error.strerror or str(error)) from None
    except UnicodeDecodeError as error:
        raise RulesError(path, error.object[: error.start].count(b"\n") + 1, "not UTF-8") from None
    return add(RulesFile(path, text))


def add(file: RulesFile) -> LoadedRules:
    """Make the generation of a file known, unless it is.

    :raises RulesError: as `load`
    """
    known = next((one for one in LOADED.values() if one.file == file), None)
    if known is not None:
        return known
    cls, value = _halves(file, _imported(file))
    base = _base(file, cls, value)
    check_reference(file.path, cls)
    check_model(file.path, _line_of(file, _VALUE), value, GENERATIONS[base])
    try:
        OF_REFERENCE[value.name] = cls()
    except Exception as error:
        raise RulesError(file.path, _class_line(file, cls), f"{cls.__name__}(): {said(error)}") from None
    GENERATIONS[value.name] = value if base in value.follows else replace(value, follows=(base,))
    LOADED[value.name] = LoadedRules(file, value.name, base)
    return LOADED[value.name]


def forget(name: str) -> None:
    """The generation of that name, from a file, is not known any more."""
    del LOADED[name], GENERATIONS[name], OF_REFERENCE[name]


def _imported(file: RulesFile) -> ModuleType:
    """The module of a file.

    :raises RulesError: it is no Python, or cannot be imported
    """
    name = f"claimcheck_rules_{hashlib.sha256(repr(file).encode()).hexdigest()[:16]}"
    module = ModuleType(name)
    module.__file__ = file.path
    linecache.cache[file.path] = (len(file.text), None, file.text.splitlines(keepends=True), file.path)
    sys.modules[name] = module  # what describes a class looks for its module there
    try:
        exec(compile(file.text, file.path, "exec", dont_inherit=True), module.__dict__)
    except (Exception, SystemExit) as error:
        line = last_line(file.path, error)
        if isinstance(error, SyntaxError) and not line:
            raise RulesError(file.path, error.lineno or 0, f"{type(error).__name__}: {error.msg}") from None
        raise RulesError(file.path, line, said(error)) from None
    return module


def _halves(file: RulesFile, module: ModuleType) -> tuple[type[ReferenceGeneration], Generation]:
    """The class and the value.

    :raises RulesError: one is missing, there are several, or their names do not fit
    """
    there = vars(module).values()
    classes = list(
        dict.fromkeys(
            one
            for one in there
            if inspect.isclass(one) and issubclass(one, ReferenceGeneration)
            if one.__module__ == module.__name__ and "name" in vars(one)
        )
    )
    in_tree = {id(one) for one in GENERATIONS.values()}
    public = {id(one): one for name, one in vars(module).items() if isinstance(one, Generation) and name[0] != "_"}
    values = [one for number, one in public.items() if number not in in_tree]
    if not classes:
        raise RulesError(file.path, 1, "no half for the reference: a class derived from ClaimSets, with a `name`")
    cls = classes[0]
    line = _class_line(file, cls)
    if not values:
        raise RulesError(file.path, line, f"no half for the model of {cls.name!r}: MODEL = replace(CLAIM_SETS, ...)")
    if len(classes) > 1:
        named = ", ".join(one.__name__ for one in classes)
        raise RulesError(file.path, _class_line(file, classes[1]), f"one generation per file, not several: {named}")
    if len(values) > 1:
        named = ", ".join(one.name for one in values)
        raise RulesError(file.path, line, f"one generation per file; for the model there are several: {named}")
    if not isinstance(cls.name, str) or not NAME.fullmatch(cls.name):
        raise RulesError(file.path, line, f"the name {cls.name!r}: only lower-case letters, digits, `-` and `.`")
    if cls.name in GENERATIONS or cls.name in OF_REFERENCE:
        raise RulesError(file.path, line, f"there is a generation {cls.name!r}: give this one another name")
    if values[0].name != cls.name:
        both = f"the reference's half is named {cls.name!r}, the model's {values[0].name!r}"
        raise RulesError(file.path, line, f"{both}: they have to be the same")
    return cls, values[0]


def _base(file: RulesFile, cls: type[ReferenceGeneration], value: Generation) -> str:
    """:raises RulesError: there is none"""
    by_class = {type(one): name for name, one in OF_REFERENCE.items()}
    for ancestor in cls.__mro__[1:]:
        if ancestor in by_class:
            return by_class[ancestor]
    known = [name for name in value.follows if name in GENERATIONS]
    if not known:
        why = f"{cls.__name__} is derived from no generation, and `follows` names none"
        raise RulesError(file.path, _class_line(file, cls), why)
    return known[0]


def _class_line(file: RulesFile, cls: type) -> int:
    return _line_of(file, re.compile(rf"^class\s+{re.escape(cls.__name__)}\b"))


def _line_of(file: RulesFile, pattern: re.Pattern[str]) -> int:
    """The first line that matches, else the first of the file."""
    return next((number for number, line in enumerate(file.text.splitlines(), 1) if pattern.search(line)), 1)
