"""docs/guarantees.md: what a claim guarantees a toolstack, release by release, from the stored verdicts."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from docs._make.blocks import Maker, table, write_documents
from docs._make.catalogue import RELEASES
from model.named import GENERATIONS
from model.properties.conditions import CONDITIONS
from proofs.matrix.cells import UP_TO, CellVerdict
from proofs.matrix.findings import path_of
from proofs.matrix.report import mark
from proofs.matrix.rows import MatrixRow
from proofs.matrix.verdicts import load
from proofs.prover.verdict import Verdict
from reference.constants import MEMF_no_owner
from reference.generations import GENERATIONS as OF_REFERENCE
from reference.page_alloc import alloc_heap_pages
from reference.state import boot, create_domain
from reference.status import Status

DOCUMENT = Path("docs/guarantees.md")
RECALL = "recall-minimal"
CLAIM_OF_ALL = ("claims-fulfilled.granted", "claims-fulfilled.delivered", "no-claims-lost")
"""A build completes if every page is granted, assigned, and no claim goes without a page."""
WITHOUT_CLAIMS = MatrixRow("unclaimed-only", ("claimants-refcounted",))
"""Requests without claims, and none of the special ones for a domain that has claims."""

AMONG_CLAIMANTS = MatrixRow("host-backed", ("nothing-offlined",))


@dataclass(frozen=True)
class Guarantee:
    """A row of the table: what a toolstack wants to rely on, and the properties that say it."""

    sentence: str
    parts: tuple[str, ...]
    """All of them have to hold."""
    lasts: bool = False
    """The claim has to last, too: where offlining takes claims back, nothing may go offline."""


GUARANTEES = (
    Guarantee("A granted host-wide claim: the build completes", CLAIM_OF_ALL, lasts=True),
    Guarantee(
        "A granted claim on nodes: the build completes there",
        ("claims-fulfilled.granted-on-node", *CLAIM_OF_ALL[1:]),
        lasts=True,
    ),
    Guarantee("A request without claims takes no claimed page", ("unclaimed-only",)),
    Guarantee("No other domain, running or being built, takes claimed pages", ("host-backed",)),
    Guarantee("No other domain's call lowers a claim", ("claims-protected.kept",)),
    Guarantee("No claimed page is lost on its way to the domain", ("no-claims-lost",)),
    Guarantee("No claim outlives its domain", ("dead-hold-nothing",)),
    Guarantee("Offlining: host-wide claims stay backed by free pages", ("host-backed",)),
    Guarantee("Offlining: claims on a node stay backed by its free pages", ("node-backed",)),
    Guarantee("Offlining takes back no more than the shortage", (RECALL,)),
    Guarantee(
        "Ballooning: a claim does not grow by pages that are given back",
        ("redeemed-once.claims-do-not-come-back",),
    ),
    Guarantee("Large pages: a claimed block comes in one piece", ("superpage-fulfilled.anywhere",)),
    Guarantee("Large pages: the same on a claimed node", ("superpage-fulfilled.node",)),
    Guarantee(
        "Migration: pages that arrive, and a claim, stay within max_pages",
        ("entitlement-without-limbo.pages-and-claims",),
    ),
)


@cache
def cells() -> dict[tuple[str, MatrixRow], CellVerdict]:
    """The stored verdicts, by generation and row."""
    return {(cell.semantics, cell.row): cell for cell in load()}


def _rows(name: str, part: str) -> list[CellVerdict]:
    """The verdicts on a part, without conditions first."""
    return [cell for (semantics, row), cell in cells().items() if semantics == name and row.part == part]


def ways(name: str, part: str) -> list[tuple[frozenset[str], bool]]:
    """The smallest sets of conditions on which a part is proved, and whether only up to a bound."""
    proved = [
        (frozenset(cell.row.conditions), cell.reason == UP_TO)
        for cell in _rows(name, part)
        if cell.verdict is Verdict.PROVED
    ]
    return [way for way in proved if not any(other[0] < way[0] for other in proved)]


def recalls(name: str) -> bool:
    """Whether offlining takes claims back."""
    return any(found.verdict is not Verdict.NOT_APPLICABLE for found in _rows(name, RECALL))


def together(name: str, guarantee: Guarantee) -> list[tuple[frozenset[str], bool]]:
    """The smallest sets of conditions on which all of it is proved, and whether only up to a bound."""
    lasting = {"nothing-offlined"} if guarantee.lasts and recalls(name) else set()
    found = [(frozenset(lasting), False)]
    for part in guarantee.parts:
        found = [(a | b, up or to) for a, up in found for b, to in ways(name, part)]
    unique = sorted(set(found), key=lambda way: (way[1], len(way[0]), sorted(way[0])))
    return [
        way for way in unique if not any(other != way and other[0] <= way[0] and other[1] <= way[1] for other in unique)
    ]


def refuted(name: str, parts: Iterable[str]) -> list[CellVerdict]:
    """The first trace against each part; where it is refuted on conditions too, that on most conditions."""
    found = []
    for part in parts:
        wrong = [cell for cell in _rows(name, part) if cell.verdict is Verdict.REFUTED]
        if wrong:
            found.append(wrong[0] if ways(name, part) else wrong[-1])
    return found


def numbers() -> dict[str, int]:
    """The conditions that the table names, each with its number."""
    used = {c for g in GUARANTEES for name in RELEASES.values() for way, _ in together(name, g) for c in way}
    return {name: number for number, name in enumerate((c for c in CONDITIONS if c in used), 1)}


def cell(name: str, guarantee: Guarantee) -> str:
    """A verdict, the numbers of its conditions, and a link to the trace or to the reason."""
    parts = guarantee.parts
    for part in parts:
        for found in _rows(name, part):
            if found.verdict is Verdict.NOT_APPLICABLE:
                return f"[does not apply](verdict-matrix.md#not-applicable-and-unknown): {found.reason}"
    holds, wrong = together(name, guarantee), refuted(name, parts)
    against = " ".join(dict.fromkeys(f"[{mark(w)}](generations/{name}.md#what-it-gets-wrong)" for w in wrong))
    if any(not way for way, _ in holds):
        return f"[yes](verdict-matrix.md#every-property-in-every-generation){_bound(holds[0][1])}"
    if holds:
        said = ", or if ".join(_numbers(way) + _bound(up) for way, up in holds)
        return f"if {said}; else {against}"
    decided = all(ways(name, part) or any(w.row.part == part for w in wrong) for part in parts)
    return f"**no** {against}" if decided else "unknown"


def _numbers(way: Iterable[str]) -> str:
    return " ".join(str(number) for number in sorted(numbers()[condition] for condition in way))


def _bound(up_to: bool) -> str:
    return " (4x4)" if up_to else ""


def overhead(name: str) -> str:
    """The hypervisor's own page for a domain, on a host whose free pages are all claimed: what the reference does."""
    host = boot((4,), 4, OF_REFERENCE[name], check_locks=False)
    domain = create_domain(host, 0, 4)
    claimed = host.semantics.set_outstanding_pages(host, domain, 4)
    assert claimed is Status.OK, name
    got = alloc_heap_pages(host, domain, 0, None, MEMF_no_owner)
    link = "claim-sets-weaknesses.md#page-tables-are-not-covered"
    return f"**no** [refused]({link})" if got is None else "yes"


