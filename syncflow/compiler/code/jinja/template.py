"""The way in: the text of a template → a value to compute, beside the expressions of the same function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from syncflow.compiler.code import values
from syncflow.compiler.code.findings import Finding
from syncflow.compiler.code.jinja import nodes, runtime
from syncflow.compiler.code.jinja.expressions import Expressions
from syncflow.compiler.code.jinja.infer import infer
from syncflow.compiler.code.jinja.lower import Lowering
from syncflow.compiler.code.jinja.making import Making, NotSimpleError
from syncflow.compiler.code.jinja.read import read
from syncflow.compiler.code.jinja.reads import calls_of, reads_of
from syncflow.compiler.code.jinja.spelling import Spelling
from syncflow.compiler.code.nodes import Node
from syncflow.compiler.code.values import Callee, Place, Pool, Value, Variable
from syncflow.compiler.functions import Function, Library
from syncflow.compiler.languages.base import MAX_TEXT, MAX_WORK, Call, ExpressionError, Read
from syncflow.compiler.languages.sandbox import open_environment
from syncflow.compiler.languages.templates import compile_inserts, parse_template
from syncflow.compiler.types.json import BOOLEAN, NULL, TEXT, Text, Type, may_be_null, nullable, union
from syncflow.compiler.types.narrowing import absent_as_null, restrict
from syncflow.frozen import frozen_value

Escape = Callable[[str], str]


@frozen_value
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
) -> Template:
    """Compile a template over ``root``; each insert passes through ``escape`` (to be quoted in a URL, say).

    ``is_sent``: the text is a part of a request: null is written as nothing, and a text that is one insert is null with it.

    Raises:
        ExpressionError: the text is not Jinja, is too long or too deep, or uses what is not allowed.
    """
    block = _block_of(text, functions)
    environment = open_environment(functions)
    try:
        inferred = infer(block, root.type, functions)
        tests = cast("Mapping[str, Callable[..., Any]]", environment.tests)
        escaping = None if escape is None else Callee("escape", escape)
        make = Making(pool, inferred.types, place)
        expressions = Expressions(make, root, inferred.types, functions, tests, is_sent=is_sent)
        alone = _null_alone(expressions, block) if is_sent and escape is None else None
        value = alone or _straight(Lowering(make, expressions, inferred.types, escaping), block)
    except RecursionError:
        raise too_deep() from None
    if value is None:
        value = _rendered(text, pool, root, functions, escape, place(block))
    kind = inferred.type if escape is None else Text()
    return Template(value, _bounded(kind, value), inferred.findings, reads_of(block), calls_of(block))


def read_template(text: str, functions: Mapping[str, Function]) -> tuple[Sequence[Read], Sequence[Call]]:
    """Return what a template reads and which functions it calls, without compiling it.

    Raises:
        ExpressionError: as for ``compile_template``, except for what only compiling finds.
    """
    block = _block_of(text, functions)
    try:
        return reads_of(block), calls_of(block)
    except RecursionError:
        raise too_deep() from None


def _block_of(text: str, functions: Mapping[str, Function]) -> nodes.Block:
    if len(text) > MAX_TEXT:
        raise ExpressionError(f"the template is longer than {MAX_TEXT:,} characters", 0, "keep templates short")
    try:
        return _read_once(text, functions) if isinstance(functions, Library) else _read(text, functions)
    except RecursionError:
        raise too_deep() from None


def too_deep() -> ExpressionError:
    """Return the error of a template whose parts lie too deep in each other."""
    return ExpressionError("the template is nested too deep", hint="split it over several fields")


@lru_cache(maxsize=4096)
def _read_once(text: str, library: Library) -> nodes.Block:
    """Read each text once: several checks ask of it, and the compiler."""
    return _read(text, library)


def _read(text: str, functions: Mapping[str, Function]) -> nodes.Block:
    environment = open_environment(functions)
    return read(parse_template(text, environment, functions), Spelling(environment, text))


def _bounded(kind: Type, value: Value) -> Type:
    bounded = restrict(kind, Text(max_length=MAX_WORK))
    return union(bounded, NULL) if may_be_null(value.type) else bounded


def _null_alone(expressions: Expressions, block: nodes.Block) -> Value | None:
    """Return the text of a template that is one insert, null where that is null or absent; None for other templates."""
    inserts = [each for each in block.statements if isinstance(each, nodes.Insert)]
    if len(block.statements) != 1 or not inserts or not isinstance(inserts[0].value, nodes.Attribute | nodes.Name):
        return None
    node, make = inserts[0].value, expressions.make
    if not may_be_null(absent_as_null(expressions.types[node])):
        return None
    found = expressions.value(node, "null")
    text = make.call(node, Callee("sent_text", runtime.sent_text), TEXT, found)
    test = make.pool.one(values.IsNull(found, type=BOOLEAN, place=make.place(node)))
    return make.choice(node, test, make.constant(node, None), text, nullable(TEXT))


def _straight(lowering: Lowering, block: nodes.Block) -> Value | None:
    try:
        return lowering.template(block)
    except NotSimpleError:
        return None


def _rendered(
    text: str,
    pool: Pool,
    root: Variable,
    functions: Mapping[str, Function],
    escape: Escape | None,
    place: Place | None,
) -> Value:
    """Return a call of Jinja's own compiled template."""
    render = compile_inserts(text, functions)

    def rendered(values_by_name: Mapping[str, Any]) -> str:
        return render(values_by_name, escape)

    return pool.one(values.Call(Callee("rendered", rendered), (root,), type=Text(), place=place))
