"""The state of a host at boot: every page is free, no domain, no claim."""

from model.encoding import Quantifiers
from model.logic import Term, all_of, negation
from model.operations.domains import NO_DOMCTL
from model.state import FIELDS, FieldInfo, Shape, State

NOT_ZERO = ("total_avail_pages", "domctl_lock", "node_avail_pages", "installed_pages")


def boot(q: Quantifiers, s: State) -> Term:
    """True for the states at boot: one for each choice of node sizes."""

    def zero(info: FieldInfo, value: Term) -> Term:
        return negation(value) if info.flag else value == 0

    def zeros(shape: Shape) -> list[FieldInfo]:
        return [i for i in FIELDS.values() if i.shape is shape and i.name not in NOT_ZERO]

    return all_of(
        [
            s.domctl_lock == NO_DOMCTL,
            s.total_avail_pages == s.node_avail_pages.total(),
            q.every_node(lambda n: all_of([s.installed_pages[n] >= 0, s.node_avail_pages[n] == s.installed_pages[n]])),
            *[zero(i, getattr(s, i.name)) for i in zeros(Shape.HOST)],
            q.every_node(lambda n: all_of([zero(i, getattr(s, i.name)[n]) for i in zeros(Shape.NODE)])),
            q.every_domain(lambda d: all_of([zero(i, getattr(s, i.name)[d]) for i in zeros(Shape.DOMAIN)])),
            q.every_cell(lambda d, n: all_of([zero(i, getattr(s, i.name)[d, n]) for i in zeros(Shape.CELL)])),
        ]
    )
