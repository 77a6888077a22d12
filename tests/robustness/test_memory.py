"""The solver out of memory: right verdicts or unknown."""

from pathlib import Path

import pytest

from tests.robustness.faults import OF_ALLOCATIONS
from tests.robustness.running import run, verdicts

ASKED = ("prove", OF_ALLOCATIONS, "--hosts", "4x4", "--jobs", "2", "--no-cache", "--json")


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    code, out, err = run(tmp_path_factory.mktemp("right"), *ASKED)
    assert (code, err) == (0, [])
    return verdicts(out)


def test_everything_is_unknown_with_almost_no_memory(tmp_path: Path, right: dict[str, str]) -> None:
    code, out, err = run(tmp_path, *ASKED, "--memory", "1")
    assert (code, err) == (3, [])
    assert set(verdicts(out)) == set(right)
    assert set(verdicts(out).values()) == {"unknown"}
    assert "out of memory, or killed" in out


@pytest.mark.long
def test_nothing_is_unknown_with_enough_memory(tmp_path: Path, right: dict[str, str]) -> None:
    code, out, err = run(tmp_path, *ASKED, "--memory", "500")
    assert (code, err) == (0, [])
    assert verdicts(out) == right


@pytest.mark.long
@pytest.mark.parametrize("memory", range(16, 40, 2))
def test_no_verdict_is_wrong_with_little_memory(tmp_path: Path, memory: int, right: dict[str, str]) -> None:
    code, out, err = run(tmp_path, *ASKED, "--memory", str(memory))
    assert code in (0, 3)
    assert err == []
    found = verdicts(out)
    assert set(found) == set(right)
    assert all(verdict in (right[name], "unknown") for name, verdict in found.items())
    assert (code == 3) == ("unknown" in found.values())
