"""Mistakes judged, each in a process of its own, and their tests once without any mistake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import msgspec
from msgspec import Struct

from tests.checker_mistakes.mistake import CheckerMistake
from tests.checker_mistakes.planted import outcomes_of, quiet
from tests.mutants.forked import Report, WorkOutcome, forked

SECONDS = 120
"""Of processor time that a test may take with a mistake."""


class EndedTest(Struct):
    """How a test ended."""

    passed: bool
    why: str
    of_the_edit: bool = False
    """The error is of the edit itself: a name that is not there, or no Python."""


class MistakeOutcome(Struct):
    """What became of a mistake."""

    name: str
    noticed: bool
    why: str
    """The error of the test, or why the mistake does not count as noticed."""
    seconds: float
    """Of a processor, imports included."""


def judged(mistakes: Sequence[CheckerMistake], jobs: int) -> Iterator[tuple[CheckerMistake, MistakeOutcome]]:
    """The results, as they come. A mistake whose process died gets a second one."""
    _loaded()
    died: list[CheckerMistake] = []
    for mistake, ended in forked(_with_mistake, mistakes, jobs):
        if ended.answer is None and not ended.by_limit:
            died.append(mistake)
        else:
            yield mistake, _noticed(mistake, ended)
    for mistake, ended in forked(_with_mistake, died, jobs):
        yield mistake, _noticed(mistake, ended)


def failing_without(tests: Sequence[str], jobs: int) -> list[str]:
    """The tests that do not pass even without a mistake, or cannot be run: what they notice would be nothing."""
    _loaded()
    parts = [part for number in range(jobs) if (part := list(tests)[number::jobs])]
    failing: list[str] = []
    for part, ended in forked(partial(_without_mistake, seconds=SECONDS * len(tests)), parts, jobs):
        found = _decoded(ended) or {}
        failing += [name for name in part if name not in found or not found[name].passed]
    return failing


def _loaded() -> None:
    """What takes long to import and is not of the project: once for all processes."""
    import cvc5
    import hypothesis
    import pytest
    import z3

    del cvc5, hypothesis, pytest, z3


def _with_mistake(mistake: CheckerMistake, report: Report) -> object:
    report.stage(mistake.noticed_by, SECONDS)
    text = mistake.edited()
    quiet()
    try:
        outcomes = outcomes_of([mistake.noticed_by], mistake.module, text)
        return {mistake.noticed_by: outcomes.of(mistake.noticed_by)}
    except RuntimeError as error:
        return {mistake.noticed_by: EndedTest(True, str(error))}


def _without_mistake(tests: Sequence[str], report: Report, seconds: float) -> object:
    report.stage("without a mistake", seconds)
    quiet()
    outcomes, found = outcomes_of(tests), {}
    for name in tests:
        try:
            found[name] = outcomes.of(name)
        except RuntimeError as error:
            found[name] = {"passed": False, "why": str(error), "of_the_edit": False}
    return found


def _decoded(ended: WorkOutcome) -> dict[str, EndedTest] | None:
    return None if ended.answer is None else msgspec.json.decode(ended.answer, type=dict[str, EndedTest])


def _noticed(mistake: CheckerMistake, ended: WorkOutcome) -> MistakeOutcome:
    found = _decoded(ended)
    seconds = round(ended.seconds, 2)
    if found is None:
        return MistakeOutcome(mistake.name, False, "time limit" if ended.by_limit else "its process died", seconds)
    outcome = found[mistake.noticed_by]
    noticed = not outcome.passed and not outcome.of_the_edit
    return MistakeOutcome(mistake.name, noticed, outcome.why or "the test passes", seconds)
