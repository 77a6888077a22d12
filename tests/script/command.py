"""`claimcheck run` in this process."""

from __future__ import annotations

from pathlib import Path

from tests.command import RunOutput, run_here


def run(*arguments: str, stdin: bytes | None = None) -> RunOutput:
    """Call ``claimcheck run``; an exception other than wrong use is raised."""
    return run_here("run", *arguments, stdin=stdin)


def run_script(folder: Path, content: bytes, *options: str, name: str = "mine.claims") -> RunOutput:
    """Call ``claimcheck run`` on a file with this content."""
    file = folder / name
    file.write_bytes(content)
    return run(*options, str(file))
