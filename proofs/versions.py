"""What a result was made with."""

from __future__ import annotations

import platform
from importlib.metadata import version


def versions(*packages: str) -> dict[str, str]:
    """Versions of the tool, of Python and of the named packages."""
    return {
        "claimcheck": version("claimcheck"),
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }
