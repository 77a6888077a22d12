"""The oracle's headers, and harnesses around attached implementations, made once in a run."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from proofs.export.oracle import OracleHeader, oracle
from tests.adapters.c_store import compiled, kept
from tests.adapters.programs import KIT, STRICT

FLAGS = [*STRICT, "-D_POSIX_C_SOURCE=200809L", "-O0"]
SANITIZED = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


@cache
def header_of(semantics: str) -> OracleHeader:
    """The oracle's header of a generation: to write it takes longer than most tests that need it."""
    path = kept(f"oracle-{semantics}.pickle", lambda path: path.write_bytes(pickle.dumps(oracle(semantics))))
    found: OracleHeader = pickle.loads(path.read_bytes())
    return found


@cache
def included(semantics: str = "claim-sets") -> Path:
    """A folder with the header as claim_oracle.h."""

    def write(folder: Path) -> None:
        folder.mkdir()
        (folder / "claim_oracle.h").write_text(header_of(semantics).text)

    return kept(f"oracle-{semantics}", write)


def harness_of(attached: Path | str, *options: str, semantics: str = "claim-sets", compiler: str = "cc") -> Path:
    """The harness around an attached implementation, with the oracle, as an object file."""
    given = [f"-I{included(semantics)}", f"-I{KIT}", f'-DATTACHED="{attached}"', *options]
    return compiled(compiler, [*FLAGS, *given, "-c"], [KIT / "claim_in_process.c"])


def linked(harness: Path, *sources: Path, options: Sequence[str] = (), compiler: str = "cc") -> Path:
    """The program of a harness and the sources of an implementation."""
    return compiled(compiler, [*FLAGS, f"-I{KIT}", "-w", *options], [harness, *sources])
