"""Runs recorded traces on the reference and compares every observation.

>>> from proofs.replay import replay_trace
>>> from proofs.traces import read_traces
>>> results = [replay_trace(trace) for trace in read_traces("tests/data/examples/redeem.jsonl")]
>>> [(result.events, result.comparisons, result.divergence) for result in results]
[(4, 45, None)]
"""

from .replay import Divergence, TraceResult, replay_trace

__all__ = ["Divergence", "TraceResult", "replay_trace"]
