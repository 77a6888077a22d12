"""Generated blocks of a document: ``<!-- generated: NAME -->`` to ``<!-- end -->``."""

from __future__ import annotations

import re
from collections.abc import Mapping

_BLOCK = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def renewed(text: str, blocks: Mapping[str, str]) -> str:
    """The document with its blocks replaced; one without a text stays as it is."""
    return _BLOCK.sub(lambda m: f"{m[1]}{blocks[m[2]]}\n{m[3]}" if m[2] in blocks else m[0], text)
