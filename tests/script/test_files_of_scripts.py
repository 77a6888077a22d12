"""What is not a script, and scripts as other systems and editors write them."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from .command import RunOutput, run, run_script
from .mutations import GOOD

ROOT = Path(__file__).parents[2]
TRACE = (ROOT / "tests" / "data" / "examples" / "redeem.jsonl").read_bytes()
SMALL = b"host 4\nd1 create max=8\nd1 claim 5@0 => ENOMEM\n"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text.replace(b"\n", b"\r\n"), id="CRLF"),
        pytest.param(lambda text: text.replace(b"\n", b"\r"), id="CR"),
        pytest.param(lambda text: b"\xef\xbb\xbf" + text, id="BOM"),
        pytest.param(lambda text: text.replace(b" ", b"\t"), id="tabs"),
        pytest.param(lambda text: text.replace(b" ", b"   "), id="spaces"),
        pytest.param(lambda text: text.replace(b"\n", b"   \n"), id="spaces at the end"),
        pytest.param(lambda text: text.replace(b"\n", b"\n\n# a comment \xc3\xa9\n"), id="comments"),
        pytest.param(lambda text: text.rstrip(b"\n"), id="no last line end"),
        pytest.param(lambda text: text.replace(b"\n", b"\n    "), id="indented"),
    ],
)
def test_spaces_and_line_ends_change_nothing(change: Callable[[bytes], bytes], tmp_path: Path) -> None:
    good = run_script(tmp_path, GOOD)
    ended = run_script(tmp_path, change(GOOD))
    assert (ended.code, ended.err) == (0, "")
    assert [line for line in ended.out.splitlines() if "=>" in line and "expect" not in line] == [
        line for line in good.out.splitlines() if "=>" in line and "expect" not in line
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", ": there is no host: a script begins with one, such as host 4 4"),
        (b"\n\n", ": there is no host"),
        (b"# only a comment\n", ": there is no host"),
        (b"generation claim-sets\n", ": there is no host"),
        (b"\xef\xbb\xbf", ": there is no host"),
        (b"\0\0\0\0", ":1: not UTF-8 text"),
        (SMALL + b"\xff\xfe\n", ":4: not UTF-8 text"),
        (SMALL.decode().encode("utf-16"), ":1: not UTF-8 text"),
        (SMALL.decode().encode("utf-16-be"), ":1: not UTF-8 text"),
        (SMALL + "# café\n".encode("latin-1"), ":4: not UTF-8 text"),
        (gzip.compress(SMALL), ":1: "),
        (gzip.compress(SMALL)[:20], ":"),
        (gzip.compress(TRACE)[:200], ":"),
        (b"\x1f\x8b", ":"),
        (b"{", ":1: "),
        (b"{}\n", ":1: "),
        (b"{" * 100_000, ":1: "),
        (b'{"a": ' * 50_000, ":1: "),
        (b'[{"op": "boot"}]\n', ":1:1: unexpected '['"),
        (TRACE[: len(TRACE) // 2], ":"),
        (TRACE + b"{\n", ":"),
        (TRACE.replace(b"claim-sets", b"claim-sots"), ":1: "),
        (TRACE.replace(b'"boot"', b'"toot"'), ":2: "),
        (TRACE.replace(b'"boot"', b'"bo\\u0000t"'), ":2: "),
        (b"<html>\n", ":1:1: unexpected '<'"),
        (b"\x7fELF\x02\x01\x01", ":1"),
        (b"PK\x03\x04", ":1:3: "),
        (b"host 4\n" * 2, ":2:1: there is a host already"),
        (b"host " + b"4 " * 3_000, ":1:1: host: expected at most 64 of them (nodes)"),
        (b"h" * 1_000_000, ":1:1: "),
        (b"host 4\n" + b"x" * 100_000 + b"\n", ":2:1: unknown operation 'x"),
        (b"host 4\n" + b"(" * 100_000 + b"\n", ":2:1: unexpected '('"),
        (b"host 4\nd1 create max=" + b"9" * 100_000 + b"\n", ":2:15: "),
        (b"host 4\nd1 create max=0x" + b"f" * 100_000 + b"\n", ":2:15: "),
        (b"host 4\nd1 create max=4\nd1 claim " + b"1@host " * 1_000 + b"=> OK=\n", ":3:"),
        (b"host 4\nd" + b"1" * 5000 + b" create max=4\n", ":2:"),
    ],
    ids=range(36),
)
def test_what_is_no_script_is_one_line(content: bytes, says: str, tmp_path: Path) -> None:
    ended = run_script(tmp_path, content)
    assert ended.code == 2
    assert ended.err.startswith(f"claimcheck: {tmp_path}/mine.claims{says}"), ended.err[:500]
    assert ended.err.count("\n") == 1
    assert len(ended.err) < 900


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    assert run(str(tmp_path)) == RunOutput(2, "", f"claimcheck: {tmp_path}: Is a directory\n")
    missing = str(tmp_path / "missing.claims")
    assert run(missing) == RunOutput(2, "", f"claimcheck: {missing}: No such file or directory\n")
    assert run("a\0b").code == 2


def test_standard_input_is_named_in_messages() -> None:
    ended = run("-", stdin=SMALL)
    assert (ended.code, ended.err) == (0, "")
    assert "ENOMEM" in ended.out
    ended = run("-", stdin=b"host 4\nd1 creat max=4\n")
    assert ended.code == 2
    assert "2:4: unknown operation 'creat'; did you mean create?" in ended.err


def test_an_unmet_expectation_ends_with_1(tmp_path: Path) -> None:
    ended = run_script(tmp_path, SMALL.replace(b"ENOMEM", b"OK"))
    assert ended.code == 1
    assert "line 3: d1 claim 5@0 => OK: expected OK, got ENOMEM" in ended.out


def test_every_form_says_what_is_wrong_once(tmp_path: Path) -> None:
    wrong = SMALL + b"d1 creat max=4\n"
    for form in ("timeline", "trace", "script", "mail", "pytest", "c"):
        ended = run_script(tmp_path, wrong, "--as", form)
        assert ended.code == 2
        assert ended.err.count("\n") == 1
    ended = run_script(tmp_path, wrong, "--json")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
