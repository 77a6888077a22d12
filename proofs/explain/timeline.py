"""The timeline in a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from proofs.traces import Trace

from .played import ShownEvent, shown_events
from .stage import Bar

OFFLINE = "\N{MULTIPLICATION SIGN}"
LEGEND = f"█ used  ▓ in limbo  {OFFLINE} offline  ▒ claimed  · unclaimed  ! claimed beyond the free pages"
_BAR = 32
"""Cells of a bar, where there is room."""
_LEAST = 8
_BEFORE = 17
"""Columns before a bar."""
_GOOD = ("OK", "mfn", "OFFLINED", "ONLINED", "preempted", "pages")


def print_timeline(trace: Trace, out: Console, *, first: int = 0, last: int | None = None) -> int:
    """Print a trace event by event, with bars per node where they changed; returns how many events were shown.

    :param first: index of the first event to show (boot is 0)
    :param last: index of the last event to show; None: to the end
    :raises proofs.traces.TraceError: at a malformed line; the events before it are printed
    """
    header = trace.header
    out.print(
        f"{trace.path}:{trace.first_line}  {header.semantics}  seed {header.seed}  nodes {header.host.nodes}",
        style="bold",
    )
    out.print(header.source, style="dim", markup=False)
    out.print(LEGEND, style="dim")
    shown = 0
    printer = TimelinePrinter(out, sum(header.host.nodes))
    for event in shown_events(trace, first, last):
        shown += 1
        printer.show(event)
    return shown


class TimelinePrinter:
    """Prints events one after the other.

    :param pages: the pages of the host, for the width of numbers
    """

    def __init__(self, out: Console, pages: int) -> None:
        self.out = out
        self._words = len(f"  used {pages}, claimed {pages}, unclaimed -{pages} of {pages}")
        self._bars: list[Bar] | None = None

    def show(self, event: ShownEvent) -> None:
        """Print one event: its call and result, why it was refused, what changed, what breaks."""
        out = self.out
        if event.differs:
            out.print(f"        {event.differs}; from here on only what was recorded is shown", style="yellow")
        out.print(_headline(event), soft_wrap=True)
        for reason in event.why:
            self._wrapped(f"why: {reason}", "yellow")
        for change in event.changes:
            out.print(f"        {change}", style="dim", soft_wrap=True, markup=False)
        if event.bars and event.bars != self._bars:
            for text in bar_lines(event.bars, out.width, self._words):
                out.print(text, soft_wrap=True)
        for violation in event.breaks:
            self._wrapped(f"breaks here: {violation}", "bold red")
        self._bars = event.bars

    def _wrapped(self, text: str, style: str) -> None:
        """Print a sentence below an event, wrapped between words."""
        lines = textwrap.wrap(
            text, max(self.out.width, 40), initial_indent=" " * 8, subsequent_indent=" " * 10, break_long_words=False
        )
        self.out.print("\n".join(lines), style=style, soft_wrap=True, markup=False)


def _headline(event: ShownEvent) -> Text:
    line = Text(f"{event.at:>4}  ", style="dim")
    line.append(f"{event.who:<8} ", style="cyan")
    line.append(event.call)
    if event.result:
        good = event.result.startswith(_GOOD)
        line.append(f"  => {event.result}", style="green" if good else "bold red" if event.crash else "yellow")
    if not event.observed:
        line.append("  (not observed)", style="dim")
    return line


def bar_lines(rows: list[Bar], columns: int, words: int = 0) -> Iterator[Text]:
    """One line per node, and one for the host.

    :param columns: of the terminal
    :param words: the columns to leave for the numbers at least, so that bars of several events are as wide
    """
    numbers = [_numbers(row) for row in rows]
    width = max(_LEAST, min(_BAR, columns - _BEFORE - max(words, *map(len, numbers))))
    for row, text in zip(rows, numbers, strict=True):
        line = Text(f"        {row.name:<8} ")
        yield line.append_text(bar_cells(row, width)).append(text, style="dim")


def bar_cells(row: Bar, width: int) -> Text:
    """The bar alone, so many columns wide."""
    beyond = max(0, -row.unclaimed)
    used, limbo, claimed = _sums(row)
    cells = [
        ("█", used, "blue"),
        ("▓", limbo, "cyan"),
        (OFFLINE, row.offline, "yellow"),
        ("▒", claimed - beyond, "magenta"),
        ("·", max(0, row.unclaimed), "dim"),
        ("!", beyond, "bold red"),
    ]
    shares = share_cells([pages for _, pages, _ in cells], width)
    return Text.assemble(*((symbol * count, style) for (symbol, _, style), count in zip(cells, shares, strict=True)))


def _sums(row: Bar) -> tuple[int, int, int]:
    """Pages used, in limbo and claimed."""
    used, limbo, claimed = (sum(pages.values()) for pages in (row.used, row.limbo, row.claimed))
    return used, limbo, claimed + sum(row.host_wide.values())


def _numbers(row: Bar) -> str:
    used, limbo, claimed = _sums(row)
    parts = [f"used {used}"]
    parts += [f"▓ {limbo} in limbo"] if limbo else []
    parts += [f"{OFFLINE} {row.offline} offline"] if row.offline else []
    parts += [f"claimed {claimed}", f"unclaimed {row.unclaimed} of {row.pages}"]
    return "  " + ", ".join(parts)


def share_cells(parts: list[int], width: int) -> list[int]:
    """Cells for each part, with a sum of ``width``; a part that is not 0 gets at least one cell."""
    total = sum(parts)
    if total <= 0:
        return [0] * len(parts)
    cells = [0 if part <= 0 else max(1, part * width // total) for part in parts]
    cells[cells.index(max(cells))] += width - sum(cells)
    return cells
