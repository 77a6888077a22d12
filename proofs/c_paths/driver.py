"""The C text around a file: how its counters are read and set, its functions called, and the functions of stubs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .mapping import LoadedMap
from .operations import ARGUMENTS, SPAN

MOST = 9
"""The most nodes and domains of a host."""
MOST_ENTRIES = 70
"""The most entries of a claim set."""

INTRINSICS = """\
void cc_lock(const volatile void *lock);
void cc_unlock(const volatile void *lock);
int cc_is_locked(const volatile void *lock);
void cc_crash(void);
int cc_has_block(unsigned int node, unsigned long pages);
unsigned long cc_block(unsigned int node);
int cc_flag(unsigned int number);
void cc_answer(unsigned int number, long value);
"""
"""What the interpreter does itself, and real_program.c in the compiled program."""


def around(loaded: LoadedMap, source: str, name: str) -> str:
    """The text to be preprocessed: the file, and the functions that the map's expressions are in."""
    known = loaded.map
    parts = [
        INTRINSICS,
        "#define main cc_main_of_the_file",
        _lined(loaded, "compile.before", known.compile.before),
        f'#line 1 "{name}"\n{source}',
        _lined(loaded, "compile.after", known.compile.after),
        '\n#line 1 "<claimcheck>"\n#undef main',
        *_declared(loaded),
        *_counters(loaded),
        *_entries(loaded),
        *_operations(loaded),
    ]
    return "\n".join([*parts, *_stubs(loaded), ""])


def _lined(loaded: LoadedMap, field: str, text: str, before: str = "", after: str = "") -> str:
    """Text of the map with its place for error messages, and what is around it."""
    line = loaded.line_of(field)
    first = next((part.strip() for part in text.splitlines() if part.strip()), "")
    for number, content in enumerate(loaded.text.splitlines(), 1):
        if number >= line and first and first in content:
            line = number
            break
    lead = len(text) - len(text.lstrip("\n"))
    if not text:
        return before + after
    return f'\n#line {max(1, line - lead)} "{loaded.shown}"\n{before}{text}{after}\n#line 1 "<claimcheck>"\n'


def _declared(loaded: LoadedMap) -> list[str]:
    domain = loaded.map.layout.domain
    lines = [
        _lined(loaded, "layout.domain", f"typedef {domain} cc_domain_type;"),
        f"static cc_domain_type cc_domains[{MOST}];",
    ]
    if loaded.map.layout.entry:
        lines += [
            _lined(loaded, "layout.entry", f"typedef {loaded.map.layout.entry} cc_entry_type;"),
            f"static cc_entry_type cc_entries[{MOST_ENTRIES}];",
        ]
    else:
        lines.append(f"typedef int cc_entry_type; static cc_entry_type cc_entries[{MOST_ENTRIES}];")
    setup = _lined(loaded, "layout.setup", loaded.map.layout.setup)
    return [
        *lines,
        "cc_domain_type *cc_domain(unsigned int d) { return &cc_domains[d]; }",
        "cc_entry_type *cc_entry(unsigned int i) { return &cc_entries[i]; }",
        "void cc_setup(unsigned int nodes, unsigned int domains)",
        f"{{ cc_domain_type *domain = cc_domains; const unsigned long span = {SPAN}ul;",
        f"(void)domain; (void)nodes; (void)domains; (void)span; {{ {setup} }} }}",
    ]


def _accessors(loaded: LoadedMap, field: str, name: str, expression: str, parameters: str) -> list[str]:
    lines = [
        f"long cc_get_{name}({parameters}) {{ return (long)({expression}); }}",
        f"void cc_set_{name}({parameters}, long cc_v) {{ ({expression}) = (__typeof__({expression}))cc_v; }}",
        f"void *cc_at_{name}({parameters}) {{ return (void *)&({expression}); }}",
    ]
    return [_lined(loaded, f"{field}.{name}", line) for line in lines]


def _counters(loaded: LoadedMap) -> list[str]:
    lines = []
    for name, expression in loaded.map.counters.items():
        lines += _accessors(loaded, "counters", name, expression, "cc_domain_type *d, unsigned int n")
    return lines


def _entries(loaded: LoadedMap) -> list[str]:
    lines = []
    for name, expression in loaded.map.entries.items():
        lines += _accessors(loaded, "entries", name, expression, "cc_entry_type *e")
    return lines


