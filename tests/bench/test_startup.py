"""The command line starts quickly because it imports little. What it takes: ``python -m bench``."""

import subprocess
import sys

import pytest

LIBRARIES = {"z3", "rich", "msgspec", "hypothesis", "matplotlib", "multiprocessing", "concurrent.futures"}
OWN = {"reference", "model", "proofs.replay", "proofs.traces"}

_PROGRAM = """
import sys
from proofs.cli.main import main
try:
    main()
except SystemExit as end:
    print(end.code, *sys.modules, file=sys.stderr)
"""


@pytest.mark.parametrize("argument", ["--help", "-h"])
def test_help_imports_no_library_it_does_not_need(argument: str) -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM, argument], capture_output=True, text=True, check=True)
    code, *modules = done.stderr.split()
    assert code in ("0", "None")
    assert "click" in modules
    assert set(modules) & (LIBRARIES | OWN) == set()
