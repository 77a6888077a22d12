"""Every call of the hypervisor with its result: what must come out, case by case, on N nodes and D domains.

The transitions say how a state may change; the calls say in addition which of several errors is returned, at which
node a search ends, and what a call answers. A call's outcome is an ordered list of `Case`: a name, a condition on the
state before and the arguments, the result, and the state after. The first case whose condition holds is the outcome;
a failed call has no `effect`: nothing changes. Successful cases change the counters with the transitions' own updates.

Evaluating one call::

    call = Call(GENERATIONS["claim-sets"], CallHost(2, 3), before)      # model.named.GENERATIONS
    for case in cases(call, "alloc_heap_pages", domid=1, order=0, pages=1, candidates=(0, 1), has_block=(True, True)):
        ...  # case.condition, case.result, case.answer, case.block, case.effect() -> CallState

- `before` is a `CallState`: fields as in `CALL_FIELDS`, vectors and grids from `model.hosts.bounded` (`ListVector`,
  `ListGrid`). Entries are `Term`s: Python ints and bools, or Z3 expressions, mixed as one likes. With ints and bools
  all through, conditions and states come out as ints and bools; `CallHost(N, D).state()` makes a state of Z3 constants.
- Domain and node ids are indices: domain i is the one with the i-th lowest id, which matters for recall. They may be
  Python ints or Z3 integers, unless a parameter is declared `int`. A domain that an operation looks up and does not
  find is None, or one that is not on the list: `is_created` false, or `is_destroyed` true.
- A destroyed domain stays what it was, claims included, for the calls that are in flight: they name it as before. No
  call of a hypercall finds it, and recall passes over it. Another domain may get its id once nobody works on it.
- Whether something exists at all (no domain, no requested node, refcounted or not, a block's state) is a Python value.
- Calls of one critical section are in `CALLS`, operations of several in `SCRIPTS` (`model.calls.scripts`).
- The heap is not in the model: `has_block[n]` says whether node n has a free block of the order. Which block serves is
  left open; `search_order` gives the candidates of the node search.
- Only the fields outside `UNSEEN` are meant to be compared. `is_created` decides whether the other fields of a domain
  say anything; `stash_pages` whether the other fields of its stash do.
- Several calls may stand in one critical section: `free_stash` and `offline_marked` follow the case that had the extent
  as its block, and `put_domain` the second half of a free.
"""

from model.calls.case import (
    ANONYMOUS,
    ASSIGNED,
    CRASH,
    LIMBO,
    MISUSE,
    OK,
    REFUSED,
    Block,
    Call,
    Case,
    any_case,
    holds,
)
from model.calls.domains import MAX_PAUSE_COUNT
from model.calls.freeing import FREE, IN_USE, OFFLINED
from model.calls.registry import CALLS, SCRIPTS, cases, exists
from model.calls.scripts import BETWEEN_EXTENTS, BOUNDARY, SCRUBBING, Boundary, Ended, PreemptAt, Script, ScriptSection
from model.calls.search import search_order
from model.calls.state import CALL_FIELDS, NONE, UNSEEN, CallHost, CallState
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
    "Ended",
    "Entry",
    "PreemptAt",
    "Script",
    "ScriptSection",
    "any_case",
    "cases",
    "exists",
    "holds",
    "search_order",
]
