"""Results as tables, for the terminal and for documents."""

from collections import Counter

from proofs.obligations.names import AUXILIARY, PARAMETRIC
from proofs.prover.verdict import Result, Verdict


def property_of(result: Result) -> str:
    """The property part of an obligation's name, with its conditions."""
    return result.name.split("/")[1]


def grouped(results: list[Result]) -> dict[tuple[str, str, bool], list[Result]]:
    """Results by property, hosts and whether it is promised."""
    found: dict[tuple[str, str, bool], list[Result]] = {}
    for result in results:
        family, _, _, encoding = result.name.split("/")
        prop = family if family in AUXILIARY else property_of(result)
        found.setdefault((prop, encoding, result.claimed), []).append(result)
    return found


NOT_REFUTED = "not refuted"
"""Of the steps that a condition restricts, without it: each is proved, on invariants that may need the condition."""


def verdict_of(results: list[Result]) -> str:
    """One verdict for a property: refuted by one obligation, unknown by one, else proved by all.

    What is not promised is no verdict on the property where its steps are proved: they assume what is promised.
    """
    verdicts = {result.verdict for result in results}
    if verdicts == {Verdict.PROVED} and not any(result.claimed for result in results):
        return NOT_REFUTED
    for verdict in (Verdict.REFUTED, Verdict.UNKNOWN, Verdict.PROVED):
        if verdict in verdicts:
            return str(verdict.value)
    return str(Verdict.NOT_APPLICABLE.value)


def support_of(results: list[Result]) -> list[str]:
    """The invariants other than itself that the proofs of a property needed."""
    own = property_of(results[0]).split("+")[0]
    used = {u.removeprefix("invariant:") for r in results for u in r.used if u.startswith("invariant:")}
    return sorted(used - {own})


def readable(name: str) -> str:
    """A property with its conditions, as the matrix shows it."""
    prop, *conditions = name.split("+")
    return f"{prop} if {' and '.join(conditions)}" if conditions else prop


def seconds_of(results: list[Result]) -> str:
    """The time of the run in seconds; empty where every result was stored."""
    measured = [result.seconds for result in results if result.seconds is not None]
    return f"{sum(measured):.1f}" if measured else ""


def from_the_cache(results: list[Result]) -> str:
    """How many were stored, and when."""
    dates = sorted({result.stored for result in results if result.stored})
    if not dates:
        return "none is from the cache"
    number = sum(bool(result.stored) for result in results)
    which = "all" if number == len(results) else str(number)
    return f"{which} from the cache, stored {' to '.join(dict.fromkeys((dates[0], dates[-1])))}"


def hosts_of(encoding: str) -> str:
    """`any`, or NODESxDOMAINS."""
    return "any" if encoding == PARAMETRIC else encoding.removeprefix("bounded-")


def rows(results: list[Result]) -> list[tuple[str, ...]]:
    """Property, hosts, verdict, counts, seconds, support."""
    found: list[tuple[str, ...]] = []
    for (prop, encoding, claimed), group in grouped(results).items():
        counts = Counter(r.verdict for r in group)
        name = prop if claimed else f"{prop} (without conditions)"
        found.append(
            (
                readable(name),
                hosts_of(encoding),
                verdict_of(group),
                str(counts[Verdict.PROVED]),
                str(counts[Verdict.REFUTED]),
                str(counts[Verdict.UNKNOWN]),
                seconds_of(group),
                ", ".join(support_of(group)),
            )
        )
    return found
