"""A run as text in another form: a trace, a script, a mail, a pytest test, a C test."""

from __future__ import annotations

import msgspec

from proofs.explain.mail import mail
from proofs.explain.played import ShownEvent
from proofs.export.c_test import PROLOGUE, c_test
from proofs.export.pytest_test import identifier, pytest_test
from proofs.operations import Event
from proofs.traces.events import Header

from .writing import script_of

FORMS = ("trace", "script", "mail", "pytest", "c")


class WrittenRun(msgspec.Struct):
    """What a form is made of."""

    header: Header
    events: list[Event]
    """With their outcomes and the counters after them; boot first."""
    shown: list[ShownEvent]
    """The same events as they are shown, without boot."""
    broken: list[str]
    """The properties that do not hold somewhere."""
    again: str
    """The command that runs it again."""
    name: str = "script"


def written(run: WrittenRun, form: str) -> str:
    """The run in one of the :data:`FORMS`.

    :raises proofs.export.c_test.InexpressibleEventError: the adapter kit has no such operation
    """
    match form:
        case "trace":
            return b"".join(line + b"\n" for line in _trace_lines(run)).decode()
        case "script":
            return script_of(run.header, run.events)
        case "mail":
            header = run.header
            return mail(header.semantics, header.host.nodes, run.shown, f"Source: {header.source}", run.again) + "\n"
        case "pytest":
            return pytest_test(identifier(run.name), run.header.source, _trace_lines(run), run.broken)
        case "c":
            return PROLOGUE + "\n" + c_test(identifier(run.name), run.header, run.events)
    raise ValueError(form)


def _trace_lines(run: WrittenRun) -> list[bytes]:
    header = msgspec.structs.replace(run.header, expect=sorted(run.broken))
    return [msgspec.json.encode(header), *map(msgspec.json.encode, run.events)]
