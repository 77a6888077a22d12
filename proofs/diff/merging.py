"""Helpers of the allocator that only look: their paths to the same result go on as one.

Sound because such a helper is explored to its end by itself, under the condition of the path that calls it; what
follows sees its result, under the disjunction of the conditions on which the helper gives it. That it changes nothing
is checked on each of its paths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from unittest.mock import patch

from proofs.diff.execution import Execution
from proofs.diff.numbers import ExplorationError
from proofs.diff.symbolic_host import looking
from reference import page_alloc
from reference.semantics import Request, Semantics
from reference.state import Host


class Raised(NamedTuple):
    """The helper raised an exception."""

    kind: type[Exception]
    message: str


class NotPure(ExplorationError):
    """A helper that was taken to only look changed the state."""


@contextmanager
def merged_helpers(x: Execution) -> Iterator[None]:
    """The host check and the node search are explored by themselves."""
    search = page_alloc.get_free_buddy

    def get_free_buddy(host: Host, request: Request) -> Any:
        return _merged(x, lambda: search(host, request))

    with patch.object(page_alloc, "get_free_buddy", get_free_buddy):
        yield


class MergedChecks:
    """A generation whose host check is explored by itself."""

    def __init__(self, x: Execution, semantics: Semantics) -> None:
        self._x = x
        self._semantics = semantics

    def __getattr__(self, name: str) -> Any:
        return getattr(self._semantics, name)

    def request_permitted(self, host: Host, request: Request) -> Any:
        """The host check."""
        return _merged(self._x, lambda: bool(self._semantics.request_permitted(host, request)))


def _merged(x: Execution, helper: Callable[[], Any]) -> Any:
    world, before = x.world, _looks(x.host)
    searched = None if world is None else world.now()

    def part() -> Any:
        if world is not None and searched is not None:
            world.set(searched)
        try:
            found = helper()
        except ExplorationError:
            raise
        except Exception as error:  # raised again where the helper is called
            found = Raised(type(error), str(error))
        if _looks(x.host) != before:
            raise NotPure
        return found, None if world is None else world.now()

    found, searched = x.explorer.merge(part)
    if world is not None and searched is not None:
        world.set(searched)
    if isinstance(found, Raised):
        raise found.kind(found.message)
    return found


def _looks(host: Host) -> list[int]:
    """The identities of all values of the state: an assignment changes one."""
    with looking(host):
        seen: list[Any] = [
            host.total_avail_pages,
            host.outstanding_claims,
            *host.node_avail_pages,
            *host.node_outstanding_claims,
            *(heap.free_pages for heap in host.heap),
            *host.pages.unavailable,
        ]
        for domain in host.domains.values():
            seen += [*domain.claims, domain.node_claims, domain.global_claims, domain.tot_pages, domain.max_pages]
            seen += [domain.charged_pages, domain.is_dying, domain.last_alloc_node]
        return [id(value) for value in seen]
