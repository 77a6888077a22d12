"""The timeline in a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from proofs.traces import Trace

from .story import EventWithStates, Usage, actor, call, changes, result, scenes, usage

_LEGEND = "█ used  ▓ stashed  ▒ claimed  · unclaimed  ! claimed beyond the free pages"
_BAR = 32
"""Cells of a bar, where there is room."""
_LEAST = 8
_BEFORE = 17
"""Columns before a bar."""


def print_timeline(trace: Trace, out: Console, *, first: int = 0, last: int | None = None) -> int:
    """Print a trace event by event, with bars per node where they changed; returns how many events were shown.

    :param first: index of the first event to show (boot is 0)
    :param last: index of the last event to show; None: to the end
    :raises proofs.traces.TraceError: at a malformed line; the events before it are printed
    """
    header = trace.header
    pages = sum(header.host.nodes)
    words = len(f"  used {pages}, claimed {pages}, unclaimed -{pages} of {pages}")
    bar_width = max(_LEAST, min(_BAR, out.width - _BEFORE - words))
    out.print(
        f"{trace.path}:{trace.first_line}  {header.semantics}  seed {header.seed}  nodes {header.host.nodes}",
        style="bold",
    )
    out.print(header.source, style="dim", markup=False)
    out.print(_LEGEND, style="dim")
    shown = 0
    for scene in scenes(trace, first, last):
        shown += 1
        out.print(_headline(scene), soft_wrap=True)
        if scene.after is None:
            continue
        for change in changes(scene.before, scene.after):
            out.print(f"        {change}", style="dim", soft_wrap=True, markup=False)
        if shown == 1 or scene.before != scene.after:
            for text in _bars(usage(header.host, scene.after), bar_width):
                out.print(text, soft_wrap=True)
    return shown


def _headline(scene: EventWithStates) -> Text:
    line = Text(f"{scene.at:>4}  ", style="dim")
    line.append(f"{actor(scene.event):<8} ", style="cyan")
    line.append(call(scene.event))
    outcome = result(scene.event)
    if outcome:
        good = outcome.startswith(("OK", "mfn", "OFFLINED", "ONLINED", "preempted"))
        line.append(f"  => {outcome}", style="green" if good else "yellow" if scene.after else "bold red")
    if not scene.observed:
        line.append("  (not observed)", style="dim")
    return line


def _bars(rows: list[Usage], width: int) -> Iterator[Text]:
    for row in rows:
        text = Text(f"        {row.name:<8} ")
        beyond = max(0, -row.unclaimed)
        cells = [
            ("█", row.used - row.stashed, "blue"),
            ("▓", row.stashed, "cyan"),
            ("▒", row.claimed - beyond, "magenta"),
            ("·", max(0, row.unclaimed), "dim"),
            ("!", beyond, "bold red"),
        ]
        for (symbol, _, style), count in zip(cells, _share([pages for _, pages, _ in cells], width), strict=True):
            text.append(symbol * count, style=style)
        stashed = f" (▓ {row.stashed} stashed)" if row.stashed else ""
        text.append(
            f"  used {row.used}{stashed}, claimed {row.claimed}, unclaimed {row.unclaimed} of {row.pages}", style="dim"
        )
        yield text


def _share(parts: list[int], width: int) -> list[int]:
    """Cells for each part, with a sum of ``width``; a part that is not 0 gets at least one cell."""
    total = sum(parts)
    if total == 0:
        return [0] * len(parts)
    cells = [0 if part == 0 else max(1, part * width // total) for part in parts]
    cells[cells.index(max(cells))] += width - sum(cells)
    return cells
