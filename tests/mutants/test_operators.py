"""Each operator makes the mistake it is called by, and only one at a time."""

import ast

import pytest

from tests.mutants.edits import edits_of
from tests.mutants.mutant import SIDES, function_of, mutants
from tests.sampled import sampled


def made(source: str, operator: str, side: str = "reference") -> list[str]:
    """The bodies that an operator gives of a function."""
    (function,) = ast.parse(source).body
    assert isinstance(function, ast.FunctionDef)
    before, found = ast.unparse(function), []
    for edit in edits_of(function, side):
        with edit.made():
            text = ast.unparse(ast.fix_missing_locations(function))
        if edit.operator == operator:
            found.append("; ".join(line.strip() for line in text.splitlines()[1:]))
    assert ast.unparse(function) == before
    return found


CASES = [
    ("other-comparison", "return a <= b", ["return a < b", "return a == b"]),
    ("negate-condition", "return a <= b", ["return a > b"]),
    ("off-by-one", "return a <= b", ["return a <= b + 1"]),
    ("off-by-one", "return 7", ["return 8", "return 6"]),
    ("drop-conjunct", "return a and b", ["return b", "return a"]),
    ("and-or", "return a and b", ["return a or b"]),
    ("plus-minus", "return a + b", ["return a - b"]),
    ("forget-term", "return unclaimed + own", ["return unclaimed", "return own"]),
    ("drop-update", "d.claims[n] -= a", ["pass"]),
    ("do-twice", "redeem(a)", ["redeem(a); redeem(a)"]),
    ("do-twice", "a -= redeem(b)", ["redeem(b); a -= redeem(b)"]),
    ("wrong-index", "return d.claims[node]", ["return d.claims[0]"]),
    ("other-counter", "return d.node_claims", ["return d.global_claims"]),
    ("wrong-errno", "return Status.EINVAL", ["return Status.ENOMEM"]),
    ("failure-as-success", "return Status.EINVAL", ["return Status.OK"]),
    ("drop-guard", "if a < b:\n        return None\n    return a", ["return a"]),
    ("drop-early-exit", "for n in a:\n        break", ["for n in a:; pass"]),
    ("drop-boundary", "a.b()\n    yield\n    a.c()", ["a.b(); a.c()"]),
    ("swap-steps", "a.x = 1\n    a.y(2)", ["a.y(2); a.x = 1"]),
    ("swap-steps", "d.node_claims -= a\n    d.global_claims -= b", []),
    ("drop-lock", "with a.l, b.m:\n        a.x()", ["with b.m:; a.x()", "with a.l:; a.x()"]),
    ("swap-locks", "with a.l, b.m:\n        a.x()", ["with b.m, a.l:; a.x()"]),
    ("loop-skips-first", "for n in host.nodes:\n        a(n)", ["for n in list(host.nodes)[1:]:; a(n)"]),
    ("one-branch", "return a if c else b", ["return a", "return b"]),
]


@pytest.mark.parametrize(("operator", "body", "expected"), CASES)
def test_operator_makes_the_expected_reference_mutants(operator: str, body: str, expected: list[str]) -> None:
    assert made(f"def f(a, b):\n    {body}", operator) == expected


OF_MODEL = [
    ("forget-limit", "return minimum(pages, held)", ["return held", "return pages"]),
    ("and-or", "return all_of([a, b])", ["return any_of([a, b])"]),
    ("drop-conjunct", "return all_of([a, b])", ["return all_of([b])", "return all_of([a])"]),
    ("one-branch", "return choose(c, a, b)", ["return a", "return b"]),
    ("drop-guard", "step.guard('g', a)\n    step.add('x', b)", ["step.add('x', b)"]),
    ("drop-update", "step.guard('g', a)\n    step.add('x', b)", ["step.guard('g', a)"]),
    ("drop-update", "step.value('v', 'uint32', a)\n    return a", []),
    ("other-counter", "step.add_at('tot_pages', d, a)", ["step.add_at('max_pages', d, a)"]),
    ("wrong-errno", "step.guard('g', a, 'EINVAL')", ["step.guard('g', a, 'ENOMEM')"]),
    ("swap-steps", "return [Case(1, a), Case(2, b)]", ["return [Case(2, b), Case(1, a)]"]),
]


@pytest.mark.parametrize(("operator", "body", "expected"), OF_MODEL)
def test_operator_makes_the_expected_model_mutants(operator: str, body: str, expected: list[str]) -> None:
    assert made(f"def f(step, a, b):\n    {body}", operator, "model") == expected


def test_operator_releases_claims_of_a_refused_operation() -> None:
    source = "def f(host, domain: Domain):\n    return Status.ENOMEM"
    assert made(source, "release-on-failure") == [
        "host.semantics.set_outstanding_pages(host, domain, 0); return Status.ENOMEM"
    ]


@pytest.mark.parametrize("side", sampled(SIDES, keep={"reference"}))
def test_mutants_differ_from_the_code_and_from_each_other(side: str) -> None:
    found = list(mutants(side, 1))
    assert len(found) > 150
    assert len({m.mutant.key for m in found}) == len(found)
    assert all(m.code != function_of(m.mutant.module, m.mutant.function).__code__ for m in found)
