"""The traces of a review, as files."""

from __future__ import annotations

from proofs.matrix.differences import lines_of
from proofs.review.result import Direction, Review


def files(review: Review) -> dict[str, bytes]:
    """By name: what violates each row that is worse, where the halves differ, and where behaviour first differs."""
    found = {
        f"{change.row.replace(' if ', '+').replace(' and ', '+')}.jsonl": change.trace.encode()
        for change in review.of_direction(Direction.WORSE)
        if change.trace
    }
    for row in review.disagreements():
        if row.difference is not None and row.difference.trace:
            found[f"halves-{row.operation}.jsonl"] = ("\n".join(row.difference.trace) + "\n").encode()
    if review.difference is not None and review.difference.differs:
        found[f"{review.base}--{review.name}.jsonl"] = lines_of(review.base, review.name, review.difference)
    return found
