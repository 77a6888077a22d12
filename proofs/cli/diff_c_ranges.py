"""``claimcheck diff --c --ranges``: the ranges of a file's values against those of the model's."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from proofs.cli.output import progress_bar, say, show_table, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proofs.c_paths.ranges import RangeComparison
    from proofs.c_paths.run import CResult


def compared_ranges(map_: str, rows: Sequence[CResult]) -> dict[str, list[RangeComparison]] | None:
    """By operation: the model's values, proved now, with those that the file computes; None after Ctrl-C."""
    from proofs.c_paths.mapping import LoadedMap
    from proofs.c_paths.ranges import compared, joined, transitions_of
    from proofs.c_ranges.rows import rows_of

    generation = rows[0].generation
    operations = list(dict.fromkeys(row.operation for row in rows))
    values = []
    try:
        with progress_bar() as progress:
            asked = transitions_of(generation, operations)
            bar = None if progress is None else progress.add_task("proving ranges", total=len(asked))
            for number, name in enumerate(asked, 1):
                values += rows_of(generation, [name])
                if progress is not None and bar is not None:
                    progress.update(bar, completed=number)
    except KeyboardInterrupt:
        return None
    counters = LoadedMap(Path(map_), map_).map.counters
    return {
        name: compared(
            name, counters, values, joined(one for row in rows if row.operation == name for one in row.ranges)
        )
        for name in operations
    }


def print_ranges(found: dict[str, list[RangeComparison]]) -> None:
    """The values with a difference, and how many there are of each kind."""
    from proofs.c_paths.ranges import KNOWN, SAME

    shown = table("operation", "value of the model", "its type", "in C", "ranges")
    for operation, comparisons in found.items():
        for one in comparisons:
            if one.outcome not in (SAME, KNOWN):
                verdict = "proved" if one.proved else "may leave it"
                computed = ", ".join(f"{c.c_type}{' (leaves it)' if c.leaves else ''}" for c in one.computed)
                shown.add_row(operation, one.expression, f"{one.c_type}: {verdict}", computed, one.outcome)
    if shown.row_count:
        show_table(shown)
    counts = Counter(one.outcome for comparisons in found.values() for one in comparisons)
    say("ranges of the model's values: " + ", ".join(f"{number} {outcome}" for outcome, number in counts.items()))
