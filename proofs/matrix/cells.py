"""One cell of the matrix: proved, refuted by a shortest trace, not applicable, or unknown with a reason."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from model.named import GENERATIONS
from model.properties import PROPERTIES, Kind
from proofs.matrix.other_rows import OTHER_ROWS
from proofs.matrix.rows import MatrixRow, granted, parts, rows_of, says_nothing
from proofs.obligations.obligation import bounded
from proofs.obligations.suite import places
from proofs.prover.induction import Induction, SolverQuery, induction, shown
from proofs.prover.verdict import Verdict
from proofs.search.events import Trace
from proofs.search.row_verdict import ANY_HOST

LARGEST = bounded(4, 4)
UP_TO = "at most 4 nodes and 4 domains"
"""Where there is no proof for any host."""


@dataclass
class CellVerdict:
    """The verdict on one row of one generation."""

    semantics: str
    row: MatrixRow
    verdict: Verdict
    reason: str = ""
    """Of not applicable and unknown: why. Of proved: for which hosts."""
    trace: Trace | None = None
    seconds: float = 0.0
    cpu: float = 0.0
    """Of what was searched: seconds of processor time, with the rows searched together until this one ended."""
    replayed: list[str] = field(default_factory=list)
    """Of refuted: what the reference's own checker says after the last event."""
    stored: str = ""
    """The date of the run that the verdict is stored from; empty: it is of this run."""


@dataclass(frozen=True)
class UnprovedRow:
    """A row of a generation that has no proof, and where the proof fails."""

    semantics: str
    row: MatrixRow
    fails_at: str
    unless: tuple[str, ...] = ()
    """Of a property of steps that holds on conditions: the statements that hold on these too, and prove it."""
    waived: tuple[str, ...] = ()
    """The conditions."""


def proofs_of(semantics: str, ids: list[str], ask: SolverQuery = shown) -> tuple[list[CellVerdict], list[UnprovedRow]]:
    """Everything that can be proved or is not applicable, and what is left to be searched."""
    cells: list[CellVerdict] = []
    left: list[UnprovedRow] = []
    nothing = {prop.name: says_nothing(prop, GENERATIONS[semantics]) for prop in parts(ids)}
    plain = induction(semantics, ask=ask) if "" in nothing.values() else Induction(semantics, (), [])
    worlds: dict[tuple[str, ...], Induction] = {(): plain}
    for prop in parts(ids):
        if nothing[prop.name]:
            cells.append(CellVerdict(semantics, MatrixRow(prop.name), Verdict.NOT_APPLICABLE, nothing[prop.name]))
            continue
        for row in (MatrixRow(prop.name), *(MatrixRow(prop.name, conditions) for conditions in granted(prop))):
            started = time.perf_counter()
            if row.conditions not in worlds:
                worlds[row.conditions] = induction(semantics, row.conditions, plain.kept, ask)
            fails_at = _fails_at(row, worlds[row.conditions], ask)
            hosts = "" if fails_at else ANY_HOST
            if fails_at and _holds_on(LARGEST, row, worlds[row.conditions], ask):
                hosts = UP_TO
            if not hosts:
                left.append(UnprovedRow(semantics, row, fails_at))
                continue
            seconds = time.perf_counter() - started
            cells.append(CellVerdict(semantics, row, Verdict.PROVED, hosts, seconds=seconds))
            if not row.conditions:
                break
            if hosts == ANY_HOST and prop.kind is Kind.STEP and left[-1].row == MatrixRow(prop.name):
                more = tuple(name for name in worlds[row.conditions].kept if name not in plain.kept)
                left[-1] = replace(left[-1], unless=more, waived=row.conditions)
    for other in OTHER_ROWS.values():
        reason = other.says_nothing(GENERATIONS[semantics])
        if other.id in ids and reason:
            cells.append(CellVerdict(semantics, MatrixRow(other.part), Verdict.NOT_APPLICABLE, reason))
        elif other.id in ids:
            left += [UnprovedRow(semantics, row, "no formula") for row in rows_of(other)]
    return cells, left


def proofs_of_rows(semantics: str, rows: Iterable[MatrixRow]) -> tuple[list[CellVerdict], list[UnprovedRow]]:
    """The same for these rows only, whatever holds on other conditions."""
    cells: list[CellVerdict] = []
    left: list[UnprovedRow] = []
    plain = induction(semantics)
    worlds: dict[tuple[str, ...], Induction] = {(): plain}
    for row in rows:
        started = time.perf_counter()
        if row.part in OTHER_ROWS:
            left.append(UnprovedRow(semantics, row, "no formula"))
            continue
        if row.conditions not in worlds:
            worlds[row.conditions] = induction(semantics, row.conditions, plain.kept)
        fails_at = _fails_at(row, worlds[row.conditions])
        if fails_at:
            left.append(UnprovedRow(semantics, row, fails_at))
        else:
            cells.append(CellVerdict(semantics, row, Verdict.PROVED, ANY_HOST, seconds=time.perf_counter() - started))
    return cells, left


def _fails_at(row: MatrixRow, world: Induction, ask: SolverQuery = shown) -> str:
    """The first step for which there is no proof; empty if there is none."""
    prop = PROPERTIES[row.part]
    if prop.kind is Kind.STATE:
        return "" if row.part in world.kept else world.fails_at[row.part]
    for place in places(prop, GENERATIONS[world.semantics]):
        if ask(world.question(row.part, place)) is None:
            return place
    return ""


def _holds_on(host: str, row: MatrixRow, world: Induction, ask: SolverQuery) -> bool:
    """Whether a host of given size has a proof, on the statements that are kept on any host."""
    if PROPERTIES[row.part].kind is Kind.STATE:
        world = replace(world, kept=[*world.kept, row.part])
    where = places(PROPERTIES[row.part], GENERATIONS[world.semantics])
    return all(ask(world.question(row.part, p, host)) is not None for p in where)
