"""Recorded files, replayed on the reference."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from proofs.evidence.request import CHECKOUT, EvidenceRequest
from proofs.evidence.structure import Conformance, ReplayedRecording, SkippedSection
from proofs.file_replay import replay_file
from proofs.parallel import in_processes

FOLDER = CHECKOUT / "tests/data/conformance"


def conformance(request: EvidenceRequest) -> Conformance | SkippedSection:
    """Every recording in the checkout, of the requested generations, with every lock checked."""
    started = time.perf_counter()
    files = paths(request)
    if not files:
        return SkippedSection(f"no recordings of {', '.join(request.semantics)} in this checkout")
    found: dict[int, ReplayedRecording] = {}
    for index, recording in in_processes(replayed, files, request.jobs):
        found[index] = recording
        request.progress("conformance", len(found), len(files))
    if len(found) < len(files):
        raise KeyboardInterrupt
    return Conformance(files=[found[i] for i in sorted(found)], seconds=time.perf_counter() - started)


def paths(request: EvidenceRequest) -> list[Path]:
    """The recordings of the requested generations."""
    return [p for p in sorted(FOLDER.glob("*.jsonl.gz")) if p.name.removesuffix(".jsonl.gz") in request.semantics]


def replayed(path: Path) -> ReplayedRecording:
    """One of them. Ctrl-C raises KeyboardInterrupt: a part would look whole."""
    result = replay_file(str(path), check_locks=True)
    if result.interrupted:
        raise KeyboardInterrupt
    wrong = [str(written.divergence) for written in result.divergences] + ([result.error] if result.error else [])
    return ReplayedRecording(
        file=path.relative_to(CHECKOUT).as_posix(),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        semantics=result.semantics,
        traces=result.traces,
        events=result.events,
        comparisons=result.comparisons,
        divergences=wrong,
        skipped=result.skipped,
        broken=result.broken,
        seconds=round(result.seconds, 3),
    )
