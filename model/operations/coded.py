"""The C values of a section: each after the checks that precede it on the way to an end."""

from __future__ import annotations

from model.c_code.evaluation import Evaluation
from model.encoding import Vector
from model.logic import Term, is_false, negation, positive_part
from model.operations.allocating import MAX_ORDER
from model.operations.section import (
    Candidate,
    Check,
    Condition,
    CValue,
    End,
    LockAcquisition,
    LoopFact,
    Search,
    SectionPremise,
    Skip,
    either,
    negated,
)
from model.operations.stepped import Description, Eligible, StepSection
from model.rules import Request, Rules


class CodeSection(StepSection):
    """A section as the C code runs it: on the arguments of the step, with values that wrap."""

    def __init__(self, c: Evaluation, rules: Rules) -> None:
        super().__init__(c.step, rules)
        self.c, self.s = c, c.s

    def domain(self) -> Term:
        """The domain of the step."""
        return self.c.argument("domid")

    def node(self) -> Term:
        """The node of the step."""
        return self.c.argument("node")

    def pages(self, name: str = "pages") -> Term:
        """A page count of 64 bits."""
        found = self.c.argument(name)
        self.c.check(found <= 2**64 - 1)
        return found

    def block_pages(self) -> Term:
        """The pages of a block, which has an order."""
        pages = self.c.argument("pages")
        self.c.check(pages >= 1)
        self.c.check(pages <= 2**MAX_ORDER)
        return pages

    def named_node(self, name: str) -> Term:
        """A node argument that does not become the node of the step."""
        return self.c.argument(name)

    def flag(self, name: str) -> Term:
        """A truth value."""
        return self.c.argument(name)

    def search(self, _candidates: Eligible, describe: Candidate) -> None:
        """Only the node at which the search ends."""
        describe(self, self.c.argument("node"))

    def host_refuses(self, request: Request) -> Term:
        """The host check in C's arithmetic: where claims are subtracted unsigned, the difference may have wrapped."""
        if not self.rules.host_check_subtracts():
            return super().host_refuses(request)
        room = self.s.unclaimed() + request.own(self.s)
        return negation(request.pages <= self.as_c(self.rules.counter_type, room))

    def node_refuses(self, request: Request, node: Term) -> Term:
        """The node check in C's arithmetic."""
        s, rules = self.s, self.rules
        if rules.targets == "host" or (rules.targets == "one" and not rules.bug_on):
            return False
        unclaimed = s.unclaimed_on(node)
        if not (rules.replaces or rules.bug_on):
            unclaimed = positive_part(unclaimed)
        return negation(request.pages <= self.as_c(rules.counter_type, unclaimed + request.own_on(s, node)))

    def pages_by_node(self, name: str) -> Vector:
        """A page count by node."""
        vector: Vector = self.c.argument(name)
        return vector

    def as_c(self, c_type: str, term: Term) -> Term:
        """The value in C after wraparound."""
        return self.c.wrapped(c_type, term)


def code_values(c: Evaluation, rules: Rules, describe: Description, ends: tuple[str, ...]) -> None:
    """The values in order, each after the checks before it. After a check that always fails nothing is computed."""
    x = CodeSection(c, rules)
    describe(x)
    for record in x.records:
        if isinstance(record, CValue) and record.where is not None:
            with c.where(record.where()):
                c.value(record.expression, record.c_type, record.term())
        elif isinstance(record, CValue):
            c.value(record.expression, record.c_type, record.term())
        elif isinstance(record, LoopFact):
            record.code(c, rules)
        elif not isinstance(record, LockAcquisition):
            holds = _past(record, ends)
            if is_false(holds):
                return
            if not callable(holds):  # quantified conditions are left out: the value is judged with fewer assumptions
                c.check(holds)
            if isinstance(record, End) and record.name == ends[-1]:
                if record.code is not None:
                    record.code(c, rules)
                return


def _past(record: SectionPremise | Check | End | Skip | Search, ends: tuple[str, ...]) -> Condition:
    """The condition under which the section continues past a record, on the way to the last of these ends."""
    if isinstance(record, Search):
        raise TypeError("a node search has no condition of its own: use the records of its candidates")
    if isinstance(record, Skip):
        return negation(record.fails)
    if isinstance(record, SectionPremise):
        return record.holds
    if isinstance(record, Check):
        return negated(either(record.fails))
    if record.name == ends[-1]:
        return either(record.when)
    return True if record.name in ends else negated(either(record.when))
