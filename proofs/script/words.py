"""A line of a script as the event of a trace, and an event as a line.

Each operation says itself how it is written (``Event.words``); fields and their types are those of the trace format.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

import msgspec
from msgspec import UNSET

from model.calls import exists
from model.interfaces import MemoryDomctl
from model.named import GENERATIONS
from proofs.operations import KINDS, ClaimPages, Event, Events2, PopulatePhysmap
from reference.constants import NUMA_NO_NODE, XENMEMF_exact_node_request
from reference.generations import GENERATIONS as OF_REFERENCE

from .syntax import (
    Amount,
    EntryValue,
    FractionValue,
    FrameValue,
    OperationStatement,
    ScriptError,
    Value,
    WordValue,
    shortened,
)

_HOST_WIDE = {"host", "global"}
_ONE_TARGET = (MemoryDomctl.ONE, MemoryDomctl.ONE_OR_NONE)
_SIZES = {"max_pages", "pages", "nr_extents"}
"""The fields that may be given as a size."""
_FRAMES = {"mfn", "in_mfns"}
_LISTS = {"claims", "in_mfns", "memflags", "node_affinity"}
_NO_NODE = {"any", "none"}
_EXAMPLES = {"claims": "3@0 1@host", "max_pages": "8", "nr_extents": "4", "pages": "4"}
_LONGEST_VERB = 40
CLAIM_PAGES = "claim_pages"


def verbs() -> dict[str, list[type[Event]]]:
    """Every verb of scripts: operations by name and by short word."""
    found: dict[str, list[type[Event]]] = {}
    for name, kind in KINDS.items():
        if kind.words.word:
            for verb in dict.fromkeys((kind.words.word, name)):
                found.setdefault(verb, []).append(kind)
    return found


class Reader:
    """Reads operations of a script that runs in one generation on a host.

    :param frame: the first frame of an allocation, by the name that the script gave it; raises KeyError
    """

    def __init__(self, path: str, semantics: str, nodes: int, frame: Callable[[str], tuple[int, int]]) -> None:
        self.path, self.semantics, self.nodes, self._frame = path, semantics, nodes, frame

    def event(self, said: OperationStatement) -> Event:
        """The event of a line.

        :raises ScriptError: no operation has this name or these arguments, or the generation does not have it
        """
        kind = self._kind(said)
        fields: dict[str, Any] = {"op": kind.__struct_config__.tag, **self._defaults(kind)}
        if said.builder:
            fields["builder"] = said.builder
        if said.domid is not None:
            if "domid" not in kind.__struct_fields__:
                raise self.error(said, 1, f"{said.verb.text} is not an operation of a domain")
            fields["domid"] = said.domid
        elif "domid" in kind.__struct_fields__ and "domid" not in kind.words.defaults:
            raise self.error(said, said.verb.column, f"{said.verb.text} needs a domain: d1 {said.text}")
        columns: dict[str, int] = {}
        given = self._by_field(said, kind)
        for name, values, column in sorted(given, key=lambda field: "order" not in field[0]):  # sizes depend on orders
            if name in columns:
                raise self.error(said, column, f"{_name_in(kind, name)} is given twice")
            columns[name] = values[0].column
            fields[name] = self._content(said, name, values, fields)
        if kind is ClaimPages:
            self._on_target(said, fields)
        return self._converted(said, kind, fields, columns)

    def error(self, said: OperationStatement, column: int, reason: str) -> ScriptError:
        """An error in a line."""
        return ScriptError(self.path, said.line, column, reason)

    def _kind(self, said: OperationStatement) -> type[Event]:
        verb, known = said.verb.text, verbs()
        if verb not in known:
            raise self.error(said, said.verb.column, f"unknown operation {shortened(verb)}; {_verb_like(said)}")
        kinds = known[verb]
        if len(kinds) > 1:  # claim: a set by the domctl, one number of pages by the memory op
            of_set = not said.arguments or any(map(_is_set, (v for a in said.arguments for v in a.values)))
            has_sets = exists("claim_memory", self.semantics)
            kinds = [kind for kind in kinds if (kind is not ClaimPages) is (of_set and has_sets)]
        (kind,) = kinds
        name = str(kind.__struct_config__.tag)
        if name != "continue" and not exists(name, self.semantics):
            raise self.error(said, said.verb.column, f"{self.semantics} has no {name}")
        return kind

    def _defaults(self, kind: type[Event]) -> dict[str, Any]:
        given = dict(kind.words.defaults)
        if "node_affinity" in kind.__struct_fields__:
            given["node_affinity"] = list(range(self.nodes))
        return given

    def _by_field(self, said: OperationStatement, kind: type[Event]) -> list[tuple[str, list[Value], int]]:
        """The values by field; values without a name belong to the main field."""
        main, short = kind.words.main, kind.words.short
        found: dict[str, tuple[list[Value], int]] = {}
        listed: list[tuple[str, list[Value], int]] = []
        names = [f for f in kind.__struct_fields__ if f not in ("state", "crash", "builder", "domid")]
        names = [f for f in names if f not in kind.observed or f in short.values() or f == main]
        for argument in said.arguments:
            name = argument.name or main
            name = short.get(name, name)
            if not name:
                raise self.error(said, argument.column, f"{said.verb.text} takes no value without a name")
            if name not in names:
                known = ", ".join(dict.fromkeys((*short, *(f for f in names if f not in short.values()))))
                hint = f"known: {known}" if known else "it takes none"
                raise self.error(said, argument.column, f"{said.verb.text} has no argument {shortened(name)}; {hint}")
            if not argument.name and name in found and name in _LISTS:
                found[name][0].extend(argument.values)
                continue
            if argument.name or name not in found:
                values = list(argument.values)
                if name not in found:
                    found[name] = (values, argument.column)
                listed.append((name, values, argument.column))
            else:
                raise self.error(said, argument.column, f"{said.verb.text} takes one value without a name")
        return listed

    def _content(self, said: OperationStatement, name: str, values: list[Value], fields: Mapping[str, Any]) -> Any:
        if name in _LISTS:
            if len(values) == 1 and isinstance(values[0], WordValue) and values[0].text == "none":
                return []
            return [self._one(said, name, value, fields) for value in values]
        if len(values) > 1:
            name = _name_in(KINDS[fields["op"]], name)
            raise self.error(said, values[1].column, f"{name} takes one value")
        return self._one(said, name, values[0], fields)

    def _one(self, said: OperationStatement, name: str, value: Value, fields: Mapping[str, Any]) -> Any:
        match value:
            case EntryValue() if name == "claims" or (name == "nr_extents" and fields["op"] == CLAIM_PAGES):
                return self._entry(value, fields)
            case Amount(unit="") if name not in ("claims", "memflags", "preempt_at"):
                return value.number
            case Amount() if name in _SIZES:
                return self._pages(said, name, value, fields)
            case FractionValue() if name == "preempt_at":
                return {"extent": value.first, "scrub_index": value.second}
            case FrameValue() | WordValue() if name in _FRAMES:
                return self._frame_of(said, value)
            case WordValue() if name == "memflags":
                return value.text
            case WordValue() if name == "node" and value.text in _NO_NODE:
                return None
        kind = KINDS[fields["op"]]
        raise self.error(said, value.column, f"{_name_in(kind, name)}: expected {_expected(name)}")

    def _entry(self, value: EntryValue, fields: Mapping[str, Any]) -> Any:
        target = value.target.number if isinstance(value.target, Amount) else value.target
        if fields["op"] == "install_claim_set" and target in _HOST_WIDE:
            target = "global"
        elif target == "host" and GENERATIONS[self.semantics].rules.interface.memory in _ONE_TARGET:
            target = NUMA_NO_NODE  # in the calls that name one node, this one is the host
        entry: dict[str, Any] = {"pages": value.pages.pages, "target": target}
        if value.pad:
            field = OF_REFERENCE[self.semantics].reserved_field if fields["op"] == "claim_memory" else "pad"
            entry[field] = value.pad
        return entry

    def _pages(self, said: OperationStatement, name: str, value: Amount, fields: Mapping[str, Any]) -> int:
        order = fields.get("extent_order", 0) if name == "nr_extents" else 0
        extents, rest = divmod(value.pages, 1 << order)
        if rest or not value.pages:
            raise self.error(said, value.column, f"{name}: the size is no whole number of extents of order {order}")
        return extents

    def _frame_of(self, said: OperationStatement, value: FrameValue | WordValue) -> int:
        name = value.name if isinstance(value, FrameValue) else value.text
        try:
            mfn, _order = self._frame(name)
        except KeyError as error:
            raise self.error(said, value.column, str(error.args[0])) from None
        return mfn + (value.offset if isinstance(value, FrameValue) else 0)

    def _on_target(self, said: OperationStatement, fields: dict[str, Any]) -> None:
        """``claim 5@host`` and ``claim 5@0`` as XENMEM_claim_pages, where there is no other call for claims."""
        entry = fields.get("nr_extents")
        if not isinstance(entry, dict):
            fields.setdefault("nr_extents", 0)
            return
        fields["nr_extents"] = entry["pages"]
        if entry["target"] in _HOST_WIDE:
            return
        if not GENERATIONS[self.semantics].rules.interface.node_in_mem_flags or isinstance(entry["target"], str):
            column = said.arguments[0].column
            raise self.error(said, column, f"{self.semantics} has no claims on a node: claim {entry['pages']}@host")
        fields["mem_flags"] = XENMEMF_exact_node_request | (entry["target"] + 1 & 0xFF) << 8

    def _converted(
        self, said: OperationStatement, kind: type[Event], fields: dict[str, Any], columns: Mapping[str, int]
    ) -> Event:
        self._orders(fields, said, kind)
        try:
            event: Event = msgspec.convert(fields, Events2)
        except msgspec.ValidationError as error:
            text, _, place = str(error).partition(" - at `$.")
            name = re.split(r"[\[.`]", place)[0]
            missing = re.search(r"missing required field `(\w+)`", text)
            if missing:
                raise self.error(said, said.verb.column, _needs(said, kind, missing.group(1))) from None
            column = columns.get(name, said.verb.column if name != "domid" else max(1, said.verb.column - 1))
            reason = f"expected {_expected(name)}" if "enum" in text or "object" in text else plain_reason(text)
            raise self.error(said, column, f"{_name_in(kind, name)}: {reason}" if name else reason) from None
        flags = set(getattr(event, "memflags", ())) - {"exact_node"}
        if kind is PopulatePhysmap and flags:
            reason = f"{said.verb.text} has no flag {', '.join(sorted(flags))}; expected exact_node"
            raise self.error(said, columns["memflags"], reason)
        return event

    def _orders(self, fields: dict[str, Any], said: OperationStatement, kind: type[Event]) -> None:
        """The order of a block that is named is that of its allocation."""
        if "order" not in kind.words.defaults or kind.words.main != "mfn":
            return
        if any(argument.name == "order" for argument in said.arguments):
            return
        for argument in said.arguments:
            value = argument.values[0]
            if argument.name in ("", "mfn") and isinstance(value, WordValue):
                fields["order"] = self._frame(value.text)[1]


def _is_set(value: Value) -> bool:
    """Whether it is an entry of a claim set, or the word for an empty one."""
    return isinstance(value, EntryValue) or (isinstance(value, WordValue) and value.text == "none")


def plain_reason(text: str) -> str:
    """What msgspec says of a value that does not fit, without its types."""
    text = re.sub(r" - at `\$\.(\w+).*", r" (\1)", text)
    text = re.sub(r"[Ee]xpected `int` >= (\S+)", r"expected a number of at least \1", text)
    text = re.sub(r"[Ee]xpected `int` <= (\S+)", r"expected a number of at most \1", text)
    text = re.sub(r"[Ee]xpected `array` of length <= (\S+)", r"expected at most \1 of them", text)
    return text[:1].lower() + text[1:]


def _verb_like(said: OperationStatement) -> str:
    """What an unknown word may mean."""
    verb, known = said.verb.text, verbs()
    if re.fullmatch(r"[dD]-?\d+", verb):
        return "a domain is written d1, d2, ..."
    short = list(dict.fromkeys(kind.words.word for kinds in known.values() for kind in kinds))
    near = get_close_matches(verb[:_LONGEST_VERB], [*known, "host", "generation", "expect"], 1)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(short)}"


def _name_in(kind: type[Event], name: str) -> str:
    """The name of a field as a script has it."""
    return next((short for short, field in kind.words.short.items() if field == name), name)


def _expected(name: str) -> str:
    """What a field takes."""
    special = {
        "claims": "PAGES@TARGET, such as 3@0 (a node), 1@host or 4@legacy",
        "preempt_at": "EXTENT/PAGE, such as 0/256",
        "memflags": "exact_node, no_owner or no_refcount",
        "node": "a node, such as 0, or any",
        "node_affinity": "nodes, such as 0,1",
        "nr_extents": "a number of extents, such as 4, or a size, such as 16GiB",
    }
    if name in _FRAMES:
        return "a frame, such as 3, or the name of an allocation"
    sized = "a number of pages, such as 8, or a size, such as 16GiB"
    return special.get(name, sized if name in _SIZES else "a number")


def _needs(said: OperationStatement, kind: type[Event], field: str) -> str:
    """What a line lacks, and how it would be written."""
    name, value = _name_in(kind, field), _EXAMPLES.get(field, "1")
    example = value if field == kind.words.main and field not in kind.words.short.values() else f"{name}={value}"
    domain = "" if said.domid is None else f"d{said.domid} "
    return f"{said.verb.text} needs {name}, such as {domain}{said.verb.text} {example}"


def builder_word(name: str) -> str:
    """The name of a trace's builder as a script has it: one word."""
    word = re.sub(r"[^A-Za-z0-9_-]", "-", name)
    return word if re.match(r"[A-Za-z_]", word) else f"b{word}"


