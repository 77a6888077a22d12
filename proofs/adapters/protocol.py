"""``claim-adapter/1``: what is said to an outside program, and what it answers. One JSON object a line.

Every line is answered by exactly one line, in order: the greeting by what the program supports, the header of a trace
by ``{"ready": true}``, an operation by its observation. An error is answered by ``{"error": TEXT}``.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar, get_type_hints

import msgspec
from msgspec import UNSET, Struct, UnsetType

from proofs.operations import KINDS, Event, State
from proofs.traces.events import FORMAT_1, FORMAT_2, Header

PROTOCOL = "claim-adapter/1"
FORMATS = (FORMAT_1, FORMAT_2)


class Greeting(Struct, forbid_unknown_fields=True):
    """The first line: the versions of the protocol that are spoken here."""

    hello: list[str]


class Hello(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The answer to the greeting: the version chosen, and what the program supports."""

    hello: str
    name: str
    formats: list[str]
    semantics: list[str]
    operations: list[str]
    restart: bool = False
    """The program can have one host only: it is started anew for every trace."""
    named_blocks: bool = False
    """``mfn`` of an operation may be a :class:`Named`."""


class Named(Struct):
    """A page named by the operation that got it: this spares the wait for the answer of that operation."""

    of: int
    """The operation; ``boot``, the first one behind the header, is 0. Its block begins with the page."""
    page: int
    """Counted from the first one of that block."""


class Answer(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What every answer may be instead."""

    error: str | UnsetType = UNSET


class HelloRefused(Answer):
    """The answer to a greeting with no version that the program speaks."""


class Ready(Answer):
    """The answer to a header: the host is there. With ``error`` the program cannot have such a host."""

    ready: bool = False


class Observation(Answer):
    """The answer to an operation: its observed fields, and the counters behind it or, with ``crash``, none."""

    state: State | UnsetType = UNSET
    crash: str | UnsetType = UNSET
    absent: bool = False
    """The operation named pages of one that was refused: nothing was done."""


Message = TypeVar("Message")


class Malformed(Exception):  # what it is called
    """A line that does not say what is expected there; the message says why."""


class Decoder(Generic[Message]):
    """Decodes lines of one type, which may be a union."""

    def __init__(self, kind: Any) -> None:
        self._decoder = msgspec.json.Decoder(kind)

    def decode(self, line: bytes) -> Message:
        """The line's content.

        :raises Malformed: it is not of that type
        """
        try:
            content: Message = self._decoder.decode(line)
        except msgspec.ValidationError as error:
            raise Malformed(str(error)) from None
        except msgspec.DecodeError as error:
            raise Malformed(f"not JSON: {error}") from None
        except UnicodeDecodeError as error:
            raise Malformed(f"not UTF-8: {error.reason}") from None
        except RecursionError:
            raise Malformed("JSON nested too deep") from None
        return content


def _observation(kind: type[Event]) -> type[Observation]:
    hints = get_type_hints(kind, include_extras=True)
    fields = [(name, hints[name], UNSET) for name in kind.observed]
    observation = msgspec.defstruct(f"{kind.__name__}Observation", fields, bases=(Observation,), kw_only=True)
    assert issubclass(observation, Observation)
    return observation


OBSERVATIONS: dict[type[Event], type[Observation]] = {kind: _observation(kind) for kind in KINDS.values()}
"""The answer to each operation: ``Observation`` and the operation's own observed fields."""

_DECODERS: dict[type[Event], Decoder[Observation]] = {
    kind: Decoder(observation) for kind, observation in OBSERVATIONS.items()
}
_NOT_OBSERVED: dict[type[Event], dict[str, Any]] = {
    kind: dict.fromkeys((*kind.observed, "state", "crash"), UNSET) for kind in KINDS.values()
}
_ENCODER = msgspec.json.Encoder()


def message(content: Struct) -> bytes:
    """A message as a line."""
    return _ENCODER.encode(content) + b"\n"


def question(event: Event) -> Event:
    """An operation with its arguments alone."""
    return msgspec.structs.replace(event, **_NOT_OBSERVED[type(event)])


def decode_observation(kind: type[Event], line: bytes) -> Observation:
    """The answer to an operation of that kind.

    :raises Malformed: it is no answer to that
    """
    observation = _DECODERS[kind].decode(line)
    if observation.state is UNSET and observation.crash is observation.error is UNSET and not observation.absent:
        raise Malformed("field `state` is missing")
    return observation


def observed(event: Event, observation: Observation) -> Event:
    """The event as a trace would record it: its arguments, and what the program answered."""
    outcome = {name: getattr(observation, name) for name in event.observed}
    return msgspec.structs.replace(event, state=observation.state, crash=observation.crash, **outcome)


def unsupported(hello: Hello, header: Header) -> str | None:
    """Why the program cannot be given such a trace, or none."""
    if header.semantics not in hello.semantics:
        return f"the program has no generation {header.semantics}"
    if header.format not in hello.formats:
        return f"the program does not read {header.format}"
    return None
