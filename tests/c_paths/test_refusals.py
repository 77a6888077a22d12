"""Broken or unsupported C files and maps: each gets one line that names file and line, and is never a pass."""

from __future__ import annotations

from pathlib import Path

import pytest

MAP = """\
generations = ["mainline-4.22"]

[layout]
domain = "struct domain"
setup = "host = nodes;"

[counters]
outstanding_claims = "claims"
global_claims = "d->claims"

[results]
OK = "0"

[operations.release_all_claims]
call = "release(d)"
"""
SOURCE = """\
struct domain { unsigned int claims; };
long claims;
int host;
int release(struct domain *d)
{
    BODY
    claims -= d->claims;
    d->claims = 0;
    return 0;
}
"""
MAPS = {
    "no TOML": ("generations = [", "m.toml: is no TOML"),
    "generation unknown": (MAP.replace("mainline-4.22", "claim-bags"), "m.toml:1: generations: there is no generation"),
    "no generation": (MAP.replace("generations", "generation"), "m.toml:"),
    "field unknown": (MAP + "\n[more]\nx = 1\n", "m.toml:"),
    "layout is missing": (MAP.replace("[layout]", "[lay-out]"), "m.toml:"),
    "domain is missing": (MAP.replace("domain =", "domains ="), "m.toml:"),
    "a number as text": (MAP.replace('OK = "0"', "OK = 0"), "m.toml:11: results"),
    "counter unknown": (
        MAP.replace("global_claims", "globl_claims"),
        "m.toml:9: counters.globl_claims: the model has no",
    ),
    "no counters": (
        MAP.replace('outstanding_claims = "claims"\n', "").replace('global_claims = "d->claims"\n', ""),
        "m.toml:7: counters",
    ),
    "no operation": (MAP.partition("[operations")[0] + "[operations]\n", "m.toml:14: operations: names no operation"),
    "operation unknown": (
        MAP.replace("release_all_claims", "release_claims"),
        "m.toml:14: operations.release_claims: not one of",
    ),
    "call is missing": (MAP.replace("call =", "# call ="), "m.toml:14: operations"),
    "no expression": (MAP.replace('"d->claims"', '"d->claims +"'), "m.toml:9"),
    "no such field": (MAP.replace('"d->claims"', '"d->claimed"'), "m.toml:9: no member named 'claimed'"),
    "no such variable": (MAP.replace('"claims"', '"claim"'), "m.toml:8: use of undeclared identifier"),
    "counter cannot be set": (MAP.replace('"claims"', '"claims + 1"'), "m.toml:8: expression is not assignable"),
    "no such type": (MAP.replace('"struct domain"', '"domain_t"'), "m.toml:4: unknown type name"),
    "setup is no C": (MAP.replace("host = nodes;", "host = nodes"), "m.toml:5"),
    "no such function": (MAP.replace('"release(d)"', '"let_go(d)"'), "m.toml:15"),
    "too many arguments": (MAP.replace('"release(d)"', '"release(d, 1)"'), "m.toml:15: too many arguments"),
    "result is no constant": (MAP.replace('"0"', '"ZERO"'), "m.toml:12: use of undeclared identifier"),
    "stub of no function": (MAP + '\n[stubs]\nheap = ""\n', "m.toml:18: stubs.heap: f.c has no function of that name"),
    "lock of no function": (
        MAP + '\n[locks.take]\nspin_lock = "lock"\n',
        "m.toml:18: locks.take.spin_lock: f.c has no function",
    ),
    "assertion of no function": ('assertions = ["bug"]\n' + MAP, "m.toml:1: assertions"),
    "stub is no C": (MAP + '\n[stubs]\nrelease = "return nothing;"\n', "m.toml:18: use of undeclared identifier"),
    "entries without a type": (
        MAP.replace("release_all_claims", "install_claim_set"),
        "m.toml:14: operations.install_claim_set: needs layout.entry",
    ),
    "entry field unknown": (MAP + '\n[entries]\npage = "e->page"\n', "m.toml:18: entries.page: an entry has"),
    "property unknown": (
        MAP + '\n[assume]\nproperties = ["all-well"]\n',
        "m.toml:18: assume.properties: there is no property",
    ),
    "limit is no number": (MAP + '\n[assume]\nmost_pages = "many"\n', "m.toml:18: assume.most_pages"),
    "option unknown to the compiler": (MAP + '\n[compile]\nflags = ["--no-such-option"]\n', "--no-such-option"),
}
SOURCES = {
    "syntax": ("if (", "f.c:"),
    "undeclared": ("x = 1;", "f.c:6: use of undeclared identifier 'x'"),
    "include is missing": ('\n#include "nowhere.h"\n', "nowhere.h"),
}
UNSUPPORTED = {
    "floating point": ("double x = 1.5; if (x > 1) d->claims = 0;", "f.c:6: not supported"),
    "assembler": ('__asm__ volatile ("nop");', "f.c:6: not supported: assembler"),
    "function pointer": ("int (*f)(struct domain *) = release; f(d);", "f.c:6: not supported"),
    "call without a body": ("extern int elsewhere(void); elsewhere();", "f.c:6: not supported: a call of elsewhere"),
    "endless loop": ("for (;;) ;", "f.c:6: not supported: a path of more than"),
    "endless recursion": ("release(d);", "f.c:6: not supported: more than"),
    "pointer from a number": ("d = (struct domain *)4096ul; d->claims = 0;", "f.c:6: not supported"),
    "number from a pointer": ("claims = (long)d;", "f.c:6: not supported"),
    "union": ("union { int a; long b; } u; u.a = 1;", "f.c:6: not supported"),
    "unknown factor": ("if (claims * d->claims == 3) d->claims += 0;", "f.c:6: not supported"),
    "unknown divisor": ("if (claims / (d->claims + 1) == 3) d->claims += 0;", "f.c:6: not supported"),
    "other memset": ("__builtin_memset(d, 255, sizeof(*d));", "f.c:6: not supported: memset"),
}
UNDEFINED = {
    "not initialised": ("int x; if (x) d->claims = 0;", "f.c:6: reads x, which is not initialised"),
    "beyond an array": ("int a[2]; a[d->claims & 3] = 1;", "f.c:6: uses a"),
    "null pointer": ("struct domain *p = 0; p->claims = 1;", "f.c:6: uses a null pointer"),
}


