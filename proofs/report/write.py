"""The files of a report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from proofs.evidence.structure import Evidence, written
from proofs.report.html import html, markdown
from proofs.report.junit import junit

NAMES = ("evidence.json", "junit.xml", "summary.md", "report.html")


def write(evidence: Evidence, folder: Path, jobs: int) -> list[Path]:
    """Evidence first: what was found out is kept whatever happens after.

    :raises OSError: a file cannot be written
    """
    folder.mkdir(parents=True, exist_ok=True)
    content: tuple[Callable[[], bytes], ...] = (
        lambda: written(evidence),
        lambda: junit(evidence),
        lambda: markdown(evidence).encode(),
        lambda: html(evidence, jobs).encode(),
    )
    paths = [folder / name for name in NAMES]
    for path, made in zip(paths, content, strict=True):
        path.write_bytes(made())
    return paths
