"""Recorded and generated traces: format, reader with validation, writer.

Read a file trace by trace, each event by event:

>>> from proofs.traces import read_traces
>>> for trace in read_traces("tests/data/examples/redeem.jsonl"):
...     for event in trace:
...         print(event.op, event.state.total_avail_pages)
boot 8
create_domain 8
install_claim_set 8
alloc_domheap_pages 6
"""

from proofs.operations import DomainCounters, Event, State

from .events import Header, HostShape
from .reader import Trace, TraceError, read_traces
from .writer import TraceWriter

__all__ = [
    "DomainCounters",
    "Event",
    "Header",
    "HostShape",
    "State",
    "Trace",
    "TraceError",
    "TraceWriter",
    "read_traces",
]
