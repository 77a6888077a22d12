"""claimcheck itself on the same question: the prover for any page counts, Spacer, and a search for a shortest trace."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from .clock import worked
from .subject import CONDITIONS, MISTAKES, PROPERTIES, Outcome, Size

IDS = tuple(dict.fromkeys(name.partition(".")[0] for name in PROPERTIES))


def proved(size: Size, mistake: str = "", seconds: float = 60.0) -> Outcome:
    """All obligations about these properties, every transition, any page counts; start-up included."""
    options = [f"--property={name}" for name in IDS] + ([f"--mistake={mistake}"] if mistake else [])
    said, spent = _run(["prove", "--hosts", size.hosts, "--no-cache", "--jobs", "1", *options], seconds)
    if said is None:
        return Outcome("stopped", spent, detail=f"after {seconds:.0f} s")
    verdicts = [result["verdict"] for result in said["results"] if result["claimed"]]
    if "refuted" in verdicts:
        return Outcome("broken", spent, detail=f"{verdicts.count('refuted')} of {len(verdicts)} obligations refuted")
    unknown = verdicts.count("unknown")
    return Outcome("stopped" if unknown else "holds", spent, detail=f"{len(verdicts)} obligations, {unknown} unknown")


def derived(size: Size, mistake: str = "", seconds: float = 60.0) -> Outcome:
    """Spacer finds an invariant for the same properties, and the prover certifies it."""
    options = [f"--property={name}" for name in IDS] + ([f"--mistake={mistake}"] if mistake else [])
    limits = ["--seconds", str(max(1, int(seconds))), "--jobs", "1"]
    said, spent = _run(["prove", "--derive", size.hosts, *limits, *options], 4 * seconds)
    if said is None:
        return Outcome("stopped", spent, detail=f"after {4 * seconds:.0f} s")
    open_ones = [one for one in said["invariants"] if one["verdict"] != "proved"]
    if not open_ones:
        conjuncts = sum(len(one["spacers"]) for one in said["invariants"])
        return Outcome("holds", spent, detail=f"certified, {conjuncts} conjuncts")
    if any(one["reason"].startswith("a run breaks") for one in open_ones):
        return Outcome("broken", spent, detail="a run of the clauses")
    return Outcome("stopped", spent, detail="; ".join(one["reason"] for one in open_ones))


def traced(size: Size, mistake: str, seconds: float = 60.0) -> Outcome:
    """A shortest trace from boot, of any page counts; the domains are created in it."""
    options = ["--property", MISTAKES[mistake], "--mistake", mistake, "--nodes", str(size.nodes)]
    options += [part for name in ("limit-not-lowered", *CONDITIONS) for part in ("--assume", name)]
    said, spent = _run(["search", "--domains", str(size.domains), *options], seconds)
    if said is None:
        return Outcome("stopped", spent, detail=f"after {seconds:.0f} s")
    found = said["searches"][0]["trace"]
    if found is None:
        return Outcome("stopped", spent, detail="no trace found")
    created = found["transitions"].count("create_domain")
    return Outcome("broken", spent, detail=f"{MISTAKES[mistake]} at depth {len(found['transitions']) - created}")


def _run(arguments: list[str], seconds: float) -> tuple[dict[str, Any] | None, float]:
    """What it prints as JSON, and how long it took; nothing if it was stopped."""
    started = worked()
    command = [sys.executable, "-m", "proofs.cli.main", *arguments, "--json"]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=seconds + 10)
    except subprocess.TimeoutExpired:
        return None, worked() - started
    if not done.stdout:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    return json.loads(done.stdout), worked() - started
