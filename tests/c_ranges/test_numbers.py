"""Numbers of C types: conversions, wrapping, and that each value out of its type is noted."""

import operator
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs.c_typed.c_type import CType
from proofs.c_typed.cint import INT, INT64, NOTES, UINT32, UINT64, CInt

TYPES = (INT, UINT32, INT64, UINT64)


@pytest.fixture(autouse=True)
def no_notes() -> Iterator[None]:
    NOTES.clear()
    yield
    NOTES.clear()


def typed(value: int) -> st.SearchStrategy[CInt]:
    return st.sampled_from(TYPES).map(lambda t: CInt(t, t.wrapped(value)))


ANY = st.one_of(st.integers(-(2**65), 2**65), st.sampled_from([2**31, 2**32 - 1, 2**63, 2**64 - 1, 0, -1])).flatmap(
    typed
)


@pytest.mark.parametrize(
    ("a", "b", "c_type", "value"),
    [
        (CInt(UINT32, 1), CInt(UINT32, 2), UINT32, 2**32 - 1),
        (CInt(UINT32, 1), CInt(INT64, 2), INT64, -1),
        (CInt(INT64, 1), CInt(UINT64, 2), UINT64, 2**64 - 1),
        (CInt(UINT32, 1), 2, UINT32, 2**32 - 1),
        (CInt(INT64, 1), 2, INT64, -1),
    ],
)
def test_difference_has_the_common_type(a: CInt, b: CInt | int, c_type: CType, value: int) -> None:
    found = a - b
    assert (found.c_type, found.value) == (c_type, value)
    assert len(NOTES) == (value != 1 - 2)


def test_comparison_converts_negative_values() -> None:
    assert not CInt(UINT64, 1) > CInt(INT64, -1)
    assert [note.value for note in NOTES] == [2**64 - 1]


def test_assignment_truncates_to_the_type() -> None:
    assert CInt(UINT32, CInt(UINT64, 2**32 + 5)).value == 5
    assert str(NOTES[0]).endswith(f": {2**32 + 5} is {2**32 + 5}, as uint32 5")


@given(ANY, ANY, st.sampled_from([operator.add, operator.sub]))
def test_arithmetic_is_modulo_the_type(a: CInt, b: CInt, how: Callable[[CInt, CInt], CInt]) -> None:
    NOTES.clear()
    found = how(a, b)
    assert found.c_type.holds(found.value)
    assert (found.value - how(a.value, b.value)) % 2**found.c_type.bits == 0
    if found.value != how(a.value, b.value):
        assert NOTES


@given(ANY, ANY, st.sampled_from([operator.lt, operator.le, operator.gt, operator.ge, operator.eq]))
def test_comparison_differs_from_integers_only_where_noted(
    a: CInt, b: CInt, how: Callable[[object, object], bool]
) -> None:
    NOTES.clear()
    if how(a, b) != how(a.value, b.value):
        assert NOTES
