"""Why a call was refused: the check of the model that decided, and its inequality with the numbers of the state.

The call's section is described on a state of named constants. The check that failed is a term over them; its innermost
comparisons are shown with the values that the constants have in the state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import z3

from model.calls import CALL_FIELDS, CALLS, NONE, UNSEEN, Block, Call, CallHost, search_order
from model.calls.sections import CallSection
from model.logic import Term
from model.named import GENERATIONS
from model.operations.section import Check, End, Parts, resolved
from model.state import Shape
from proofs.fuzz.model_calls import Arguments, ModelCalls
from proofs.fuzz.numbers import CaseResult, ModelState, Pages

_MIRRORED = {">": "<", "<": ">", ">=": "<=", "<=": ">="}
_RELATIONS = {"=": "==", "distinct": "!="}
_NEGATED = {">": "<=", "<": ">=", ">=": "<", "<=": ">", "=": "distinct", "distinct": "="}


class Reason(NamedTuple):
    """Why a call ended as it did."""

    call: str
    result: str
    """An errno, ``refused`` or ``crash``."""
    check: str
    """The name of the check that decided."""
    numbers: str
    """Its inequality with the numbers; empty: it compares none."""
    where: str = ""
    """The entry of a claim set, or the node of a search."""

    def __str__(self) -> str:
        where = f" ({self.where})" if self.where else ""
        return f"{self.check}{where}: {self.numbers}" if self.numbers else f"{self.check}{where}"


class _Skipped(NamedTuple):
    """A candidate of the node search, and the condition under which it is skipped."""

    node: int
    check: str
    fails: Term


class _ReasonSection(CallSection):
    """A section that also records why candidates of the node search are skipped."""

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self.skipped: list[_Skipped] = []
        self._node = NONE

    def search(self, candidates: Sequence[Term], describe: Callable[[Any, Term], None]) -> None:
        """Describe the candidates in order."""
        for node in candidates:
            self._node = node
            with self.where(True):
                describe(self, node)

    def skip(self, name: str, fails: Term) -> None:
        """Record the condition."""
        self.skipped.append(_Skipped(self._node, name, fails))
        super().skip(name, fails)


class ExplainedCalls(ModelCalls):
    """The model's calls on a host of the reference, with the reasons of those that were refused."""

    def __init__(self, host: Any) -> None:
        super().__init__(host)
        self.reasons: list[Reason] = []
        """Of the calls since the list was cleared."""

    def make(self, name: str, arguments: Arguments) -> CaseResult:
        """Make a call; a refused one changes nothing, so that its reason is found in the state after it."""
        case = super().make(name, arguments)
        if case.result.startswith("E") or case.result in ("refused", "crash"):
            self.reasons += self._reasons(name, arguments, case)
        return case

    def _reasons(self, name: str, arguments: Arguments, case: CaseResult) -> Iterator[Reason]:
        values = _Values(self.state)
        host = CallHost(self.state.number_of_nodes, self.state.number_of_domains)
        section = _ReasonSection(Call(GENERATIONS[self.host.semantics.name], host, host.state()))  # type: ignore[arg-type]  # its state_type
        CALLS[name].describe(section, **self._given(name, arguments))
        if case.name == "no-node":
            yield from self._search(name, section, values)
            return
        for record in section.records:
            if not isinstance(record, Check | End):
                continue
            parts = record.fails if isinstance(record, Check) else record.when
            fails = _true_part(parts, host, values)
            if fails is None:
                continue
            entry = record.entry if isinstance(record, Check) else None
            where = "" if entry is None or len(arguments.get("entries", ())) < 2 else f"entry {entry}"
            yield Reason(name, case.result, case.name, values.why(fails), where)
            return
        yield Reason(name, case.result, case.name, "")

    def _search(self, name: str, section: _ReasonSection, values: _Values) -> Iterator[Reason]:
        """Why each candidate was skipped."""
        seen = set()
        for skipped in section.skipped:
            if skipped.node not in seen and values.holds(skipped.fails):
                seen.add(skipped.node)
                numbers = values.why(skipped.fails)
                check = skipped.check if numbers else f"{skipped.check} fails"
                yield Reason(name, "refused", check, numbers, f"node {skipped.node}")
        if not seen:
            yield Reason(name, "refused", "no-node", "no node may be used")

    def _given(self, name: str, arguments: Arguments) -> dict[str, Any]:
        """The arguments as the model takes them: domains by index, blocks as the model's."""
        slots = self.state.slots
        given = dict(arguments)
        if name == "alloc_heap_pages":
            given |= self._candidates(arguments)
        if given.get("domid") is not None:
            given["domid"] = slots[given["domid"]]
        block = given.get("block")
        if isinstance(block, Pages):
            owner = None if block.owner is None else slots[block.owner]
            given["block"] = Block(block.pages, block.node, block.state, owner, block.refcounted, block.marked)
        return given

    def _candidates(self, arguments: Arguments) -> dict[str, Any]:
        domid, order = arguments["domid"], arguments["order"]
        last = NONE if domid is None else self.state.last_alloc_node[self.state.slots[domid]]
        exact = arguments.get("exact", False)
        nodes, affinity = len(self.host.node_pages), self.affinity[domid]
        candidates = search_order(nodes, affinity, arguments["requested"], None if last == NONE else last, exact)
        has_block = [bool(node.orders >> order) for node in self.host.heap]
        return {"pages": 1 << order, "candidates": candidates, "has_block": has_block}


