"""`no-wrap`: every counter and every intermediate value of the C code stays in its C type."""

from model.c_code.evaluation import Evaluation, evaluated
from model.c_types import DOMID_FIRST_RESERVED, HOST_PAGES_MAX, UINT_MAX, in_range
from model.encoding import Quantifiers
from model.logic import Term, all_of
from model.properties.earlier import GROWN_CLAIM_MAX
from model.properties.property import implied, of_state, of_step
from model.state import FIELDS, FieldInfo, Shape, State
from model.step import TwoStates


def largest_host(q: Quantifiers, s: State) -> Term:
    """The largest machine considered: at most 2^40 pages, on any number of nodes, and Xen's range of domain ids."""
    every = q.every_node(lambda n: s.installed_pages[n] <= HOST_PAGES_MAX)
    return all_of([every, s.installed_pages.total() <= HOST_PAGES_MAX, q.domain_count() <= DOMID_FIRST_RESERVED])


@of_state("no-wrap.domain-counters", "DS-11", serves="no-wrap atomic-install legacy-compatible")
def domain_counters(q: Quantifiers, s: State) -> Term:
    """Every 32-bit counter of a domain, and the sum of its claims, stays within 32 bits."""

    def typed(shape: Shape) -> list[FieldInfo]:
        return [i for i in FIELDS.values() if i.shape is shape and i.c_type == "uint32"]

    def cell(d: Term, n: Term) -> Term:
        q.entry_within_sum(s.claims.row(d), n)
        return in_range("uint32", s.claims[d, n])

    return all_of(
        [
            q.every_domain(lambda d: all_of([in_range("uint32", getattr(s, i.name)[d]) for i in typed(Shape.DOMAIN)])),
            q.every_domain(lambda d: in_range("uint32", s.held(d))),
            q.every_cell(cell),
        ]
    )


def in_counters(term: Term) -> Term:
    """A counter of host or nodes is in its type, whether signed or unsigned: see `Rules.counter_type`."""
    return all_of([in_range("int64", term), in_range("uint64", term)])


@implied("no-wrap.host-counters", "DS-20 DS-21")
def host_counters(q: Quantifiers, s: State) -> Term:
    """Every 64-bit counter of a node stays within its type."""
    q.sums_ordered(s.node_avail_pages, s.installed_pages)
    # Without recall, claims may exceed free pages; the number of domains bounds them.
    for claims in (s.global_claims, s.node_claims, s.orphaned_claims):
        q.sum_bounded(claims, UINT_MAX)
        q.sum_bounded(claims, GROWN_CLAIM_MAX)  # where they grow back: see no-wrap.pages-and-claims

    def node(n: Term) -> Term:
        q.sum_bounded(s.claims.column(n), UINT_MAX)
        return all_of(
            [
                in_counters(s.node_avail_pages[n]),
                in_counters(s.node_outstanding_claims[n]),
            ]
        )

    host = [in_counters(s.total_avail_pages), in_counters(s.outstanding_claims)]
    return all_of([*host, q.every_node(node)])


def value_fits(q: Quantifiers, t: TwoStates, number: int) -> Term:
    """The intermediate value with this number is in its type."""
    return _values(q, t).values[number].fits()


@of_step("no-wrap.intermediate", "DS-09 DS-10 DS-11")
def values_fit(q: Quantifiers, t: TwoStates) -> Term:
    """Every intermediate value, in the C code's evaluation order, stays within its type."""
    return all_of([value.fits() for value in _values(q, t).values])


def _values(q: Quantifiers, t: TwoStates) -> Evaluation:
    """The values of a step; adds the facts about sums that proofs about them may need."""
    step, s = t.step, t.before
    found = evaluated(step, s)
    q.sums_ordered(s.node_avail_pages, s.installed_pages)
    for node in found.nodes:
        q.entry_within_sum(s.node_avail_pages, node)
        if step.actor is not None:
            q.entry_within_sum(s.claims.column(node), step.actor)
            q.entry_within_sum(s.claims.row(step.actor), node)
            q.entry_within_sum(s.assigned_pages.row(step.actor), node)
            q.entry_within_sum(s.extra_pages.row(step.actor), node)
    for claims in (s.global_claims, s.node_claims, s.orphaned_claims, *(s.claims.column(node) for node in found.nodes)):
        q.sum_bounded(claims, UINT_MAX)
    if step.actor is not None:
        q.entry_within_sum(s.global_claims, step.actor)
        q.entry_within_sum(s.node_claims, step.actor)
        q.entry_within_sum(s.orphaned_claims, step.actor)
    return found
