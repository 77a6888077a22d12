"""``claimcheck export``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from proofs.cli.groups import Commands
from proofs.cli.options import generation_option, json_option
from proofs.cli.output import write_text
from proofs.exit_codes import BAD_INPUT

if TYPE_CHECKING:
    from proofs.operations import Event
    from proofs.traces import Trace


@click.group(
    cls=Commands,
    short_help="invariants and outcomes as C headers, traces as tests",
    epilog="""\b
Examples:
  claimcheck export c --generation claim-sets -o claim_invariants.h
  claimcheck export oracle --generation claim-sets -o claim_oracle.h
  claimcheck export tests tests/data/examples/redeem.jsonl
  claimcheck export tests trace.jsonl --as c -o test_trace.c""",
)
def export() -> None:
    """What the hypervisor's own tree can use."""


@export.command(
    "c",
    epilog="""\b
Examples:
  claimcheck export c
  claimcheck export c --generation single-node-v4 -o invariants.h""",
)
@generation_option(default="claim-sets", show_default=True, help="The generation.")
@click.option("-o", "--output", metavar="FILE", help="Where to write.  [default: standard output]")
def export_c(semantics: str, output: str | None) -> None:
    """The invariants that a generation is proved to keep, as C check functions over the hypervisor's counters."""
    from model.named import GENERATIONS
    from proofs.cli.names import known
    from proofs.export.c_header import header

    (name,) = known("generation", [semantics], list(GENERATIONS))
    if output is not None:
        try:
            os.scandir(Path(output).parent).close()  # reported before the proofs, not after them
        except OSError as error:
            raise click.UsageError(f"{output}: {error.strerror}") from None
    found = header(name)
    write_text(found.text, output)
    if output is not None:
        ghosts = f"{len(found.left_out)} that read what only the model has"
        click.echo(f"{output}: {len(found.exported)} invariants; left out: {ghosts}")


@export.command(
    "oracle",
    epilog="""\b
Examples:
  claimcheck export oracle -o claim_oracle.h
  claimcheck export oracle --generation per-node-v8 -o claim_oracle.h --json""",
)
@generation_option(default="claim-sets", show_default=True, help="The generation.")
@click.option("-o", "--output", metavar="FILE", help="Where to write.  [default: standard output]")
@json_option("Print what the header has as JSON (needs -o).")
def export_oracle(semantics: str, output: str | None, as_json: bool) -> None:
    """The model's outcome of every call as one C99 header: what an implementation answered is permitted, or not.

    For fuzzing in one process, and as a shadow in debug builds: docs/attach-your-c-code.md.
    """
    from model.named import GENERATIONS
    from proofs.cli.names import known
    from proofs.cli.output import print_json
    from proofs.export.oracle import oracle

    if as_json and output is None:
        raise click.UsageError("--json: name a file for the header with -o")
    (name,) = known("generation", [semantics], list(GENERATIONS))
    found = oracle(name)
    write_text(found.text, output)
    lines = found.text.count("\n")
    if as_json:
        counts = {"lines": lines, "kinds": found.kinds, "functions": found.functions, "cases": len(found.cases)}
        print_json({"semantics": name, "file": output, **counts, "not_in_c": list(found.not_in_c)})
    elif output is not None:
        absent = f"; not in it: {', '.join(found.not_in_c)}" if found.not_in_c else ""
        click.echo(f"{output}: {lines:,} lines, {found.kinds} kinds of calls, {len(found.cases)} cases{absent}")


@export.command(
    "tests",
    epilog="""\b
Examples:
  claimcheck export tests tests/data/examples/redeem.jsonl
  claimcheck export tests tests/data/conformance/claim-sets.jsonl.gz --trace 7 --as c -o test_7.c
  claimcheck export tests trace.jsonl --as json""",
)
@click.argument("file")
@click.option("--trace", "number", type=click.IntRange(min=1), default=1, help="Which trace of the file.  [default: 1]")
@click.option("--as", "form", type=click.Choice(["pytest", "json", "c"]), default="pytest", show_default=True)
@click.option("-o", "--output", metavar="FILE", help="Where to write.  [default: standard output]")
@click.pass_context
def export_tests(ctx: click.Context, file: str, number: int, form: str, output: str | None) -> None:
    """A trace as a pytest test, as one JSON object, or as a C function against the adapter kit."""
    from proofs.export.c_test import InexpressibleEventError
    from proofs.traces import TraceError, read_traces

    try:
        for index, trace in enumerate(read_traces(file), 1):
            events = list(trace)
            if index == number:
                write_text(_text(trace, events, form, f"{Path(file).name.split('.')[0]}_{number}"), output)
                return
    except (TraceError, InexpressibleEventError) as error:
        click.echo(f"claimcheck: {error}", err=True)
        ctx.exit(BAD_INPUT)
    raise click.UsageError(f"{file} has {index} trace{'s' if index > 1 else ''}, not {number}")


def _text(trace: Trace, events: list[Event], form: str, name: str) -> str:
    if form == "json":
        import msgspec

        return msgspec.json.format(msgspec.json.encode({"header": trace.header, "events": events})).decode() + "\n"
    if form == "c":
        from proofs.export.c_test import PROLOGUE, c_test

        return PROLOGUE + "\n" + c_test(name, trace.header, events)
    from proofs.export.pytest_test import broken_in, pytest_test

    return pytest_test(name, trace.header.source, trace.raw, broken_in(trace.path, trace.raw))
