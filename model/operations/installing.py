"""Claim sets: the domctls that install them, and the checks that decide which entry fails first, and why."""

from __future__ import annotations

from model.c_code.claims import install_values, release, stake_values
from model.interfaces import MemoryDomctl, SetInstaller
from model.logic import Term, all_of, any_of, is_false, negation
from model.operations.claiming import released, set_outstanding_pages
from model.operations.ledger import install
from model.operations.section import Change, Section
from model.operations.sets import ClaimSet, EntryView
from model.step import Step


def claim_memory_checks(x: Section, domid: Term, entries: ClaimSet, pad: Term = 0) -> None:
    """The checks of the domctl itself, in the order of each generation: the domain, the number of entries, padding.

    :param domid: the domain; None: unknown
    :param pad: the call's `pad` field; in claim-sets-v3 its mode, 0 to set
    """
    memory = x.rules.interface.memory
    x.check("unknown-domain", "ESRCH", {"domain-exists": x.is_unknown(domid)})
    if x.decided:
        return
    if memory is MemoryDomctl.SET:
        x.check("llc-coloring", "EOPNOTSUPP", {"no-llc-colouring": x.llc_coloring()})
        x.check("malformed", "EINVAL", {"has-entries": entries.empty, "pad-zero": pad != 0})
        x.check("too-many-entries", "E2BIG", {"few-entries": entries.too_many})
        x.check("dying", "ESRCH", {"not-dying": x.is_dying(domid)})
    elif memory is MemoryDomctl.SET_OR_GET:
        x.check("llc-coloring", "EOPNOTSUPP", {"no-llc-colouring": x.llc_coloring()})
        x.check("unknown-mode", "EOPNOTSUPP", {"mode-known": pad != 0})
        x.check("no-entries", "EINVAL", {"has-entries": entries.empty})
        x.check("too-many-entries", "E2BIG", {"few-entries": entries.too_many})
        x.check("dying", "ESRCH", {"not-dying": x.is_dying(domid)})
    elif memory is MemoryDomctl.SET_AND_GET:
        x.check("malformed", "EINVAL", {"pad-zero": pad != 0})
        x.end("released", released(x, domid), when={"has-entries": entries.empty}, code=release)
        x.check("llc-coloring", "EOPNOTSUPP", {"no-llc-colouring": x.llc_coloring()})
        x.check("dying", "ESRCH", {"not-dying": x.is_dying(domid)})
        x.check("too-many-entries", "E2BIG", {"few-entries": entries.too_many})
        x.check("not-paused", "EBUSY", {"paused": x.is_unpaused(domid)})


def claim_one_checks(x: Section, domid: Term, count: int, pads: list[Term]) -> None:
    """The same for a list of at most one entry (single-node-v2 to v4); all `pads` must be 0."""
    x.check("unknown-domain", "ESRCH", {"domain-exists": x.is_unknown(domid)})
    if x.decided:
        return
    if x.rules.interface.memory is MemoryDomctl.ONE_OR_NONE:
        x.check("several-entries", "EOPNOTSUPP", {"one-entry-or-none": count > 1})
        return
    x.check("llc-coloring", "EOPNOTSUPP", {"no-llc-colouring": x.llc_coloring()})
    x.check("malformed", "EINVAL", {"one-entry": count != 1, "pads-zero": any_of([pad != 0 for pad in pads])})
    x.check("dying", "EINVAL", {"not-dying": x.is_dying(domid)})


def install_claim_set(x: Section, domid: Term, entries: ClaimSet) -> None:
    """Installs a set of claims under both locks: checks each entry, then the totals."""
    if x.rules.interface.sets is SetInstaller.STAKING:
        _stake(x, domid, entries)
        return
    s, rules = x.s, x.rules
    x.loop(install_values)
    if rules.checks_dying_in_lock:
        dying = all_of([negation(entries.is_legacy), x.is_dying(domid)])
        x.check("dying-in-lock", "ESRCH", {"not-dying": dying})
    for entry in entries.each():
        entry_checks(x, domid, entry)
    g, total = entries.host_wide, entries.total
    if not is_false(entries.is_legacy):
        with x.where(entries.is_legacy):
            x.check("legacy-and-nodes", "EINVAL", {"legacy-alone": total != 0})
            set_outstanding_pages(x, domid, g)
    if rules.releases_before_limits:
        x.end("released", released(x, domid), when={"has-pages": g + total == 0})
    limit, held = s.max_pages[domid], rules.pages_held(s, domid)
    if rules.checks_limit_at_install:
        x.check("global-beyond-limit", "EINVAL", {"global-within-limit": g > limit})
        x.check("set-beyond-limit", "EINVAL", {"set-within-limit": total > limit - g})
        x.check("set-and-pages-beyond-limit", "EINVAL", {"pages-and-set-within-limit": held > limit - g - total})
    own = s.held(domid) if rules.credits_own_claims else 0
    x.check("host-has-no-room", "ENOMEM", {"host-has-room": g + total > s.unclaimed() + own})
    x.end("installed", _installed(x, domid, entries))


