"""A trace written as a script does the same: outcomes, counters, what breaks; and so does every other form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from proofs.operations import Event
from proofs.script.playing import ScriptResult, play_script, play_trace, whole
from proofs.script.session import NO_CRASH, Session
from proofs.script.words import builder_word
from proofs.script.writing import script_of
from proofs.traces import Trace, read_traces
from reference.generations import GENERATIONS
from tests.sampled import first_of_each

from .command import run, run_script

DATA = Path(__file__).parents[1] / "data"
FOLDERS = ("examples", "findings", "differences", "wraps", "hypervisor-bugs", "c-ranges", "conformance/cases")
FILES = sorted(file for folder in FOLDERS for file in (DATA / folder).rglob("*.jsonl"))


def _kind(file: Path) -> str:
    """The folder with its generation, or the first word of a case."""
    parts = file.relative_to(DATA).parts
    return "/".join(parts[:2]) if parts[0] == "findings" else f"{parts[0]}/{file.name.partition('-')[0]}"


def _traces(file: Path) -> Iterator[Trace]:
    for trace in read_traces(str(file)):
        if trace.header.semantics in GENERATIONS:
            yield trace
        else:
            list(trace)


def _plain(event: Event) -> dict[str, Any]:
    """An event without what a recording may leave out."""
    fields = msgspec.to_builtins(event)
    for counters in (fields.get("state") or {}).get("domains", {}).values():
        counters.pop("pending_scrub", None)
        counters.pop("creation_finished", None)
    if "builder" in fields:
        fields["builder"] = builder_word(fields["builder"])
    return {name: value for name, value in fields.items() if value is not None}


DIVERGES = ("c-ranges", "wraps", "hypervisor-bugs", "search-1-", "no-wrap.domain-counters")
"""Files whose recordings the reference does not repeat: numbers that wrap in C, bugs and a choice of the hypervisor."""


def _of_trace(trace: Trace) -> ScriptResult:
    session = Session("the trace")
    return whole(session, play_trace(session, trace))


def _of_script(text: str) -> ScriptResult:
    session = Session("the script")
    return whole(session, play_script(session, text.splitlines()))


FILE_CASES = first_of_each(FILES, lambda file: str(file.relative_to(DATA)), _kind)


@pytest.mark.parametrize("file", FILE_CASES)
def test_script_of_a_trace_does_the_same(file: Path) -> None:
    for trace, again in zip(_traces(file), _traces(file), strict=True):
        text = script_of(trace.header, list(trace))
        of_trace, of_script = _of_trace(again), _of_script(text)
        assert of_script.error is None, f"{of_script.error}\n{text}"
        assert of_script.session.semantics == trace.header.semantics
        assert [_plain(e) for e in of_script.session.events] == [_plain(e) for e in of_trace.session.events]
        assert of_script.session.broken == of_trace.session.broken
        if not any(name in str(file.relative_to(DATA)) for name in DIVERGES):
            assert of_trace.problems == []
            assert of_script.is_as_expected, [line.problem for line in of_script.problems]
            assert set(trace.header.expect) <= {*of_script.session.broken, NO_CRASH}


@pytest.mark.parametrize("form", ["trace", "script", "mail", "pytest", "c"])
def test_every_form_of_a_script_is_accepted_again(form: str, tmp_path: Path) -> None:
    script = (DATA / "scripts" / "redeem.claims").read_bytes()
    ended = run_script(tmp_path, script, "--as", form)
    assert (ended.code, ended.err) == (0, "")
    if form in ("trace", "script"):
        again = run_script(tmp_path, ended.out.encode(), name="again")
        assert (again.code, again.err) == (0, "")
        for third in ("trace", "script"):
            assert run(str(tmp_path / "again"), "--as", third).code == 0


def test_a_trace_and_its_script_print_the_same(tmp_path: Path) -> None:
    trace = DATA / "examples" / "redeem.jsonl"
    script = run(str(trace), "--as", "script")
    assert (script.code, script.err) == (0, "")
    of_trace, of_script = run(str(trace)), run_script(tmp_path, script.out.encode())
    assert (of_trace.code, of_script.code) == (0, 0)
    shown = [line for line in of_trace.out.splitlines() if line.startswith("  ") and "expect" not in line]
    assert [line for line in shown if line not in of_script.out.splitlines()] == []


def test_a_trace_as_a_script_and_back_has_the_same_events(tmp_path: Path) -> None:
    (trace,) = read_traces(str(DATA / "examples" / "redeem.jsonl"))
    session = Session("redeem")
    whole(session, play_trace(session, trace))
    script = run(str(DATA / "examples" / "redeem.jsonl"), "--as", "script").out
    back = run_script(tmp_path, script.encode(), "--as", "trace").out
    (tmp_path / "back.jsonl").write_text(back)
    (written,) = read_traces(str(tmp_path / "back.jsonl"))
    assert [_plain(event) for event in written] == [_plain(event) for event in session.events]
