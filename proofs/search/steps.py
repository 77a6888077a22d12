"""Which steps a search takes, and which of them a property is about."""

from model.encoding import Quantifiers
from model.logic import Term, negation
from model.properties import PROPERTIES, Kind, Property
from model.semantics import TRANSITIONS, Semantics
from model.step import Step

CREATES = "create_domain"
UNTOLD = ("exchange_steal", "exchange_allocate", "exchange_assign", "mark_page_offline", "free_marked_page")
"""Steps that do more in the model than in the code, which knows the very page: no trace can tell which it was. A search
has to find what it finds without them; that there is nothing shorter is said of all steps."""
NEVER = ("llc_coloring", "malformed", "names_offline_node")
"""Arguments that only make a call fail."""


def about(part: Property, transition: str) -> bool:
    """Whether a step property speaks of the transition."""
    tags = TRANSITIONS[transition].tags
    return part.kind is Kind.STEP and (part.only is None or bool(part.only & tags)) and not part.never & tags


def parts_of(prop: str) -> list[Property]:
    """What is searched for: the parts of a property, or of all."""
    return [p for p in PROPERTIES.values() if prop in (p.id, p.name) and not p.support]


def searched(semantics: Semantics, parts: list[Property]) -> list[str]:
    """The transitions a search uses: not those that leave the state as it is, unless a property is about them.

    So are refusals, and `destroy_domain`: of a domain that is gone, the model keeps everything but its pages.
    """
    wanted = frozenset().union(*(p.only or frozenset() for p in parts)) & {"claim-refused", "set-refused"}
    found = []
    for name in semantics.transitions:
        refusal = name.endswith("_refused") and name != "assign_pages_refused"
        if name in (CREATES, "destroy_domain"):
            continue
        if not refusal or ("set-refused" in wanted and name == "claim_memory_refused"):
            found.append(name)
    return found


def one_page_at_a_time(name: str, step: Step, q: Quantifiers) -> list[Term]:
    """What else a step is in a search: one of single pages, as which larger blocks are free is up to the heap, which is
    not in the model."""
    found = [negation(step.arguments[flag]) for flag in NEVER if flag in step.arguments]
    if "pages" in step.arguments and not name.startswith("set_outstanding"):
        found.append(step.arguments["pages"] == 1)
    return found + [says(q) for says in step.of_single_pages]
