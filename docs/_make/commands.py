"""What commands print, and what the code says about itself: `make documents`. tests/test_documents.py compares.

In a ``console`` block the lines after ``$ command`` are what the command prints; times and rates stand as ``...``.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import click

from docs._make import catalogue, conversations, explore, scripts, statements
from docs._make.blocks import Maker, Output, parser, renewed, table
from docs._make.checkout import DOCUMENTS, ROOT
from docs._make.in_process import in_process
from docs._make.readme import PICTURE, findings, picture
from docs._make.walk import MEASURED
from proofs.adapters.protocol import PROTOCOL, Greeting, message, question
from proofs.adapters.server import Server
from proofs.cli.main import claimcheck
from proofs.exit_codes import OK, REFUTED
from proofs.mistakes.catalogue import OVERRIDES
from proofs.traces import read_traces
from reference.generations import GENERATIONS
from reference.properties import STATE_PROPERTIES
from tests.adapters.misbehaving import MODES
from tests.evidence.edits import EDITS, OF_JUDGED
from tests.robustness.faults import FAULTS

_CONSOLE = re.compile(r"^```console\n\$ (?P<command>[^\n]+)\n.*?^```$", re.MULTILINE | re.DOTALL)


def _mistakes() -> str:
    return table(
        ["mistake", "what is done wrong"], [[f"`{name}`", override.sentence()] for name, override in OVERRIDES.items()]
    )


def _endings() -> str:
    body = []
    for program in sorted(MODES.values(), key=lambda program: -program.status):
        shown = f"`` {program.ends} ``" if program.ends else "no finding"
        body.append([str(inspect.getdoc(program)), str(program.status), shown])
    return table(["the program ...", "exit code", "the message contains"], body)


def _conversation() -> str:
    """Requests and answers for the example trace."""
    server = Server("example", {"claim-sets": GENERATIONS["claim-sets"]})
    (trace,) = [(trace.header, list(trace)) for trace in read_traces(ROOT / "tests/data/examples/redeem.jsonl")]
    lines = []
    for said in (Greeting([PROTOCOL]), trace[0], *map(question, trace[1])):
        line = message(said)
        lines += [f"> {line.decode()}", f"< {message(server.answer(line)).decode()}"]
    return f"```text\n{''.join(lines)}```"


def _edits() -> str:
    """Ways to edit evidence, and the field that `verify` names."""
    edits = [*EDITS, *OF_JUDGED]
    return table(["edit", "field that `claimcheck verify` names"], [[edit.what, f"`{edit.named}`"] for edit in edits])


def _faults() -> str:
    """Faults injected into a run, and how it ends."""
    body = [[f.what, f.ends, str(f.status), f"`claimcheck: {f.says}`" if f.says else ""] for f in FAULTS.values()]
    return table(["fault", "result", "exit code", "message"], body)


def _page() -> str:
    """The report in a browser, as it was measured."""
    found = json.loads((ROOT / "bench/page.json").read_text(encoding="utf-8"))
    rows = [[name, *(str(found[name][which]) for which in ("best", "median"))] for name in ("empty", "report")]
    return (
        f"{table(['page', 'best load time, ms', 'median load time, ms'], rows)}\n\n"
        f"{found['bytes']:,} bytes; Chromium {found['chromium']}, {found['rounds']} rounds of each page in turn. The"
        f" report takes {found['ratio']} times as long as the empty page. Load average of the machine: {found['load']}."
    )


def _walk() -> str:
    """The README's commands in a fresh clone, with their times."""
    if not MEASURED.exists():
        return "Not measured yet: `python -m docs._make.walk`."
    found = json.loads(MEASURED.read_text(encoding="utf-8"))
    rows = [[f"`{s['command']}`", f"{s['seconds']:.1f}", f"{s['processor']:.1f}"] for s in found["steps"]]
    minutes = sum(step["seconds"] for step in found["steps"]) / 60
    versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    return (
        f"{table(['step', 'seconds by the clock', 'seconds of processor time'], rows)}\n\n"
        f"{minutes:.1f} minutes in all on {found['processors']} processors ({versions}), with every package downloaded."
        f" Load average of the machine at the start: {found['load']}. The report has {found['report_bytes']:,} bytes."
    )