def line_of(event: Event, nodes: int = 0, *, at_lowest: bool = False) -> str:
    """The line of a script for an event, without its outcome.

    :param nodes: the nodes of the host
    :param at_lowest: the block that it got is the lowest one, which a script need not say
    """
    kind, words = type(event), type(event).words
    parts = [] if event.builder is UNSET else [f"{builder_word(event.builder)}:"]
    domid = getattr(event, "domid", None)
    if domid is not None:
        parts.append(f"d{domid}")
    parts.append(words.word)
    names = {field: short for short, field in words.short.items()}
    for name in kind.__struct_fields__:
        value = getattr(event, name)
        if name in ("state", "crash", "builder", "domid") or value is UNSET or _is_default(kind, name, value):
            continue
        if name in kind.observed and (name not in names or value is None or at_lowest):
            continue
        if name == "node_affinity" and value == list(range(nodes)):
            continue
        text = _text(name, value)
        parts.append(
            text if name == words.main and name not in names else f"{names.get(name, name)}={text.replace(' ', ',')}"
        )
    return " ".join(parts)


@cache
def _fields(kind: type[Event]) -> dict[str, msgspec.structs.FieldInfo]:
    """By name. msgspec reads the types again at each call, which takes milliseconds."""
    return {field.name: field for field in msgspec.structs.fields(kind)}


def _is_default(kind: type[Event], name: str, value: Any) -> bool:
    if name == kind.words.main and value != []:
        return False
    if name in kind.words.defaults:
        return bool(value == kind.words.defaults[name])
    field = _fields(kind)[name]
    if field.default_factory is not msgspec.NODEFAULT:
        return bool(value == field.default_factory())
    return bool(value == field.default)


def _text(name: str, value: Any) -> str:
    if name == "claims":
        return " ".join(_entry_text(entry) for entry in value) or "none"
    if name == "preempt_at":
        return f"{value.extent}/{value.scrub_index}"
    if isinstance(value, list):
        return ",".join(map(str, value)) or "none"
    return "any" if value is None else str(value)


def _entry_text(entry: Any) -> str:
    reserved = entry.pad or getattr(entry, "cmd", 0)
    target = "host" if entry.target == "global" else entry.target
    return f"{entry.pages}@{target}{f':{reserved}' if reserved else ''}"
