"""What a run found out, as data: `claimcheck report` writes it, `claimcheck verify` re-establishes it.

A section is either there or :class:`SkippedSection` with the reason; what was not run is never taken for passed. Times
are seconds. Everything but times and the moment of writing has to come out the same when it is run again.
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import msgspec
from msgspec import Struct

from proofs.traces.text import one_line

FORMAT = "claimcheck-evidence/2"
NOT_COMPARED = frozenset({"seconds", "made", "questions"})
"""Names of the fields that differ from run to run."""


VerdictName = Literal["proved", "refuted", "unknown", "not applicable"]
Outcome = Literal["passed", "failed", "skipped", "missing"]
StatementVerdict = Literal[
    "proved", "proved if", "holds in tests", "holds in tests if", "refuted", "unknown", "not checked"
]
HowItBears = Literal["contradicts", "qualifies"]


class SkippedSection(Struct, tag_field="status", tag="not run", forbid_unknown_fields=True):
    """A section that this run does not have."""

    reason: str


class _Section(Struct, tag_field="status", tag="run", forbid_unknown_fields=True, kw_only=True):
    """What every section that was run has."""

    seconds: float = 0.0


class _Part(Struct, forbid_unknown_fields=True):
    """A part of a section."""


class Run(_Part):
    """What was requested, the versions and limits of the run, and how to repeat it."""

    semantics: list[str]
    properties: list[str]
    without: list[str]
    versions: dict[str, str]
    limits: dict[str, int]
    """Seeds, and what a solver or a search may spend before it gives up."""
    command: str
    stored: bool = False
    """Stored verdicts of the checkout may be shown."""


class EvidenceCell(_Part):
    """One verdict of the matrix."""

    name: str
    """`semantics/part[+condition...]`."""
    semantics: str
    property: str
    conditions: list[str]
    kind: str
    verdict: VerdictName
    hosts: str
    """Of proved: for which hosts."""
    reason: str
    """Of not applicable and unknown: why. Of refuted: how, if not by single pages."""
    promised: bool
    """The design says so itself."""
    events: int | None
    """Of refuted: the length of the trace; the finding has the cell's name."""
    seconds: float


class Matrix(_Section):
    """Every generation against every property."""

    cells: list[EvidenceCell]
    stored: EarlierRun | None = None
    """The run that judged the cells, if it was not this one."""


class ReplayedTrace(_Part):
    """What the reference does with a stored trace."""

    events: int
    comparisons: int
    divergence: str
    broken: dict[str, int]
    """Property of a state, to the number of events after which it did not hold."""


class RepairedTrace(_Part):
    """The same events in a generation that is right where the finding's is wrong."""

    semantics: str
    outcome: str
    """`refused`, `harmless`, or what else came of it."""
    first_difference: str


class EvidenceFinding(_Part):
    """A refuted cell: a shortest trace from boot, as the reference ran it."""

    name: str
    semantics: str
    property: str
    conditions: list[str]
    trace: list[dict[str, Any]]
    """The lines of a trace file: header, then events with the state after each."""
    transitions: list[str]
    """The model's transition of each event after boot; empty if the trace was found on the reference."""
    broken: list[str]
    """The inequality that the last event violates, in the model's words."""
    reference: list[str]
    """What the reference's own checker finds after the last event."""
    replay: ReplayedTrace
    repaired: RepairedTrace | None


class StatementBearing(_Part):
    """A statement of the design that a trace speaks against."""

    statement: str
    how: HowItBears
    by: str
    """Another statement that says so itself."""


class AnsweredQuestion(_Part):
    """What can go wrong in a generation: a stored trace, run again on the reference."""

    name: str
    semantics: str
    asks: str
    shows: str
    """What the trace shows when it is run; empty if it shows it no more."""
    trace: list[dict[str, Any]]
    """The lines of a trace file; empty if there is none here."""
    replay: ReplayedTrace
    bears_on: list[StatementBearing]


class Findings(_Section):
    """All refuted cells, and the answers to the questions about the design."""

    findings: list[EvidenceFinding]
    answers: list[AnsweredQuestion] = []


class Proof(_Part):
    """One obligation and the solver's answer."""

    name: str
    verdict: VerdictName
    claimed: bool
    work: int
    """The solver's own count; the same on every machine."""
    sha256: str
    """Of the obligation as SMT-LIB text."""
    assumptions: list[str]
    """What the proof needs: none of them can be left out."""
    lemmas: list[str]
    reason: str
    model: dict[str, str]
    """Of refuted: the state before, the arguments and the state after, where not zero."""
    seconds: float


class Obligations(_Section):
    """Everything that the design promises, put to the solver."""

    results: list[Proof]
    not_applicable: int


class VacuityCheck(_Part):
    """What is known of one transition: is anything proved only because nothing can happen?"""

    transition: str
    satisfiable: int
    """Obligations whose assumptions a state and a step satisfy."""
    vacuous: list[str]
    undecided: list[str]
    witness: dict[str, str]
    needed: dict[str, str]
    """Guard or update, to a property that fails without it."""
    not_needed: list[str]


