"""A test run in this process with a mistake in a module of the checker, whose file is not changed.

Imports nothing of the project: what was imported before the mistake would not have it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Any

PROJECT = ("reference", "model", "proofs", "docs", "bench", "tests")
NO_NOTICE = (ImportError, SyntaxError, NameError)
"""Raised if the text of an edit does not occur, so that there is no mistake."""

NOT_NEEDED = ("cacheprovider", "xdist", "cov", "faulthandler")
"""Plugins of pytest."""


class _EditedLoader(SourceFileLoader):
    """Loads a module from another text."""

    def __init__(self, name: str, path: str, text: str) -> None:
        super().__init__(name, path)
        self._text = text

    def get_code(self, fullname: str) -> CodeType:
        """Of the other text; nothing is stored."""
        code: CodeType = compile(self._text, self.get_filename(fullname), "exec", dont_inherit=True)
        return code


class EditedModuleFinder(MetaPathFinder):
    """Finds one module with another text; all others are found as ever."""

    def __init__(self, module: str, text: str) -> None:
        self.module, self.text = module, text
        self.loaded = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """As `PathFinder`, with the loader exchanged."""
        if fullname != self.module:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        assert spec is not None
        assert spec.origin is not None
        spec.loader = _EditedLoader(fullname, spec.origin, self.text)
        self.loaded = True
        return spec


def forget_the_project() -> None:
    """Drop the project's imported modules, so that the next import loads them again."""
    for name in [n for n in sys.modules if n.partition(".")[0] in PROJECT]:
        del sys.modules[name]


def quiet() -> None:
    """From now on this process prints errors only."""
    null = os.open(os.devnull, os.O_RDWR)
    for handle in (0, 1):
        os.dup2(null, handle)


class Outcomes:
    """A plugin of pytest: how each test ended, and with what error."""

    def __init__(self) -> None:
        self.passed: set[str] = set()
        self.failed: dict[str, tuple[str, bool]] = {}
        """By node id: the error, and whether it is of the edit itself."""
        self.outside = ""
        """An error outside of any test."""

    def pytest_runtest_logreport(self, report: Any) -> None:
        """A test passed, or a part of it failed."""
        if report.when == "call" and report.passed:
            self.passed.add(report.nodeid)

    def pytest_exception_interact(self, node: Any, call: Any, report: Any) -> None:
        """An error in a test, or in collecting tests."""
        raised = call.excinfo
        why = " ".join(raised.exconly().split())[:200]
        if hasattr(report, "when"):
            self.failed[node.nodeid] = why, isinstance(raised.value, NO_NOTICE)
        else:
            self.outside = why

    def of(self, name: str) -> dict[str, Any]:
        """How a test ended; of one with parameters, none of which is named, the first that failed.

        :raises RuntimeError: it was not run
        """
        for nodeid, (why, of_the_edit) in self.failed.items():
            if _is_of(name, nodeid):
                return {"passed": False, "why": why, "of_the_edit": of_the_edit}
        if not any(_is_of(name, nodeid) for nodeid in self.passed):
            raise RuntimeError(f"not run: {name} {self.outside}")
        return {"passed": True, "why": "", "of_the_edit": False}


def _is_of(name: str, nodeid: str) -> bool:
    return nodeid == name or nodeid.startswith(f"{name}[")


def outcomes_of(tests: Sequence[str], module: str = "", text: str = "") -> Outcomes:
    """How these tests end in this process, the module having another text; the process is of no other use then.

    :raises RuntimeError: no test imported the module
    """
    import pytest

    forget_the_project()
    planted = EditedModuleFinder(module, text)
    if module:
        sys.meta_path.insert(0, planted)
    outcomes = Outcomes()
    options = ["-q", *(word for name in NOT_NEEDED for word in ("-p", f"no:{name}"))]
    options.append("--assert=plain")  # the test need only fail, and need not say with which values
    pytest.main([*options, *(["--exitfirst"] if module else []), *tests], plugins=[outcomes])
    if module and not planted.loaded:
        raise RuntimeError(f"{module} is not imported by {tests}")
    return outcomes
