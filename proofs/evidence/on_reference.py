"""The trace of a finding that is no trace of the model: what breaks, judged as it was when it was found."""

from __future__ import annotations

from typing import Any

from model.properties import PROPERTIES, Kind
from proofs.evidence.structure import EvidenceFinding
from proofs.explain.request import request_of
from proofs.explore.running import RunningHost
from proofs.matrix import larger_blocks, lock_order
from proofs.refinement.judge import judge_comparison
from proofs.search.fulfilled import ON_REFERENCE
from proofs.search.on_reference import broken
from reference.status import HypervisorCrash, MisuseError

NO_TRACE = "there is no such trace"
OFFLINES = "nothing-offlined"
Events = tuple[dict[str, Any], ...]


def broken_on_reference(finding: EvidenceFinding) -> list[str]:
    """What is broken after the last event; one line that says so if it is no trace on the conditions."""
    header, _boot, *recorded = finding.trace
    events, nodes = tuple(request_of(event) for event in recorded), tuple(header["host"]["nodes"])
    if OFFLINES in finding.conditions and any(event["op"] == "offline_page" for event in events):
        return [NO_TRACE]
    try:
        return _broken(finding, nodes, events)
    except (MisuseError, HypervisorCrash, KeyError):
        return [NO_TRACE]


def _broken(finding: EvidenceFinding, nodes: tuple[int, ...], events: Events) -> list[str]:
    part = finding.property
    if part in larger_blocks.PARTS:
        keep = larger_blocks.KEPT.issuperset(finding.conditions) and all(e.get("domid") is None for e in events[-1:])
        return larger_blocks.broken_by(part, finding.semantics, nodes, events) if keep else [NO_TRACE]
    if part in PROPERTIES and PROPERTIES[part].kind is Kind.COMPARISON:
        return _compared(finding, nodes, events)
    running = RunningHost(finding.semantics, nodes, check_locks=True)
    if part == lock_order.NAME:
        return [f"{part}: {text}" for text in lock_order.passed_over(running, events) or [NO_TRACE]]
    for event in events:
        running.do(event)
    return broken(running, part) if part in ON_REFERENCE else []


def _compared(finding: EvidenceFinding, nodes: tuple[int, ...], events: Events) -> list[str]:
    """Two calls are compared, and the trace has one of them: the difference is searched for again."""
    again = judge_comparison(finding.property, finding.semantics, tuple(finding.conditions)).trace
    if again is None or (tuple(again.host["nodes"]), tuple(map(request_of, again.events))) != (nodes, events):
        return [NO_TRACE]
    return again.broken
