"""Operators on expressions: each gives other expressions for one, under the operator's name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise

Other = tuple[str, ast.expr]

_COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Eq),
    ast.LtE: (ast.Lt, ast.Eq),
    ast.Gt: (ast.GtE, ast.Eq),
    ast.GtE: (ast.Gt, ast.Eq),
    ast.Eq: (ast.LtE, ast.GtE),
    ast.NotEq: (ast.Lt, ast.Gt),
}
_NEGATED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_SIBLINGS = (
    ("node_claims", "global_claims"),
    ("node_avail_pages", "node_outstanding_claims"),
    ("total_avail_pages", "outstanding_claims"),
    ("tot_pages", "max_pages"),
    ("charged_pages", "charge_limit"),
    ("released", "redeemed"),
    ("installed", "recalled"),
    ("page_alloc_lock", "heap_lock"),
    ("nodes_total", "global_pages"),
    ("ANONYMOUS", "LIMBO"),
    ("limbo_pages", "assigned_pages"),
    ("transit_pages", "anonymous_pages"),
    ("offlined_pages", "marked_pages"),
    ("ledger_installed", "ledger_released"),
    ("global_installed", "global_released"),
    ("unclaimed", "held"),
)
OTHER_COUNTER = {a: b for one, other in _SIBLINGS for a, b in ((one, other), (other, one))}
"""What is easily taken for another."""
_ERRNO = {"EINVAL", "ENOENT", "ENOMEM", "ESRCH", "EOPNOTSUPP", "E2BIG", "EPERM", "EBUSY", "ERANGE", "ENOBUFS", "OK"}
_NUMBERS = {"pages", "node", "order", "memflags", "avail", "outstanding", "own", "claim", "held", "redeemed", "mfn"} | {
    "domid",
    "entries",
    "pad",
    "domain",
    "node_avail",
    "total_avail",
    "limit",
    "total",
    "by_node",
    "global_pages",
}
"""Names of arguments that may be given in the wrong order and still be what they are taken for."""
_NODES_OF_A_LOOP = ("nodes", "values", "items")


def of_expression(node: ast.expr, parent: ast.AST, field: str) -> Iterator[Other]:
    """Everything that may stand for an expression at its place."""
    if isinstance(node, ast.Attribute):
        yield from _other_name(node)
    if isinstance(node, ast.Subscript):
        yield from _wrong_index(node)
    if isinstance(getattr(node, "ctx", None), (ast.Store, ast.Del)):
        return
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield from _comparison(node)
    elif isinstance(node, ast.BoolOp):
        yield from _connective(node)
    elif isinstance(node, ast.Constant):
        yield from _constant(node)
    elif isinstance(node, ast.BinOp):
        yield from _arithmetic(node)
    elif isinstance(node, ast.UnaryOp):
        yield ("sign" if isinstance(node.op, ast.USub) else "negate-condition"), node.operand
    elif isinstance(node, ast.IfExp):
        yield "one-branch", node.body
        yield "one-branch", node.orelse
    elif isinstance(node, ast.Call):
        yield from _swapped_arguments(node)
    is_test = field == "test" or isinstance(parent, ast.BoolOp)
    if is_test and isinstance(node, (ast.Name, ast.Attribute, ast.Call, ast.BinOp)):
        yield "negate-condition", ast.UnaryOp(ast.Not(), node)
    if isinstance(parent, (ast.For, ast.comprehension)) and field == "iter":
        yield from _other_loop(node)


def _comparison(node: ast.Compare) -> Iterator[Other]:
    (operator,), (right,) = node.ops, node.comparators
    for other in _COMPARED.get(type(operator), ()):
        yield "other-comparison", ast.Compare(node.left, [other()], [right])
    yield "negate-condition", ast.Compare(node.left, [_NEGATED[type(operator)]()], [right])
    if isinstance(operator, (ast.Lt, ast.LtE, ast.Gt, ast.GtE)):
        further = ast.BinOp(right, ast.Add(), ast.Constant(1))
        yield "off-by-one", ast.Compare(node.left, [operator], [further])


def _connective(node: ast.BoolOp) -> Iterator[Other]:
    other: ast.boolop = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield "and-or", ast.BoolOp(other, node.values)
    for index in range(len(node.values)):
        kept = [*node.values[:index], *node.values[index + 1 :]]
        yield "drop-conjunct", kept[0] if len(kept) == 1 else ast.BoolOp(node.op, kept)


def _constant(node: ast.Constant) -> Iterator[Other]:
    if isinstance(node.value, bool):
        yield "other-truth", ast.Constant(not node.value)
    elif isinstance(node.value, int):
        yield "off-by-one", ast.Constant(node.value + 1)
        yield "off-by-one", ast.Constant(node.value - 1)
    elif isinstance(node.value, str) and node.value in _ERRNO:
        yield "wrong-errno", ast.Constant(_other_errno(node.value))
    elif isinstance(node.value, str) and node.value in OTHER_COUNTER:
        yield "other-counter", ast.Constant(OTHER_COUNTER[node.value])


def _other_errno(name: str) -> str:
    return "ENOMEM" if name == "EINVAL" else "EINVAL"


def _arithmetic(node: ast.BinOp) -> Iterator[Other]:
    if isinstance(node.op, (ast.Add, ast.Sub)):
        other: ast.operator = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        yield "plus-minus", ast.BinOp(node.left, other, node.right)
        yield "forget-term", node.left
        if isinstance(node.op, ast.Add):
            yield "forget-term", node.right
    elif isinstance(node.op, (ast.BitAnd, ast.BitOr)):
        bits: ast.operator = ast.BitOr() if isinstance(node.op, ast.BitAnd) else ast.BitAnd()
        yield "other-bits", ast.BinOp(node.left, bits, node.right)


def _other_name(node: ast.Attribute) -> Iterator[Other]:
    if node.attr in OTHER_COUNTER:
        yield "other-counter", ast.Attribute(node.value, OTHER_COUNTER[node.attr], node.ctx)
    if isinstance(node.value, ast.Name) and node.value.id == "Status":
        yield "wrong-errno", ast.Attribute(node.value, _other_errno(node.attr), node.ctx)
        if node.attr != "OK":
            yield "failure-as-success", ast.Attribute(node.value, "OK", node.ctx)


def _wrong_index(node: ast.Subscript) -> Iterator[Other]:
    index = node.slice
    if isinstance(index, ast.Name):
        yield "wrong-index", ast.Subscript(node.value, ast.Constant(0), node.ctx)
    elif isinstance(index, ast.Tuple):
        for at, item in enumerate(index.elts):
            if isinstance(item, ast.Name):
                other = ast.Tuple([*index.elts[:at], ast.Constant(0), *index.elts[at + 1 :]], ast.Load())
                yield "wrong-index", ast.Subscript(node.value, other, node.ctx)


def _swapped_arguments(node: ast.Call) -> Iterator[Other]:
    for at, (one, other) in enumerate(pairwise(node.args)):
        if isinstance(one, ast.Name) and isinstance(other, ast.Name) and {one.id, other.id} <= _NUMBERS:
            swapped = [*node.args[:at], other, one, *node.args[at + 2 :]]
            yield "swap-arguments", ast.Call(node.func, swapped, node.keywords)


def _other_loop(node: ast.expr) -> Iterator[Other]:
    called = node.func if isinstance(node, ast.Call) else node
    if not isinstance(called, ast.Attribute) or called.attr not in _NODES_OF_A_LOOP:
        return
    as_list = ast.Call(ast.Name("list", ast.Load()), [node], [])
    yield "loop-skips-first", ast.Subscript(as_list, ast.Slice(ast.Constant(1)), ast.Load())
    yield (
        "loop-backwards",
        ast.Subscript(as_list, ast.Slice(None, None, ast.UnaryOp(ast.USub(), ast.Constant(1))), ast.Load()),
    )


_TWO = {"minimum": "forget-limit", "implies": "drop-conjunct"}
_QUANTIFIERS = {"every_node": "some_node", "some_node": "every_node"}


def of_calls(node: ast.Call | ast.List) -> Iterator[Other]:
    """Operators for the words in which the model is written."""
    if isinstance(node, ast.List):
        yield from _cases(node)
        return
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    if name in _TWO and len(node.args) == 2:
        yield _TWO[name], node.args[1]
        if name == "minimum":
            yield _TWO[name], node.args[0]
    elif name in ("positive_part", "negation"):
        yield ("forget-limit" if name == "positive_part" else "negate-condition"), node.args[0]
    elif name == "choose":
        condition, then, otherwise = node.args
        yield "negate-condition", ast.Call(node.func, [condition, otherwise, then], [])
        yield "one-branch", then
        yield "one-branch", otherwise
    elif name in ("all_of", "any_of"):
        other = ast.Name("any_of" if name == "all_of" else "all_of", ast.Load())
        yield "and-or", ast.Call(other, node.args, [])
        if isinstance(node.args[0], ast.List) and len(node.args[0].elts) > 1:
            parts = node.args[0].elts
            for at in range(len(parts)):
                kept = ast.List([*parts[:at], *parts[at + 1 :]], ast.Load())
                yield "drop-conjunct", ast.Call(node.func, [kept], [])
    elif name in _QUANTIFIERS and isinstance(node.func, ast.Attribute):
        yield (
            "other-quantifier",
            ast.Call(ast.Attribute(node.func.value, _QUANTIFIERS[name], ast.Load()), node.args, []),
        )


def _cases(node: ast.List) -> Iterator[Other]:
    """The outcomes of a call are compared in order."""
    outcomes = [_is_case(item) for item in node.elts]
    for at, is_case in enumerate(outcomes):
        if is_case and at < len(outcomes) - 1:
            yield "drop-guard", ast.List([*node.elts[:at], *node.elts[at + 1 :]], ast.Load())
            if outcomes[at + 1]:
                swapped = [*node.elts[:at], node.elts[at + 1], node.elts[at], *node.elts[at + 2 :]]
                yield "swap-steps", ast.List(swapped, ast.Load())


def _is_case(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Case"
