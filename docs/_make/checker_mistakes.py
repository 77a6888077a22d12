"""docs/checker-mistakes.md and its list, from the stored results of `make mutants-of-the-checker`."""

from __future__ import annotations

import sys
from pathlib import Path

from docs._make.blocks import Maker, table, write_documents
from tests.checker_mistakes.stored import CheckerMistakesRun, read

DOCUMENTS = (Path("docs/checker-mistakes.md"), Path("docs/checker-mistakes-list.md"))


def _totals(run: CheckerMistakesRun) -> str:
    noticed = sum(one.result.noticed for one in run.mistakes)
    busy = sum(one.result.seconds for one in run.mistakes)
    return (
        f"Run of {run.date}: {len(run.mistakes)} mistakes of {len({one.kind for one in run.mistakes})} kinds,"
        f" {noticed} noticed by the named test, {len(run.mistakes) - noticed} unnoticed;"
        f" {busy:.0f} seconds of processor time. z3 {run.versions['z3']}, Python {run.versions['python']};"
        f" code and tests {run.code[:12]}."
    )


def _kinds(run: CheckerMistakesRun) -> str:
    body = []
    for kind in dict.fromkeys(one.kind for one in run.mistakes):
        of_kind = [one.result for one in run.mistakes if one.kind == kind]
        seconds = sum(result.seconds for result in of_kind)
        body.append([kind, str(len(of_kind)), str(sum(not r.noticed for r in of_kind)), f"{seconds:.0f}"])
    return table(["kind", "mistakes", "unnoticed", "seconds"], body)


def _mistakes(run: CheckerMistakesRun) -> str:
    body = [
        [
            f"`{one.result.name}`: {one.says}",
            one.kind,
            f"`{one.noticed_by}`" if one.result.noticed else "**nothing**",
            f"{one.result.seconds:.1f}",
        ]
        for one in run.mistakes
    ]
    return table(["mistake", "kind", "noticed by", "seconds"], body)


def blocks(run: CheckerMistakesRun) -> dict[str, Maker]:
    """The generated parts of the documents."""
    return {"totals": _totals(run), "kinds": _kinds(run), "mistakes": _mistakes(run)}


def main(arguments: list[str]) -> int:
    """Write the documents."""
    return write_documents("checker_mistakes", __doc__, arguments, DOCUMENTS, lambda: blocks(read()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
