"""What a run produces for the documents: ``python -m tests.documents`` writes it, tests/test_documents.py compares.

In a ``console`` block the lines behind ``$ command`` are what the command prints; times and rates stand as ``...``.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from proofs.cli.exit_codes import OK, REFUTED
from reference.properties import STATE_PROPERTIES

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_CONSOLE = re.compile(r"^```console\n\$ (?P<command>[^\n]+)\n.*?^```$", re.MULTILINE | re.DOTALL)
_PROPERTIES = re.compile(r"(\| property \| claim \|\n\|---\|---\|\n)(?:\|.*\n)*")


def commands(text: str) -> list[str]:
    """The commands of the console blocks."""
    return [match["command"] for match in _CONSOLE.finditer(text)]


def output_of(command: str) -> str:
    """What a command prints, without trailing blanks and with rates and seconds at the end of lines left out."""
    program, *arguments = command.split()
    assert program == "claimcheck", command
    path = Path(sys.executable).parent / program
    done = subprocess.run([path, *arguments], capture_output=True, text=True, timeout=120, cwd=ROOT)
    assert done.returncode == (REFUTED if arguments[0] == "search" else OK), done.stderr
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    rates = False
    for number, line in enumerate(lines):
        rates = (rates or line.endswith("events/s")) and line != ""
        lines[number] = re.sub(r" [\d,]+$" if rates else r" \d+\.\d+( s)?$", r" ...", line)
    return "\n".join(lines).strip("\n")


def renewed(text: str) -> str:
    """The document with every generated part made anew."""
    text = _CONSOLE.sub(lambda m: f"```console\n$ {m['command']}\n{output_of(m['command'])}\n```", text)
    rows = []
    for name, check in STATE_PROPERTIES.items():
        claim = (check.__doc__ or "").split("\n\n")[0].strip().replace("\n    ", " ")
        rows.append(f"| `{name}` | {claim} |\n")
    return _PROPERTIES.sub(lambda m: m[1] + "".join(rows), text)


if __name__ == "__main__":
    for document in DOCUMENTS:
        document.write_text(renewed(document.read_text(encoding="utf-8")), encoding="utf-8")
