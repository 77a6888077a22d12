"""One review: its parts on several processes, those that decide most first."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from model.generations import GENERATIONS
from proofs import stored
from proofs.diff.run import ordered
from proofs.explain.source import reference_source, rule_changes
from proofs.matrix.cells import UnprovedRow
from proofs.matrix.differences import lines_of
from proofs.matrix.matrix import InterruptedMatrix, matrix
from proofs.matrix.other_rows import matrix_ids
from proofs.matrix.rows import rows
from proofs.matrix.searches import together
from proofs.matrix.stored import FOLDER as VERDICTS
from proofs.matrix.verdicts import of_this_code
from proofs.parallel import in_processes, tell
from proofs.review.changes import refuted_alike, verdict_changes
from proofs.review.lock_costs import lock_changes
from proofs.review.parts import BehaviourTask, HalvesTask, ProofTask, ReviewTask, TraceTask, done, halves
from proofs.review.result import Review
from proofs.rules import LoadedRules
from reference.generation import Generation
from reference.generations import GENERATIONS as OF_REFERENCE

FOLDER = ".cache/review"
Progress = Callable[[str, int, int], None]
"""What is being done, how many parts are, and how many there are."""


def review(
    rules: LoadedRules, jobs: int, cached: bool = True, progress: Progress = lambda _what, _done, _of: None
) -> Review:
    """Everything that is found out about the rules of a file. After Ctrl-C: what was, and what is missing.

    :param cached: read and write stored results
    """
    began = time.perf_counter()
    if cached:
        known = _stored(rules)
        if known is not None:
            return known
    found = Review(
        rules.file.path,
        rules.name,
        rules.base,
        GENERATIONS[rules.name].rules.summary,
        rule_changes(rules.base, rules.name),
        [line for part in reference_source(rules.name) for line in part],
        base_judged="",
        locks=lock_changes(rules.base, rules.name),
    )
    if _is_renamed(rules):
        found.identical = True
    else:
        _judge(found, jobs, cached, progress)
    found.seconds = time.perf_counter() - began
    if cached and not found.missing:
        try:
            stored.store(Path(FOLDER), _key(rules), found)
        except OSError as error:
            tell(f"the review is not stored: {error.strerror or error}")
    return found


def _key(rules: LoadedRules) -> str:
    return f"{rules.name} {rules.base}"  # either may be from a file


def _stored(rules: LoadedRules) -> Review | None:
    try:
        found = stored.look_up(Path(FOLDER), _key(rules), Review)
    except stored.DamagedFileError:
        tell("a stored review could not be read: everything is judged again")
        return None
    return None if found is None else replace(found.content, path=rules.file.path, stored=found.date)


def _is_renamed(rules: LoadedRules) -> bool:
    """Both halves are those of the base by construction: the same functions and values."""
    cls, base = type(OF_REFERENCE[rules.name]), type(OF_REFERENCE[rules.base])
    return is_model_unchanged(rules.base, rules.name) and _rules_of(cls) == _rules_of(base)


def is_model_unchanged(base: str, name: str) -> bool:
    """The model's half is that of the base, but for the name: so are its verdicts."""
    one, other = GENERATIONS[base], GENERATIONS[name]
    named = replace(other.rules, name=one.rules.name, summary=one.rules.summary)
    return named == one.rules and one.transitions == other.transitions


def _rules_of(cls: type[Generation]) -> dict[str, Any]:
    return {name: value for name, value in inspect.getmembers_static(cls) if name != "name" and name[:2] != "__"}


def _judge(found: Review, jobs: int, cached: bool, progress: Progress) -> None:
    base = of_this_code(found.base)
    if base is not None:
        found.base_judged, base_cells = base
    else:
        try:
            base_cells = matrix(
                [found.base],
                matrix_ids(),
                jobs,
                lambda n, of: progress(f"judging {found.base}", n, of),
                VERDICTS if cached else "",
            )
        except InterruptedMatrix:
            found.missing = ["everything: the verdicts of the base were being judged"]
            return
    first: list[ReviewTask] = [BehaviourTask(found.base, found.name), *halves(found.name)]
    if is_model_unchanged(found.base, found.name):
        found.cells = [replace(cell, semantics=found.name) for cell in base_cells]
        found.kept, found.model_unchanged = len(found.cells), True
    else:
        first.insert(0, ProofTask(found.name))
    unproved = _do(found, first, jobs, lambda n, of: progress("proving, comparing the halves", n, of))
    if unproved and not found.disagreements() and not found.undecided():
        same = refuted_alike(found.base, found.name, base_cells, unproved)
        found.kept, found.cells = len(same), found.cells + same
        unproved = [one for one in unproved if all(one.row != cell.row for cell in same)]
    second: list[ReviewTask] = [TraceTask(tuple(group)) for group in reversed(together(unproved))]
    if found.difference is not None and not found.difference.differs and not found.disagreements():
        one, other = GENERATIONS[found.base], GENERATIONS[found.name]
        if one.rules.interface == other.rules.interface:
            second += halves(found.name, found.base)
    if second and not found.missing:
        _do(found, second, jobs, lambda n, of: progress("searching traces", n, of))
    found.halves, found.like_base = ordered(found.halves), ordered(found.like_base)
    order = {row: number for number, row in enumerate(rows())}
    found.cells.sort(key=lambda cell: order[cell.row])
    found.changes = verdict_changes(base_cells, found.cells)


def _do(
    found: Review, parts: Sequence[ReviewTask], jobs: int, progress: Callable[[int, int], None]
) -> list[UnprovedRow]:
    """Do the parts, and enter what they found; gives the rows that have no proof."""
    unproved: list[UnprovedRow] = []
    left = dict(enumerate(parts))
    for number, (index, (result, seconds)) in enumerate(in_processes(done, parts, jobs), 1):
        part: Any = left.pop(index)
        unproved += _enter(found, part, result)
        found.processor_seconds += seconds
        progress(number, len(parts))
    found.missing = list(dict.fromkeys(_WHAT[type(part)] for part in left.values()))
    return unproved


def _enter(found: Review, part: ReviewTask, result: Any) -> list[UnprovedRow]:
    if isinstance(part, ProofTask):
        cells, unproved = result
        found.cells += cells
        return list(unproved)
    if isinstance(part, TraceTask):
        found.cells += result
    elif isinstance(part, BehaviourTask):
        found.difference = result
        found.behaviour = lines_of(found.base, found.name, result).decode() if result.differs else ""
    elif part.base:
        found.like_base += result
    else:
        found.halves += result
    return []


_WHAT: dict[type[ReviewTask], str] = {
    ProofTask: "what is proved",
    TraceTask: "some of the shortest traces",
    BehaviourTask: "where behaviour first differs",
    HalvesTask: "some operations of the comparison of the halves",
}
