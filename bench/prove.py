"""How long proofs take, and how that grows with the host: `python -m bench.prove`.

Writes bench/prove.json, which docs/proofs.md quotes, and docs/prove-growth.svg.
"""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SIZES = [(1, 1), (2, 2), (4, 2), (4, 4), (8, 4), (8, 8), (16, 8)]


def measure(hosts: str, jobs: int) -> dict[str, float | int | str]:
    """One run of `claimcheck prove` in a process of its own, start-up included."""
    command = [sys.executable, "-m", "proofs.cli.prove", "--hosts", hosts, "--no-cache", "--json", "--jobs", str(jobs)]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ended = subprocess.run(command, check=False, capture_output=True)
    if ended.returncode not in (0, 3):
        raise SystemExit(ended.stderr.decode())
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    results = json.loads(ended.stdout)["results"]
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    unknown = sum(r["verdict"] == "unknown" for r in results)
    return {
        "hosts": hosts,
        "obligations": len(results),
        "unknown": unknown,
        "wall": round(wall, 2),
        "cpu": round(cpu, 2),
    }


def plot(runs: list[dict[str, Any]], target: Path) -> None:
    """Seconds against nodes x domains; the parametric time is a horizontal line."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    bounded = [r for r in runs if r["hosts"] != "any"]
    size = [int(r["hosts"].split("x")[0]) * int(r["hosts"].split("x")[1]) for r in bounded]
    figure, axes = plt.subplots(figsize=(6, 4))
    axes.plot(size, [r["cpu"] for r in bounded], "o-", label="bounded hosts")
    constant = next(r["cpu"] for r in runs if r["hosts"] == "any")
    axes.axhline(constant, color="tab:red", label="any host")
    axes.set(xlabel="nodes x domains", ylabel="CPU seconds", xscale="log", yscale="log", title="claimcheck prove")
    axes.legend()
    figure.tight_layout()
    figure.savefig(target, metadata={"Date": None})


def main() -> None:
    """Measure, write, plot."""
    from proofs.evidence.dated import stamp
    from proofs.prover.verdict import versions

    jobs = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    runs = [measure(hosts, jobs) for hosts in ["any", *(f"{n}x{d}" for n, d in SIZES)]]
    content = {**stamp(), "versions": versions(), "jobs": jobs, "load": load, "runs": runs}
    Path("bench/prove.json").write_text(json.dumps(content, indent=1) + "\n")
    plot(runs, Path("docs/prove-growth.svg"))
    for run in runs:
        print(run)


if __name__ == "__main__":
    main()
