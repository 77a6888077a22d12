"""docs/c-ranges.md, the verdicts it is written from, and a trace for each value that leaves its type.

`make c-ranges`; with --check nothing is written: it says what a run would change.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from model.semantics import SEMANTICS
from proofs.c_ranges.rows import RangeRow, rows_of
from proofs.c_ranges.traces import DEPTH, DEPTH_DESTROYED, HOSTS, LARGE, WrapTrace, search
from proofs.c_typed.runs import CTypedRun
from proofs.parallel import default_jobs, in_processes
from proofs.prover.documents import table
from proofs.prover.pool import prepare
from proofs.prover.verdict import Verdict
from proofs.traces.events import FORMAT_2, Boot, Event, Header, HostShape
from proofs.traces.own_events import Events2

DOCUMENT = Path("docs/c-ranges.md")
FOLDER = Path("tests/data/c-ranges")
VERDICTS = "verdicts.json"
"""In the folder of a generation, beside its traces."""
NO_TRACE = "no proof, and no trace found"
HARMLESS = "nothing that a trace observes"
_BLOCK = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


@dataclass(frozen=True)
class ValueVerdict:
    """A value, and of a refuted one the trace and what comes of it."""

    row: RangeRow
    value: str = ""
    trace: str = ""
    consequence: str = ""


def judged(semantics: str) -> tuple[list[ValueVerdict], dict[str, bytes]]:
    """All values of a generation, and the files of the traces."""
    rows = rows_of(semantics)
    left = {(row.transition, row.number) for row in rows if row.verdict is not Verdict.PROVED}
    found = search(semantics, left) if left else {}
    files: dict[str, bytes] = {}
    judgements = []
    for row in rows:
        if row.verdict is Verdict.PROVED:
            judgements.append(ValueVerdict(row))
            continue
        ways = found.get((row.transition, row.number), [])
        if not ways:
            judgements.append(ValueVerdict(row, consequence=NO_TRACE))
            continue
        best = next((way for way in ways if way.parting), ways[0])
        content = written(semantics, best)
        name = next((n for n, c in files.items() if c == content), f"{row.transition}-{len(files) + 1}.jsonl")
        files[name] = content
        consequence = HARMLESS if best.parting is None else str(best.parting)
        value = "" if best.value is None else str(best.value)
        judgements.append(ValueVerdict(replace(row, verdict=Verdict.REFUTED), value, name, consequence))
    return judgements, files


def written(semantics: str, found: WrapTrace) -> bytes:
    """The trace with what is observed on C's numbers."""
    shape = HostShape(1 << (max(found.nodes) - 1).bit_length(), list(found.nodes), last_alloc_node=0)
    header = Header(FORMAT_2, semantics, "claimcheck: a value leaves its C type; replay with --c-types", shape, 0)
    run = CTypedRun(semantics, shape, c_types=True)
    lines = [msgspec.json.encode(header)]
    events: list[Event] = [Boot(), *(msgspec.convert(event, Events2) for event in found.events)]
    for event in events:
        seen = run.do(event)
        fields = {**seen.outcome, **({"crash": seen.crash} if seen.crash else {"state": seen.state})}
        lines.append(msgspec.json.encode(msgspec.structs.replace(event, **fields)))
    return b"\n".join(lines) + b"\n"


def dumped(found: Iterable[ValueVerdict]) -> str:
    """A verdict a line."""
    lines = [
        json.dumps(
            [
                j.row.semantics,
                j.row.transition,
                j.row.function,
                j.row.expression,
                j.row.c_type,
                j.row.verdict.value,
                list(j.row.assumes),
                j.value,
                j.trace,
                j.consequence,
            ]
        )
        for j in found
    ]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def load(folder: Path = FOLDER) -> list[ValueVerdict]:
    """What the last run found, of the generations for which there was one."""
    found = []
    for path in [path for name in SEMANTICS if (path := folder / name / VERDICTS).exists()]:
        for s, transition, function, expression, c_type, verdict, assumes, *rest in json.loads(path.read_text()):
            row = RangeRow(s, transition, function, expression, c_type, Verdict(verdict), tuple(assumes))
            found.append(ValueVerdict(row, *rest))
    return found


def _summary(found: list[ValueVerdict]) -> str:
    body = []
    for semantics in SEMANTICS:
        of = [j for j in found if j.row.semantics == semantics]
        if not of:
            continue
        counts = [sum(j.row.verdict is v for j in of) for v in (Verdict.PROVED, Verdict.REFUTED, Verdict.UNKNOWN)]
        body.append([f"`{semantics}`", str(len(of)), *map(str, counts)])
    return table(["generation", "values", "proved", "refuted", "unknown"], body)


