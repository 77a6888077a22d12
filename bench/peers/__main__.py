"""``python -m bench.peers``: every checker on every size and mistake, one after another; writes docs/peers.md."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from docs._make.blocks import Output, table
from proofs.evidence.dated import measured_on, stamp
from proofs.prover.verdict import versions

from . import explicit, ours, spin
from .subject import SIZES, SMALLEST, Outcome, Size

STORED = Path("bench/peers.json")
DOCUMENT = Path("docs/peers.md")
CHECKERS: dict[str, Callable[..., Outcome]] = {
    "claimcheck prove": ours.proved,
    "claimcheck prove --derive": ours.derived,
    "states in Python": explicit.search,
    "SPIN": spin.search,
}
TRACES: dict[str, Callable[..., Outcome]] = {
    "claimcheck prove": ours.proved,
    "claimcheck search": ours.traced,
    "states in Python": explicit.search,
    "SPIN": spin.search,
}


def measure(sizes: Iterable[Size], with_mistakes: Iterable[Size], seconds: float) -> dict[str, Any]:
    """Every checker on the same sizes; times of the processor, limits by the wall clock."""
    runs = [_run("", size, name, check, seconds) for size in sizes for name, check in CHECKERS.items()]
    runs += [
        _run(mistake, size, name, check, seconds)
        for size in with_mistakes
        for mistake in size.mistakes()
        for name, check in TRACES.items()
    ]
    found = {**versions(), "spin": spin.missing() or spin.version()}
    return {
        **stamp(),
        "versions": found,
        "machine": platform.machine(),
        "load": os.getloadavg()[0],
        "seconds": seconds,
        "runs": runs,
    }


def _run(mistake: str, size: Size, name: str, check: Callable[..., Outcome], seconds: float) -> dict[str, Any]:
    print(f"{size.name} {mistake} {name} ...", file=sys.stderr, flush=True)
    return {"mistake": mistake, "size": asdict(size), "checker": name, **asdict(check(size, mistake, seconds=seconds))}


def blocks(measured: dict[str, Any]) -> dict[str, str]:
    """The tables of the document."""
    right = [run for run in measured["runs"] if not run["mistake"]]
    wrong = [run for run in measured["runs"] if run["mistake"]]
    columns = ["host", "checker", "answer", "states", "seconds", "to get ready", ""]
    shown = table(columns, [_row(run) for run in right])
    mistakes = table(
        ["host", "mistake", *columns[1:]], [[_row(r)[0], f"`{r['mistake']}`", *_row(r)[1:]] for r in wrong]
    )
    return {
        "peers-states": f"{shown}\n\n{_said(measured, right)}",
        "peers-mistakes": f"{mistakes}\n\n{_found(wrong)}",
        "peers-versions": _versions(measured),
    }


def _row(run: dict[str, Any]) -> list[str]:
    size = Size(**run["size"])
    states = f"{run['states']:,}" if run["states"] else "any" if run["checker"].startswith("claimcheck") else ""
    if run["answer"] == "skipped":
        return [size.name, run["checker"], f"skipped: {run['detail']}", "", "", "", ""]
    ready = f"{run['ready']:.1f}" if run["ready"] else ""
    return [size.name, run["checker"], run["answer"], states, f"{run['seconds']:.1f}", ready, run["detail"]]


def _said(measured: dict[str, Any], runs: list[dict[str, Any]]) -> str:
    counts = {
        answer: sum(run["answer"] == answer for run in runs) for answer in ("holds", "broken", "stopped", "skipped")
    }
    both: dict[str, set[int]] = {}
    for run in runs:
        if run["answer"] == "holds" and run["states"]:
            both.setdefault(Size(**run["size"]).name, set()).add(run["states"])
    compared = [name for name in both if sum(_counted(run, name) for run in runs) > 1]
    equal = sum(len(both[name]) == 1 for name in compared)
    stopped = f"{counts['stopped']} stopped after {measured['seconds']:.0f} s or without memory"
    return (
        f"{len(runs)} runs: {counts['holds']} hold, {counts['broken']} broken, {stopped}, {counts['skipped']} skipped."
        f" On {equal} of {len(compared)} hosts that both checkers of states went through to the end, they count"
        " the same states."
    )


def _counted(run: dict[str, Any], name: str) -> bool:
    return bool(run["states"]) and run["answer"] == "holds" and Size(**run["size"]).name == name


def _found(runs: list[dict[str, Any]]) -> str:
    skipped = sum(run["answer"] == "skipped" for run in runs)
    return f"{sum(run['answer'] == 'broken' for run in runs)} of {len(runs) - skipped} found, {skipped} skipped."


def _versions(measured: dict[str, Any]) -> str:
    named = ", ".join(f"{name} {number}" for name, number in measured["versions"].items())
    load = f"load of the machine when measured: {measured['load']:.1f}"
    return f"{measured_on(measured, 'make peers')}\n\n{named}; {load}."


def main(arguments: list[str]) -> None:
    """Measure and write; `--quick` only shows."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the smallest hosts; shown, not written")
    parser.add_argument("--seconds", type=float, default=60.0, help="by the clock, for each run")
    options = parser.parse_args(arguments)
    if options.quick:
        measured = measure(SMALLEST, SMALLEST, options.seconds)
        print("\n\n".join(blocks(measured).values()))
        return
    measured = measure(SIZES, (Size(2, 1, 1, 1), Size(2, 2, 2, 2)), options.seconds)
    STORED.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    Output().renew(DOCUMENT, blocks(measured))
    print(blocks(measured)["peers-states"])


if __name__ == "__main__":
    main(sys.argv[1:])
