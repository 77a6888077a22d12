"""The last whole run of the mutation campaign, as it is stored: mutants, what noticed them, why survivors do no harm.

`make mutation` makes and judges the mutants (tests/mutants), and stores the results that are read here.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path

import msgspec
from msgspec import Struct

from proofs.evidence.dated import earlier_run, measured_on
from proofs.evidence.request import EvidenceRequest
from proofs.evidence.structure import EvidenceTable, SkippedSection, Tables

RESULTS = Path("tests/data/mutation/results.jsonl")
COMMAND = "make mutation"
REASONS = Path("tests/data/mutation/survivors.toml")


class Ending(StrEnum):
    """The endings of a mutant."""

    KILLED = "killed"
    EQUIVALENT = "equivalent"
    """Proved to do the same."""
    SURVIVED = "survived"


class Mutant(Struct, frozen=True):
    """One mistake. ``key`` is the same for the same function with the same mistake, whatever the others are."""

    key: str
    side: str
    module: str
    function: str
    """Qualified by its class, if it is a method."""
    operator: str
    number: int
    """Which of the operator's edits of the function."""
    line: int
    before: str
    after: str

    @property
    def name(self) -> str:
        """For messages and documents."""
        return f"{self.module}:{self.function} {self.operator} {self.number}"


class MutantVerdict(Struct, frozen=True):
    """How a mutant ended, and by what."""

    ending: Ending
    by: str
    """The kind of check: ``replay``, ``fuzz``, ``prove``, ... Empty for a survivor."""
    what: str = ""
    """Which one: the recording and the field, the obligation, the test. For a survivor: what was tried."""


class MutantResult(Struct):
    """A mutant, how it ended, and the processor time that this took."""

    mutant: Mutant
    judged: MutantVerdict
    seconds: float


class MutationRun(Struct):
    """The first line of stored results: what they are of, and what made them."""

    made: str
    """The day, UTC."""
    code: str
    """:func:`fingerprint` of the code that was mutated."""
    versions: dict[str, str]
    most: int
    """Mutants of one operator in one function, at most."""
    of: dict[str, int]
    """How many mutants the operators give, by side; those above ``most`` were left out."""
    left: int
    """How many of those were not judged: the run was ended before. In the order of their keys, which is no order."""
    seconds: float
    """Processor time of all of them, preparing included."""


class Reason(Struct, frozen=True):
    """Why a survivor does no harm: the same reason may be that of several."""

    says: str
    checked: str
    """What was done to be sure of it."""
    mutants: list[str]
    """Their keys."""
    open: bool = False
    """It is a hole in the checks, known and not closed."""


def read(path: Path = RESULTS) -> tuple[MutationRun, list[MutantResult]]:
    """The results of the last whole run.

    :raises OSError: there are none
    :raises msgspec.DecodeError: they cannot be read
    """
    first, *rest = path.read_bytes().splitlines()
    return msgspec.json.decode(first, type=MutationRun), [msgspec.json.decode(line, type=MutantResult) for line in rest]


def reasons(path: Path = REASONS) -> list[Reason]:
    """The explained survivors."""
    return [Reason(**entry) for entry in tomllib.loads(path.read_text(encoding="utf-8"))["reason"]]


def explained(found: Iterable[Reason]) -> dict[str, Reason]:
    """By the mutant's key."""
    return {key: reason for reason in found for key in reason.mutants}


def unexplained(results: Iterable[MutantResult]) -> list[MutantResult]:
    """Survivors without a reason."""
    known = explained(reasons())
    return [r for r in results if r.judged.ending is Ending.SURVIVED and r.mutant.key not in known]


def _ended_by(result: MutantResult, known: dict[str, Reason]) -> str:
    if result.judged.ending is Ending.KILLED:
        return result.judged.by
    if result.judged.ending is Ending.EQUIVALENT:
        return f"proved the same: {result.judged.by}"
    reason = known.get(result.mutant.key)
    return "SURVIVED" if reason is None else "open" if reason.open else "explained"


def rows(results: list[MutantResult], of: Callable[[MutantResult], str]) -> tuple[list[str], list[list[str]]]:
    """A header, and a line for each of the groups: how many, by what they ended, and the time."""
    known = explained(reasons())
    ways = [name for name, _ in Counter(_ended_by(result, known) for result in results).most_common()]
    groups: dict[str, list[MutantResult]] = {}
    for result in results:
        groups.setdefault(of(result), []).append(result)

    def line(name: str, group: list[MutantResult]) -> list[str]:
        counts = Counter(_ended_by(result, known) for result in group)
        seconds = sum(result.seconds for result in group)
        return [name, str(len(group)), *(str(counts[way] or "") for way in ways), f"{seconds:.0f}"]

    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return ["", "mutants", *ways, "seconds"], [*(line(*item) for item in ordered), line("all", results)]


def totals(run: MutationRun, results: list[MutantResult]) -> str:
    """How many mutants there are, and how they ended, in a paragraph."""
    endings, known = Counter(result.judged.ending for result in results), explained(reasons())
    given = ", ".join(f"{count:,} of the {side}" for side, count in run.of.items())
    holes = sum(_ended_by(result, known) == "open" for result in results)
    left = f" {run.left:,} were not judged, because the run was ended; which ones, depends on the hash of their code."
    return (
        f"{len(results):,} mutants, at most {run.most} of an operator in a function (the operators give {given}):"
        f" {endings[Ending.KILLED]:,} killed, {endings[Ending.EQUIVALENT]} proved to do the same,"
        f" {endings[Ending.SURVIVED]} survived, of which {holes} open and {len(unexplained(results))} without"
        " an explanation."
        f"{left if run.left else ''} {run.seconds:,.0f} seconds of processor time, preparing included."
        f" z3 {run.versions['z3']}, Python {run.versions['python']}."
        f"\n\n{measured_on(msgspec.structs.asdict(run), COMMAND)}"
    )


def collected(_request: EvidenceRequest) -> Tables | SkippedSection:
    """The section of the report: a table for each side, operators by what ended their mutants. Nothing is run."""
    try:
        run, results = read()
    except (OSError, msgspec.DecodeError, ValueError) as error:
        return SkippedSection(f"{RESULTS} cannot be read: {error}")
    tables = []
    for side in run.of:
        header, body = rows([r for r in results if r.mutant.side == side], lambda r: r.mutant.operator)
        tables.append(EvidenceTable(f"Mutants of the {side}", ["operator", *header[1:]], body))
    tables[0].note = totals(run, results)
    stored = earlier_run(run.made, run.code, run.seconds)
    return Tables(tables=tables, ok=not unexplained(results), stored=stored)