def _state_properties() -> str:
    """The properties that the reference checks, as their docstrings state them."""
    body = []
    for name, check in STATE_PROPERTIES.items():
        claim = (inspect.getdoc(check) or "").split("\n\n")[0].replace("\n", " ")
        body.append([f"`{name}`", claim])
    return table(["property", "claim"], body)


BLOCKS: dict[str, dict[str, Maker]] = {
    "docs/statements.md": {"statements": statements.shown},
    "docs/explore.md": {
        "explore-keys": explore.key_table,
        "explore-limits": explore.limits,
        "explore-screen": explore.screen_block,
    },
    "docs/index.md": {"generation-pages": catalogue.toctree},
    "docs/reference.md": {"generation-classes": catalogue.of_reference},
    "README.md": {"findings": findings},
    "docs/adapters.md": {
        "adapter-mistakes": _mistakes,
        "adapter-endings": _endings,
        "adapter-conversation": _conversation,
    },
    "docs/adapter-conversations.md": {"conversations": conversations.conversations},
    "docs/attach-your-c-code.md": {"sections": conversations.sections, "in-process": in_process},
    "docs/properties.md": {"state-properties": _state_properties},
    "docs/quickstart.md": {"walk-steps": _walk},
    "docs/report.md": {"report-edits": _edits, "report-page": _page},
    "docs/scripts.md": {"script": scripts.script, "words": scripts.words, "reports": scripts.reports},
    "docs/robustness.md": {"robustness-faults": _faults},
}
"""What is generated in addition to the output of commands, by document."""
FENCES = {"console", "sh", "python", "text", "json", "c", "diff", "{toctree}"}
"""The kinds of blocks: a command and what it prints, commands, doctests or code, and text that is no command."""
_INLINE = re.compile(r"`(claimcheck [a-z][^`]*)`")


def parsed(line: str) -> None:
    """A command of the tool, its verb and options there, its values taken; it is not run.

    :raises click.ClickException: it cannot be typed so
    """
    words = shlex.split(re.split(r" (?:\||>|2>) ", line)[0])[1:]
    command: click.Command = claimcheck
    while isinstance(command, click.Group):
        context = click.Context(command)
        _, found, words = command.resolve_command(context, words)
        assert found is not None, line
        command = found
    with suppress(click.exceptions.Exit):  # --help
        command.make_context(command.name, words)


def named_inline(text: str) -> list[tuple[str, list[str]]]:
    """Commands inside sentences, with placeholders: verb and options."""
    found = []
    for line in _INLINE.findall(text):
        words = re.sub(r"[\[\]|]", " ", line).split()[1:]
        found.append((words[0], [word for word in words if word.startswith("-") and word != "-"]))
    return found


def commands(text: str) -> list[str]:
    """The commands of the console blocks."""
    return [match["command"] for match in _CONSOLE.finditer(text)]


def output_of(command: str) -> str:
    """What a command prints, without trailing blanks and with rates and seconds at the end of lines left out."""
    program, *arguments = shlex.split(command)
    assert program == "claimcheck", command
    folder = Path(sys.executable).parent
    found = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [folder / program, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        env=os.environ | found,
        check=False,
    )
    refuted = arguments[0] == "search" or "--mistake" in command
    assert done.returncode == (REFUTED if refuted else OK), done.stderr
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    for number, line in enumerate(lines):
        timed = re.sub(r"; [\d,]+ events/s$", "; ... events/s", line)
        lines[number] = re.sub(r"( +)\d+\.\d+(?: s)?$", lambda m: "      ..." if len(m[1]) > 1 else " ...", timed)
    return "\n".join(lines).strip("\n")


def shown(text: str, makers: Mapping[str, Maker] | None = None) -> str:
    """The document with the output of its commands, and with what these makers give."""
    text = _CONSOLE.sub(lambda m: f"```console\n$ {m['command']}\n{output_of(m['command'])}\n```", text)
    return text if makers is None else renewed(text, makers)


def main(arguments: list[str]) -> int:
    """Write the documents."""
    output = Output(parser("commands", __doc__).parse_args(arguments).check)
    for path in DOCUMENTS:
        makers = BLOCKS.get(path.relative_to(ROOT).as_posix())
        output.write(path, shown(path.read_text(encoding="utf-8"), makers))
    output.write(PICTURE, picture())
    return output.ended()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
