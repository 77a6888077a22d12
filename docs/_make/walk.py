"""Run the README's commands as a new reader would, and time them: ``python -m docs._make.walk`` in a checkout.

Every line of the README's shell blocks runs unchanged, in a fresh clone in an empty folder. The environment has nothing
of this checkout, and every package is downloaded. docs/quickstart.md shows the times.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from docs._make.checkout import ROOT
from docs._make.run_times import Clock
from proofs.versions import versions

README = ROOT / "README.md"
MEASURED = ROOT / "bench/walk.json"
SOURCE = "<where you have it from>"
NOT_WALKED = {"make test": "what CI runs"}
"""Lines that are left out, and why."""
OWN = ("nodes = 4", "nodes = 8")
"""The edit that turns the built-in scenario into the reader's own."""
_SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def shell_lines(text: str) -> list[str]:
    """The commands of a document's shell blocks, without the comments after ``#``."""
    lines = [line.partition("  #")[0].strip() for block in _SHELL.findall(text) for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def steps(text: str) -> list[str]:
    """What is done, in order."""
    return [line for line in shell_lines(text) if line not in NOT_WALKED]


def walked(
    lines: list[str], source: str, folder: Path, told: Callable[[str], None] = lambda _line: None
) -> Iterator[dict[str, Any]]:
    """Do the lines one after the other, each where the one before ended; one that fails is the last.

    :param source: what is cloned
    :param folder: an empty one
    """
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    environment["PIP_NO_CACHE_DIR"] = "1"
    own = str(Path(sys.executable).parent)
    environment["PATH"] = os.pathsep.join(p for p in environment["PATH"].split(os.pathsep) if p != own)
    where, sourced = folder, ""
    for line in lines:
        told(line)
        place = folder / ".place"
        script = f"{sourced}{line.replace(SOURCE, source)}\ncode=$?\npwd > {place}\nexit $code\n"
        clock = Clock()
        done = subprocess.run(
            ["bash", "-c", script], cwd=where, env=environment, capture_output=True, text=True, check=False
        )
        clock.took(line)
        seconds, processor = (round(time, 1) for time in clock.whole())
        yield {"command": line, "seconds": seconds, "processor": processor, "code": done.returncode}
        if done.returncode:
            told(f"ended with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")
            return
        where = Path(place.read_text().strip())
        if line.startswith(". "):
            sourced += f"{line}\n"
        if " > " in line:
            _made_own(where / line.rpartition(" > ")[2])


def _made_own(path: Path) -> None:
    """The edit that a person makes by hand."""
    text = path.read_text(encoding="utf-8")
    if OWN[0] not in text:
        raise ValueError(f"{path} has no {OWN[0]!r} that could be changed")
    path.write_text(text.replace(OWN[0], OWN[1]), encoding="utf-8")


def main() -> int:
    """Walk, and store the times, if every step succeeds."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="walk-") as folder:
        found = list(walked(steps(README.read_text(encoding="utf-8")), str(ROOT), Path(folder), print))
        page = Path(folder) / "claimcheck/report/report.html"
        size = page.stat().st_size if page.exists() else None
    result = {
        "versions": versions(),
        "processors": os.cpu_count(),
        "load": round(load, 1),
        "report_bytes": size,
        "steps": found,
    }
    print(json.dumps(result, indent=1))
    if found[-1]["code"]:
        return 1
    MEASURED.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
