"""What is stored is found by all that it depends on, and is taken whole or not at all."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path

import msgspec
import pytest

from proofs import stored
from proofs.prover.cache import StoredRun, store_result, store_run, stored_result, stored_run
from proofs.prover.verdict import Result, Settings, Verdict, versions


def result(name: str, verdict: Verdict = Verdict.PROVED) -> Result:
    return Result(name, verdict, True, 1.0, 2, "", [], [])


def test_fingerprint_covers_all_three_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Path] = {}
    monkeypatch.setattr(stored, "digest_of", lambda roots: seen.update(roots) or "")
    stored.fingerprint.cache_clear()
    stored.fingerprint()
    stored.fingerprint.cache_clear()
    assert set(seen) == {"reference", "model", "proofs"}
    assert all((root / "__init__.py").exists() and root.name == name for name, root in seen.items())


def test_changed_file_is_damaged(tmp_path: Path) -> None:
    def look_up(key: str) -> stored.StoredItem[list[int]] | None:
        return stored.look_up(tmp_path, key, list[int])

    assert look_up("a") is None
    stored.store(tmp_path, "a", [1])
    stored.store(tmp_path, "b", [2])
    found = look_up("a")
    assert found is not None
    assert found.content == [1]
    a, b = (stored._path(tmp_path, key) for key in "ab")
    right = a.read_bytes()
    for wrong in (b.read_bytes(), right.replace(b"[1]", b"[3]"), right[:-1], right.partition(b"\n")[2], b""):
        a.write_bytes(wrong)
        with pytest.raises(stored.DamagedFileError):
            look_up("a")
    a.write_bytes(right)
    assert look_up("a") == found
    with pytest.raises(stored.DamagedFileError):
        stored.look_up(tmp_path, "a", list[str])


def test_run_is_stored_only_with_all_its_results(tmp_path: Path) -> None:
    settings = Settings(cache=str(tmp_path / "prove"))
    store_run(("one",), settings, StoredRun(["a", "b"], []))
    assert stored_run(("one",), settings) is None
    store_result(settings, result("a"))
    assert stored_run(("one",), settings) is None, "one of its results is not stored"
    store_result(settings, result("b", Verdict.REFUTED))
    found = stored_run(("one",), settings)
    assert found is not None
    assert [(one.name, one.verdict) for one in found[1]] == [("a", Verdict.PROVED), ("b", Verdict.REFUTED)]
    assert stored_run(("other",), settings) is None, "another request"
    assert stored_run(("one",), msgspec.structs.replace(settings, seed=1)) is None
    assert stored_run(("one",), Settings()) is None, "nothing is stored without a cache"


def test_stored_result_without_a_hash_is_ignored_with_hashes(tmp_path: Path) -> None:
    settings = Settings(cache=str(tmp_path))
    store_result(settings, result("a"))
    assert stored_result(settings, "a") is not None
    assert stored_result(msgspec.structs.replace(settings, hashes=True), "a") is None


def test_versions_are_those_in_use() -> None:
    assert versions() == {
        "claimcheck": version("claimcheck"),
        "python": platform.python_version(),
        "z3": ".".join(version("z3-solver").split(".")[:3]),
    }
