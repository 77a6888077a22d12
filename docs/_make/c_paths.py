"""The generated parts of docs/c-paths.md: runs `claimcheck diff --c` on the examples (minutes), or reads results."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from docs._make import c_mutants
from docs._make.blocks import Output, parser, table
from docs._make.checkout import ROOT
from proofs.c_paths.assumptions import assumptions
from proofs.c_paths.machine import Machine
from proofs.c_paths.mapping import LoadedMap
from proofs.c_paths.operations import ARGUMENTS
from proofs.c_paths.ranges import KNOWN, NOT_COMPUTED, SAME, RangeComparison
from proofs.c_paths.run import CResult, CTask, bound, row
from proofs.diff.world import Size

DOCUMENT = Path("docs/c-paths.md")
DATA = "tests/data/c_paths"
EXAMPLES = {
    "ledger": "docs/adapters/ledger.c",
    "hypervisor/mainline": f"{DATA}/hypervisor/mainline.c",
    "hypervisor/per_node": f"{DATA}/hypervisor/per_node.c",
    "hypervisor/claim_sets": f"{DATA}/hypervisor/claim_sets.c",
}
"""By the name of the map."""


class Result(msgspec.Struct):
    """What `claimcheck diff --c --json` printed."""

    seconds: float
    interrupted: bool
    rows: list[CResult]
    ranges: dict[str, list[RangeComparison]] = {}


def operations() -> str:
    """The operations of maps, with the variables of their calls."""
    body = [[f"`{name}`", ", ".join(f"`{one}`" for one in ("d", *own))] for name, own in ARGUMENTS.items()]
    return table(["operation", "variables of its call"], body)


def assumed() -> str:
    """What is assumed for the ledger."""
    loaded = LoadedMap(ROOT / DATA / "ledger.toml", "ledger.toml")
    return "\n".join(f"- {line}" for line in assumptions(loaded, loaded.map.generations[0]))


def mistakes() -> str:
    """Every planted mistake, with the input that shows it."""
    planted = tomllib.loads((ROOT / DATA / "mistakes.toml").read_text(encoding="utf-8"))["mistake"]
    header = ["file", "mistake", "host", "C; the model", "non-zero counters", "no sums"]
    return table(header, [_found(one) for one in planted])


_SUMS = ("total_avail_pages", "outstanding_claims", "node_outstanding_claims", "node_claims")
"""Counters that `aggregates-agree` and `all-claims-counted` make the sum of others."""


def _found(mistake: dict[str, Any]) -> list[str]:
    source = EXAMPLES[mistake["file"]]
    text = (ROOT / source).read_text(encoding="utf-8")
    for change in (mistake, *mistake.get("also", ())):
        text = text.replace(change["was"], change["now"])
    for size in (Size(1, 1), Size(2, 2)):
        task = CTask(source, f"{DATA}/{mistake['file']}.toml", "", mistake["operation"], size)
        with_map = bound(task, text)
        task = task._replace(generation=with_map.loaded.map.generations[0])
        found = row(with_map, Machine(with_map.source), task).difference
        if found is not None:
            ends = f"`{found.operation}`: {found.result}; {found.expected}"
            numbers = [name for name, value in found.state.items() if value]
            free = [name for name in numbers if name.partition("[")[0] not in _SUMS]
            counts = str(len(numbers)), str(len(free))
            return [f"`{source.rpartition('/')[2]}`", mistake["what"], str(size), ends, *counts]
    raise SystemExit(f"{mistake['what']} was not found")


def runs(results: Sequence[tuple[str, Result]]) -> str:
    """One row for each example and operation."""
    body = []
    for source, result in results:
        for name in dict.fromkeys(one.operation for one in result.rows):
            here = [one for one in result.rows if one.operation == name]
            sums = [
                f"{sum(getattr(one, field) for one in here):,}" for field in ("plans", "by_symmetry", "paths", "ran")
            ]
            queries, seconds = sum(one.queries for one in here), sum(one.seconds for one in here)
            verdicts = ", ".join(dict.fromkeys(one.verdict for one in here))
            sizes = " ".join(one.size for one in here)
            body.append([f"`{source}`", f"`{name}`", sizes, *sums, f"{queries:,}", f"{seconds:.0f}", verdicts])
    header = ["file", "operation", "hosts", "plans", "by symmetry", "paths", "run for real", "queries", "s", "verdict"]
    clock = ", ".join(f"`{source}` {result.seconds:.0f}" for source, result in results)
    return (
        f"{table(header, body)}\n\n"
        f"*s*: seconds of processor time of the exploration. Seconds of the whole commands by the clock: {clock}."
    )


def range_counts(results: Sequence[tuple[str, Result]]) -> str:
    """How many values of the model are as in each example."""
    outcomes = dict.fromkeys(one.outcome for _, result in results for found in result.ranges.values() for one in found)
    body = []
    for source, result in results:
        counts = Counter(one.outcome for found in result.ranges.values() for one in found)
        body.append([f"`{source}`", str(counts.total()), *(str(counts[outcome]) for outcome in outcomes)])
    return table(["file", "values of the model", *outcomes], body)


def range_differences(results: Sequence[tuple[str, Result]]) -> str:
    """Every value that is computed otherwise, each once with the operations; and those that are not computed."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for source, result in results:
        for operation, found in result.ranges.items():
            for one in found:
                if one.outcome in (SAME, KNOWN):
                    continue
                verdict = "proved" if one.proved else "may leave it"
                computed = "; ".join(
                    dict.fromkeys(f"`{c.form}` {c.c_type}{', leaves it' if c.leaves else ''}" for c in one.computed)
                )
                key = f"`{source}`", f"`{one.expression}`", one.c_type, verdict, computed, one.outcome
                rows.setdefault(key, []).append(f"`{operation}`")
    ordered = sorted(rows.items(), key=lambda row: row[0][-1] == NOT_COMPUTED)
    body = [[key[0], ", ".join(dict.fromkeys(names)), *key[1:]] for key, names in ordered]
    return table(["file", "operation", "value of the model", "type", "in the model", "in C", "ranges"], body)


