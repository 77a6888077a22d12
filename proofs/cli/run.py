"""``claimcheck run``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from proofs.cli.explain import FORMS
from proofs.cli.options import generation_option, json_option
from proofs.cli.output import console, print_json, say, write_text
from proofs.exit_codes import BAD_INPUT, OK, REFUTED

if TYPE_CHECKING:
    from rich.console import Console

    from proofs.script.playing import ScriptResult
    from proofs.script.session import LineResult, Session


@click.command(
    short_help="a script of operations: what happens, why a call is refused, what breaks",
    epilog="""\b
A script:
  host 4 4                          # the pages of each node; sizes, too: 16GiB
  d1 create max=8
  d1 claim 3@0 1@host => OK         # 3 pages on node 0, 1 on any node
  A: d1 populate 2 node=0           # builder A: the first critical section
  offline 0
  A: continue
  expect breaks node-backed
\b
Examples:
  claimcheck run tests/data/scripts/redeem.claims
  claimcheck run --generation claim-sets --generation per-node-v8 FILE
  claimcheck run --as mail FILE
  echo 'host 4\\nd1 create max=4\\nd1 claim 5@0' | claimcheck run -
The language: docs/scripts.md.""",
)
@click.argument("file")
@generation_option(multiple=True, help="Instead of the script's own; two: next to each other.  [default: claim-sets]")
@click.option("--trace", "number", type=click.IntRange(min=1), default=1, help="Which trace of the file.  [default: 1]")
@click.option("--as", "form", type=click.Choice(FORMS), default="timeline", help="What to print.  [default: timeline]")
@click.option("--out", metavar="FILE", help="Write it there.  [default: standard output]")
@json_option("Print every line with what it did as JSON.")
@click.pass_context
def run(
    ctx: click.Context,
    file: str,
    semantics: tuple[str, ...],
    number: int,
    form: str,
    out: str | None,
    as_json: bool,
) -> None:
    """Run a script of operations on the reference, one a line, with the model alongside.

    Every refusal is shown with the check that decided it and its numbers, every property with the place where it
    breaks. FILE is a script, or a trace in JSON lines, with or without counters; `-` reads standard input.

    Exit code 1: a line's `=> RESULT` or an `expect` does not hold, or a property breaks that is not expected to.
    """
    from proofs.cli.names import known_semantics
    from proofs.script.syntax import ScriptError

    known_semantics(list(semantics))
    if len(semantics) > 2 or (len(semantics) == 2 and (form != "timeline" or out)):
        raise click.UsageError("one generation, or two to show next to each other as a timeline")
    if form != "timeline" and as_json:
        raise click.UsageError("--json or --as, not both")
    try:
        source = _Source(file, number)
    except ScriptError as error:
        raise click.UsageError(str(error)) from None
    if len(semantics) == 2:
        ctx.exit(_side_by_side(source, semantics, as_json))
    from proofs.script.playing import whole
    from proofs.script.session import Session

    session = Session(source.name, semantics[0] if semantics else None)
    lines = source.played(session)
    if form == "timeline" and not as_json and out is None:
        lines = _shown(session, lines, console())
    result = whole(session, lines)
    if result.error is None and session.header is None:
        result.error = ScriptError(source.name, 0, 0, "there is no host: a script begins with one, such as host 4 4")
    if as_json:
        print_json(_as_json(result))
    elif form != "timeline" or out is not None:
        write_text(_text(result, form, source), out)
    ctx.exit(_verdict(result, is_quiet=as_json or form != "timeline"))


class _Source:
    """The lines of a script, or a trace.

    :raises proofs.script.syntax.ScriptError: it cannot be read
    """

    def __init__(self, file: str, number: int) -> None:
        from proofs.script.reading import name_of, read_content

        self.file, self.name, self._number = file, name_of(file), number
        self._content = read_content(file)

    def played(self, session: Session) -> Iterator[LineResult]:
        """The lines, run one by one."""
        from proofs.script.playing import play_script, play_trace
        from proofs.script.reading import is_trace, lines_of, trace_in
        from proofs.script.syntax import ScriptError
        from proofs.traces import TraceError

        if is_trace(self._content):
            try:
                with trace_in(self.name, self._content, self._number) as trace:
                    yield from play_trace(session, trace)
            except TraceError as error:
                raise ScriptError(error.path, error.line, 0, error.reason) from None
        else:
            yield from play_script(session, lines_of(self._content))


def _shown(session: Session, lines: Iterator[LineResult], out: Console) -> Iterator[LineResult]:
    """Print lines as they are run."""
    from proofs.explain.timeline import LEGEND, TimelinePrinter

    printer = None
    for line in lines:
        if line.event is not None:
            if printer is None and session.header is not None:
                out.print(f"{session.path}  {session.semantics}", style="bold")
                out.print(LEGEND, style="dim")
                printer = TimelinePrinter(out, sum(session.header.host.nodes))
            if printer is not None:
                printer.show(line.event)
        elif not line.problem:
            out.print(f"      {line.text}", style="dim", markup=False)
        if line.problem:
            out.print(f"      line {line.line}: {line.text}: {line.problem}", style="bold red", markup=False)
        yield line


def _verdict(result: ScriptResult, *, is_quiet: bool = False) -> int:
    """Say how the script ended; returns the exit code."""
    session = result.session
    if result.error is not None:
        click.echo(f"claimcheck: {result.error}", err=True)
        return BAD_INPUT
    if result.differs:
        say(f"The model differs from the reference: {result.differs}", err=is_quiet)
    if result.unfollowed:
        say(f"The model does not follow: {result.unfollowed}. From there on no reasons are known.", err=is_quiet)
    unexpected = session.unexpected()
    for where in unexpected.values():
        say(f"A property breaks that the script does not expect to: {where}", err=is_quiet)
    if is_quiet and result.problems:
        for line in result.problems:
            say(f"line {line.line}: {line.text}: {line.problem}", err=True)
    if not is_quiet:
        operations = sum(line.event is not None and line.event.at > 0 for line in result.lines)
        in_flight = session.in_flight
        left = f"; {', '.join(in_flight)} not ended" if in_flight else ""
        failed = f", {len(result.problems)} not as expected" if result.problems else ""
        holds = "every property holds" if not session.broken else f"broken: {', '.join(session.broken)}"
        say(f"{session.semantics}: {operations} operations{failed}; {holds}{left}")
    return OK if result.is_as_expected else REFUTED


def _text(result: ScriptResult, form: str, source: _Source) -> str:
    from io import StringIO
    from pathlib import Path

    from proofs.explain.timeline import TimelinePrinter
    from proofs.export.c_test import InexpressibleEventError
    from proofs.script.forms import WrittenRun, written

    session = result.session
    if session.header is None:
        raise click.UsageError(str(result.error or f"{source.name}: the script has no host"))
    events = [line.event for line in result.lines if line.event is not None]
    if form == "timeline":
        from rich.console import Console

        text = StringIO()
        printer = TimelinePrinter(Console(file=text, width=80, highlight=False), sum(session.header.host.nodes))
        for event in events:
            printer.show(event)
        return text.getvalue()
    again = f"claimcheck run {source.file}"
    shown = [event for event in events if event.at]
    name = Path(source.name).name.partition(".")[0]
    try:
        return written(WrittenRun(session.header, session.events, shown, list(session.broken), again, name), form)
    except InexpressibleEventError as error:
        raise click.UsageError(str(error)) from None


def _as_json(result: ScriptResult) -> dict[str, Any]:
    session = result.session
    return {
        "generation": session.semantics,
        "lines": result.lines,
        "broken": session.broken,
        "unexpected": session.unexpected(),
        "model_differs": result.differs,
        "model_unfollowed": result.unfollowed,
        "in_flight": session.in_flight,
        "error": None if result.error is None else str(result.error),
        "as_expected": result.error is None and result.is_as_expected,
    }


def _side_by_side(source: _Source, names: tuple[str, ...], as_json: bool) -> int:
    """Run the script in two generations, and show where they differ."""
    from proofs.script.playing import whole
    from proofs.script.session import Session
    from proofs.script.side_by_side import comparison

    results = []
    for name in names:
        session = Session(source.name, name)
        results.append(whole(session, source.played(session)))
    one, other = results
    if as_json:
        print_json({name: _as_json(result) for name, result in zip(names, results, strict=True)})
    else:
        for text, style in comparison(one, other):
            console().print(text, style=style, markup=False, soft_wrap=True)
    for result in results:
        if result.error is not None:
            click.echo(f"claimcheck: {result.session.semantics}: {result.error}", err=True)
    if all(result.error is not None for result in results):
        return BAD_INPUT
    is_fine = all(result.error is None and result.is_as_expected for result in results)
    return OK if is_fine else REFUTED
