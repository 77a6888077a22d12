"""The reference with a deliberate mistake in this process."""

from __future__ import annotations

import importlib
import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from proofs.mistakes.catalogue import CATALOGUE
from proofs.mistakes.edits import Edit
from proofs.mistakes.override import Override
from reference.generation import Generation
from reference.generations import GENERATIONS


@contextmanager
def planted(name: str) -> Iterator[None]:
    """The reference has the mistake of that name while the context lasts.

    :raises ValueError: the reference has no mistake of that name
    """
    mistake = CATALOGUE[name]
    if mistake.edit is not None:
        with edited(mistake.edit):
            yield
    elif mistake.override is not None:
        right = dict(GENERATIONS)
        GENERATIONS.update(overridden(name))
        try:
            yield
        finally:
            GENERATIONS.update(right)
    else:
        raise ValueError(f"the reference has no mistake named {name}")


def overridden(name: str) -> dict[str, Generation]:
    """The generations to which an override applies, each with it.

    :raises ValueError: the mistake is not an override
    """
    mistake = CATALOGUE[name]
    if mistake.override is None:
        raise ValueError(f"mistake {name} does not override a rule of the reference")
    return {fit: _spoiled(mistake.override, type(GENERATIONS[fit])) for fit in mistake.generations}


def _spoiled(override: type[Override], right: type[Generation]) -> Generation:
    spoiled: Generation = type(f"{right.__name__}With{override.__name__}", (override, right), {})()
    return spoiled


@contextmanager
def edited(mistake: Edit) -> Iterator[None]:
    """The reference has the edit, in this process, while the context lasts.

    :raises ValueError: the source has no such text
    """
    module_name, _, path = mistake.where.partition(":")
    module = importlib.import_module(module_name)
    owner: Any = module
    *classes, name = path.split(".")
    for part in classes:
        owner = getattr(owner, part)
    right = owner.__dict__[name] if classes else getattr(owner, name)
    source = textwrap.dedent(inspect.getsource(right))
    changed = _edited(source, mistake)
    scope: dict[str, Any] = dict(vars(module))
    if classes:
        scope["__class__"] = owner
    exec(compile(changed, f"<{mistake.name}>", "exec"), scope)
    made = scope[name]
    if classes:
        setattr(owner, name, made)
    else:
        right_code, right.__code__ = right.__code__, made.__code__  # modules that imported it get the mistake, too
    try:
        yield
    finally:
        if classes:
            setattr(owner, name, right)
        else:
            right.__code__ = right_code


def _edited(source: str, mistake: Edit) -> str:
    if source.count(mistake.text) < 1:
        raise ValueError(f"mistake {mistake.name}: {mistake.where} does not contain {mistake.text!r}")
    at = source.index(mistake.text)
    margin = at - (source.rfind("\n", 0, at) + 1)
    return source[:at] + mistake.instead.replace("\n", "\n" + " " * margin) + source[at + len(mistake.text) :]
