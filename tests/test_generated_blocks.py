"""The generated blocks of documents: how they are written, and that each document has one maker."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path

import pytest

import docs._make
from bench import second_solver
from bench.peers import __main__ as peers
from docs._make.blocks import BLOCK, Output, blocks_of, parser, renewed
from docs._make.checkout import DOCUMENTS, ROOT
from docs._make.commands import BLOCKS

TEXT = "before\n<!-- generated: one -->\nold\n<!-- end -->\n<!-- generated: two a b.c -->\nold\n<!-- end -->\nafter\n"
MAKERS = {"one": "1", "two": lambda argument: f"made of {argument}"}


def test_only_generated_blocks_are_replaced() -> None:
    new = TEXT.replace("old", "1", 1).replace("old", "made of a b.c")
    assert renewed(TEXT, MAKERS) == new
    assert renewed(new, MAKERS) == new
    assert blocks_of(new) == {"one": "1\n", "two": "made of a b.c\n"}


def test_makers_are_called_only_for_blocks_they_write() -> None:
    assert renewed(TEXT, {"two": MAKERS["two"]}, others=["one"]) == TEXT.replace("old", "made of a b.c").replace(
        "made of a b.c", "old", 1
    )
    with pytest.raises(KeyError, match="one"):
        renewed(TEXT, {"two": MAKERS["two"]})


def test_check_names_files_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document, other = tmp_path / "a.md", tmp_path / "new/b"
    document.write_text(TEXT)
    for check in (True, False):
        output = Output(check)
        output.renew(document, MAKERS)
        output.write(other, b"content")
        assert output.ended() == (1 if check else 0)
        verb = "not up to date" if check else "written"
        assert capsys.readouterr().out == f"{verb}: {document}\n{verb}: {other}\n"
        assert (document.read_text() == TEXT) == (not other.exists()) == check
    again = Output(check=True)
    again.renew(document, MAKERS)
    again.write(other, "content")
    assert (again.ended(), again.changed, capsys.readouterr().out) == (0, [], "")


def test_check_removes_no_file(tmp_path: Path) -> None:
    path = tmp_path / "old"
    path.touch()
    for check in (True, False):
        output = Output(check)
        output.remove(path)
        assert (output.changed, path.exists()) == ([path], check)


def test_every_maker_has_the_same_option() -> None:
    assert parser("x", "").parse_args(["--check"]).check
    assert not parser("x", "").parse_args([]).check


def makers() -> dict[str, list[str]]:
    """The makers of each document, by its path."""
    modules = [import_module(f"docs._make.{found.name}") for found in pkgutil.iter_modules(docs._make.__path__)]
    named: dict[str, list[str]] = {name: ["commands"] for name in BLOCKS}
    for module in [*modules, second_solver, peers]:
        if module.__name__ in ("docs._make.checkout", "docs._make.commands"):
            continue
        own = [module.DOCUMENT] if hasattr(module, "DOCUMENT") else getattr(module, "DOCUMENTS", [])
        for path in own:
            named.setdefault(str(path), []).append(module.__name__)
    return named


def test_every_document_with_blocks_has_one_maker() -> None:
    with_blocks = {
        path.relative_to(ROOT).as_posix() for path in DOCUMENTS if BLOCK.search(path.read_text(encoding="utf-8"))
    }
    assert len(with_blocks) > 15
    found = makers()
    assert {name: len(found.get(name, [])) for name in with_blocks} == dict.fromkeys(with_blocks, 1)
    assert set(found) == with_blocks


def test_every_block_has_an_end() -> None:
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        assert text.count("<!-- generated: ") == len(BLOCK.findall(text)), path


def test_no_other_code_writes_blocks() -> None:
    code = [path for top in ("reference", "model", "proofs", "bench", "docs") for path in (ROOT / top).rglob("*.py")]
    assert [path.name for path in code if "<!-- " in path.read_text(encoding="utf-8")] == ["blocks.py"]
