"""A state of the model in plain numbers, the blocks of its calls, and the evaluation of calls on it."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from model.calls import CALL_FIELDS, NONE, Call, CallHost, CallState, Case, cases
from model.hosts.bounded import ListGrid, ListVector
from model.logic import Term
from model.named import GENERATIONS
from model.state import Shape
from model.step import CellUpdate, ColumnUpdate, EntryUpdate, RowUpdate


class ModelState:
    """A state of the model in plain numbers: the fields of ``CallState``, with grids as one list per domain."""

    __slots__ = (*CALL_FIELDS, "answer", "chosen", "domids", "number_of_domains", "number_of_nodes", "slots")

    def __init__(
        self, nodes: Sequence[int], domids: Sequence[int], llc_coloring: bool, debug_build: bool = False
    ) -> None:
        """The state at boot: every page is free, and there is no domain.

        :param domids: ids that get a slot at once, ascending
        """
        domains = len(domids)
        self.number_of_nodes = len(nodes)
        self.number_of_domains = domains
        self.domids = list(domids)
        """Domain ids, ascending: the model numbers domains by this order."""
        self.slots = {domid: slot for slot, domid in enumerate(domids)}
        """The index of a domain's numbers, by its id."""
        self.answer: dict[str, Any] = {}
        """The answer of the last query."""
        self.chosen = NONE
        """The node at which the last allocation's search ended."""
        for info in CALL_FIELDS.values():
            nothing: Any = False if info.flag else 0
            if info.shape is Shape.NODE:
                nothing = [nothing] * len(nodes)
            elif info.shape is Shape.DOMAIN:
                nothing = [nothing] * domains
            elif info.shape is Shape.CELL:
                nothing = [[nothing] * len(nodes) for _ in range(domains)]
            setattr(self, info.name, nothing)
        self.total_avail_pages: int = sum(nodes)
        self.node_avail_pages: list[int] = list(nodes)
        self.installed_pages: list[int] = list(nodes)
        self.llc_coloring: bool = llc_coloring
        self.debug_build: bool = debug_build
        self.domctl_lock: int = NONE
        self.claim_node: list[int] = [NONE] * domains
        self.last_alloc_node: list[int] = [NONE] * domains

    def add_domid(self, domid: int) -> None:
        """Add a slot for a new domain id; slots of higher ids move up."""
        slot = bisect(self.domids, domid)
        self.domids.insert(slot, domid)
        self.slots = {domid: slot for slot, domid in enumerate(self.domids)}
        self.number_of_domains += 1
        if self.domctl_lock >= slot:
            self.domctl_lock += 1
        for info in CALL_FIELDS.values():
            if info.shape is Shape.CELL:
                new: Any = [0] * self.number_of_nodes
            elif info.shape is Shape.DOMAIN:
                new = NONE if info.name in _NO_NODE else False if info.flag else 0
            else:
                continue
            values = list(getattr(self, info.name))
            values.insert(slot, new)
            setattr(self, info.name, values)

    if TYPE_CHECKING:  # the other fields

        def __getattr__(self, name: str) -> Any: ...


_NO_NODE = ("claim_node", "last_alloc_node")
"""Fields that are `NONE`, no node, at first."""


class Pages:
    """A block of the model in plain numbers, with its frames."""

    __slots__ = ("marked", "mfn", "node", "order", "owner", "pages", "refcounted", "state")

    def __init__(self, order: int, node: int, state: str, owner: int | None, refcounted: bool, mfn: int | None) -> None:
        self.order = order
        self.pages = 1 << order
        self.node = node
        self.state = state
        self.owner = owner
        self.refcounted = refcounted
        self.marked = 0
        self.mfn = mfn


class CaseResult:
    """The case that applied, which a script of the model receives."""

    __slots__ = ("answer", "block", "name", "result")

    def __init__(self, name: str, result: str, block: Pages | None, answer: Mapping[str, Any] | None = None) -> None:
        self.name = name
        self.result = result
        self.block = block
        self.answer = answer or {}


def taken_ascending(held: Sequence[int], amount: int) -> list[int]:
    """The amount that each index contributes when ``amount`` is taken from ``held`` in ascending order.

    The model's closed form, ``min(held[i], max(0, amount - sum of held[:i]))``, with a running sum.
    """
    if amount <= 0 <= min(held, default=0):
        return [0] * len(held)
    taken = []
    for pages in held:
        most = amount if amount > 0 else 0
        taken.append(pages if pages <= most else most)
        amount -= pages
    return taken


def placed(entries: list[Any], index: int, value: Any) -> list[Any]:
    """A copy with one entry replaced."""
    new = entries[:]
    new[index] = value
    return new


class _LazyState(CallState):
    """A state in plain numbers in the form that the model reads, converted field by field on demand."""

    def __init__(self, s: ModelState) -> None:
        self._numbers = s

    def __getattr__(self, name: str) -> Any:
        value, shape = getattr(self._numbers, name), CALL_FIELDS[name].shape
        if shape is Shape.HOST:
            return value
        return ListGrid(value) if shape is Shape.CELL else ListVector(value)


def evaluated(semantics: str, s: ModelState, name: str, arguments: Mapping[str, Any]) -> tuple[Case, Iterable[str]]:
    """Make a call on the state without compiling it; returns the case, and the fields that it updated.

    :raises TypeError: not all arguments are numbers
    """
    call = Call(GENERATIONS[semantics], CallHost(s.number_of_nodes, s.number_of_domains), _LazyState(s))
    case = next(case for case in cases(call, name, **arguments) if _is_true(case.condition))
    updates = {} if case.effect is None else case.effect.step().updates
    for field, update in updates.items():
        before = getattr(s, field)
        match update:
            case EntryUpdate(index, value):
                before[index] = value
            case CellUpdate(domain, node, value):
                before[domain][node] = value
            case RowUpdate(domain, values):
                before[domain] = _as_list(values)
            case ColumnUpdate(node, values):
                for row, value in zip(before, _as_list(values), strict=True):
                    row[node] = value
            case _:
                setattr(s, field, _as_list(update.value))
    return case, updates


def _is_true(condition: Term) -> bool:
    if not isinstance(condition, bool):
        raise TypeError(f"{condition!r} is not a truth value: pass only numbers as arguments")
    return condition


def _as_list(value: Any) -> Any:
    return list(value.entries) if isinstance(value, ListVector) else value
