"""State properties: a domain's pages and claims are within max_pages. Step property: a step does not lose claims."""

from model.encoding import Quantifiers
from model.logic import Term, any_of
from model.properties.property import of_state, of_step
from model.state import State
from model.step import TwoStates


def limbo_of(q: Quantifiers, s: State, d: Term) -> Term:
    """A domain's pages in limbo, on all nodes."""
    q.entry_within_sum(s.limbo_pages.row(d), 0)
    return s.limbo_pages.row(d).total()


@of_state("charged-within-limit", support=True, needs="copies")
def charged_within_limit(q: Quantifiers, s: State) -> Term:
    """A domain's pages and its pages in limbo are within max_pages, listed or not."""
    return q.every_domain(lambda d: s.tot_pages[d] + limbo_of(q, s, d) <= s.max_pages[d])


@of_state("entitlement", "DS-11 DS-18 DS-22")
def entitlement(q: Quantifiers, s: State) -> Term:
    """A listed domain's pages, its pages in limbo and its claims are within max_pages."""
    return q.every_domain(
        lambda d: any_of([s.is_destroyed[d], s.tot_pages[d] + limbo_of(q, s, d) + s.held(d) <= s.max_pages[d]])
    )


@of_state("entitlement-without-limbo.pages-and-claims", "DS-11 DS-18 DS-22")
def pages_and_claims_within_limit(q: Quantifiers, s: State) -> Term:
    """A listed domain's pages and its claims are within max_pages."""
    return q.every_domain(lambda d: any_of([s.is_destroyed[d], s.tot_pages[d] + s.held(d) <= s.max_pages[d]]))


@of_state("entitlement-without-limbo.claimants", "DS-18 DS-22", support=True)
def claimants_within_limit(q: Quantifiers, s: State) -> Term:
    """A listed domain that holds claims has pages, pages in limbo and claims within max_pages."""
    return q.every_domain(
        lambda d: any_of(
            [
                s.is_destroyed[d],
                s.held(d) <= 0,
                s.tot_pages[d] + limbo_of(q, s, d) + s.held(d) <= s.max_pages[d],
            ]
        )
    )


@of_state("limbo-within-limit", support=True)
def limbo_within_limit(q: Quantifiers, s: State) -> Term:
    """A live domain's pages and pages in limbo are within max_pages: assign_pages refuses none."""
    return q.every_domain(lambda d: any_of([s.is_dying[d], s.tot_pages[d] + limbo_of(q, s, d) <= s.max_pages[d]]))


def _granted(t: TwoStates, s: State, d: Term) -> Term:
    """The pages granted to a domain: claims, pages, and pages in limbo unless their claim is redeemed later."""
    limbo = 0 if t.step.rules.redeems_at_assign else s.limbo_pages.row(d).total()
    return s.held(d) + limbo + s.tot_pages[d]


@of_step("no-claims-lost", "DS-28 DS-32", never="claims frees offlines")
def no_claims_lost(q: Quantifiers, t: TwoStates) -> Term:
    """The sum of a live domain's claims, limbo and tot_pages falls only by its own release or frees, or by recall."""
    before, after = t.before, t.after
    return q.every_domain(
        lambda d: any_of([before.is_dying[d], _granted(t, after, d) >= _granted(t, before, d)]),
    )
