"""Mistakes in ledger_hypercalls.c and ledger_builders.c: hypercalls, and what may happen between two critical sections."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.adapters.programs import KIT

_HYPERCALLS, _BUILDERS = "ledger_hypercalls.c", "ledger_builders.c"

IN_HYPERCALLS: dict[str, tuple[str, str, str]] = {
    "unsuitable-stash-stays": (_HYPERCALLS, "        free_stash(life);\n        return false;", "        return false;"),
    "stash-used-on-any-node": (_HYPERCALLS, "life->stash_order != e->order || elsewhere", "life->stash_order != e->order"),
    "scrubbing-begins-again": (_HYPERCALLS, "    *scrubbed = life->scrub_index;\n", ""),
    "stash-of-the-dying": (_HYPERCALLS, "if (life->has_stash || life->d->is_dying) {", "if (life->has_stash) {"),
    "kill-keeps-stash": (_HYPERCALLS, "    lock();\n    free_stash(life_of(d));\n    unlock();\n}\n\nint64_t", "}\n\nint64_t"),
    "stash-kept-at-unpause": (_HYPERCALLS, "    if (free_stash(life))\n        return -EBUSY;\n", ""),
    "preempted-extent-counted": (
        _HYPERCALLS, "        if (preempted)\n            return SCRUBBING;", "        if (preempted)\n            return ++*done, SCRUBBING;"
    ),
    "stolen-pages-uncounted": (
        _HYPERCALLS, "    list_add(&allocated, (struct block){.mfn = mfn, .order = order});\n    return true;",
        "    d->tot_pages -= 1u << order;\n    list_add(&allocated, (struct block){.mfn = mfn, .order = order});\n    return true;"
    ),
    "failed-exchange-keeps-new-pages": (_HYPERCALLS, "        free_all(out, i, e->order);\n        return -ENOMEM;", "        return -ENOMEM;"),
    "exchange-uses-claims": (_HYPERCALLS, "e->node, MEMF_no_owner, &out[i])", "e->node, 0, &out[i])"),
    "extra-pages-kept": (_HYPERCALLS, "        if (block.owner == d) {", "        if (block.owner == d && block.refcounted) {"),
    "last-free-does-not-put": (_HYPERCALLS, "        life_of(d)->last_frees--;\n        put_domain(d);", "        life_of(d)->last_frees--;"),
}  # fmt: skip
"""By name: the file, its text, and what stands for it."""

BETWEEN_SECTIONS: dict[str, tuple[str, str, str]] = {
    "freed-in-the-first-section": (
        _HYPERCALLS,
        "    is_last = !d->tot_pages && !extra_pages(d);\n    life_of(d)->last_frees += is_last;\n    unlock();\n    lock();\n"
        "    status = free_heap_pages(mfn, order);\n",
        "    is_last = !d->tot_pages && !extra_pages(d);\n    life_of(d)->last_frees += is_last;\n"
        "    status = free_heap_pages(mfn, order);\n    unlock();\n    lock();\n",
    ),
    "dying-checked-under-the-lock": (_BUILDERS, "    status = set_outstanding_pages(d, pages);\n", "    status = d->is_dying ? -EINVAL : set_outstanding_pages(d, pages);\n"),
    "killed-in-one-section": (_BUILDERS, "    if (was_dying)\n        return false;\n    lock();\n    release_all_claims(d);\n    unlock();\n", "    if (was_dying)\n        return false;\n    release_all_claims(d);\n"),
    "claims-released-first": (
        _BUILDERS, "    was_dying = d->is_dying;\n    d->is_dying = true;\n    unlock();\n",
        "    was_dying = d->is_dying;\n    d->is_dying = true;\n    release_all_claims(d);\n    unlock();\n"
    ),
    "free-of-the-last-page-forgotten": (_HYPERCALLS, "    life_of(d)->last_frees += is_last;\n", "    life_of(d)->last_frees += 0;\n"),
    "one-section-more": (_HYPERCALLS, "        if (!got) {\n            free_heap_pages(mfn, e->order);", "        lock();\n        unlock();\n        if (!got) {\n            free_heap_pages(mfn, e->order);"),
}  # fmt: skip
"""The same for what shows only if other builders run, or if the counters are compared after every section."""


def planted_in_hypercalls(mistake: str, folder: Path) -> Path:
    """A copy of the ledger with hypercalls, with the mistake in it."""
    for name in (_HYPERCALLS, _BUILDERS, "ledger.c"):
        shutil.copy(KIT / name, folder)
    name, old, new = (IN_HYPERCALLS | BETWEEN_SECTIONS)[mistake]
    text = (folder / name).read_text()
    assert text.count(old) == 1, old
    (folder / name).write_text(text.replace(old, new))
    return folder / _HYPERCALLS
