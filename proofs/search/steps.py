"""Which events a search tries, of which critical sections each is made, and which of them a trace can tell."""

from collections.abc import Callable

from model.encoding import Quantifiers
from model.logic import Term, all_of, any_of, implies, negation
from model.named import TRANSITIONS, Generation
from model.operations.stashing import SMALLEST
from model.properties import PROPERTIES, Kind, Property
from model.rules import Rules
from model.step import Step
from proofs.mistakes.in_steps import spoil
from proofs.operations import STEPS

CREATES = "create_domain"
UNTOLD = (
    "exchange_steal",
    "exchange_assign",
    "drop_tot_pages",
    "alloc_for_destroyed",
    "free_marked_stash_page",
)
"""Steps that do more in the model than in the code, which knows the very page, or that need an operation to be in
flight which the model does not have. A search has to find what it finds without them; that there is nothing shorter is
a statement about all steps."""
NEVER = ("llc_coloring", "malformed", "names_offline_node")
"""Arguments that only make a call fail."""
STASHES = "populate_preempted"
REFUSES = "alloc_domheap_pages_refused"
LOOKS_UP = "claim_pages_check"
POPULATES, POPULATES_DESTROYED = "populate_begins", "alloc_for_destroyed"
CALLS_FOR_DESTROYED = ("claim_for_destroyed", "claim_on_node_for_destroyed", "release_for_destroyed")


COMPOSED = {name: STEPS[name] for name in sorted(STEPS) if STEPS[name].sections}
"""Events of several critical sections in a row."""


LOSES, MARKS = "no-claims-lost", "offline-mark-kept"
SPECIAL: dict[str, tuple[str, ...]] = {
    LOSES: (REFUSES, STASHES, "free_stash", "free_marked_stash_page"),
    MARKS: ("mark_page_offline", "free_marked_page"),
}
"""Events that are searched for these properties only, as they shorten no trace that violates another.

Pages that go back to the heap, refused or dropped from the stash, leave more of it to everybody else, and nothing is
redeemed for them that was not redeemed when they left. A page that is marked and then freed ends as a page that is
freed and then goes offline, which is as many events.
"""
EXTRA = ("exchange_allocate", "assign_extra_pages", "free_extra_pages")
"""Extra pages: where claims are redeemed in the allocator they are like pages without owner, as claims go."""


WRAPS = "no-wrap"
"""For which a populate is searched that begins, and allocates once its domain is destroyed."""


def alphabet_of(prop: str) -> str:
    """Which properties are searched with the same events: those of the same name here."""
    return prop if prop in (*SPECIAL, WRAPS) else ""


def sections_of(name: str) -> tuple[str, ...]:
    """The transitions that an event is made of: most events are one critical section."""
    return COMPOSED[name].sections if name in COMPOSED else (name,)


def build(section: str, step: Step, rules: Rules, mistake: str = "") -> None:
    """Write down a critical section, with a deliberate mistake if there is one.

    A populate that begins looks for a stash, finds none, and changes nothing.
    """
    if section != POPULATES:
        TRANSITIONS[section].build(step, rules)
        spoil(mistake, section, step)
        return
    domid = step.domain()
    step.rules = rules
    step.guard("listed", step.before.listed(domid))


def about(part: Property, transition: str) -> bool:
    """Whether a step property speaks of the transition."""
    if transition == POPULATES:
        return False
    tags = TRANSITIONS[transition].tags
    return part.kind is Kind.STEP and (part.only is None or bool(part.only & tags)) and not part.never & tags


def parts_of(prop: str) -> list[Property]:
    """What is searched for: the parts of a property, or of all."""
    return [p for p in PROPERTIES.values() if prop in (p.id, p.name) and not p.support]


def searched(semantics: Generation, parts: list[Property]) -> list[str]:
    """The events a search uses: not those that leave the state as it is, unless a property is about them.

    So are refusals. Where XENMEM_claim_pages checks nothing before its lock, it is still begun before the domain that
    it is about is destroyed.
    """
    wanted = frozenset().union(*(p.only or frozenset() for p in parts)) & {"claim-refused", "set-refused"}
    ids = {part.id for part in parts}
    left_out = {name for prop, names in SPECIAL.items() if prop not in ids for name in names}
    if not semantics.rules.redeems_at_assign:
        left_out |= set(EXTRA)
    if semantics.rules.restores_stash:
        left_out -= {STASHES, "free_stash", "free_marked_stash_page"}  # claims come back by it
    found = []
    for name in semantics.transitions:
        refusal = name.endswith("_refused") and name != "assign_pages_refused"
        if name == CREATES or name in left_out:
            continue
        if not refusal or ("set-refused" in wanted and name == "claim_memory_refused"):
            found.append(name)
    if LOOKS_UP not in semantics.transitions:
        found.append(LOOKS_UP)
    if WRAPS in ids and "free_stash" in semantics.transitions:
        found.append(POPULATES)
    possible = [name for name, how in COMPOSED.items() if how.needs <= set(semantics.transitions)]
    return found + [name for name in possible if name not in left_out]


