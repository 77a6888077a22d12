"""docs/review-a-patch.md: what review says of the files in tests/data/reviews. `--review` judges them again (minutes).

The reviews are stored next to the files, and the document is written from these.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from docs._make.blocks import Maker, Output, parser, table
from docs._make.checkout import ROOT
from proofs.cli.review import MAIL_WIDTH, exit_code
from proofs.parallel import default_jobs
from proofs.review.result import Direction, Review
from proofs.review.run import review
from proofs.review.text import answer, as_text
from proofs.rules.loading import forget, load

FOLDER = Path("tests/data/reviews")
DOCUMENT = Path("docs/review-a-patch.md")
EXAMPLE = "redeem-host-wide-first"
ORDER = (
    EXAMPLE,
    "step-3-forgotten",
    "whole-set-credited",
    "one-page-too-few",
    "limit-read-unlocked",
    "offline-marks-kept",
    "dying-under-the-locks",
    "restated",
)


class StoredReview(msgspec.Struct):
    """A review, and the machine's load when it began."""

    review: Review
    jobs: int
    processors: int
    load: float


def path_of(name: str) -> Path:
    """Where a review is stored."""
    return FOLDER / f"{name}.json"


def stored(name: str) -> StoredReview:
    """A review as it was stored.

    :raises OSError: there is none
    """
    return msgspec.json.decode((ROOT / path_of(name)).read_bytes(), type=StoredReview)


def there() -> list[str]:
    """The files whose review is stored."""
    return [name for name in ORDER if (ROOT / path_of(name)).exists()]


def judge(names: Sequence[str], jobs: int) -> None:
    """Review the files, and store what was found."""
    for name in names:
        rules = load(str(FOLDER / f"{name}.py"))
        load_average = os.getloadavg()[0]
        found = review(rules, jobs, cached=False)
        forget(name)
        found.cells = [replace(cell, trace=None, replayed=[]) for cell in found.cells]
        kept = StoredReview(found, jobs, default_jobs(), round(load_average, 1))
        path_of(name).write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n")
        print(f"{name}: {found.seconds:.0f} s, {found.processor_seconds:.0f} s of processor time", flush=True)


HEADINGS = (
    "rules",
    "halves",
    "worse",
    "undecided",
    "better",
    "behaviour differs after",
    "locks",
    "exit",
    "s",
    "s of processor time",
)


def reviews() -> str:
    """One line per file."""
    found = [stored(name) for name in there()]
    loads, jobs = [one.load for one in found], max(one.jobs for one in found)
    processes = "one process" if jobs == 1 else f"{jobs} processes"
    lines = [_line(one.review) for one in found]
    lines += [[f"`{name}`", "not reviewed yet", *[""] * (len(HEADINGS) - 2)] for name in ORDER if name not in there()]
    return (
        f"{table(HEADINGS, lines)}\n\n"
        f"*s*: seconds by the clock; *s of processor time*: of all parts together. One review after the other, each on"
        f" {processes}; load {min(loads)} to {max(loads)} on {found[0].processors} processors when one began, with what"
        f" the reviews before it left of it."
    )


def _line(found: Review) -> list[str]:
    halves = ", ".join(f"`{row.operation}`" for row in found.disagreements())
    counts = [str(len(found.of_direction(kind))) for kind in (Direction.WORSE, Direction.UNKNOWN, Direction.BETTER)]
    differs = found.difference is not None and found.difference.differs
    return [
        f"[{found.name}](../{FOLDER.as_posix()}/{found.name}.py)",
        f"disagree: {halves}" if halves else "agree",
        *counts,
        f"{len(found.difference.events)} events" if found.difference is not None and differs else "none found",
        "others" if found.locks else "the same",
        str(exit_code(found)),
        f"{found.seconds:.0f}",
        f"{found.processor_seconds:.0f}",
    ]


def example() -> str:
    """The whole answer on the redeem order."""
    return f"```text\n{as_text(stored(EXAMPLE).review, MAIL_WIDTH)}```"


def patch() -> str:
    """The file of the worked example."""
    return f"```text\n{(ROOT / FOLDER / f'{EXAMPLE}.py').read_text(encoding='utf-8')}```"


def answers() -> str:
    """What the first line says of each."""
    return "\n".join(f"- `{name}`: {' '.join(answer(stored(name).review))}" for name in there())


BLOCKS: dict[str, Maker] = {
    "reviews": reviews,
    "review-example": example,
    "review-file": patch,
    "review-answers": answers,
}


def main(arguments: list[str]) -> int:
    """Write the document, or judge the files again."""
    options = parser("reviews", __doc__)
    options.add_argument("--review", nargs="*", metavar="NAME", help="judge these files again; all, if none is named")
    options.add_argument("--jobs", type=int, default=default_jobs())
    given = options.parse_args(arguments)
    if given.review is not None:
        judge(given.review or ORDER, given.jobs)
    output = Output(given.check)
    output.renew(DOCUMENT, BLOCKS)
    return output.ended()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
