"""The content of a gzip file that may be cut or damaged: everything before the damage is delivered first.

``gzip.GzipFile`` raises while it fills a buffer, and the traces that it had unpacked into that buffer are lost.
"""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_CHUNK = 1 << 16
_GZIP = 16 + zlib.MAX_WBITS


class Gunzip(io.RawIOBase):
    """Reads the members of a gzip file, one after the other. Closes the file when it is closed."""

    def __init__(self, file: io.BufferedReader[io.FileIO]) -> None:
        self._file = file
        self._packed = b""
        self._engine = zlib.decompressobj(_GZIP)
        self._damage: zlib.error | None = None

    def readable(self) -> bool:
        """Always true."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill a part of the buffer; 0 at the end.

        :raises EOFError: the file ends within a member
        :raises zlib.error: the next byte cannot be unpacked, or a checksum is wrong
        """
        view = memoryview(buffer)
        data = self._read(len(view))
        view[: len(data)] = data
        return len(data)

    def _read(self, limit: int) -> bytes:
        while self._damage is None:
            if self._engine.eof and not self._next_member():
                return b""
            packed = self._packed or self._file.read1(_CHUNK)
            data = self._unpack(packed, limit)
            if data:
                return data
            if not packed and not self._engine.eof:
                raise EOFError
        raise self._damage

    def _next_member(self) -> bool:
        """Begin the next member, after any padding; False: the file ends."""
        packed = self._engine.unused_data
        while not (packed := packed.lstrip(b"\0")):
            packed = self._file.read1(_CHUNK)
            if not packed:
                return False
        self._packed = packed
        self._engine = zlib.decompressobj(_GZIP)
        return True

    def _unpack(self, packed: bytes, limit: int) -> bytes:
        before = self._engine.copy()
        try:
            data = self._engine.decompress(packed, limit)
        except zlib.error as error:
            self._damage = error
            return self._up_to_damage(before, packed, limit)
        self._packed = self._engine.unconsumed_tail
        return data

    @staticmethod
    def _up_to_damage(engine: zlib._Decompress, packed: bytes, limit: int) -> bytes:
        """Repeat the failed call byte by byte, because zlib drops what a failing call has unpacked."""
        data = b""
        for at in range(len(packed)):
            try:
                data += engine.decompress(packed[at : at + 1])
            except zlib.error:
                break
        return data[:limit]

    def close(self) -> None:
        """Close the file, too."""
        self._file.close()
        super().close()
