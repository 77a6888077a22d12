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
    """The reference with the mistake of that name, for as long as the context lasts.

    :raises ValueError: the mistake is none of the reference
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
        raise ValueError(f"{name} is no mistake of the reference")


def overridden(name: str) -> dict[str, Generation]:
    """The generations that an override fits, each with it.

    :raises ValueError: the mistake is no override
    """
    mistake = CATALOGUE[name]
    if mistake.override is None:
        raise ValueError(f"{name} overrides nothing of the reference")
    return {fit: _spoiled(mistake.override, type(GENERATIONS[fit])) for fit in mistake.generations}


def _spoiled(override: type[Override], right: type[Generation]) -> Generation:
    spoiled: Generation = type(f"{right.__name__}With{override.__name__}", (override, right), {})()
    return spoiled


@contextmanager
def edited(mistake: Edit) -> Iterator[None]:
    """The reference with an edit, in this process, for as long as the context lasts.

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
        right_code, right.__code__ = right.__code__, made.__code__  # whoever imported it has the mistake, too
    try:
        yield
    finally:
        if classes:
            setattr(owner, name, right)
        else:
            right.__code__ = right_code


def _edited(source: str, mistake: Edit) -> str:
    if source.count(mistake.text) < 1:
        raise ValueError(f"{mistake.name}: {mistake.where} has no {mistake.text!r}")
    at = source.index(mistake.text)
    margin = at - (source.rfind("\n", 0, at) + 1)
    return source[:at] + mistake.instead.replace("\n", "\n" + " " * margin) + source[at + len(mistake.text) :]
