"""The refusals and operations of a generation, as the model states them, and the stored scripts that reach them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec

from model.calls import CRASH, MISUSE, NONE, OK, REFUSED, Call, CallHost, cases, exists
from model.calls.scripts import SCRIPT_REFUSALS
from model.logic import is_true
from model.named import GENERATIONS
from model.rules import Request
from proofs.fuzz.classes import DOMAINS, NODES, SCRUBBING, calls_with_arguments
from proofs.operations import OPERATIONS

FOLDER = Path(__file__).parents[1] / "data" / "scripts" / "refusals"
UNREACHABLE = FOLDER / "unreachable.json"
"""By generation: the refusals that no script reaches, each with its reason."""
_HEAD = "## "
OPERATION = "operation"
NO_NODE = "alloc_heap_pages: no-node"
NODE_CHECK = f"{NO_NODE}, node-check"
"""Of the reasons for which the node search skips a node: its claims."""


class StoredScript(NamedTuple):
    """A script, and the outcome that its last operation has."""

    outcome: str
    """``call: case`` of the model, or ``operation: name``."""
    text: str


def refusals(semantics: str) -> dict[str, str]:
    """The cases of the model that refuse, with their results: an errno, ``refused`` or ``crash``."""
    return {name: result for name, result in results(semantics).items() if is_refused(result)}


def is_refused(result: str) -> bool:
    """Whether a result is an errno, ``refused`` or ``crash``."""
    return result in (REFUSED, CRASH) or re.match(r"E[A-Z0-9]+$", result) is not None


@cache
def results(semantics: str) -> dict[str, str]:
    """Every case of the model that does not end as OK, with its result."""
    host = CallHost(NODES, DOMAINS)
    call = Call(GENERATIONS[semantics], host, host.state())  # type: ignore[arg-type]  # its state_type
    found = {f"{operation}: {check}": result for operation, check, result in SCRIPT_REFUSALS}
    for name, arguments in calls_with_arguments(host):
        if not exists(name, semantics):
            continue
        for case in cases(call, name, **arguments):
            if case.result not in (OK, MISUSE):
                found.setdefault(f"{name}: {case.name}", case.result)
    without_a_node = Request(1, None, None, NONE, False, True)
    if call.rules.targets != "host" and not is_true(call.rules.node_permits(call.before, without_a_node, 0)):
        found[NODE_CHECK] = REFUSED
    return found


def operations(semantics: str) -> list[str]:
    """The operations of a generation, each of which can succeed, and the outcomes that are no single case."""
    kinds = {name: kind for name, kind in OPERATIONS.items() if exists(name, semantics)}
    further = [f"{name}: {outcome}" for name, kind in kinds.items() for outcome in kind.outcomes]
    stashing = [SCRUBBING] if GENERATIONS[semantics].rules.interface.stashes else []
    return [*(f"{OPERATION}: {name}" for name in kinds), *further, *stashing]


def wanted(semantics: str) -> list[str]:
    """Everything that a script should reach, or that is listed with a reason."""
    return [*results(semantics), *operations(semantics)]


def file_of(semantics: str) -> Path:
    """The scripts of a generation."""
    return FOLDER / f"{semantics}.claims-set"


def stored(semantics: str) -> list[StoredScript]:
    """The stored scripts of a generation."""
    parts = re.split(rf"^{_HEAD}", file_of(semantics).read_text(), flags=re.MULTILINE)[1:]
    return [StoredScript(*part.split("\n", 1)) for part in parts]


def written(semantics: str, scripts: dict[str, str]) -> str:
    """The file of a generation's scripts."""
    head = f"# The refusals and the operations of {semantics}; python -m tests.script.refusals writes this file.\n"
    return head + "".join(f"\n{_HEAD}{outcome}\n{text}" for outcome, text in scripts.items())


def unreachable() -> dict[str, dict[str, str]]:
    """By generation: the refusals that no script reaches, each with its reason."""
    return msgspec.json.decode(UNREACHABLE.read_bytes(), type=dict[str, dict[str, str]])
