"""What ``claimcheck prove --cross-check`` does on the command line, and prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from proofs.exit_codes import INCOMPLETE, OK, REFUTED

if TYPE_CHECKING:
    from proofs.prover.cross_check import CrossCheckResult, SolverQuestion
    from proofs.prover.verdict import Settings


def refuse_without_cvc5() -> None:
    """One line, before anything is proved."""
    from proofs.prover.second_solver import MissingSolverError, needs_cvc5

    try:
        needs_cvc5()
    except MissingSolverError as error:
        raise click.UsageError(str(error)) from None


@dataclass(frozen=True)
class CrossCheckReport:
    """What both solvers said, to be printed."""

    found: list[CrossCheckResult]
    asked: int
    settings: Settings

    def code(self) -> int:
        """1 if the solvers disagree; else 3 if a query was not decided by cvc5, or not sent; else 0."""
        from proofs.prover.cross_check import DISAGREE, UNDECIDED

        outcomes = {one.outcome for one in self.found}
        if DISAGREE in outcomes:
            return REFUTED
        return INCOMPLETE if UNDECIDED in outcomes or len(self.found) < self.asked else OK

    def as_data(self) -> dict[str, Any]:
        """For JSON: version, limits, counts and times by kind, and every question."""
        import msgspec

        from proofs.prover.cross_check import by_kind, summary
        from proofs.prover.second_solver import cvc5_limits, cvc5_version

        return {
            "cvc5": cvc5_version(),
            "limits": cvc5_limits(self.settings),
            "asked": self.asked,
            "counts": summary(self.found),
            "by_kind": by_kind(self.found),
            "questions": [{**msgspec.to_builtins(one), "outcome": one.outcome} for one in self.found],
        }

    def show(self) -> None:
        """The table, and by name what is not agreed on."""
        from proofs.cli.output import show_table, table
        from proofs.prover.cross_check import AGREE, by_kind, summary
        from proofs.prover.second_solver import cvc5_version

        shown = table(
            "hosts", "questions#", "unsat#", "sat#", "undecided#", "cvc5 alone#", "disagree#", "Z3 s#", "cvc5 s#"
        )
        every = summary(self.found)
        for kind, s in {**by_kind(self.found), "all": every}.items():
            counts = (s.questions, s.unsat, s.sat, s.undecided, s.alone, s.disagree)
            shown.add_row(kind, *map(str, counts), f"{s.z3_seconds:.2f}", f"{s.cvc5_seconds:.2f}")
        show_table(shown)
        for one in self.found:
            if one.outcome != AGREE:
                click.echo(one.sentence())
        click.echo(
            f"{every.questions} questions to cvc5 {cvc5_version()}: {every.unsat + every.sat} agree, {every.disagree}"
            f" disagree, {every.undecided} undecided by cvc5, {every.alone} decided by cvc5 alone"
        )
        if len(self.found) < self.asked:
            click.echo(f"claimcheck: interrupted after {len(self.found)} of {self.asked} questions to cvc5", err=True)


def checked(asked: list[SolverQuestion], settings: Settings, jobs: int) -> CrossCheckReport:
    """All questions put to both solvers."""
    from proofs.cli.output import progress_bar
    from proofs.prover.cross_check import cross_check

    with progress_bar() as progress:
        if progress is None:
            return CrossCheckReport(cross_check(asked, settings, jobs), len(asked), settings)
        task = progress.add_task("cross-checking", total=len(asked))
        found = cross_check(asked, settings, jobs, lambda done: progress.update(task, completed=done))
        return CrossCheckReport(found, len(asked), settings)
