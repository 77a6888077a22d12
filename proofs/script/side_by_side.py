"""One script in two generations: its lines with both outcomes, and the first difference."""

from __future__ import annotations

from collections.abc import Iterator

from proofs.explain.played import ShownEvent
from proofs.explain.stage import Bar

from .playing import ScriptResult
from .session import LineResult

_WIDTH = 18
"""Columns of an outcome."""
_DETAIL = "        "


def comparison(one: ScriptResult, other: ScriptResult) -> Iterator[tuple[str, str]]:
    """Lines to print, each with a style. Counters of claims have other names in each generation: not compared."""
    names = [result.session.semantics for result in (one, other)]
    texts = {line.line: line.text for result in (other, one) for line in result.lines}
    width = max((len(text) for text in texts.values()), default=0)
    width = min(width, 78 - 5 - 2 * (_WIDTH + 1))
    yield f"{'':5}{'':{width}} {names[0]:{_WIDTH}} {names[1]:{_WIDTH}}".rstrip(), "bold"
    found = False
    by_line = [{line.line: line for line in result.lines} for result in (one, other)]
    for number, text in sorted(texts.items()):
        left, right = (lines.get(number) for lines in by_line)
        outcomes = [_outcome(line) for line in (left, right)]
        differences = list(line_differences(left, right))
        marks = "" if not differences or found else "  <- first difference"
        head = f"{number:>4} {text:{width}} "
        if len(text) > width:
            yield head.rstrip(), "cyan"
            head = " " * (width + 6)
        style = "bold yellow" if differences and not found else ""
        yield f"{head}{outcomes[0]:{_WIDTH}} {outcomes[1]}".rstrip() + marks, style
        if differences and not found:
            yield from ((f"{_DETAIL}{text}", "yellow") for text in differences)
        found = found or bool(differences)
        for name, line in zip(names, (left, right), strict=True):
            yield from ((f"{_DETAIL}{name}: {detail}", "dim") for detail in _details(line))
    if not found:
        yield "No difference: the same outcomes, and the same pages in the same hands.", ""


def _outcome(line: LineResult | None) -> str:
    if line is None:
        return "not run"
    if line.event is None:
        return line.problem and "no"
    return _short(line.event.result) or ("" if line.event.at == 0 else "done")


def _short(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."


def _details(line: LineResult | None) -> Iterator[str]:
    if line is None:
        return
    if line.problem:
        yield line.problem
    if line.event is not None:
        yield from (f"why: {reason}" for reason in line.event.why)
        yield from (f"breaks here: {text}" for text in line.event.breaks)


def line_differences(one: LineResult | None, other: LineResult | None) -> Iterator[str]:
    """What differs after a line: the outcome, and whose which pages are."""
    if one is None or other is None:
        yield "only one of the two can run this line"
        return
    if one.event is None or other.event is None:
        if one.problem != other.problem:
            yield f"{one.problem or 'holds'} / {other.problem or 'holds'}"
        return
    if one.event.result != other.event.result:
        yield f"result: {one.event.result or 'not ended'} / {other.event.result or 'not ended'}"
    yield from _bars(one.event, other.event)
    if bool(one.event.breaks) is not bool(other.event.breaks):
        yield "a property breaks in one of the two"


def _bars(one: ShownEvent, other: ShownEvent) -> Iterator[str]:
    for a, b in zip(one.bars, other.bars, strict=False):
        for name in ("used", "limbo", "offline", "claimed", "host_wide", "unclaimed"):
            left, right = _text(a, name), _text(b, name)
            if left != right:
                yield f"{a.name}, {name.replace('_', '-')}: {left} / {right}"


def _text(bar: Bar, name: str) -> str:
    pages = getattr(bar, name)
    return str(pages) if isinstance(pages, int) else ", ".join(f"{who} {n}" for who, n in sorted(pages.items())) or "0"
