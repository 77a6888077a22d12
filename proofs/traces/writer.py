"""Writer of trace files; the suffix ``.gz`` packs them."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

import msgspec

from proofs.operations import Event

from .events import Header

_ENCODER = msgspec.json.Encoder()


class TraceWriter:
    """Writes traces one after the other: ``header()`` begins one, ``event()`` continues it. A context manager."""

    def __init__(self, path: str | Path) -> None:
        packed = str(path).endswith(".gz")
        self._file = gzip.open(path, "wb", compresslevel=6) if packed else open(path, "wb")  # noqa: SIM115  # closed by __exit__

    def header(self, header: Header) -> None:
        """Begin a trace."""
        self._line(_ENCODER.encode(header))

    def event(self, event: Event) -> None:
        """Append an event."""
        self._line(_ENCODER.encode(event))

    def raw(self, lines: Iterable[bytes]) -> None:
        """Append lines as they were read."""
        for line in lines:
            self._line(line.rstrip(b"\r\n"))

    def _line(self, content: bytes) -> None:
        self._file.write(content + b"\n")

    def __enter__(self) -> TraceWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, where: TracebackType | None
    ) -> None:
        self._file.close()
