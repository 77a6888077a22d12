"""`no-wrap`: every counter and every intermediate value of the C code stays in its C type."""

from model.c_types import HOST_PAGES_MAX, MAX_NUMNODES, in_range
from model.encoding import Quantifiers
from model.logic import Term, all_of, implies
from model.properties import PROPERTIES, Kind, Property
from model.state import FIELDS, FieldInfo, Shape, State
from model.step import TwoStates


def largest_host(q: Quantifiers, s: State) -> Term:
    """What is assumed of the machine: no node has more than 2^40 / 64 pages."""
    limit = HOST_PAGES_MAX // MAX_NUMNODES
    return q.every_node(lambda n: s.installed_pages[n] <= limit)


def _domain_counters(q: Quantifiers, s: State) -> Term:
    def typed(shape: Shape) -> list[FieldInfo]:
        return [i for i in FIELDS.values() if i.shape is shape and i.c_type == "uint32"]

    return all_of(
        [
            q.every_domain(
                lambda d: all_of([in_range("uint32", getattr(s, i.name)[d]) for i in typed(Shape.DOMAIN)])
            ),
            q.every_cell(
                lambda d, n: all_of([in_range("uint32", getattr(s, i.name)[d, n]) for i in typed(Shape.CELL)])
            ),
        ]
    )


def _host_counters(q: Quantifiers, s: State) -> Term:
    q.sums_ordered(s.node_avail_pages, s.installed_pages)

    def node(n: Term) -> Term:
        q.entry_within_sum(s.limbo_pages.column(n), 0)
        q.entry_within_sum(s.assigned_pages.column(n), 0)
        return all_of(
            [
                in_range("int64", s.node_avail_pages[n]),
                in_range("int64", s.node_outstanding_claims[n]),
            ]
        )

    return q.every_node(node)


def _values_fit(q: Quantifiers, t: TwoStates) -> Term:
    step = t.step
    if step.actor is not None:
        q.entry_within_sum(t.before.claims.row(step.actor), 0)
    return all_of(
        [
            implies(all_of([guard.formula(q.dual) for guard in step.guards[: value.after]]), value.fits(q))
            for value in step.values
        ]
    )


for _prop in (
    Property(
        "no-wrap",
        "domain-counters",
        "Every 32-bit counter of a domain stays within its type.",
        Kind.STATE,
        _domain_counters,
        statements=("DS-11",),
    ),
    Property(
        "no-wrap",
        "host-counters",
        "Every 64-bit counter of a node stays within its type.",
        Kind.IMPLIED,
        _host_counters,
        statements=("DS-20", "DS-21"),
    ),
    Property(
        "no-wrap",
        "intermediate",
        "Every intermediate value, in the C code's evaluation order, stays within its type.",
        Kind.STEP,
        of_step=_values_fit,
        statements=("DS-09", "DS-10", "DS-11"),
    ),
):
    PROPERTIES[_prop.name] = _prop
