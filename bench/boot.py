"""Time and memory to boot a large host, each in a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys

from .effort import Effort
from .report import Section, Target

WANTED_MB = 50
WANTED_SECONDS = 0.1

_PROGRAM = """
import json, resource, sys, time
from reference.generations import GENERATIONS
from reference.state import boot

def resident():
    with open("/proc/self/statm") as pages:
        return int(pages.read().split()[1]) * resource.getpagesize()

nodes, node_pages = map(int, sys.argv[1:])
before = resident()
start = time.perf_counter()
host = boot((node_pages,) * nodes, 1 << (node_pages - 1).bit_length(), GENERATIONS["claim-sets"], check_locks=False)
seconds = time.perf_counter() - start
print(json.dumps([seconds, resident() - before]))
"""


def _boot(nodes: int, node_pages: int) -> tuple[float, float]:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(nodes), str(node_pages)], check=True, capture_output=True, text=True
    )
    seconds, grown = json.loads(done.stdout)
    return seconds, grown / 1e6


def measure(effort: Effort) -> Section:
    """The large host, and the smallest as baseline."""
    rows = []
    for name, nodes, node_pages in (
        ("1 node of 1 GiB (baseline)", 1, 2**18),
        (f"{effort.nodes} nodes of {effort.node_pages:,} pages", effort.nodes, effort.node_pages),
    ):
        runs = [_boot(nodes, node_pages) for _ in range(effort.rounds)]
        seconds = min(seconds for seconds, _ in runs)
        grown = max(grown for _, grown in runs)
        rows.append([name, f"{seconds * 1e3:.2f}", f"{grown:.1f}"])
    return Section(
        title="Booting a large host",
        text=(
            f"Best time and largest growth of resident memory of {effort.rounds} fresh processes. The heap keeps free\n"
            "blocks, not pages: what a host takes grows with how it is cut up, not with its memory."
        ),
        header=["host", "boot, ms", "memory, MB"],
        rows=rows,
        targets=[
            Target(
                f"boot of {effort.nodes} nodes", "at once (below 0.1 s)", f"{seconds:.3f} s", seconds < WANTED_SECONDS
            ),
            Target(
                f"memory of {effort.nodes} nodes after boot",
                f"below {WANTED_MB} MB",
                f"{grown:.1f} MB",
                grown < WANTED_MB,
            ),
        ],
    )
