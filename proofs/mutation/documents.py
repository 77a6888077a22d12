"""docs/mutation.md, from the stored results: `python -m proofs.mutation.documents`; with --check it only says."""

from __future__ import annotations

import re
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from msgspec import Struct

from proofs.mutation.judged import Ending
from proofs.mutation.stored import About, Result, fingerprint, read
from proofs.prover.documents import table

DOCUMENT = Path("docs/mutation.md")
REASONS = Path(__file__).with_name("survivors.toml")
OLDER = (
    "\n\n**Of older code:** reference or model changed after this run. What is shown here is of the code as it was;"
    " `make mutation` judges the mutants of today's."
)
_BLOCK = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


class Reason(Struct, frozen=True):
    """Why a survivor does no harm: the same reason may be that of several."""

    says: str
    checked: str
    """What was done to be sure of it."""
    mutants: list[str]
    """Their keys."""
    open: bool = False
    """It is a hole in the checks, known and not closed."""


def reasons(path: Path = REASONS) -> list[Reason]:
    """The explained survivors."""
    return [Reason(**entry) for entry in tomllib.loads(path.read_text())["reason"]]


def explained(found: Iterable[Reason]) -> dict[str, Reason]:
    """By the mutant's key."""
    return {key: reason for reason in found for key in reason.mutants}


def unexplained(results: Iterable[Result]) -> list[Result]:
    """Survivors without a reason."""
    known = explained(reasons())
    return [r for r in results if r.judged.ending is Ending.SURVIVED and r.mutant.key not in known]


def columns(results: Iterable[Result]) -> list[str]:
    """What ended any of them, by number."""
    counts = Counter(_by(result) for result in results)
    return [name for name, _ in counts.most_common()]


def _by(result: Result) -> str:
    if result.judged.ending is Ending.KILLED:
        return result.judged.by
    if result.judged.ending is Ending.EQUIVALENT:
        return f"proved the same: {result.judged.by}"
    reason = explained(reasons()).get(result.mutant.key)
    return "SURVIVED" if reason is None else "open" if reason.open else "explained"


def rows(results: list[Result], of: Callable[[Result], str]) -> tuple[list[str], list[list[str]]]:
    """A header, and a line for each of the groups: how many, by what they ended, and the time."""
    ways = columns(results)
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(of(result), []).append(result)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    body = [_row(name, group, ways) for name, group in ordered]
    return ["", "mutants", *ways, "seconds"], [*body, _row("all", results, ways)]


def _row(name: str, group: list[Result], ways: list[str]) -> list[str]:
    counts = Counter(_by(result) for result in group)
    return [name, str(len(group)), *(str(counts[way] or "") for way in ways), f"{sum(r.seconds for r in group):.0f}"]


def _of_side(side: str, of: Callable[[Result], str]) -> Callable[[About, list[Result]], str]:
    def written(_about: About, results: list[Result]) -> str:
        header, body = rows([r for r in results if r.mutant.side == side], of)
        return table(header, body)

    return written


def _totals(about: About, results: list[Result]) -> str:
    endings = Counter(result.judged.ending for result in results)
    given = ", ".join(f"{count:,} of the {side}" for side, count in about.of.items())
    return (
        f"{len(results):,} mutants, at most {about.most} of an operator in a function (the operators give {given}):"
        f" {endings[Ending.KILLED]:,} killed, {endings[Ending.EQUIVALENT]} proved to do the same,"
        f" {endings[Ending.SURVIVED]} survived, of which {_open(results)} open and {len(unexplained(results))} without"
        " an explanation."
        f"{_left(about.left)} {about.seconds:,.0f} seconds of processor time, preparing included."
        f" z3 {about.versions['z3']}, Python {about.versions['python']}."
        f"{'' if about.code == fingerprint() else OLDER}"
    )


def _open(results: list[Result]) -> int:
    return sum(_by(result) == "open" for result in results)


def _left(count: int) -> str:
    if not count:
        return ""
    return f" {count:,} were not judged, because the run was ended; which ones, depends on the hash of their code."


def _survivors(_about: About, results: list[Result]) -> str:
    by_key = {r.mutant.key: r for r in results if r.judged.ending is Ending.SURVIVED}
    body = []
    for reason in reasons():
        shown = [_shown(by_key[key]) for key in reason.mutants if key in by_key]
        if shown:
            body.append(["<br>".join(shown), reason.says, reason.checked])
    body += [[_shown(r), "NOT EXPLAINED", r.judged.what] for r in unexplained(results)]
    return table(["mutant", "why it does no harm", "made sure of by"], body)


def _shown(result: Result) -> str:
    m = result.mutant
    return f"`{m.module.partition('.')[2]}:{m.function}` {m.operator}: `{m.before}` became `{m.after}`".replace(
        "`nothing`", "nothing"
    )


def _killers(_about: About, results: list[Result]) -> str:
    counts: dict[str, list[Result]] = {}
    for result in results:
        if result.judged.ending is Ending.KILLED:
            counts.setdefault(f"{result.mutant.side}: {_kind(result)}", []).append(result)
    body = [
        [name, str(len(group)), group[0].mutant.name]
        for name, group in sorted(counts.items(), key=lambda i: -len(i[1]))
    ]
    return table(["check", "kills", "for example"], body)


def _kind(result: Result) -> str:
    judged = result.judged
    if judged.by == "prove":
        return f"prove {judged.what.split('/')[1].partition('+')[0]}"
    return judged.by


BLOCKS: dict[str, Callable[[About, list[Result]], str]] = {
    "totals": _totals,
    "reference-operators": _of_side("reference", lambda r: r.mutant.operator),
    "reference-modules": _of_side("reference", lambda r: f"`{r.mutant.module.partition('.')[2]}`"),
    "model-operators": _of_side("model", lambda r: r.mutant.operator),
    "model-modules": _of_side("model", lambda r: f"`{r.mutant.module.partition('.')[2]}`"),
    "killers": _killers,
    "survivors": _survivors,
}


def brought_up_to_date(text: str, about: About, results: list[Result]) -> str:
    """The document with every generated block written anew."""
    return _BLOCK.sub(lambda m: f"{m[1]}{BLOCKS[m[2]](about, results)}\n{m[3]}", text)


def main(arguments: list[str]) -> int:
    """Write the document, or with --check say whether it is up to date."""
    about, results = read()
    old = DOCUMENT.read_text()
    new = brought_up_to_date(old, about, results)
    if "--check" not in arguments:
        DOCUMENT.write_text(new)
    elif new != old:
        print(f"not up to date: {DOCUMENT}; run: python -m proofs.mutation.documents")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
