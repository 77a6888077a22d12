"""What follows from a section for any host: the transition of each end, of a refusal, of a crash, and the C values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from model.c_code.evaluation import Code, Evaluation
from model.encoding import Encoding, Quantifiers, Vector
from model.logic import Term, all_of, any_of, is_false, is_true, negation
from model.operations.section import (
    CRASH,
    Change,
    Check,
    Condition,
    CValue,
    End,
    LoopFact,
    Record,
    Section,
    SectionPremise,
    either,
    negated,
    resolved,
)
from model.rules import Rules
from model.state import State
from model.step import Step


class StepSection(Section):
    """A section as a transition is written down: its arguments are those of the step."""

    def __init__(self, step: Step, rules: Rules) -> None:
        super().__init__(step.encoding, step.before, rules)
        self.step = step
        self.changes: list[Change] = []
        """Made at every end, and where the section refuses."""
        self._known = False

    def domain(self) -> Term:
        """The domain that it is about."""
        return self.step.domain()

    def node(self) -> Term:
        """The node that it is about."""
        return self.step.node()

    def pages(self, name: str = "pages") -> Term:
        """A page count."""
        return self.step.pages(name)

    def flag(self, name: str) -> Term:
        """A truth value."""
        return self.step.flag(name)

    def pages_by_node(self, name: str) -> Vector:
        """A page count by node."""
        return self.step.pages_by_node(name)

    def looked_up(self, condition: Condition, errno: str) -> None:
        """The caller has found the domain."""
        self.premise("domain-exists", condition, errno)
        self._known = True

    def is_unknown(self, domid: Term) -> Term:
        """Whether a hypercall does not find the domain, unless the caller has."""
        return False if self._known else super().is_unknown(domid)

    def llc_coloring(self) -> Term:
        """An argument: it does not change."""
        return self.flag("llc_coloring")


class CodeSection(StepSection):
    """A section as the C code goes through it: over arguments that the step has, and with values that wrap."""

    def __init__(self, c: Evaluation, rules: Rules) -> None:
        super().__init__(c.step, rules)
        self.c, self.s = c, c.s

    def domain(self) -> Term:
        """The actor of the step."""
        return self.c.d

    def node(self) -> Term:
        """The node of the step."""
        return self.c.argument("node")

    def pages(self, name: str = "pages") -> Term:
        """A page count of 64 bits."""
        found = self.c.argument(name)
        self.c.check(found <= 2**64 - 1)
        return found

    def flag(self, name: str) -> Term:
        """A truth value."""
        return self.c.argument(name)

    def pages_by_node(self, name: str) -> Vector:
        """A page count by node."""
        vector: Vector = self.c.argument(name)
        return vector

    def as_c(self, c_type: str, term: Term) -> Term:
        """What a C program has in the place of a value that may be one range off."""
        return self.c.wrapped(c_type, term)


Description: TypeAlias = Callable[[StepSection], None]
Build: TypeAlias = Callable[[Step, Rules], None]


class Derived:
    """A transition that is derived from a section. `code` gives its C values, if it has any."""

    def __init__(self, describe: Description, write: Callable[[Step, StepSection], None], code: Code | None) -> None:
        self.describe, self._write = describe, write
        self.code = code
        self.__name__, self.__doc__, self.__wrapped__ = describe.__name__, describe.__doc__, describe

    def __call__(self, step: Step, rules: Rules) -> None:
        x = StepSection(step, rules)
        self.describe(x)
        self._write(step, x)
        for change in x.changes:
            change(step)


def accepts(*ends: str) -> Callable[[Description], Derived]:
    """The transition to an end. Of several ends, earlier ones do what the last one does there."""

    def derive(describe: Description) -> Derived:
        return Derived(
            describe, lambda step, x: accept(step, x, ends), lambda c, rules: _code(c, rules, describe, ends)
        )

    return derive


def refuses(describe: Description) -> Derived:
    """The transition of every refusal."""
    return Derived(describe, refuse, None)


def accept(step: Step, x: Section, ends: tuple[str, ...]) -> None:
    """The guards are that the premises hold, that no check before the end fails, and that no other end is reached."""
    taken: list[Condition] = []
    for record in x.records:
        if isinstance(record, SectionPremise):
            _guard(step, record.name, record.holds, record.errno)
        elif isinstance(record, Check):
            for name, fails in record.fails.items():
                _guard(step, name, _or(taken, negated(fails)), "" if record.errno == CRASH else record.errno)
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
    raise ValueError(f"the section has no end {ends[-1]}")


def _or(taken: list[Condition], holds: Condition) -> Condition:
    conditions = [condition for condition in taken if not is_false(condition)]
    return either({str(i): c for i, c in enumerate([*conditions, holds])}) if conditions else holds


def _guard(step: Step, name: str, holds: Condition, errno: str = "") -> None:
    if callable(holds):
        step.guard_all(name, holds, errno)
    elif not is_true(holds):
        step.guard(name, holds, errno)


def _happens(record: Record) -> bool:
    """Whether a check or an end may say no, or be reached."""
    parts = record.fails if isinstance(record, Check) else record.when if isinstance(record, End) else {}
    return not all(is_false(part) for part in parts.values())


def refuse(step: Step, x: Section) -> None:
    """Some check fails, and no end is reached and no assertion fires before it."""
    records = [record for record in x.records if isinstance(record, Check | End) and _happens(record)]
    for record in x.records:
        if isinstance(record, SectionPremise):
            _guard(step, record.name, record.holds, record.errno)
    while records and isinstance(first := records[0], End):
        for name, reached in first.when.items():
            _guard(step, name, negated(reached))
        del records[0]
    step.guard_all("a-check-fails", lambda q: any_of(_fires_first(records, i, q) for i in _refusals(records)))


def _refusals(records: list[Check | End]) -> list[int]:
    return [i for i, record in enumerate(records) if isinstance(record, Check) and record.errno != CRASH]


def _fires_first(records: list[Check | End], index: int, q: Quantifiers) -> Term:
    """A check fails, or an end is taken, before which the call has not ended well, nor the host stopped."""
    before = [r for r in records[:index] if isinstance(r, End) or r.errno == CRASH]
    return all_of([_fires(records[index], q), *(negation(_fires(r, q.dual)) for r in before)])


def _fires(record: Check | End, q: Quantifiers) -> Term:
    return resolved(either(record.fails if isinstance(record, Check) else record.when), q)


def crash(x: Section, q: Quantifiers) -> Term:
    """An assertion fires, and no check fails and no end is reached before it."""
    records = [record for record in x.records if isinstance(record, Check | End) and _happens(record)]
    crashes = [i for i, r in enumerate(records) if isinstance(r, Check) and r.errno == CRASH]
    return any_of(all_of([_fires(records[i], q), *(negation(_fires(r, q.dual)) for r in records[:i])]) for i in crashes)


def _code(c: Evaluation, rules: Rules, describe: Description, ends: tuple[str, ...]) -> None:
    """The values in order, each after the checks before it. After a check that always fails nothing is computed."""
    x = CodeSection(c, rules)
    describe(x)
    for record in x.records:
        if isinstance(record, CValue):
            c.value(record.expression, record.c_type, record.term())
        elif isinstance(record, LoopFact):
            record.code(c, rules)
        else:
            holds = _past(record, ends)
            if is_false(holds):
                return
            if not callable(holds):  # what quantifies is left out: a value is then judged with less to rest on
                c.check(holds)
            if isinstance(record, End) and record.name == ends[-1]:
                if record.code is not None:
                    record.code(c, rules)
                return


def _past(record: SectionPremise | Check | End, ends: tuple[str, ...]) -> Condition:
    """What holds of whoever is past a record, on the way to the last of these ends."""
    if isinstance(record, SectionPremise):
        return record.holds
    if isinstance(record, Check):
        return negated(either(record.fails))
    if record.name == ends[-1]:
        return either(record.when)
    return True if record.name in ends else negated(either(record.when))


def outcomes(encoding: Encoding, before: State, rules: Rules, derived: Derived) -> Outcomes:
    """Everything that may come out of the section that a transition is derived from."""
    step = Step(encoding, before)
    x = StepSection(step, rules)
    derived.describe(x)
    found: dict[str, Step] = {}
    for record in x.records:
        if isinstance(record, End) and _happens(record):
            found[record.name] = _written(step, partial(accept, x=x, ends=(record.name,)))
    found["refused"] = _written(step, partial(refuse, x=x))
    return Outcomes(step, x, found)


def _written(about: Step, write: Callable[[Step], None]) -> Step:
    step = Step(about.encoding, about.before, about.arguments)
    step.actor, step.place, step.rules = about.actor, about.place, about.rules
    write(step)
    return step


@dataclass(frozen=True)
class Outcomes:
    """The outcomes of a section: each a step with guards, or a crash."""

    about: Step
    section: StepSection
    steps: Mapping[str, Step]

    def premises(self, q: Quantifiers) -> dict[str, Term]:
        """What the caller has seen to."""
        return {r.name: resolved(r.holds, q) for r in self.section.records if isinstance(r, SectionPremise)}

    def some(self, q: Quantifiers) -> Term:
        """One of them comes out: a wrong polarity of a guard would leave something out."""
        ways = [all_of(guard.formula(q) for guard in step.guards) for step in self.steps.values()]
        return any_of([*ways, crash(self.section, q)])
