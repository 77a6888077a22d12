"""What is done to a run, and how it ends: the tests do it, docs/robustness.md lists it."""

import errno
import os
from typing import NamedTuple

from proofs.obligations.obligation import PARAMETRIC
from proofs.obligations.suite import property_ids, selected, suite

OF_ALLOCATIONS = "node-backed/alloc"
"""A few obligations that are quickly proved."""
STORED = len(selected(suite(["claim-sets"], property_ids(), [PARAMETRIC]), [OF_ALLOCATIONS]))


class Fault(NamedTuple):
    """One kind of harm."""

    what: str
    ends: str
    status: int
    says: str
    """The line on standard error; empty: there is no such line."""
    test: str
    """The test that does it."""


NO_SPACE = os.strerror(errno.ENOSPC)

FAULTS = {
    "no-memory": Fault(
        "the solver has next to no memory",
        "every obligation is unknown, with the reason",
        3,
        "",
        "test_everything_is_unknown_with_almost_no_memory",
    ),
    "little-memory": Fault(
        "the solver has too little memory for some obligations",
        "the right verdict or unknown",
        3,
        "",
        "test_no_verdict_is_wrong_with_little_memory",
    ),
    "prove-killed": Fault(
        "a worker of `prove` is killed",
        "its work is repeated: all verdicts",
        0,
        "",
        "test_prove_survives_killed_workers",
    ),
    "matrix-killed": Fault(
        "a worker of the matrix is killed",
        "its work is repeated: all cells",
        0,
        "",
        "test_matrix_survives_killed_workers",
    ),
    "fuzz-killed": Fault(
        "a worker of `fuzz` is killed",
        "its work is repeated: the same campaign as undisturbed",
        3,
        "a worker process died (killed, or out of memory); its work is repeated",
        "test_fuzz_gives_equal_results_with_killed_workers",
    ),
    "cache-damaged": Fault(
        "stored verdicts are cut, emptied, overwritten, edited or exchanged",
        "they count as absent and are computed again",
        0,
        "2 stored results could not be read: they were proved again",
        "test_damaged_cache_entries_are_counted_and_recomputed",
    ),
    "matrix-damaged": Fault(
        "the stored verdicts of a generation are damaged",
        "they count as absent and are computed again",
        0,
        "",
        "test_damaged_file_counts_as_absent",
    ),
    "cache-shared": Fault(
        "three runs on one cache at the same time",
        "the same verdicts, and a cache without damage",
        0,
        "",
        "test_concurrent_runs_share_a_cache",
    ),
    "cache-full": Fault(
        "the disk of the cache is full",
        "all verdicts; no file is left",
        0,
        f"{STORED} results are not stored: {NO_SPACE}",
        "test_full_disk_of_the_cache_loses_no_verdict",
    ),
    "cache-limited": Fault(
        "files may not grow",
        "all verdicts; no file is left",
        0,
        f"{STORED} results are not stored: {os.strerror(errno.EFBIG)}",
        "test_cache_files_that_cannot_grow_lose_no_verdict",
    ),
    "output-full": Fault(
        "the disk of standard output is full",
        "it ends",
        2,
        NO_SPACE,
        "test_unwritable_output_is_reported",
    ),
    "campaign-full": Fault(
        "the disk of a campaign is full",
        "it ends, and continues later when there is room",
        2,
        f"--out: campaign: {NO_SPACE}",
        "test_campaign_on_a_full_disk_ends_and_can_be_resumed",
    ),
}
"""By a name that the tests use."""


def said(name: str) -> list[str]:
    """The lines that a run so harmed writes on standard error."""
    line = FAULTS[name].says
    return [f"claimcheck: {line}"] if line else []