def size_of(name: str, step: Step, q: Quantifiers) -> list[Term]:
    """What else a step is in a search: one of single pages, as which larger blocks are free is up to the heap, which is
    not in the model. Only a stashed extent is larger: the smallest that there can be. A call for a domain that was
    destroyed has looked it up before, in every generation."""
    found = [negation(step.arguments[flag]) for flag in NEVER if flag in step.arguments]
    if "pages" in step.arguments and not name.startswith("set_outstanding") and name not in CALLS_FOR_DESTROYED:
        found.append(step.arguments["pages"] == (SMALLEST if name in (STASHES, "free_stash") else 1))
    if name in CALLS_FOR_DESTROYED:
        found.append(step.before.legacy_calls[step.arguments["domid"]] >= 1)
    return found + [says(q) for says in step.of_single_pages]


def told(name: str, step: Step, q: Quantifiers) -> list[Term]:
    """What a step has to be for a trace to tell it."""
    found = [says(q) for says in step.traced]
    rule = _TOLD.get(name)
    s, domid = step.before, step.arguments.get("domid")
    if domid is not None and name not in (*CALLS_FOR_DESTROYED, POPULATES_DESTROYED):
        found.append(s.listed(domid))
    return found + ([rule(step, q)] if rule is not None else [])


def _stashed(step: Step) -> Term:
    """Whether an extent is stashed with the domain: no other event leaves so many pages in limbo."""
    return step.before.limbo_pages.row(step.arguments["domid"]).total() >= SMALLEST


def _no_stash(step: Step, q: Quantifiers) -> Term:  # noqa: ARG001
    return negation(_stashed(step))


def _for_a_live_domain(step: Step, q: Quantifiers) -> Term:
    return all_of([_no_stash(step, q), negation(step.before.is_dying[step.arguments["domid"]])])


def _not_the_stash(step: Step, q: Quantifiers) -> Term:  # noqa: ARG001
    """The page is one that was allocated by itself."""
    limbo = step.before.limbo_pages[step.arguments["domid"], step.arguments["node"]]
    return any_of([limbo < SMALLEST, limbo > SMALLEST])


def _names_its_node(step: Step, q: Quantifiers) -> Term:
    """Whose page it becomes, so where the search for a node starts, is not in the model. A domain there is."""
    a = step.arguments
    nobody = q.dual.every_domain(lambda d: negation(step.before.listed(d)))
    return all_of([a["node"] == a["requested_node"], negation(a["anywhere"]), negation(nobody)])


def _names_or_not(step: Step, q: Quantifiers) -> Term:  # noqa: ARG001
    """The destroyed domain's request is for one node; nothing is stashed with it."""
    a = step.arguments
    return all_of([a["node"] == a["requested_node"], negation(a["anywhere"])])


def _nothing_on_its_way(step: Step, q: Quantifiers) -> Term:
    """Whoever frees the last pages of a domain keeps it on the list until they are free."""
    return all_of([_no_stash(step, q), q.every_node(lambda n: step.before.transit_pages[n] == 0)])


def _checked(step: Step, q: Quantifiers) -> Term:  # noqa: ARG001
    """An event that only looks the domain up is written where the domain is destroyed afterwards: not twice."""
    return implies(negation(step.rules.refuses_dying), step.before.legacy_calls[step.arguments["domid"]] == 0)


WHEN: dict[str, Callable[[Step, Quantifiers], Term]] = {
    "alive, no stash": _for_a_live_domain,
    "names its node": _names_or_not,
    "names its node, for a domain": _names_its_node,
    "no second call after a look-up": _checked,
    "no stash": _no_stash,
    "not the stash": _not_the_stash,
    "nothing on its way": _nothing_on_its_way,
}
"""What operations ask for where they tell a step."""
_TOLD = {name: WHEN[how.when] for name, how in STEPS.items() if how.when}
