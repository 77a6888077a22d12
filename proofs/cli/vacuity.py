"""What ``claimcheck prove --vacuity`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from proofs.prover.vacuity import Vacuity


def all_have_witnesses(found: list[Vacuity]) -> bool:
    """Whether no obligation is a proof of nothing."""
    return all(not v.vacuous and not v.undecided for v in found)


def show_vacuity(found: list[Vacuity]) -> None:
    """Print what was found about every transition."""
    from proofs.cli.output import show_table, table

    shown = table("transition", "satisfiable#", "vacuous#", "needed#", "needed by no property")
    for v in found:
        needless = ", ".join(v.not_needed)
        shown.add_row(v.transition, str(v.satisfiable), str(len(v.vacuous)), str(len(v.needed)), needless)
    show_table(shown)
    click.echo(
        f"{sum(v.satisfiable for v in found)} obligations with a witness, "
        f"{sum(len(v.vacuous) for v in found)} vacuous, "
        f"{sum(len(v.undecided) for v in found)} undecided; {sum(len(v.needed) for v in found)} guards and updates "
        f"needed, {sum(len(v.not_needed) for v in found)} missed by no property"
    )
    for v in found:
        for name in v.vacuous:
            click.echo(f"vacuous: {name}")
