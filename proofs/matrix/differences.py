"""Where a generation first behaves differently from the one that it follows, as files: one trace on each of the two."""

import math
from pathlib import Path

from model.named import GENERATIONS
from proofs.matrix.difference import DifferenceRequest, GenerationDifference, difference
from proofs.matrix.findings import FOLDER, as_good, recorded
from proofs.search.events import Trace
from proofs.traces.events import least_span
from proofs.versions import versions

DIFFERENCES = FOLDER.parent / "differences"
DEPTH = 4
"""Events at most."""


FURTHER: dict[tuple[str, str, str], DifferenceRequest] = {
    (one.before, one.after, name): one
    for name, one in {
        "host-check-does-not-mix": DifferenceRequest(
            "claim-sets-v3",
            "claim-sets-v7",
            depth=DEPTH,
            order=1,
            ops=("install_claim_set", "alloc_heap_pages"),
            seconds=math.inf,
        ),
        "too-many-pages": DifferenceRequest(
            "claim-sets-v3",
            "claim-sets-v7",
            depth=DEPTH,
            ops=("install_claim_set",),
            more_than_32_bits=True,
            seconds=math.inf,
        ),
        "release-over-the-limit": DifferenceRequest(
            "claim-sets-v3",
            "claim-sets-v7",
            depth=DEPTH,
            ops=("install_claim_set", "set_max_pages", "alloc_heap_pages"),
            seconds=math.inf,
        ),
    }.items()
}
"""Departures of a generation from the design that it follows: the shortest difference for each, by these operations."""


def neighbours() -> list[tuple[str, str]]:
    """Every generation with each that it was made from, the earlier one first."""
    return [(before, after.name) for after in GENERATIONS.values() for before in after.follows]


def path_of(before: str, after: str, what: str = "") -> Path:
    """Where the traces of two generations are stored; those of a departure under its name."""
    return DIFFERENCES / f"{before}--{after}{'.' if what else ''}{what}.jsonl"


def lines_of(before: str, after: str, found: GenerationDifference) -> bytes:
    """The events as each of the two does them; two traces, the earlier generation's first."""
    shape = {"node_span": least_span(found.nodes), "nodes": found.nodes}
    what = f"claimcheck {versions()['claimcheck']}: where {before} and {after} differ first: {'; '.join(found.differs)}"
    traces = [Trace(name, "", "", shape, found.events, [], []) for name in (before, after)]
    return b"".join(recorded(trace, what)[0] for trace in traces)


def asked(before: str, after: str) -> DifferenceRequest:
    """How far is searched: to a depth, however long it takes, so that every run finds the same."""
    return DifferenceRequest(before, after, depth=DEPTH, seconds=math.inf)


def found_between(before: str, after: str) -> GenerationDifference:
    """The shortest trace on which they differ, from a new search."""
    return difference(asked(before, after))


def write(only_say: bool = False) -> tuple[list[Path], dict[tuple[str, str], GenerationDifference]]:
    """Search all neighbours; store what is not stored with the same measure. Gives what changed, and what was found."""
    changed: list[Path] = []
    found = {pair: found_between(*pair) for pair in neighbours()}
    wanted = {path_of(*pair): (pair, one) for pair, one in found.items()}
    wanted |= {path_of(*key): (key[:2], difference(one)) for key, one in FURTHER.items()}
    for path, (pair, one) in wanted.items():
        lines = lines_of(*pair, one) if one.differs else b""
        if (path.read_bytes() if path.exists() else b"") == lines:
            continue
        if lines and path.exists() and as_good(path.read_bytes(), lines):
            continue
        changed.append(path)
        if not only_say:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(lines) if lines else path.unlink()
    for path in sorted(set(DIFFERENCES.glob("*.jsonl")) - set(wanted)):
        changed.append(path)
        if not only_say:
            path.unlink()
    return changed, found
