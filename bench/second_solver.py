"""cvc5 on every question, and the invariants that Spacer derives: `python -m bench.second_solver`.

Writes bench/second_solver.json, which docs/second-solver.md quotes, and the document's blocks.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from docs._make.blocks import Output, table
from proofs.evidence.dated import measured_on, stamp

STORED = Path("bench/second_solver.json")
DOCUMENT = Path("docs/second-solver.md")
DESIGN = ["--hosts", "any", "--hosts", "2x2", "--hosts", "4x4", "--vacuity"]
BACKED = ["--property", "node-backed", "--property", "host-backed", "--property", "aggregates-agree"]
DERIVATIONS = (
    (["1x1", "2x1", "1x2", "2x2"], BACKED),
    (["1x1", "2x1"], ["--property", "entitlement"]),
    (["1x1"], ["--property", "entitlement-without-limbo"]),
)
"""Hosts, and the properties that are derived on them."""
LARGE = (
    (["3x2"], BACKED),
    (["1x2", "2x2"], ["--property", "entitlement"]),
    (["2x1", "1x2"], ["--property", "entitlement-without-limbo"]),
)
"""With --large: minutes each, or given up."""
COMMAND = "python -m bench.second_solver --generations --large"
SHOWN_WHOLE = ("1x1", "2x2")


def asked(*arguments: str) -> dict[str, Any]:
    """What ``claimcheck prove`` prints as JSON."""
    command = [sys.executable, "-m", "proofs.cli.prove", *arguments, "--json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode == 2 or not done.stdout:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measure(generations: bool, large: bool, seconds: int) -> dict[str, Any]:
    """Everything that the document quotes."""
    design = asked(*DESIGN, "--no-cache", "--cross-check")
    found = {**stamp(), "versions": design["versions"], "load": os.getloadavg()[0], "seconds": seconds}
    found["design"] = _kept(design["cross_check"])
    if generations:
        matrix = asked("--all", "--no-cache", "--cross-check")
        found["generations"] = _kept(matrix["cross_check"])
        found["generations"]["by_generation"] = _by_generation(matrix["cross_check"]["questions"])
    found["invariants"] = [
        invariant
        for hosts, properties in (*DERIVATIONS, *(LARGE if large else ()))
        for host in hosts
        for invariant in asked("--derive", host, *properties, "--seconds", str(seconds), "--jobs", "1")["invariants"]
    ]
    return found


def _kept(checked: dict[str, Any]) -> dict[str, Any]:
    names = ("cvc5", "limits", "asked", "counts", "by_kind")
    slowest = max(checked["questions"], key=lambda q: q["cvc5"]["seconds"])
    rest = [q["name"] for q in checked["questions"] if q["outcome"] != "agree"]
    slow = {"name": slowest["name"], "z3": slowest["z3"]["seconds"], "cvc5": slowest["cvc5"]["seconds"]}
    return {**{name: checked[name] for name in names}, "slowest": slow, "not_agreed": rest}


def _by_generation(questions: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    found: dict[str, Counter[str]] = {}
    for question in questions:
        counts = found.setdefault(question["name"].partition("/")[0], Counter())
        agreed = question["outcome"] == "agree"
        counts[question["cvc5"]["answer"] if agreed else question["outcome"]] += 1
        for solver in ("z3", "cvc5"):
            counts[solver] += question[solver]["seconds"]
    return {name: dict(counts) for name, counts in found.items()}


_COLUMNS = ["questions", "both unsat", "both sat", "undecided by cvc5", "by cvc5 alone", "disagree", "Z3 s", "cvc5 s"]


def _counts(kind: str, s: dict[str, Any]) -> list[str]:
    numbers = [s[name] for name in ("questions", "unsat", "sat", "undecided", "alone", "disagree")]
    return [kind, *(f"{n:,}" for n in numbers), f"{s['z3_seconds']:.1f}", f"{s['cvc5_seconds']:.1f}"]


def _cross_check(measured: dict[str, Any]) -> str:
    design = measured["design"]
    rows = [_counts(kind, s) for kind, s in design["by_kind"].items()]
    every, slow = design["counts"], design["slowest"]
    limits = ", ".join(f"{name} {value:,}" for name, value in design["limits"].items())
    return (
        f"{table(['hosts', *_COLUMNS], [*rows, _counts('all', every)])}\n\n"
        f"{every['unsat'] + every['sat']:,} of {every['questions']:,} agreed on. Slowest for cvc5: `{slow['name']}`,"
        f" {slow['cvc5']:.2f} s (Z3 {slow['z3']:.2f} s).\n\n"
        f"z3 {measured['versions']['z3']}, cvc5 {design['cvc5']} ({limits}), Python {measured['versions']['python']};"
        f" load of the machine when measured: {measured['load']:.1f}."
    )


def _generations(measured: dict[str, Any]) -> str:
    if "generations" not in measured:
        return "Not measured: `python -m bench.second_solver --generations`."
    rows = []
    for name, c in measured["generations"]["by_generation"].items():
        others = sum(c.get(k, 0) for k in ("undecided by cvc5", "decided by cvc5 alone", "disagree"))
        both = (c.get("unsat", 0), c.get("sat", 0), others)
        rows.append([f"`{name}`", *(f"{n:,}" for n in both), f"{c['z3']:.1f}", f"{c['cvc5']:.1f}"])
    every = measured["generations"]["counts"]
    return (
        f"{table(['generation', 'both unsat', 'both sat', 'not agreed on', 'Z3 s', 'cvc5 s'], rows)}\n\n"
        f"{every['questions']:,} questions: {every['unsat'] + every['sat']:,} agreed on, {every['disagree']} not,"
        f" {every['undecided']} undecided by cvc5, {every['alone']} decided by cvc5 alone."
    )


def _parted(invariant: dict[str, Any]) -> tuple[int, int, int]:
    """Spacer's conjuncts that the hand-written ones do not imply; theirs that Spacer's does not; those not followed."""
    more = sum(c["implied"] != "proved" for c in invariant["spacers"])
    less = sum(c["implied"] not in ("proved", "not applicable") for c in invariant["by_hand"])
    return more, less, sum(c["implied"] == "not applicable" for c in invariant["by_hand"])


def _spacer(measured: dict[str, Any]) -> str:
    rows = []
    for one in measured["invariants"]:
        more, less, beyond = _parted(one)
        proved = sum(c["verdict"] == "proved" for c in one["certificates"])
        properties, *conditions = one["name"].split("/")[1].split("+")
        properties = properties.replace(",", ", ") + (f" if {' and '.join(conditions)}" if conditions else "")
        ended = one["verdict"] + (f": {one['reason']}" if one["reason"] else "")
        counts = [str(one[name]) for name in ("counters", "clauses")]
        certified = f"{proved} of {len(one['certificates'])}" if one["certificates"] else ""
        compared = [str(len(one["spacers"])), str(more), str(less), str(beyond)] if one["certificates"] else [""] * 4
        host = f"{one['nodes']}x{one['domains']}"
        rows.append([properties, host, *counts, ended, f"{one['derive_seconds']:.1f}", certified, *compared])
    columns = [
        "properties",
        "hosts",
        "counters",
        "clauses",
        "verdict",
        "seconds",
        "certified",
        "conjuncts",
        "more",
        "less",
    ]
    return f"{table([*columns, 'not followed'], rows)}\n\nSpacer gives up after {measured['seconds']} s."


def _invariants(measured: dict[str, Any]) -> str:
    parts = []
    for one in measured["invariants"]:
        if f"{one['nodes']}x{one['domains']}" in SHOWN_WHOLE and one["spacers"]:
            rows = [[f"`{c['text']}`", "yes" if c["implied"] == "proved" else "no"] for c in one["spacers"]]
            parts.append(f"`{one['name']}`:\n\n{table(['Spacer', 'follows from those by hand'], rows)}")
    return "\n\n".join(parts)


def _compared(measured: dict[str, Any]) -> str:
    """By hand-written invariant: how many of its conjuncts Spacer's implies, in each derivation that was certified."""
    certified = [one for one in measured["invariants"] if one["verdict"] == "proved"]
    names = list(dict.fromkeys(c["invariant"] for one in certified for c in one["by_hand"]))
    header = [
        f"{'+'.join(dict.fromkeys(p.partition('.')[0] for p in o['properties']))} {o['nodes']}x{o['domains']}"
        for o in certified
    ]
    return table(["by hand", *header], [[f"`{n}`", *(_share(one, n) for one in certified)] for n in names])