def _true_part(parts: Parts, host: CallHost, values: _Values) -> Term | None:
    """The first part that holds."""
    for part in parts.values():
        condition = resolved(part, host)
        if values.holds(condition):
            return condition
    return None


class _Values:
    """The values of a state's constants, and terms with them."""

    def __init__(self, s: ModelState) -> None:
        self._pairs: list[tuple[Any, Any]] = []
        self._labels: dict[str, str] = {}
        for info in CALL_FIELDS.values():
            value = getattr(s, info.name)
            make, number = (z3.Bool, z3.BoolVal) if info.flag else (z3.Int, z3.IntVal)
            for index, entry in _entries(info.shape, value):
                name = info.name + "".join(f"[{i}]" for i in index)
                self._labels[name] = _label(info.name, info.shape, index, s.domids)
                self._pairs.append((make(name), number(entry)))

    def value(self, term: Term) -> Any:
        """The value of a term."""
        if not isinstance(term, z3.AstRef):
            return term
        found = z3.simplify(z3.substitute(term, *self._pairs))
        if z3.is_int_value(found):
            return found.as_long()
        if z3.is_true(found) or z3.is_false(found):
            return z3.is_true(found)
        raise TypeError(f"{found} has no value in the state")

    def holds(self, condition: Term) -> bool:
        """Whether the condition is true in the state."""
        return bool(self.value(condition))

    def why(self, condition: Term) -> str:
        """The innermost comparisons that make the condition true, with their numbers."""
        return " and ".join(dict.fromkeys(self._why(condition, True)))

    def _why(self, term: Term, value: bool) -> list[str]:
        if not isinstance(term, z3.AstRef):
            return []
        children, name = term.children(), str(term.decl().name())
        if name == "not":
            return self._why(children[0], not value)
        if name == "=>":
            return self._why(z3.Or(z3.Not(children[0]), children[1]), value)
        if name in ("and", "or"):
            return self._joined(name, children, value)
        if name == "if" and z3.is_bool(term):
            return self._why(children[1 if self.holds(children[0]) else 2], value)
        if len(children) == 2 and not z3.is_bool(children[0]):
            return self._comparison(name if value else _NEGATED[name], children)
        return [f"{'' if value else 'not '}{self.text(term)}"]

    def _joined(self, name: str, children: Sequence[Term], value: bool) -> list[str]:
        if (name == "and") is value:  # all of them; of several premises the last one is what the check is about
            texts = [self._why(child, value) for child in children]
            if name == "or":
                return [text for child in texts for text in child]
            return next((text for text in reversed(texts) if text), [])
        decides = next(child for child in children if self.holds(child) is value)
        return self._why(decides, value)

    def _comparison(self, relation: str, sides: Sequence[Term]) -> list[str]:
        """Two sides with their numbers; the side with more counters is on the right."""
        counters = [self._counters(side) for side in sides]
        if counters == [0, 0]:
            return []
        left, right = map(self.text, sides)
        if counters[0] > counters[1]:
            left, right, relation = right, left, _MIRRORED.get(relation, relation)
        return [f"{left} {_RELATIONS.get(relation, relation)} {right}"]

    def _counters(self, term: Term) -> int:
        if not isinstance(term, z3.AstRef):
            return 0
        return int(str(term) in self._labels) + sum(map(self._counters, term.children()))

    def text(self, term: Term) -> str:
        """The term with the numbers in it: ``4 node_avail_pages[0] - 0 node_outstanding_claims[0]``."""
        if not isinstance(term, z3.AstRef):
            return str(term)
        children, name = term.children(), str(term.decl().name())
        if name in self._labels:
            value = self.value(term)
            return f"{value} {self._labels[name]}" if z3.is_int(term) else self._labels[name]
        if name == "if":
            return self.text(children[1 if self.holds(children[0]) else 2])
        if name in ("+", "-") and len(children) > 1:
            return self._sum(name, children)
        return str(self.value(term))

    def _sum(self, sign: str, children: Sequence[Term]) -> str:
        """A sum or difference, without what is 0 and no counter of the hypervisor."""
        text = self.text(children[0])
        for child in children[1:]:
            if self.value(child) == 0 and not self._is_counter(child):
                continue
            operand = self.text(child)
            is_sum = child.num_args() > 1 and " " in operand and (" + " in operand or " - " in operand)
            text += f" {sign} {f'({operand})' if sign == '-' and is_sum else operand}"
        return text

    def _is_counter(self, term: Term) -> bool:
        if term.num_args():
            return any(self._is_counter(child) for child in term.children())
        name = str(term.decl().name())
        return name in self._labels and name.partition("[")[0] not in UNSEEN


def _entries(shape: Shape, value: Any) -> Iterator[tuple[tuple[int, ...], Any]]:
    if shape is Shape.HOST:
        yield (), value
    elif shape is Shape.CELL:
        for row, entries in enumerate(value):
            for column, entry in enumerate(entries):
                yield (row, column), entry
    else:
        for index, entry in enumerate(value):
            yield (index,), entry


def _label(name: str, shape: Shape, index: Sequence[int], domids: Sequence[int]) -> str:
    """The counter as traces name it."""
    if shape in (Shape.DOMAIN, Shape.CELL):
        rest = "".join(f"[{i}]" for i in index[1:])
        return f"d{domids[index[0]]}.{name}{rest}"
    return name + "".join(f"[{i}]" for i in index)
