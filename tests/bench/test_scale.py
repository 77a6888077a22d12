"""The laws through measured points, where a series ends, and the document made from what was measured."""

import json
import math
import re
from collections.abc import Callable, Iterator

import pytest

from bench import scale
from bench.scale import PointTimeoutError, fitted, measured
from docs._make.blocks import renewed
from docs._make.scale import DOCUMENT, PICTURE, blocks
from proofs.evidence.dated import is_older
from proofs.exit_codes import INCOMPLETE


def test_fit_distinguishes_exponential_from_power_law() -> None:
    exponential = fitted([(x, 0.5 * 3**x) for x in range(1, 6)])
    power = fitted([(x, 0.5 * x**3) for x in range(1, 6)])
    assert exponential is not None
    assert (exponential.law, round(exponential.b, 6)) == ("exponential", 3)
    assert power is not None
    assert (power.law, round(power.b, 6)) == ("power", 3)
    assert power.reaches(0.5 * 8**3) == pytest.approx(8)
    assert exponential.reaches(0.5 * 3**9) == pytest.approx(9)
    assert power.residual == pytest.approx(0, abs=1e-9)


def test_two_points_give_no_law_and_a_falling_law_no_limit() -> None:
    assert fitted([(1, 1), (2, 4)]) is None
    shrinking = fitted([(1, 4), (2, 2), (3, 1)])
    assert shrinking is not None
    assert shrinking.reaches(100) == math.inf


def test_series_ends_at_the_first_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    def sizes() -> Iterator[tuple[float, Callable[[float], float]]]:
        def give_up(_limit: float) -> float:
            raise PointTimeoutError

        yield 1, lambda _limit: 0.001
        yield 2, give_up

    monkeypatch.setitem(scale.SERIES, "made", ("steps", "seconds", sizes))
    found = measured("made", 5)
    assert found.points == [(1, 0.001)]
    assert found.ended.startswith("not decided")
    assert measured("made", -1).points == []


def test_fit_uses_only_the_last_points() -> None:
    start = [(x, 7.0) for x in range(1, 4)]
    fit = fitted(start + [(x, 0.5 * x**3) for x in range(4, 9)])
    assert fit is not None
    assert (fit.law, round(fit.b, 6)) == ("power", 3)


def test_interrupt_keeps_the_points_and_writes_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def sizes() -> Iterator[tuple[float, Callable[[float], float]]]:
        def interrupt(_limit: float) -> float:
            raise KeyboardInterrupt

        yield 1, lambda _limit: 0.001
        yield 2, interrupt

    made = {"made": ("steps", "seconds", sizes)}
    monkeypatch.setattr(scale, "SERIES", made)
    monkeypatch.setattr("sys.argv", ["scale", "--jobs", "1"])
    before = scale.STORED.read_bytes()
    with pytest.raises(SystemExit) as ended:
        scale.main()
    assert ended.value.code == INCOMPLETE
    assert "points=[(1, 0.001)], ended='interrupted'" in capsys.readouterr().out
    assert scale.STORED.read_bytes() == before


def test_each_series_measures_something() -> None:
    for name, (_x, _y, of) in scale.SERIES.items():
        if not name.startswith("fuzz"):  # what is proved is looked up first
            x, measure = next(of())
            assert x > 0
            assert measure(60) > 0


def test_document_matches_the_stored_measurements() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert renewed(text, blocks(json.loads(scale.STORED.read_text()))) == text
    assert PICTURE.exists()


def test_document_states_its_date_and_code_version() -> None:
    found = json.loads(scale.STORED.read_text())
    said = re.findall(r"Measured on (\S+), of (older|this) code", DOCUMENT.read_text(encoding="utf-8"))
    assert said == [(found["made"], "older" if is_older(found) else "this")]
    assert [series["name"] for series in found["series"]] == list(scale.SERIES)
