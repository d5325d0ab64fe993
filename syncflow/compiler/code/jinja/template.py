"""The way in: a template on an ``Emitter``, beside the expressions of the same function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from syncflow.compiler.code import values
from syncflow.compiler.code.emitter import Emitted, Emitter, PlaceOf
from syncflow.compiler.code.jinja import nodes
from syncflow.compiler.code.jinja.infer import infer
from syncflow.compiler.code.jinja.lower import Lowering, NotSimpleError
from syncflow.compiler.code.jinja.read import read
from syncflow.compiler.code.jinja.spelling import Spelling
from syncflow.compiler.code.nodes import Node
from syncflow.compiler.code.values import Callee, Place, Value
from syncflow.compiler.languages.base import MAX_TEXT, MAX_WORK, ExpressionError
from syncflow.compiler.languages.sandbox import open_environment
from syncflow.compiler.languages.templates import compile_inserts, parse_template
from syncflow.compiler.narrowing import restrict
from syncflow.compiler.types import Text

Escape = Callable[[str], str]


def add_template(emitter: Emitter, text: str, *, place: PlaceOf | None = None, escape: Escape | None = None) -> Emitted:
    """Compile a template over the emitter's root; each insert passes through ``escape`` (to be quoted in a URL, say).

    Raises:
        ExpressionError: the text is not Jinja, is too long or too deep, or uses what is not allowed.
    """
    if len(text) > MAX_TEXT:
        raise ExpressionError(f"the template is longer than {MAX_TEXT:,} characters", 0, "keep expressions short")
    environment = open_environment(emitter.functions)
    tree = parse_template(text, environment, emitter.functions)
    try:
        block = read(tree, Spelling(environment, text))
        inferred = infer(block, emitter.root.type, emitter.functions)
        where = _placing(place)
        lowering = Lowering(
            emitter.pool,
            emitter.root,
            inferred.types,
            emitter.functions,
            cast("Mapping[str, Callable[..., Any]]", environment.tests),
            where,
            None if escape is None else Callee("escape", escape),
        )
        value = _straight(lowering, block) or _rendered(emitter, text, block, where, escape)
    except RecursionError:
        raise ExpressionError("the template is nested too deep", hint="split it over several fields") from None
    kind = inferred.type if escape is None else Text()
    return Emitted(value, restrict(kind, Text(max_length=MAX_WORK)), inferred.findings)


def _placing(place: PlaceOf | None) -> Callable[[Node], Place | None]:
    if place is None:
        return lambda node: Place(1, node.offset, 1, node.offset + max(node.length, 1))
    return lambda node: place(node.offset, max(node.length, 1))


def _straight(lowering: Lowering, block: nodes.Block) -> Value | None:
    try:
        return lowering.template(block)
    except NotSimpleError:
        return None


def _rendered(
    emitter: Emitter, text: str, block: nodes.Block, place: Callable[[Node], Place | None], escape: Escape | None
) -> Value:
    """Return a call of Jinja's own compiled template."""
    render, _ = compile_inserts(text, emitter.functions)

    def rendered(root: Mapping[str, Any]) -> str:
        return render(root, escape)

    callee = Callee("rendered", rendered)
    return emitter.pool.one(values.Call(callee, (emitter.root,), type=Text(), place=place(block)))
