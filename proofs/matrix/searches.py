"""Rows without a proof: a shortest trace from boot that the reference reproduces, or unknown with the reason."""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from model.properties import PROPERTIES, Kind
from proofs.matrix.cells import CellVerdict, UnprovedRow, proofs_of_rows
from proofs.matrix.larger_blocks import KEPT, PARTS, search_larger
from proofs.matrix.other_rows import OTHER_ROWS, Judge
from proofs.matrix.rows import MatrixRow
from proofs.prover.verdict import Verdict
from proofs.refinement.judge import judge_comparison
from proofs.search.events import Trace
from proofs.search.minimise import SearchRequest, SearchResult, search, search_together
from proofs.search.replayed import replay_on_reference
from proofs.search.steps import UNTOLD, alphabet_of

DEPTH, NODES, DOMAINS = 7, 2, 2
"""How far a search goes before it gives up."""
WORK = 120_000_000
"""What the solver may spend on one question of a search."""
LARGE = ("no-wrap.domain-counters",)
"""What only hosts of many pages break."""


def together(left: Sequence[UnprovedRow]) -> list[list[UnprovedRow]]:
    """Rows in groups that are searched at once: of one generation under the same conditions, with the same events, and
    alike in whether they need the ledger in the state. What is judged otherwise than by a search in the model is by
    itself."""
    alone = [[one] for one in left if _judge_of(one.row) is not None]
    groups: dict[tuple[str, tuple[str, ...], bool, str], list[UnprovedRow]] = {}
    for one in left:
        if _judge_of(one.row) is None:
            prop = PROPERTIES[one.row.part].id
            key = (one.semantics, one.row.conditions, prop == "redeemed-once", alphabet_of(prop))
            groups.setdefault(key, []).append(one)
    return [*groups.values(), *alone]


def searched(left: UnprovedRow) -> CellVerdict:
    """The cell of one row."""
    return searched_together([left])[0]


def searched_together(left: Sequence[UnprovedRow]) -> list[CellVerdict]:
    """The cells of a group."""
    judge = _judge_of(left[0].row)
    if judge is not None:
        return [_judged(one, judge) for one in left]
    found = search_together([_asked(one) for one in left])
    return [_on_smallest(one, each, _found(one, each)) for one, each in zip(left, found, strict=True)]


def _on_smallest(left: UnprovedRow, found: SearchResult, cell: CellVerdict) -> CellVerdict:
    """Where the solver gave up: a shortest trace on one node with one domain, if there is one."""
    if cell.verdict is not Verdict.UNKNOWN or not found.unknown:
        return cell
    again = search(replace(_asked(left), nodes=1, domains=1))
    small = _found(left, again)
    if small.verdict is not Verdict.REFUTED:
        return cell
    reason = f"shortest on one node with one domain; larger hosts were searched up to {found.searched_depth} events"
    return replace(small, reason=reason, seconds=cell.seconds + small.seconds, cpu=cell.cpu + small.cpu)


def verdicts_on(semantics: str, rows: Sequence[MatrixRow]) -> list[CellVerdict]:
    """A verdict on each of these rows, in their order."""
    cells, left = proofs_of_rows(semantics, rows)
    cells += [cell for group in together(left) for cell in searched_together(group)]
    return sorted(cells, key=lambda cell: rows.index(cell.row))


def _judge_of(row: MatrixRow) -> Judge | None:
    """What judges a row otherwise than by a search in the model."""
    if row.part in OTHER_ROWS:
        return OTHER_ROWS[row.part].judge
    return partial(judge_comparison, row.part) if PROPERTIES[row.part].kind is Kind.COMPARISON else None


def _judged(left: UnprovedRow, judge: Judge) -> CellVerdict:
    started, cpu = time.perf_counter(), time.process_time()
    judged = judge(left.semantics, left.row.conditions)
    reason = f"no proof at {left.fails_at}; {judged.reason}" if judged.verdict is Verdict.UNKNOWN else judged.reason
    evidence = [] if judged.trace is None else judged.trace.broken
    seconds = time.perf_counter() - started
    spent = time.process_time() - cpu
    return CellVerdict(left.semantics, left.row, judged.verdict, reason, judged.trace, seconds, spent, evidence)


def _asked(left: UnprovedRow) -> SearchRequest:
    """As deep as a search goes; where larger blocks have a trace, no deeper than that."""
    row, larger = left.row, _larger(left)
    depth = DEPTH if larger is None else len(larger.events)
    few = row.part not in LARGE
    size = (depth, NODES, DOMAINS)
    known = SearchRequest(left.semantics, row.part, "", row.conditions, *size, rlimit=WORK, unless=left.unless, few=few)
    return replace(known, waived=left.waived)


def _larger(left: UnprovedRow) -> Trace | None:
    """A shortest trace with blocks of two pages, where it may say something."""
    said = left.row.part in PARTS and KEPT.issuperset(left.row.conditions)
    return search_larger(left.semantics, left.row.part) if said else None


def _found(left: UnprovedRow, found: SearchResult) -> CellVerdict:
    """What a search found, replayed on the reference."""
    started, cpu = time.perf_counter(), time.process_time()
    row = left.row

    def cell(verdict: Verdict, reason: str, trace: Trace | None = None, replayed: tuple[str, ...] = ()) -> CellVerdict:
        seconds = found.seconds + time.perf_counter() - started
        spent = found.cpu + time.process_time() - cpu
        return CellVerdict(left.semantics, row, verdict, reason, trace, seconds, spent, list(replayed))

    larger = _larger(left)
    if found.trace is None and larger is not None and not found.untold:
        return cell(Verdict.REFUTED, "with blocks of two pages", larger, tuple(larger.broken))
    if found.trace is None:
        bound = (
            f"no trace of at most {found.searched_depth} events on at most {NODES} nodes, {NODES + 1} pages in all"
            f" and {DOMAINS} domains"
        )
        if found.untold:
            bound += f", but for {found.untold} events with steps that no trace tells ({', '.join(UNTOLD)})"
        limit = f"; gave up there: {found.unknown}" if found.unknown else ""
        return cell(Verdict.UNKNOWN, f"no proof at {left.fails_at}; {bound}{limit}")
    if found.untold:
        text = f"a trace of {found.untold} events, some of which cannot be written as events, would be shorter"
        return cell(Verdict.UNKNOWN, text, found.trace)
    replayed = replay_on_reference(found.trace)
    if not replayed.available:
        return cell(Verdict.UNKNOWN, "the reference does not have these rules", found.trace)
    if replayed.difference:
        return cell(Verdict.UNKNOWN, f"the reference does not reproduce the trace: {replayed.difference}", found.trace)
    return cell(Verdict.REFUTED, "", found.trace, tuple(replayed.violations))
