"""A full disk: results are reported, and one line names what cannot be written."""

import resource
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.robustness.faults import OF_ALLOCATIONS, said
from tests.robustness.running import run, verdicts

PROVE = ("prove", OF_ALLOCATIONS, "--jobs", "2", "--json")
FUZZ = ("fuzz", "--generation", "claim-sets", "--steps", "20000", "--jobs", "2", "--out", "campaign", "--json")


def files_stay_small() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))  # what processes share between them still fits


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A file system of one page, and that is taken."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k,nr_inodes=64", "none", disk], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted: {mounted.stderr.decode().strip()}")
    try:
        (disk / "filler").write_bytes(b"x" * 4096)
        yield disk
    finally:
        subprocess.run(["umount", disk], check=True)


def test_full_disk_of_the_cache_loses_no_verdict(full: Path) -> None:
    code, out, err = run(full, *PROVE)
    assert (code, err) == (0, said("cache-full"))
    assert set(verdicts(out).values()) == {"proved"}
    assert [p for p in (full / ".cache").rglob("*") if p.is_file()] == []


@pytest.mark.long
def test_cache_files_that_cannot_grow_lose_no_verdict(tmp_path: Path) -> None:
    code, out, err = run(tmp_path, *PROVE, prepare=files_stay_small)
    assert (code, err) == (0, said("cache-limited"))
    assert set(verdicts(out).values()) == {"proved"}
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("prove",), id="prove", marks=pytest.mark.long),
        pytest.param(("replay", "--json"), id="replay"),
        pytest.param(("explain",), id="explain", marks=pytest.mark.long),
    ],
)
def test_unwritable_output_is_reported(arguments: tuple[str, ...]) -> None:
    folder = Path(__file__).parent.parent.parent
    more = ("tests/data/examples/redeem.jsonl",) if arguments[0] != "prove" else PROVE[1:]
    with open("/dev/full", "w") as device:
        code, _out, err = run(folder, *arguments, *more, out=device)
    assert (code, err) == (2, said("output-full"))


@pytest.mark.long
def test_campaign_on_a_full_disk_ends_and_can_be_resumed(full: Path) -> None:
    code, _out, err = run(full, *FUZZ)
    assert (code, err) == (2, said("campaign-full"))
    (full / "filler").unlink()
    subprocess.run(["mount", "-o", "remount,size=1m", full], check=True)
    code, _out, err = run(full, *FUZZ)
    assert code in (0, 3)  # 3: a class was not reached in so few steps
    assert err == []