def entry_checks(x: Section, domid: Term, entry: EntryView) -> None:
    """The checks of each entry, in order."""
    if x.rules.interface.sets is SetInstaller.STAKING:
        _staked_entry_checks(x, domid, entry)
        return
    s, rules = x.s, x.rules

    def no_room(pages: Term, n: Term) -> Term:
        return pages > s.unclaimed_on(n) + (s.claims[domid, n] if rules.credits_own_claims else 0)

    x.check("entry-pad", "EINVAL", {"well-formed": entry.malformed}, entry.index)
    x.check("second-global", "EINVAL", {"global-once": entry.second_global}, entry.index)
    x.check("node-offline", "ENOENT", {"nodes-online": entry.offline}, entry.index)
    if rules.nodes_once:
        x.check("node-twice", "EINVAL", {"nodes-once": entry.twice}, entry.index)
    if rules.checks_sum:
        x.check("sum-wraps", "EINVAL", {"sum-fits-type": entry.sum_wraps}, entry.index)
    x.check("node-has-no-room", "ENOMEM", entry.short(no_room), entry.index)


def _staked_entry_checks(x: Section, domid: Term, entry: EntryView) -> None:
    """The checks of each entry in the reduced series."""
    limit = x.s.max_pages[domid]
    parts = {"names-something": entry.empty, "well-formed": entry.malformed}
    x.check("entry-empty-or-pad", "EINVAL", parts, entry.index)
    if x.rules.checks_limit_at_install:
        x.check("entry-beyond-limit", "EINVAL", entry.beyond(limit), entry.index)
    x.check("second-global", "EINVAL", {"global-once": entry.second_global}, entry.index)
    x.check("unknown-selector", "EINVAL", {"selector-known": entry.unknown_selector}, entry.index)
    if x.rules.nodes_once:
        x.check("node-twice", "EINVAL", {"nodes-once": entry.twice}, entry.index)
    x.check("node-offline", "ENOENT", {"nodes-online": entry.offline}, entry.index)


def _stake(x: Section, domid: Term, entries: ClaimSet) -> None:
    """Installs a set of the reduced series, only where no claim is held."""
    s, rules = x.s, x.rules
    x.loop(stake_values)
    limit, held = s.max_pages[domid], rules.pages_held(s, domid)
    for entry in entries.each():
        entry_checks(x, domid, entry)
    total = entries.total + entries.host_wide
    if rules.checks_limit_at_install:
        x.check("pages-beyond-limit", "EINVAL", {"pages-within-limit": held > limit})
        x.check("set-and-pages-beyond-limit", "EINVAL", {"pages-and-set-within-limit": total > limit - held})
    x.check("claim-held", "EINVAL", {"none-held": s.held(domid) != 0})
    x.check("host-has-no-room", "ENOMEM", {"host-has-room": total + s.outstanding_claims > s.total_avail_pages})
    # A node that is not named is not checked; its claims may exceed its free pages.
    short = entries.short(lambda pages, n: pages + s.node_outstanding_claims[n] > s.node_avail_pages[n])
    x.check("node-has-no-room", "ENOMEM", short)
    x.end("installed", _installed(x, domid, entries))


def _installed(x: Section, domid: Term, entries: ClaimSet) -> Change:
    def change(step: Step) -> None:
        by_node, host_wide = entries.by_node, entries.host_wide
        step.arguments["by_node"], step.arguments["global"] = by_node, host_wide
        install(step, domid, by_node, host_wide, x.rules.releases_before_install)

    return change
