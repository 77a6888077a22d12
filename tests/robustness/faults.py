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
    """The line on standard error; none: nothing is said there."""
    test: str
    """The test that does it."""


NO_SPACE = os.strerror(errno.ENOSPC)

FAULTS = {
    "no-memory": Fault(
        "the solver has next to no memory",
        "every obligation is unknown, with the reason",
        3,
        "",
        "test_with_next_to_no_memory_everything_is_unknown",
    ),
    "little-memory": Fault(
        "the solver has too little memory for some obligations",
        "the right verdict or unknown",
        3,
        "",
        "test_in_between_no_verdict_is_wrong",
    ),
    "prove-killed": Fault(
        "a worker of `prove` is killed", "what it did is done again: all verdicts", 0, "", "test_prove"
    ),
    "matrix-killed": Fault(
        "a worker of the matrix is killed", "what it did is done again: all cells", 0, "", "test_the_matrix"
    ),
    "fuzz-killed": Fault(
        "a worker of `fuzz` is killed",
        "what it did is done again: the same campaign as undisturbed",
        3,
        "a worker process died: killed, or out of memory; what it was doing is done again",
        "test_fuzz_gives_what_it_gives_undisturbed",
    ),
    "cache-damaged": Fault(
        "stored verdicts are cut, emptied, overwritten, edited or exchanged",
        "they count as absent and are made anew",
        0,
        "2 stored results could not be read: proved anew",
        "test_damaged_entries_are_counted_and_made_anew",
    ),
    "matrix-damaged": Fault(
        "the stored verdicts of a generation are damaged",
        "they count as absent and are made anew",
        0,
        "",
        "test_a_damaged_file_counts_as_absent",
    ),
    "cache-shared": Fault(
        "three runs on one cache at the same time",
        "the same verdicts, and a cache without damage",
        0,
        "",
        "test_runs_at_the_same_time_share_a_cache",
    ),
    "cache-full": Fault(
        "the disk of the cache is full",
        "all verdicts; nothing is left behind",
        0,
        f"{STORED} results are not stored: {NO_SPACE}",
        "test_a_cache_on_a_full_disk_costs_no_verdict",
    ),
    "cache-limited": Fault(
        "files may not grow",
        "all verdicts; nothing is left behind",
        0,
        f"{STORED} results are not stored: {os.strerror(errno.EFBIG)}",
        "test_a_cache_whose_files_cannot_grow_costs_no_verdict",
    ),
    "output-full": Fault(
        "the disk of standard output is full",
        "it ends",
        2,
        NO_SPACE,
        "test_output_that_cannot_be_written_is_said",
    ),
    "campaign-full": Fault(
        "the disk of a campaign is full",
        "it ends, and goes on later where there is room",
        2,
        f"--out: campaign: {NO_SPACE}",
        "test_a_campaign_on_a_full_disk_ends_and_goes_on_where_there_is_room",
    ),
}
"""By a name that the tests use."""


def said(name: str) -> list[str]:
    """The lines that a run so harmed writes on standard error."""
    line = FAULTS[name].says
    return [f"claimcheck: {line}"] if line else []
