"""Derives from a section, for any host: the transitions of its ends, refusals and crashes, and its C values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from model.c_code.evaluation import Code
from model.encoding import Quantifiers
from model.logic import Term, all_of, any_of, is_false, is_true, negation
from model.operations.coded import code_values
from model.operations.section import (
    CRASH,
    Check,
    Condition,
    End,
    Record,
    Search,
    Section,
    SectionPremise,
    Skip,
    either,
    negated,
    resolved,
)
from model.operations.stepped import Description, StepSection
from model.rules import Rules
from model.step import Step

Build: TypeAlias = Callable[[Step, Rules], None]


class DerivedTransition:
    """A transition that is derived from a section. `code` records its C values; None: it has none."""

    def __init__(self, describe: Description, write: Callable[[Step, StepSection], None], code: Code | None) -> None:
        self.describe, self._write = describe, write
        self.code = code
        self.refusal = write is refuse
        """It covers every way in which a check fails."""
        self.__name__, self.__doc__, self.__wrapped__ = describe.__name__, describe.__doc__, describe

    def __call__(self, step: Step, rules: Rules) -> None:
        x = StepSection(step, rules)
        self.describe(x)
        self._write(step, x)
        for change in x.changes:
            change(step)


def accepts(*ends: str) -> Callable[[Description], DerivedTransition]:
    """The transition to an end. Given several ends, the earlier ones have the effect of the last one."""

    def derive(describe: Description) -> DerivedTransition:
        return DerivedTransition(
            describe, lambda step, x: accept(step, x, ends), lambda c, rules: code_values(c, rules, describe, ends)
        )

    return derive


def refuses(describe: Description) -> DerivedTransition:
    """The transition of every refusal."""
    return DerivedTransition(describe, refuse, None)


def accept(step: Step, x: Section, ends: tuple[str, ...]) -> None:
    """Writes the guards: the premises hold, no check before the end fails, and no other end is reached."""
    taken: list[Condition] = []
    for record in _at_its_node(x.records):
        if isinstance(record, SectionPremise):
            _guard(step, record.name, record.holds, record.errno)
        elif isinstance(record, Check):
            for name, fails in record.fails.items():
                _guard(step, name, _or(taken, negated(fails)), "" if record.errno == CRASH else record.errno)
        elif isinstance(record, Skip):
            _guard(step, record.name, negation(record.fails))
        elif isinstance(record, End) and record.name == ends[-1]:
            _guard(step, record.name, _or(taken, either(record.when)))
            if record.change is not None:
                record.change(step)
            return
        elif isinstance(record, End) and record.name in ends:
            taken.append(either(record.when))
        elif isinstance(record, End):
            for name, reached in record.when.items():
                _guard(step, name, _or(taken, negated(reached)))
    raise ValueError(f"the section has no end named {ends[-1]}")


def _at_its_node(records: Sequence[Record]) -> Iterator[Record]:
    """The records; for a search, those at the node of the step."""
    for record in records:
        if isinstance(record, Search):
            yield from record.at(record.node)
        else:
            yield record


def _or(taken: list[Condition], holds: Condition) -> Condition:
    conditions = [condition for condition in taken if not is_false(condition)]
    return either({str(i): c for i, c in enumerate([*conditions, holds])}) if conditions else holds


def _guard(step: Step, name: str, holds: Condition, errno: str = "") -> None:
    if callable(holds):
        step.guard_all(name, holds, errno)
    elif not is_true(holds):
        step.guard(name, holds, errno)


def happens(record: Record) -> bool:
    """Whether a check can fail, or an end can be reached."""
    parts = record.fails if isinstance(record, Check) else record.when if isinstance(record, End) else {}
    return isinstance(record, Search) or not all(is_false(part) for part in parts.values())


_Deciding: TypeAlias = Check | End | Search


def _deciding(x: Section) -> list[_Deciding]:
    return [record for record in x.records if isinstance(record, _Deciding) and happens(record)]


def refuse(step: Step, x: Section) -> None:
    """Some check fails; before it, no end is reached and no assertion fires."""
    records = _deciding(x)
    for record in x.records:
        if isinstance(record, SectionPremise):
            _guard(step, record.name, record.holds, record.errno)
    while records and isinstance(first := records[0], End):
        for name, reached in first.when.items():
            _guard(step, name, negated(reached))
        del records[0]
    step.guard_all("a-check-fails", lambda q: any_of(_fires_first(records, i, q) for i in _refusals(records)))
    for change in getattr(x, "on_refusal", ()):
        change(step)


def _refusals(records: list[_Deciding]) -> list[int]:
    return [i for i, record in enumerate(records) if isinstance(record, Check) and record.errno != CRASH]


def _fires_first(records: list[_Deciding], index: int, q: Quantifiers) -> Term:
    """The check fails; before it, no end is reached and no assertion fires."""
    before = [r for r in records[:index] if not isinstance(r, Check) or r.errno == CRASH]
    return all_of([_fires(records[index], q), *(negation(_fires(r, q.dual)) for r in before)])


def _fires(record: _Deciding, q: Quantifiers) -> Term:
    """A check fails, an end is reached, or a search ends: a candidate is used, or an assertion fires at one."""
    if isinstance(record, Search):
        return any_of([served(record, q), _stops(record, q)])
    return resolved(either(record.fails if isinstance(record, Check) else record.when), q)


def served(search: Search, q: Quantifiers) -> Term:
    """Some candidate is not skipped."""
    return q.some_node(lambda n: all_of(negation(r.fails) for r in search.at(n) if isinstance(r, Skip)))


def _stops(search: Search, q: Quantifiers) -> Term:
    """An assertion fires at some candidate."""
    return q.some_node(lambda n: any_of(_assertions(search.at(n), q)))


def _assertions(records: Sequence[Skip | Check | End], q: Quantifiers) -> Iterator[Term]:
    """Each assertion at a candidate, on the condition that the candidate is not skipped before it."""
    passed: list[Term] = []
    for record in records:
        if isinstance(record, Skip):
            passed.append(negation(record.fails))
        elif isinstance(record, Check):
            yield all_of([*passed, _fires(record, q)])


def serves(search: Search, node: Term, q: Quantifiers) -> Term:
    """The node is not skipped, and no assertion fires at it."""
    records = search.at(node)
    kept = [negation(record.fails) for record in records if isinstance(record, Skip)]
    return all_of([*kept, *(negation(fires) for fires in _assertions(records, q.dual))])


def passed_over(search: Search, node: Term, q: Quantifiers) -> Term:
    """The search skips the node."""
    records = search.at(node)
    skipped = any_of(record.fails for record in records if isinstance(record, Skip))
    return all_of([skipped, *(negation(fires) for fires in _assertions(records, q.dual))])


def crash(x: Section, q: Quantifiers) -> Term:
    """An assertion fires; before it, no check fails and no end is reached."""
    records = _deciding(x)
    fires = [_stops(r, q) if isinstance(r, Search) else _fires(r, q) for r in records]
    crashes = [i for i, r in enumerate(records) if isinstance(r, Search) or (isinstance(r, Check) and r.errno == CRASH)]
    return any_of(all_of([fires[i], *(negation(_fires(r, q.dual)) for r in records[:i])]) for i in crashes)
