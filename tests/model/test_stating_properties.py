"""A property is stated by decorating its formula; its docstring is the sentence."""

from collections.abc import Iterator

import pytest

from model.encoding import Quantifiers
from model.logic import Term
from model.properties import PROPERTIES, Kind
from model.properties.property import of_state
from model.state import State


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = dict(PROPERTIES)
    yield
    PROPERTIES.clear()
    PROPERTIES.update(before)


def test_decorated_function_is_a_property() -> None:
    @of_state("of-the-test.part", "DS-01 DS-02", support=True, needs="sets")
    def formula(_q: Quantifiers, _s: State) -> Term:
        """A sentence
        on two lines."""
        return True

    stated = PROPERTIES["of-the-test.part"]
    assert (stated.id, stated.part, stated.sentence) == ("of-the-test", "part", "A sentence on two lines.")
    assert (stated.kind, stated.of_state, stated.support) == (Kind.STATE, formula, True)
    assert (stated.statements, stated.needs) == (("DS-01", "DS-02"), ("sets",))


def test_property_name_is_unique() -> None:
    with pytest.raises(ValueError, match="node-backed stated twice"):

        @of_state("node-backed")
        def formula(_q: Quantifiers, _s: State) -> Term:
            """No node is."""
            return True


def test_property_needs_a_sentence() -> None:
    with pytest.raises(ValueError, match="of-the-test has no sentence"):

        @of_state("of-the-test")
        def formula(_q: Quantifiers, _s: State) -> Term:
            return True
