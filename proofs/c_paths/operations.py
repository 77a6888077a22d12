"""The operations that a map can name, and the variables of their calls."""

from __future__ import annotations

ENTRIES = {"count": "unsigned int", "entries": ""}
"""The number of entries, and the entries; their type is the map's."""
REQUEST = {
    "order": "unsigned int",
    "requested": "int",
    "exact": "int",
    "no_refcount": "int",
    "no_owner": "int",
}
ARGUMENTS: dict[str, dict[str, str]] = {
    "install_claim_set": ENTRIES,
    "claim_memory": {**ENTRIES, "pad": "unsigned int"},
    "set_outstanding_pages": {"pages": "unsigned long"},
    "claim_pages": {"pages": "unsigned long", "extent_order": "unsigned int", "mem_flags": "unsigned int"},
    "release_all_claims": {},
    "domain_kill": {},
    "alloc_heap_pages": REQUEST,
    "alloc_domheap_pages": REQUEST,
    "assign_pages": {"order": "unsigned int", "no_refcount": "int"},
    "free_heap_pages": {"order": "unsigned int", "mfn": "unsigned long", "marked": "unsigned int"},
    "free_domheap_pages": {"order": "unsigned int", "mfn": "unsigned long", "refcounted": "int"},
    "offline_page": {"mfn": "unsigned long", "in_use": "int", "is_owned": "int", "is_marked": "int"},
    "set_max_pages": {"max_pages": "unsigned int"},
}
"""By operation: the variables of its call in addition to ``d``, ``nodes`` and ``span``, with their types."""
DERIVED = {"outstanding_pages": ("global_claims", "node_claims")}
"""Counters of C that are sums of the model's."""
SPAN = 1 << 40
"""The number of frames of a node."""
