"""Writes a small script for every refusal and every operation of every generation.

Random traces on small hosts reach them; each trace is then shrunk as long as it still ends with the same refusal. What
no state admits is listed with the reason that the solver gives (``claimcheck fuzz`` has the same list).

Usage: python -m tests.script.refusals [GENERATION ...]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from copy import copy
from random import Random

import msgspec

from proofs.atomic import write_atomically
from proofs.fuzz.checker import Checker, Failure, ImpossibleEventError
from proofs.fuzz.generators.plan import draw_plan
from proofs.fuzz.generators.source import Source
from proofs.fuzz.hosts import draw_host
from proofs.fuzz.known import GenerationFacts, known_of
from proofs.fuzz.rerun import RerunResult, as_steps, unanswered
from proofs.fuzz.shrink import shrink
from proofs.fuzz.steps import GivenBlocks, Steps, TraceStep
from proofs.fuzz.trial import answer
from proofs.fuzz.world import RandomWorld
from proofs.operations import Continue, Event
from proofs.operations.draw import Draw
from proofs.replay.runner import builder_of
from proofs.script.answers import CRASH, OK, summary
from proofs.script.writing import script_of
from proofs.traces.events import FORMAT_2, Header, HostShape
from reference.generations import GENERATIONS

from .by_hand import BY_HAND, NOT_SHOWN
from .outcomes import (
    FOLDER,
    OPERATION,
    UNREACHABLE,
    file_of,
    is_refused,
    results,
    unreachable,
    wanted,
    written,
)

_TRIALS, _IN_VAIN = 6000, 1500
_LENGTHS = (20, 40, 80, 240)
_SHRINKING = 400
_GOOD = (OK, "OFFLINED", "ONLINED")
NO_TRACE = f"no random trace of {_TRIALS} reached it"


class _Outcomes:
    """Watches a checker for the outcomes that its operations end with."""

    def __init__(self, checker: Checker) -> None:
        self._checker = checker
        self._calls = checker.expectation.calls
        self._of_builder: dict[str, list[str]] = {}
        self._begun: dict[str, Event] = {}
        self._calls.hits.clear()

    def ended(self, event: Event) -> tuple[str, list[str]]:
        """The result of the operation that ended with this event, and the outcomes on its way; empty: it has not ended."""
        builder, checker, hits = builder_of(event), self._checker, self._calls.hits
        if not isinstance(event, Continue):
            self._begun[builder] = event
            self._of_builder[builder] = []
        self._of_builder[builder] += hits
        hits.clear()
        if checker.outcome is None and not checker.crashed:
            return "", []
        begun = self._begun[builder]
        result = summary(begun, checker.outcome, "crash" if checker.crashed else "")
        found = self._of_builder.pop(builder)
        if result in _GOOD:
            return result, [f"{OPERATION}: {begun.op}", *(name for name in found if name.startswith(begun.op))]
        of_calls = results(checker.known.semantics)
        refused = [name for name in found if is_refused(of_calls.get(name, OK)) and name not in NOT_SHOWN]
        others = [name for name in found if name not in refused]
        # Of several refusals the first one decides: the later ones undo what the operation did.
        decides = refused[-1:] if result == CRASH else refused[:1]
        return result, [*decides, *others, *(f"{begun.op}: {check}" for check in _checks(checker))]


def _checks(checker: Checker) -> list[str]:
    ended = checker.expectation.ended
    return [ended.check] if ended is not None and ended.check else []


def _facts(semantics: str) -> GenerationFacts:
    return GenerationFacts(semantics, [], {})


def _trials(semantics: str) -> Iterator[tuple[HostShape, list[Event], list[str]]]:
    """Random traces up to each end of an operation, with the outcomes reached there."""
    for seed in range(_TRIALS):
        draw = Draw(Random(seed))
        host = draw_host(draw) if seed % 3 == 0 else _small(draw)
        plan = draw_plan(draw, GENERATIONS[semantics], {})
        plan.length = draw.pick(_LENGTHS)
        checker = Checker(host, _facts(semantics))
        outcomes = _Outcomes(checker)
        world = RandomWorld(checker.runner, draw, plan.wild, None, checker.killing, plan.domids)
        source = Source(world, plan)
        events: list[Event] = []
        while not checker.crashed and (event := source.next()) is not None:
            if checker.do(event) is not None:
                break
            events.append(event)
            if checker.outcome is not None:
                world.note(event, checker.outcome)
            _result, reached = outcomes.ended(event)
            if reached:
                yield host, events, reached
                checker.expectation.calls.hits.clear()  # shrinking counted there, too
        yield host, [], []


def _small(draw: Draw) -> HostShape:
    pages = [1 + draw.below(6) for _ in range(1 + draw.below(3))]
    if draw.random() < 0.25:
        pages = [512] * len(pages)
    span = 1 << (max(*pages, 1) - 1).bit_length()
    return HostShape(span, pages, draw.random() < 0.1, 0, draw.random() < 0.2)


def _redone(semantics: str, outcome: str, host: HostShape, steps: Steps) -> RerunResult | None:
    """The possible steps, up to the outcome; None: they do not reach it."""
    checker = Checker(host, _facts(semantics))
    outcomes, given = _Outcomes(checker), GivenBlocks()
    done: list[Event] = []
    kept: list[TraceStep] = []
    for step in steps.steps:
        named = given.event(step, host)
        if named is None:
            continue
        event = copy(named)
        given.begins(step.number, event)
        try:
            if checker.do(event) is not None:
                return None
        except ImpossibleEventError:
            if isinstance(event, Continue) and event.builder in checker.runner.in_flight:
                return None
            continue
        answer(event, checker.outcome)
        done.append(event)
        kept.append(step)
        result, reached = outcomes.ended(event)
        if outcome in reached:
            return RerunResult(done, Steps(kept), Failure(semantics, event.op, outcome, result))
        if checker.crashed:
            return None
        if checker.outcome is not None:
            given.ended(event, checker.outcome)
    return None


def _shrunk(semantics: str, outcome: str, host: HostShape, events: Sequence[Event]) -> str | None:
    """The script of the shrunk trace; None: run again, it does not reach the outcome."""
    steps = as_steps(host, [unanswered(event) for event in events], _facts(semantics))
    if _redone(semantics, outcome, host, steps) is None:
        return None
    found = shrink(host, steps, lambda h, s: _redone(semantics, outcome, h, s), _SHRINKING)
    return script_of(Header(FORMAT_2, semantics, "", found.host), found.events)


def scripts_of(semantics: str, reasons: dict[str, str]) -> dict[str, str]:
    """A script for each outcome that is reached.

    :param reasons: the outcomes that are not looked for
    """
    looked_for = {name for name in wanted(semantics) if name not in reasons and name not in BY_HAND}
    found: dict[str, str] = {name: text(semantics) for name, text in BY_HAND.items() if name in wanted(semantics)}
    in_vain = 0
    for host, events, reached in _trials(semantics):
        new = sorted(looked_for.intersection(reached))
        in_vain += not events
        for outcome in new:
            script = _shrunk(semantics, outcome, host, events)
            if script is not None:
                looked_for.discard(outcome)
                found[outcome] = script
                in_vain = 0
        if not looked_for or in_vain > _IN_VAIN:
            break
    return {name: found[name] for name in wanted(semantics) if name in found}


def main(names: Sequence[str]) -> int:
    """Write the files; returns the exit code."""
    left = unreachable() if UNREACHABLE.exists() else {}
    FOLDER.mkdir(parents=True, exist_ok=True)
    for semantics in names or GENERATIONS:
        of_solver = {name: why for name, why in known_of(semantics).classes.items() if why}
        reasons = {name: why for name in wanted(semantics) if (why := NOT_SHOWN.get(name) or of_solver.get(name))}
        scripts = scripts_of(semantics, reasons)
        left[semantics] = {name: reasons.get(name, NO_TRACE) for name in wanted(semantics) if name not in scripts}
        write_atomically(file_of(semantics), written(semantics, scripts).encode())
        write_atomically(UNREACHABLE, msgspec.json.format(msgspec.json.encode(left)) + b"\n")
        print(f"{semantics}: {len(scripts)} scripts, {len(left[semantics])} not reached")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
