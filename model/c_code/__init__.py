"""What the C code computes on the way: every intermediate value, in its order of evaluation, with its type.

Written beside the transitions, from the same rules: a transition says what a critical section does; this, through which
values it gets there. `CODE` gives the evaluation of each transition that computes anything, but for those whose section
is described in `model.operations`: there the values are part of the description.
"""

from model.c_code import allocating, claims, domains, offlining
from model.c_code.evaluation import Code

CODE: dict[str, Code] = {
    "create_domain": domains.new_limit,
    "set_max_pages": domains.max_mem,
    "alloc_heap_pages": allocating.alloc_heap_pages,
    "alloc_for_destroyed": allocating.alloc_for_destroyed,
    "alloc_heap_pages_unowned": allocating.alloc_unowned,
    "exchange_allocate": allocating.alloc_unowned,
    "assign_pages": allocating.assign_pages,
    "assign_extra_pages": allocating.assign_extra_pages,
    "free_domheap_pages": allocating.free_domheap_pages,
    "free_extra_pages": allocating.free_extra_pages,
    "free_heap_pages": allocating.free_heap_pages,
    "offline_page": offlining.offline_page,
    "free_marked_page": offlining.free_marked_page,
    "online_page": offlining.online_page,
    "domain_kill_release": claims.release,
    "free_stash": allocating.free_stash,
    "free_marked_stash_page": offlining.free_marked_page,
}
"""By transition. The others compute nothing: they set flags, or move pages from list to list."""
