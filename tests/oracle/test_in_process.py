"""In-process fuzzing of the examples: they agree with the oracle, planted mistakes are found, failures are traces."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from proofs.cli.main import claimcheck
from proofs.mistakes.catalogue import CATALOGUE
from tests.adapters.c_store import compiled
from tests.adapters.programs import KIT, built, ledger
from tests.oracle.harnesses import FLAGS, SANITIZED, harness_of, header_of, included, linked
from tests.oracle.mistakes_in_c import FAULTS, MISTAKES, planted
from tests.sampled import sampled

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler: `cc` is not found")

STEPS = 100_000


@pytest.fixture(scope="module")
def harness() -> Path:
    return harness_of("attach.c")


Fuzz = Callable[[list[tuple[str, str]]], tuple[int, str, Path]]


@pytest.fixture
def fuzz(harness: Path, tmp_path: Path) -> Fuzz:
    """Fuzzes the ledger with these replacements; exit code, output, and the file of the trace."""

    def run(replacements: list[tuple[str, str]]) -> tuple[int, str, Path]:
        program = linked(harness, planted(replacements, tmp_path))
        trace = tmp_path / "finding.jsonl"
        given = ["--steps", str(STEPS), "--trace", str(trace)]
        done = subprocess.run([program, *given], capture_output=True, text=True, timeout=300, check=False)
        assert done.stderr == ""
        return done.returncode, done.stdout, trace

    return run


def replayed(trace: Path, tmp_path: Path) -> str:
    options = ["--divergences", str(tmp_path / "diverged")]
    return CliRunner().invoke(claimcheck, ["replay", *options, str(trace)], catch_exceptions=False).output


def test_ledger_agrees_with_the_oracle(fuzz: Fuzz) -> None:
    code, out, trace = fuzz([])
    assert (code, trace.exists()) == (0, False), out
    assert re.search(r"tiny ledger in C: [\d,]+ traces, 100\d\d\d steps, \d+ steps/s", out)


@pytest.mark.long  # in the default run, the ledger with hypercalls stands for it
@pytest.mark.parametrize("options", [[], SANITIZED], ids=["plain", "sanitized"])
def test_ledger_with_builders_agrees_with_the_oracle(options: list[str]) -> None:
    program = linked(harness_of("attach_builders.c", *options), KIT / "ledger_builders.c", options=options)
    done = subprocess.run([program, "--steps", str(STEPS)], capture_output=True, text=True, timeout=300, check=False)
    told = [line for line in done.stderr.splitlines() if "swapcontext" not in line]  # what ASan says of coroutines
    assert (done.returncode, told) == (0, []), done.stdout


def test_every_mistake_of_serve_is_planted_in_c() -> None:
    assert set(MISTAKES) <= set(CATALOGUE)
    assert len(MISTAKES) == 29


@pytest.mark.parametrize("name", sampled(MISTAKES, 5))
def test_planted_mistake_is_found(name: str, fuzz: Fuzz) -> None:
    code, out, trace = fuzz(MISTAKES[name])
    assert code == 1, out
    assert "found after " in out
    assert trace.read_text().startswith('{"format":"claim-trace/1"')


@pytest.mark.parametrize("name", ["no-recall", "install-accumulates"])
def test_written_trace_diverges_on_the_reference(name: str, fuzz: Fuzz, tmp_path: Path) -> None:
    _, out, trace = fuzz(MISTAKES[name])
    diverged = replayed(trace, tmp_path)
    operation = re.search(r"seed \d+: (\w+): ", out)
    assert operation is not None
    assert diverged.count("diverged: ") == 1
    assert f" {operation[1]}: " in diverged


def test_written_trace_is_shrunk_against_the_program(fuzz: Fuzz, tmp_path: Path) -> None:
    _, _, trace = fuzz(MISTAKES["redeem-twice"])
    program = built((KIT / "attach.c", planted(MISTAKES["redeem-twice"], tmp_path)), ("-w",))
    options = ["--against", program, "--shrink", str(trace), "--out", str(tmp_path / "small")]
    done = CliRunner().invoke(claimcheck, ["fuzz", *options], catch_exceptions=False)
    assert done.exit_code == 1, done.output
    (small,) = (tmp_path / "small").glob("*.jsonl")
    assert len(small.read_text().splitlines()) < 7 < len(trace.read_text().splitlines())
    agrees = CliRunner().invoke(claimcheck, ["fuzz", "--against", ledger(), *options[2:]], catch_exceptions=False)
    assert (agrees.exit_code, "agrees with the reference" in agrees.output) == (0, True)


def test_abort_is_written_as_a_crash(fuzz: Fuzz, tmp_path: Path) -> None:
    code, out, trace = fuzz(FAULTS["aborts"])
    assert code == 1
    assert "died by signal 6" in out
    assert trace.read_text().endswith(',"crash":"died: signal 6"}\n')
    assert "expected no crash, observed died: signal 6" in replayed(trace, tmp_path)


def test_abort_that_needs_earlier_traces_is_reported_so(fuzz: Fuzz) -> None:
    code, out, _ = fuzz(FAULTS["aborts-later"])
    assert code == 1
    assert "it does not occur again in a new process" in out


def test_written_trace_is_what_the_program_does_by_pipe(fuzz: Fuzz, tmp_path: Path) -> None:
    _, _, trace = fuzz(MISTAKES["no-recall"])
    options = ["--against", ledger(), "--divergences", str(tmp_path / "none")]
    done = CliRunner().invoke(claimcheck, ["replay", *options, str(trace)], catch_exceptions=False)
    assert (done.exit_code, "0 divergences" in done.output) == (0, True)  # the ledger without the mistake


def test_oracle_of_another_generation_is_refused(tmp_path: Path) -> None:
    text = header_of("claim-sets").text.replace(
        '#define CO_SEMANTICS "claim-sets"', '#define CO_SEMANTICS "per-node-v8"'
    )
    (tmp_path / "claim_oracle.h").write_text(text)
    given = [*FLAGS, f"-I{tmp_path}", f"-I{KIT}", '-DATTACHED="attach.c"']
    fuzz = compiled("cc", given, [KIT / "claim_in_process.c", KIT / "ledger.c"])
    done = subprocess.run([fuzz], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr == "the oracle is of per-node-v8, the implementation of claim-sets\n"


@pytest.mark.long  # in the default run, clang builds and runs the entry
def test_libfuzzer_entry_builds_and_accepts_input(tmp_path: Path) -> None:
    main = tmp_path / "main.c"
    main.write_text(
        "#include <stdint.h>\n#include <stddef.h>\nint LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);\n"
        "int main(void) { static uint8_t data[5000]; for (int i = 0; i < 5000; i++) data[i] = (uint8_t)(i * i / 7);\n"
        "    return LLVMFuzzerTestOneInput(data, sizeof(data)) + LLVMFuzzerTestOneInput(data, 0); }\n"
    )
    fuzz = linked(harness_of("attach.c", "-DLIBFUZZER"), KIT / "ledger.c", main)
    assert subprocess.run([fuzz], timeout=60, check=False).returncode == 0


PLANTED = [("", 3000), ("install-accumulates", 400_000), ("no-recall", 400_000)]


@pytest.mark.parametrize(("mistake", "inputs"), sampled(PLANTED, keep=PLANTED[:1]))
def test_libfuzzer_finds_only_the_planted_mistake(mistake: str, inputs: int, tmp_path: Path) -> None:
    if shutil.which("clang") is None:
        pytest.skip("no C compiler: `clang` is not found")
    (tmp_path / "empty.c").write_text(
        "int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }\n"
    )
    given = ["clang", "-fsanitize=fuzzer", "empty.c"]
    made = subprocess.run(given, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    if "libclang_rt.fuzzer" in made.stderr:
        pytest.skip("clang has no libFuzzer: install libclang-rt-dev")
    source = planted(MISTAKES[mistake], tmp_path) if mistake else KIT / "ledger.c"
    harness = harness_of("attach.c", "-DLIBFUZZER", "-fsanitize=fuzzer", compiler="clang")
    program = linked(harness, source, options=["-fsanitize=fuzzer"], compiler="clang")
    fuzz = [program, f"-runs={inputs}", "-seed=1", "-max_len=4096"]
    done = subprocess.run(fuzz, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    if mistake:
        assert done.returncode != 0
        assert "diverged: " in replayed(tmp_path / "finding.jsonl", tmp_path)
    else:
        assert (done.returncode, f"Done {inputs} runs" in done.stderr) == (0, True)


@pytest.mark.parametrize("mistake", ["", "aggregate-not-decremented"])
def test_shadow_stops_at_the_section_that_is_wrong(mistake: str, tmp_path: Path) -> None:
    planted(MISTAKES[mistake] if mistake else [], tmp_path)
    for name in ("ledger_builders.c", "ledger_builders.h", "ledger.h"):
        shutil.copy(KIT / name, tmp_path)
    sources = [KIT / "ledger_shadow.c", tmp_path / "ledger_builders.c"]
    program = compiled("cc", [*FLAGS, f"-I{tmp_path}", f"-I{included()}", "-DSHADOW"], sources)
    done = subprocess.run([program, "20000"], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode == 0) is (mistake == "")
    assert re.search(r"^shadow: \w+: node_outstanding_claims" if mistake else r"ns each", done.stderr + done.stdout)


def test_export_oracle_writes_a_header_and_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofs.export.oracle.oracle", header_of)  # the same, made once
    path = tmp_path / "claim_oracle.h"
    done = CliRunner().invoke(claimcheck, ["export", "oracle", "-o", str(path), "--json"], catch_exceptions=False)
    assert done.exit_code == 0
    counts = json.loads(done.output)
    assert counts["lines"] == path.read_text().count("\n") > 3000
    assert counts["not_in_c"] == []
    for wrong, said in ((["--json"], "name a file"), (["-o", str(tmp_path / "no" / "x.h")], "No such file")):
        done = CliRunner().invoke(claimcheck, ["export", "oracle", *wrong])
        assert done.exit_code == 2
        assert said in done.output
