"""Whether an operation ended as its line says: ``=> ENOMEM``, ``=> OK mfn=3``, ``=> refused``."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import msgspec

from proofs.operations import Event, Outcome
from reference.status import PageStatus, Status

from .syntax import Amount, Argument, EntryValue, OperationStatement, ScriptError, Value, WordValue, shortened

UNFINISHED = "unfinished"
"""The operation has not ended: its builder has more critical sections."""
CRASH = "crash"
PREEMPTED, PARTIAL, REFUSED, OK = "preempted", "partial", "refused", "OK"
WORDS = (*Status, *PageStatus, REFUSED, PARTIAL, PREEMPTED, UNFINISHED, CRASH)
"""Everything that an operation can end with."""


def check_answer(path: str, said: OperationStatement) -> None:
    """Check that some operation can end as a line says.

    :raises ScriptError: none can
    """
    word = said.answer_word
    if word and word not in WORDS:
        near = next((known for known in WORDS if known.lower() == word.lower()), None)
        near = near or next(iter(get_close_matches(word, WORDS, 1)), None)
        hint = f"did you mean {near}?" if near else f"known: {', '.join(WORDS)}"
        raise ScriptError(path, said.line, said.answer_column, f"no operation ends with {shortened(word)}; {hint}")


def summary(event: Event, outcome: Outcome | None, crash: str = "") -> str:
    """The outcome in one word: ``OK``, an errno, or one of the words above."""
    if crash:
        return CRASH
    if outcome is None:
        return UNFINISHED
    if "result" in outcome:
        return str(outcome["result"])
    if "mfn" in outcome:
        return REFUSED if outcome["mfn"] is None else OK
    if "nr_done" in outcome:
        if outcome.get("preempted"):
            return PREEMPTED
        done, started = outcome["nr_done"], getattr(event, "start_extent", 0)
        wanted = getattr(event, "nr_extents", done)
        return OK if done == wanted else REFUSED if done == started else PARTIAL
    return OK


def answers(path: str, said: OperationStatement, event: Event, outcome: Outcome | None, crash: str) -> str:
    """What the line expects and is not so; empty: it ended as the line says, or the line says nothing.

    :raises ScriptError: the operation has no such result
    """
    if not said.is_answered:
        return ""
    found = summary(event, outcome, crash)
    if said.answer_word and said.answer_word != found:
        return f"expected {said.answer_word}, got {found}"
    if not said.answer_word and found in (CRASH, UNFINISHED):
        return f"expected a result, got {found}"
    for argument in said.answer_fields:
        if argument.name not in event.observed:
            known = ", ".join(event.observed) or "none"
            raise ScriptError(
                path, said.line, argument.column, f"{event.op} has no result {argument.name!r}; known: {known}"
            )
        wanted, value = _wanted(argument), _plain((outcome or {}).get(argument.name))
        if wanted != value:
            return f"expected {argument.name}={_text(wanted)}, got {_text(value)}"
    return ""


def _wanted(argument: Argument) -> list[Any]:
    return [] if _is_none(argument.values) else [_one(value) for value in argument.values]


def _is_none(values: list[Value]) -> bool:
    return len(values) == 1 and isinstance(values[0], WordValue) and values[0].text == "none"


def _one(value: Value) -> Any:
    match value:
        case Amount():
            return value.pages
        case EntryValue():
            target = value.target.number if isinstance(value.target, Amount) else value.target
            return f"{value.pages.pages}@{target}"
        case WordValue():
            return value.text.replace("_", " ")
    return str(value)


def _plain(value: Any) -> list[Any]:
    """A result as a list: nothing, one value, or several."""
    plain = msgspec.to_builtins(value)
    if plain is None:
        return []
    listed = plain if isinstance(plain, list) else [plain]
    return [f"{item['pages']}@{item['target']}" if isinstance(item, dict) else item for item in listed]


def _text(values: list[Any]) -> str:
    return ",".join(map(str, values)) or "none"
