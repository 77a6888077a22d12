"""Generated blocks of documents, and the one way to write what a maker gives or to say what is not up to date.

    <!-- generated: NAME ARGUMENT -->
    ...
    <!-- end -->

A maker is the text of the block NAME, or a function that gives it; the function gets the argument where there is one.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

BLOCK = re.compile(
    r"(?P<begin><!-- generated: (?P<name>[\w-]+)(?: (?P<argument>[^\n]+?))? -->\n)(?P<content>.*?)<!-- end -->",
    re.DOTALL,
)
Maker = str | Callable[..., str]


def renewed(text: str, makers: Mapping[str, Maker], others: Collection[str] = ()) -> str:
    """The document with every block written again.

    :param others: names of blocks that stay as they are
    :raises KeyError: nothing makes a block of the document
    """

    def block(match: re.Match[str]) -> str:
        if match["name"] in others:
            return match[0]
        maker = makers[match["name"]]
        if not isinstance(maker, str):
            maker = maker(match["argument"]) if match["argument"] else maker()
        return f"{match['begin']}{maker}\n<!-- end -->"

    return BLOCK.sub(block, text)


def blocks_of(text: str) -> dict[str, str]:
    """What a document shows now, by the name of the block."""
    return {match["name"]: match["content"] for match in BLOCK.finditer(text)}


def table(header: Iterable[str], body: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    columns = list(header)
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for row in body:
        lines.append("| " + " | ".join(cell.replace("|", "\\|") or " " for cell in row) + " |")
    return "\n".join(lines)


def folded(summary: str, content: str) -> str:
    """A long table that a reader opens with one line, on GitHub and on the site."""
    return f"<details>\n<summary>{summary}</summary>\n\n{content}\n\n</details>"


def parser(maker: str, description: str | None) -> argparse.ArgumentParser:
    """The options that all makers have; :class:`Output` takes what they say."""
    found = argparse.ArgumentParser(prog=f"python -m docs._make.{maker}", description=description)
    found.add_argument(
        "--check", action="store_true", help="write nothing; print what is not up to date, and end with 1"
    )
    return found


class Output:
    """The files of a maker: written where they change, or with ``check`` only compared."""

    def __init__(self, check: bool = False) -> None:
        self.check = check
        self.changed: list[Path] = []

    def write(self, path: Path, content: str | bytes) -> None:
        """A whole file."""
        wanted = content.encode() if isinstance(content, str) else content
        if path.exists() and path.read_bytes() == wanted:
            return
        self.changed.append(path)
        if not self.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(wanted)

    def renew(self, path: Path, makers: Mapping[str, Maker], others: Collection[str] = ()) -> None:
        """The blocks of a document."""
        self.write(path, renewed(path.read_text(encoding="utf-8"), makers, others))

    def remove(self, path: Path) -> None:
        """A file that is not wanted any more."""
        self.changed.append(path)
        if not self.check:
            path.unlink()

    def ended(self) -> int:
        """Print what changed; the exit code."""
        for path in self.changed:
            print(f"{'not up to date' if self.check else 'written'}: {path}")
        return 1 if self.check and self.changed else 0


def write_documents(
    maker: str,
    description: str | None,
    arguments: list[str],
    documents: Iterable[Path],
    makers: Callable[[], Mapping[str, Maker]],
) -> int:
    """All that a maker without options of its own does; the exit code."""
    output = Output(parser(maker, description).parse_args(arguments).check)
    made = makers()
    for document in documents:
        output.renew(document, made)
    return output.ended()
