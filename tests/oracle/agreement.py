"""The C oracle next to the Python model: every call that the fuzzer makes of the model is made of both."""

from __future__ import annotations

import ctypes
from collections import Counter
from pathlib import Path
from typing import Any

from model.calls import CALL_FIELDS, NONE
from model.operations.allocating import MAX_ORDER
from model.state import Shape
from proofs.export.oracle import ARGUMENTS, PAGES, STATES
from proofs.export.oracle_kinds import KINDS
from proofs.fuzz.model_calls import ModelCalls, _orders
from proofs.fuzz.numbers import ModelState, Pages
from tests.adapters.c_store import compiled
from tests.adapters.programs import STRICT
from tests.oracle.harnesses import header_of, included

NODES, DOMAINS = 64, 256
MANY_PAGES = 1 << 53
_LENGTHS = {Shape.HOST: 1, Shape.NODE: NODES, Shape.DOMAIN: DOMAINS, Shape.CELL: DOMAINS * NODES}


class CEntry(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int64) for name in ("pages", "target", "pad")]


class CArguments(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int64) for name in (*ARGUMENTS, "nr_entries", "nr_candidates")),
        ("entries", ctypes.POINTER(CEntry)),
        ("candidates", ctypes.POINTER(ctypes.c_int64)),
        ("has_block", ctypes.POINTER(ctypes.c_int64)),
    ]


_SHIM = """
#define CO_MAX_DOMAINS {domains}
#include "claim_oracle.h"
static int (*const calls[])(struct co_state *, const struct co_arguments *) = {{ {functions} }};
struct co_state *shim_state(void) {{ return calloc(1, sizeof(struct co_state)); }}
int shim_call(int call, struct co_state *s, const struct co_arguments *a) {{ return calls[call](s, a); }}
void shim_start(struct co_state *s, int64_t nodes, const int64_t *pages, int llc, int debug)
{{
    co_start(s, nodes, pages, llc, debug);
}}
int64_t shim_add(struct co_state *s, int64_t domid) {{ return co_add_domid(s, domid); }}
int64_t *shim_field(struct co_state *s, int field)
{{
    int64_t *const fields[] = {{ {fields} }};
    return fields[field];
}}
int64_t shim_search(int64_t nodes, uint64_t affinity, int64_t requested, int64_t last, int exact, int64_t *found)
{{
    return co_search(nodes, affinity, requested, last, exact, found);
}}
"""


class COracle:
    """The header of a generation, built as a library, with one state. The folder is for its source."""

    def __init__(self, semantics: str, folder: Path, *options: str) -> None:
        names = list(KINDS)
        addresses = [
            f"&s->{info.name}" if info.shape is Shape.HOST else f"(int64_t *)s->{info.name}"
            for info in CALL_FIELDS.values()
        ]
        shim = _SHIM.format(
            domains=DOMAINS, functions=", ".join(f"co_{name}" for name in names), fields=", ".join(addresses)
        )
        (folder / "shim.c").write_text(shim)
        given = [*STRICT, f"-I{included(semantics)}", "-shared", "-fPIC", *options]
        self._library = ctypes.CDLL(str(compiled("cc", given, [folder / "shim.c"])))
        for name in ("shim_state", "shim_field"):
            getattr(self._library, name).restype = ctypes.c_void_p
        self._library.shim_add.restype = self._library.shim_search.restype = ctypes.c_int64
        self._names = {name: number for number, name in enumerate(names)}
        self._cases = header_of(semantics).cases
        self._state = ctypes.c_void_p(self._library.shim_state())
        self._fields = {
            info.name: (ctypes.c_int64 * _LENGTHS[info.shape]).from_address(
                self._library.shim_field(self._state, number)
            )
            for number, info in enumerate(CALL_FIELDS.values())
        }

    def start(self, s: ModelState) -> None:
        """The state at boot."""
        pages = (ctypes.c_int64 * NODES)(*s.node_avail_pages)
        self._library.shim_start(
            self._state, ctypes.c_int64(s.number_of_nodes), pages, int(s.llc_coloring), int(s.debug_build)
        )

    def add(self, domid: int) -> int:
        """A new domain id; its index."""
        return int(self._library.shim_add(self._state, ctypes.c_int64(domid)))

    def set_row(self, field: str, slot: int, values: list[int]) -> None:
        """Set a domain's row of a grid."""
        self._fields[field][slot * NODES : slot * NODES + len(values)] = values

    def set_entry(self, field: str, slot: int, value: int) -> None:
        """Set a domain's entry."""
        self._fields[field][slot] = value

    def call(self, name: str, arguments: CArguments) -> tuple[str, str]:
        """The case that applied, and its result."""
        number = self._library.shim_call(self._names[name], self._state, ctypes.byref(arguments))
        assert number >= 0, f"{name}: no kind of this call"
        call, case, result = self._cases[number]
        assert call == name
        return case, result

    def search(self, nodes: int, affinity: int, requested: int, last: int, exact: bool) -> list[int]:
        """The candidates of the node search."""
        found = (ctypes.c_int64 * NODES)()
        number = self._library.shim_search(
            ctypes.c_int64(nodes), ctypes.c_uint64(affinity), ctypes.c_int64(requested), ctypes.c_int64(last),
            int(exact), found
        )  # fmt: skip
        return list(found[:number])

    def differences(self, s: ModelState) -> list[str]:
        """The fields that differ from the model's state."""
        return [info.name for info in CALL_FIELDS.values() if self._read(s, info.name) != getattr(s, info.name)]

    def _read(self, s: ModelState, name: str) -> Any:
        info, numbers = CALL_FIELDS[name], self._fields[name]
        kind = bool if info.flag else int
        if info.shape is Shape.HOST:
            return kind(numbers[0])
        if info.shape is Shape.CELL:
            nodes = s.number_of_nodes
            return [
                [kind(n) for n in numbers[slot * NODES : slot * NODES + nodes]] for slot in range(s.number_of_domains)
            ]
        count = s.number_of_nodes if info.shape is Shape.NODE else s.number_of_domains
        return [kind(n) for n in numbers[:count]]


