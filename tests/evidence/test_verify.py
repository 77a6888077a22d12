"""Evidence that was edited is caught, and the field is named; what was not edited is established again."""

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from proofs.cli.verify import _print as show
from proofs.cli.verify import verify
from proofs.evidence import answered, shown
from proofs.evidence.collect import CORE, INTERRUPTED, collected
from proofs.evidence.quick import quickly
from proofs.evidence.request import EvidenceRequest, run_of
from proofs.evidence.shown import asked
from proofs.evidence.stored import load
from proofs.evidence.structure import (
    NOT_COMPARED,
    EarlierRun,
    Evidence,
    EvidenceError,
    SkippedSection,
    Tables,
    digest,
    read,
    written,
)
from proofs.evidence.verify import VerificationResult, request_of, verified
from tests.evidence.conftest import LEFT_OUT
from tests.evidence.edits import EDITS, OF_JUDGED, Edit
from tests.sampled import sampled


@pytest.fixture(scope="module", autouse=True)
def each_answer_once() -> Iterator[None]:
    """The same trace, run again, gives the same answer: once is enough for all the edits that leave it alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answered, "_answered", cache(answered._answered))
        yield


def data_of(evidence: Evidence) -> dict[str, Any]:
    return msgspec.json.decode(written(evidence))


def renewed(data: dict[str, Any]) -> Evidence:
    """With a digest that fits."""
    evidence = read(json.dumps(data).encode(), "edited")
    return msgspec.structs.replace(evidence, digest=digest(evidence))


def again_for(edited: Evidence, small: Evidence) -> Evidence:
    """The second run, for the same request as the edited evidence."""
    if edited.run.semantics == small.run.semantics:
        return small
    return msgspec.structs.replace(small, run=run_of(request_of(edited.run, 1)))


def test_unedited_evidence_has_no_difference(small: Evidence) -> None:
    outcome = verified(renewed(data_of(small)), small)
    assert (outcome.differences, outcome.open, outcome.skipped) == ([], [], [])


@pytest.mark.parametrize("edit", EDITS, ids=[edit.what for edit in EDITS])
def test_edit_is_named(edit: Edit, small: Evidence) -> None:
    assert_named(edit, small)


@pytest.mark.long
@pytest.mark.parametrize("edit", [*EDITS, *OF_JUDGED], ids=[edit.what for edit in [*EDITS, *OF_JUDGED]])
def test_edit_of_what_this_run_judged_is_named(edit: Edit, judged: Evidence) -> None:
    assert_named(edit, judged)


def assert_named(edit: Edit, evidence: Evidence) -> None:
    data = data_of(evidence)
    edit.make(data)
    edited = renewed(data)
    fields = [difference.field for difference in verified(edited, again_for(edited, evidence)).differences]
    assert "digest" not in fields
    assert any(field.startswith(edit.named) for field in fields), fields


@pytest.mark.long
def test_run_of_fewer_generations_is_named(small: Evidence) -> None:
    data = data_of(small)
    data["run"]["semantics"].remove("claim-sets-no-recall")
    edited = renewed(data)
    again = collected(replace(request_of(edited.run, 1), without=LEFT_OUT | {"conformance"}))
    fields = [difference.field for difference in verified(edited, again).differences]
    assert "digest" not in fields
    assert "run.command" in fields


def test_edits_cover_every_kind() -> None:
    assert len({edit.what for edit in EDITS}) == len(EDITS) >= 12


def test_digest_reveals_an_edit_without_a_new_digest(small: Evidence) -> None:
    data = data_of(small)
    data["made"] = "2000-01-01"
    differences = verified(read(json.dumps(data).encode(), "edited"), small).differences
    assert [difference.field for difference in differences] == ["digest"]


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for key, one in value.items() for leaf in leaves(one, (*path, key))]
    if isinstance(value, list):
        return [leaf for index, one in enumerate(value) for leaf in leaves(one, (*path, index))]
    return [path]


def changed(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else f"{value}x" if isinstance(value, str) else 1


@pytest.mark.parametrize("tried", [20, pytest.param(80, marks=pytest.mark.long)])
def test_every_changed_value_is_noticed(small: Evidence, tried: int) -> None:
    """Any single value, changed, is either no evidence any more or named; but frames may lie further apart."""
    whole = data_of(small)
    compared = [p for p in leaves(whole) if p[0] != "digest" and not (NOT_COMPARED | {"node_span"}) & set(p)]
    compared = [p for p in compared if not (p[:2] == ("findings", "answers") and p[-1] == "mfn")]  # any block will do
    caught = {"no evidence": 0, "named": 0}
    for path in random.Random(1).sample(compared, tried):
        data = data_of(small)
        inner = data
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = changed(inner[path[-1]])
        try:
            file = written_to(data)
        except EvidenceError:
            caught["no evidence"] += 1
            continue
        if file.run.semantics != small.run.semantics or file.run.properties != small.run.properties:
            continue
        assert verified(file, small).differences, path
        caught["named"] += 1
    assert min(caught.values()) > 0
    assert sum(caught.values()) > 0.6 * tried


def written_to(data: dict[str, Any], folder: Path | None = None) -> Evidence:
    """As the command reads it: from a file."""
    import tempfile

    with tempfile.TemporaryDirectory() as temporary:
        path = (folder or Path(temporary)) / "evidence.json"
        path.write_bytes(written(renewed(data)))
        return load(str(path))


def test_interrupted_section_stays_open(small: Evidence) -> None:
    stored = renewed(data_of(msgspec.structs.replace(small, guards=SkippedSection(INTERRUPTED))))
    outcome = verified(stored, small)
    assert outcome.differences == []
    assert any("guards" in text for text in outcome.open)


def test_section_that_cannot_run_here_stays_open(small: Evidence) -> None:
    again = msgspec.structs.replace(small, conformance=SkippedSection("no recordings in this checkout"))
    outcome = verified(renewed(data_of(small)), again)
    assert outcome.differences == []
    assert outcome.open == ["conformance: cannot be established here: no recordings in this checkout"]


STORED = Tables(tables=[], ok=True, stored=EarlierRun("2026-01-01", "0123456789ab", True, 100.0))


def with_stored(small: Evidence, section: Tables) -> Evidence:
    return msgspec.structs.replace(
        small, made="2026-01-04T00:00:00+00:00", further=small.further | {"mutation": section}
    )


def test_stored_section_is_compared_not_established(small: Evidence) -> None:
    evidence = renewed(data_of(with_stored(small, STORED)))
    outcome = verified(evidence, with_stored(small, STORED))
    said = "mutation: of 2026-01-01, 3 days old, of older code (0123456789ab)"
    assert (outcome.differences, outcome.open, outcome.skipped, outcome.stored) == ([], [], [], [said])
    newer = msgspec.structs.replace(STORED, stored=EarlierRun("2026-01-02", "0123456789ab", True, 100.0))
    assert [d.field for d in verified(evidence, with_stored(small, newer)).differences] == [
        "further.mutation.stored.day"
    ]
    alone = msgspec.structs.replace(with_stored(small, STORED), **dict.fromkeys(CORE, SkippedSection("for a test")))
    assert quickly(alone, EvidenceRequest(jobs=1), 0).stored == [said]


def test_verify_lists_sections_that_were_not_rerun(capsys: pytest.CaptureFixture[str]) -> None:
    show("e.json", VerificationResult(stored=["mutation: of 2026-01-01"]))
    assert capsys.readouterr().out == (
        "stored: mutation: of 2026-01-01: compared with its file, not made again\n"
        "e.json: all of it but what is stored established again\n"
    )


@pytest.mark.parametrize("made", ["yesterday", "2026-13-01"])
def test_invalid_date_is_refused(small: Evidence, made: str) -> None:
    stored = msgspec.structs.replace(STORED, stored=EarlierRun(made, "", True, 0.0))
    with pytest.raises(EvidenceError, match="is no day"):
        written_to(data_of(with_stored(small, stored)))
    with pytest.raises(EvidenceError, match="is no moment"):
        written_to(data_of(msgspec.structs.replace(small, made=made)))


@pytest.mark.long
def test_quick_lists_skipped_sections_and_names_a_difference(small: Evidence) -> None:
    request = EvidenceRequest(small.run.semantics, small.run.properties, frozenset(small.run.without), 1)
    data = data_of(small)
    data["findings"]["findings"][0]["broken"] = []
    outcome = quickly(renewed(data), request, seed=0)
    name = data["findings"]["findings"][0]["name"]
    assert {d.field for d in outcome.differences} == {f"findings.findings[{name}].broken"}
    assert any("obligations: " in text for text in outcome.skipped)


@pytest.fixture(params=sampled(["/offline_page/", "/"], keep={"/offline_page/"}), ids=["of-one-call", "all"])
def file(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Obligations only: they are quick."""
    monkeypatch.setattr(shown, "asked", lambda run: [one for one in asked(run) if request.param in one.name])
    path = tmp_path / "evidence.json"
    run = EvidenceRequest(["claim-sets"], ["recall-minimal"], LEFT_OUT | {"conformance", "matrix"}, jobs=1)
    path.write_bytes(written(collected(run)))
    return path


