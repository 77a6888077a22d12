"""Stored verdicts: damaged files, and several runs at the same time."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.robustness.faults import OF_ALLOCATIONS, STORED, said
from tests.robustness.running import ended, run, started, verdicts
from tests.sampled import sampled

ASKED = ("prove", OF_ALLOCATIONS, "--jobs", "2", "--json")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("filled")
    code, _out, err = run(folder, *ASKED)
    assert (code, err) == (0, [])
    assert len(entries(folder)) == STORED
    return folder


def entries(folder: Path) -> list[Path]:
    return sorted((folder / ".cache/prove").iterdir())


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def garbage(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 9)


def another_verdict(path: Path) -> None:
    content = path.read_bytes()
    assert b'"proved"' in content
    path.write_bytes(content.replace(b'"proved"', b'"refuted"'))


def another_entry(path: Path) -> None:
    other = next(p for p in path.parent.iterdir() if p != path)
    path.write_bytes(other.read_bytes())


def no_result(path: Path) -> None:
    content = b'{"name": 1}'
    path.write_bytes(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)


@pytest.mark.parametrize(
    "damages",
    [
        pytest.param(damages, id="-".join(damage.__name__ for damage in damages), marks=marks)
        for damages, marks in [
            ((another_entry, cut), []),
            ((another_verdict, garbage), [pytest.mark.long]),
            ((no_result, emptied), [pytest.mark.long]),
        ]
    ],
)
def test_damaged_cache_entries_are_counted_and_recomputed(
    filled: Path, tmp_path: Path, damages: tuple[Callable[[Path], None], ...]
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(filled, folder)
    for damage, entry in zip(damages, entries(folder), strict=False):
        damage(entry)
    code, out, err = run(folder, *ASKED)
    assert (code, err) == (0, said("cache-damaged"))
    assert set(verdicts(out).values()) == {"proved"}
    anew = [not result["stored"] for result in json.loads(out)["results"]]
    assert (sum(anew), len(anew)) == (len(damages), STORED)
    code, out, err = run(folder, *ASKED)
    assert (code, err) == (0, [])
    assert all(result["stored"] and result["seconds"] is None for result in json.loads(out)["results"])


def test_stored_verdicts_are_shown_with_date_and_no_solver(filled: Path) -> None:
    command = "import sys; from proofs.cli.main import main; sys.modules['z3'] = None; main()"
    done = subprocess.run(
        [sys.executable, "-c", command, "prove", f"{OF_ALLOCATIONS}_heap_pages"],
        cwd=filled,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1  # it is not stored for this request, so that it needs the solver
    assert run(filled, "prove", OF_ALLOCATIONS)[0] == 0
    done = subprocess.run(
        [sys.executable, "-c", command, "prove", OF_ALLOCATIONS], cwd=filled, capture_output=True, text=True, check=True
    )
    today = datetime.now(UTC).date().isoformat()
    assert f"all from the cache, stored {today}." in done.stdout
    assert re.search(r"^ node-backed .* proved .*\d+/\d+ *$", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("number", sampled([2, 3], keep={2}))
def test_concurrent_runs_share_a_cache(number: int, tmp_path: Path, filled: Path) -> None:
    runs = [started(tmp_path, *ASKED) for _ in range(number)]
    for process in runs:
        code, out, err = ended(process)
        assert (code, err) == (0, [])
        assert set(verdicts(out).values()) == {"proved"}
    assert [p.name for p in entries(tmp_path)] == [p.name for p in entries(filled)]
    _code, out, err = run(tmp_path, *ASKED)
    assert err == []
    assert all(result["stored"] and result["seconds"] is None for result in json.loads(out)["results"])
