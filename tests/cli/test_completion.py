"""Completion: what shells offer, that nothing is left out of it, and examples in --help that can be typed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.shell_completion import shell_complete

from docs._make.commands import parsed
from proofs.cli.completing import FREE, OPTIONS
from proofs.cli.completion import VARIABLE
from proofs.cli.main import _VERBS, claimcheck

FOLDER = Path(sys.executable).parent
ENVIRONMENT = os.environ | {"PATH": f"{FOLDER}{os.pathsep}{os.environ['PATH']}"}
SHELLS = ("bash", "zsh", "fish")
LINES = [
    ("claimcheck sea", ["search"]),
    ("claimcheck search --generation legacy-2", ["legacy-2013"]),
    ("claimcheck search --property host-b", ["host-backed"]),
    ("claimcheck search --property node-backed --mistake no-r", ["no-recall"]),
    ("claimcheck search --assume limit-not", ["limit-not-lowered"]),
    ("claimcheck prove offl", ["offline_page", "offline-mark-kept"]),
    ("claimcheck prove --generation claim-sets+limbo", ["claim-sets+limbo-counted"]),
    ("claimcheck prove --hosts 4", ["4x4"]),
    ("claimcheck generations single-node-v4 claim-sets-n", ["claim-sets-no-recall"]),
    ("claimcheck simulate boot", ["boot-storm"]),
    ("claimcheck simulate --show host", ["host-evacuation"]),
    ("claimcheck simulate --policy no", ["no-claims"]),
    ("claimcheck serve --mistake redeem-t", ["redeem-twice"]),
    ("claimcheck report --without mat", ["matrix"]),
    ("claimcheck export tests x.jsonl --as py", ["pytest"]),
    ("claimcheck completion f", ["fish"]),
]


def asked(line: str, shell: str) -> dict[str, str]:
    """The environment of a query by a shell's function."""
    words = line.split(" ")
    at = words[-1] if shell == "fish" else str(len(words) - 1)
    return {VARIABLE: f"{shell}_complete", "COMP_WORDS": line, "COMP_CWORD": at}


def words_of(answer: str, shell: str) -> list[str]:
    found = answer.splitlines()
    if shell == "zsh":  # kind, value and help on lines of their own
        return found[1::3]
    return [entry.partition(",")[2].partition("\t")[0] for entry in found]


def offered(line: str, shell: str) -> list[str]:
    """What a shell's function gets for a query."""
    environment = ENVIRONMENT | asked(line, shell)
    done = subprocess.run([FOLDER / "claimcheck"], capture_output=True, text=True, env=environment, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return words_of(done.stdout, shell)


@pytest.mark.parametrize(("line", "words"), LINES, ids=[line for line, _ in LINES])
def test_completion_offers_the_expected_words(
    line: str, words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in asked(line, "bash").items():
        monkeypatch.setenv(name, value)
    assert shell_complete(claimcheck, {}, "claimcheck", VARIABLE, "bash_complete") == 0
    assert words_of(capsys.readouterr().out, "bash") == words


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_is_offered_the_same_words(shell: str) -> None:
    assert offered("claimcheck search --generation legacy-r", shell) == [
        "legacy-redeem-at-assign",
        "legacy-redeem-at-alloc",
    ]


@pytest.mark.parametrize("shell", SHELLS)
def test_shell_accepts_the_completion_script(shell: str) -> None:
    """Where there is none, the skip counts."""
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell}: its script is not run; only its queries are answered")
    script = subprocess.run([FOLDER / "claimcheck", "completion", shell], capture_output=True, text=True, timeout=60)
    assert script.returncode == 0
    assert VARIABLE in script.stdout
    done = subprocess.run([shell, "-n"], input=script.stdout, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_bash_completes() -> None:
    session = (
        "source <(claimcheck completion bash); COMP_WORDS=(claimcheck simulate boot); COMP_CWORD=2;"
        ' _claimcheck_completion claimcheck; complete -p claimcheck; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", session], capture_output=True, text=True, env=ENVIRONMENT, timeout=60
    )
    assert done.stdout.splitlines() == ["complete -o nosort -F _claimcheck_completion claimcheck", "boot-storm"]


def commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """A verb, and what is under it."""
    yield name, command
    if isinstance(command, click.Group):
        for word, sub in command.commands.items():
            yield from commands(sub, f"{name} {word}")


def verbs() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(claimcheck)
    for verb in _VERBS:
        command = claimcheck.get_command(context, verb)
        assert command is not None
        yield from commands(command, verb)


def test_every_text_option_has_completion_or_is_free() -> None:
    """A new option that takes a name has to be entered in proofs/cli/completing.py, or among those that are free."""
    free = {
        (verb, param.opts[0])
        for verb, command in verbs()
        for param in command.params
        if type(param.type) is click.types.StringParamType
    }
    assert {option for _, option in free} <= set(FREE), free
    assert set(FREE) <= {option for _, option in free}, "something is entered as free that no verb has"


EXAMPLES = [
    (verb, line.strip())
    for verb, command in verbs()
    for line in (command.epilog or "").splitlines()
    if line.strip().startswith("claimcheck ")
]


@pytest.mark.parametrize(("verb", "example"), EXAMPLES, ids=[example for _, example in EXAMPLES])
def test_examples_in_help_parse(verb: str, example: str) -> None:
    """Its verb and options are there and take what is given; it isn't run."""
    parsed(example)


def test_every_command_has_examples() -> None:
    assert {verb for verb, _ in EXAMPLES} == {verb for verb, _ in verbs()}


def test_offered_names_are_strings() -> None:
    for option, names in OPTIONS.items():
        assert names(""), option
        assert all(type(name) is str for name in names("")), option
