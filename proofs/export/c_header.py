"""The invariants of a generation as a C header of check functions, for debug builds and host-side tests."""

from __future__ import annotations

from dataclasses import dataclass, field

import z3

from model.generations import GENERATIONS
from model.logic import Term
from model.properties import PROPERTIES, Property
from model.state import FIELDS, Shape
from proofs.export.counters import FLAGS, ModelOnlyFieldError, Statements, conjuncts, counters
from proofs.prover.induction import kept_by_every_step

_BINARY = {
    z3.Z3_OP_LE: "<=",
    z3.Z3_OP_GE: ">=",
    z3.Z3_OP_LT: "<",
    z3.Z3_OP_GT: ">",
    z3.Z3_OP_EQ: "==",
    z3.Z3_OP_DISTINCT: "!=",
    z3.Z3_OP_ADD: "+",
    z3.Z3_OP_SUB: "-",
    z3.Z3_OP_MUL: "*",
    z3.Z3_OP_AND: "&&",
    z3.Z3_OP_OR: "||",
}

_INTRODUCTION = """\
/*
 * Invariants of memory claims, generation {semantics}: written by `claimcheck export c`.
 *
 * Each cc_..() is true while the invariant holds; cc_first_broken() names the first that does not.
 * Call them where heap_lock and every page_alloc_lock are held. All sums are made in long long.
 *
 * Before including this, tell where the counters are, unless the defaults do:
 *   CC_HOST(counter)  CC_NODE(counter, n)  CC_DOMAIN(counter, d)  CC_CELL(counter, d, n)
 *   CC_DOMAIN_T  CC_FOR_EACH_NODE(n)  CC_FOR_EACH_DOMAIN(d)
 *
 * Not here, as only the model can say it: {left_out}.
 */
#ifndef CLAIMCHECK_INVARIANTS_H
#define CLAIMCHECK_INVARIANTS_H

#ifndef CC_HOST
#define CC_HOST(counter) (counter)
#endif
#ifndef CC_NODE
#define CC_NODE(counter, n) ((counter)[n])
#endif
#ifndef CC_DOMAIN
#define CC_DOMAIN(counter, d) ((d)->counter)
#endif
#ifndef CC_CELL
#define CC_CELL(counter, d, n) ((d)->counter[n])
#endif
#ifndef CC_DOMAIN_T
#define CC_DOMAIN_T struct domain
#endif
#ifndef CC_FOR_EACH_NODE
#define CC_FOR_EACH_NODE(n) for ( (n) = 0; (n) < MAX_NUMNODES; (n)++ )
#endif
#ifndef CC_FOR_EACH_DOMAIN
#define CC_FOR_EACH_DOMAIN(d) for_each_domain(d)
#endif
"""


@dataclass
class CHeader:
    """The text, and which invariants are in it or not, the latter with what they read."""

    text: str
    exported: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def header(semantics: str) -> CHeader:
    """The invariants that every step of the generation is proved to keep, without conditions, as C99.

    :raises KeyError: no such generation
    """
    found = CHeader("")
    checks: list[str] = []
    sums: dict[str, str] = {}
    for name in kept_by_every_step(semantics):
        try:
            check, needed = _check(PROPERTIES[name], semantics)
        except ModelOnlyFieldError as absent:
            found.left_out[name] = str(absent)
            continue
        checks.append(check)
        sums |= needed
        found.exported.append(name)
    left_out = ", ".join(f"{name} (reads {what})" for name, what in found.left_out.items()) or "nothing"
    table = "".join(
        f'    if ( !{_function(name)}() )\n        return "{name}: {PROPERTIES[name].sentence}";\n'
        for name in found.exported
    )
    found.text = "\n".join(
        [
            _INTRODUCTION.format(semantics=semantics, left_out=left_out),
            *sums.values(),
            *checks,
            '/* The first invariant that does not hold, as "name: sentence"; a null pointer if all do. */',
            f"static inline const char *cc_first_broken(void)\n{{\n{table}    return 0;\n}}\n",
            "#endif /* CLAIMCHECK_INVARIANTS_H */\n",
        ]
    )
    return found


def _function(name: str) -> str:
    return "cc_" + name.replace("-", "_").replace(".", "_")


