"""``claimcheck simulate``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from proofs.cli.options import jobs_option, json_option
from proofs.cli.output import say
from proofs.exit_codes import INCOMPLETE, OK, REFUTED

if TYPE_CHECKING:
    from proofs.simulate.results import ScenarioResult
    from proofs.simulate.run import RunOutcome
    from proofs.simulate.scenario import Scenario

IN_A_TABLE = 4
"""Policies side by side: more do not fit on 80 columns."""


@click.command(
    short_help="builders and running domains on one host, with and without claims",
    epilog="""\b
Examples:
  claimcheck simulate
  claimcheck simulate boot-storm --policy no-claims --policy claim-sets
  claimcheck simulate boot-storm --policy xl --set builds.no_claim_share=0.2
  claimcheck simulate my-hosts.toml --seeds 50 --plot my-hosts.svg
  claimcheck simulate boot-storm --set host.node_memory=128GiB --set builds.count=40
  claimcheck simulate --show boot-storm > my-hosts.toml
  claimcheck simulate --list""",
)
@click.argument("scenarios", nargs=-1, metavar="[NAME|FILE.toml]...")
@click.option(
    "--policy",
    "policies",
    multiple=True,
    help="no-claims, legacy, single-node, claim-sets, xl, xenopsd or xenopsd-v4.  [default: all but the last]",
)
@click.option(
    "--set", "changes", multiple=True, metavar="FIELD=VALUE", help="Change a field of the scenarios; several."
)
@click.option("--seeds", type=click.IntRange(min=1), default=20, show_default=True, help="Runs of each.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="The first of the seeds.")
@click.option("--plot", "plot_file", metavar="FILE", help="Write the measures as an SVG picture.")
@click.option("--list", "only_list", is_flag=True, help="Name the scenarios that come with the tool.")
@click.option("--show", metavar="NAME", help="Print the TOML text of a scenario, to begin your own from.")
@jobs_option()
@json_option()
@click.pass_context
def simulate(
    ctx: click.Context,
    scenarios: tuple[str, ...],
    policies: tuple[str, ...],
    changes: tuple[str, ...],
    seeds: int,
    seed: int,
    plot_file: str | None,
    only_list: bool,
    show: str | None,
    jobs: int | None,
    as_json: bool,
) -> None:
    """What do claims gain? Builds that complete, that fail at the claim (cheap) or half-way (expensive).

    Each scenario is run on the reference under each policy, with the same seeds: builders interleave at critical
    sections with each other and with running domains. They request extents of 1 GiB, then of 2 MiB, then of
    4 KiB. Every number is a mean over the seeds, with its 95 % confidence interval below it. A policy that ignores a
    field of the scenario is an error where it is named, and left out otherwise.
    """
    from proofs.cli.names import known
    from proofs.simulate.policies import POLICIES
    from proofs.simulate.results import rows
    from proofs.simulate.scenario import built_in, load

    if show is not None:
        click.echo(built_in()[known("scenario", [show], list(built_in()))[0]].read_text(encoding="utf-8"), nl=False)
        ctx.exit(OK)
    if only_list:
        for name, path in built_in().items():
            click.echo(f"{name}\n    {load(path).about}")
        ctx.exit(OK)
    named = [] if "all" in policies else known("policy", policies, list(POLICIES))
    chosen = _scenarios(scenarios, changes)
    pairs = [(s, name) for s in chosen for name in _policies(s, named)]
    asked = [(s, name, seed + i) for s, name in pairs for i in range(seeds)]
    outcomes, complete = _run(asked, jobs)
    found = rows(outcomes)
    if as_json:
        from proofs.cli.output import print_json
        from proofs.versions import versions

        settings = {"versions": versions(), "seed": seed, "seeds": seeds, "asked": len(asked)}
        left_out = {scenario.name: _left_out(scenario, named) for scenario in chosen}
        print_json({**settings, "runs": len(outcomes), "rows": found, "left_out": left_out, "outcomes": outcomes})
    else:
        for scenario in chosen:
            _show(scenario, [row for row in found if row.scenario == scenario.name])
            for text in _left_out(scenario, named):
                say(f"Not run: {text}")
    if plot_file is not None:
        _plot(found, plot_file)
    if not complete:
        click.echo(f"claimcheck: interrupted after {len(outcomes)} of {len(asked)} runs", err=True)
    broken = any(row.broken or row.crashes for row in found)
    ctx.exit(REFUTED if broken else OK if complete else INCOMPLETE)


def _scenarios(asked: tuple[str, ...], changes: tuple[str, ...]) -> list[Scenario]:
    from proofs.cli.names import known
    from proofs.simulate.scenario import ScenarioError, built_in, load

    have = built_in()
    paths = [Path(a) if a.endswith(".toml") else have[known("scenario", [a], list(have))[0]] for a in asked]
    try:
        found = [load(path, changes) for path in paths or have.values()]
    except ScenarioError as error:
        raise click.UsageError(str(error)) from None
    if len({scenario.name for scenario in found}) < len(found):
        raise click.UsageError("two scenarios have the same name")
    return found


def _policies(scenario: Scenario, named: list[str]) -> list[str]:
    """The policies to run a scenario under: those named or, if none are, those that ignore nothing of it."""
    from proofs.simulate.policies import POLICIES, default_policies, ignored

    for name in named:
        if unused := ignored(scenario, POLICIES[name]):
            raise click.UsageError(f"{scenario.name}: --policy {name} ignores {', '.join(unused)}")
    return named or default_policies(scenario)


def _left_out(scenario: Scenario, named: list[str]) -> list[str]:
    """The policies that would be run if the scenario did not set a field that they ignore."""
    from proofs.simulate.policies import POLICIES, ignored

    if named:
        return []
    unused = {policy.name: ignored(scenario, policy) for policy in POLICIES.values() if policy.by_default}
    return [f"{name} ignores {', '.join(fields)}" for name, fields in unused.items() if fields]


def _one(run: tuple[Scenario, str, int]) -> RunOutcome | None:
    from proofs.simulate.run import run_once

    try:
        return run_once(*run)
    except KeyboardInterrupt:
        return None


def _run(asked: list[tuple[Scenario, str, int]], jobs: int | None) -> tuple[list[RunOutcome], bool]:
    """The outcomes in the order of the runs, whichever ended first, and whether all of them are there."""
    from proofs.cli.output import progress_bar
    from proofs.parallel import default_jobs, in_processes

    found: dict[int, RunOutcome] = {}
    with progress_bar() as progress:
        advance = partial(progress.advance, progress.add_task("simulating", total=len(asked))) if progress else None
        for index, outcome in in_processes(_one, asked, jobs or default_jobs()):
            if outcome is not None:
                found[index] = outcome
            if advance is not None:
                advance()
    return [outcome for _, outcome in sorted(found.items())], len(found) == len(asked)


def _show(scenario: Scenario, rows: list[ScenarioResult]) -> None:
    from proofs.cli.output import show_table, table
    from proofs.simulate.report import cell, measures_of

    say(f"{scenario.name}: {scenario.about}")
    for at in range(0, len(rows), IN_A_TABLE):
        part = rows[at : at + IN_A_TABLE]
        shown = table("measure", *(f"{row.policy}#" for row in part))
        for name in measures_of(rows):
            shown.add_row(name, *(_in_two_lines(cell(row, name)) for row in part))
        show_table(shown)
    for row in rows:
        if row.broken:
            say(f"{row.policy}: violated after a run: {', '.join(row.broken)}")
        if row.crashes:
            say(f"{row.policy}: the host crashed in {row.crashes} of {row.runs} runs")


def _in_two_lines(text: str) -> str:
    """The interval below the mean, so that IN_A_TABLE policies fit on 80 columns."""
    mean, _, interval = text.partition(" (")
    return f"{mean}\n{interval.rstrip(')').replace('% to', ' to').replace(' to ', '-')}"


def _plot(rows: list[ScenarioResult], file: str) -> None:
    try:
        from proofs.simulate.plots import plot

        picture = plot(rows)
    except ImportError:
        raise click.UsageError("--plot needs matplotlib: pip install 'claimcheck[report]'") from None
    try:
        Path(file).write_text(picture, encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"{file}: {error.strerror}") from None
