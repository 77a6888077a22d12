"""The trace of a finding in a generation that is right where the finding's is wrong: refused there, or harmless."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import msgspec

from model.named import GENERATIONS
from proofs.evidence.structure import EvidenceCell, EvidenceFinding, Matrix, RepairedTrace
from proofs.explain.stage import Scene, Stage
from proofs.prover.verdict import Verdict
from proofs.search.fulfilled import ON_REFERENCE
from proofs.traces.events import HostShape
from reference.generations import GENERATIONS as OF_REFERENCE
from reference.state import all_locks

RIGHT = (Verdict.PROVED.value, Verdict.NOT_APPLICABLE.value)
HARMLESS = "harmless"
REFUSED = "refused"


def repaired(judged: Matrix, finding: EvidenceFinding) -> RepairedTrace | None:
    """How the events end in the next generation that is right; None if this run has no such generation.

    One that refuses them or takes no harm is preferred to one in which they cannot be done at all.
    """
    tried = []
    for name in _candidates(judged, finding):
        stage, there = _played(finding, name)
        outcome = _outcome(finding, stage, there)
        tried.append(RepairedTrace(name, outcome, _first_difference(played(finding, finding.semantics), there)))
        if outcome == HARMLESS or outcome.startswith(REFUSED):
            return tried[-1]
    return tried[0] if tried else None


def _candidates(judged: Matrix, finding: EvidenceFinding) -> list[str]:
    """The generations that are right: those that follow first, nearest first, of these those with a proof first.

    One that does not follow repairs nothing by not having what the property is about.
    """
    right = {v: {c.semantics for c in judged.cells if _same(c, finding) and c.verdict == v} for v in RIGHT}
    proved, _not_applicable = RIGHT
    ways = [*((following(finding.semantics), verdict) for verdict in RIGHT), (list(GENERATIONS), proved)]
    return list(dict.fromkeys(name for names, verdict in ways for name in names if name in right[verdict]))


def _same(cell: EvidenceCell, finding: EvidenceFinding) -> bool:
    """The same row, or the same on fewer conditions: none."""
    return cell.property == finding.property and cell.conditions in ([], finding.conditions)


def following(semantics: str) -> list[str]:
    """The generations that follow, nearest first."""
    found, open_names = [], deque([semantics])
    while open_names:
        before = open_names.popleft()
        for after in GENERATIONS.values():
            if before in after.follows and after.name not in found:
                found.append(after.name)
                open_names.append(after.name)
    return found


def played(finding: EvidenceFinding, semantics: str) -> list[Scene]:
    """The events of a finding on the reference of a generation, boot first; up to a crash."""
    return _played(finding, semantics)[1]


def _played(finding: EvidenceFinding, semantics: str) -> tuple[Stage, list[Scene]]:
    header, _boot, *events = finding.trace
    stage = Stage(semantics, msgspec.convert(header["host"], HostShape))
    scenes = [stage.boot()]
    for event in events:
        scenes.append(stage.play(_as_in(semantics, event)))
        if stage.ended:
            break
    return stage, scenes


def _as_in(semantics: str, event: dict[str, Any]) -> dict[str, Any]:
    """A claim on one node is a set of one entry, where claims are sets."""
    counters = OF_REFERENCE[semantics].claim_counters
    if event["op"] == "set_outstanding_pages" and "claim_node" not in counters and event.get("node") is not None:
        if "claims" in counters:
            claims = [{"pages": event["pages"], "target": event["node"]}]
            return {"op": "install_claim_set", "domid": event["domid"], "claims": claims}
        return {k: v for k, v in event.items() if k != "node"}
    return event


def _outcome(finding: EvidenceFinding, stage: Stage, there: list[Scene]) -> str:
    if stage.ended:
        return f"the host stops: {there[-1].crash}"
    with all_locks(stage.host):
        broken = ON_REFERENCE[finding.property](stage.host) if finding.property in ON_REFERENCE else []
    if broken:
        return f"broken there too: {broken[0]}"
    for number, scene in enumerate(there):
        if scene.refused:
            return f"{REFUSED} at event {number}: {scene.op}: {scene.result}"
        if scene.impossible:
            return f"cannot be done there: event {number}: {scene.op}: {scene.impossible}"
    return HARMLESS


def _first_difference(here: list[Scene], there: list[Scene]) -> str:
    """The first event of which the outcome, or who has which pages, is not the same."""
    for number, (one, other) in enumerate(zip(here, there, strict=False)):
        for name, a, b in _compared(one, other):
            if a != b:
                return f"event {number} {one.op}: {name}: {a or 'none'} / {b or 'none'}"
    return ""


def _compared(one: Scene, other: Scene) -> Iterator[tuple[str, str, str]]:
    """What can be compared though the counters of claims have other names: outcomes, pages, limits."""
    yield "result", one.result or one.crash, other.result or other.impossible or other.crash
    for a, b in zip(one.bars, other.bars, strict=False):
        for name in ("offline", "used", "limbo", "claimed", "host_wide", "unclaimed"):
            yield f"{a.name} {name}", _shown(getattr(a, name)), _shown(getattr(b, name))
    limits = ["; ".join(text for text in scene.changes if ".max_pages " in text) for scene in (one, other)]
    yield "limit", limits[0], limits[1]


def _shown(pages: int | dict[str, int]) -> str:
    return str(pages) if isinstance(pages, int) else ", ".join(f"{who} {n}" for who, n in sorted(pages.items()))
