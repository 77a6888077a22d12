"""An outside program around the reference: answers the lines of ``claim-adapter/1``."""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec
from msgspec import UNSET, Struct, UnsetType

from proofs.operations import KINDS, Event, Events1, Events2
from proofs.replay.execution import Execution, boot_shape
from proofs.replay.observe import observe
from proofs.traces.events import FORMAT_1, FORMAT_2, Header
from reference.generation import Generation
from reference.status import HypervisorCrash, MisuseError

from .protocol import (
    FORMATS,
    OBSERVATIONS,
    PROTOCOL,
    Decoder,
    Greeting,
    Hello,
    HelloRefused,
    Malformed,
    Observation,
    Ready,
    message,
)

_CHUNK = 1 << 16


class _LineKind(Struct):
    """The fields that tell a greeting and a header from an operation."""

    hello: msgspec.Raw | UnsetType = UNSET
    format: msgspec.Raw | UnsetType = UNSET


_KIND: Decoder[_LineKind] = Decoder(_LineKind)
_GREETING: Decoder[Greeting] = Decoder(Greeting)
_HEADER: Decoder[Header] = Decoder(Header)
_EVENTS: dict[str, Decoder[Event]] = {FORMAT_1: Decoder(Events1), FORMAT_2: Decoder(Events2)}


class Server:
    """Answers lines; one host at a time."""

    def __init__(self, name: str, semantics: Mapping[str, Generation]) -> None:
        """
        :param name: what it calls itself
        :param semantics: those it has, by name
        """
        self._name = name
        self._semantics = semantics
        self._events: Decoder[Event] | None = None
        self._execution: Execution | None = None

    def answer(self, line: bytes) -> Struct:
        """The answer to a line; what is wrong with it is an answer too."""
        try:
            if not line.startswith(b'{"op"'):
                kind = _KIND.decode(line)
                if kind.hello is not UNSET:
                    return self._hello(_GREETING.decode(line))
                if kind.format is not UNSET:
                    return self._ready(_HEADER.decode(line))
            if self._execution is None or self._events is None:
                return Observation(error="no host: a header comes first")
            return self._observation(self._execution, self._events.decode(line))
        except Malformed as error:
            return Observation(error=str(error))

    def _hello(self, greeting: Greeting) -> Struct:
        if PROTOCOL not in greeting.hello:
            return HelloRefused(error=f"spoken here: {PROTOCOL}")
        return Hello(PROTOCOL, self._name, list(FORMATS), list(self._semantics), list(KINDS))

    def _ready(self, header: Header) -> Struct:
        self._execution = None
        semantics = self._semantics.get(header.semantics)
        if semantics is None:
            return Ready(error=f"no generation {header.semantics!r}")
        if header.format not in _EVENTS:
            return Ready(error=f"unknown format {header.format!r}")
        try:
            host = boot_shape(header.host, semantics)
        except MisuseError as error:
            return Ready(error=str(error))
        self._execution = Execution(host)
        self._events = _EVENTS[header.format]
        return Ready(ready=True)

    def _observation(self, execution: Execution, event: Event) -> Struct:
        kind = OBSERVATIONS[type(event)]
        try:
            outcome = execution.do(event)
        except HypervisorCrash as crash:
            self._execution = None  # that host is gone
            return kind(crash=str(crash))
        except MisuseError as error:
            return kind(error=str(error))
        return kind(**outcome, state=observe(execution.host))


def serve(server: Server, source: int, sink: int) -> None:
    """Answer lines until the input ends. Answers are written when no whole line is left to read: no delay by it.

    :param source: file descriptor to read from
    :param sink: file descriptor to write to
    """
    begun = b""
    while chunk := os.read(source, _CHUNK):
        *lines, begun = (begun + chunk).split(b"\n")
        answers = memoryview(b"".join(message(server.answer(line)) for line in lines))
        while answers:
            answers = answers[os.write(sink, answers) :]
