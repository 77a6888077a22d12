"""What came out of obligations, as printed: a table, what is refuted or unknown, and the result in a sentence."""

from __future__ import annotations

from collections import Counter

import click

from proofs.cli.output import say, show_table, table
from proofs.obligations.names import AUXILIARY, COMPARING
from proofs.prover.report import from_the_cache, grouped, hosts_of, property_of, readable, rows, verdict_of
from proofs.prover.verdict import Result, Verdict

SHOWN = 3
"""Refuted obligations of a property that are shown with their numbers; of the others there is the count."""


def print_results(results: list[Result], of: int | None = None) -> None:
    """The table of verdicts, everything refuted or unknown by name, and the result.

    :param of: how many obligations there are, if the run was interrupted and has not decided all
    """
    _print_table(results)
    comparing = [r for r in results if property_of(r).partition(".")[0] in COMPARING]
    if comparing:  # a run from the cache shall not load the model for nothing
        from proofs.refinement.premises import notes

        for note in notes((property_of(r).partition("+")[0], _generation_and_mistake(r)[0]) for r in comparing):
            say(note)
    for (prop, _hosts, claimed), group in grouped(results).items():
        refuted = [r for r in group if r.verdict is Verdict.REFUTED]
        if claimed and refuted:
            _print_refuted(prop, refuted)
    for result in results:
        if result.verdict is Verdict.UNKNOWN:
            click.echo(f"unknown: {result.name}" + (f" ({result.reason})" if result.reason else ""))
    say(summary(results, of or len(results)))


def _print_table(results: list[Result]) -> None:
    with_support = any(r.used for r in results)
    with_seconds = any(r.seconds is not None for r in results)
    names = ["property", "hosts", "verdict", "proved#", *(["secs#"] if with_seconds else [])]
    shown = table(*names, *(["needs"] if with_support else []))
    for name, hosts, verdict, proved, refuted, unknown, seconds, support in rows(results):
        of = int(proved) + int(refuted) + int(unknown)
        further = [*([seconds] if with_seconds else []), *([support] if with_support else [])]
        shown.add_row(name, hosts, verdict, f"{proved}/{of}", *further)
    show_table(shown)


def _print_refuted(prop: str, refuted: list[Result]) -> None:
    """Refuted obligations with the violated inequality, whether the state is reachable, and how to find out."""
    for result in refuted[:SHOWN]:
        click.echo(f"refuted: {result.name}")
        for text in result.violated:
            say(f"    violated: {text}")
    if len(refuted) > SHOWN:
        say(f"    and {len(refuted) - SHOWN} more obligations of {prop}")
    family, mistake = _generation_and_mistake(refuted[0])
    if family in AUXILIARY:
        return
    command = [f"claimcheck search --property {prop.partition('+')[0]}"]
    command += [f"--assume {condition}" for condition in prop.split("+")[1:]]
    command += [f"--mistake {mistake}"] if mistake else []
    command += [f"--generation {family}"] if family != "claim-sets" else []
    say("    It is not known whether a host reaches that state from boot. To search for a trace:")
    click.echo(f"    {' '.join(command)}")


def _generation_and_mistake(result: Result) -> tuple[str, str]:
    family, _, mistake = result.name.partition("/")[0].partition("~")
    return family, mistake


def summary(results: list[Result], of: int) -> str:
    """The result: what is proved, what is not, and what was not decided."""
    counts = Counter(r.verdict for r in results)
    promised = [(group, prop, hosts) for (prop, hosts, claimed), group in grouped(results).items() if claimed]
    failing = list(dict.fromkeys(readable(prop) for group, prop, _ in promised if verdict_of(group) == "refuted"))
    undecided = list(dict.fromkeys(readable(prop) for group, prop, _ in promised if verdict_of(group) == "unknown"))
    hosts = " and ".join(  # auxiliary obligations are about no host, or compare two encodings on a bounded one
        "any host" if host == "any" else f"hosts of {host.replace('x', ' nodes and ')} domains"
        for host in dict.fromkeys(hosts_of(hosts) for _, prop, hosts in promised if prop not in AUXILIARY)
    )
    needed = sum(r.verdict is Verdict.REFUTED and not r.claimed for r in results)
    lines = [f"{counts[Verdict.PROVED]} of {of} obligations are proved; {from_the_cache(results)}."]
    if len(results) < of:
        lines.append(f"{of - len(results)} not decided.")
    if needed:
        lines.append(f"{_are(needed)} refuted without the condition that the promise needs, as expected.")
    if failing:
        lines.append(f"REFUTED: {', '.join(failing)}.")
    if undecided:
        lines.append(f"UNKNOWN: {', '.join(undecided)}.")
    if hosts and not failing and not undecided and len(results) == of:
        lines.append(f"Proved for {hosts}: everything promised here, on the conditions shown.")
    if needed and not failing:
        name = next(_generation_and_mistake(r)[0] for r in results if not r.claimed)
        lines.append(f"What {name} fails without its conditions, with traces: claimcheck generations {name}")
    return " ".join(lines)


def _are(number: int) -> str:
    return "1 is" if number == 1 else f"{number} are"