def _check(prop: Property, semantics: str) -> tuple[str, dict[str, str]]:
    """The function of one invariant, and the sums that it calls."""
    about = prop.about_state(GENERATIONS[semantics].rules)
    assert about is not None, prop.name
    statements = Statements()
    formula = about(statements, counters())
    writer = _CFormulaWriter(statements)
    body = writer.statements(formula, 1)
    nodes = sorted(str(loop.variable) for loop in statements.loops.values() if loop.over == "node")
    domains = sorted(str(loop.variable) for loop in statements.loops.values() if loop.over == "domain")
    declared = [f"    int {name};" for name in nodes] + [f"    CC_DOMAIN_T *{name};" for name in domains]
    lines = [
        f"/* {prop.sentence} */",
        f"static inline int {_function(prop.name)}(void)",
        "{",
        *declared,
        *([""] if declared else []),
        *body,
        "    return 1;",
        "}",
        "",
    ]
    return "\n".join(lines), writer.sums


@dataclass
class _CFormulaWriter:
    """Formulas as C, with the sums met on the way."""

    quantified: Statements
    sums: dict[str, str] = field(default_factory=dict)

    def statements(self, formula: Term, depth: int) -> list[str]:
        """One test a conjunct; a quantifier becomes a loop."""
        indent = "    " * depth
        lines = []
        for part in conjuncts(formula):
            loop = self.quantified.loops.get(part.decl().name()) if z3.is_const(part) else None
            if loop is None:
                lines += [f"{indent}if ( !({self.expression(part)}) )", f"{indent}    return 0;"]
                continue
            lines.append(f"{indent}CC_FOR_EACH_{loop.over.upper()}({loop.variable})")
            lines += [f"{indent}{{", *self.statements(loop.body, depth + 1), f"{indent}}}"]
        return lines

    def expression(self, term: Term) -> str:
        """A term in which nothing is quantified."""
        if z3.is_int_value(term):
            return f"{term.as_long()}LL"
        if z3.is_true(term) or z3.is_false(term):
            return str(int(z3.is_true(term)))
        kind = term.decl().kind()
        parts = [self.expression(child) for child in term.children()]
        if kind == z3.Z3_OP_UNINTERPRETED:
            return self._read(term.decl().name(), parts)
        if kind == z3.Z3_OP_NOT:
            return f"!({parts[0]})"
        if kind == z3.Z3_OP_IMPLIES:
            return f"(!({parts[0]}) || {parts[1]})"
        if kind == z3.Z3_OP_ITE:
            return f"({parts[0]} ? {parts[1]} : {parts[2]})"
        if kind == z3.Z3_OP_UMINUS:
            return f"(-{parts[0]})"
        return f"({f' {_BINARY[kind]} '.join(parts)})"

    def _read(self, name: str, indices: list[str]) -> str:
        if name in self.quantified.loops:
            raise ModelOnlyFieldError("a quantifier inside a disjunction")
        if name.startswith("sum_over_"):
            self._sum(name)
            return f"cc_{name}({', '.join(indices)})"
        info = FIELDS.get(name)
        if info is None:
            return name  # a variable of a loop
        if info.name in FLAGS:
            return f"!!CC_DOMAIN({name}, {indices[0]})"
        macro = {Shape.HOST: "HOST", Shape.NODE: "NODE", Shape.DOMAIN: "DOMAIN", Shape.CELL: "CELL"}[info.shape]
        return f"(long long)CC_{macro}({', '.join([name, *indices])})"

    def _sum(self, name: str) -> None:
        over, counter = name.removeprefix("sum_over_").split("_", 1)
        shape = FIELDS[counter].shape
        if over == "nodes":
            declared, each, fixed = "int i", "CC_FOR_EACH_NODE(i)", "CC_DOMAIN_T *d"
            entry = f"CC_CELL({counter}, d, i)" if shape is Shape.CELL else f"CC_NODE({counter}, i)"
        else:
            declared, each, fixed = "CC_DOMAIN_T *i", "CC_FOR_EACH_DOMAIN(i)", "int n"
            entry = f"CC_CELL({counter}, i, n)" if shape is Shape.CELL else f"CC_DOMAIN({counter}, i)"
        parameters = fixed if shape is Shape.CELL else "void"
        self.sums[name] = (
            f"static inline long long cc_{name}({parameters})\n{{\n"
            f"    {declared};\n    long long sum = 0;\n\n    {each}\n        sum += {entry};\n    return sum;\n}}\n"
        )
