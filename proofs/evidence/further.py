"""Sections that other parts of the tool fill: each is one function from a request to tables.

A section is entered here by its name, what it is about, and its function; one without a function, or whose function
says so, is shown as not run, with the reason. What is entered here is on its page and in the JSON, JUnit and
Markdown files; `claimcheck verify` runs it again and compares everything but `seconds`. So a function:

- gives the same tables for the same request: seeds fixed, work bounded by counts and not by time;
- puts times into `Table.seconds`; with `Table.rate` a column is shown by the second; `Table.drawn` names the columns
  of a picture;
- sets `Tables.ok` to false if anything is not as claimed: the report then ends with 1;
- gives `SkippedSection` with a reason of a few words where a tool is missing or the request leaves nothing to do;
- raises KeyboardInterrupt if it was interrupted, as a part would look whole;
- tells `request.progress(name, done, of)` how far it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from proofs.evidence import explored, fuzzed, mutants, second_solver, simulated, spacer
from proofs.evidence.request import EvidenceRequest
from proofs.evidence.structure import SkippedSection, Tables


@dataclass(frozen=True)
class FurtherSection:
    """A section: what it shows, on which page of the report, and how it is made."""

    title: str
    page: str
    """`proofs`, `differential` or `scenarios`."""
    how: str
    """The command that does it by itself."""
    collect: Callable[[EvidenceRequest], Tables | SkippedSection] | None = None


FURTHER: dict[str, FurtherSection] = {
    "cross-check": FurtherSection("Second solver", "proofs", "claimcheck prove --cross-check", second_solver.collected),
    "spacer": FurtherSection(
        "An invariant that the solver found by itself", "proofs", "claimcheck prove --derive 2x2", spacer.collected
    ),
    "mutation": FurtherSection("Mutants, and what kills them", "proofs", "make mutation", mutants.collected),
    "diff": FurtherSection(
        "Reference against model, path by path", "differential", "claimcheck diff", explored.collected
    ),
    "fuzz": FurtherSection("Random interleavings", "differential", "claimcheck fuzz", fuzzed.collected),
    "scenarios": FurtherSection("What claims gain", "scenarios", "claimcheck simulate", simulated.collected),
}


def collected(name: str, request: EvidenceRequest) -> Tables | SkippedSection:
    """The section, or that it was not run."""
    section = FURTHER[name]
    if section.collect is None:
        return SkippedSection(f"`{section.how}` is not part of this report")
    return section.collect(request)
