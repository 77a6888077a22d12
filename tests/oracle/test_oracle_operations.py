"""The operations of the C oracle, section by section, agree with the reference: the oracle is attached to the kit."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from msgspec import to_builtins

from model.calls import exists
from model.named import GENERATIONS
from proofs.fuzz.known import GenerationFacts
from proofs.fuzz.program import Program
from proofs.operations import KINDS
from proofs.replay.observe import observe
from proofs.replay.runner import boot_shape
from proofs.traces import HostShape
from reference.generations import GENERATIONS as REFERENCES
from reference.state import create_domain
from tests.adapters.c_store import compiled
from tests.adapters.programs import built
from tests.oracle.harnesses import SANITIZED, included
from tests.sampled import sampled

DEFAULT = ("claim-sets", "single-node-v4")
EVERY = sampled(GENERATIONS, keep=DEFAULT)

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler: `cc` is not found")


def observed(semantics: str) -> set[str]:
    """The counters of a domain that the generation shows."""
    host = boot_shape(HostShape(4, [4]), REFERENCES[semantics])
    create_domain(host, 1, 4, (0,))
    return set(to_builtins(observe(host).domains[1]))


def options_of(semantics: str) -> list[str]:
    """What the generation has, for oracle_adapter.c."""
    counters = observed(semantics)
    layout = (
        "SETS" if "global_claims" in counters
        else "SINGLE_NODE" if "claim_node" in counters
        else "TOTAL" if "claims" in counters
        else "LEGACY"
    )  # fmt: skip
    return [
        f"-DCOUNTERS=CLAIM_COUNTERS_{layout}",
        f"-DSTASHES={int(exists('take_stash', semantics))}",
        f"-DSETS={int(exists('install_claim_set', semantics))}",
        f"-DMEMORY={int(exists('claim_memory', semantics))}",
        "-DCO_MAX_DOMAINS=64",
    ]


def program(semantics: str, *options: str) -> str:
    """The oracle of a generation as a program that speaks the protocol."""
    source = Path(__file__).parent / "oracle_adapter.c"
    return built((source,), (f"-I{included(semantics)}", *options_of(semantics), *options))


def compared(semantics: str, command: str, seeds: range) -> Counter[str]:
    """By operation, the events of random traces; every trace must agree."""
    done: Counter[str] = Counter()
    with closing(Program(GenerationFacts(semantics, [], {}), command, 60, 60)) as target:
        for seed in seeds:
            trial = target.trial(seed, {})
            assert trial.failure is None, (seed, str(trial.failure))
            done.update(event.op for event in trial.events)
    return done


@pytest.mark.parametrize("semantics", EVERY)
def test_operations_without_builders_agree(semantics: str) -> None:
    done = compared(semantics, program(semantics), range(12))
    possible = {name for name in KINDS if exists(name, semantics)} - {"continue", "boot"}
    assert len(possible - set(done)) < 4, possible - set(done)


@pytest.mark.parametrize("semantics", sampled(GENERATIONS, keep=["claim-sets"]))
def test_operations_with_builders_agree(semantics: str) -> None:
    done = compared(semantics, program(semantics, "-DBUILDERS"), range(12))
    assert done["continue"] > 100
    assert done["populate_physmap"] + done["memory_exchange"] > 30


def test_a_crash_while_assigning_ends_the_operation() -> None:
    """In a debug build another builder marks the page that is in limbo."""
    compared("claim-sets", program("claim-sets", "-DBUILDERS"), range(541, 542))


def test_a_domain_too_many_ends_the_program(tmp_path: Path) -> None:
    loop = 'for (domid = 0; domid < 3; domid++) { co_add_domid(&state, domid); puts("added"); fflush(stdout); }'
    source = f'#include "claim_oracle.h"\nint main(void)\n{{\n    static struct co_state state;\n    int domid;\n    {loop}\n}}\n'
    (tmp_path / "many.c").write_text(source)
    many = compiled("cc", [f"-I{included()}", "-w", "-DCO_MAX_DOMAINS=2"], [tmp_path / "many.c"])
    done = subprocess.run([many], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.count("added") == 2
    assert done.stderr == "claim oracle: CO_MAX_DOMAINS is 2: define it larger\n"
    assert done.returncode < 0


@pytest.mark.long
@pytest.mark.parametrize("options", [(), ("-DBUILDERS",)], ids=["whole", "builders"])
def test_operations_agree_for_long(options: tuple[str, ...]) -> None:
    done = compared("claim-sets", program("claim-sets", *options, *SANITIZED), range(600))
    assert done["memory_exchange"] > 500