def _share(one: dict[str, Any], name: str) -> str:
    answers = Counter(c["implied"] for c in one["by_hand"] if c["invariant"] == name)
    followed = sum(answers.values()) - answers["not applicable"]
    return f"{answers['proved']} of {followed}" if followed else "."


def blocks(measured: dict[str, Any]) -> dict[str, str]:
    """The generated parts of the document."""
    return {
        "solvers-of": measured_on(measured, COMMAND),
        "solvers-cross-check": _cross_check(measured),
        "solvers-generations": _generations(measured),
        "solvers-spacer": _spacer(measured),
        "solvers-invariants": _invariants(measured),
        "solvers-compared": _compared(measured),
    }


def main(arguments: list[str]) -> None:
    """Measure and write; with --show write the document from what was measured before."""
    parser = argparse.ArgumentParser(prog="python -m bench.second_solver", description=__doc__)
    parser.add_argument("--generations", action="store_true", help="the questions of the whole matrix, too")
    parser.add_argument("--large", action="store_true", help="larger hosts for Spacer, too")
    parser.add_argument("--seconds", type=int, default=300, help="for each invariant")
    parser.add_argument("--show", action="store_true", help="measure nothing: write the document again")
    options = parser.parse_args(arguments)
    if not options.show:
        measured = measure(options.generations, options.large, options.seconds)
        STORED.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    measured = json.loads(STORED.read_text(encoding="utf-8"))
    Output().renew(DOCUMENT, blocks(measured))


if __name__ == "__main__":
    main(sys.argv[1:])
