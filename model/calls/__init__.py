"""The required result of every call of the hypervisor, case by case, on N nodes and D domains.

The transitions define how a state may change. The calls also define which of several errors is returned, at which node
a search ends, and what a call returns. A call is an ordered list of `Case`: a name, a condition on the state before and
the arguments, the result, and the state after. The first case whose condition holds is the outcome. A failed call has
no `effect`: nothing changes. Successful cases change the counters with the updates of the transitions.

Evaluating one call::

    call = Call(GENERATIONS["claim-sets"], CallHost(2, 3), before)      # model.named.GENERATIONS
    for case in cases(call, "alloc_heap_pages", domid=1, order=0, pages=1, candidates=(0, 1), has_block=(True, True)):
        ...  # case.condition, case.result, case.answer, case.block, case.effect() -> CallState

- `before` is a `CallState`: fields as in `CALL_FIELDS`, vectors and grids from `model.hosts.bounded` (`ListVector`,
  `ListGrid`). Entries are `Term`s: Python ints and bools, or Z3 expressions, in any mixture. If all are ints and bools,
  conditions and states are ints and bools, too. `CallHost(N, D).state()` makes a state of Z3 constants.
- Domain and node ids are indices: domain i is the one with the i-th lowest id, which matters for recall. They may be
  Python ints or Z3 integers, unless a parameter is declared `int`. A domain that an operation does not find is None, or
  an index that is not on the domain list: `is_created` false, or `is_destroyed` true.
- A destroyed domain keeps its fields, claims included, for the calls in flight, which use the same index. Hypercalls do
  not find it, and recall skips it. Another domain may get its id once no call in flight uses it.
- Whether something exists (a domain, a requested node, refcounting, a block's state) is a Python value.
- Calls of one critical section are in `CALLS`, operations of several in `SCRIPTS` (`model.calls.scripts`).
- The heap is not in the model: `has_block[n]` says whether node n has a free block of the order. Which block is
  allocated is left open. `search_order` gives the candidates of the node search.
- Compare only the fields outside `UNSEEN`. A domain's other fields have a meaning only where `is_created` holds, those
  of its stash only where `stash_pages` is not 0.
- One critical section may make several calls: `free_stash` and `offline_marked` follow the case whose block is the
  extent, and `put_domain` follows the second half of a free.
"""

from model.calls.case import Call, Case, any_case, holds
from model.calls.registry import CALLS, SCRIPTS, cases, exists
from model.calls.scripts import (
    BETWEEN_EXTENTS,
    BOUNDARY,
    SCRUBBING,
    Boundary,
    PreemptionChoice,
    Script,
    ScriptOutcome,
    ScriptSection,
)
from model.calls.search import search_order
from model.calls.state import CALL_FIELDS, NONE, UNSEEN, CallHost, CallState
from model.operations.blocks import ANONYMOUS, ASSIGNED, LIMBO, Block
from model.operations.domains import MAX_PAUSE_COUNT
from model.operations.freeing import FREE, IN_USE, OFFLINED
from model.operations.section import CRASH, MISUSE, OK, REFUSED
from model.operations.sets import GLOBAL, LEGACY, NO_NODE, Entry

__all__ = [
    "ANONYMOUS",
    "ASSIGNED",
    "BETWEEN_EXTENTS",
    "BOUNDARY",
    "CALLS",
    "CALL_FIELDS",
    "CRASH",
    "FREE",
    "GLOBAL",
    "IN_USE",
    "LEGACY",
    "LIMBO",
    "MAX_PAUSE_COUNT",
    "MISUSE",
    "NONE",
    "NO_NODE",
    "OFFLINED",
    "OK",
    "REFUSED",
    "SCRIPTS",
    "SCRUBBING",
    "UNSEEN",
    "Block",
    "Boundary",
    "Call",
    "CallHost",
    "CallState",
    "Case",
    "Entry",
    "PreemptionChoice",
    "Script",
    "ScriptOutcome",
    "ScriptSection",
    "any_case",
    "cases",
    "exists",
    "holds",
    "search_order",
]
