"""Generated blocks of a document: what stands between a comment that names a maker and ``<!-- end -->``.

    <!-- make: NAME ARGUMENT -->
    ...
    <!-- end -->

The maker gets the argument, which may be empty, and gives the lines between the two comments.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

BLOCK = re.compile(r"(<!-- make: (?P<name>[\w-]+)(?P<argument>[^\n]*?) -->\n).*?(?P<end><!-- end -->)", re.DOTALL)
Maker = Callable[[str], str]


def renewed(text: str, makers: Mapping[str, Maker]) -> str:
    """The document with every block of these makers written again.

    :raises KeyError: a block names none of them
    """

    def block(match: re.Match[str]) -> str:
        return f"{match[1]}{makers[match['name']](match['argument'].strip())}\n{match['end']}"

    return BLOCK.sub(block, text)


def write(document: Path, makers: Mapping[str, Maker]) -> bool:
    """Renew a document in place; returns whether it changed."""
    text = document.read_text(encoding="utf-8")
    new = renewed(text, makers)
    if new != text:
        document.write_text(new, encoding="utf-8")
    return new != text