def unrecalled(name: str) -> str:
    """Whether a claim stays when pages go offline; it then may have no pages."""
    if recalls(name):
        return "**no** [recalled](claim-sets-weaknesses.md#memory-goes-offline)"
    return "[yes](verdict-matrix.md#not-applicable-and-unknown)"


def guarantees() -> str:
    """The table."""
    body = [[g.sentence, *(cell(name, g) for name in RELEASES.values())] for g in GUARANTEES]
    at = next(number for number, g in enumerate(GUARANTEES) if RECALL in g.parts)
    body.insert(at, ["Offlining takes no claim back", *map(unrecalled, RELEASES.values())])
    body.append(
        ["Overhead: the claim covers the hypervisor's own memory for the domain", *map(overhead, RELEASES.values())]
    )
    return table(["guarantee", *RELEASES], body)


def releases() -> str:
    """Which generation's rules each release has."""
    body = [
        [release, f"[{name}](generations/{name}.md)", GENERATIONS[name].rules.summary]
        for release, name in RELEASES.items()
    ]
    return table(["release", "generation", "rules"], body)


def conditions() -> str:
    """The conditions that the table names, by their numbers."""
    return "\n".join(f"{number}. *{name}*: {CONDITIONS[name].sentence}." for name, number in numbers().items())


def all_or_none() -> str:
    """Of which generations "all VMs use claims, or no VM" is true."""
    wrong = [name for name in GENERATIONS if _is(name, WITHOUT_CLAIMS, Verdict.REFUTED)]
    listed = [release for release, name in RELEASES.items() if name in wrong]
    among = ", ".join(f"`{name}`" for name in GENERATIONS if _is(name, AMONG_CLAIMANTS, Verdict.REFUTED))
    return (
        f"It is true of {' and '.join(f'`{name}`' for name in wrong)} only, which patched hypervisors have, and of"
        f" {'the releases ' + ', '.join(listed) if listed else 'no release in the table'}. In the others a request"
        " without claims takes no claimed page. Domains *with* claims can compete for the same claimed pages in"
        f" {among} (`host-backed` if nothing-offlined is refuted there)."
    )


def _is(name: str, row: MatrixRow, verdict: Verdict) -> bool:
    found = cells().get((name, row))
    return found is not None and found.verdict is verdict


def traces() -> str:
    """The file of every trace that the table links to."""
    body = []
    for release, name in RELEASES.items():
        for found in dict.fromkeys(path_of(name, w.row) for g in GUARANTEES for w in refuted(name, g.parts)):
            body.append([release, f"`{found}`"])
    return table(["release", "trace"], body)


BLOCKS: dict[str, Maker] = {
    "guarantees": guarantees,
    "releases": releases,
    "conditions": conditions,
    "all-or-none": all_or_none,
    "traces": traces,
}


def main(arguments: list[str]) -> int:
    """Write the document."""
    return write_documents("guarantees", __doc__, arguments, [DOCUMENT], lambda: BLOCKS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
