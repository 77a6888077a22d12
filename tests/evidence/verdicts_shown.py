"""A document gives the verdicts of the stored matrix, with the conditions of the matrix next to each.

Read are the rows of tables that name a property and a verdict, those that `claimcheck prove` prints too, lists of
properties that are proved, what pages of generations say of the one that follows, and sentences that name a property
in backticks and say "proved" or "refuted".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from model.named import GENERATIONS
from model.properties import PROPERTIES
from model.properties.conditions import CONDITIONS
from proofs.evidence.parts import about, parts
from proofs.matrix.rows import DESIGN
from proofs.matrix.verdicts import load
from proofs.questions.variants import stored
from proofs.refinement.premises import in_words
from proofs.search.row_verdict import ANY_HOST

PHRASES = {
    "othing offlined": "nothing-offlined",
    "othing goes offline": "nothing-offlined",
    "the limit is not lowered": "limit-not-lowered",
    "check `is_dying` under their locks": "legacy-check-in-lock",
}
"""Conditions in words."""
BOUNDED = ("+b", "at most 4 nodes")


@dataclass(frozen=True)
class ShownVerdict:
    """A verdict that a document gives on a property, or on a part of one, in a generation."""

    where: str
    name: str
    semantics: str = DESIGN
    verdict: str = "proved"
    conditions: frozenset[str] = frozenset()
    bounded: bool = False
    """On hosts of some size only."""


@cache
def known() -> dict[tuple[str, str], dict[frozenset[str], tuple[str, bool]]]:
    """The stored verdicts of generations and variants: by conditions, and whether for some hosts only."""
    found: dict[tuple[str, str], dict[frozenset[str], tuple[str, bool]]] = {}
    rows = [(c.semantics, c.row.part, c.row.conditions, str(c.verdict.value), c.reason) for c in load()]
    rows += [(v.semantics, v.part, v.conditions, v.verdict, v.reason) for v in stored()]
    for semantics, part, conditions, verdict, reason in rows:
        at = found.setdefault((semantics, part), {})
        at[frozenset(conditions)] = (verdict, verdict == "proved" and reason != ANY_HOST)
    return found


@cache
def named() -> dict[str, list[str]]:
    """The parts that a name stands for: itself, or all of a property."""
    found = {part: [part] for part in parts()}
    for part in parts():
        if not (part in PROPERTIES and PROPERTIES[part].support):
            found.setdefault(about(part).id, []).append(part)
    return {name: list(dict.fromkeys(of)) for name, of in found.items()}


def problems(text: str, where: str) -> list[str]:
    """Verdicts that the matrix does not give on the conditions shown; premises of a comparison that are not shown."""
    found = []
    for shown in verdicts(text, where):
        for part in named()[shown.name]:
            if (wrong := _wrong(shown, part)) != "":
                found.append(f"{shown.where}: {part} {shown.verdict} for {shown.semantics}: {wrong}")
            found += [
                f"{shown.where}: {part} for {shown.semantics}: the premise is not shown: {premise}"
                for premise in in_words(part, shown.semantics if shown.semantics in GENERATIONS else DESIGN)
                if premise not in text
            ]
    return found


def _wrong(shown: ShownVerdict, part: str) -> str:
    at = known().get((shown.semantics, part))
    if at is None:
        of = GENERATIONS.get(shown.semantics)
        needed = of.conditions_of(PROPERTIES[part]) if of is not None and part in PROPERTIES else ()
        return "" if set(needed) <= shown.conditions else f"needs {', '.join(needed)}"
    if {verdict for verdict, _ in at.values()} == {"not applicable"}:
        return ""
    if shown.verdict == "refuted":
        fits = any(v == "refuted" and shown.conditions <= conditions for conditions, (v, _) in at.items())
    else:
        fits = any(
            v == "proved" and conditions <= shown.conditions and (shown.bounded or not bounded)
            for conditions, (v, bounded) in at.items()
        )
    on = "; ".join(f"{v} if {' and '.join(sorted(c)) or 'nothing else'}" for c, (v, _) in at.items())
    return "" if fits else f"shown on {sorted(shown.conditions)}, stored: {on}"


def verdicts(text: str, where: str) -> Iterator[ShownVerdict]:
    """All that a document says."""
    page = Path(where).stem
    default = page if page in GENERATIONS else DESIGN
    for name, hosts, verdict in _PRINTED.findall(text):
        yield from _named(name, ShownVerdict(where, "", verdict=verdict, bounded=hosts != "any"))
    header: list[str] = []
    heading, paragraph = default, ""
    for line in [*re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S).splitlines(), ""]:
        if line.startswith("|"):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            header = header or cells
            yield from _of_row(header, cells, heading, where)
            continue
        header = []
        if line.startswith("#"):
            titled = [name for name in GENERATIONS if name in re.split(r"[\s`,]+", line)]
            heading = titled[-1] if titled else default
        yield from _of_changes(line, default, heading, where)
        if line.startswith(tuple(_CHANGES)):
            continue
        listed = re.fullmatch(r"\d+\. (`.*)", line)
        if listed:
            yield from _named(listed[1], ShownVerdict(where, "", heading))
        elif line and not line.startswith(("<!--", "- ")):
            paragraph += f" {line}"
            continue
        yield from _of_paragraph(paragraph, heading, where)
        paragraph = line.removeprefix("- ") if line.startswith("- ") else ""


_PRINTED = re.compile(r"^ ([\w.-]+(?: if [\w -]+?)?)  +(any|\d+x\d+) +(proved|refuted) ", re.MULTILINE)
"""A row of what `claimcheck prove` prints."""


def _named(cell: str, shown: ShownVerdict) -> Iterator[ShownVerdict]:
    """What a cell says that is the name of a row: a part of a property, and conditions."""
    match = re.fullmatch(r"`?([\w.-]+)`?(?: if ([\w -]+?))?(?: \((.*)\))?", cell)
    if match and match[1] in named() and match[3] != "without conditions":
        conditions = frozenset((match[2] or "").split(" and ")) - {""}
        yield replace(shown, name=match[1], conditions=shown.conditions | conditions)


def _verdict(cell: str) -> tuple[str, bool] | None:
    if re.fullmatch(r"\+b?|proved", cell):
        return "proved", cell == "+b"
    return ("refuted", False) if re.fullmatch(r"x\d+|refuted", cell) else None


def _of_row(header: list[str], cells: list[str], semantics: str, where: str) -> Iterator[ShownVerdict]:
    if header == ["refuted for", "right in", "what"]:
        before, after = (cell.strip("`") for cell in cells[:2])
        for item in cells[2].split("; ") if before in GENERATIONS else ():
            yield from _named(item, ShownVerdict(where, "", before, "refuted"))
            if "no " not in item.partition("(")[2] and "recalls" not in item.partition("(")[2]:
                bounded = BOUNDED[1] in item
                yield from _named(item, ShownVerdict(where, "", after, "proved", bounded=bounded))
        return
    of = next((name for cell in cells if not cell.isdecimal() and (name := _generation(cell))), semantics)
    if of not in {name for name, _ in known()}:
        return  # a variant that is judged by who makes the document
    for number, cell in enumerate(cells):
        verdict = _verdict(cell)
        if verdict is None:
            continue
        column = _generation(header[number]) or of
        for other in cells[:number]:
            yield from _named(other, ShownVerdict(where, "", column, verdict[0], bounded=verdict[1]))


def _generation(cell: str) -> str:
    """The generation or variant that a cell names, or numbers; empty if it does neither."""
    if cell.isdecimal() and 1 <= int(cell) <= len(GENERATIONS):
        return list(GENERATIONS)[int(cell) - 1]
    name = cell.strip("`")
    return name if name.partition("+")[0] in GENERATIONS else ""


_CHANGES = {"It repairs: ": ("refuted", "proved"), "New faults: ": ("proved", "refuted")}


def _of_changes(line: str, before: str, after: str, where: str) -> Iterator[ShownVerdict]:
    """What a page of a generation says of the one that follows: refuted for the one and proved for the other."""
    for begins, (here, there) in _CHANGES.items():
        for item in line.removesuffix(".").removeprefix(begins).split("; ") if line.startswith(begins) else ():
            said = item.partition(" (")[2]
            if said.startswith("proved"):
                for semantics, verdict in ((before, here), (after, there)):
                    shown = ShownVerdict(where, "", semantics, verdict, bounded=BOUNDED[1] in item)
                    yield from _named(item, shown)


def _properties(sentence: str) -> list[str]:
    """The properties that a sentence names, without those that it excepts."""
    found: list[str] = []
    before = ""
    for span in re.findall(r"`([^`]+)`", re.sub(r"\bbut (for )?`[^`]+`", "", sentence)):
        before = f"{before.partition('.')[0]}{span}" if span.startswith(".") else span
        if before in named():
            found.append(before)
    return found


def _of_paragraph(paragraph: str, semantics: str, where: str) -> Iterator[ShownVerdict]:
    sentences = re.split(r"(?<=;) +|(?<=[.:]) +(?=[A-Z`*])", paragraph)
    last: list[str] = []
    for number, sentence in enumerate(sentences):
        last = _properties(sentences[number - 1]) or last if number else last
        said = [word for word in ("proved", "refuted") if re.search(rf"\b{word}\b", sentence)]
        if len(said) != 1 or re.search(r"\b(no|not|nothing|where they are) ([^`]* )?(proved|refuted)", sentence):
            continue
        spans = re.findall(r"`([^`]+)`", sentence)
        conditions = {c for c in CONDITIONS if re.search(rf"(?<![\w-]){c}(?![\w-])", sentence)}
        conditions |= {condition for phrase, condition in PHRASES.items() if phrase in sentence}
        if "on these conditions" in sentence:
            conditions |= {c for c in CONDITIONS if c in paragraph}
        of = next((name for name in reversed(spans) if any(name == s for s, _ in known())), semantics)
        bounded = BOUNDED[1] in sentence
        names = _properties(sentence)
        if not names and re.search(rf"\b[Ii]t is {said[0]}", sentence):
            names = last
        for name in names:
            yield ShownVerdict(where, name, of, said[0], frozenset(conditions), bounded)
