"""Unknown numbers behave as numbers do: whatever is computed with them is right for every value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.logic import bits
from proofs.diff.numbers import Count, FlagsInModel, MemFlags, Order, Truth, deciding, unknown

small = st.integers(-5, 5)


class Numbers:
    """Decides by values."""

    def __init__(self, **values: int) -> None:
        self.values = values

    def value(self, count: Count) -> int:
        return count.constant + sum(times * self.values[name] for name, times in count.terms.items())

    def decide(self, atom) -> bool:
        total = atom.constant + sum(times * self.values[name] for name, times in atom.items)
        return total <= 0 if atom.kind == "le" else total == 0

    def choose(self, name, options):
        raise AssertionError(name)


@given(small, small, small)
def test_sums_and_comparisons_keep_their_terms(a: int, b: int, k: int) -> None:
    x, y = unknown("a"), unknown("b")
    with deciding(Numbers(a=a, b=b)):
        for made, right in (
            (x + y - k, a + b - k),
            (k - x, k - a),
            (-x + y, b - a),
            (x - (x - y), b),
            (k + x - y - x, k - b),
        ):
            assert not isinstance(made, int)
            assert made.__index__() == right
            for other, value in ((y, b), (k, k)):
                assert bool(made < other) is (right < value)
                assert bool(made <= other) is (right <= value)
                assert bool(made > other) is (right > value)
                assert bool(made >= other) is (right >= value)
                assert bool(made == other) is (right == value)
                assert bool(made != other) is (right != value)
                assert bool(other <= made) is (value <= right)


def test_equal_statements_are_one_atom() -> None:
    x, y = unknown("a"), unknown("b")
    one, other = x < y, y > x
    assert isinstance(one, Truth)
    assert isinstance(other, Truth)
    assert (one.atom, one.negated) == (other.atom, other.negated)
    opposite = y <= x
    assert isinstance(opposite, Truth)
    assert (opposite.atom, opposite.negated) == (one.atom, not one.negated)
    assert x - x == 0
    assert (x == None) is False  # noqa: E711  # as the reference compares nodes


@given(st.integers(0, 2**32 - 1))
def test_parts_of_flags_are_their_bits(flags: int) -> None:
    parts = {
        "mem_flags.low": bits(flags, 0, 8),
        "mem_flags.node": bits(flags, 8, 8),
        "mem_flags.bit16": bits(flags, 16, 1),
        "mem_flags.exact": bits(flags, 17, 1),
        "mem_flags.high": bits(flags, 18, 14),
    }
    with deciding(Numbers(**parts)):
        made = MemFlags()
        assert made.__index__() == flags
        node = ((made >> 8) - 1) & 0xFF
        assert int(node) == ((flags >> 8) - 1) & 0xFF
        assert bool(made & (1 << 17)) is bool(flags & (1 << 17))
    in_model = FlagsInModel(parts)
    assert bits(in_model, 8, 8) == bits(flags, 8, 8)
    assert bits(in_model, 17, 1) == bits(flags, 17, 1)


def test_unsupported_arithmetic_is_refused() -> None:
    with pytest.raises(TypeError, match="highest bit"):
        unknown("a") & 1
    with pytest.raises(TypeError):
        unknown("a") * unknown("b")


def test_orders_are_equal_where_their_pages_are() -> None:
    one, other = (Order(unknown(f"{name}.pages"), unknown(f"{name}.order")) for name in ("one", "other"))
    assert (one == one) is True
    same = one == other
    assert isinstance(same, Truth)
    with deciding(Numbers(**{"one.pages": 8, "other.pages": 8})):
        assert same
        assert one == 3
    with deciding(Numbers(**{"one.pages": 8, "other.pages": 4})):
        assert not same
