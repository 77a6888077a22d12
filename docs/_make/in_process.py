"""The measurements of bench/in_process.json: rates, planted mistakes, sizes of the oracle."""

from __future__ import annotations

import json

from .blocks import table
from .checkout import ROOT


def in_process() -> str:
    """Rates and the cost of the shadow, then the mistakes, then the sizes."""
    path = ROOT / "bench/in_process.json"
    if not path.exists():
        return "Not measured yet: `python -m bench.in_process`."
    found = json.loads(path.read_text(encoding="utf-8"))
    rates = [[how, f"{rate:,}"] for how, rate in found["steps_per_second"].items()]
    shadow, sizes = found["shadow"], found["sizes"]
    mistakes = [[f"`{name}`", *how.split(": ", 1)] for name, how in found["mistakes"].items()]
    lines = [[f"`{name}`", f"{size['lines']:,}", size["kinds"], size["cases"]] for name, size in sizes.items()]
    return "\n\n".join(
        [
            table(["ledger, checked", "steps per second of processor time"], rates),
            f"In one process it is {found['ratio']} times as fast as by pipe. With the shadow a critical section of the"
            f" ledger takes {shadow['shadowed_ns']:.0f} ns instead of {shadow['bare_ns']:.0f} ns: {shadow['ratio']}"
            f" times as long. Load average of the machine: {found['load']}.",
            "<details>\n<summary>Known mistakes planted in the ledger, and what in-process fuzzing reports</summary>",
            table(["mistake", "found after", "report"], mistakes),
            "</details>\n\n<details>\n<summary>Size of the oracle of each generation</summary>",
            table(["generation", "lines", "kinds of calls", "cases"], [[str(cell) for cell in row] for row in lines]),
            "</details>",
        ]
    )
