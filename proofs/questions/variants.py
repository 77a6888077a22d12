"""Possible changes to the rules, in combination: the verdicts tell which of them make a property hold.

The verdicts are stored. Documents are written from the stored ones, and a run checks that it gives the same.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

from proofs.matrix.cells import CellVerdict
from proofs.matrix.findings import FOLDER
from proofs.matrix.rows import MatrixRow
from proofs.matrix.searches import verdicts_on
from proofs.parallel import in_processes
from proofs.prover.verdict import Verdict
from proofs.search.row_verdict import ANY_HOST

STORED = FOLDER / "variants.json"
LOST = MatrixRow("no-claims-lost", ("stash-not-dropped",))
"""A dropped stash loses claims, independent of the limit: see STASH."""
LIMIT = (MatrixRow("entitlement"), MatrixRow("entitlement-without-limbo.pages-and-claims"), LOST)
"""The rows that state that a domain's limit is kept."""
UNLOWERED = ("limit-not-lowered",)
OFFLINE = ("nothing-offlined",)
IN_LOCK = ("legacy-check-in-lock",)
"""Without it a destroyed domain's claims stay in outstanding_claims and take away from what is granted to others."""

PLACES = (
    ("", "limbo-counted"),
    ("", "low-limit-refused"),
    ("", "limit-read-unlocked", "charged-at-alloc"),
    ("", "claims-checked-at-assign"),
)
"""Where a limit can be checked: claim call, XEN_DOMCTL_max_mem, allocator, assign_pages; and how, if at all."""


def named(base: str, parts: Iterable[str]) -> str:
    """The name of a variant."""
    return "+".join([base, *(part for part in parts if part)])


GRID = [named("claim-sets", parts) for parts in product(*PLACES)]
"""Every way of checking the limit."""
OTHERS: dict[str, tuple[MatrixRow, ...]] = {
    "claim-sets+low-limit-refused+one-section": LIMIT,
    "claim-sets+limbo-counted+charged-at-alloc+claims-trimmed": (
        *LIMIT[:2],
        MatrixRow("entitlement-without-limbo.claimants"),
    ),
    "claim-sets+redeemed-at-assign": (
        MatrixRow("host-backed"),
        MatrixRow("claims-protected.backed"),
        MatrixRow("claims-fulfilled.granted-on-node"),
        MatrixRow("redeemed-once.exact"),
    ),
    "claim-sets-hardened+others-kept": (
        MatrixRow("node-backed"),
        MatrixRow("host-backed"),
        MatrixRow("entitlement"),
        MatrixRow("no-claims-lost"),
        MatrixRow("claims-protected.backed"),
        MatrixRow("claims-fulfilled.granted-on-node"),
        MatrixRow("claims-fulfilled.granted"),
        MatrixRow("claims-fulfilled.delivered"),
        MatrixRow("redeemed-once.exact"),
    ),
}
"""Other changes, each with the rows that it is judged by."""
DEAD = {
    "claim-sets": (MatrixRow("dead-hold-nothing"), MatrixRow("host-backed")),
    "claim-sets+dying-checked": (MatrixRow("dead-hold-nothing"), MatrixRow("host-backed")),
}
WITHIN = ("limit-not-lowered", "requests-within-limit")
STASH: dict[str, tuple[MatrixRow, ...]] = {
    name: (
        MatrixRow("no-claims-lost", WITHIN),
        MatrixRow("no-claims-lost", (*WITHIN, "requests-within-claims")),
        MatrixRow("redeemed-once.claims-do-not-come-back"),
    )
    for base in ("mainline-4.22", "claim-sets")
    for name in (base, f"{base}+stash-kept", f"{base}+stash-claim-restored")
}
"""Changes for a stash that is dropped with its claim."""
PER_NODE_ROWS = (
    MatrixRow("entitlement-without-limbo.pages-and-claims", UNLOWERED),
    MatrixRow("entitlement", (*UNLOWERED, "requests-within-limit")),
    MatrixRow("claims-fulfilled.granted-on-node", (*UNLOWERED, *OFFLINE, *IN_LOCK)),
    MatrixRow("claims-fulfilled.granted", (*UNLOWERED, *OFFLINE, *IN_LOCK)),
)
_OF_PER_NODE = (
    "",
    "claims-checked-at-assign",
    "all-claims-at-alloc",
    "limbo-counted",
    "limbo-counted+charged-at-alloc",
)
PER_NODE = dict.fromkeys((named("per-node-v8", [parts]) for parts in _OF_PER_NODE), PER_NODE_ROWS)

ASKED: dict[str, tuple[MatrixRow, ...]] = {**dict.fromkeys(GRID, LIMIT), **OTHERS, **PER_NODE}
"""Every variant that is judged, with its rows."""
for _name, _rows in (*DEAD.items(), *STASH.items()):
    ASKED[_name] = (*ASKED.get(_name, ()), *_rows)


@dataclass(frozen=True)
class VariantVerdict:
    """The verdict on one row of one variant."""

    semantics: str
    part: str
    """The part of the property."""
    conditions: tuple[str, ...]
    verdict: str
    reason: str
    events: list[str]
    """If refuted, the operations of a shortest trace."""

    @property
    def mark(self) -> str:
        """The mark in the matrix."""
        if self.verdict == Verdict.PROVED.value:
            return "+" if self.reason == ANY_HOST else "+b"
        return {Verdict.REFUTED.value: f"x{len(self.events)}", Verdict.NOT_APPLICABLE.value: "."}.get(self.verdict, "?")


def of_cell(cell: CellVerdict) -> VariantVerdict:
    """The verdict of a cell of the matrix."""
    events = [] if cell.trace is None else [event["op"] for event in cell.trace.events]
    return VariantVerdict(
        cell.semantics, cell.row.part, cell.row.conditions, str(cell.verdict.value), cell.reason, events
    )


def judge(name: str) -> list[VariantVerdict]:
    """All verdicts on one variant."""
    return [of_cell(cell) for cell in verdicts_on(name, ASKED[name])]


def judge_all(jobs: int) -> list[VariantVerdict]:
    """All verdicts on all variants.

    Each runs in its own process, because the solver's choice among shortest traces depends on its earlier queries.
    """
    found = dict(in_processes(judge, list(ASKED), jobs, each_apart=True))
    if len(found) < len(ASKED):
        raise KeyboardInterrupt  # partial results would look complete
    return [verdict for index in sorted(found) for verdict in found[index]]


def dump(verdicts: list[VariantVerdict]) -> str:
    """The stored form: one verdict per line."""
    return "[\n" + ",\n".join(json.dumps(asdict(v)) for v in verdicts) + "\n]\n"


def stored(path: Path = STORED) -> list[VariantVerdict]:
    """The verdicts of the last run."""
    found = json.loads(path.read_text(encoding="utf-8"))
    return [VariantVerdict(**{**entry, "conditions": tuple(entry["conditions"])}) for entry in found]
