"""The recipes of docs/architecture.md, followed in a copy of the checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from docs._make.checkout import ROOT

DOCUMENT = ROOT / "docs/architecture.md"
_FILE = re.compile(r"^```python\n(# (?P<path>[\w/]+\.py))\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
COPIED = ("reference", "model", "proofs", "docs", "pyproject.toml", "README.md")
EXAMPLES = "tests/data/examples"


def texts() -> dict[str, str]:
    """What the recipes put into files, by the file's path."""
    return {match["path"]: match["text"] for match in _FILE.finditer(DOCUMENT.read_text(encoding="utf-8"))}


def followed() -> set[str]:
    """The first lines of the blocks that are put into files."""
    return {f"# {path}" for path in texts()}


class Copy:
    """A copy of the checkout in which recipes are followed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, folder / name)
        shutil.copytree(ROOT / EXAMPLES, folder / EXAMPLES)

    def add(self, path: str) -> None:
        """A file of a recipe; its text goes to the end of a file that is there."""
        file = self.folder / path
        there = file.read_text(encoding="utf-8") + "\n\n" if file.exists() else ""
        file.write_text(there + texts()[path], encoding="utf-8")

    def edit(self, path: str, before: str, after: str) -> None:
        """A line more in a file: ``before`` stands there once."""
        file = self.folder / path
        text = file.read_text(encoding="utf-8")
        assert text.count(before) == 1, (path, before)
        file.write_text(text.replace(before, after), encoding="utf-8")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The command, as the copy has it."""
        command = [sys.executable, "-m", "proofs.cli.main", *arguments]
        environment = os.environ | {"PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=600, check=False
        )