def call(*arguments: str) -> tuple[int, str]:
    outcome = CliRunner().invoke(verify, arguments)
    assert outcome.exception is None or isinstance(outcome.exception, SystemExit), outcome.exception
    return outcome.exit_code, outcome.output


def test_command_exit_codes_and_messages(file: Path) -> None:
    assert call(str(file), "--jobs", "2") == (0, f"{file}: all of it established again\n")
    data = json.loads(file.read_text())
    data["run"]["versions"]["z3"] = "4.8.0"
    file.write_bytes(written(renewed(data)))
    code, out = call("--quick", str(file), "--json")
    assert (code, [d["field"] for d in json.loads(out)["differences"]]) == (1, ["run.versions.z3"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no evidence"),
        (b"\xff", "no evidence"),
        (b"{}", "missing required field `made`"),
        (b"[" * 100000, "no evidence"),
        (b'{"format": "claimcheck-evidence/9"}', "no evidence"),
    ],
)
def test_malformed_file_prints_one_line_and_exits_2(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    path.write_bytes(content)
    code, out = call(str(path))
    assert code == 1  # of the library; `claimcheck` itself ends with 2
    assert message in out
    assert out.count("\n") == 1


def test_missing_file_is_reported() -> None:
    _code, out = call("no-such-file")
    assert "no-such-file: No such file or directory" in out
