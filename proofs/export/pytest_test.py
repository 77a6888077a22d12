"""A trace as a pytest test that stands alone: the trace is in it, the reference replays it."""

from __future__ import annotations

import re

from proofs.replay import replay_trace
from proofs.traces import read_traces

_TEMPLATE = '''\
"""{source}"""

from pathlib import Path

from proofs.replay import replay_trace
from proofs.traces import read_traces

TRACE = r"""
{lines}
"""


def test_{name}(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text(TRACE.lstrip())
    [result] = [replay_trace(trace, check_locks=True) for trace in read_traces(path)]
    assert result.divergence is None, str(result.divergence)
    assert set(result.broken) == {broken}
'''


def identifier(text: str) -> str:
    """A name that Python and C allow, from any text."""
    return re.sub(r"\W+", "_", text).strip("_").lower() or "trace"


def broken_in(name: str, lines: list[bytes]) -> list[str]:
    """The properties that the reference finds violated somewhere in a trace.

    :param name: what errors call the trace
    :raises proofs.traces.TraceError: an event is impossible
    """
    (result,) = [replay_trace(trace) for trace in read_traces(name, b"\n".join(lines))]
    return list(result.broken)


def pytest_test(name: str, source: str, lines: list[bytes], broken: list[str]) -> str:
    """The text of a test file.

    :param broken: the properties that the reference's checker finds broken somewhere in the trace
    """
    listed = "{" + ", ".join(f'"{p}"' for p in sorted(broken)) + "}" if broken else "set()"
    text = "\n".join(line.decode().rstrip() for line in lines)
    return _TEMPLATE.format(
        source=source.replace("\\", "/").replace('"', "'"), name=identifier(name), lines=text, broken=listed
    )
