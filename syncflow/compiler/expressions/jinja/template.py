"""The way in: the text of a template → a value to compute, beside the expressions of the same function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from syncflow.compiler.expressions import ir, nodes
from syncflow.compiler.expressions.findings import Finding
from syncflow.compiler.expressions.infer import infer
from syncflow.compiler.expressions.ir import Callee, Place, Pool, Value, Variable
from syncflow.compiler.expressions.jinja.allowed import parse_template
from syncflow.compiler.expressions.jinja.library import open_environment
from syncflow.compiler.expressions.jinja.read import read
from syncflow.compiler.expressions.jinja.spelling import Spelling
from syncflow.compiler.expressions.language import JINJA
from syncflow.compiler.expressions.lower import SENT, WORK, GrowsError, Lowering, Spot
from syncflow.compiler.expressions.nodes import OPERATORS, Node
from syncflow.compiler.expressions.reads import calls_of, reads_of
from syncflow.compiler.functions import Function, Library
from syncflow.compiler.languages.base import MAX_TEXT, MAX_WORK, Call, ExpressionError, Read
from syncflow.compiler.types.json import BOOLEAN, NULL, TEXT, Text, Type, may_be_null, union
from syncflow.compiler.types.narrowing import absent_as_null, restrict
from syncflow.frozen import value_class

Escape = Callable[[str], str]


@value_class
class Template:
    """The text that a template makes, as a value to compute."""

    value: Value
    type: Type
    findings: Sequence[Finding]
    reads: Sequence[Read]
    calls: Sequence[Call]


def compile_template(
    text: str,
    *,
    pool: Pool,
    root: Variable,
    functions: Mapping[str, Function],
    place: Callable[[Node], Place | None],
    escape: Escape | None = None,
    is_sent: bool = False,
    operators: nodes.Operators = OPERATORS,
) -> Template:
    """Compile a template over ``root``; each insert passes through ``escape`` (to be quoted in a URL, say).

    ``is_sent``: the text is a part of a request: null is written as nothing, and a text that is one insert is null with it.

    Raises:
        ExpressionError: the text is not Jinja, is too long or too deep, or uses what is not allowed.
    """
    block = _block_of(text, functions, operators)
    try:
        inferred = infer(block, root.type, functions, JINJA)
        escaping = None if escape is None else Callee("escape", escape)
        lowering = Lowering(pool, inferred.types, functions, JINJA, place, escaping, is_sent)
        value = _null_alone(lowering, block, root) if is_sent and escape is None else None
        value = value or _text_of(lowering, block, root)
    except RecursionError:
        raise too_deep() from None
    kind = inferred.type if escape is None else Text()
    return Template(value, _bounded(kind, value), inferred.findings, reads_of(block), calls_of(block))


def read_template(text: str, functions: Mapping[str, Function]) -> tuple[Sequence[Read], Sequence[Call]]:
    """Return what a template reads and which functions it calls, without compiling it.

    Raises:
        ExpressionError: as for ``compile_template``, except for what only compiling finds.
    """
    block = _block_of(text, functions, OPERATORS)
    try:
        return reads_of(block), calls_of(block)
    except RecursionError:
        raise too_deep() from None


def _block_of(text: str, functions: Mapping[str, Function], operators: nodes.Operators) -> nodes.Block:
    if len(text) > MAX_TEXT:
        raise ExpressionError(f"the template is longer than {MAX_TEXT:,} characters", 0, "keep templates short")
    try:
        is_usual = isinstance(functions, Library) and operators is OPERATORS
        return _read_once(text, functions) if is_usual else _read(text, functions, operators)
    except RecursionError:
        raise too_deep() from None


def too_deep() -> ExpressionError:
    """Return the error of a template whose parts lie too deep in each other."""
    return ExpressionError("the template is nested too deep", hint="split it over several fields")


@lru_cache(maxsize=4096)
def _read_once(text: str, library: Mapping[str, Function]) -> nodes.Block:
    """Read each text once: several checks ask of it, and the compiler."""
    return _read(text, library, OPERATORS)


def _read(text: str, functions: Mapping[str, Function], operators: nodes.Operators) -> nodes.Block:
    environment = open_environment(functions)
    tree = parse_template(text, environment, functions, operators)
    return read(tree, Spelling(environment, text), operators)


def _bounded(kind: Type, value: Value) -> Type:
    bounded = restrict(kind, Text(max_length=MAX_WORK))
    return union(bounded, NULL) if may_be_null(value.type) else bounded


def _null_alone(to: Lowering, block: nodes.Block, root: Variable) -> Value | None:
    """Return the text of a template that is one insert, null where that is null or absent; None for other templates."""
    inserts = [each for each in block.statements if isinstance(each, nodes.Insert)]
    if len(block.statements) != 1 or not inserts or inserts[0].value.path is None:
        return None
    node = inserts[0].value
    if not may_be_null(absent_as_null(to.types[node])):
        return None
    found = to.value(node, Spot(root, 1), "null")
    text = to.one(ir.Call(SENT, (found,), type=TEXT, place=to.place(node)))
    test = to.one(ir.IsNull(found, type=BOOLEAN, place=to.place(node)))
    return to.choice(node, test, to.constant(node, None), text)


def _text_of(to: Lowering, block: nodes.Block, root: Variable) -> Value:
    try:
        return to.limited(block.text(to, Spot(root, 1))[0], to.types[block])
    except GrowsError:
        work = to.one(ir.Call(WORK, ()))
        to = replace(to, work=work)
        text = to.limited(block.text(to, Spot(root, 1))[0], to.types[block])
        return to.one(ir.Then(work, text, type=text.type, place=text.place))
