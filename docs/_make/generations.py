"""docs/generations.md, docs/verdict-matrix.md and one page per generation, from a run: `make matrix`.

A stored trace is kept where a fresh search finds one of the same measure: any of several shortest traces will do.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

from docs._make import pages
from docs._make.blocks import Maker, Output, parser, table
from docs._make.catalogue import NUMBERS, numbered
from docs._make.run_times import Clock, written
from model.named import GENERATIONS
from proofs.evidence.dated import stamp
from proofs.evidence.outcomes import KINDS, outcomes
from proofs.matrix import differences
from proofs.matrix.cells import CellVerdict
from proofs.matrix.difference import GenerationDifference
from proofs.matrix.findings import write
from proofs.matrix.interleavings import InterleavingResult, interleavings, refuted
from proofs.matrix.matrix import matrix
from proofs.matrix.other_rows import matrix_ids
from proofs.matrix.report import LEGEND, repairs, table_rows
from proofs.matrix.verdicts import RUN, VERDICTS, as_stored, dumped
from proofs.parallel import default_jobs
from proofs.prover.verdict import Verdict
from proofs.refinement.premises import notes
from proofs.refinement.same import never_differ
from proofs.search.row_verdict import ANY_HOST

DOCUMENTS = (Path("docs/generations.md"), Path("docs/verdict-matrix.md"))


def _generations(cells: list[CellVerdict]) -> str:
    return pages.overview(cells, "generations/")


def _matrix(cells: list[CellVerdict]) -> str:
    header = ["property", *NUMBERS.values()]
    shown = table(header, [[_code(line[0]), *line[1:]] for line in table_rows(cells)])
    said = (Verdict.PROVED, Verdict.REFUTED)
    premises = notes((cell.row.part, cell.semantics) for cell in cells if cell.verdict in said)
    return "\n\n".join([f"{numbered('Columns')} Cells: {LEGEND}.", shown, *premises])


def _code(name: str) -> str:
    part, _, conditions = name.partition(" if ")
    return f"`{part}`" + (f" if {conditions}" if conditions else "")


def _reasons(cells: list[CellVerdict]) -> str:
    """Why a property does not apply to a generation, and why no verdict was reached."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for cell in cells:
        if cell.verdict in (Verdict.NOT_APPLICABLE, Verdict.UNKNOWN):
            key = (_code(cell.row.name), str(cell.verdict.value), cell.reason)
            found.setdefault(key, []).append(NUMBERS[cell.semantics])
    body = [[name, ", ".join(of), verdict, reason] for (name, verdict, reason), of in found.items()]
    return table(["property", "generations", "verdict", "reason"], body)


def _repairs(cells: list[CellVerdict]) -> str:
    found: dict[tuple[str, str], list[str]] = {}
    for repair in repairs(cells):
        verdict, _, reason = repair.now.partition(": ")
        how = "" if (verdict, reason) == (Verdict.PROVED.value, ANY_HOST) else f" ({reason})"
        found.setdefault((repair.before, repair.after), []).append(_code(repair.row.name) + how)
    body = [[f"`{before}`", f"`{after}`", "; ".join(rows)] for (before, after), rows in found.items()]
    premises = notes((repair.row.part, of) for repair in repairs(cells) for of in (repair.before, repair.after))
    return "\n\n".join([table(["refuted for", "right in", "what"], body), *premises])


def _differences(found: dict[tuple[str, str], GenerationDifference]) -> str:
    body = []
    for (before, after), one in found.items():
        steps = ", ".join(event["op"] for event in one.events) or "none found"
        what = "; ".join(one.differs) or f"none found: searched {one.searched_depth} events, {one.hosts}"
        if not one.differs and never_differ(before, after):
            what = "none, for any host, by proof"
        body.append([f"`{before}`", f"`{after}`", str(one.nodes or ""), steps, what])
    return table(["before", "after", "pages of each node", "shortest trace", "difference (before / after)"], body)


BLOCKS: dict[str, Callable[[list[CellVerdict]], str]] = {
    "generations": _generations,
    "verdict-matrix": _matrix,
    "reasons": _reasons,
    "repairs": _repairs,
    "traces": lambda cells: _traces(as_stored(cells)),
}


def _interleavings(cells: list[CellVerdict], found: list[InterleavingResult]) -> str:
    """How soon two domains violate a row, and how soon three builders do while another domain runs."""
    few = refuted(cells)
    body = []
    for one in found:
        steps = str(one.steps) if one.steps else f"none in {one.searched}"
        if one.unknown:
            steps += f"; undecided for {one.searched + 1} ({one.unknown})"
        body.append([f"`{one.semantics}`", _code(one.row.name), str(few[one.semantics, one.row]), steps])
    return table(
        [
            "generation",
            "property",
            "critical sections, at most two domains",
            "critical sections, three builders and a running domain",
        ],
        body,
    )


def _traces(cells: list[CellVerdict]) -> str:
    found = outcomes(cells)
    total = sum(found.values(), Counter())
    rows = [(f"`{name}`", counted) for name, counted in found.items()] + [("all", total)]
    body = [[name, str(counted.total()), *(str(counted[kind]) for kind in KINDS)] for name, counted in rows]
    return table(["generation", "refuted rows", *KINDS], body)


OF_A_RUN = ("interleavings", "differences", "measured")
"""Blocks that need more than the verdicts, which are stored."""


def of_cells(cells: list[CellVerdict]) -> dict[str, Maker]:
    """The blocks that follow from the verdicts alone."""
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
    clock.took("differences of neighbours, and the traces re-run")
    measured = written(clock, cells, jobs)
    further = {
        "interleavings": _interleavings(cells, interleaved),
        "differences": _differences(found),
        "measured": measured,
    }
    output.write(VERDICTS, dumped(cells))
    if not output.check:
        output.write(RUN, json.dumps({**stamp(), "took": round(clock.whole()[1])}) + "\n")
    never_the_same = ["measured"] if output.check else []
    for document in DOCUMENTS:
        output.renew(document, {**of_cells(cells), **further}, others=never_the_same)
    for path, text in pages.pages(cells).items():
        output.write(path, text)
    print(measured)
    return output.ended()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
