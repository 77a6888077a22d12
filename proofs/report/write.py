"""The files of a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from proofs.evidence.structure import Evidence, written
from proofs.report.html import html, markdown
from proofs.report.junit import junit

NAMES = ("evidence.json", "junit.xml", "summary.md", "report.html")


def write(
    evidence: Evidence,
    folder: Path,
    jobs: int,
    page: bool = True,
    texts: Mapping[str, str] = MappingProxyType({}),
) -> list[Path]:
    """Evidence first: what was found out is kept whatever happens after.

    :param page: whether the page is written, which takes seconds; without it, an older one is removed
    :param texts: the SMT-LIB texts that the prover built in this run, by obligation
    :raises OSError: a file cannot be written
    """
    folder.mkdir(parents=True, exist_ok=True)
    content: tuple[Callable[[], bytes], ...] = (
        lambda: written(evidence),
        lambda: junit(evidence),
        lambda: markdown(evidence).encode(),
        lambda: html(evidence, jobs, texts).encode(),
    )
    paths = [folder / name for name in NAMES]
    if not page:
        paths.pop().unlink(missing_ok=True)
    for path, made in zip(paths, content, strict=False):
        path.write_bytes(made())
    return paths
