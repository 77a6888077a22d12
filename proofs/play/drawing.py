"""The state of a walk as text with styles, for the widgets."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from rich.text import Text

from proofs.explain.stage import Bar
from proofs.explain.timeline import bar_cells
from proofs.fuzz.known import CHECKED
from proofs.script.session import NO_CRASH
from proofs.script.side_by_side import line_differences

from .lane import BuilderRow, DomainRow, LaneView
from .symbols import BROKEN, HOLDS, UNKNOWN
from .walk import Walk, WalkPlace

PROPERTIES = (*CHECKED, NO_CRASH)
"""The properties with a light."""
_MOST_BEFORE = 200
_MOST_AHEAD = 3
"""The lines of a walk that are shown."""
_MOST_BROKEN = 3
"""The violated inequalities that are shown next to the lights."""
_NARROW = 60
"""Columns below which pages are not shown by domain."""
_LEAST_BAR = 6
_SHORT_BAR = 24
"""Columns of a name and a bar that leave too little room for pages by domain."""
_MOST_BAR = 32
_GOOD = ("OK", "OFFLINED", "ONLINED", "preempted", "unfinished", "")


def host_lines(view: LaneView, width: int, *, named: bool) -> Text:
    """Bars, domains, and builders in flight.

    :param named: begin with the generation
    """
    lines = [Text(view.generation, "bold")] if named else []
    if view.header is None:
        lines.append(Text("No host yet: host 4 4", "dim"))
        return Text("\n").join(lines)
    if view.stopped:
        lines.append(Text("The host has stopped.", "bold red"))
    lines += _bars(view.bars, width)
    lines += [_domain(row) for row in view.domains]
    for row in view.builders:
        lines += _builder(row)
    if view.differs:
        lines.append(Text(f"model and reference differ: {view.differs}", "bold red"))
    elif not view.has_model:
        lines.append(Text("without the model: no caller of the hypervisor makes one of these calls", "yellow"))
    return Text("\n").join(lines)


def _bars(bars: list[Bar], width: int) -> Iterator[Text]:
    numbers = [_numbers(bar, is_short=width < _NARROW) for bar in bars]
    if max(map(len, numbers), default=0) > width - _SHORT_BAR:
        numbers = [_numbers(bar, is_short=True) for bar in bars]
    names = max((len(bar.name) for bar in bars), default=0)
    cells = width - names - 2 - max(map(len, numbers), default=0)
    for bar, text in zip(bars, numbers, strict=True):
        line = Text(f"{bar.name:{names}} ").append_text(bar_cells(bar, max(_LEAST_BAR, min(_MOST_BAR, cells))))
        yield line.append(f" {text}", "dim")


def _numbers(bar: Bar, *, is_short: bool) -> str:
    """The pages that are used, in limbo, offline and claimed, by domain where there is room; and the unclaimed ones."""
    parts = [("used", bar.used), ("limbo", bar.limbo), ("claimed", bar.claimed), ("host-wide", bar.host_wide)]
    texts = [f"{what} {sum(pages.values()) if is_short else _each(pages)}" for what, pages in parts if pages]
    texts[2:2] = [f"offline {bar.offline}"] if bar.offline else []
    return "  ".join([*texts, f"unclaimed {bar.unclaimed}/{bar.pages}"])


def _each(pages: dict[str, int]) -> str:
    return " ".join(f"{who}:{number}" for who, number in pages.items())


def _domain(row: DomainRow) -> Text:
    text = Text(f"d{row.domid}", "cyan")
    text.append(f" {row.pages} of {row.limit} pages")
    text.append(f", claims {' '.join(row.claims)}" if row.claims else ", no claims", "magenta" if row.claims else "dim")
    return text.append(f", {row.state}" if row.state else "", "yellow")


def _builder(row: BuilderRow) -> Iterator[Text]:
    text = Text(f"{row.builder}: ", "bold cyan").append(row.line)
    holds = f"holds {', '.join(row.holds)}" if row.holds else "holds no lock"
    yield text.append(f"  {holds}", "yellow" if row.holds else "dim")
    took = "; ".join(f"{number}. {', '.join(dict.fromkeys(locks))}" for number, locks in enumerate(row.sections, 1))
    yield Text(f"   sections so far took {took}" if took else "   took no lock yet", "dim")


def light_lines(views: Sequence[LaneView], width: int) -> Text:
    """A light for each property and generation, and the violated inequalities."""
    cells = []
    for name in PROPERTIES:
        cell = Text()
        for view in views:
            symbol, style = light(view, name)
            cell.append(symbol, style)
        is_broken = any(name in view.broken for view in views)
        cells.append(cell.append(f" {name}", "bold red" if is_broken else ""))
    lines = [Text()]
    for cell in cells:
        if lines[-1] and len(lines[-1]) + 2 + len(cell) > width:
            lines.append(Text())
        lines[-1].append("  " if lines[-1] else "").append_text(cell)
    broken = [
        f"{BROKEN} {f'{view.generation}: ' if len(views) > 1 else ''}{text}"
        for view in views
        for text in view.broken.values()
    ]
    shown = broken if len(broken) <= _MOST_BROKEN else [*broken[: _MOST_BROKEN - 1], "... Ctrl-L shows all"]
    lines += [Text(text if len(text) <= width else f"{text[: width - 1]}…", "red") for text in shown]
    return Text("\n").join(lines)


def light(view: LaneView, name: str) -> tuple[str, str]:
    """The symbol of a property and its style."""
    if view.header is None:
        return UNKNOWN, "dim"
    return (BROKEN, "bold red") if name in view.broken else (HOLDS, "green")


def walk_lines(walk: Walk, width: int) -> Text:
    """The lines that were run with their outcomes, what the last one did, and the lines that follow."""
    path = walk.here.path()
    first = max(0, len(path) - _MOST_BEFORE)
    lines = [Text(f"... {first} lines before", "dim")] if first else []
    differ = _first_difference(path)
    for index, place in enumerate(path[first:], first):
        lines += _done(place, index + 1, width, is_last=place is walk.here, is_first_difference=index == differ)
    ahead = list(walk.ahead())
    for number, place in enumerate(ahead[:_MOST_AHEAD], len(path) + 1):
        mark = ">" if number == len(path) + 1 else " "
        lines.append(Text(f"{mark}{number:>3} {place.line.text}", "dim", no_wrap=True))
    if len(ahead) > _MOST_AHEAD:
        lines.append(Text(f"     ... {len(ahead) - _MOST_AHEAD} more", "dim"))
    return Text("\n").join(lines or [Text("no line yet", "dim")])


def _done(place: WalkPlace, number: int, width: int, *, is_last: bool, is_first_difference: bool) -> Iterator[Text]:
    views = place.views or []
    text = Text(f"{number:>4} ", "dim").append(place.line.text.partition("#")[0].rstrip())
    fork = place.former is not None and len(place.former.next) > 1
    outcomes = [_outcome(view) for view in views]
    if fork:
        text.append(" (fork)", "dim")
    if any(word for word, _ in outcomes):
        text.append("  ")
    for index, (word, style) in enumerate(outcomes):
        text.append(" | " if index and any(word for word, _ in outcomes) else "")
        text.append(word, style)
    yield text
    if is_first_difference:
        one, other = (view.line for view in views)
        found = list(line_differences(one, other))
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        yield _wrapped(f"first difference: {found[0]}{more}", "bold yellow", width)
    for view in views:
        name = f"{view.generation}: " if len(views) > 1 else ""
        for detail, style in _details(view, with_changes=is_last and len(views) == 1):
            yield _wrapped(f"{name}{detail}", style, width)


def _wrapped(text: str, style: str, width: int) -> Text:
    """A sentence below a line, wrapped between words."""
    lines = textwrap.wrap(
        text, max(width, 20), initial_indent=" " * 5, subsequent_indent=" " * 7, break_long_words=False
    )
    return Text("\n".join(lines), style)


def _outcome(view: LaneView) -> tuple[str, str]:
    if view.error:
        return "cannot run", "yellow"
    if view.line is not None and view.line.problem:
        return view.word or "no", "bold red"
    return view.word, "green" if view.word in _GOOD else "yellow" if view.word != "crash" else "bold red"


def _details(view: LaneView, *, with_changes: bool) -> Iterator[tuple[str, str]]:
    """Sentences about what a line did, each with its style."""
    if view.error:
        yield view.error, "yellow"
    if view.line is None:
        return
    if view.line.problem:
        yield view.line.problem, "bold red"
    if view.shown is None:
        return
    yield from ((f"why: {reason}", "yellow") for reason in view.shown.why)
    if view.shown.crash:
        yield f"breaks {NO_CRASH}: {view.shown.crash}", "bold red"
    yield from ((f"breaks {text}", "bold red") for text in view.shown.breaks)
    if with_changes:
        yield from ((change, "dim") for change in view.shown.changes)


def _first_difference(path: list[WalkPlace]) -> int | None:
    """The index of the first line that does not do the same in two generations."""
    for index, place in enumerate(path):
        if place.views is not None and len(place.views) == 2:
            one, other = (view.line for view in place.views)
            if next(iter(line_differences(one, other)), None) is not None:
                return index
    return None
