"""The explorer takes every path that there is, and none that there is not; what it cannot decide is no pass."""

from __future__ import annotations

import pytest
import z3

from proofs.diff.explore import Path, PathExplorer, Tree, UndecidedError
from proofs.diff.numbers import chosen, flag, unknown
from proofs.diff.terms import Terms


def explored(function, *known, rlimit: int = 0) -> tuple[Tree, list[Path], list[object]]:
    terms = Terms()
    numbers = {name: terms.number(name) for name in "abc"}
    tree = Tree(terms, [formula(numbers) for formula in known], rlimit=rlimit)
    found = list(PathExplorer(tree).paths(function))
    return tree, [path for path, _ in found], [result for _, result in found]


def classify() -> str:
    a, b = unknown("a"), unknown("b")
    if a < b:
        return "less"
    if a == b:
        return "equal"
    return "more by one" if a - b == 1 else "more"


def test_every_path_is_taken_once() -> None:
    tree, paths, results = explored(classify)
    assert sorted(results) == ["equal", "less", "more", "more by one"]
    assert tree.covered(paths)


def test_impossible_branch_is_no_path() -> None:
    _, _, results = explored(classify, lambda n: n["a"] <= n["b"])
    assert sorted(results) == ["equal", "less"]


def test_loop_runs_every_possible_number_of_times() -> None:
    def counted() -> int:
        left, turns = unknown("a"), 0
        while left > 0:
            left -= 1
            turns += 1
        return turns

    _, _, results = explored(counted, lambda n: n["a"] <= 4)
    assert sorted(results) == [0, 1, 2, 3, 4]


def test_paths_agree_with_concrete_runs() -> None:
    def function(a, b, c):
        least = a if a < b else b
        if least - c >= 2:
            return "far"
        return ("near", a == c) if c != b else "same"

    def asked():
        result = function(unknown("a"), unknown("b"), unknown("c"))
        return (result[0], bool(result[1])) if isinstance(result, tuple) else result

    tree, paths, results = explored(asked, *(lambda n, name=name: z3.And(n[name] >= 0, n[name] <= 3) for name in "abc"))
    terms = tree.terms
    for a in range(4):
        for b in range(4):
            for c in range(4):
                values = [(terms.number(n), z3.IntVal(v)) for n, v in zip("abc", (a, b, c), strict=True)]
                taken = [
                    result
                    for path, result in zip(paths, results, strict=True)
                    if z3.is_true(z3.simplify(z3.substitute(z3.And(path.formulas(terms)), *values)))
                ]
                assert taken == [function(a, b, c)], (a, b, c)


def test_missing_path_is_noticed() -> None:
    tree, paths, _ = explored(classify)
    assert not tree.covered(paths[:-1])


def test_choices_cover_the_precondition_only_together() -> None:
    terms = Terms()
    low = terms.number("a") <= 0
    tree = Tree(terms, [])
    found = list(PathExplorer(tree).paths(lambda: chosen("which", {"low": low, "high": z3.Not(low)})))
    assert [result for _, result in found] == ["low", "high"]
    assert tree.covered([path for path, _ in found])
    assert not tree.covered([found[0][0]])


def test_flags_and_fixed_numbers_are_usable_as_values() -> None:
    def function() -> object:
        if flag("f") and unknown("a") == 3:
            return {unknown("a"): "three"}[3], list(range(5))[unknown("a")]
        return "none"

    _, _, results = explored(function)
    assert sorted(map(str, results)) == ["('three', 3)", "none", "none"]


def test_undetermined_number_is_no_index() -> None:
    with pytest.raises(TypeError, match="no branch has fixed it"):
        explored(lambda: [1, 2][unknown("a")])


def test_nondeterministic_run_is_an_error() -> None:
    turns = iter("ab")
    with pytest.raises(RuntimeError, match="not deterministic"):
        explored(lambda: bool(unknown(next(turns)) > 0))


def test_undecided_query_ends_the_exploration() -> None:
    def hard() -> bool:
        return bool(unknown("a") + unknown("b") > unknown("c"))

    power = lambda n: n["a"] * n["a"] * n["a"] + n["b"] * n["b"] * n["b"] == n["c"] * n["c"] * n["c"] + 33  # noqa: E731
    with pytest.raises(UndecidedError):
        explored(hard, power, lambda n: n["a"] > 1000, rlimit=1000)


def test_follows_holds_exactly_for_implied_statements() -> None:
    terms = Terms()
    a = terms.number("a")
    tree = Tree(terms, [a >= 0])
    explorer = PathExplorer(tree)
    for _, above in explorer.paths(lambda: bool(unknown("a") > 5)):
        assert tree.follows(explorer.place(a >= 0))
        assert tree.follows(explorer.place(a > 5)) is above


def test_ends_of_many_paths_take_one_query() -> None:
    terms = Terms()
    a, b = terms.number("a"), terms.number("b")
    tree = Tree(terms, [])
    explorer = PathExplorer(tree)
    ends = []
    for _, less in explorer.paths(classify):
        right = {"less": a < b, "equal": a == b, "more by one": a == b + 1, "more": a > b + 1}[less]
        ends.append(explorer.place(right))
    asked = tree.queries
    assert tree.all_follow(ends)
    assert tree.queries == asked + 1
    for number, end in enumerate(ends):
        wrong = [*ends[:number], end._replace(goal=z3.Not(end.goal)), *ends[number + 1 :]]
        assert not tree.all_follow(wrong), "one that does not follow is enough"


def test_conclusion_holds_only_with_its_decisions() -> None:
    terms = Terms()
    a = terms.number("a")
    tree = Tree(terms, [])
    explorer = PathExplorer(tree)
    found = {}
    for _, (low, flagged) in explorer.paths(lambda: (bool(unknown("a") <= 5), bool(flag("f")))):
        asked = tree.queries
        found[low, flagged] = tree.follows(explorer.place(a <= 7)), tree.queries - asked
    assert sorted([found[True, True], found[True, False]]) == [(True, 0), (True, 1)], "the flag was not needed"
    assert not found[False, True][0]
    assert not found[False, False][0]


def test_reordered_decisions_take_no_new_query() -> None:
    tree = Tree(Terms(), [])
    one, other = (lambda: bool(unknown("a") > 0)), (lambda: bool(unknown("b") > 0))
    first = [result for _, result in PathExplorer(tree).paths(lambda: (one(), other()))]
    asked = tree.queries
    second = [result for _, result in PathExplorer(tree).paths(lambda: (other(), one()))]
    assert sorted(first) == sorted(second)
    assert len(second) == 4
    # Alone, `other` needs a query; after that query all places are known.
    assert tree.queries - asked <= 1


def test_conclusion_from_two_decisions_needs_both() -> None:
    terms = Terms()
    goal = terms.number("a") + terms.number("b") <= 10
    tree = Tree(terms, [])
    explorer = PathExplorer(tree)
    ends = {
        both: explorer.place(goal)
        for _, both in explorer.paths(lambda: (bool(unknown("a") <= 5), bool(unknown("b") <= 5)))
    }
    assert tree.follows(ends.pop((True, True)))
    assert not any(tree.follows(end) for end in ends.values())
