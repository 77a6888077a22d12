"""How much a run measures: the whole, a quick look, or next to nothing for a test of the writer."""

from dataclasses import dataclass

from reference.generations import GENERATIONS

TIB = 2**28  # pages of 4 KiB


@dataclass(frozen=True)
class Effort:
    """How often, and on what."""

    rounds: int  # of what takes long: a replay, a process
    many_rounds: int  # of what takes milliseconds
    pairs: int  # allocations timed in one round
    nodes: int = 64
    node_pages: int = TIB
    holes: int = 100_000  # of one page, in the fragmented host
    fuzz_steps: int = 20_000  # critical sections of a round
    fuzz_rounds: int = 7
    fuzz_generations: tuple[str, ...] = tuple(GENERATIONS)
    traces: str = "tests/data/conformance/claim-sets.jsonl.gz"


FULL = Effort(rounds=25, many_rounds=250, pairs=100)
QUICK = Effort(rounds=5, many_rounds=40, pairs=100, fuzz_steps=4000, fuzz_rounds=3)
