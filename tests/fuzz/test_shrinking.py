"""A failure becomes a minimal trace and a finding, and the finding's test fails for the right reason."""

from __future__ import annotations

from functools import cache
from itertools import chain
from pathlib import Path

import pytest

from proofs.file_replay import replay_file
from proofs.fuzz import finding, hosts
from proofs.fuzz.finding import failure_of, read
from proofs.fuzz.known import GenerationFacts
from proofs.fuzz.reductions import of_events, of_hosts, of_numbers, together
from proofs.fuzz.rerun import as_steps, do
from proofs.fuzz.shard import seed_of
from proofs.fuzz.store import write_finding
from proofs.fuzz.target import FailingTrace, Model
from proofs.fuzz.trial import random_trial
from reference.generations import GENERATIONS
from tests.fuzz.spoiled import spoil
from tests.sampled import sampled

KNOWN = GenerationFacts("claim-sets", [], {})
BUGS = {"no-recall": 3, "redeem-global-first": 4, "install-accumulates": 4}
"""Mistakes, and the most events that are needed to show them."""


def first_found() -> FailingTrace:
    for number in range(400):
        trial = random_trial(KNOWN, seed_of(0, 0, number))
        if trial.failure is not None:
            return FailingTrace(trial.host, trial.events, trial.failure, trial.seed)
    raise AssertionError("nothing found")


@cache
def shrunk(bug: str) -> tuple[FailingTrace, FailingTrace]:
    """As found, and as shrunk; the mistake is in the reference."""
    found = first_found()
    small = Model(KNOWN).shrunk(found)
    assert small is not None
    return found, small


@pytest.fixture(params=sampled(BUGS, keep={"no-recall"}))
def bug(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    spoil(request.param, monkeypatch.setattr)
    return str(request.param)


def fails_alike(found: FailingTrace, host: object, steps: object) -> bool:
    redone = do(host, steps, KNOWN)  # type: ignore[arg-type]
    return redone is not None and redone.failure is not None and redone.failure.symptom == found.failure.symptom


def test_mistake_is_found_and_its_trace_shrunk(bug: str) -> None:
    found, small = shrunk(bug)
    assert len(small.events) <= BUGS[bug]
    assert small.failure.symptom == found.failure.symptom
    assert sum(small.host.nodes) <= 8


def test_shrunk_trace_is_locally_minimal(bug: str) -> None:
    _, small = shrunk(bug)
    steps = as_steps(small.host, small.events, KNOWN)
    assert fails_alike(small, small.host, steps)
    for index in range(len(steps)):
        assert not fails_alike(small, small.host, steps.without(index, index + 1)), small.events[index]
    for host, fewer in chain.from_iterable(r(small.host, steps) for r in (of_events, of_hosts, together, of_numbers)):
        assert not fails_alike(small, host, fewer), (host, [step.event for step in fewer.steps])


def test_shrinking_repeats_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    spoil("no-recall", monkeypatch.setattr)
    found, small = shrunk("no-recall")
    assert Model(KNOWN).shrunk(found) == small


def test_trace_that_no_longer_fails_is_not_shrunk() -> None:
    trial = random_trial(KNOWN, 1)
    assert trial.failure is None
    found = FailingTrace(trial.host, trial.events, failure="whatever", seed=1)  # type: ignore[arg-type]
    assert Model(KNOWN).shrunk(found) is None


def test_written_test_fails_only_with_the_mistake(bug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "known_of", lambda _semantics: KNOWN)  # what is proved takes seconds to prove
    _, small = shrunk(bug)
    trace = write_finding(tmp_path, small, Model(KNOWN).told(small))
    header, events = read(trace)
    assert header.semantics == "claim-sets"
    assert len(events) == len(small.events)
    (written,) = tmp_path.glob("test_*.py")
    names: dict[str, object] = {}
    exec(compile(written.read_text(), str(written), "exec"), names)
    (test,) = [value for name, value in names.items() if name.startswith("test_")]
    assert failure_of(str(names["TRACE"])) == small.failure
    with pytest.raises(AssertionError):
        test()  # type: ignore[operator]
    monkeypatch.setattr(hosts, "GENERATIONS", GENERATIONS)
    test()  # type: ignore[operator]


def test_trace_of_a_finding_diverges_on_the_right_reference(bug: str, tmp_path: Path) -> None:
    """With the mistake in it: a replay on the right reference diverges there."""
    _, small = shrunk(bug)
    trace = write_finding(tmp_path, small, Model(KNOWN).told(small))
    result = replay_file(str(trace))
    assert result.error is None
    assert len(result.divergences) == 1
