"""Events a second of ``claimcheck replay``, against reading and checking the file alone."""

from __future__ import annotations

from functools import partial

from proofs.file_replay import replay_file
from proofs.traces import read_traces

from .effort import Effort
from .report import Section, Target, rate
from .timing import in_turn

WANTED = 60_000
BASELINE = "only read and validate the file (baseline)"
DEFAULT = "compare, check properties (what `claimcheck replay` does)"


def _read(path: str) -> int:
    return sum(1 for trace in read_traces(path) for _ in trace)


def measure(effort: Effort) -> Section:
    """One file, with and without each check."""
    path = effort.traces
    replayed = replay_file(path)
    if replayed.error is not None:
        raise ValueError(replayed.error)
    times = in_turn(
        {
            BASELINE: partial(_read, path),
            "compare (`--no-properties`)": partial(replay_file, path, check_properties=False),
            DEFAULT: partial(replay_file, path),
            "compare, check properties and locks (`--check-locks`)": partial(replay_file, path, check_locks=True),
        },
        effort.rounds,
    )
    best = replayed.events / times[DEFAULT].best
    return Section(
        title="Replay",
        text=(
            f"{replayed.events:,} events in {replayed.traces} recorded traces, {replayed.comparisons:,} observations\n"
            f"compared, {len(replayed.divergences)} divergences. Events a second, {effort.rounds} rounds."
        ),
        header=["what", "best", "median", "time over the baseline's"],
        rows=[
            [
                name,
                rate(replayed.events / t.best),
                rate(replayed.events / t.median),
                f"{t.over(times[BASELINE]):.1f}",
            ]
            for name, t in times.items()
        ],
        targets=[
            Target(
                "replay with all comparisons and properties, events a second", f"{WANTED:,}", rate(best), best >= WANTED
            )
        ],
    )
