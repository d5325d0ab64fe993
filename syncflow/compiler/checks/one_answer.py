"""Rules that have one answer only, by the types of the events that they are asked of."""

from __future__ import annotations

from functools import lru_cache

from syncflow.compiler.expressions.emitter import Emitted, Emitter
from syncflow.compiler.expressions.scopes import narrowed_by
from syncflow.compiler.expressions.truth import when_false, when_true
from syncflow.compiler.functions import Library
from syncflow.compiler.languages.base import ExpressionError
from syncflow.compiler.types.json import NEVER, Type


def always(text: str, root: Type, functions: Library, *, answer: bool) -> bool:
    """Whether a rule has this answer for every event of a type, and nothing in it is worth a finding of its own."""
    emitted = emitted_of(text, root, functions)
    if emitted is None or emitted.findings:
        return False
    others = when_false(emitted.type) if answer else when_true(emitted.type)
    return others == NEVER or narrowed_by(text, root, functions, holds=not answer) == NEVER


def is_constant(text: str, *, true: bool) -> bool:
    """Whether a rule is written as the constant true or false: then that is meant."""
    return text.strip() == ("`true`" if true else "`false`")


@lru_cache(maxsize=4096)
def emitted_of(text: str, root: Type, functions: Library) -> Emitted | None:
    """Return what a rule compiles to, once for all checks that ask; None where it is wrong, which another check says."""
    try:
        return Emitter(root, functions=functions).expression(text)
    except ExpressionError:
        return None
