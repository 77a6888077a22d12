"""The order in which findings are shown: what breaks a live design first, then older designs, the newest first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import TypeVar

from model.named import GENERATIONS
from proofs.evidence.structure import EvidenceFinding
from proofs.report.designs import LIVE, is_promise

CLASSES = (
    "A live design stops the host",
    "A live design breaks a promise",
    "A live design breaks a promise even on conditions",
    "A live design has no superpage where its claims cover one (no design promises it)",
    "An older design stops the host",
    "An older design breaks a promise",
    "An older design breaks a promise even on conditions",
    "An older design has no superpage where its claims cover one",
)
"""From the most severe to the least."""
Shown = TypeVar("Shown")


def severity(finding: EvidenceFinding) -> int:
    """The finding's place in CLASSES."""
    older = 0 if finding.semantics in LIVE else len(CLASSES) // 2
    if finding.property == "no-crash" or (finding.trace and "crash" in finding.trace[-1]):
        return older
    if not is_promise(finding.property):
        return older + 3
    return older + (2 if finding.conditions else 1)


def _age(semantics: str) -> int:
    if semantics in LIVE:
        return LIVE.index(semantics)
    return -list(GENERATIONS).index(semantics) if semantics in GENERATIONS else 1


def by_severity(
    shown: Iterable[Shown], finding_of: Callable[[Shown], EvidenceFinding]
) -> list[tuple[str, list[tuple[str, list[Shown]]]]]:
    """Title of each class, and its findings by generation, the shortest trace first."""

    def key(one: Shown) -> tuple[int, int, int]:
        finding = finding_of(one)
        return severity(finding), _age(finding.semantics), len(finding.trace)

    classes = groupby(sorted(shown, key=key), lambda one: severity(finding_of(one)))
    return [
        (
            CLASSES[number],
            [(name, list(group)) for name, group in groupby(found, lambda one: finding_of(one).semantics)],
        )
        for number, found in classes
    ]
