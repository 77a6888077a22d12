"""``claimcheck diff --c --ranges``: the ranges of a file's values against those of the model's."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from proofs.cli.output import say, show_table, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proofs.c_paths.ranges import RangeComparison
    from proofs.c_paths.run import CResult


def compared_ranges(map_: str, rows: Sequence[CResult], jobs: int | None) -> dict[str, list[RangeComparison]] | None:
    """By operation: the model's values, proved now, with those that the file computes; None after Ctrl-C."""
    from proofs.c_paths.mapping import LoadedMap
    from proofs.c_paths.ranges import compared, joined, judged_values, transitions_of
    from proofs.parallel import default_jobs, in_processes
    from proofs.prover.pool import prepare

    generation = rows[0].generation
    operations = list(dict.fromkeys(row.operation for row in rows))
    asked = transitions_of(generation, operations)
    jobs = jobs or default_jobs()
    judged = dict(in_processes(partial(judged_values, generation), asked, jobs, prepare=prepare))
    if len(judged) < len(asked):
        return None
    values = [row for number in range(len(asked)) for row in judged[number]]
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
