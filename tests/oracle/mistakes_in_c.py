"""The known mistakes of ``claimcheck serve``, planted in the ledger in C: text replaced in a copy of ledger.c."""

from __future__ import annotations

from pathlib import Path

from tests.adapters.programs import KIT

_REDEEM = """\
    if (claimant)
        redeem_claims(claimant, 1u << order, node);
"""
_ASSIGN = "    if (d && assign_pages(d, order, refcounted)) {\n"
_STEPS = """\
    pages -= deduct_node_claims(d, node, pages);
    pages -= deduct_global_claims(d, pages);
    for (node = 0; node < host.nr_nodes; node++)
        pages -= deduct_node_claims(d, node, pages);
"""
_NODE, _GLOBAL, _OTHERS = _STEPS.split("\n", maxsplit=1)[0], _STEPS.split("\n")[1], "\n".join(_STEPS.split("\n")[2:4])
_HOST_CHECK = "((int64_t)1 << order) > host.total_avail_pages - host.outstanding_claims + own"
_NODE_CHECK = "pages > host.node_avail_pages[node] - host.node_outstanding_claims[node] + own + LEDGER_SLACK"
_RECALL = "for (d = host.domains; d && host.node_outstanding_claims[node] > host.node_avail_pages[node]; d = d->next)\n"
_RECALL_HOST = "    for (d = host.domains; d && host.outstanding_claims > host.total_avail_pages; d = d->next)\n"
_DEDUCT = "        deduct_global_claims(d, (uint32_t)(host.outstanding_claims - host.total_avail_pages));\n"
_FREED = "            block.owner->tot_pages -= 1u << block.order;\n"
_TWICE = "if (named >> node & 1 || claims[i].pages > UINT_MAX - sum)"
_RELEASED = "    release_all_claims(d);\n    for (node = 0; node < host.nr_nodes; node++) {\n        d->claims[node] ="
_DOWNWARDS = "for (int id = 9; id >= 0 && {}; id--)\n        if ((d = domain_find(id)))\n"

