"""The template in Python is a program that claimcheck can use, and the conversations cover every operation."""

from __future__ import annotations

import shlex
import subprocess
import sys

from docs._make.conversations import conversations, sections
from proofs.adapters import OutsideProgram
from proofs.adapters.against import replay_against
from proofs.adapters.made import GeneratedTrace
from proofs.operations import KINDS, Boot, CreateDomain, SetMaxPages
from proofs.traces import Header, HostShape
from proofs.traces.events import FORMAT_1
from tests.adapters.programs import KIT

TEMPLATE = shlex.join([sys.executable, str(KIT / "template.py")])


def test_template_runs_a_trace_of_what_it_has() -> None:
    header = Header(FORMAT_1, "claim-sets", "", HostShape(8, [8, 2]))
    events = [Boot(), CreateDomain(domid=1, max_pages=4, node_affinity=[0]), SetMaxPages(domid=1, max_pages=9)]
    with OutsideProgram(TEMPLATE) as outside:
        assert set(outside.hello.operations) == {"boot", "create_domain", "set_max_pages"}
        result = replay_against(GeneratedTrace(header, events), outside).result
        outside.stop()
    assert (result.divergence, result.events, result.skipped) == (None, 3, 0)


def test_template_answers_errors() -> None:
    text = '{"format":"claim-trace/1","host":{"node_span":8,"nodes":[8],"llc_coloring":true}}\n{"op":"reboot"}\nx\n'
    command = shlex.split(TEMPLATE)
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.count('{"error": ') == 3
    assert "not supported: llc_coloring" in done.stdout


def test_conversations_cover_every_operation() -> None:
    text = conversations()
    for name in KINDS:
        assert f'"op":"{name}"' in text
    assert '"error"' not in text
    assert sections().count("\n") == 1 + sum(kind.in_steps for kind in KINDS.values())
