"""docs/mutation.md and docs/mutation-tables.md, from the stored results of `make mutation`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from docs._make.blocks import Maker, table, write_documents
from proofs.evidence.mutants import Ending, MutantResult, MutationRun, read, reasons, rows, totals, unexplained

DOCUMENTS = (Path("docs/mutation.md"), Path("docs/mutation-tables.md"))


def _of_side(side: str, results: list[MutantResult], of: Callable[[MutantResult], str]) -> str:
    header, body = rows([r for r in results if r.mutant.side == side], of)
    return table(header, body)


def _operator(result: MutantResult) -> str:
    return result.mutant.operator


def _module(result: MutantResult) -> str:
    return f"`{result.mutant.module.partition('.')[2]}`"


def _survivors(results: list[MutantResult]) -> str:
    by_key = {r.mutant.key: r for r in results if r.judged.ending is Ending.SURVIVED}
    body = []
    for reason in reasons():
        shown = [_shown(by_key[key]) for key in reason.mutants if key in by_key]
        if shown:
            body.append(["<br>".join(shown), reason.says, reason.checked])
    body += [[_shown(r), "NOT EXPLAINED", r.judged.what] for r in unexplained(results)]
    return table(["mutant", "why it does no harm", "checked by"], body)


def _shown(result: MutantResult) -> str:
    m = result.mutant
    return f"`{m.module.partition('.')[2]}:{m.function}` {m.operator}: `{m.before}` became `{m.after}`".replace(
        "`nothing`", "nothing"
    )


def _killers(results: list[MutantResult]) -> str:
    counts: dict[str, list[MutantResult]] = {}
    for result in results:
        if result.judged.ending is Ending.KILLED:
            counts.setdefault(f"{result.mutant.side}: {_kind(result)}", []).append(result)
    body = [
        [name, str(len(group)), group[0].mutant.name]
        for name, group in sorted(counts.items(), key=lambda i: -len(i[1]))
    ]
    return table(["check", "mutants killed", "example"], body)


def _kind(result: MutantResult) -> str:
    verdict = result.judged
    if verdict.by == "prove":
        return f"prove {verdict.what.split('/')[1].partition('+')[0]}"
    return verdict.by


def blocks(run: MutationRun, results: list[MutantResult]) -> dict[str, Maker]:
    """The generated parts of the documents."""
    return {
        "totals": totals(run, results),
        "reference-operators": _of_side("reference", results, _operator),
        "reference-modules": _of_side("reference", results, _module),
        "model-operators": _of_side("model", results, _operator),
        "model-modules": _of_side("model", results, _module),
        "killers": _killers(results),
        "survivors": _survivors(results),
    }


def main(arguments: list[str]) -> int:
    """Write the documents."""
    return write_documents("mutation", __doc__, arguments, DOCUMENTS, lambda: blocks(*read()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
