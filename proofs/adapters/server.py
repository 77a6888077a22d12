"""An outside program around the reference: answers the lines of ``claim-adapter/1``."""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec
from msgspec import UNSET, Struct, UnsetType

from proofs.operations import KINDS, Event, Events1, Events2
from proofs.replay.observe import observe
from proofs.replay.runner import Runner, boot_shape
from proofs.traces.events import FORMAT_1, FORMAT_2, Header
from reference.generation import Generation
from reference.status import HypervisorCrash, MisuseError

from .protocol import (
    FORMATS,
    OBSERVATIONS,
    PROTOCOL,
    Decoder,
    Greeting,
    HeaderAnswer,
    Hello,
    HelloRefusal,
    MalformedLineError,
    Observation,
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
        :param name: its name in the handshake
        :param semantics: its generations, by name
        """
        self._name = name
        self._semantics = semantics
        self._events: Decoder[Event] | None = None
        self._runner: Runner | None = None

    def answer(self, line: bytes) -> Struct:
        """The answer to a line; an error in the line is answered, too."""
        try:
            if not line.startswith(b'{"op"'):
                kind = _KIND.decode(line)
                if kind.hello is not UNSET:
                    return self._hello(_GREETING.decode(line))
                if kind.format is not UNSET:
                    return self._ready(_HEADER.decode(line))
            if self._runner is None or self._events is None:
                return Observation(error="no host: send a header first")
            return self._observation(self._runner, self._events.decode(line))
        except MalformedLineError as error:
            return Observation(error=str(error))

    def _hello(self, greeting: Greeting) -> Struct:
        if PROTOCOL not in greeting.hello:
            return HelloRefusal(error=f"supported here: {PROTOCOL}")
        return Hello(PROTOCOL, self._name, list(FORMATS), list(self._semantics), list(KINDS))

    def _ready(self, header: Header) -> Struct:
        self._runner = None
        semantics = self._semantics.get(header.semantics)
        if semantics is None:
            return HeaderAnswer(error=f"no generation {header.semantics!r}")
        if header.format not in _EVENTS:
            return HeaderAnswer(error=f"unknown format {header.format!r}")
        try:
            host = boot_shape(header.host, semantics)
        except MisuseError as error:
            return HeaderAnswer(error=str(error))
        self._runner = Runner(host)
        self._events = _EVENTS[header.format]
        return HeaderAnswer(ready=True)

    def _observation(self, runner: Runner, event: Event) -> Struct:
        kind = OBSERVATIONS[type(event)]
        try:
            outcome = runner.do(event)
        except HypervisorCrash as crash:
            self._runner = None  # the host has crashed
            return kind(crash=str(crash))
        except MisuseError as error:
            return kind(error=str(error))
        return kind(**outcome, state=observe(runner.host))


def serve(server: Server, source: int, sink: int) -> None:
    """Answer lines until the input ends. Answers are written as soon as no complete line is left to read.

    :param source: file descriptor to read from
    :param sink: file descriptor to write to
    """
    begun = b""
    while chunk := os.read(source, _CHUNK):
        *lines, begun = (begun + chunk).split(b"\n")
        answers = memoryview(b"".join(message(server.answer(line)) for line in lines))
        while answers:
            answers = answers[os.write(sink, answers) :]