def c_arguments(calls: ModelCalls, name: str, arguments: dict[str, Any]) -> CArguments:
    """The arguments of a call of the model, for the C function."""
    s = calls.state
    given = CArguments(**dict.fromkeys(ARGUMENTS, -1))
    given.block_state = 0
    for flag in ("exact", "no_refcount", "no_owner", "assigned", "marked", "freed", "has_extent_start", "pad"):
        setattr(given, flag, 0)
    given.extent_order = given.mem_flags = 0
    if name == "exchange_check":
        in_order, out_order = arguments["in_order"], arguments["out_order"]
        given.known, given.whole_chunks = (
            arguments["known"],
            arguments["extents"] % (1 << max(0, out_order - in_order)) == 0,
        )
        given.in_too_large, given.out_too_large = in_order > MAX_ORDER, out_order > MAX_ORDER
        return given
    for parameter, value in arguments.items():
        if value is None:
            continue
        if isinstance(value, Pages):
            given.block_state, given.block_pages = STATES.index(value.state), value.pages
            given.node, given.marked, given.refcounted = value.node, value.marked, int(value.refcounted)
            given.owner = NONE if value.owner is None else s.slots[value.owner]
        elif parameter == "entries":
            given.nr_entries = len(value)
            given.entries = (CEntry * max(1, len(value)))(*((min(e.pages, MANY_PAGES), e.target, e.pad) for e in value))
        elif parameter == "page":
            given.page = PAGES.index(value)
        elif parameter == "domid":
            given.domid = s.slots[value]
        elif parameter != "node_affinity":
            setattr(given, parameter, min(int(value), MANY_PAGES))
    if name == "alloc_heap_pages":
        given.pages = min(1 << arguments["order"], MANY_PAGES)
        domid, requested = arguments["domid"], arguments["requested"]
        last = NONE if domid is None else s.last_alloc_node[s.slots[domid]]
        found = _orders(
            s.number_of_nodes, calls.affinity[domid], requested, None if last == NONE else last,
            arguments.get("exact", False)
        )  # fmt: skip
        given.nr_candidates = len(found)
        given.candidates = (ctypes.c_int64 * NODES)(*found)
        given.has_block = (ctypes.c_int64 * NODES)(
            *(int(bool(node.orders >> arguments["order"])) for node in calls.host.heap)
        )
    return given


class Comparison:
    """Makes every call of the model on the C oracle, too; compares the case, and often the whole state."""

    def __init__(self, oracle: COracle, every: int = 50) -> None:
        self.oracle = oracle
        self.calls: Counter[str] = Counter()
        self.not_in_c: Counter[str] = Counter()
        self.largest_set = self.most_nodes = 0
        self._every = every
        self._state: ModelState | None = None

    def make(self, make: Any, calls: ModelCalls, name: str, arguments: dict[str, Any]) -> Any:
        """Stands in for ``ModelCalls.make``."""
        s = calls.state
        if s is not self._state:
            self._state = s
            self.oracle.start(s)
            self.most_nodes = max(self.most_nodes, s.number_of_nodes)
        if name not in KINDS:
            self.not_in_c[name] += 1
            return make(calls, name, arguments)
        if name == "create_domain":
            return self._create(make, calls, arguments)
        if s.number_of_domains and calls.result == "misuse":
            return make(calls, name, arguments)
        given = c_arguments(calls, name, arguments)
        self.largest_set = max(self.largest_set, len(arguments.get("entries", ())))
        marked = arguments.get("block")
        made = make(calls, name, arguments)
        if isinstance(marked, Pages):  # how many of its pages are marked is counted within the call
            given.marked = marked.marked
        self._compare(calls, name, made, self.oracle.call(name, given))
        return made

    def _create(self, make: Any, calls: ModelCalls, arguments: dict[str, Any]) -> Any:
        s, domid = calls.state, arguments["domid"]
        slot = s.slots[domid]
        if s.number_of_domains > self._domains():
            assert self.oracle.add(domid) == slot
        for kind in ("installed", "redeemed", "released", "recalled"):
            self.oracle.set_row(f"ledger_{kind}", slot, [0] * s.number_of_nodes)
            self.oracle.set_entry(f"global_{kind}", slot, 0)
        given = c_arguments(calls, "create_domain", arguments)
        made = make(calls, "create_domain", arguments)
        self._compare(calls, "create_domain", made, self.oracle.call("create_domain", given), whole=False)
        if made.result == "OK":
            self.oracle.set_row(
                "node_affinity", slot, [int(n in arguments["node_affinity"]) for n in range(s.number_of_nodes)]
            )
        return made

    def _domains(self) -> int:
        number: int = ctypes.c_int64.from_address(self.oracle._state.value + 8).value  # type: ignore[operator]  # there
        return number

    def _compare(self, calls: ModelCalls, name: str, made: Any, found: tuple[str, str], whole: bool = True) -> None:
        assert found == (made.name, str(made.result)), f"{name}: {found} in C, {made.name, made.result} in the model"
        self.calls[name] += 1
        if whole and self.calls.total() % self._every == 0:
            assert self.oracle.differences(calls.state) == [], f"after {name}: {made.name}"
