"""How large the report is, and how long a browser takes to open it: `python -m bench.page report/report.html`.

Writes bench/page.json, which docs/report.md quotes. The baseline is an empty page, loaded in turn.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from .browser import LIGHT, browser, missing
from .timing import in_turn

ROUNDS = 9
EMPTY = "<!doctype html><html lang=en><title>empty</title><p>empty"
MEASURED = Path("bench/page.json")


def measure(report: Path) -> dict[str, Any]:
    """Milliseconds until the load event has ended, as seen from outside."""
    with tempfile.TemporaryDirectory() as folder, browser() as chromium:
        empty = Path(folder) / "empty.html"
        empty.write_text(EMPTY)
        page = chromium.new_page(**LIGHT)
        subjects = {p.name: partial(page.goto, p.as_uri(), wait_until="load") for p in (empty, report)}
        blank = dict.fromkeys(subjects, partial(page.goto, "about:blank"))
        times = in_turn(subjects, ROUNDS, before=blank, clock=perf_counter)
        version = chromium.version
    baseline, opened = times.values()
    return {
        "chromium": version,
        "load": round(os.getloadavg()[0], 1),
        "rounds": ROUNDS,
        "bytes": report.stat().st_size,
        "empty": {"best": round(baseline.best * 1e3), "median": round(baseline.median * 1e3)},
        "report": {"best": round(opened.best * 1e3), "median": round(opened.median * 1e3)},
        "ratio": round(opened.over(baseline), 1),
    }


if __name__ == "__main__":
    if missing():
        raise SystemExit(missing())
    if len(sys.argv) != 2:
        raise SystemExit("python -m bench.page REPORT.html")
    found = measure(Path(sys.argv[1]))
    MEASURED.write_text(json.dumps(found, indent=1) + "\n")
    print(found)
