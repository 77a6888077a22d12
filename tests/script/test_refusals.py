"""Every refusal and every operation of every generation is reached by a stored script, which shows its reason."""

from __future__ import annotations

import pytest

from proofs.fuzz.known import known_of
from proofs.script.playing import ScriptResult, play_script, whole
from proofs.script.session import Session
from reference.generations import GENERATIONS
from tests.sampled import PLAIN, first_of_each, sampled

from .by_hand import BY_HAND_LONG, NOT_SHOWN
from .outcomes import (
    NO_NODE,
    NODE_CHECK,
    OPERATION,
    StoredScript,
    is_refused,
    refusals,
    results,
    stored,
    unreachable,
    wanted,
)
from .refusals import NO_TRACE

LEFT = unreachable()


def _played(script: StoredScript) -> ScriptResult:
    session = Session(script.outcome)
    return whole(session, play_script(session, script.text.splitlines()))


def _reasons(outcome: str) -> set[str]:
    """The checks of which a script shows one."""
    if outcome == NODE_CHECK:
        return {"node-check"}
    return {"node-check", "no-free-block"} if outcome == NO_NODE else {outcome.rpartition(": ")[2]}


def _wrong(semantics: str, script: StoredScript) -> str:
    """What is not as a script of a generation should be; empty: nothing."""
    played = _played(script)
    if played.error is not None or not played.is_as_expected:
        unexpected = played.session.unexpected() or played.differs
        return f"{played.error or ''} {[line.problem for line in played.problems]} {unexpected}"
    if played.session.semantics != semantics:
        return f"is of {played.session.semantics}"
    last = [line.event for line in played.lines if line.event is not None][-1]
    operations = [line for line in script.text.splitlines() if line and not line.startswith("expect")]
    if "=>" not in operations[-1]:
        return "does not say how its last operation ends"
    if is_refused(results(semantics).get(script.outcome, "OK")):
        shown = {reason.partition(":")[0].partition(" ")[0] for reason in last.why}
        if not shown & _reasons(script.outcome):
            return f"gives as its reason {last.why}"
    elif script.outcome.startswith(OPERATION) and last.why:
        return f"is refused: {last.why}"
    return ""


@pytest.mark.parametrize("semantics", GENERATIONS)
def test_every_refusal_and_operation_has_a_script(semantics: str) -> None:
    reached = [script.outcome for script in stored(semantics)]
    assert len(set(reached)) == len(reached)
    assert sorted([*reached, *LEFT[semantics]]) == sorted(wanted(semantics))


def _all_wrong(semantics: str, *left_out: str) -> dict[str, str]:
    scripts = [script for script in stored(semantics) if script.outcome not in left_out]
    return {script.outcome: wrong for script in scripts if (wrong := _wrong(semantics, script))}


@pytest.mark.parametrize("semantics", sampled(GENERATIONS, keep={"per-node-v8", "legacy-2013"}))
def test_each_refusal_ends_with_its_reason(semantics: str) -> None:
    others = [name for name in wanted(semantics) if name not in refusals(semantics)]
    assert _all_wrong(semantics, *BY_HAND_LONG, *others) == {}


@pytest.mark.parametrize("semantics", sampled(GENERATIONS, keep={"claim-sets", "single-node-v4"}))
def test_each_operation_ends_as_its_script_says(semantics: str) -> None:
    assert _all_wrong(semantics, *refusals(semantics)) == {}


@pytest.mark.parametrize("semantics", first_of_each(GENERATIONS, str, lambda name: name in PLAIN))
def test_each_long_script_ends_with_its_reason(semantics: str) -> None:
    assert _all_wrong(semantics, *(name for name in wanted(semantics) if name not in BY_HAND_LONG)) == {}


def test_what_no_script_reaches_has_a_reason() -> None:
    reasons = {reason for left in LEFT.values() for reason in left.values()}
    assert "" not in reasons
    assert NO_TRACE not in reasons
    assert set(LEFT) == set(GENERATIONS)


@pytest.mark.long
@pytest.mark.parametrize("semantics", GENERATIONS)
def test_what_no_script_reaches_is_what_the_solver_excludes(semantics: str) -> None:
    excluded = known_of(semantics, None).classes
    assert LEFT[semantics] == {name: NOT_SHOWN.get(name) or excluded[name] for name in LEFT[semantics]}
