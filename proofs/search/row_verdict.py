"""What a row of the matrix ends with, however it was judged."""

from dataclasses import dataclass

from proofs.prover.verdict import Verdict
from proofs.search.events import Trace

ANY_HOST = "any number of nodes and domains"


@dataclass
class RowVerdict:
    """A verdict with its reason; of refuted: a trace that the reference reproduces."""

    verdict: Verdict
    reason: str = ""
    trace: Trace | None = None
