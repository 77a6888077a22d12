"""A review as plain text: the answer first, then what each part found, as wide as it is to be."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from proofs.diff.run import OperationResult
from proofs.diff.smallest import ReferenceDifference
from proofs.explain.compact import compact_timeline
from proofs.matrix.difference import GenerationDifference
from proofs.prover.verdict import Verdict
from proofs.review.parts import SIZES
from proofs.review.result import Direction, Review, VerdictChange
from proofs.traces import Trace, read_traces

SHOWN = 3
"""Traces that are shown; the others are named."""
_HOSTS = ", ".join(f"{size.nodes}x{size.domains}" for size in SIZES)
_HEADINGS = {
    Direction.WORSE: "Worse than before",
    Direction.UNKNOWN: "Not decided any more",
    Direction.BETTER: "Better than before",
    Direction.OTHER: "Applies to one of the two only",
}


def as_text(review: Review, width: int) -> str:
    """Everything, in lines of that many columns; timelines may be wider.

    :param width: of a mail 76, of a terminal what it has
    """
    blocks: list[list[str]] = [
        [line for text in answer(review) for line in _wrapped(text, width)],
        [line for text in _facts(review) for line in _wrapped(text, width)],
    ]
    blocks += [_table(_HEADINGS[kind], review.of_direction(kind), width) for kind in Direction]
    blocks += _traces(review, width)
    blocks += [_halves_difference(row, width) for row in review.disagreements()[:1]]
    if review.difference is not None and review.difference.differs:
        blocks.append(_behaviour(review, review.difference, width))
    if review.locks:
        blocks.append(_locks(review, width))
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def answer(review: Review) -> list[str]:
    """What a reader wants to know, in a few sentences."""
    if review.is_unchanged():
        return [f"No change: {review.name} does what {review.base} does."]
    found = []
    if review.disagreements():
        named = ", ".join(row.operation for row in review.disagreements())
        found.append(f"The two halves of {review.name} disagree: {named}. Its verdicts are those of the model's half.")
    counts = Counter(change.direction for change in review.changes)
    said = [
        f"{counts[kind]} {word}"
        for kind, word in (
            (Direction.WORSE, "worse"),
            (Direction.BETTER, "better"),
            (Direction.UNKNOWN, "not decided any more"),
            (Direction.OTHER, "applicable to one of the two only"),
        )
        if counts[kind]
    ]
    verdicts = ", ".join(said) if said else "the same" if review.cells else "not judged"
    so_far = " so far" if review.missing and review.cells else ""
    found.append(f"{review.name} against {review.base}: verdicts {verdicts}{so_far}.")
    if review.missing:
        found.append(f"Interrupted. Not done: {'; '.join(review.missing)}.")
    return found


def _facts(review: Review) -> Iterator[str]:
    yield f"File: {review.path}. {review.summary[:1].upper()}{review.summary[1:]}."
    for change in review.rules:
        yield f"Rule `{change.rule}`: {change.before} -> {change.after}"
    if review.identical:
        yield "Both halves are those of the base, but for the name."
        return
    if review.halves:
        yield f"Halves: {_compared(review.halves, 'agree')}."
    if review.cells:
        counts = Counter(cell.verdict for cell in review.cells)
        counted = ", ".join(f"{counts[v]} {v.value}" for v in Verdict if counts[v])
        changed = f"{len(review.changes)} of them changed" if review.changes else "all as before"
        yield f"Verdicts: {counted}; {changed}. {_judged(review)}"
    if review.difference is not None:
        yield _behaves(review, review.difference)
    if review.like_base:
        yield f"Against the model of {review.base}: {_compared(review.like_base, 'the reference does the same')}."
    yield "Locks: every operation takes those that it took." if not review.locks else "Locks: see below."
    for row in review.undecided():
        yield f"Unknown: halves at {row.operation} on {row.size}: {row.reason}"


def _judged(review: Review) -> str:
    when = f"were found on {review.base_judged}" if review.base_judged else "were found in this run"
    if review.model_unchanged:
        return f"The model's half is that of {review.base}: so are its verdicts, which {when}."
    kept = f" {review.kept} rows are refuted by the same trace as there." if review.kept else ""
    return f"Those of {review.base} {when}.{kept}"


def _compared(rows: Sequence[OperationResult], agree: str) -> str:
    applicable = [row for row in rows if row.verdict is not Verdict.NOT_APPLICABLE]
    paths, queries = sum(row.paths for row in applicable), sum(row.queries for row in applicable)
    wrong = [row for row in applicable if row.verdict is Verdict.REFUTED]
    unknown = [row for row in applicable if row.verdict is Verdict.UNKNOWN]
    said = "disagree" if wrong else "not decided" if unknown else agree
    operations = len({row.operation for row in applicable})
    what = f"{operations} operations, {paths:,} paths, {queries:,} queries to the solver"
    return f"{said} on any counters of hosts of {_HOSTS} nodes x domains ({what})"


def _behaves(review: Review, found: GenerationDifference) -> str:
    if found.differs:
        many = len(found.events)
        return f"Behaviour differs from {review.base} after {many} event{'' if many == 1 else 's'}: see below."
    return f"Behaviour: no trace of at most {found.searched_depth} events on {found.hosts} tells the two apart."


def _table(heading: str, changes: Sequence[VerdictChange], width: int) -> list[str]:
    if not changes:
        return []
    lines = [f"{heading}:"]
    for change in changes:
        text = f"{change.row}: {change.before} -> {change.after}{f' ({change.reason})' if change.reason else ''}"
        lines += textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="      ", break_on_hyphens=False)
    return lines


def _traces(review: Review, width: int) -> Iterator[list[str]]:
    """The traces of what is worse, the shortest first; one that violates several rows once."""
    found: dict[str, list[VerdictChange]] = {}
    for change in review.of_direction(Direction.WORSE):
        if change.trace:
            found.setdefault(change.trace.partition("\n")[2], []).append(change)
    groups = sorted(found.values(), key=lambda group: group[0].trace.count("\n"))
    for group in groups[:SHOWN]:
        named = ", ".join(change.row for change in group)
        violated = [line for text in group[0].violated for line in _wrapped(f"  Violated: {text}", width)]
        heading = _wrapped(f"A shortest trace that violates {named}:", width)
        yield [*heading, "", *_timeline(group[0].trace, width), *violated]
    if len(groups) > SHOWN:
        yield _wrapped(f"{len(groups) - SHOWN} more traces: claimcheck review {review.path} --out DIR", width)


def _timeline(lines: str, width: int) -> list[str]:
    """A trace without bars."""
    return [f"  {line}" for line in _read(lines, lambda trace: compact_timeline(trace, width - 2)).splitlines()]


def _read(lines: str, said: Callable[[Trace], str]) -> str:
    """A text about the first trace of a file with these lines."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "trace.jsonl"
        path.write_text(lines, encoding="utf-8")
        traces = read_traces(path)
        return said(next(traces))


