"""The functions that install a set of claims: which entry fails first and why, and what a set leaves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from model.c_types import UINT_MAX
from model.calls.case import OK, Call, Case, Effect
from model.calls.claiming import released, set_outstanding_pages
from model.encoding import Vector
from model.generations.interface import Sets
from model.logic import Term, all_of, any_of, choose, negation, same, total_of
from model.step import Step
from model.transitions.ledger import install

GLOBAL = 0x80000000
"""Target of an entry: the host. Later called HOST."""
LEGACY = 0x40000000
"""Target of an entry: the legacy call."""
NO_NODE = 0xFFFFFFFF
"""Target of the entry in v4: the host."""
BIT_31 = 1 << 31


@dataclass(frozen=True)
class Entry:
    """One entry of a claim set; the numbers of the hypercall's ABI."""

    pages: Term
    target: Term
    """A node id, `GLOBAL` or `LEGACY`, or any other 32-bit number."""
    pad: Term = 0
    """What has to be 0; in claim-sets-v3 it is called `cmd`."""

    @property
    def host_wide(self) -> Term:
        """The target is the host."""
        return self.target == GLOBAL


def _node_pages(entries: Sequence[Entry]) -> Term:
    return total_of([choose(e.host_wide, 0, e.pages) for e in entries])


def _global_pages(entries: Sequence[Entry]) -> Term:
    return total_of([choose(e.host_wide, e.pages, 0) for e in entries])


def _all_pages(entries: Sequence[Entry]) -> Term:
    return total_of([e.pages for e in entries])


def _by_node(call: Call, entries: Sequence[Entry]) -> Vector:
    return call.host.by_node(lambda n: total_of([choose(same(e.target, n), e.pages, 0) for e in entries]))


def install_claim_set(call: Call, domid: Term, entries: Sequence[Entry]) -> list[Case]:
    """A set of claims under both locks: the first entry that fails, then the totals."""
    if call.interface.sets is Sets.STAKING:
        return _stake(call, domid, entries)
    s, rules = call.before, call.rules
    limit, held = s.max_pages[domid], rules.pages_held(s, domid)
    folded = call.interface.sets is Sets.REPLACING_OR_LEGACY
    is_legacy = any_of([entry.target == LEGACY for entry in entries]) if folded else False
    if folded:
        entries = [replace(e, target=choose(e.target == LEGACY, GLOBAL, e.target)) for e in entries]
    cases = []
    if rules.checks_dying_in_lock:
        cases.append(Case("dying-in-lock", all_of([negation(is_legacy), s.is_dying[domid]]), "ESRCH"))
    for index, entry in enumerate(entries):
        cases += _entry(call, domid, entry, entries[:index], index)
    g, total = _global_pages(entries), _node_pages(entries)
    if folded:
        legacy = [Case("legacy-and-nodes", total != 0, "EINVAL"), *set_outstanding_pages(call, domid, g)]
        cases += only_where(is_legacy, legacy)
    if rules.releases_before_limits:
        cases.append(Case("released", g + total == 0, OK, released(call, domid)))
    cases += [
        Case("global-beyond-limit", g > limit, "EINVAL"),
        Case("set-beyond-limit", total > limit - g, "EINVAL"),
        Case("set-and-pages-beyond-limit", held > limit - g - total, "EINVAL"),
        Case("host-has-no-room", g + total > s.unclaimed() + s.held(domid), "ENOMEM"),
        Case("installed", True, OK, _installed(call, domid, entries)),
    ]
    return cases


def only_where(condition: Term, cases: Sequence[Case]) -> list[Case]:
    """Cases that are looked at where the condition holds."""
    return [replace(case, condition=all_of([condition, case.condition])) for case in cases]


def _entry(call: Call, domid: Term, entry: Entry, earlier: Sequence[Entry], index: int) -> list[Case]:
    """Why an entry of a replacing set fails."""
    s, target = call.before, entry.target
    on_node = negation(entry.host_wide)
    twice = any_of([target == e.target for e in earlier])
    short = call.on(target, lambda n: entry.pages > s.unclaimed_on(n) + s.claims[domid, n])
    checks = [
        ("entry-pad", entry.pad != 0, "EINVAL"),
        ("second-global", all_of([entry.host_wide, any_of([e.host_wide for e in earlier])]), "EINVAL"),
        ("node-offline", all_of([on_node, negation(call.is_online(target))]), "ENOENT"),
        ("node-twice", all_of([on_node, twice]), "EINVAL"),
        ("sum-wraps", all_of([on_node, entry.pages > UINT_MAX - _node_pages(earlier)]), "EINVAL"),
        ("node-has-no-room", short, "ENOMEM"),
    ]
    if not call.rules.checks_sum:
        checks = [check for check in checks if check[0] != "sum-wraps"]
    return [Case(name, condition, errno, entry=index) for name, condition, errno in checks]


def _stake(call: Call, domid: Term, entries: Sequence[Entry]) -> list[Case]:
    """A set of the reduced series: only where no claim is held."""
    s = call.before
    held, limit = call.rules.pages_held(s, domid), s.max_pages[domid]
    cases = []
    for index, entry in enumerate(entries):
        cases += _staked_entry(call, domid, entry, entries[:index], index)
    total, by_node = _all_pages(entries), _by_node(call, entries)
    cases += [
        Case("pages-beyond-limit", held > limit, "EINVAL"),
        Case("set-and-pages-beyond-limit", total > limit - held, "EINVAL"),
        Case("claim-held", s.held(domid) != 0, "EINVAL"),
        Case("host-has-no-room", total + s.outstanding_claims > s.total_avail_pages, "ENOMEM"),
        Case("node-has-no-room", call.host.some_node(lambda n: _no_room(call, by_node, n)), "ENOMEM"),
        Case("installed", True, OK, _installed(call, domid, entries)),
    ]
    return cases


def _no_room(call: Call, by_node: Vector, node: Term) -> Term:
    # Entries name at least a page: a node of none is not named, and its claims may exceed its free pages.
    s, pages = call.before, by_node[node]
    return all_of([pages > 0, pages + s.node_outstanding_claims[node] > s.node_avail_pages[node]])


def _staked_entry(call: Call, domid: Term, entry: Entry, earlier: Sequence[Entry], index: int) -> list[Case]:
    """Why an entry of a set that replaces nothing fails."""
    target, so_far = entry.target, _all_pages(earlier)
    checks = [
        ("entry-empty-or-pad", any_of([entry.pages == 0, entry.pad != 0]), "EINVAL"),
        ("entry-beyond-limit", entry.pages > call.before.max_pages[domid] - so_far, "EINVAL"),
        ("second-global", all_of([entry.host_wide, any_of([e.host_wide for e in earlier])]), "EINVAL"),
        ("unknown-selector", all_of([negation(entry.host_wide), target >= BIT_31]), "EINVAL"),
        ("node-twice", any_of([target == e.target for e in earlier]), "EINVAL"),
        ("node-offline", all_of([negation(entry.host_wide), negation(call.is_online(target))]), "ENOENT"),
    ]
    return [Case(name, condition, errno, entry=index) for name, condition, errno in checks]


def _installed(call: Call, domid: Term, entries: Sequence[Entry]) -> Effect:
    by_node, g = _by_node(call, entries), _global_pages(entries)

    def change(step: Step) -> None:
        replaces = call.interface.sets is not Sets.STAKING
        install(step, domid, by_node, g, replaces and call.rules.releases_before_install)

    return call.effect(change)
