"""``claimcheck explain``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from proofs.exit_codes import BAD_INPUT

if TYPE_CHECKING:
    from proofs.traces import Trace


@click.command(
    short_help="show a trace as a timeline",
    epilog="""\b
Examples:
  claimcheck explain tests/data/examples/redeem.jsonl
  claimcheck explain --trace 7 --events 20:30 tests/data/conformance/claim-sets.jsonl.gz
  claimcheck explain --svg finding.svg tests/data/findings/claim-sets/host-backed.jsonl
  claimcheck explain --as mail tests/data/findings/claim-sets/host-backed.jsonl
  claimcheck explain divergences/claim-sets-line1234-0a1b2c3d.jsonl | less -R""",
)
@click.argument("file")
@click.option("--trace", "number", type=click.IntRange(min=1), default=1, help="Which trace of the file.  [default: 1]")
@click.option("--events", metavar="FROM:TO", default=":", help="Which events; boot is 0.  [default: all]")
@click.option("--as", "form", type=click.Choice(["timeline", "mail"]), default="timeline", help="mail: to paste.")
@click.option("--svg", metavar="FILE", help="Write the timeline as a picture.")
@click.option("--json", "as_json", is_flag=True, help="Print the events with what changed as JSON.")
@click.pass_context
def explain(ctx: click.Context, file: str, number: int, events: str, form: str, svg: str | None, as_json: bool) -> None:
    """Show one trace event by event: who did what, the result, what changed, and who has the memory.

    Where the trace does not have every counter, those of the reference are shown, marked "not observed".

    With `--as mail`: the same without bars, with the violated inequalities, to paste into a review.
    """
    from proofs.cli.output import console, print_json
    from proofs.explain.timeline import print_timeline
    from proofs.traces import TraceError, read_traces

    first, last = _range(events)
    if form == "mail" and (svg is not None or as_json or events != ":"):
        raise click.UsageError("--as mail is the whole trace as text: no --svg, no --json, no --events")
    try:
        for index, trace in enumerate(read_traces(file), 1):
            if index == number:
                if form == "mail":
                    from proofs.explain.mail import as_mail

                    click.echo(as_mail(trace))
                elif svg is not None:
                    _draw(trace, svg, first, last)
                elif as_json:
                    print_json(_as_json(trace, first, last))
                elif print_timeline(trace, console(), first=first, last=last) == 0:
                    raise click.UsageError(f"the trace has no event in {events}")
                return
    except TraceError as error:
        click.echo(f"claimcheck: {error}", err=True)
        ctx.exit(BAD_INPUT)
    raise click.UsageError(f"{file} has {index} trace{'s' if index > 1 else ''}, not {number}")


def _draw(trace: Trace, path: str, first: int, last: int | None) -> None:
    from pathlib import Path

    from proofs.atomic import write_atomically
    from proofs.explain.picture import svg_of

    picture, shown = svg_of(trace, f"{trace.header.semantics}: {Path(str(trace.path)).name}", first, last)
    try:
        write_atomically(Path(path), picture.encode())
    except OSError as error:
        raise click.UsageError(f"{path}: {error.strerror or error}") from None
    click.echo(f"{path}: {shown} event{'s' if shown != 1 else ''} with boot")


def _as_json(trace: Trace, first: int, last: int | None) -> dict[str, Any]:
    from proofs.explain.story import actor, call, changes, result, scenes, usage

    events: list[dict[str, Any]] = []
    for index, event, before, after, observed in scenes(trace, first, last):
        entry: dict[str, Any] = {"event": index, "who": actor(event), "call": call(event), "result": result(event)}
        if not observed:
            entry["observed"] = False
        if after is not None:
            entry["changes"] = changes(before, after)
            entry["usage"] = usage(trace.header.host, after)
        events.append(entry)
    return {"header": trace.header, "events": events}


def _range(events: str) -> tuple[int, int | None]:
    first, colon, last = events.partition(":")
    if not colon:
        last = first
    if (first and not first.isdecimal()) or (last and not last.isdecimal()):
        raise click.UsageError(f"--events {events!r}: expected FROM:TO, like 20:30, 20: or 7")
    return int(first or 0), int(last) if last else None
