"""docs/c-ranges.md and docs/c-ranges-values.md, their verdicts, and a trace for each value that leaves its type.

`make c-ranges`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from docs._make.blocks import Maker, Output, parser, table
from docs._make.catalogue import NUMBERS, numbered
from model.named import GENERATIONS
from proofs.c_ranges.traces import DEPTH, DEPTH_DESTROYED, HOSTS, LARGE
from proofs.c_ranges.verdicts import FOLDER, RangeVerdict, files_of, load
from proofs.parallel import default_jobs, in_processes
from proofs.prover.pool import prepare
from proofs.prover.verdict import Verdict

DOCUMENTS = (Path("docs/c-ranges.md"), Path("docs/c-ranges-values.md"))


def _summary(found: list[RangeVerdict]) -> str:
    body = []
    for semantics in GENERATIONS:
        of = [j for j in found if j.row.semantics == semantics]
        if not of:
            continue
        counts = [sum(j.row.verdict is v for j in of) for v in (Verdict.PROVED, Verdict.REFUTED, Verdict.UNKNOWN)]
        body.append([f"`{semantics}`", str(len(of)), *map(str, counts)])
    return table(["generation", "values", "proved", "refuted", "unknown"], body)


def _refuted(found: list[RangeVerdict]) -> str:
    body = []
    for j in found:
        if j.row.verdict is Verdict.PROVED:
            continue
        link = f"`{j.trace}`" if j.trace else ""
        last = _last_call(j) if j.trace else ""
        shown = [f"`{j.row.semantics}`", f"`{j.row.transition}`", f"`{j.row.expression}`", j.row.c_type]
        body.append([*shown, j.row.verdict.value, j.value, last, j.consequence, link])
    header = ["generation", "transition", "expression", "type", "verdict", "value", "call", "consequence", "trace"]
    return table(header, body)


def _last_call(j: RangeVerdict) -> str:
    event = json.loads((FOLDER / j.row.semantics / j.trace).read_text().splitlines()[-1])
    names = ("pages", "nr_extents", "node", "claims")
    arguments = {name: event[name] for name in names if event.get(name) is not None}
    return ", ".join(f"{name} {_in_powers(value)}" for name, value in arguments.items())


def _in_powers(value: Any) -> str:
    if isinstance(value, int):
        return next((f"2^64 - {2**64 - value}" for k in range(1, 9) if value == 2**64 - k), str(value))
    return "; ".join(f"{_in_powers(c['pages'])} on {c['target']}" for c in value) if isinstance(value, list) else value


def _all(found: list[RangeVerdict]) -> str:
    """Each expression once, by the transition that computes it, with the generations it is proved and refuted in."""
    rows: dict[tuple[str, str, str], dict[Verdict, list[str]]] = {}
    for j in found:
        by = rows.setdefault((j.row.transition, j.row.expression, j.row.c_type), {})
        by.setdefault(j.row.verdict, []).append(NUMBERS[j.row.semantics])
    body = [
        [f"`{t}`", f"`{e}`", c, *(", ".join(by.get(v, [])) for v in (Verdict.PROVED, Verdict.REFUTED, Verdict.UNKNOWN))]
        for (t, e, c), by in rows.items()
    ]
    header = ["transition", "expression", "type", "proved in", "refuted in", "unknown in"]
    return "\n\n".join([numbered("The numbers in the last three columns"), table(header, body)])


def _assumed(found: list[RangeVerdict]) -> str:
    seen = dict.fromkeys((j.row.transition, words) for j in found for words in j.row.assumes)
    return table(["transition", "assumption"], [[f"`{t}`", words] for t, words in seen])


def _hosts() -> str:
    sizes = ", ".join("+".join(map(str, nodes)) for nodes in HOSTS)
    return (
        f"The search covers two domains on hosts of {sizes} pages (one number per node) and, where claims grow back, of"
        f" {LARGE[0]} pages; at most {DEPTH} events after the domains are created, and {DEPTH_DESTROYED} after one of"
        " them is destroyed with a claim or an allocation in flight."
        f" The traces are in `{FOLDER}`, one folder per generation."
    )


def blocks(found: list[RangeVerdict]) -> dict[str, Maker]:
    """The generated parts of the document."""
    return {
        "range-summary": _summary(found),
        "range-refuted": _refuted(found),
        "range-all": _all(found),
        "range-assumed": _assumed(found),
        "range-hosts": _hosts(),
    }


def main(arguments: list[str]) -> int:
    """Judge all values of the generations named, or of all, and write the verdicts, the traces and the documents."""
    options = parser("c_ranges", __doc__)
    options.add_argument("generations", nargs="*", metavar="GENERATION", help="only these")
    given = options.parse_args(arguments)
    if unknown := set(given.generations) - set(GENERATIONS):
        options.error(f"no generation {', '.join(sorted(unknown))}: there are {', '.join(GENERATIONS)}")
    names = given.generations or list(GENERATIONS)
    output, done = Output(given.check), 0
    for index, contents in in_processes(files_of, names, default_jobs(), prepare=prepare):
        done += 1
        for path in set((FOLDER / names[index]).glob("*")) - set(contents):
            output.remove(path)
        for path, content in contents.items():
            output.write(path, content)
    for document in DOCUMENTS:
        output.renew(document, blocks(load()))
    return output.ended() if done == len(names) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
