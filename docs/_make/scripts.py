"""docs/scripts.md: scripts of the checkout, every word of the language, and the cases from public reports."""

from __future__ import annotations

from pathlib import Path

from docs._make.blocks import table
from docs._make.checkout import ROOT
from proofs.operations import KINDS, Boot, Event, name_of
from proofs.script.playing import ScriptResult, play_script, whole
from proofs.script.session import Session

SCRIPTS = ROOT / "tests/data/scripts"
REPORTS = ROOT / "tests/data/reports"


def script(name: str) -> str:
    """The text of a script."""
    return f"```text\n{(SCRIPTS / name).read_text(encoding='utf-8')}```"


def words() -> str:
    """Every operation, as a script writes it."""
    body = []
    for kind in KINDS.values():
        if kind is not Boot:
            body.append([f"`{kind.words.word}`", f"`{name_of(kind)}`", _main(kind), _others(kind)])
    return table(["word", "operation", "without a name", "other arguments"], body)


def _main(kind: type[Event]) -> str:
    return f"`{kind.words.main}`" if kind.words.main else ""


def _others(kind: type[Event]) -> str:
    short = {field: name for name, field in kind.words.short.items()}
    hidden = {"state", "crash", "builder", "domid"}
    names = [f for f in kind.__struct_fields__ if f not in hidden and (f not in kind.observed or f in short)]
    listed = [f"`{short.get(f, f)}`" for f in names if f != kind.words.main or f in short]
    return ", ".join(listed)


def played(path: Path) -> ScriptResult:
    """A script, run to its end."""
    session = Session(str(path.relative_to(ROOT)))
    return whole(session, play_script(session, path.read_text(encoding="utf-8").splitlines()))


def _number(path: Path) -> tuple[int, str]:
    return int(path.stem.partition("-")[0]), path.stem


def reports() -> str:
    """Each case: its script, what it says, and what a run of it finds."""
    body = []
    for path in sorted(REPORTS.glob("*.claims"), key=_number):
        lines = path.read_text(encoding="utf-8").splitlines()
        said = " ".join(line.lstrip("# ") for line in lines if line.startswith("#"))
        result = played(path)
        refused = [line.event for line in result.lines if line.event is not None and line.event.why]
        found = [f"{event.result}: {event.why[-1]}" for event in refused if event.why][-1:]
        broken = [f"breaks {name}" for name in result.session.broken]
        body.append([f"`{path.name}`", said, result.session.semantics, "; ".join([*broken, *found]) or "as it says"])
    return table(["script", "case", "generation", "what the run shows"], body)
