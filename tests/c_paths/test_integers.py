"""Executing C on unknown integers: every path ends as the compiled code does, and the paths cover every input."""

from __future__ import annotations

import pytest

from .conftest import DATA

CASES = 60


@pytest.fixture(scope="module")
def explored():
    pytest.importorskip("clang.cindex")
    from proofs.c_paths.examine import Extent, examine
    from proofs.c_paths.judge import CJudge
    from proofs.c_paths.machine import Machine
    from proofs.c_paths.plans import PLANS
    from proofs.c_paths.real import PLAIN, SANITIZED, CompiledProgram
    from proofs.c_paths.run import CTask, bound
    from proofs.c_paths.setting import CSetting
    from proofs.c_paths.space import CSpace
    from proofs.diff.world import Size

    size = Size(1, 1)
    source = bound(CTask(str(DATA / "integers.c"), str(DATA / "integers.toml"), "claim-sets", "claim_pages", size))
    space = CSpace(source, Machine(source.source), "claim-sets", size, "claim_pages")
    setting = CSetting("claim-sets", size, space.unknowns.terms)
    (plan,) = PLANS["claim_pages"](setting)
    x = space.examination(plan, setting.ranges)
    found = examine(plan, x, CJudge("claim-sets", space.unknowns), Extent(enough=10**9))
    programs = [(CompiledProgram(source, PLAIN), False), (CompiledProgram(source, SANITIZED), True)]
    return found, programs, size


def test_every_path_ends_as_the_compiled_code_does(explored) -> None:
    from proofs.c_paths.real import compared

    found, programs, size = explored
    assert found.unsupported == ""
    ran, wrong = compared(programs, size, found.runs)
    assert wrong == []
    assert ran == len(found.runs)


def test_every_operation_has_a_path(explored) -> None:
    found, _, _ = explored
    assert set(range(CASES)) <= {run.arguments[1] for run in found.runs}


def test_signed_overflow_is_undefined(explored) -> None:
    found, _, _ = explored
    ends = {run.arguments[1] for run in found.runs if run.result == "undefined"}
    assert ends == {55, 56}


def test_the_paths_cover_every_input(explored) -> None:
    found, _, _ = explored
    assert found.unknown == ""
