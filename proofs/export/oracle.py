"""The model's outcome of every call of one generation as a C99 header: ``claimcheck export oracle``.

Each kind of call is a C function with the text of the fuzz compiler's Python function. The fixed part is
``templates/claim_oracle_*.h``: vectors, the order of the node search, the pages of a host, and the operations that
consist of several calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from model.calls import CALL_FIELDS, CALLS
from model.interfaces import SetInstaller
from model.named import GENERATIONS
from model.operations.allocating import MAX_ORDER
from model.state import Shape
from proofs.fuzz.terms import OFFLINE

from .c_text import NODES, CFunction
from .oracle_kinds import KINDS, MANY, OracleKind, kinds_of

_TEMPLATES = Path(__file__).with_name("templates")
_OPERATIONS = ("pages", "sections", "flights", "checks")
"""Templates after the generated calls: frames, operations section by section, and what an implementation answered."""
_SIZES = {
    Shape.HOST: "",
    Shape.NODE: "[CO_MAX_NODES]",
    Shape.DOMAIN: "[CO_MAX_DOMAINS]",
    Shape.CELL: "[CO_MAX_DOMAINS][CO_MAX_NODES]",
}
ARGUMENTS = (
    "domid", "max_pages", "last_alloc_node", "pages", "node", "order", "requested", "exact", "no_refcount", "no_owner",
    "block_state", "block_pages", "owner", "refcounted", "marked", "page", "assigned", "capacity", "pad", "freed",
    "extent_order", "mem_flags", "has_extent_start", "scrub_index", "preempt_at",
    "known", "in_too_large", "out_too_large", "whole_chunks"
)  # fmt: skip
"""The numbers of a call, by name; -1 stands for an argument that is not there."""
STATES = ("none", "limbo", "assigned", "anonymous")
"""The states of a block, numbered."""
PAGES = ("free", "in-use", "offlined")
"""The states of a page for offline_page and online_page, numbered."""


NOT_IN_C = tuple(sorted(set(CALLS) - set(KINDS)))
"""Calls of the model that are not written in C: none."""
_ANSWERS = {"scrub_index": "", "needed": "", "global_claims": "", "tells_global": "", "claims": NODES, "node": ""}
"""Answers that the operations read, also where the generation has no such call."""


class OracleHeader(NamedTuple):
    """The header, and what it contains."""

    text: str
    kinds: int
    """Kinds of calls."""
    functions: int
    """Different functions for them."""
    cases: list[tuple[str, str, str]]
    """By number: call, case, result."""
    not_in_c: tuple[str, ...]
    """Calls of the model that the header does not have."""


def oracle(semantics: str) -> OracleHeader:
    """The header of a generation."""
    return _OracleWriter(semantics).header()


class _OracleWriter:
    def __init__(self, semantics: str) -> None:
        self._semantics = semantics
        self._cases: dict[tuple[str, str, str], int] = {}
        self._functions: dict[str, str] = {}
        self._answers: dict[str, str] = dict(_ANSWERS)

    def header(self) -> OracleHeader:
        by_call: dict[str, list[tuple[OracleKind, str]]] = {}
        kinds = 0
        for kind in kinds_of(self._semantics):
            by_call.setdefault(kind.name, []).append((kind, self._function(kind)))
            kinds += 1
        functions = [text.replace("co_kind(", f"{name}(", 1) for text, name in self._functions.items()]
        calls = [_dispatch(name, those) for name, those in by_call.items()]
        absent = [_absent(name) for name in KINDS if name not in by_call]
        folds = GENERATIONS[self._semantics].rules.interface.sets is SetInstaller.REPLACING_OR_LEGACY
        rules = GENERATIONS[self._semantics].rules
        constants = (
            f'#define CO_SEMANTICS "{self._semantics}"\n#define CO_FOLDS_LEGACY {int(folds)}\n'
            f"#define CO_KEEPS_MARKS {int(rules.keeps_marks)} /* assigning a page keeps its offline mark */\n"
            f"#define CO_MAX_ORDER {MAX_ORDER}\n#define CO_GETS_SETS {int(rules.interface.gets)}\n"
        )
        parts = [
            (_TEMPLATES / "claim_oracle_first.h").read_text(encoding="utf-8").replace("@SEMANTICS@", self._semantics),
            constants,
            self._types(),
            (_TEMPLATES / "claim_oracle_vectors.h").read_text(encoding="utf-8"),
            _new_slot(),
            self._table(),
            *functions,
            *calls,
            *absent,
            *((_TEMPLATES / f"claim_oracle_{part}.h").read_text(encoding="utf-8") for part in _OPERATIONS),
            "#endif /* CLAIM_ORACLE_H */\n",
        ]
        return OracleHeader("\n".join(parts), kinds, len(functions), list(self._cases), NOT_IN_C)

    def _function(self, kind: OracleKind) -> str:
        """The name of the function of a kind; kinds with the same text share one."""
        numbers = {
            index: self._cases.setdefault((kind.name, case.name, case.result), len(self._cases))
            for index, case in enumerate(kind.cases)
        }
        written = CFunction(kind.source, numbers, {"has_block": NODES})
        self._answers |= written.answers
        lines = "\n".join(written.lines)
        taken = [name for name in written.parameters if name not in ("s", "candidates")]
        declared = [_parameter(name) for name in taken]
        if kind.looped:
            declared += ["struct co_set set;", "", "co_sum_set(&set, a, s->number_of_nodes);"]
        head = "static inline int co_kind(struct co_state *s, const struct co_arguments *a)\n{"
        used = [f"(void){name};" for name in taken]
        body = [*declared, "", "(void)s;", "(void)a;", *used]
        text = "\n".join([head, *(f"    {line}" if line else "" for line in body), lines, *_end(lines), "}", ""])
        return self._functions.setdefault(text, f"co_{kind.name}_{len(self._functions)}")

    def _types(self) -> str:
        fields = [f"    int64_t {info.name}{_SIZES[info.shape]};" for info in CALL_FIELDS.values()]
        answers = [f"    int64_t {name}{'[CO_MAX_NODES]' if over else ''};" for name, over in self._answers.items()]
        return "\n".join(
            [
                "/* What a call answers in addition to its result. */",
                "struct co_answer {",
                *answers,
                "};\n",
                "/* The state of the model: the fields of the model, in pages; domains by ascending id. */",
                "struct co_state {",
                "    int64_t number_of_nodes, number_of_domains, chosen;",
                "    int64_t domids[CO_MAX_DOMAINS];",
                *fields,
                "    struct co_answer answer;",
                "};\n",
                "/* The arguments of a call; -1 where one is not there. Domains are indices in the state. */",
                "struct co_arguments {",
                f"    int64_t {', '.join(ARGUMENTS)};",
                "    int64_t nr_entries, nr_candidates;",
                "    const struct co_entry *entries;",
                "    const int64_t *candidates, *has_block; /* alloc_heap_pages: the search, and by node */",
                "};\n",
                _enum("co_block", STATES),
                _enum("co_page", PAGES),
            ]
        )

    def _table(self) -> str:
        rows = [f'    {{"{call}", "{name}", "{result}"}},' for call, name, result in self._cases]
        head = "/* The cases of all calls: what a call of the oracle returns is an index of this table. */"
        return "\n".join([head, "static const struct co_case co_cases[] = {", *rows, "};\n"])


def _new_slot() -> str:
    """The function that makes room for a new domain id."""
    lines = ["/* A place for a new domain id: ids are in ascending order. Returns its index. */"]
    lines += ["static inline int64_t co_add_domid(struct co_state *s, int64_t domid)", "{"]
    lines += ["    int64_t slot = 0;", "    size_t after;", ""]
    lines += ["    if (s->number_of_domains == CO_MAX_DOMAINS) {"]
    lines += ['        fprintf(stderr, "claim oracle: CO_MAX_DOMAINS is %d: define it larger\\n", CO_MAX_DOMAINS);']
    lines += ["        abort();", "    }"]
    lines += ["    while (slot < s->number_of_domains && s->domids[slot] < domid)", "        slot++;"]
    lines += ["    after = (size_t)(s->number_of_domains++ - slot);"]
    fields = [info for info in CALL_FIELDS.values() if info.shape in (Shape.DOMAIN, Shape.CELL)]
    for name in ("domids", *(info.name for info in fields)):
        lines.append(f"    memmove(s->{name} + slot + 1, s->{name} + slot, after * sizeof(*s->{name}));")
    for info in fields:
        if info.shape is Shape.CELL:
            lines.append(f"    memset(s->{info.name}[slot], 0, sizeof(s->{info.name}[slot]));")
        else:
            lines.append(f"    s->{info.name}[slot] = {-1 if info.name in ('claim_node', 'last_alloc_node') else 0};")
    lines += [
        "    s->domids[slot] = domid;",
        "    s->domctl_lock += s->domctl_lock >= slot;",
        "    return slot;",
        "}",
        "",
    ]
    return "\n".join(lines)


def _end(lines: str) -> list[str]:
    """A return at the end, if the last statement is no block that always returns."""
    return [] if lines.endswith("    }") and "\n    {\n" in f"\n{lines}" else ["    return -1;"]


def _parameter(name: str) -> str:
    if name == "has_block":
        return "const int64_t *const has_block = a->has_block;"
    for part in ("pages", "target", "pad"):
        if name.startswith(part) and (index := name.removeprefix(part)).isdigit():
            return f"const int64_t {name} = a->entries[{index}].{part};"
    return f"const int64_t {name} = a->{name.removeprefix(f'{OFFLINE}_')};"


def _dispatch(name: str, kinds: Sequence[tuple[OracleKind, str]]) -> str:
    """The function of a call, which finds its kind."""
    lines = [f"static inline int co_{name}(struct co_state *s, const struct co_arguments *a)", "{"]
    conditions = {}
    for kind, function in kinds:
        tests = [test for at, part in enumerate(kind.parts) if (test := _test(part, KINDS[name][at]))]
        conditions[" && ".join(tests)] = function
    if len(set(conditions.values())) == 1 and len(kinds) > 1:
        conditions = {"": kinds[0][1]}
    for condition, function in conditions.items():
        call = f"return {function}(s, a);"
        lines += [f"    {call}"] if not condition else [f"    if ({condition})", f"        {call}"]
    return "\n".join([*lines, *([] if "" in conditions else ["    return -1;"]), "}", ""])


def _absent(name: str) -> str:
    return "\n".join(
        [
            f"static inline int co_{name}(struct co_state *s, const struct co_arguments *a)",
            "{",
            "    (void)s;",
            "    (void)a;",
            "    return -1; /* this generation has no such call */",
            "}",
            "",
        ]
    )


def _test(part: Any, alternatives: Iterable[Any]) -> str:
    """The condition under which a call has this alternative of an argument; empty: always."""
    alternatives = list(alternatives) if not isinstance(alternatives, str) else [alternatives]
    if len(alternatives) == 1:
        return ""
    if isinstance(part, str):
        some_offline = any(isinstance(other, tuple) and other[1] == OFFLINE for other in alternatives)
        return f"a->{part} >= 0" + (f" && a->{part} < s->number_of_nodes" if some_offline else "")
    name, *kind = part
    if name == "entries":
        return {0: "a->nr_entries == 0", 1: "a->nr_entries == 1", MANY: "a->nr_entries >= 2"}[kind[0]]
    if name == "page":
        return f"a->page == {PAGES.index(kind[0])}"
    if name == "block":
        if kind[0] is None:
            return "a->block_state == 0"
        state, unowned, refcounted = kind
        owner = "a->owner < 0" if unowned else "a->owner >= 0"
        return f"a->block_state == {STATES.index(state)} && {owner} && a->refcounted == {int(refcounted)}"
    if kind[0] == OFFLINE:
        return f"a->{name} >= s->number_of_nodes"
    if kind[0] is None:
        return f"a->{name} < 0"
    return f"a->{name}" if kind[0] else f"!a->{name}"


def _enum(name: str, values: Sequence[str]) -> str:
    members = ", ".join(f"{name.upper()}_{value.upper().replace('-', '_')}" for value in values)
    return f"enum {name} {{ {members} }};\n"
