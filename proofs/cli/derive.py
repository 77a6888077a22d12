"""What ``claimcheck prove --derive NxD`` does on the command line, and prints."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from proofs.exit_codes import INCOMPLETE, OK

if TYPE_CHECKING:
    from proofs.prover.verdict import Settings
    from proofs.spacer.derive import Derivation
    from proofs.spacer.target import SpacerTarget


def show_derivations(
    names: list[str],
    ids: list[str],
    hosts: list[tuple[int, int]],
    mutation: str,
    settings: Settings,
    seconds: int,
    jobs: int,
    as_json: bool,
) -> int:
    """Derive, certify, compare and print; gives the exit code. `ids` empty: those that are derived by default."""
    asked = _targets(names, ids, hosts, mutation)
    found = _derived(asked, settings, seconds, jobs)
    if as_json:
        from proofs.cli.output import print_json

        print_json(as_data(found, settings, seconds, len(asked)))
    else:
        for derivation in found:
            _print(derivation)
    if len(found) < len(asked):
        click.echo(f"claimcheck: interrupted after {len(found)} of {len(asked)} invariants", err=True)
    return exit_code(found, len(asked))


def _targets(names: list[str], ids: list[str], hosts: list[tuple[int, int]], mutation: str) -> list[SpacerTarget]:
    from proofs.spacer.target import DERIVED, targets

    for name in ids:
        if not any(targets(semantics, [name], 1, 1) for semantics in names):
            raise click.UsageError(f"--derive is for properties of states, which {name!r} is not in {', '.join(names)}")
    return [t for n, d in hosts for s in names for t in targets(s, ids or list(DERIVED), n, d, mutation)]


def _derived(asked: list[SpacerTarget], settings: Settings, seconds: int, jobs: int) -> list[Derivation]:
    from proofs.cli.output import progress_bar
    from proofs.spacer.derive import derive_all

    with progress_bar() as progress:
        if progress is None:
            return derive_all(asked, settings, seconds, jobs)
        task = progress.add_task("deriving", total=len(asked))
        return derive_all(asked, settings, seconds, jobs, partial(_told, progress, task))


def _told(progress: Any, task: Any, done: int) -> None:
    progress.update(task, completed=done)


def exit_code(found: list[Derivation], asked: int) -> int:
    """3 if an invariant was not found or not certified; else 0."""
    from proofs.prover.verdict import Verdict

    whole = len(found) == asked and all(d.verdict is Verdict.PROVED for d in found)
    return OK if whole else INCOMPLETE


def as_data(found: list[Derivation], settings: Settings, seconds: int, asked: int) -> dict[str, Any]:
    """For JSON."""
    from proofs.prover.verdict import versions

    limits = {"seed": settings.seed, "rlimit": settings.rlimit, "seconds": seconds}
    return {"versions": versions(), **limits, "asked": asked, "invariants": found}


def _print(derivation: Derivation) -> None:
    from proofs.spacer.derive import certificate_counts, less, more

    times = f"found in {derivation.derive_seconds:.1f} s, certified in {derivation.certify_seconds:.1f} s"
    click.echo(
        f"{derivation.name}: {derivation.verdict.value}" + (f" ({derivation.reason})" if derivation.reason else "")
    )
    click.echo(f"    {derivation.clauses} clauses over {derivation.counters} counters; {times}")
    if not derivation.certificates:
        return
    proved, of = certificate_counts(derivation)
    click.echo(f"    the prover: {proved} of {of} questions proved")
    for certificate in derivation.certificates:
        if certificate.verdict.value != "proved":
            click.echo(f"        {certificate.verdict.value}: {certificate.question}")
    click.echo("    Spacer's invariant:")
    extra = {conjunct.text for conjunct in more(derivation)}
    for conjunct in derivation.spacers:
        click.echo(f"        {conjunct.text}" + ("    (not in the hand-written one)" if conjunct.text in extra else ""))
    click.echo("    of the hand-written invariants it has not:")
    for name, conjuncts in less(derivation).items():
        shown = ", ".join(c.text for c in conjuncts[:3]) + (", ..." if len(conjuncts) > 3 else "")
        click.echo(f"        {name}: {len(conjuncts)}: {shown}")
