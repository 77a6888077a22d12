"""Why a call was refused: the check of the model that decided, and its inequality with the numbers of the state.

The call's section is described on a state of named constants. The check that failed is a term over them; its innermost
comparisons are shown with the values that the constants have in the state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from model.calls import CALLS, NONE, Block, Call, CallHost
from model.calls.sections import CallSection
from model.logic import Term
from model.named import GENERATIONS
from model.operations.section import Check, End, Parts, resolved
from proofs.fuzz.model_calls import Arguments, ModelCalls
from proofs.fuzz.numbers import CaseResult, Pages

from .values import Values

_CHANGES_WHEN_REFUSED = frozenset({"domain_unpause_by_systemcontroller"})
"""Calls that may fail and yet change something: a domain with a stash is crashed."""
_CALLER_GOES_ON = frozenset({"stash_allocation"})
"""Calls whose refusal refuses nothing to the caller."""
_ON_NUMBERS = {"exchange_check": ("extents", "in_order", "out_order"), "create_domain": ()}
"""Calls that are described on numbers only, with those that a refusal shows."""
BLOCK_IS_FREE, NO_FREE_BLOCK = "block-is-free", "no-free-block"


class RefusalReason(NamedTuple):
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


class _SkippedCandidate(NamedTuple):
    """A candidate of the node search, and the condition under which it is skipped."""

    node: int
    check: str
    fails: Term


class _ReasonSection(CallSection):
    """A section that also records why candidates of the node search are skipped."""

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self.skipped: list[_SkippedCandidate] = []
        self._node = NONE

    def search(self, candidates: Sequence[Term], describe: Callable[[Any, Term], None]) -> None:
        """Describe the candidates in order."""
        for node in candidates:
            self._node = node
            with self.where(True):
                describe(self, node)

    def skip(self, name: str, fails: Term) -> None:
        """Record the condition."""
        self.skipped.append(_SkippedCandidate(self._node, name, fails))
        super().skip(name, fails)


class ExplainedCalls(ModelCalls):
    """The model's calls on a host of the reference, with the reasons of those that were refused."""

    def __init__(self, host: Any) -> None:
        super().__init__(host)
        self.refusals: list[list[RefusalReason]] = []
        """The reasons of each call that was refused since the list was cleared: several for a node search."""

    def make(self, name: str, arguments: Arguments) -> CaseResult:
        """Make a call; a refused one changes nothing but for one, so that its reason is found in the state after it."""
        values = Values(self.state) if name in _CHANGES_WHEN_REFUSED else None
        case = super().make(name, arguments)
        if (case.result.startswith("E") or case.result in ("refused", "crash")) and name not in _CALLER_GOES_ON:
            self.refusals.append(list(self._reasons(name, arguments, case, values or Values(self.state))))
        return case

    def _reasons(self, name: str, arguments: Arguments, case: CaseResult, values: Values) -> Iterator[RefusalReason]:
        host = CallHost(self.state.number_of_nodes, self.state.number_of_domains)
        section = _ReasonSection(Call(GENERATIONS[self.host.semantics.name], host, host.state()))  # type: ignore[arg-type]  # its state_type
        given = self._given(name, arguments)
        CALLS[name].describe(section, **(given if name in _ON_NUMBERS else values.named(given)))
        if case.name == "no-node":
            yield from self._search(name, section, values, arguments["order"])
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
            numbers = values.why(fails)
            if name in _ON_NUMBERS and case.name != "unknown-domain":
                numbers = " ".join(f"{argument}={arguments[argument]}" for argument in _ON_NUMBERS[name])
            yield RefusalReason(name, case.result, case.name, numbers, where)
            return
        yield RefusalReason(name, case.result, case.name, "")

    def _search(self, name: str, section: _ReasonSection, values: Values, order: int) -> Iterator[RefusalReason]:
        """Why each candidate was skipped."""
        seen = set()
        for skipped in section.skipped:
            if skipped.node not in seen and values.holds(skipped.fails):
                seen.add(skipped.node)
                check, numbers = skipped.check, values.why(skipped.fails)
                if check == BLOCK_IS_FREE:  # as the other checks are, it is named by what fails
                    check, numbers = NO_FREE_BLOCK, f"order={order}"
                yield RefusalReason(name, "refused", check, numbers, f"node {skipped.node}")
        if not seen:
            yield RefusalReason(name, "refused", "no-node", "no node may be used")

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
        order, exact = arguments["order"], arguments.get("exact", False)
        candidates, blocks = self.node_search(arguments["domid"], order, arguments["requested"], exact)
        return {"pages": 1 << order, "candidates": candidates, "has_block": list(map(bool, blocks))}


def _true_part(parts: Parts, host: CallHost, values: Values) -> Term | None:
    """The first part that holds."""
    for part in parts.values():
        condition = resolved(part, host)
        if values.holds(condition):
            return condition
    return None
