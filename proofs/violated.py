"""Which inequalities of a formula a countermodel violates, each with its numbers."""

import z3

from model.logic import Term


def violated(model: z3.ModelRef, formula: Term) -> list[str]:
    """The innermost statements that are false in the model: `outstanding_claims <= total_avail_pages  is  1 <= 0`."""
    if isinstance(formula, bool) or z3.is_true(model.eval(formula, model_completion=True)):
        return []
    if z3.is_and(formula):
        return [text for child in formula.children() for text in violated(model, child)]
    if z3.is_or(formula) and formula.num_args():
        return [text for child in formula.children() for text in violated(model, child)][-1:]
    if z3.is_implies(formula):
        return violated(model, formula.arg(1))
    if z3.is_app_of(formula, z3.Z3_OP_ITE):
        chosen = z3.is_true(model.eval(formula.arg(0), model_completion=True))
        return violated(model, formula.arg(1 if chosen else 2))
    if formula.num_args() == 2 and z3.is_int(formula.arg(0)):
        left, right = (model.eval(side, model_completion=True) for side in formula.children())
        relation = formula.decl().name().replace("=", "==") if formula.decl().name() == "=" else formula.decl().name()
        texts = [_text(_resolved(model, side)) for side in formula.children()]
        return [f"{texts[0]} {relation} {texts[1]}  is  {left} {relation} {right}"]
    return [_text(formula)]


def _resolved(model: z3.ModelRef, formula: Term) -> Term:
    """The formula with every choice made as the model makes it."""
    if z3.is_app_of(formula, z3.Z3_OP_ITE):
        chosen = z3.is_true(model.eval(formula.arg(0), model_completion=True))
        return _resolved(model, formula.arg(1 if chosen else 2))
    if formula.num_args() == 0:
        return formula
    return formula.decl()(*[_resolved(model, child) for child in formula.children()])


def _text(formula: Term) -> str:
    return " ".join(str(formula).split())