def _behaviour(review: Review, found: GenerationDifference, width: int) -> list[str]:
    traces = review.behaviour.splitlines(keepends=True)
    of_base = "".join(traces[: len(traces) // 2])
    shown = _timeline(of_base, width)
    heading = f"Where behaviour first differs ({review.base} / {review.name}):"
    differs = [line for text in found.differs for line in _wrapped(f"  {text}", width)]
    return [heading, "", *shown, *differs]


def _halves_difference(row: OperationResult, width: int) -> list[str]:
    found = row.difference
    assert found is not None
    lines = [f"The halves differ at {row.operation}, on hosts of {row.size}, {found.how}:"]
    lines += _wrapped(f"  arguments: {_listed(found.arguments)}", width)
    lines += _wrapped(f"  state: {_listed(found.state) or 'nothing is claimed or used'}", width)
    lines += _wrapped(f"  the reference: {found.reference}, changes {_listed(found.after) or 'nothing'}", width)
    if not found.trace:
        return [*lines, *_wrapped("  No trace from boot was found: the state may not be reachable.", width)]
    return [*lines, "", *_timeline("\n".join(found.trace) + "\n", width), *_last_word(found, width)]


def _last_word(found: ReferenceDifference, width: int) -> list[str]:
    """What the run of both halves on the numbers said."""
    said = _read("\n".join(found.trace) + "\n", lambda trace: trace.header.source)
    return _wrapped(f"  {said.removeprefix('claimcheck diff: ')}", width)


def _listed(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())


def _locks(review: Review, width: int) -> list[str]:
    lines = ["Locks in the order taken; in brackets, taken while the one before is held:"]
    for change in review.locks:
        lines += _wrapped(f"  {change.operation}: {change.before} -> {change.after}", width)
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    indent = "    " if text.startswith("  ") else "  "
    return textwrap.wrap(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
