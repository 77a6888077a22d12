"""Every operation of the model, with the plans that cover all its uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType

from model.calls import CALLS, SCRIPTS, exists

from . import claiming, lifetimes, pages, scripts, stashes
from .of_operations import DERIVED, plans_of
from .plan import Plan, Setting

Plans = Callable[[Setting], Iterator[Plan]]
_OTHER_NAMES = {
    "create_domain": lifetimes.create_domain_plans,
    "domain_destroy": lifetimes.domain_destroy_plans,
}


def _plans_of(name: str) -> Plans:
    if name in DERIVED:
        return partial(plans_of, DERIVED[name])
    if name in _OTHER_NAMES:
        return _OTHER_NAMES[name]
    modules = (scripts,) if name in SCRIPTS else (claiming, lifetimes, pages, stashes)
    found: Plans = next(getattr(module, name) for module in modules if _own(module, name))
    return found


def _own(module: ModuleType, name: str) -> bool:
    """Whether the module defines, and does not only import, a function of that name."""
    return getattr(getattr(module, name, None), "__module__", "") == module.__name__


OPERATIONS: dict[str, Plans] = {n: _plans_of(n) for n in (*CALLS, *SCRIPTS) if n not in stashes.WITHIN}
"""Plans by the model's names: calls of one critical section, then operations of several."""


def applies(name: str, semantics: str) -> bool:
    """Whether a generation has the operation."""
    return exists(name, semantics) and stashes.in_generation(name, semantics)