def _refuted(found: list[ValueVerdict]) -> str:
    body = []
    for j in found:
        if j.row.verdict is Verdict.PROVED:
            continue
        link = f"`{j.trace}`" if j.trace else ""
        last = _last_call(j) if j.trace else ""
        shown = [f"`{j.row.semantics}`", f"`{j.row.transition}`", f"`{j.row.expression}`", j.row.c_type]
        body.append([*shown, j.row.verdict.value, j.value, last, j.consequence, link])
    header = ["generation", "transition", "expression", "type", "verdict", "value", "call", "what comes of it", "trace"]
    return table(header, body)


def _last_call(j: ValueVerdict) -> str:
    event = json.loads((FOLDER / j.row.semantics / j.trace).read_text().splitlines()[-1])
    names = ("pages", "nr_extents", "node", "claims")
    arguments = {name: event[name] for name in names if event.get(name) is not None}
    return ", ".join(f"{name} {_in_powers(value)}" for name, value in arguments.items())


def _in_powers(value: Any) -> str:
    if isinstance(value, int):
        return next((f"2^64 - {2**64 - value}" for k in range(1, 9) if value == 2**64 - k), str(value))
    return "; ".join(f"{_in_powers(c['pages'])} on {c['target']}" for c in value) if isinstance(value, list) else value


def _all(found: list[ValueVerdict]) -> str:
    """Each expression once, by what computes it, with the generations it is proved and refuted in."""
    numbers = {name: str(number) for number, name in enumerate(SEMANTICS, 1)}
    rows: dict[tuple[str, str, str], dict[Verdict, list[str]]] = {}
    for j in found:
        by = rows.setdefault((j.row.transition, j.row.expression, j.row.c_type), {})
        by.setdefault(j.row.verdict, []).append(numbers[j.row.semantics])
    body = [
        [f"`{t}`", f"`{e}`", c, *(", ".join(by.get(v, [])) for v in (Verdict.PROVED, Verdict.REFUTED, Verdict.UNKNOWN))]
        for (t, e, c), by in rows.items()
    ]
    names = "; ".join(f"{number} `{name}`" for name, number in numbers.items())
    return f"{names}.\n\n" + table(["transition", "expression", "type", "proved in", "refuted in", "unknown in"], body)


def _assumed(found: list[ValueVerdict]) -> str:
    seen = dict.fromkeys((j.row.transition, words) for j in found for words in j.row.assumes)
    return table(["transition", "taken for granted"], [[f"`{t}`", words] for t, words in seen])


def _hosts(_found: list[ValueVerdict]) -> str:
    sizes = ", ".join("+".join(map(str, nodes)) for nodes in HOSTS)
    return (
        f"Searched: two domains on hosts of {sizes} pages (one number per node) and, where claims grow back, of "
        f"{LARGE[0]}; at most {DEPTH} events after the domains are created, and {DEPTH_DESTROYED} after one of them is "
        f"destroyed with a claim or an allocation in flight. The traces are in `{FOLDER}`, one folder per generation."
    )


BLOCKS = {
    "range-summary": _summary,
    "range-refuted": _refuted,
    "range-all": _all,
    "range-assumed": _assumed,
    "range-hosts": _hosts,
}


def renewed(text: str, found: list[ValueVerdict]) -> str:
    """The document with every generated block written anew."""
    return _BLOCK.sub(lambda m: f"{m[1]}{BLOCKS[m[2]](found)}\n{m[3]}", text)


def files_of(semantics: str) -> dict[Path, bytes]:
    """The verdicts and the traces of a generation, found now."""
    judgements, files = judged(semantics)
    contents = {FOLDER / semantics / name: content for name, content in files.items()}
    return {**contents, FOLDER / semantics / VERDICTS: dumped(judgements).encode()}


def main(arguments: list[str]) -> int:
    """Judge all values of the generations named, or of all; write, or only say what is not up to date."""
    check = "--check" in arguments
    names = [name for name in arguments if name in SEMANTICS] or list(SEMANTICS)
    verb = "not up to date" if check else "written"
    changed: list[Path] = []
    done = 0
    for index, contents in in_processes(files_of, names, default_jobs(), prepare=prepare):
        done += 1
        there = (FOLDER / names[index]).glob("*")
        stale = [path for path in there if path not in contents]
        different = [path for path, content in contents.items() if not path.exists() or path.read_bytes() != content]
        changed += [*stale, *different]
        for path in [] if check else stale:
            path.unlink()
        for path in [] if check else different:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(contents[path])
    text = DOCUMENT.read_text(encoding="utf-8")
    if not check and renewed(text, load()) != text:
        DOCUMENT.write_text(renewed(text, load()), encoding="utf-8")
        changed.append(DOCUMENT)
    for path in changed:
        print(f"{verb}: {path}")
    return 1 if (check and changed) or done < len(names) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
