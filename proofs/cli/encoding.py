"""Output in a terminal's own encoding: what it cannot show is replaced, and is no error."""

from __future__ import annotations

import codecs
import io
import sys

_OFFLINE = "\N{MULTIPLICATION SIGN}"
_BARS = {"█": "#", "▓": "%", "▒": "+", "·": ".", _OFFLINE: "x"}
_INSTEAD = {**_BARS, "─": "-", "━": "-", "╺": "-", "╸": "-", "…": ".", "→": ">"}
"""Characters of timelines, tables and progress bars, in ASCII. For others there is `?`."""


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_INSTEAD.get(character, "?") for character in text), error.end


def replace_what_cannot_be_shown() -> None:
    """From now on standard output and standard error replace characters that their encoding lacks."""
    codecs.register_error("claimcheck", _replaced)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="claimcheck")
