"""docs/generations.md and tests/data/findings, written from a run: `python -m proofs.matrix.documents`.

With --check nothing is written: it says what a run would change. A trace is kept as it is stored where a fresh search
finds one of the same measure: of several shortest traces any is as good.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

from model.semantics import SEMANTICS
from proofs.matrix.cells import Cell
from proofs.matrix.difference import Between, difference
from proofs.matrix.findings import write
from proofs.matrix.matrix import matrix
from proofs.matrix.other_rows import matrix_ids
from proofs.matrix.report import LEGEND, repairs, table_rows
from proofs.matrix.source import lines_of_code
from proofs.parallel import default_jobs
from proofs.prover.documents import table
from proofs.prover.verdict import Verdict
from proofs.refinement.same import never_differ

DOCUMENT = Path("docs/generations.md")
_BLOCK = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def _generations(_cells: list[Cell]) -> str:
    lines = lines_of_code()
    body = [
        [str(n), f"`{s.name}`", ", ".join(f"`{f}`" for f in s.follows), s.rules.summary, *map(str, lines[s.name])]
        for n, s in enumerate(SEMANTICS.values(), 1)
    ]
    return table(["", "generation", "follows", "what", "lines, reference", "lines, model"], body)


def _matrix(cells: list[Cell]) -> str:
    header = ["property", *(str(number) for number in range(1, len(SEMANTICS) + 1))]
    return f"{table(header, [[_code(line[0]), *line[1:]] for line in table_rows(cells)])}\n\n{LEGEND}."


def _code(name: str) -> str:
    part, _, conditions = name.partition(" if ")
    return f"`{part}`" + (f" if {conditions}" if conditions else "")


def _reasons(cells: list[Cell]) -> str:
    """Why a property says nothing about a generation, and why no verdict was reached."""
    found: dict[tuple[str, str, str], list[str]] = {}
    numbers = {name: str(number) for number, name in enumerate(SEMANTICS, 1)}
    for cell in cells:
        if cell.verdict in (Verdict.NOT_APPLICABLE, Verdict.UNKNOWN):
            key = (_code(cell.row.name), str(cell.verdict.value), cell.reason)
            found.setdefault(key, []).append(numbers[cell.semantics])
    body = [[name, ", ".join(of), verdict, reason] for (name, verdict, reason), of in found.items()]
    return table(["property", "generations", "verdict", "reason"], body)


def _repairs(cells: list[Cell]) -> str:
    found: dict[tuple[str, str], list[str]] = {}
    for repair in repairs(cells):
        how = "" if repair.now.startswith(Verdict.PROVED.value) else f" ({repair.now.partition(': ')[2]})"
        found.setdefault((repair.before, repair.after), []).append(_code(repair.row.name) + how)
    body = [[f"`{before}`", f"`{after}`", "; ".join(rows)] for (before, after), rows in found.items()]
    return table(["refuted for", "right in", "what"], body)


def _differences(_cells: list[Cell]) -> str:
    body = []
    for after in SEMANTICS.values():
        for before in after.follows:
            found = difference(Between(before, after.name))
            steps = ", ".join(event["op"] for event in found.events) or "none found"
            what = "; ".join(found.differs) or f"searched: {found.searched_depth} events, {found.hosts}"
            if not found.differs and never_differ(before, after.name):
                what = "they never differ: proved for any host"
            body.append([f"`{before}`", f"`{after.name}`", str(found.nodes or ""), steps, what])
    return table(["before", "after", "pages of the nodes", "shortest trace", "differs (before / after)"], body)


BLOCKS: dict[str, Callable[[list[Cell]], str]] = {
    "generations": _generations,
    "verdict-matrix": _matrix,
    "reasons": _reasons,
    "repairs": _repairs,
    "differences": _differences,
}


def renewed(text: str, cells: list[Cell]) -> str:
    """The document with every generated block written anew."""
    return _BLOCK.sub(lambda m: f"{m[1]}{BLOCKS[m[2]](cells)}\n{m[3]}", text)


def main(arguments: list[str]) -> int:
    """Write the document and the findings; with --check only say what is not up to date."""
    check = "--check" in arguments
    cells = matrix(list(SEMANTICS), matrix_ids(), default_jobs())
    changed = [str(path) for path in write(cells, only_say=check)]
    old = DOCUMENT.read_text(encoding="utf-8")
    new = renewed(old, cells)
    if new != old:
        changed.append(str(DOCUMENT))
        if not check:
            DOCUMENT.write_text(new, encoding="utf-8")
    for name in changed:
        print(f"{'not up to date' if check else 'written'}: {name}")
    return 1 if check and changed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
