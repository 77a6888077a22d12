"""docs/generations.md and a page a generation, written from a run with what they show: `make matrix`.

A trace is kept as it is stored where a fresh search finds one of the same measure: of several shortest traces any is as
good.
"""

import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

from docs._make import pages
from docs._make.blocks import Maker, Output, parser, table
from docs._make.run_times import Clock, written
from model.named import GENERATIONS
from proofs.evidence.outcomes import KINDS, outcomes
from proofs.explain.source import lines_of_code
from proofs.matrix import differences
from proofs.matrix.cells import CellVerdict
from proofs.matrix.difference import GenerationDifference
from proofs.matrix.findings import write
from proofs.matrix.interleavings import Interleaved, interleavings, refuted
from proofs.matrix.matrix import matrix
from proofs.matrix.other_rows import matrix_ids
from proofs.matrix.report import LEGEND, repairs, table_rows
from proofs.matrix.verdicts import VERDICTS, as_stored, dumped
from proofs.parallel import default_jobs
from proofs.prover.verdict import Verdict
from proofs.refinement.same import never_differ

DOCUMENT = Path("docs/generations.md")


def _generations(_cells: list[CellVerdict]) -> str:
    lines = lines_of_code()
    body = [
        [str(n), f"`{s.name}`", ", ".join(f"`{f}`" for f in s.follows), s.rules.summary, *map(str, lines[s.name])]
        for n, s in enumerate(GENERATIONS.values(), 1)
    ]
    return table(["", "generation", "follows", "what", "lines, reference", "lines, model"], body)


def _matrix(cells: list[CellVerdict]) -> str:
    header = ["property", *(str(number) for number in range(1, len(GENERATIONS) + 1))]
    return f"{table(header, [[_code(line[0]), *line[1:]] for line in table_rows(cells)])}\n\n{LEGEND}."


def _code(name: str) -> str:
    part, _, conditions = name.partition(" if ")
    return f"`{part}`" + (f" if {conditions}" if conditions else "")


def _reasons(cells: list[CellVerdict]) -> str:
    """Why a property says nothing about a generation, and why no verdict was reached."""
    found: dict[tuple[str, str, str], list[str]] = {}
    numbers = {name: str(number) for number, name in enumerate(GENERATIONS, 1)}
    for cell in cells:
        if cell.verdict in (Verdict.NOT_APPLICABLE, Verdict.UNKNOWN):
            key = (_code(cell.row.name), str(cell.verdict.value), cell.reason)
            found.setdefault(key, []).append(numbers[cell.semantics])
    body = [[name, ", ".join(of), verdict, reason] for (name, verdict, reason), of in found.items()]
    return table(["property", "generations", "verdict", "reason"], body)


def _repairs(cells: list[CellVerdict]) -> str:
    found: dict[tuple[str, str], list[str]] = {}
    for repair in repairs(cells):
        how = "" if repair.now.startswith(Verdict.PROVED.value) else f" ({repair.now.partition(': ')[2]})"
        found.setdefault((repair.before, repair.after), []).append(_code(repair.row.name) + how)
    body = [[f"`{before}`", f"`{after}`", "; ".join(rows)] for (before, after), rows in found.items()]
    return table(["refuted for", "right in", "what"], body)


def _differences(found: dict[tuple[str, str], GenerationDifference]) -> str:
    body = []
    for (before, after), one in found.items():
        steps = ", ".join(event["op"] for event in one.events) or "none found"
        what = "; ".join(one.differs) or f"searched: {one.searched_depth} events, {one.hosts}"
        if not one.differs and never_differ(before, after):
            what = "they never differ: proved for any host"
        body.append([f"`{before}`", f"`{after}`", str(one.nodes or ""), steps, what])
    return table(["before", "after", "pages of the nodes", "shortest trace", "differs (before / after)"], body)


BLOCKS: dict[str, Callable[[list[CellVerdict]], str]] = {
    "generations": _generations,
    "verdict-matrix": _matrix,
    "reasons": _reasons,
    "repairs": _repairs,
    "traces": lambda cells: _traces(as_stored(cells)),
}


def _interleavings(cells: list[CellVerdict], found: list[Interleaved]) -> str:
    """How soon a row is broken by two domains, and by three builders beside a running domain."""
    few = refuted(cells)
    body = []
    for one in found:
        steps = str(one.steps) if one.steps else f"none in {one.searched}"
        body.append([f"`{one.semantics}`", _code(one.row.name), str(few[one.semantics, one.row]), steps + one.unknown])
    return table(["generation", "property", "at most two domains", "three builders, a running domain"], body)


def _traces(cells: list[CellVerdict]) -> str:
    found = outcomes(cells)
    total = sum(found.values(), Counter())
    rows = [(f"`{name}`", counted) for name, counted in found.items()] + [("all", total)]
    body = [[name, str(counted.total()), *(str(counted[kind]) for kind in KINDS)] for name, counted in rows]
    return table(["generation", "refuted", *KINDS], body)


OF_A_RUN = ("interleavings", "differences", "measured")
"""Blocks that need more than the verdicts, which are stored."""


def of_cells(cells: list[CellVerdict]) -> dict[str, Maker]:
    """What the verdicts show."""
    return {name: partial(make, cells) for name, make in BLOCKS.items()}


def main(arguments: list[str]) -> int:
    """Write the documents, the verdicts and the findings."""
    output, jobs, clock = Output(parser("generations", __doc__).parse_args(arguments).check), default_jobs(), Clock()
    cells = matrix(list(GENERATIONS), matrix_ids(), jobs)
    clock.took("proofs, and searches for shortest traces")
    interleaved = interleavings(refuted(cells), jobs)
    clock.took("three builders and a running domain")
    output.changed += write(cells, only_say=output.check)
    differing, found = differences.write(only_say=output.check)
    output.changed += differing
    clock.took("differences of neighbours, and the traces run once more")
    measured = written(clock, cells, jobs)
    further = {
        "interleavings": _interleavings(cells, interleaved),
        "differences": _differences(found),
        "measured": measured,
    }
    output.write(VERDICTS, dumped(cells))
    never_the_same = ["measured"] if output.check else []
    output.renew(DOCUMENT, {**of_cells(cells), **further}, others=never_the_same)
    for path, text in pages.pages(cells).items():
        output.write(path, text)
    print(measured)
    return output.ended()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