MISTAKES: dict[str, list[tuple[str, str]]] = {
    "redeem-at-assign": [
        (_REDEEM, ""),
        ("    list_add(&allocated, (struct block){.mfn = *mfn", "    if (d)\n    " + _REDEEM.strip() + "\n"
         "    list_add(&allocated, (struct block){.mfn = *mfn"),
    ],
    "free-restores-claims": [(_FREED, "            {" + _FREED + """
            if (block.owner->global_claims || block.owner->node_claims) {
                block.owner->global_claims += 1u << block.order;
                host.outstanding_claims += 1u << block.order;
            } }
""")],
    "no-mixing": [(_HOST_CHECK, "(((int64_t)1 << order) > host.total_avail_pages - host.outstanding_claims && "
                   "((int64_t)1 << order) > own)")],
    "node-check-ignores-claims": [(_NODE_CHECK, "pages > host.node_avail_pages[node] + 0 * own")],
    "no-host-check": [(_HOST_CHECK, "own < 0")],
    "host-check-off-by-one": [(_HOST_CHECK, _HOST_CHECK.replace(" > ", " >= "))],
    "node-check-credits-whole-set": [
        ("own = claimant ? claimant->claims[node] : 0", "own = claimant ? claimant->node_claims : 0")
    ],
    "no-refcount-uses-claims": [
        ("int64_t own = claimant ? (int64_t)claimant->global_claims + claimant->node_claims : 0;",
         "int64_t own = d ? (int64_t)d->global_claims + d->node_claims : 0;"),
        ("find_node(d, claimant,", "find_node(d, d,"),
    ],
    "no-recall": [("    struct domain *d;\n\n    " + _RECALL, "    struct domain *d;\n\n    return;\n    " + _RECALL)],
    "recall-wrong-order": [
        (_RECALL, _DOWNWARDS.format("host.node_outstanding_claims[node] > host.node_avail_pages[node]")),
        (_RECALL_HOST, "    " + _DOWNWARDS.format("host.outstanding_claims > host.total_avail_pages")),
    ],
    "recall-node-only": [(_RECALL_HOST + _DEDUCT, "")],
    "offline-not-counted": [
        ("        host.node_avail_pages[node]--;\n        host.total_avail_pages--;\n        recall_claims(node);",
         "        host.node_avail_pages[node]--;\n        recall_claims(node);")
    ],
    "redeem-without-step-3": [(_STEPS, f"{_NODE}\n{_GLOBAL}\n")],
    "redeem-global-first": [(_STEPS, f"{_GLOBAL}\n{_NODE}\n{_OTHERS}\n")],
    "redeem-others-before-global": [(_STEPS, f"{_NODE}\n{_OTHERS}\n{_GLOBAL}\n")],
    "redeem-twice": [
        ("    list_add(&allocated, (struct block){.mfn = *mfn", "    if (d)\n    " + _REDEEM.strip() + "\n"
         "    list_add(&allocated, (struct block){.mfn = *mfn"),
    ],
    "aggregate-not-decremented": [("    host.node_outstanding_claims[node] -= pages;\n", "")],
    "failed-assign-restores-claims": [
        (_ASSIGN, _ASSIGN + "        d->global_claims += 1u << order;\n        host.outstanding_claims += 1 << order;\n")
    ],
    "install-accumulates": [
        (_RELEASED, "    for (node = 0; node < host.nr_nodes; node++) {\n        d->claims[node] +="),
        ("host.node_outstanding_claims[node] += d->claims[node];",
         "host.node_outstanding_claims[node] += (int64_t)node_pages[node];"),
        ("d->node_claims = (uint32_t)sum;", "d->node_claims += (uint32_t)sum;"),
        ("d->global_claims = (uint32_t)global;", "d->global_claims += (uint32_t)global;"),
    ],
    "failed-install-drops-claims": [
        ("    for (i = 0; i < nr; i++) {\n        if (claims[i].pad)",
         "    release_all_claims(d);\n    for (i = 0; i < nr; i++) {\n        if (claims[i].pad)")
    ],
    "own-claims-not-credited": [
        ("unclaimed + d->global_claims + d->node_claims)", "unclaimed)"), ("unclaimed + d->claims[node])", "unclaimed)")
    ],
    "duplicate-node-accepted": [
        (_TWICE, "if (claims[i].pages > UINT_MAX - sum)"),
        ("node_pages[node] = claims[i].pages;", "node_pages[node] += claims[i].pages;"),
    ],
    "target-only-availability": [
        ("    if ((int64_t)(global + sum) > unclaimed +", "    if (has_global && (int64_t)(global + sum) > unclaimed +")
    ],
    "pages-held-not-counted": [(" || d->tot_pages > d->max_pages - global - sum)", ")")],
    "limit-off-by-one": [
        ("if (global > d->max_pages || sum > d->max_pages - global || d->tot_pages > d->max_pages - global - sum)",
         "if (global + sum + d->tot_pages > (uint64_t)d->max_pages + 1)")
    ],
    "nodes-checked-first": [
        ("    for (i = 0; i < nr; i++) {\n        if (claims[i].pad)",
         "    for (i = 0; i < nr; i++)\n        if (claims[i].target != CLAIM_GLOBAL && claims[i].target >= host.nr_nodes)\n"
         "            return -ENOENT;\n    for (i = 0; i < nr; i++) {\n        if (claims[i].pad)")
    ],
    "legacy-on-top-of-set": [
        ("    if (d->global_claims || d->node_claims || pages <= d->tot_pages",
         "    release_all_claims(d);\n    if (pages <= d->tot_pages")
    ],
    "release-keeps-global": [
        ("    if (!pages) {\n        release_all_claims(d);\n        return 0;",
         "    if (!pages) {\n        uint32_t kept = d->global_claims;\n        release_all_claims(d);\n"
         "        d->global_claims = kept;\n        host.outstanding_claims += kept;\n        return 0;")
    ],
    "kill-keeps-claims": [("    d->is_dying = true;\n    release_all_claims(d);\n", "    d->is_dying = true;\n")],
}  # fmt: skip
"""By name, the replacements that plant it."""

FAULTS: dict[str, list[tuple[str, str]]] = {
    name: [("    if (!find_node(d, claimant,", f"    static int nr;\n    if (++nr == {number})\n        abort();\n"
            "    if (!find_node(d, claimant,")]
    for name, number in (("aborts", 20), ("aborts-later", 900))
}  # fmt: skip
"""Faults of the implementation itself."""


def planted(replacements: list[tuple[str, str]], folder: Path) -> Path:
    """A copy of ledger.c with the replacements made."""
    text = (KIT / "ledger.c").read_text()
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new, 1)
    path = folder / "ledger.c"
    path.write_text(text)
    return path
