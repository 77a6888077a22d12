"""Hypothesis profiles: the default is quick and repeats; ``--hypothesis-profile=long`` looks further."""

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "default",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.register_profile("long", parent=settings.get_profile("default"), max_examples=5000, derandomize=False)
settings.load_profile("default")


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Output is as in a pipe: importing readline sets these, for C only, and commands would wrap their lines."""
    for name in ("COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
        os.unsetenv(name)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Screenshots are compared with stored ones; this option writes new ones."""
    parser.addoption("--renew-screenshots", action="store_true")
