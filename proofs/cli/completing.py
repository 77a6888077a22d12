"""What a shell offers for the values of options and arguments: names of the code's registries, files, folders.

An option is completed by its name, the same in every verb, an argument by verb and name; what stands for a file or a
folder is known by its metavar.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

Names = Callable[[str], list[str]]
"""The names to choose from, by what is typed so far."""


class _Word(click.types.StringParamType):
    """A text of which some values have names."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[Any]]:
        return [CompletionItem(name) for name in self._names(incomplete) if name.startswith(incomplete)]


class _Path(_Word):
    """A name of a file or folder; the shell completes it, where no name fits what is typed."""

    def __init__(self, kind: str, names: Names = lambda _typed: []) -> None:
        super().__init__(names)
        self._kind = kind

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[Any]]:
        return super().shell_complete(ctx, param, incomplete) or [CompletionItem(incomplete, type=self._kind)]


def _semantics(typed: str) -> list[str]:
    """Generations; after a `+` the parts that make a variant of one."""
    from model.generations.parts import PARTS
    from model.named import GENERATIONS

    begun, plus, _ = typed.rpartition("+")
    return [f"{begun}+{part}" for part in PARTS if part not in begun.split("+")] if plus else ["all", *GENERATIONS]


def _properties(_typed: str) -> list[str]:
    from proofs.matrix.other_rows import matrix_ids, matrix_parts

    return ["all", *dict.fromkeys([*matrix_ids(), *matrix_parts()])]


def _mistakes_in_rules(_typed: str) -> list[str]:
    from proofs.mistakes.in_rules import IN_MODEL

    return list(IN_MODEL)


def _conditions(_typed: str) -> list[str]:
    from model.properties.conditions import CONDITIONS

    return list(CONDITIONS)


def _transitions(_typed: str) -> list[str]:
    """Parts of obligations' names: the transition, or the property."""
    from model.properties import PROPERTIES
    from model.registry import TRANSITIONS

    return [*TRANSITIONS, *PROPERTIES]


def _sizes(_typed: str) -> list[str]:
    return ["1x1", "2x2", "3x2", "2x3", "3x3", "4x4"]


def _hosts(typed: str) -> list[str]:
    return ["any", *_sizes(typed)]


def _operations(_typed: str) -> list[str]:
    from proofs.diff.operations import OPERATIONS

    return ["all", *OPERATIONS]


def _mistakes(_typed: str) -> list[str]:
    from proofs.mistakes.catalogue import OF_REFERENCE

    return OF_REFERENCE


def _policies(_typed: str) -> list[str]:
    from proofs.simulate.policies import POLICIES

    return list(POLICIES)


def _scenarios(_typed: str) -> list[str]:
    from proofs.simulate.scenario import built_in

    return list(built_in())


def _sections(_typed: str) -> list[str]:
    from proofs.evidence.collect import SECTIONS

    return list(SECTIONS)


OPTIONS: Final[dict[str, Names]] = {
    "--generation": _semantics,
    "--property": _properties,
    "--assume": _conditions,
    "--hosts": _hosts,
    "--derive": _sizes,
    "--shape": _sizes,
    "--operation": _operations,
    "--mistake": _mistakes,
    "--policy": _policies,
    "--show": _scenarios,
    "--without": _sections,
}
"""By the option's name."""
ARGUMENTS: Final[dict[tuple[str, str], click.types.StringParamType]] = {
    ("prove", "parts"): _Word(_transitions),
    ("prove", "mistake"): _Word(_mistakes_in_rules),
    ("search", "mistake"): _Word(_mistakes_in_rules),
    ("generations", "names"): _Word(_semantics),
    ("review", "base"): _Word(_semantics),
    ("simulate", "scenarios"): _Path("file", _scenarios),
}
"""By verb and argument, or option that takes other names there."""
FREE: Final = ("--against", "--scheduler", "--events", "--set", "--new")
"""Texts that nothing can be offered for: commands, addresses, ranges of numbers, fields with values, new names."""


def completing(command: click.Command) -> click.Command:
    """The same command; what its texts may be is known to the shell."""
    for param in command.params:
        if type(param.type) is click.types.StringParamType:
            param.type = _type_of(command.name or "", param)
    if isinstance(command, click.Group):
        for sub in command.commands.values():
            completing(sub)
    return command


def _type_of(verb: str, param: click.Parameter) -> click.types.StringParamType:
    if (verb, param.name) in ARGUMENTS:
        return ARGUMENTS[verb, param.name or ""]
    for option in param.opts:
        if option in OPTIONS:
            return _Word(OPTIONS[option])
    metavar = (param.metavar or "").strip("[].")
    if metavar == "DIR":
        return _Path("dir")
    if metavar.startswith(("FILE", "EVIDENCE")) or (isinstance(param, click.Argument) and param.name == "file"):
        return _Path("file")
    return click.STRING
