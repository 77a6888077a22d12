"""Every operation of the model, with the plans that ask for it in all ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from model.calls import CALLS, SCRIPTS, exists

from . import claiming, pages, scripts
from .plan import Plan, Setting

Plans = Callable[[Setting], Iterator[Plan]]
_OTHER_NAMES = {
    "create_domain": claiming.create_domain_plans,
    "domain_destroy": claiming.domain_destroy_plans,
}


def _plans_of(name: str) -> Plans:
    module = scripts if name in SCRIPTS else claiming if hasattr(claiming, name) else pages
    found: Plans = _OTHER_NAMES[name] if name in _OTHER_NAMES else getattr(module, name)
    return found


OPERATIONS: dict[str, Plans] = {name: _plans_of(name) for name in (*CALLS, *SCRIPTS)}
"""By the model's names: calls of one critical section, then operations of several."""


def applies(name: str, semantics: str) -> bool:
    """Whether a generation has the operation."""
    return exists(name, semantics)
