"""The files of a finding: a trace that the reference reproduces, and a test."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from proofs.operations import Boot, Event, Events2
from proofs.replay.observe import observe
from proofs.traces import Header, HostShape, read_traces
from proofs.traces.events import FORMAT_2
from reference.status import HypervisorCrash, MisuseError

from .checker import Failure
from .hosts import runner_on
from .known import known_of
from .rerun import first_failure, unanswered

_EVENT: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Events2)
_HEADER = msgspec.json.Decoder(Header)
_ENCODER = msgspec.json.Encoder()


def header_of(host: HostShape, failure: Failure, seed: int) -> Header:
    """The header of a finding's trace; its source states the failure."""
    return Header(FORMAT_2, failure.semantics, f"claimcheck fuzz: {failure}", host, seed)


def recorded(host: HostShape, events: Sequence[Event], semantics: str) -> list[Event]:
    """The events, boot first, with the reference's results and its counters after each.

    If the reference stops at an assertion, the trace ends with a ``crash``.
    """
    runner = runner_on(host, semantics)
    done: list[Event] = [Boot(state=observe(runner.host))]
    for event in events:
        try:
            outcome = runner.do(event)
        except (HypervisorCrash, MisuseError) as stopped:
            done.append(replace(event, crash=str(stopped)))
            break
        observed = {name: value for name, value in outcome.items() if name in event.observed}
        done.append(replace(event, state=observe(runner.host), **observed))
    return done


def lines(header: Header, events: Iterable[Event]) -> bytes:
    """A trace in the file format."""
    return b"".join(_ENCODER.encode(part) + b"\n" for part in (header, *events))


def read(path: str | Path) -> tuple[Header, list[Event]]:
    """Header and events of a stored finding, without observations and without boot.

    :raises proofs.traces.TraceError: the file is not a trace
    """
    for trace in read_traces(path):
        return trace.header, [unanswered(event) for event in trace if not isinstance(event, Boot)]
    raise AssertionError("a file without a trace is an error of the reader")


def decode(text: str) -> tuple[Header, list[Event]]:
    """A trace from the text of a test, whose events need no observations; without boot."""
    first, *rest = text.strip().encode().splitlines()
    events = [_EVENT.decode(line) for line in rest]
    return _HEADER.decode(first), [event for event in events if not isinstance(event, Boot)]


def failure_of(text: str) -> Failure | None:
    """The first failure of a trace; None: it does not fail. Used by the tests of findings."""
    header, events = decode(text)
    return first_failure(header.host, events, known_of(header.semantics))


_TEST = '''"""Found by `claimcheck fuzz`: {sentence}"""

from {module} import {function}

TRACE = r"""
{trace}
"""


def test_{name}() -> None:
    assert {function}({arguments}) is None
'''


def pytest_of(header: Header, events: Sequence[Event], failure: Failure) -> str:
    """A test that fails while reference and model differ on this trace."""
    return _test(header, events, failure, "proofs.fuzz.finding", "failure_of", "TRACE")


def program_test_of(header: Header, events: Sequence[Event], failure: Failure, command: str) -> str:
    """A test that fails while the program differs on this trace."""
    return _test(header, events, failure, "proofs.fuzz.program", "divergence_of", f"{command!r}, TRACE")


def _test(header: Header, events: Sequence[Event], failure: Failure, module: str, function: str, arguments: str) -> str:
    shown = [replace(header, source="claimcheck fuzz"), *(unanswered(event) for event in events)]
    return _TEST.format(
        sentence=str(failure).replace("\\", "/").replace('"""', "'''"),
        module=module,
        function=function,
        arguments=arguments,
        trace="\n".join(_ENCODER.encode(part).decode() for part in shown),
        name=slug(failure).replace("-", "_"),
    )


def slug(failure: Failure) -> str:
    """The name of a finding: the same for failures of one kind."""
    return re.sub(r"[^a-z0-9]+", "-", failure.kind.lower()).strip("-")
