"""``claim-adapter/1``: the messages to an outside program and its answers, one JSON object per line.

Every line gets exactly one answer line, in order: a greeting what the program supports, the header of a trace
``{"ready": true}``, an operation its observation. The answer to an error is ``{"error": TEXT}``.
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
    """The first line: the versions of the protocol that are supported here."""

    hello: list[str]


class Hello(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The answer to the greeting: the version chosen, and what the program supports."""

    hello: str
    name: str
    formats: list[str]
    semantics: list[str]
    operations: list[str]
    restart: bool = False
    """The program supports one host only: it is restarted for every trace."""
    named_blocks: bool = False
    """``mfn`` of an operation may be a :class:`NamedPage`."""


class NamedPage(Struct):
    """A page named by the operation that gets it, to avoid waiting for the answer of that operation."""

    of: int
    """The number of the operation; ``boot``, the first one after the header, is 0."""
    page: int
    """The index of the page in the operation's block."""


class Answer(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """The error that any answer may have instead of its content."""

    error: str | UnsetType = UNSET


class HelloRefusal(Answer):
    """The answer to a greeting without a version that the program supports."""


class HeaderAnswer(Answer):
    """The answer to a header: the host is ready. With ``error``, the program does not support the host."""

    ready: bool = False


class Observation(Answer):
    """The answer to an operation: its observed fields, and the counters after it, which ``crash`` omits."""

    state: State | UnsetType = UNSET
    crash: str | UnsetType = UNSET
    absent: bool = False
    """The operation named pages of a refused operation, and was not run."""


Message = TypeVar("Message")


class MalformedLineError(Exception):  # what it is called
    """A line that is not the expected message; the message of the exception says why."""


class Decoder(Generic[Message]):
    """Decodes lines of one type, which may be a union."""

    def __init__(self, kind: Any) -> None:
        self._decoder = msgspec.json.Decoder(kind)

    def decode(self, line: bytes) -> Message:
        """The line's content.

        :raises MalformedLineError: it is not of that type
        """
        try:
            content: Message = self._decoder.decode(line)
        except msgspec.ValidationError as error:
            raise MalformedLineError(str(error)) from None
        except msgspec.DecodeError as error:
            raise MalformedLineError(f"not JSON: {error}") from None
        except UnicodeDecodeError as error:
            raise MalformedLineError(f"not UTF-8: {error.reason}") from None
        except RecursionError:
            raise MalformedLineError("JSON nested too deep") from None
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
    """An operation with only its arguments."""
    return msgspec.structs.replace(event, **_NOT_OBSERVED[type(event)])


def decode_observation(kind: type[Event], line: bytes) -> Observation:
    """The answer to an operation of that kind.

    :raises MalformedLineError: the line is no valid answer to it
    """
    observation = _DECODERS[kind].decode(line)
    if observation.state is UNSET and observation.crash is observation.error is UNSET and not observation.absent:
        raise MalformedLineError("field `state` is missing")
    return observation


def observed(event: Event, observation: Observation) -> Event:
    """The event as a trace records it: its arguments, and the program's answer."""
    outcome = {name: getattr(observation, name) for name in event.observed}
    return msgspec.structs.replace(event, state=observation.state, crash=observation.crash, **outcome)


def unsupported(hello: Hello, header: Header) -> str | None:
    """Why the program does not support such a trace; None: it does."""
    if header.semantics not in hello.semantics:
        return f"the program has no generation {header.semantics}"
    if header.format not in hello.formats:
        return f"the program does not read {header.format}"
    return None
