"""The table of what came out of obligations, as printed."""

from collections import Counter

from proofs.cli.output import console, table
from proofs.prover.report import from_the_cache, rows
from proofs.prover.verdict import Result, Verdict


def print_results(results: list[Result], not_applicable: int) -> None:
    """The table of verdicts, everything refuted or unknown by name, and the counts."""
    out = console()
    with_support = any(r.used for r in results)
    columns = ["property", "hosts", "verdict", "proved#", "refuted#", "unknown#", "seconds#"]
    shown = table(*columns, *(["needs"] if with_support else []))
    for row in rows(results):
        shown.add_row(*row[: len(columns) + with_support])
    out.print(shown)
    for result in results:
        if result.verdict is Verdict.UNKNOWN or (result.verdict is Verdict.REFUTED and result.claimed):
            out.print(f"{result.verdict.value}: {result.name}" + (f" ({result.reason})" if result.reason else ""))
            for name, value in result.model.items():
                out.print(f"    {name} = {value}")
    counts = Counter(r.verdict for r in results)
    as_claimed = sum(1 for r in results if r.verdict is Verdict.REFUTED and not r.claimed)
    out.print(
        f"{len(results)} obligations: {counts[Verdict.PROVED]} proved, {counts[Verdict.REFUTED]} refuted"
        f" ({as_claimed} of them only without the conditions that are required), {counts[Verdict.UNKNOWN]} unknown;"
        f" {from_the_cache(results)}; {not_applicable} not applicable"
    )
