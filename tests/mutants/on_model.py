"""What may notice a mutant of the model, the cheapest first.

Where the formulas of all transitions stay the same, nothing changed. Else the obligations of the changed transitions
are put to the solver, on a bounded host, and the mutant's calls are held against the reference on random interleavings.
What nobody notices is compared with the right relation: the solver may prove that the two are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec
from msgspec import Struct

from model.named import GENERATIONS
from model.properties import PROPERTIES, Kind
from proofs.atomic import write_atomically
from proofs.evidence.dated import fingerprint
from proofs.evidence.mutants import Ending, MutantVerdict
from proofs.fuzz import model_calls
from proofs.fuzz.known import GenerationFacts, known_of
from proofs.obligations import problem as problems
from proofs.obligations.obligation import Obligation, bounded
from proofs.obligations.suite import property_ids, suite
from proofs.obligations.two_views import view_obligations
from proofs.prover.induction import induction
from proofs.prover.solve import solve
from proofs.prover.verdict import Settings, Verdict
from tests.mutants import on_every_path
from tests.mutants.called import CalledFunctions, noted
from tests.mutants.forked import Report
from tests.mutants.mutant import CompiledMutant, put
from tests.mutants.on_reference import MANY_STEPS, SECONDS, STEPS, trials
from tests.mutants.relations import Relation, relation, same_formulas, same_relation
from tests.mutants.stored import CACHE
from tests.mutants.verdicts import killed, raised

HOST = (2, 2)
"""Nodes and domains of the host on which mutants are put to the solver."""
ORDER = ("claim-sets", "per-node-v8", "single-node-v4", "claim-sets-hardened", "legacy-2013")
"""Generations that are tried first."""
_SETTINGS = Settings(rlimit=20_000_000, cores=False)


class Promise(Struct, frozen=True):
    """An obligation that the right code meets."""

    property: str
    transition: str
    conditions: tuple[str, ...]


class Baseline(Struct):
    """What is shown of the right code."""

    kept: dict[str, list[str]]
    """By generation, the statements that every step keeps."""
    promises: dict[str, list[Promise]]


class ModelPreparation(Struct):
    """What all judgements share, made once with the right code."""

    baseline: Baseline
    relations: dict[tuple[str, str], Relation]
    called: dict[tuple[str, str], CalledFunctions]
    """Functions of the model that build a transition of a generation."""
    known: dict[str, GenerationFacts]
    compiled_by: dict[tuple[str, object], CalledFunctions]
    """Functions that a compiled kind of call was made of."""
    called_by_calls: dict[str, CalledFunctions]
    paths: on_every_path.ReachingOperations
    """The operations of `claimcheck diff` that reach a function."""


def semantics_in_order() -> list[str]:
    """All generations."""
    return [*ORDER, *(name for name in GENERATIONS if name not in ORDER)]


def baseline() -> Baseline:
    """Shown once for a code."""
    path = CACHE / f"baseline-{fingerprint()}.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Baseline)
    except (OSError, msgspec.DecodeError):
        pass
    found = Baseline({}, {})
    for name in GENERATIONS:
        found.kept[name] = induction(name).kept
        found.promises[name] = [
            Promise(o.property, o.transition, o.conditions)
            for o in suite([name], property_ids(), [bounded(*HOST)])
            if o.claimed and o.transition in GENERATIONS[name].transitions
            if solve(asked(name, Promise(o.property, o.transition, o.conditions), found), _SETTINGS).verdict
            is Verdict.PROVED
        ]
    write_atomically(path, msgspec.json.encode(found))
    return found


def asked(semantics: str, promise: Promise, about: Baseline) -> Obligation:
    """The obligation: with what every step keeps as its premises, where no conditions are granted."""
    plain = not promise.conditions and PROPERTIES[promise.property].kind is not Kind.COMPARISON
    kept = tuple(about.kept[semantics]) if plain else None
    return Obligation(
        semantics, promise.property, promise.transition, bounded(*HOST), promise.conditions, invariants=kept
    )


def prepare(shown: Baseline, known: Callable[[str], GenerationFacts] = known_of) -> ModelPreparation:
    """Build and fuzz the right code.

    :param shown: what is shown of its generations
    :param known: what is proved of one, for the states that are met on the way
    :raises ValueError: the right code is not right
    """
    found = ModelPreparation(shown, {}, {}, {}, {}, {}, on_every_path.reached("model", shown.kept))
    for name in [name for name in semantics_in_order() if name in shown.kept]:
        for transition in GENERATIONS[name].transitions:
            with noted("model") as called:
                found.relations[name, transition] = relation(name, transition, *HOST)
            found.called[name, transition] = called
        found.known[name] = known(name)
        _note_compilations(name, found)
        with noted("model") as called:
            for trial in trials(found.known[name], STEPS):
                if trial.failure is not None:
                    raise ValueError(f"{trial.failure}")
        compiled = [functions for (of, _), functions in found.compiled_by.items() if of == name]
        found.called_by_calls[name] = called.union(*compiled)
    problems._bounded_step.cache_clear()  # steps of the right code
    return found


def _note_compilations(name: str, found: ModelPreparation) -> None:
    model_calls.compiler.cache_clear()  # what was compiled before would not be seen
    compiler = model_calls.compiler(name)
    compile_kind = compiler._compile  # seen from outside, so that it need not know

    def compiled(key: tuple[object, ...]) -> object:
        with noted("model") as called:
            made = compile_kind(key)
        found.compiled_by[name, key] = called
        return made

    compiler._compile = compiled  # type: ignore[assignment,method-assign]


def judge(made: CompiledMutant, prepared: ModelPreparation, report: Report) -> MutantVerdict:
    """Put the mutant in its place, and try everything until something notices."""
    put(made)
    function = (made.mutant.module, made.mutant.function)
    report.stage("build", 60)
    changed: list[tuple[str, str]] = []
    others: dict[tuple[str, str], Relation] = {}
    for pair, called in prepared.called.items():
        if function in called:
            try:
                others[pair] = relation(*pair, *HOST)
            except Exception as error:  # whatever the mutant does
                return raised("build", "/".join(pair), error)
            if not same_formulas(prepared.relations[pair], others[pair]):
                changed.append(pair)
    fuzzed = [name for name, called in prepared.called_by_calls.items() if function in called]
    return (
        _proved(changed, prepared, report)
        or _disagreed(_to_compare(made, changed, prepared), report)
        or _on_every_path(made, changed, prepared, report)
        or _fuzzed(fuzzed, function, prepared, STEPS, "fuzz", report)
        or _fuzzed(fuzzed, function, prepared, MANY_STEPS, "fuzz, longer", report)
        or _compared(made, changed, others, fuzzed, prepared, report)
    )


def _proved(changed: Iterable[tuple[str, str]], prepared: ModelPreparation, report: Report) -> MutantVerdict | None:
    report.stage("prove", 120)
    for name, transition in changed:
        for promise in prepared.baseline.promises[name]:
            if promise.transition == transition:
                obligation = asked(name, promise, prepared.baseline)
                try:
                    result = solve(obligation, _SETTINGS)
                except Exception as error:
                    return raised("build", obligation.name, error)
                if result.verdict is Verdict.REFUTED:
                    return killed("prove", obligation.name)
    return None


def _on_every_path(
    made: CompiledMutant, changed: list[tuple[str, str]], prepared: ModelPreparation, report: Report
) -> MutantVerdict | None:
    """The calls of the model against the reference. Where they are the same, changed transitions need not be."""
    report.stage("every path", SECONDS["every path"])
    found = on_every_path.judged(made.mutant, prepared.paths)
    return None if changed and found is not None and found.ending is Ending.EQUIVALENT else found


def _to_compare(
    made: CompiledMutant, changed: list[tuple[str, str]], prepared: ModelPreparation
) -> Iterable[tuple[str, str]]:
    """The transitions to compare with calls: those that changed or, where a call may have, all of a few generations."""
    of_calls = made.mutant.module.startswith("model.calls")
    return [pair for pair in prepared.called if pair[0] in ORDER] if of_calls else changed


def _disagreed(changed: Iterable[tuple[str, str]], report: Report) -> MutantVerdict | None:
    """Transitions against calls: guards that are too strong, which no property sees."""
    report.stage("agreement", 60)
    for name, transition in changed:
        for obligation in view_obligations([name]):
            if obligation.transition != transition:
                continue
            try:
                verdict = solve(obligation, _SETTINGS).verdict
            except Exception as error:
                return raised("build", f"{name}/{transition} and its call", error)
            if verdict is Verdict.REFUTED:
                return killed("transitions and calls", f"{name}/{transition}")
    return None


def _fuzzed(
    names: list[str], function: tuple[str, str], prepared: ModelPreparation, steps: int, stage: str, report: Report
) -> MutantVerdict | None:
    report.stage(stage, SECONDS[stage])
    for name in names:
        try:
            _forget(name, function, prepared)
            for trial in trials(prepared.known[name], steps):
                if trial.failure is not None:
                    return killed("fuzz", f"{name}, seed {trial.seed}: {trial.failure.op}: {trial.failure.what}")
        except Exception as error:
            return raised("fuzz", name, error)
    return None


def _forget(name: str, function: tuple[str, str], prepared: ModelPreparation) -> None:
    """Compile again what was compiled from the function."""
    compiler = model_calls.compiler(name)
    known = compiler._known
    for key in [key for key in known if function in prepared.compiled_by.get((name, key), ())]:
        del known[key]
    model_calls._orders.cache_clear()


def _compared(
    made: CompiledMutant,
    changed: list[tuple[str, str]],
    others: dict[tuple[str, str], Relation],
    fuzzed: list[str],
    prepared: ModelPreparation,
    report: Report,
) -> MutantVerdict:
    """The solver's word on whether anything changed at all."""
    report.stage("compare", 200)
    tried = f"{MANY_STEPS} random steps of {', '.join(fuzzed)}" if fuzzed else "no call made of it"
    for pair in changed:
        kept = prepared.baseline.kept[pair[0]]
        verdict = same_relation(kept, prepared.relations[pair], others[pair], *HOST)
        if verdict is not Verdict.PROVED:
            said = "differs" if verdict is Verdict.REFUTED else "may differ"
            return MutantVerdict(Ending.SURVIVED, "", f"{'/'.join(pair)} {said}; {tried}")
    if made.mutant.module.startswith("model.calls") or not others:
        return MutantVerdict(Ending.SURVIVED, "", tried)
    how = f"same relation on {HOST[0]} nodes, {HOST[1]} domains: {len(changed)} transitions"
    return MutantVerdict(
        Ending.EQUIVALENT, "relation" if changed else "formulas", how if changed else f"{len(others)} transitions"
    )
