"""In-process fuzzing with builders and hypercalls: the ledger agrees, planted mistakes and wrong ends are found."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.adapters.programs import KIT
from tests.adapters.zones import OPTIONS as ZONE_OPTIONS
from tests.adapters.zones import zoned
from tests.oracle.harnesses import SANITIZED, harness_of, linked
from tests.oracle.mistakes_in_hypercalls import BETWEEN_SECTIONS, IN_HYPERCALLS, planted_in_hypercalls
from tests.oracle.test_in_process import replayed
from tests.oracle.test_oracle_operations import options_of
from tests.sampled import sampled

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler: `cc` is not found")

SOURCE = KIT / "ledger_hypercalls.c"
MIRRORED = ["-DLEDGER_POLICY=2", "-DOPTIONS=(CLAIM_MIRRORED|CLAIM_ONE_ZONE)"]
STEPS = 400_000
FEW = 50_000
QUICK = {"stolen-pages-uncounted", "exchange-uses-claims", "freed-in-the-first-section", "one-section-more"}
"""Found within few steps; the others in a long run."""


def fuzzed(program: Path, steps: int, folder: Path) -> tuple[int, str, Path]:
    """Exit code, output, and the file of the trace."""
    trace = folder / "finding.jsonl"
    given = [program, "--steps", str(steps), "--trace", str(trace)]
    done = subprocess.run(given, capture_output=True, text=True, timeout=600, check=False)
    assert [
        line for line in done.stderr.splitlines() if "swapcontext" not in line
    ] == []  # what ASan says of coroutines
    return done.returncode, done.stdout, trace


@pytest.fixture(scope="module")
def harness() -> Path:
    return harness_of("attach_hypercalls.c")


@pytest.fixture(scope="module")
def whole() -> Path:
    return harness_of("attach_hypercalls.c", "-DWHOLE")


@pytest.mark.parametrize(
    "options",
    sampled([[], ["-DWHOLE"], MIRRORED, SANITIZED], keep=[["-DWHOLE"]]),
    ids=["builders", "whole", "mirrored", "sanitized"],
)
def test_ledger_with_hypercalls_agrees(options: list[str], tmp_path: Path) -> None:
    program = linked(harness_of("attach_hypercalls.c", *options), SOURCE, options=options)
    code, out, _ = fuzzed(program, FEW, tmp_path)
    assert code == 0, out


@pytest.mark.parametrize("name", sampled({**IN_HYPERCALLS, **BETWEEN_SECTIONS}, keep=QUICK))
def test_mistake_in_hypercalls_is_found(name: str, harness: Path, tmp_path: Path) -> None:
    program = linked(harness, planted_in_hypercalls(name, tmp_path))
    code, out, trace = fuzzed(program, STEPS, tmp_path)
    assert code == 1, out
    assert trace.read_text().startswith('{"format":"claim-trace/2"')


@pytest.mark.parametrize("name", sampled(["freed-in-the-first-section", "one-section-more"], 2))
def test_mistake_between_sections_needs_builders(name: str, whole: Path, tmp_path: Path) -> None:
    program = linked(whole, planted_in_hypercalls(name, tmp_path))
    assert fuzzed(program, FEW, tmp_path)[0] == 0


@pytest.mark.parametrize("name", ["stolen-pages-uncounted", "freed-in-the-first-section"])
def test_trace_with_builders_diverges_at_its_end(name: str, harness: Path, tmp_path: Path) -> None:
    program = linked(harness, planted_in_hypercalls(name, tmp_path))
    _, out, trace = fuzzed(program, STEPS, tmp_path)
    found = re.search(r"seed \d+: (\w+): (\w+)", out)
    assert found is not None
    diverged = replayed(trace, tmp_path)
    assert f"event {len(trace.read_text().splitlines()) - 2} {found[1]}: state" in diverged
    assert found[2] in diverged


def test_blocks_from_the_upper_end_are_found(harness: Path, tmp_path: Path) -> None:
    program = linked(harness, SOURCE, options=["-DLEDGER_POLICY=2"])
    code, out, _ = fuzzed(program, FEW, tmp_path)
    assert code == 1
    assert re.search(r"mfns?(\[\d+\])?: expected \d+, observed \d+", out)


@pytest.mark.long  # in the default run, the ledger on zones is fuzzed by pipe
def test_ledger_on_zones_agrees_in_process(tmp_path: Path) -> None:
    folder = zoned()
    given = harness_of(folder / "attach_hypercalls.c", *ZONE_OPTIONS)
    code, out, _ = fuzzed(linked(given, folder / "ledger_hypercalls.c"), FEW, tmp_path)
    assert code == 0, out


ENDS = {"crash": 'claim_adapter_crash("BUG_ON: no extent")', "status 0": "exit(0)", "status 3": "exit(3)"}


@pytest.fixture(scope="module")
def ending(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ledger with hypercalls in which a populate of four extents ends as the environment has it."""
    folder = tmp_path_factory.mktemp("ending")
    for name in ("attach_hypercalls.c", "attach_builders.c"):
        shutil.copy(KIT / name, folder)
    path = folder / "attach_hypercalls.c"
    ends = "".join(f'if (!strcmp(getenv("ENDS"), "{name}")) {statement}; ' for name, statement in ENDS.items())
    old = "    call->nr_done = call->start_extent;\n"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, f"{old}    if (call->nr_extents == 4) {{ {ends}}}\n"))
    return linked(harness_of(path), SOURCE)


@pytest.mark.parametrize(
    ("ends", "said", "last"),
    [
        ("crash", "expected .*, observed crash", '"crash":"crash: BUG_ON: no extent"}'),
        ("status 0", "exited with status 0", ""),
        ("status 3", "exited with status 3", ""),
    ],
)
def test_end_of_the_implementation_is_a_finding(
    ends: str, said: str, last: str, ending: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENDS", ends)
    code, out, trace = fuzzed(ending, FEW, tmp_path)
    assert code == 1
    assert re.search(said, out), out
    assert trace.read_text().splitlines()[-1].endswith(last)


IN_PROCESS = [
    ("claim-sets-v3", ["-DBUILDERS"]),  # has get_memory_claims
    ("claim-sets-v3", []),
    ("single-node-v4", ["-DBUILDERS"]),  # its model crashes
    ("single-node-v4", []),
]


@pytest.mark.parametrize(("semantics", "builders"), sampled(IN_PROCESS, 4))
def test_oracle_agrees_with_itself(semantics: str, builders: list[str], tmp_path: Path) -> None:
    options = (*options_of(semantics), *builders)
    given = harness_of(Path(__file__).parent / "oracle_adapter.c", *options, semantics=semantics)
    code, out, _ = fuzzed(linked(given, KIT / "ledger.c"), FEW, tmp_path)
    assert code == 0, out
