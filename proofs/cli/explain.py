"""``claimcheck explain``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from proofs.cli.options import json_option
from proofs.exit_codes import BAD_INPUT

if TYPE_CHECKING:
    from proofs.traces import Trace

FORMS = ("timeline", "trace", "script", "mail", "pytest", "c")


@click.command(
    short_help="show a trace as a timeline",
    epilog="""\b
Examples:
  claimcheck explain tests/data/examples/redeem.jsonl
  claimcheck explain --trace 7 --events 20:30 tests/data/conformance/claim-sets.jsonl.gz
  claimcheck explain --svg finding.svg tests/data/findings/claim-sets/host-backed.jsonl
  claimcheck explain --as mail tests/data/findings/claim-sets/host-backed.jsonl
  claimcheck explain --as script --out broken.claims tests/data/findings/claim-sets/host-backed.jsonl
  claimcheck search --property host-backed --json | claimcheck explain -
  claimcheck explain divergences/claim-sets-line1234-0a1b2c3d.jsonl | less -R""",
)
@click.argument("file")
@click.option("--trace", "number", type=click.IntRange(min=1), default=1, help="Which trace of the file.  [default: 1]")
@click.option("--events", metavar="FROM:TO", default=":", help="Which events; boot is 0.  [default: all]")
@click.option("--as", "form", type=click.Choice(FORMS), default="timeline", help="mail: to paste; script: to change.")
@click.option("--out", metavar="FILE", help="Write the form there.  [default: standard output]")
@click.option("--svg", metavar="FILE", help="Write the timeline as a picture.")
@json_option("Print the events with what changed as JSON.")
@click.pass_context
def explain(
    ctx: click.Context,
    file: str,
    number: int,
    events: str,
    form: str,
    out: str | None,
    svg: str | None,
    as_json: bool,
) -> None:
    """Show one trace event by event: who did what, the result and why, what changed, what breaks, who has the memory.

    FILE is a trace, a script, or what `claimcheck search --json` prints; `-` reads standard input. With `--as mail`:
    the same without bars, to paste into a review. With `--as script`: as a script that `claimcheck run` takes.
    Where the trace does not have every counter, those of the reference are shown, marked "not observed".
    """
    from proofs.cli.output import console, print_json, write_text
    from proofs.explain.timeline import print_timeline
    from proofs.script.reading import is_trace, lines_of, name_of, read_content, trace_in
    from proofs.script.syntax import ScriptError
    from proofs.traces import TraceError

    first, last = _range(events)
    if form != "timeline" and (svg is not None or as_json or events != ":"):
        raise click.UsageError(f"--as {form} is the whole trace as text: no --svg, no --json, no --events")
    if form == "timeline" and out is not None:
        raise click.UsageError("--out needs --as; a picture is --svg FILE")
    try:
        content = read_content(file)
        if not is_trace(content):
            content = as_trace(name_of(file), lines_of(content))
        with trace_in(name_of(file), content, number) as trace:
            if form != "timeline":
                write_text(_form(trace, form, file), out)
            elif svg is not None:
                _draw(trace, svg, first, last)
            elif as_json:
                print_json(_as_json(trace, first, last))
            elif print_timeline(trace, console(), first=first, last=last) == 0:
                raise click.UsageError(f"the trace has no event in {events}")
    except (TraceError, ScriptError) as error:
        click.echo(f"claimcheck: {error}", err=True)
        ctx.exit(BAD_INPUT)


def as_trace(name: str, script: list[str]) -> bytes:
    """The lines of the trace that the lines of a script make.

    :raises proofs.script.syntax.ScriptError: it cannot be run to its end
    """
    from proofs.script.forms import WrittenRun, written
    from proofs.script.playing import play_script, whole
    from proofs.script.session import Session
    from proofs.script.syntax import ScriptError

    session = Session(name)
    result = whole(session, play_script(session, script))
    if result.error is not None:
        raise result.error
    if session.header is None:
        raise ScriptError(name, 0, 0, "the script has no host")
    return written(WrittenRun(session.header, session.events, [], list(session.broken), ""), "trace").encode()


def _form(trace: Trace, form: str, file: str) -> str:
    from pathlib import Path

    from proofs.export.c_test import InexpressibleEventError
    from proofs.export.pytest_test import broken_in
    from proofs.script.forms import WrittenRun, written

    if form == "mail":
        from proofs.explain.mail import as_mail
        from proofs.script.plain import SUFFIX

        return as_mail(trace, f"claimcheck run {file}" if file.endswith(SUFFIX) else "") + "\n"
    events = list(trace)
    broken = broken_in(trace.path, trace.raw) if form == "pytest" else list(trace.header.expect)
    run = WrittenRun(trace.header, events, [], broken, "", Path(file).name.partition(".")[0])
    try:
        return written(run, form)
    except InexpressibleEventError as error:
        raise click.UsageError(str(error)) from None


def _draw(trace: Trace, path: str, first: int, last: int | None) -> None:
    from pathlib import Path

    from proofs.cli.output import write_text
    from proofs.explain.picture import svg_of

    picture, shown = svg_of(trace, f"{trace.header.semantics}: {Path(str(trace.path)).name}", first, last)
    write_text(picture, path)
    click.echo(f"{path}: {shown} event{'s' if shown != 1 else ''} with boot")


def _as_json(trace: Trace, first: int, last: int | None) -> dict[str, Any]:
    from proofs.explain.played import shown_events

    return {"header": trace.header, "events": list(shown_events(trace, first, last))}


def _range(events: str) -> tuple[int, int | None]:
    first, colon, last = events.partition(":")
    if not colon:
        last = first
    if (first and not first.isdecimal()) or (last and not last.isdecimal()):
        raise click.UsageError(f"--events {events!r}: expected FROM:TO, like 20:30, 20: or 7")
    return int(first or 0), int(last) if last else None
