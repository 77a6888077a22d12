"""The traces of a review, as files."""

from __future__ import annotations

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
    if review.behaviour:
        found[f"{review.base}--{review.name}.jsonl"] = review.behaviour.encode()
    return found
