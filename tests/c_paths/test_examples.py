"""The examples: every path ends as the model says, the compiled code agrees, and differences are shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.sampled import sampled

from .conftest import DATA, ROOT

LEDGER = ROOT / "docs/adapters/ledger.c"
FILES = ["ledger", "hypervisor/mainline", "hypervisor/per_node", "hypervisor/claim_sets"]


def diff(*arguments: Any) -> Any:
    from proofs.cli.main import claimcheck

    return CliRunner().invoke(claimcheck, ["diff", "--jobs", "1", *map(str, arguments)])


def diff_unoptimised(*arguments: Any) -> Any:
    """The same, of a program compiled without optimisation, where what the compiled code does is no matter."""
    from proofs.c_paths import run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "PLAIN", ("-O0",))
        patch.setattr(run, "SANITIZED", ("-O0", *run.SANITIZED[1:]))
        return diff(*arguments)


def files_of(name: str) -> tuple[str, Path, str, Path]:
    source = LEDGER if name == "ledger" else DATA / f"{name}.c"
    return "--c", source, "--map", DATA / f"{name}.toml"


@pytest.mark.parametrize("name", sampled(FILES[:2], keep=["hypervisor/mainline"]))
def test_every_path_of_an_example_is_equal(name: str) -> None:
    done = diff(*files_of(name), "--shape", "1x1", "--json")
    assert done.exit_code == 0, done.output
    rows = json.loads(done.output)["rows"]
    assert {row["verdict"] for row in rows} == {"equal"}
    assert all(row["paths"] > 0 for row in rows)
    assert all(row["ran"] == row["paths"] for row in rows)


@pytest.mark.long
@pytest.mark.parametrize("name", FILES)
def test_examples_are_equal_on_all_sizes(name: str) -> None:
    done = diff(*files_of(name), "--json")
    assert done.exit_code == 0, done.output
    assert {row["verdict"] for row in json.loads(done.output)["rows"]} == {"equal"}


def test_two_domains_are_explored_as_one(tmp_path: Path) -> None:
    done = diff_unoptimised(*files_of("ledger"), "--shape", "1x2", "--operation", "set_outstanding_pages", "--json")
    (row,) = json.loads(done.output)["rows"]
    assert (row["plans"], row["by_symmetry"]) == (2, 1)


def test_variables_are_as_at_first_before_each_real_run(tmp_path: Path) -> None:
    begins = "int set_outstanding_pages(struct domain *d, uint64_t pages)\n{"
    text = LEDGER.read_text().replace(begins, begins + "\n    static int calls; if (calls++) return -EPERM;")
    source = tmp_path / "ledger.c"
    source.write_text(text)
    (tmp_path / "ledger.h").write_text((LEDGER.parent / "ledger.h").read_text())
    files = ("--c", source, "--map", DATA / "ledger.toml")
    done = diff(*files, "--shape", "1x1", "--operation", "set_outstanding_pages", "--json")
    (row,) = json.loads(done.output)["rows"]
    assert (row["verdict"], row["ran"]) == ("equal", row["paths"])
    assert row["ran"] > 1


def test_a_loop_over_domains_is_explored_for_each(tmp_path: Path) -> None:
    text = LEDGER.read_text().replace(
        "int set_outstanding_pages(struct domain *d, uint64_t pages)\n{",
        "int set_outstanding_pages(struct domain *d, uint64_t pages)\n{\n    if (d->domain_id == 1) return -EPERM;",
    )
    source = tmp_path / "ledger.c"
    source.write_text(text)
    (tmp_path / "ledger.h").write_text((LEDGER.parent / "ledger.h").read_text())
    given = ("--c", source, "--map", DATA / "ledger.toml", "--shape", "1x2", "--operation", "set_outstanding_pages")
    done = diff_unoptimised(*given)
    assert done.exit_code == 1
    assert "set_outstanding_pages 1x2: d1" in done.output


@pytest.fixture(scope="module")
def mistaken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    folder = tmp_path_factory.mktemp("mistaken")
    text = LEDGER.read_text()
    assert text.count("pages <= d->tot_pages || pages") == 1
    source = folder / "mistaken.c"
    source.write_text(text.replace("pages <= d->tot_pages || pages", "pages < d->tot_pages || pages"))
    for name in ("ledger.h", "claim_adapter.h", "attach.c"):
        (folder / name).write_text((LEDGER.parent / name).read_text())
    out = folder / "out"
    options = ("--shape", "1x1", "--operation", "set_outstanding_pages", "--out", out)
    return diff_unoptimised("--c", source, "--map", DATA / "ledger.toml", *options), out


def test_difference_names_input_and_path(mistaken: tuple[Any, Path]) -> None:
    done, _ = mistaken
    assert done.exit_code == 1
    assert "arguments: domid=0, pages=1" in done.output
    assert "the C code: OK; the model: EINVAL" in done.output
    before = LEDGER.read_text().partition("pages <= d->tot_pages || pages")[0]
    assert f"mistaken.c:{before.count(chr(10)) + 1}: false" in done.output


def test_trace_of_a_difference_shows_it_on_the_compiled_code(mistaken: tuple[Any, Path]) -> None:
    import subprocess

    from proofs.adapters import OutsideProgram
    from proofs.adapters.against import replay_against
    from proofs.traces import read_traces

    _, out = mistaken
    build = ["cc", "-std=gnu99", "-o", "attached", "attach.c", "mistaken.c"]
    subprocess.run(build, cwd=out.parent, check=True, timeout=120)
    with OutsideProgram(str(out.parent / "attached")) as outside:
        for trace in read_traces(str(out / "set_outstanding_pages-1x1.jsonl")):
            replay = replay_against(trace, outside)
        outside.stop()
    assert replay.result.divergence is not None
    assert "set_outstanding_pages" in str(replay.result.divergence)


def test_test_of_a_difference_is_written_for_the_kit(mistaken: tuple[Any, Path]) -> None:
    _, out = mistaken
    text = (out / "set_outstanding_pages-1x1.c").read_text()
    assert "== EINVAL" in text
    assert "static int test_set_outstanding_pages_1x1" in text


def test_unsupported_source_ends_with_3(tmp_path: Path) -> None:
    text = LEDGER.read_text().replace("    if (!pages) {", '    __asm__ volatile ("nop");\n    if (!pages) {', 1)
    source = tmp_path / "ledger.c"
    source.write_text(text)
    (tmp_path / "ledger.h").write_text((LEDGER.parent / "ledger.h").read_text())
    given = ("--c", source, "--map", DATA / "ledger.toml", "--shape", "1x1", "--operation", "set_outstanding_pages")
    done = diff_unoptimised(*given)
    assert done.exit_code == 3
    assert "not supported: assembler" in " ".join(done.output.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--c", LEDGER), "--c needs --map"),
        (("--map", DATA / "ledger.toml"), "go with --c"),
        (("--c", "nowhere.c", "--map", DATA / "ledger.toml"), "nowhere.c: No such file"),
        (("--c", LEDGER, "--map", "nowhere.toml"), "nowhere.toml: No such file"),
        ((*files_of("ledger"), "--generation", "mainline-4.22"), "mainline-4.22"),
        ((*files_of("ledger"), "--operation", "online_page"), "online_page"),
        ((*files_of("ledger"), "--mistake", "redeem-twice"), "does not go with --c"),
    ],
    ids=["no map", "no file", "file is missing", "map is missing", "other generation", "other operation", "mistake"],
)
def test_wrong_use_is_refused(arguments: tuple[Any, ...], message: str) -> None:
    done = diff(*arguments)
    assert done.exit_code == 2
    assert message in done.output


def test_without_libclang_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from proofs.c_paths import clang_library

    def missing() -> Any:
        raise clang_library.LibraryMissingError(clang_library.MISSING)

    monkeypatch.setattr(clang_library, "cindex", missing)
    done = diff(*files_of("ledger"))
    assert done.exit_code == 2
    assert 'install "claimcheck[c]"' in done.output


def test_without_a_compiler_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    done = diff(*files_of("ledger"))
    assert done.exit_code == 2
    assert "no-such-compiler is not found" in done.output