BLOCKS: dict[str, Callable[[], str]] = {
    "c-paths-operations": operations,
    "c-paths-assumed": assumed,
    "c-paths-mistakes": mistakes,
    "c-paths-mutants": c_mutants.counts,
    "c-paths-alive": c_mutants.survivors,
}


RANGES = ("--ranges", "--shape", "1x1", "--shape", "2x2")
"""On hosts that are quick to explore: a form that only larger ones compute is not seen."""


def _results(stored: Path | None, *more: str) -> list[tuple[str, Result]]:
    """Of every example."""
    results = []
    for name, source in EXAMPLES.items():
        path = None if stored is None else stored / f"{name.rpartition('/')[2]}.json"
        results.append((source.rpartition("/")[2], _result(name, path, *more)))
    return results


def _result(name: str, stored: Path | None, *more: str) -> Result:
    if stored is not None:
        return msgspec.json.decode(stored.read_bytes(), type=Result)
    command = [sys.executable, "-m", "proofs.cli.main", "diff", "--json", *more, "--c", EXAMPLES[name]]
    done = subprocess.run([*command, "--map", f"{DATA}/{name}.toml"], check=True, stdout=subprocess.PIPE)
    return msgspec.json.decode(done.stdout, type=Result)


def main(arguments: list[str]) -> int:
    """Write the document."""
    options = parser("c_paths", __doc__)
    options.add_argument("--results", type=Path, help="a folder with what was printed: ledger.json, mainline.json, ...")
    options.add_argument("--quick", action="store_true", help="all but the runs and the ranges")
    options.add_argument("--ranges", action="store_true", help="only the ranges")
    given = options.parse_args(arguments)
    output = Output(given.check)
    blocks = {} if given.ranges else dict(BLOCKS)
    if not given.quick:
        held = _results(None, *RANGES)
        blocks |= {
            "c-paths-ranges": lambda: range_counts(held),
            "c-paths-range-differences": lambda: range_differences(held),
        }
        if not given.ranges:
            ran = _results(given.results)
            blocks["c-paths-runs"] = lambda: runs(ran)
    output.renew(DOCUMENT, blocks, others=[name for name in ALL if name not in blocks])
    return output.ended()


ALL = [*BLOCKS, "c-paths-runs", "c-paths-ranges", "c-paths-range-differences"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