def read(folder: Path, source: str, text: str = MAP):
    from proofs.c_paths.run import CTask, bound
    from proofs.diff.world import Size

    (folder / "f.c").write_text(source)
    (folder / "m.toml").write_text(text)
    return bound(CTask("f.c", "m.toml", "mainline-4.22", "release_all_claims", Size(1, 1)))


def row_of(folder: Path, body: str, text: str = MAP, before: str = ""):
    from proofs.c_paths.machine import Machine
    from proofs.c_paths.run import CTask, row
    from proofs.diff.world import Size

    source = read(folder, before + SOURCE.replace("BODY", body), text)
    task = CTask("f.c", "m.toml", "mainline-4.22", "release_all_claims", Size(1, 1))
    return row(source, Machine(source.source), task)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(folder: Path, source: str, text: str = MAP) -> str:
    from proofs.c_paths.reading import SourceError

    with pytest.raises(SourceError) as raised:
        read(folder, source, text)
    return str(raised.value)


@pytest.mark.parametrize("name", MAPS)
def test_broken_map_is_refused_in_one_line(folder: Path, name: str) -> None:
    text, expected = MAPS[name]
    message = refused(folder, SOURCE.replace("BODY", ""), text)
    assert expected in message
    assert "\n" not in message


@pytest.mark.parametrize("name", SOURCES)
def test_broken_source_is_refused_in_one_line(folder: Path, name: str) -> None:
    body, expected = SOURCES[name]
    message = refused(folder, SOURCE.replace("BODY", body))
    assert expected in message
    assert "\n" not in message


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_unsupported_source_is_a_verdict_of_its_own(folder: Path, name: str) -> None:
    body, expected = UNSUPPORTED[name]
    result = row_of(folder, body)
    assert result.verdict == "not supported"
    assert expected in result.reason
    assert "\n" not in result.reason


@pytest.mark.parametrize("name", UNDEFINED)
def test_undefined_behaviour_is_a_difference(folder: Path, name: str) -> None:
    body, expected = UNDEFINED[name]
    result = row_of(folder, body)
    assert result.verdict == "differs"
    assert result.difference is not None
    assert expected in result.difference.ended


def test_what_no_path_reaches_is_not_examined(folder: Path) -> None:
    result = row_of(folder, 'if (0) __asm__ volatile ("nop");')
    assert result.verdict == "equal"


NODES = MAP.replace("[counters]", '[counters]\nnode_avail_pages = "by_node[n]"')
ZERO = NODES.replace("[layout]", '[layout]\nbeyond = "zero"')


@pytest.mark.parametrize(
    ("text", "body", "expected"),
    [
        (NODES, "if (by_node[1]) claims = 0;", "uses by_node[1], on a host of 1 nodes"),
        (ZERO, "if (by_node[1]) claims = 0;", ""),
        (ZERO, "by_node[1] = 1;", "changes by_node[1] on a host of 1 nodes"),
    ],
    ids=["not to be used", "zero", "changed"],
)
def test_entries_beyond_the_nodes_are_guarded(folder: Path, text: str, body: str, expected: str) -> None:
    result = row_of(folder, body, text, "long by_node[4];\n")
    assert result.verdict == ("differs" if expected else "equal")
    assert result.difference is None or expected in result.difference.ended
