"""The parts of docs/c-paths.md about single changes of ledger.c: the stored run, and the reasons of survivors."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from docs._make.blocks import table
from docs._make.checkout import ROOT
from proofs.c_paths.edits import KINDS
from proofs.c_paths.mutants import ALIVE, KILLED, SAME, CMutantResult, CMutantRun

FOLDER = Path("tests/data/c_paths/mutants")


def stored() -> CMutantRun:
    """The stored run."""
    return msgspec.json.decode((ROOT / FOLDER / "ledger.json").read_bytes(), type=CMutantRun)


def reasons() -> list[dict[str, Any]]:
    """Why survivors are alive."""
    found: list[dict[str, Any]] = tomllib.loads((ROOT / FOLDER / "alive.toml").read_text(encoding="utf-8"))["reason"]
    return found


def counts() -> str:
    """How many changes of each kind there are, and what became of them."""
    results = stored().results
    hosts = list(dict.fromkeys(one.host for one in sorted(results, key=lambda one: one.host) if one.host))
    rows = [_row(kind, [one for one in results if one.kind == kind], hosts) for kind in KINDS]
    header = ["change of", "changes", *(f"killed on {host}" for host in hosts), "the same", "alive, explained", "s"]
    return "\n\n".join([table(header, [*rows, _row("all", results, hosts)]), _sentence(results)])


def _row(name: str, of: list[CMutantResult], hosts: list[str]) -> list[str]:
    ends = Counter(one.verdict for one in of)
    killed = [sum(one.verdict == KILLED and one.host == host for one in of) for host in hosts]
    numbers = [len(of), *killed, ends[SAME], ends[ALIVE]]
    return [name, *map(str, numbers), f"{sum(one.seconds for one in of):.0f}"]


def _sentence(results: list[CMutantResult]) -> str:
    killed = [one for one in results if one.verdict == KILLED]
    by = Counter(one.operation for one in killed)
    others = len(results) - sum(one.verdict in (KILLED, SAME, ALIVE) for one in results)
    ended = sum(one.ends.startswith("does not end") for one in killed)
    operations = ", ".join(f"`{name}` {number}" for name, number in by.most_common())
    return f"Killed by {operations}; {ended} of the killed do not end. {others} changes are not judged."


def survivors() -> str:
    """Every survivor, with the reason and the host on which it would show."""
    known = {one.key: one for one in stored().results}
    rows = []
    for reason in reasons():
        changes = [known[key] for key in reason["mutants"]]
        for one in changes:
            change = f"{one.line}: `{one.before}` becomes `{one.after}`"
            rows.append([change, " ".join(one.equal), reason["shows"], reason["says"]])
    rows.sort(key=lambda row: int(row[0].partition(":")[0]))
    return table(["line and change", "equal on", "shows", "why"], rows)
