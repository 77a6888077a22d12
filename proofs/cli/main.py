"""The command ``claimcheck``. Each verb's module is imported when it is called: ``--help`` stays quick."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from proofs.cli.completing import completing
from proofs.cli.encoding import replace_what_cannot_be_shown
from proofs.cli.groups import known_word
from proofs.cli.options import with_rules
from proofs.exit_codes import BAD_INPUT, INCOMPLETE, OK, REFUTED
from proofs.interrupts import interrupts_raised, is_command_interrupted
from proofs.rules import error_in_rules

_VERBS = {
    "prove": "discharge obligations: (semantics, property, transition), for any host and for bounded ones",
    "generations": "what each generation of claims changed and repaired, and where two of them differ",
    "search": "a shortest trace from boot that violates a property",
    "replay": "run recorded traces on the reference and compare every observation",
    "review": "your own rules: do both halves agree, what gets worse, what it costs",
    "diff": "the reference's own code on any counters: every path against the model",
    "fuzz": "random traces: the reference against the model, or against an outside program",
    "run": "a script of operations: what happens, why a call is refused, what breaks",
    "explore": "play on a host in the terminal, one operation at a time",
    "explain": "show a trace as a timeline",
    "export": "invariants and the model as C headers, traces as tests",
    "simulate": "the effect of claims: many builders and running domains on one host",
    "serve": "the reference as an outside implementation, on standard input and output",
    "report": "the whole evidence: JSON, JUnit XML, Markdown and one HTML file",
    "verify": "re-check stored evidence, and name every difference",
    "completion": "completion in bash, zsh and fish",
}


class _Verbs(click.Group):
    """A group whose commands live in modules of their own: ``proofs.cli.VERB``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return None
        command = getattr(import_module(f"proofs.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return completing(with_rules(command))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args:
            known_word("verb", args[0], _VERBS, ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(_VERBS.items()))


def _print_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        from proofs.versions import versions

        click.echo(", ".join(f"{name} {number}" for name, number in versions("z3-solver").items()))
        ctx.exit()


@click.group(
    cls=_Verbs,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 all as claimed, 1 refuted or diverged, 2 wrong use or bad input, 3 unknown or not ended.",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show versions."
)
def claimcheck() -> None:
    """Is the design of Xen's NUMA memory claims right, and what breaks it?

    A formal model and an executable reference of memory claim sets, held against each other and against traces
    recorded from the hypervisor's own code.
    """


def _give_up_output() -> None:
    """What is not written yet goes nowhere: Python would try it again at the end, and fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run() -> int:
    """The exit code of a verb, which ends with ctx.exit(code).

    :raises BrokenPipeError: the reader has closed the pipe; click ends with the code of a refutation there
    """
    try:
        return int(claimcheck.main(standalone_mode=False) or OK)
    except SystemExit as ended:
        if ended.code != REFUTED:  # completion ends so
            raise
        raise BrokenPipeError from None


def _main() -> None:
    try:
        code = _run()
        sys.stdout.flush()  # a failure to write is reported below
        sys.exit(code)
    except BrokenPipeError:  # the reader of the output has seen enough: no verdict was delivered
        _give_up_output()
        sys.exit(INCOMPLETE)
    except click.Abort:
        click.echo("claimcheck: interrupted", err=True)
        sys.exit(INCOMPLETE)
    except OSError as error:  # a full disk, a folder that is not there any more
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"claimcheck: {where}{error.strerror or error}", err=True)
        _give_up_output()
        sys.exit(BAD_INPUT)
    except click.ClickException as error:
        click.echo(f"claimcheck: {error.format_message()}", err=True)
        sys.exit(BAD_INPUT)
    except Exception as error:
        if is_command_interrupted():
            sys.exit(INCOMPLETE)
        wrong = error_in_rules(error)
        if wrong is None:
            raise
        click.echo(f"claimcheck: {wrong}", err=True)
        sys.exit(BAD_INPUT)


def main() -> None:
    """Entry point: every wrong use is one line and exit 2."""
    replace_what_cannot_be_shown()
    with interrupts_raised():
        _main()


if __name__ == "__main__":
    main()
