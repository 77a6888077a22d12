"""What a measurement gives, and the document made of it."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from proofs.evidence.dated import stamp


@dataclass(frozen=True)
class Target:
    """What the project set itself, and whether this run reached it."""

    what: str
    wanted: str
    measured: str
    reached: bool


@dataclass
class Section:
    """One measurement. The first column of the table is text, the others are numbers."""

    title: str
    text: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    targets: list[Target] = field(default_factory=list)
    plots: dict[str, str] = field(default_factory=dict)
    """SVG by file name."""
    after: str = ""
    """What to read out of the table."""


def rate(per_second: float) -> str:
    """A rate, three digits of it: what a shared machine lets one say."""
    digits = max(0, len(str(int(per_second))) - 3)
    return f"{round(per_second, -digits):,.0f}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, numbers to the right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine() -> str:
    """What the numbers depend on."""
    return (
        f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}, {os.cpu_count()} CPUs"
    )


def document(sections: Sequence[Section], how: str) -> str:
    """The whole page, of a run that ends now."""
    targets = [target for section in sections for target in section.targets]
    parts = [
        "# Performance",
        f"Written by `{how}`; do not edit. To repeat it: `make bench` (some minutes), or, for a look on\n"
        "the terminal in half a minute, `.venv/bin/python -m bench --quick`. Times are seconds of one core spent in\n"
        "one process; of whole processes, wall clock. “Best” is the fastest of several rounds, “median” the middle\n"
        "one: on a machine that others use too, the best says what the code costs, the median what else ran.\n"
        "Compare the ratios of a run, not the rates of two: the same code replayed 61,500 and, hours later, 31,400\n"
        "events a second on one virtual machine.",
        f"Measured on {stamp()['made']} with the code of that day: {machine()}.",
    ]
    if targets:
        parts.append("## Targets")
        rows = [[t.what, t.wanted, t.measured, "yes" if t.reached else "**no**"] for t in targets]
        parts.append(table(["target", "wanted", "measured (best)", "reached"], rows))
    for section in sections:
        parts += [f"## {section.title}", section.text, table(section.header, section.rows)]
        parts += [f"![{section.title}](img/{name})" for name in section.plots]
        if section.after:
            parts.append(section.after)
    return "\n\n".join(parts) + "\n"


def write(sections: Sequence[Section], folder: Path, how: str) -> None:
    """``performance.md`` and the plots it shows."""
    images = folder / "img"
    images.mkdir(parents=True, exist_ok=True)
    for section in sections:
        for name, svg in section.plots.items():
            (images / name).write_text(svg, encoding="utf-8")
    (folder / "performance.md").write_text(document(sections, how), encoding="utf-8")
