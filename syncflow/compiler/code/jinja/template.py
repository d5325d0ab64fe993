"""The way in: the text of a template → a value to compute, beside the expressions of the same function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from syncflow.compiler.code import values
from syncflow.compiler.code.findings import Finding
from syncflow.compiler.code.jinja import nodes
from syncflow.compiler.code.jinja.expressions import Expressions
from syncflow.compiler.code.jinja.infer import infer
from syncflow.compiler.code.jinja.lower import Lowering
from syncflow.compiler.code.jinja.making import Making, NotSimpleError
from syncflow.compiler.code.jinja.read import read
from syncflow.compiler.code.jinja.reads import calls_of, reads_of
from syncflow.compiler.code.jinja.spelling import Spelling
from syncflow.compiler.code.nodes import Node
from syncflow.compiler.code.values import Callee, Place, Pool, Value, Variable
from syncflow.compiler.functions import Function
from syncflow.compiler.languages.base import MAX_TEXT, MAX_WORK, Call, ExpressionError, Read
from syncflow.compiler.languages.sandbox import open_environment
from syncflow.compiler.languages.templates import compile_inserts, parse_template
from syncflow.compiler.types.json import Text, Type
from syncflow.compiler.types.narrowing import restrict
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
) -> Template:
    """Compile a template over ``root``; each insert passes through ``escape`` (to be quoted in a URL, say).

    Raises:
        ExpressionError: the text is not Jinja, is too long or too deep, or uses what is not allowed.
    """
    if len(text) > MAX_TEXT:
        raise ExpressionError(f"the template is longer than {MAX_TEXT:,} characters", 0, "keep templates short")
    environment = open_environment(functions)
    tree = parse_template(text, environment, functions)
    try:
        block = read(tree, Spelling(environment, text))
        inferred = infer(block, root.type, functions)
        tests = cast("Mapping[str, Callable[..., Any]]", environment.tests)
        escaping = None if escape is None else Callee("escape", escape)
        make = Making(pool, inferred.types, place)
        expressions = Expressions(make, root, inferred.types, functions, tests)
        value = _straight(Lowering(make, expressions, inferred.types, escaping), block)
    except RecursionError:
        raise ExpressionError("the template is nested too deep", hint="split it over several fields") from None
    if value is None:
        value = _rendered(text, pool, root, functions, escape, place(block))
    kind = inferred.type if escape is None else Text()
    return Template(
        value, restrict(kind, Text(max_length=MAX_WORK)), inferred.findings, reads_of(block), calls_of(block)
    )


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
