"""One cell of the matrix: proved, refuted by a shortest trace, not applicable, or unknown with a reason."""

import time
from dataclasses import dataclass, field
from functools import partial

from model.properties import PROPERTIES, Kind
from model.semantics import SEMANTICS
from proofs.matrix.induction import Induction, induction, shown
from proofs.matrix.judged import ANY_HOST
from proofs.matrix.larger_blocks import PART, search_larger
from proofs.matrix.other_rows import OTHER_ROWS, Judge
from proofs.matrix.rows import Row, granted, parts, rows_of, says_nothing
from proofs.obligations.obligation import bounded
from proofs.obligations.suite import places
from proofs.prover.verdict import Verdict
from proofs.refinement.judge import judge_comparison
from proofs.search.events import Trace
from proofs.search.minimise import Asked, search
from proofs.search.replayed import replay_on_reference

LARGEST = bounded(4, 4)
UP_TO = "at most 4 nodes and 4 domains"
"""Where there is no proof for any host."""
DEPTH, NODES, DOMAINS = 7, 2, 2
"""How far a search goes before it gives up."""
WORK = 120_000_000
"""What the solver may spend on one question of a search."""


@dataclass
class Cell:
    """The verdict on one row of one generation."""

    semantics: str
    row: Row
    verdict: Verdict
    reason: str = ""
    """Of not applicable and unknown: why. Of proved: for which hosts."""
    trace: Trace | None = None
    seconds: float = 0.0
    replayed: list[str] = field(default_factory=list)
    """Of refuted: what the reference's own checker says after the last event."""


@dataclass(frozen=True)
class Open:
    """A row of a generation that has no proof, and where the proof fails."""

    semantics: str
    row: Row
    fails_at: str


def proofs_of(semantics: str, ids: list[str]) -> tuple[list[Cell], list[Open]]:
    """Everything that can be proved or is not applicable, and what is left to be searched."""
    cells: list[Cell] = []
    left: list[Open] = []
    plain = induction(semantics) if parts(ids) else Induction(semantics, (), [])
    worlds: dict[tuple[str, ...], Induction] = {(): plain}
    for prop in parts(ids):
        reason = says_nothing(prop, SEMANTICS[semantics])
        if reason:
            cells.append(Cell(semantics, Row(prop.name), Verdict.NOT_APPLICABLE, reason))
            continue
        for row in (Row(prop.name), Row(prop.name, granted(prop))):
            started = time.perf_counter()
            if row.conditions not in worlds:
                worlds[row.conditions] = induction(semantics, row.conditions, plain.kept)
            fails_at = _fails_at(row, worlds[row.conditions])
            if not fails_at:
                cells.append(Cell(semantics, row, Verdict.PROVED, ANY_HOST, seconds=time.perf_counter() - started))
                break
            if _holds_on(LARGEST, row, worlds[row.conditions]):
                seconds = time.perf_counter() - started
                cells.append(Cell(semantics, row, Verdict.PROVED, UP_TO, seconds=seconds))
                break
            left.append(Open(semantics, row, fails_at))
    for other in OTHER_ROWS.values():
        reason = other.says_nothing(SEMANTICS[semantics])
        if other.id in ids and reason:
            cells.append(Cell(semantics, Row(other.part), Verdict.NOT_APPLICABLE, reason))
        elif other.id in ids:
            left += [Open(semantics, row, "no formula") for row in rows_of(other)]
    return cells, left


def _fails_at(row: Row, world: Induction) -> str:
    """The first step for which there is no proof; empty if there is none."""
    prop = PROPERTIES[row.part]
    if prop.kind is Kind.STATE:
        return "" if row.part in world.kept else world.fails_at[row.part]
    for place in places(prop, SEMANTICS[world.semantics]):
        if shown(world.semantics, row.part, place, row.conditions, world.kept) is None:
            return place
    return ""


def _holds_on(host: str, row: Row, world: Induction) -> bool:
    """Whether a host of given size has a proof, on the statements that are kept on any host."""
    assumed = [*world.kept, row.part] if PROPERTIES[row.part].kind is Kind.STATE else world.kept
    where = places(PROPERTIES[row.part], SEMANTICS[world.semantics])
    return all(shown(world.semantics, row.part, p, row.conditions, assumed, host) is not None for p in where)


def _judge_of(row: Row) -> Judge | None:
    """What judges a row otherwise than by a search in the model."""
    if row.part in OTHER_ROWS:
        return OTHER_ROWS[row.part].judge
    return partial(judge_comparison, row.part) if PROPERTIES[row.part].kind is Kind.COMPARISON else None


def searched(left: Open) -> Cell:
    """A shortest trace from boot that the reference reproduces, or unknown."""
    started = time.perf_counter()
    row = left.row
    judge = _judge_of(row)
    if judge is not None:
        judged = judge(left.semantics, row.conditions)
        reason = f"no proof at {left.fails_at}; {judged.reason}" if judged.verdict is Verdict.UNKNOWN else judged.reason
        evidence = [] if judged.trace is None else judged.trace.broken
        seconds = time.perf_counter() - started
        return Cell(left.semantics, row, judged.verdict, reason, judged.trace, seconds, evidence)
    asked = Asked(left.semantics, row.part, "", row.conditions, DEPTH, NODES, DOMAINS, rlimit=WORK, few=True)
    found = search(asked)

    def cell(verdict: Verdict, reason: str, trace: Trace | None = None, replayed: tuple[str, ...] = ()) -> Cell:
        seconds = time.perf_counter() - started
        return Cell(left.semantics, row, verdict, reason, trace, seconds, list(replayed))

    larger = search_larger(left.semantics) if found.trace is None and row.part == PART else None
    if larger is not None:
        return cell(Verdict.REFUTED, "with blocks of two pages", larger, tuple(larger.broken))
    if found.trace is None:
        bound = (
            f"no trace of at most {found.searched_depth} events on at most {NODES} nodes, {NODES + 1} pages in all"
            f" and {DOMAINS} domains"
        )
        limit = f"; gave up there: {found.unknown}" if found.unknown else ""
        return cell(Verdict.UNKNOWN, f"no proof at {left.fails_at}; {bound}{limit}")
    replayed = replay_on_reference(found.trace)
    if replayed.difference:
        return cell(Verdict.UNKNOWN, f"the reference does not reproduce the trace: {replayed.difference}", found.trace)
    return cell(Verdict.REFUTED, "", found.trace, tuple(replayed.violations))