def parameters_of(operation: str) -> dict[str, str]:
    """The parameters of an operation's call with their types, without entries."""
    return {name: of for name, of in ARGUMENTS[operation].items() if name != "entries"}


def _operations(loaded: LoadedMap) -> list[str]:
    lines = []
    for name, operation in loaded.map.operations.items():
        own = parameters_of(name)
        names = "".join(f", {of} {parameter}" for parameter, of in own.items())
        setup = _lined(loaded, f"operations.{name}.setup", operation.setup)
        answers = "".join(
            f" cc_answer({number}, (long)({_lined(loaded, f'operations.{name}.answers', text)}));"
            for number, text in enumerate(operation.answers.values())
        )
        unused = " ".join(f"(void){parameter};" for parameter in ("d", "nodes", "entries", "span", "frame", *own))
        begin = f"unsigned long frame = 0; const unsigned long span = {SPAN}ul; {unused} {{ {setup} }}"
        results = loaded.results_of(name)
        around_call = ("cc_r = (long)(", ");") if results else ("{ ", "; }")
        run = _lined(loaded, f"operations.{name}.call", operation.call, *around_call)
        head = f"cc_op_{name}(unsigned int nodes, cc_domain_type *d, cc_entry_type *entries{names})"
        lines.append(f"long {head} {{ long cc_r = 0; {begin} {run} {answers} return cc_r; }}")
        for result, text in results.items():
            field = f"operations.{name}.results" if operation.results else f"results.{result}"
            head = f"long cc_result_{name}_{result}(void) {{ return (long)("
            lines.append(_lined(loaded, field, text, head, "); }"))
    return lines


def stub_bodies(loaded: LoadedMap) -> dict[str, str]:
    """The bodies of all functions that are replaced."""
    known = loaded.map
    bodies = {name: _lined(loaded, f"stubs.{name}", body) for name, body in known.stubs.items()}
    bodies |= {name: f"cc_lock({lock});" for name, lock in known.locks.take.items()}
    bodies |= {name: f"cc_unlock({lock});" for name, lock in known.locks.release.items()}
    return bodies | dict.fromkeys(known.assertions, "cc_crash();")


def marks(number: int) -> tuple[str, str]:
    """What is before and after the body of a stub in the preprocessor's output."""
    return f"cc_stub_{number}_begin", f"cc_stub_{number}_end"


def _stubs(loaded: LoadedMap) -> list[str]:
    lines = []
    for number, body in enumerate(stub_bodies(loaded).values()):
        begin, end = marks(number)
        lines.append(f"{begin}\n{body}\n{end}")
    return lines


def dispatch(loaded: LoadedMap) -> str:
    """Further text for the compiled program: counters and operations by number."""
    lines = []
    for kind, of in (("counters", loaded.map.counters), ("entries", loaded.map.entries)):
        where = "d, n" if kind == "counters" else "e"
        head = "cc_domain_type *d, unsigned int n" if kind == "counters" else "cc_entry_type *e"
        unused = "(void)d; (void)n;" if kind == "counters" else "(void)e;"
        gets = "".join(f"case {i}: return cc_get_{name}({where}); " for i, name in enumerate(of))
        sets = "".join(f"case {i}: cc_set_{name}({where}, v); break; " for i, name in enumerate(of))
        lines.append(f"long cc_get_{kind}(unsigned int i, {head}) {{ {unused} switch (i) {{ {gets} }} return 0; }}")
        lines.append(
            f"void cc_set_{kind}(unsigned int i, {head}, long v) {{ {unused} (void)v; switch (i) {{ {sets} }} }}"
        )
    calls = []
    for number, name in enumerate(loaded.map.operations):
        given = "".join(f", ({of})a[{i}]" for i, of in enumerate(parameters_of(name).values()))
        calls.append(f"case {number}: return cc_op_{name}(nodes, d, cc_entries{given}); ")
    lines.append(
        "long cc_run(unsigned int op, unsigned int nodes, cc_domain_type *d, const long *a) "
        f"{{ (void)a; switch (op) {{ {''.join(calls)} }} return 0; }}"
    )
    return "\n".join(['# 1 "<claimcheck>"', *lines, ""])


def names_of(values: Mapping[str, Any]) -> list[str]:
    """The names in order."""
    return list(values)
