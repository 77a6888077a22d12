"""``claimcheck fuzz``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proofs.cli.options import (
    Seconds,
    generation_option,
    jobs_option,
    json_option,
    mistake_option,
    start_limit_option,
    step_limit_option,
)
from proofs.cli.output import say
from proofs.exit_codes import BAD_INPUT, INCOMPLETE, OK, REFUTED

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from rich.progress import Progress

    from proofs.fuzz.campaign import Budget, Campaign
    from proofs.fuzz.known import GenerationFacts
    from proofs.fuzz.offered import ProgramCapabilities
    from proofs.fuzz.store import CampaignSettings

DURATION = 60.0
FINDINGS = "findings"
MOST_NAMED = 5
"""Classes that were not reached, in one line."""


@click.command(
    short_help="random traces: the reference against the model, or against an outside program",
    epilog="""\b
Examples:
  claimcheck fuzz
  claimcheck fuzz --generation all --duration 300 --out campaign
  claimcheck fuzz --steps 100000 --seed 7 --coverage
  claimcheck fuzz --mistake recall-stops-after-six-domains
  claimcheck fuzz --against './my-adapter --fast' --duration 30
  claimcheck fuzz --against ./my-adapter --shrink finding.jsonl
  claimcheck fuzz --scheduler tcp://scheduler:8786 --jobs 64 --out campaign""",
)
@generation_option(multiple=True, default=("claim-sets",), show_default=True, help="Several, or `all`.")
@click.option("--duration", type=Seconds(min=0), help="Seconds.  [default: 60, unless --steps is given]")
@click.option("--steps", type=click.IntRange(min=1), help="Critical sections to check, about.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@jobs_option("Processes, or tasks at a time")
@click.option("--out", metavar="DIR", help="Keep the campaign there: the same command resumes it, even if killed.")
@click.option("--against", metavar="COMMAND", help="Hold an outside program against the reference.")
@mistake_option("the reference")
@step_limit_option(help="Seconds for an answer of the program.")
@start_limit_option(help="Seconds until it is ready.")
@click.option("--shrink", metavar="FILE", help="With --against: only shrink this trace, on which the program fails.")
@click.option("--scheduler", metavar="ADDRESS", help="Run the shards on a Dask cluster (needs `distributed`).")
@click.option("--unguided", is_flag=True, help="Do not favour operations that lead to classes not yet seen.")
@click.option("--coverage", is_flag=True, help="Show every outcome class, how often it came out, and which cannot.")
@json_option()
@click.pass_context
def fuzz(
    ctx: click.Context,
    semantics: tuple[str, ...],
    duration: float | None,
    steps: int | None,
    seed: int,
    jobs: int | None,
    out: str | None,
    against: str | None,
    mistake: str,
    step_limit: float,
    start_limit: float,
    shrink: str | None,
    scheduler: str | None,
    unguided: bool,
    coverage: bool,
    as_json: bool,
) -> None:
    """Random traces of interleaved builders on hosts of 1 to 64 nodes, each critical section checked.

    The reference and the model must give the same result and the same counters, and what is proved of every state must
    hold. A failure is shrunk to a smallest trace and stored once, in DIR or in `findings`: the trace, and a test that
    fails as long as it is there. The same seed gives the same run.

    Exit code 0: no finding, and every outcome class was reached; 1: a finding; 3: some class was not reached, which
    the last lines name, or Ctrl-C.

    With --against, an outside program does what the reference did, and what it observes is compared. That it crashes,
    hangs or answers nonsense is a finding, too.

    With --mistake, a known mistake is made in the reference, in a generation that it fits: it has to be found.
    """
    from proofs.fuzz.campaign import Budget
    from proofs.fuzz.store import CampaignSettings
    from proofs.parallel import default_jobs
    from proofs.rules import digest_of

    if duration is not None and steps is not None:
        raise click.UsageError("--duration and --steps: one of them")
    if shrink is not None:
        ctx.exit(_shrink(shrink, against, step_limit, start_limit, Path(out or FINDINGS)))
    names = _known_names(semantics)
    if mistake:
        if against is not None:
            raise click.UsageError("--mistake and --against: one of them")
        by_default = ctx.get_parameter_source("semantics") is click.core.ParameterSource.DEFAULT
        mistake, names = _of_mistake(mistake, names, by_default)
    offered = None if against is None else _offered(against, names, step_limit, start_limit)
    settings = CampaignSettings(
        names, seed, not unguided, against, step_limit, start_limit, mistake=mistake, rules=digest_of(" ".join(names))
    )
    if steps is not None:
        settings.shard_steps = min(settings.shard_steps, max(1, steps // len(names)))
    budget = Budget(None if steps is not None else DURATION if duration is None else duration, steps)
    with ExitStack() as stack:
        executor = None if scheduler is None else stack.enter_context(_cluster(scheduler))
        campaign = _run(stack, settings, budget, jobs or default_jobs(), out, executor, offered)
    if as_json:
        _print_json(campaign)
    else:
        _print(campaign, coverage)
    if campaign.unusable:
        click.echo(f"claimcheck: --against: {campaign.unusable}; the counts are those before it", err=True)
    if campaign.findings():
        ctx.exit(REFUTED)
    if campaign.unusable:
        ctx.exit(BAD_INPUT)
    if campaign.interrupted:
        click.echo("claimcheck: interrupted; the counts are those of what was done", err=True)
        ctx.exit(INCOMPLETE)
    ctx.exit(INCOMPLETE if any(total.unreached() for total in campaign.totals.values()) else OK)


def _shrink(file: str, against: str | None, step_limit: float, start_limit: float, folder: Path) -> int:
    """Shrink a given trace; returns the exit code."""
    from proofs.adapters import OutsideFailure
    from proofs.fuzz.given import shrink_given
    from proofs.traces import TraceError

    if against is None:
        raise click.UsageError("--shrink needs --against: the program that fails on the trace")
    try:
        found = shrink_given(file, against, step_limit, start_limit, folder)
    except (TraceError, OutsideFailure) as error:
        raise click.UsageError(f"--shrink: {error}") from None
    if found is None:
        say(f"{file}: the program agrees with the reference")
        return OK
    say(f"found: {found.failure}")
    say(
        "  not shrunk: it fails with the blocks of this trace only" if found.path is None else f"  shrunk: {found.path}"
    )
    return REFUTED


def _known_names(semantics: tuple[str, ...]) -> list[str]:
    from model.named import GENERATIONS
    from proofs.cli.names import known

    return known("generation", semantics, list(GENERATIONS), all_means=True)


def _of_mistake(mistake: str, names: list[str], by_default: bool) -> tuple[str, list[str]]:
    """The mistake's name, and the generations to make it in.

    :param by_default: no generation was named: the one that the mistake is looked for in, or the first that it fits
    """
    from proofs.cli.mistakes import mistake_named
    from proofs.mistakes.catalogue import CATALOGUE, OF_REFERENCE

    name = mistake_named(mistake, OF_REFERENCE)
    fits = CATALOGUE[name].generations
    if not by_default and CATALOGUE[name].edit is None and (others := set(names) - set(fits)):
        raise click.UsageError(f"--mistake {name}: it is the rule of, or does not fit, {', '.join(sorted(others))}")
    return name, names if not by_default or set(names) <= set(fits) else fits[:1]


def _offered(command: str, semantics: list[str], step_limit: float, start_limit: float) -> ProgramCapabilities:
    """What can be sent to the program. If it cannot be used, that is reported before anything is tried."""
    from proofs.adapters import OutsideFailure
    from proofs.fuzz.program import usable

    try:
        return usable(command, semantics, step_limit, start_limit)
    except (OutsideFailure, ValueError) as error:
        raise click.UsageError(f"--against: {error}") from None


@contextmanager
def _cluster(address: str) -> Iterator[Executor]:
    """The executor of a Dask cluster."""
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        raise click.UsageError("--scheduler needs `distributed`: pip install claimcheck[dask]") from None
    try:
        client = distributed.Client(address, timeout=10)
    except (OSError, ValueError) as error:
        raise click.UsageError(f"--scheduler {address}: {str(error).splitlines()[0]}") from None
    with client:
        yield client.get_executor(pure=False)


def _run(
    stack: ExitStack,
    settings: CampaignSettings,
    budget: Budget,
    jobs: int,
    out: str | None,
    executor: Executor | None,
    offered: ProgramCapabilities | None,
) -> Campaign:
    from proofs.cli.output import progress_bar
    from proofs.fuzz.campaign import Campaign
    from proofs.fuzz.leads import as_offered
    from proofs.fuzz.store import Store, StoreError

    store, findings = None, Path(FINDINGS)
    if out is not None:
        findings = Path(out) / FINDINGS
        try:
            store = stack.enter_context(Store(Path(out), settings))
        except StoreError as error:
            raise click.UsageError(f"--out: {error}") from None
        settings = store.settings
    with progress_bar() as progress:
        known = _proved(settings.semantics, jobs, progress)
        if offered is not None:
            known = [as_offered(one, offered) for one in known]
        campaign = Campaign(settings, known, findings, store)
        campaign.run(budget, jobs, executor, _shown(progress, budget))
    campaign.finish()
    return campaign


def _proved(semantics: list[str], jobs: int, progress: Progress | None) -> list[GenerationFacts]:
    """What holds and what can come out, of each; some seconds each, where it is not known from before."""
    from proofs.fuzz.known import known_of
    from proofs.parallel import in_processes

    task = None if progress is None else progress.add_task("what is proved to hold", total=len(semantics))
    found: dict[int, GenerationFacts] = {}
    for index, known in in_processes(known_of, semantics, jobs):
        found[index] = known
        if progress is not None and task is not None:
            progress.advance(task)
    if progress is not None and task is not None:
        progress.remove_task(task)
    if len(found) < len(semantics):
        raise KeyboardInterrupt
    return [found[index] for index in range(len(semantics))]


def _shown(progress: Progress | None, budget: Budget) -> Any:
    """What to do after each shard: move the bar."""
    if progress is None:
        return lambda _campaign: None
    import time

    begun = time.monotonic()
    task = progress.add_task("steps", total=budget.steps or budget.seconds)

    def move(campaign: Campaign) -> None:
        done = campaign.steps if budget.steps is not None else time.monotonic() - begun
        found = len(campaign.findings())
        what = f"{campaign.steps:,} steps" + (f", {found} findings" if found else "")
        progress.update(task, completed=done, description=what)

    return move


def _print_json(campaign: Campaign) -> None:
    from proofs.cli.output import print_json
    from proofs.versions import versions

    print_json(
        {
            "versions": versions("z3-solver", "msgspec"),
            "settings": campaign.settings,
            "interrupted": campaign.interrupted,
            "semantics": [
                {
                    "semantics": total.semantics,
                    "shards": total.shards,
                    "traces": total.traces,
                    "steps": total.steps,
                    "processor_seconds": total.seconds,
                    "proved": total.known.proved,
                    "broken_without_proof": dict(sorted(total.broken.items())),
                    "not_applicable": dict(sorted(total.not_applicable.items())),
                    "classes": {name: total.hits[name] for name in total.known.reachable()},
                    "unreached": total.unreached(),
                    "unreachable": {name: reason for name, reason in total.known.classes.items() if reason},
                }
                for total in campaign.totals.values()
            ],
            "findings": [
                {
                    "failure": str(finding.found.failure),
                    "events": len(finding.found.events),
                    "nodes": finding.found.host.nodes,
                    "seed": finding.found.seed,
                    "traces": finding.traces,
                    "trace": finding.path,
                    "shrunk": finding.again,
                }
                for finding in campaign.findings()
            ],
        }
    )


def _print(campaign: Campaign, coverage: bool) -> None:

    from proofs.cli.output import show_table, table

    counts = table("generation", "traces#", "steps#", "classes#", "findings#", "steps/s#")
    findings = campaign.findings()
    for total in campaign.totals.values():
        reachable = total.known.reachable()
        counts.add_row(
            total.semantics,
            f"{total.traces:,}",
            f"{total.steps:,}",
            f"{len(reachable) - len(total.unreached())} of {len(reachable)}",
            f"{sum(finding.found.failure.semantics == total.semantics for finding in findings)}",
            f"{total.steps / total.seconds:,.0f}" if total.seconds else "",
        )
    show_table(counts)
    for total in campaign.totals.values():
        for name, count in sorted(total.broken.items()):
            line = f"{total.semantics}: {name} violated {count:,} times; it is not proved to hold"
            say(line)
        for reason, count in sorted(total.not_applicable.items()):
            say(f"{total.semantics}: not applicable, {count:,} times: {reason}")
        if missing := total.unreached():
            rest = len(missing) - MOST_NAMED
            more = f"; and {rest} more (--coverage shows all)" if rest > 0 else ""
            named = "; ".join(missing[:MOST_NAMED])
            say(f"{total.semantics}: not reached: {named}{more}")
    if coverage:
        _print_coverage(campaign)
    for finding in findings:
        _print_finding(finding)


def _print_coverage(campaign: Campaign) -> None:
    from rich.text import Text

    from proofs.cli.output import show_table, table

    for total in campaign.totals.values():
        classes = table(f"outcome class of {total.semantics}", "times#", "cannot be reached")
        for name, reason in total.known.classes.items():
            classes.add_row(Text(name), f"{total.hits[name]:,}", Text(reason))
        show_table(classes)


def _print_finding(finding: Any) -> None:

    from proofs.cli.output import console
    from proofs.explain.timeline import print_timeline
    from proofs.traces import TraceError, read_traces
    from proofs.traces.text import one_line
    from reference.status import MisuseError

    out = console()
    how = "" if finding.again else "; as it was met: it was not seen again"
    say(f"found: {finding.found.failure} ({finding.traces:,} traces{how})")
    path = Path(finding.path)
    if not finding.again:  # hundreds of events
        say(f"  its trace: {path}")
        return
    try:
        for trace in read_traces(path):
            print_timeline(trace, out)
    except (TraceError, MisuseError, OSError) as error:  # of a program that does not answer as traces have it
        say(f"  its trace cannot be shown: {one_line(str(error))}")
    say(f"as a script: claimcheck explain --as script {path}")
    test = path.with_name(f"test_{path.stem.replace('-', '_')}.py")
    say(f"{test}:")
    click.echo(test.read_text(encoding="utf-8"))
