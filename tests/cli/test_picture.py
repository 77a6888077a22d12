"""`explain --svg`: the timeline as a picture."""

from __future__ import annotations

import os
import stat
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner

from proofs.cli.explain import explain
from proofs.traces import read_traces

FINDING = "tests/data/findings/claim-sets/host-backed.jsonl"


def test_picture_shows_every_event_and_loads_nothing(tmp_path: Path) -> None:
    path = tmp_path / "finding.svg"
    done = CliRunner().invoke(explain, [FINDING, "--svg", str(path)])
    events = [event for trace in read_traces(FINDING) for event in trace]
    assert (done.exit_code, done.output) == (0, f"{path}: {len(events)} events with boot\n")
    words = "".join(ET.parse(path).getroot().itertext()).replace("\xa0", " ")
    for event in events:
        assert str(event.op) in words
    assert "claimed 1, unclaimed -1 of 1" in words
    assert "url(" not in path.read_text().replace("url(#", "")
    assert stat.S_IMODE(path.stat().st_mode) & 0o400


def test_unwritable_picture_gives_a_one_line_error() -> None:
    done = CliRunner().invoke(explain, [FINDING, "--svg", "/proc/none/finding.svg"])
    assert done.exit_code == 2
    assert "/proc/none/finding.svg" in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_written_files_have_default_permissions(umask: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        CliRunner().invoke(explain, [FINDING, "--svg", str(tmp_path / "finding.svg")])
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "finding.svg").stat().st_mode) == 0o666 & ~umask
