"""Sections that other parts of the tool fill: each is one function from a request to tables.

A section is entered here by its name, what it is about, and its function; one without a function is shown as not run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from proofs.evidence.request import Request
from proofs.evidence.structure import NotRun, Tables


@dataclass(frozen=True)
class Further:
    """A section: what it shows, on which page of the report, and how it is made."""

    title: str
    page: str
    """`proofs` or `differential`."""
    how: str
    """The command that does it by itself."""
    collect: Callable[[Request], Tables | NotRun] | None = None


def _mutation(request: Request) -> Tables | NotRun:
    from proofs.mutation.section import collected

    return collected(request)


FURTHER: dict[str, Further] = {
    "cross-check": Further("Second solver", "proofs", "claimcheck prove --cross-check"),
    "spacer": Further("An invariant that the solver found by itself", "proofs", "claimcheck prove --spacer"),
    "mutation": Further("Mutants, and what kills them", "proofs", "make mutation", _mutation),
    "diff": Further("Reference against model, path by path", "differential", "claimcheck diff"),
    "fuzz": Further("Random interleavings", "differential", "claimcheck fuzz"),
}


def collected(name: str, request: Request) -> Tables | NotRun:
    """The section, or that it was not run."""
    section = FURTHER[name]
    if section.collect is None:
        return NotRun(f"`{section.how}` is not part of this report")
    return section.collect(request)
