"""Rates of fuzzing a C implementation by pipe and in one process, and the cost of the oracle as a shadow.

`python -m bench.in_process` writes bench/in_process.json, which docs/attach-your-c-code.md quotes. Rates are per second
of processor time, of all processes involved, because other work may run on the machine.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from model.named import GENERATIONS
from proofs.export.oracle import oracle
from proofs.fuzz.known import GenerationFacts
from proofs.fuzz.program import Program
from tests.oracle.mistakes_in_c import MISTAKES, planted
from tests.oracle.mistakes_in_hypercalls import BETWEEN_SECTIONS, IN_HYPERCALLS, planted_in_hypercalls

MEASURED = Path("bench/in_process.json")
KIT = Path("docs/adapters")
FLAGS = ["-std=c99", "-D_POSIX_C_SOURCE=200809L", "-O2", f"-I{KIT}"]
SANITIZED = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
STEPS, SHADOW_ROUNDS = 2_000_000, 5
PIPE_SECONDS = 8.0
_RATE = re.compile(r"(\d+) steps/s")


def _built(folder: Path, name: str, *arguments: str) -> str:
    program = str(folder / name)
    subprocess.run(["cc", *FLAGS, f"-I{folder}", "-o", program, *arguments], check=True)
    return program


def _processor_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _by_pipe(program: str) -> float:
    """Critical sections a second, as `claimcheck fuzz --against` checks them."""
    sections = 0
    begun = _processor_seconds()
    with closing(Program(GenerationFacts("claim-sets", [], {}), program, 60, 60)) as target:
        seed = 0
        while _processor_seconds() - begun < PIPE_SECONDS:
            sections += target.trial(seed, {}).sections
            seed += 1
    return sections / (_processor_seconds() - begun)


def _in_process(program: str, steps: int = STEPS) -> float:
    out = subprocess.run([program, "--steps", str(steps)], capture_output=True, text=True, check=True).stdout
    found = _RATE.search(out)
    assert found is not None
    return float(found[1])


def _nanoseconds(program: str) -> float:
    """The best of several runs, in nanoseconds per critical section."""
    runs = [
        subprocess.run([program, "1000000"], capture_output=True, text=True, check=True) for _ in range(SHADOW_ROUNDS)
    ]
    return min(float(run.stdout.split()[2]) for run in runs)


def measure(folder: Path) -> dict[str, Any]:
    """All rates, in one run."""
    sizes = {}
    for name in GENERATIONS:
        header = oracle(name)
        sizes[name] = {"lines": header.text.count("\n"), "kinds": header.kinds, "cases": len(header.cases)}
        if name == "claim-sets":
            (folder / "claim_oracle.h").write_text(header.text)
    harness = str(KIT / "claim_in_process.c")
    ledger = ('-DATTACHED="attach.c"', harness, str(KIT / "ledger.c"))
    builders = ('-DATTACHED="attach_builders.c"', harness, str(KIT / "ledger_builders.c"))
    hypercalls = ('-DATTACHED="attach_hypercalls.c"', harness, str(KIT / "ledger_hypercalls.c"))
    shadow = (str(KIT / "ledger_shadow.c"), str(KIT / "ledger_builders.c"))
    by_pipe = _by_pipe(_built(folder, "ledger", str(KIT / "attach.c"), str(KIT / "ledger.c")))
    in_process = _in_process(_built(folder, "fuzz", *ledger))
    with_builders = _in_process(_built(folder, "builders", *builders))
    with_hypercalls = _in_process(_built(folder, "hypercalls", *hypercalls))
    sanitized = _in_process(_built(folder, "sanitized", *SANITIZED, *ledger), STEPS // 4)
    all_sanitized = _in_process(_built(folder, "all-sanitized", *SANITIZED, *hypercalls), STEPS // 4)
    bare, shadowed = (
        _nanoseconds(_built(folder, "bare", *shadow)),
        _nanoseconds(_built(folder, "shadow", "-DSHADOW", *shadow)),
    )
    return {
        "load": round(os.getloadavg()[0], 1),
        "steps_per_second": {
            "by pipe": round(by_pipe),
            "in process": round(in_process),
            "in process, with builders": round(with_builders),
            "in process, with builders and hypercalls": round(with_hypercalls),
            "in process, sanitized": round(sanitized),
            "in process, with builders and hypercalls, sanitized": round(all_sanitized),
        },
        "ratio": round(in_process / by_pipe),
        "shadow": {"bare_ns": bare, "shadowed_ns": shadowed, "ratio": round(shadowed / bare, 1)},
        "sizes": sizes,
        "mistakes": _steps_to_find(folder),
    }


def _steps_to_find(folder: Path) -> dict[str, str]:
    """By planted mistake: the steps until it is found, and what is wrong."""
    found = {}
    harness = _harness(folder, "attach.c")
    for name, replacements in MISTAKES.items():
        found[name] = _report(folder, harness, planted(replacements, folder))
    harness = _harness(folder, "attach_hypercalls.c")
    for name in (*IN_HYPERCALLS, *BETWEEN_SECTIONS):
        found[name] = _report(folder, harness, planted_in_hypercalls(name, folder))
    return found


def _harness(folder: Path, attached: str) -> str:
    built = str(folder / "harness.o")
    arguments = [f'-DATTACHED="{attached}"', "-c", "-o", built, str(KIT / "claim_in_process.c")]
    subprocess.run(["cc", *FLAGS, f"-I{folder}", *arguments], check=True)
    return built


def _report(folder: Path, harness: str, source: Path) -> str:
    program = _built(folder, "mistake", "-w", harness, str(source))
    given = [program, "--steps", "1000000", "--trace", str(folder / "finding.jsonl")]
    out = subprocess.run(given, capture_output=True, text=True, check=False).stdout
    told = re.search(r"found after (\d+) steps, seed \d+: (.*)", out)
    return f"{int(told[1]):,} steps: {told[2]}" if told else "not found"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        result = measure(Path(made))
    MEASURED.write_text(json.dumps(result, indent=1) + "\n")
    print({key: result[key] for key in ("load", "steps_per_second", "ratio", "shadow")})
