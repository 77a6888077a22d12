"""What ``claimcheck prove --vacuity`` prints."""

from __future__ import annotations

import click


def show_vacuity(semantics: str, jobs: int, as_json: bool) -> bool:
    """Print the findings; whether every obligation has a witness."""
    from dataclasses import asdict

    from proofs.cli.output import console, print_json, table
    from proofs.prover.vacuity import vacuity

    found = vacuity(semantics, jobs)
    if as_json:
        print_json([asdict(v) for v in found])
        return all(not v.vacuous and not v.undecided for v in found)
    shown = table("transition", "satisfiable#", "vacuous#", "needed#", "needed by no property")
    for v in found:
        needless = ", ".join(v.not_needed)
        shown.add_row(v.transition, str(v.satisfiable), str(len(v.vacuous)), str(len(v.needed)), needless)
    console().print(shown)
    click.echo(
        f"{sum(v.satisfiable for v in found)} obligations with a witness, "
        f"{sum(len(v.vacuous) for v in found)} vacuous, "
        f"{sum(len(v.undecided) for v in found)} undecided; {sum(len(v.needed) for v in found)} guards and updates "
        f"needed, {sum(len(v.not_needed) for v in found)} missed by no property"
    )
    for v in found:
        for name in v.vacuous:
            click.echo(f"vacuous: {name}")
    return all(not v.vacuous and not v.undecided for v in found)
