"""A headless browser of the system, driven by playwright; what is needed for it, or why it is missing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LIGHT: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light", "offline": True}
DARK: dict[str, Any] = LIGHT | {"color_scheme": "dark"}
PHONE: dict[str, Any] = LIGHT | {"viewport": {"width": 390, "height": 844}, "has_touch": True}


def program() -> str | None:
    """The browser of the system."""
    return next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )


def missing() -> str:
    """Why there is none; empty if there is."""
    packages = [name for name in ("playwright", "axe_playwright_python") if find_spec(name) is None]
    if packages:
        return f"no {' and no '.join(packages)}: pip install 'claimcheck[browser]'"
    return "" if program() else "no Chromium: apt-get install chromium"


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser with an empty profile of its own, which goes away with it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program(), headless=True, args=list(FLAGS))
        try:
            yield opened
        finally:
            opened.close()
