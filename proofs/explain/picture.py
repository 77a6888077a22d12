"""The timeline as an SVG picture, for documents and mails."""

from __future__ import annotations

import io
import re

from rich.console import Console

from proofs.traces import Trace

from .timeline import print_timeline

COLUMNS = 96
"""Of the terminal that is drawn."""
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def svg_of(trace: Trace, title: str, first: int = 0, last: int | None = None) -> tuple[str, int]:
    """The picture, and the number of events in it. It loads no fonts: text uses the reader's monospaced font.

    :raises proofs.traces.TraceError: at a malformed line
    """
    out = Console(record=True, file=io.StringIO(), width=COLUMNS, highlight=False, force_terminal=True)
    shown = print_timeline(trace, out, first=first, last=last)
    return _FONTS.sub("", out.export_svg(title=title, unique_id="claimcheck")), shown
