"""The ledger with hypercalls on a heap of zones: a frame's zone is its highest bit, and the highest zone serves first."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

from tests.adapters.programs import KIT, built

OPTIONS = ("-DOPTIONS=CLAIM_SEVERAL_ZONES", "-DWHOLE")

ZONES = [
    (
        "static struct list free_list[MAX_NUMNODES][MAX_ORDER + 1];\n",
        "#define ZONES 64\nstatic struct list free_list[MAX_NUMNODES][ZONES][MAX_ORDER + 1];\n"
        "static uint64_t first_of[MAX_NUMNODES];\nunsigned long zone_avail[MAX_NUMNODES][ZONES];\n",
    ),
    (
        "    return (unsigned int)((mfn - host.first_frame) / host.node_span);\n",
        "    unsigned int node = host.nr_nodes - 1;\n\n    while (node && mfn < first_of[node])\n        node--;\n"
        "    return node;\n}\n\nstatic unsigned int zone_of(uint64_t mfn)\n{\n    unsigned int zone = 0;\n\n"
        "    while (mfn >>= 1)\n        zone++;\n    return zone;\n",
    ),
    ("return &free_list[node_of(mfn)][order];", "return &free_list[node_of(mfn)][zone_of(mfn)][order];"),
    (
        "static void heap_put(uint64_t mfn, unsigned int order)\n{\n",
        "static struct block heap_out(struct list *list, size_t at)\n{\n    struct block block = list_take(list, at);\n\n"
        "    zone_avail[node_of(block.mfn)][zone_of(block.mfn)] -= 1ul << block.order;\n    return block;\n}\n\n"
        "static void heap_put(uint64_t mfn, unsigned int order)\n{\n"
        "    zone_avail[node_of(mfn)][zone_of(mfn)] += 1ul << order;\n",
    ),
    ("        list_take(list, at);\n        mfn &=", "        heap_out(list, at);\n        mfn &="),
    ("    for (found = order; found <= MAX_ORDER; found++) {\n", "    for (zone = ZONES; zone-- > 0;)\n"
     "    for (found = order; found <= MAX_ORDER; found++) {\n"),
    ("    unsigned int found;\n", "    unsigned int found, zone;\n"),
    ("&free_list[node][found];", "&free_list[node][zone][found];"),
    ("= list_take(list, heap_pick(list));", "= heap_out(list, heap_pick(list));"),
    ("heap_split(list_take(list, at), mfn, 0);", "heap_split(heap_out(list, at), mfn, 0);"),
    (
        "            free_list[node][order].used = 0;\n",
        "            for (unsigned int zone = 0; zone < ZONES; zone++)\n"
        "                free_list[node][zone][order].used = zone_avail[node][zone] = 0;\n",
    ),
    ("    host.first_frame = first_frame;\n", "    host.first_frame = first_frame;\n"
     "    memcpy(first_of, first, nr_nodes * sizeof(*first));\n"),
]  # fmt: skip
"""Text of ledger.c, and what stands for it with zones."""

_SUMMED = (
    "    memcpy(state->node_avail_pages, host.node_avail_pages, sizeof(host.node_avail_pages));\n",
    "    extern unsigned long zone_avail[MAX_NUMNODES][64];\n    for (unsigned int n = 0; n < host.nr_nodes; n++)\n"
    "        state->node_avail_pages[n] = claim_sum_zones(zone_avail[n], 64);\n",
)
"""The same for attach_builders.c: what the model compares is the sum over the zones."""

_ZONES_DOWN = "for (zone = ZONES; zone-- > 0;)"
MISTAKES: dict[str, tuple[str, str]] = {
    "lower-zone-not-searched": (
        _ZONES_DOWN, "for (zone = ZONES; zone-- > 0 && (zone + 1 == ZONES || !zone_avail[node][zone + 1]);)"
    ),
    "upper-zone-not-counted": (
        "[zone_of(block.mfn)] -= 1ul", "[zone_of(block.mfn)] -= (zone_of(block.mfn) == zone_of(first_of[node_of(block.mfn)])) * 1ul"
    ),
}  # fmt: skip


def zoned(mistake: str = "") -> Path:
    """A folder with the ledger on zones and its attachment, perhaps with a mistake."""
    folder = Path(tempfile.mkdtemp(prefix="claimcheck-zones-"))
    atexit.register(shutil.rmtree, folder)
    for name in ("attach_hypercalls.c", "ledger_hypercalls.c", "ledger_builders.c"):
        shutil.copy(KIT / name, folder)
    for name, replacements in (
        ("ledger.c", [*ZONES, *([MISTAKES[mistake]] if mistake else [])]),
        ("attach_builders.c", [_SUMMED]),
    ):
        text = (KIT / name).read_text()
        for old, new in replacements:
            assert old in text, old
            text = text.replace(old, new, 1)
        (folder / name).write_text(text)
    return folder


def with_zones(mistake: str = "") -> str:
    """The command of the ledger on zones."""
    folder = zoned(mistake)
    return built((folder / "attach_hypercalls.c", folder / "ledger_hypercalls.c"), OPTIONS)
