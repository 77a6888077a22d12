"""Deterministic mutations of good scripts: what a slip of the finger, an editor or a mail program makes of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from random import Random

GOOD = b"""\
# Every kind of line.
generation per-node-v8
host 4 4 1 span=4 debug_build
d1 create max=8 nodes=0,1
d1 unpause => OK
d1 pause => OK
d1 claim 3@0 1@host => OK
A: d1 populate 2 node=0 flags=exact_node preempt=1/0
A: continue
A: continue => preempted nr_done=1
d1 alloc order=1 as x => OK
d2 create max=16
d2 claim 9@1 => ENOMEM
expect d1.tot_pages = 3
offline x+1 => OFFLINE_OWNED_PENDING
d1 exchange x out_order=1 => EINVAL
free x
physinfo => OK free_pages=7
d1 get_claims 3 => OK
d1 destroy => OK
"""

_INSERTED = (
    "\0",
    "\t",
    "\x0b",
    "\x1b[0m",
    "\ufeff",
    "\u2028",
    "\u00a0",
    "@",
    "=",
    "=>",
    ":",
    ",",
    "#",
    '"',
    "\\",
    "-",
    "x",
)
_NUMBERS = (
    "-1",
    "0",
    "99999",
    str(2**32),
    str(2**64),
    "9" * 400,
    "0x",
    "0xffff",
    "1.5",
    "1e3",
    "16GB",
    "16gib",
    "1_000",
    "",
)


def _lines(random: Random) -> tuple[list[bytes], int]:
    lines = GOOD.splitlines(keepends=True)
    return lines, random.randrange(len(lines))


def _drop_character(random: Random) -> bytes:
    at = random.randrange(len(GOOD))
    return GOOD[:at] + GOOD[at + 1 :]


def _insert(random: Random) -> bytes:
    at = random.randrange(len(GOOD))
    return GOOD[:at] + random.choice(_INSERTED).encode() + GOOD[at:]


def _insert_byte(random: Random) -> bytes:
    at = random.randrange(len(GOOD))
    return GOOD[:at] + bytes([random.randrange(256)]) + GOOD[at:]


def _cut(random: Random) -> bytes:
    return GOOD[: random.randrange(len(GOOD))]


def _drop_line(random: Random) -> bytes:
    lines, at = _lines(random)
    return b"".join(lines[:at] + lines[at + 1 :])


def _repeat_line(random: Random) -> bytes:
    lines, at = _lines(random)
    return b"".join(lines[: at + 1] + lines[at:])


def _swap_lines(random: Random) -> bytes:
    lines, at = _lines(random)
    other = random.randrange(len(lines))
    lines[at], lines[other] = lines[other], lines[at]
    return b"".join(lines)


def _join_lines(random: Random) -> bytes:
    lines, at = _lines(random)
    lines[at] = lines[at].rstrip(b"\n") + b" "
    return b"".join(lines)


def _swap_words(random: Random) -> bytes:
    lines, at = _lines(random)
    words = lines[at].split()
    one, other = random.randrange(len(words)), random.randrange(len(words))
    words[one], words[other] = words[other], words[one]
    lines[at] = b" ".join(words) + b"\n"
    return b"".join(lines)


def _other_number(random: Random) -> bytes:
    places = list(re.finditer(rb"\d+", GOOD))
    place = random.choice(places)
    return GOOD[: place.start()] + random.choice(_NUMBERS).encode() + GOOD[place.end() :]


def _other_case(random: Random) -> bytes:
    lines, at = _lines(random)
    lines[at] = lines[at].swapcase()
    return b"".join(lines)


def _long_line(random: Random) -> bytes:
    lines, at = _lines(random)
    lines[at] = lines[at].rstrip(b"\n") + b" " + random.choice((b"9", b"x", b"1@0 ", b"(", b"x=", b"#")) * 800 + b"\n"
    return b"".join(lines)


KINDS: tuple[Callable[[Random], bytes], ...] = (
    _drop_character,
    _insert,
    _insert_byte,
    _cut,
    _drop_line,
    _repeat_line,
    _swap_lines,
    _join_lines,
    _swap_words,
    _other_number,
    _other_case,
    _long_line,
)


def mutations(of_each: int) -> Iterator[tuple[str, bytes]]:
    """Named mutations of :data:`GOOD`, so many of each kind, the same in every run."""
    for kind in KINDS:
        for number in range(of_each):
            yield f"{kind.__name__.strip('_')}-{number}", kind(Random(f"{kind.__name__} {number}"))