class Guards(_Section):
    """Guards and updates, and what needs them."""

    transitions: list[VacuityCheck]


class ReplayedRecording(_Part):
    """One recorded file, replayed on the reference with every lock checked."""

    file: str
    sha256: str
    semantics: list[str]
    traces: int
    events: int
    comparisons: int
    divergences: list[str]
    skipped: int
    broken: dict[str, int]
    seconds: float


class Conformance(_Section):
    """The reference against the hypervisor's own code."""

    files: list[ReplayedRecording]


class StatementTest(_Part):
    """A test that bears on a statement; `cases` are its parametrized cases."""

    id: str
    outcome: Outcome
    cases: int


class StatementTests(_Section):
    """The tests that bear on statements, run."""

    tests: list[StatementTest]


class ObligationBearing(_Part):
    """The obligations about one property that bear on a statement."""

    property: str
    verdict: VerdictName
    """Of the matrix, on the conditions."""
    conditions: list[str]
    """Without which there is no proof."""
    premises: list[str]
    """Of a comparison of two calls: where they do not hold, the two may differ."""
    proved: int
    refuted: int
    unknown: int


class CounterEvidence(_Part):
    """A trace or a test that shows where a statement does not hold."""

    how: HowItBears
    text: str
    shown_by: str
    """The name of a trace or of a test."""
    by: str
    """Another statement that says so itself."""
    excluded: bool
    """The conditions of a proof that bears on the statement exclude it."""


class Statement(_Part):
    """A statement of the design, and what bears on it."""

    id: str
    text: str
    verdict: StatementVerdict
    reason: str
    """Of not checked, unknown and refuted: what it is that was not run, not decided, failed, or speaks against it."""
    failed: list[str]
    """Obligations, cells and tests that are not as claimed."""
    obligations: list[ObligationBearing]
    tests: list[StatementTest]
    findings: list[str]
    """Refuted cells of properties that bear on it."""
    conditions: list[str]
    """What proofs need, in words."""
    against: list[CounterEvidence]
    """Where it does not hold."""


class DesignStatements(_Section):
    """Every statement of the design."""

    statements: list[Statement]


class EarlierRun(_Part):
    """The earlier run that a section shows: nothing of it was made in this one."""

    day: str
    """When it was made, UTC."""
    code: str
    """The beginning of the fingerprint of reference, model and solver."""
    older: bool
    """Reference, model or solver are not what they were."""
    took: float
    """Seconds of processor time, not of this run; 0 where they were not stored."""


class RepeatedPart(_Part):
    """The part of a stored section that this run made again."""

    what: str
    differs: list[str]
    """What of it is not as it was stored."""


class Tables(_Section):
    """A section that other verbs of the tool fill."""

    tables: list[EvidenceTable]
    ok: bool
    """All as claimed."""
    stored: EarlierRun | None = None
    again: RepeatedPart | None = None
    """Of a stored section; its `seconds` are those of this part."""


class EvidenceTable(_Part):
    """Text and numbers in rows, the first column naming the row."""

    name: str
    columns: list[str]
    rows: list[list[str]]
    note: str = ""
    seconds: dict[str, float] = {}
    """What took how long: it differs from run to run, so it stands in no row."""
    rate: str = ""
    """The column whose number is shown by the second, too, of rows that `seconds` knows."""
    drawn: list[str] = []
    """Columns whose numbers are drawn as one bar per row."""
    questions: dict[str, int] = {}
    """To the solver, by what for: how many it takes depends on its own answers, so they stand in no row either."""


class Evidence(Struct, forbid_unknown_fields=True, kw_only=True):
    """All of a run."""

    format: str = FORMAT
    made: str
    """When it was written, UTC."""
    seconds: float
    """Of the whole run, by the clock."""
    run: Run
    matrix: Matrix | SkippedSection
    findings: Findings | SkippedSection
    obligations: Obligations | SkippedSection
    guards: Guards | SkippedSection
    conformance: Conformance | SkippedSection
    tests: StatementTests | SkippedSection
    statements: DesignStatements | SkippedSection
    further: dict[str, Tables | SkippedSection]
    digest: str = ""
    """SHA-256 of all the rest: tells an accident from a change."""


class EvidenceError(Exception):
    """A file that is no evidence; one line."""


def digest(evidence: Evidence) -> str:
    """The hash of everything but itself."""
    return hashlib.sha256(msgspec.json.encode(msgspec.structs.replace(evidence, digest=""))).hexdigest()


def written(evidence: Evidence) -> bytes:
    """As a file: JSON, indented, with its digest."""
    whole = msgspec.structs.replace(evidence, digest=digest(evidence))
    return msgspec.json.format(msgspec.json.encode(whole)) + b"\n"


def read(content: bytes, name: str) -> Evidence:
    """Evidence from a file's content.

    :raises EvidenceError: it is none
    """
    try:
        evidence = msgspec.json.decode(content, type=Evidence)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EvidenceError(one_line(f"{name}: no evidence: {error}")) from None
    if evidence.format != FORMAT:
        raise EvidenceError(one_line(f"{name}: unknown format {evidence.format!r}; known: {FORMAT}"))
    return evidence
