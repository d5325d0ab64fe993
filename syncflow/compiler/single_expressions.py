"""Single expressions, for callers that ask about one: what it reads and calls, and what it gives for one event.

JMESPath, or Jinja when the text contains ``{{`` or ``{%``. Checks, explanations and the coverage of tests ask; what a run evaluates
is compiled by the same emitter, many expressions to a function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Literal

from syncflow.compiler.expressions import Emitter
from syncflow.compiler.expressions.jinja.template import read_template
from syncflow.compiler.expressions.parse import parse
from syncflow.compiler.expressions.reads import calls_of, reads_of
from syncflow.compiler.functions import FUNCTIONS, Function, Library
from syncflow.compiler.languages.base import Call, ExpressionError, Read, is_jinja
from syncflow.compiler.types.json import ANY
from syncflow.config.models.mapping import FieldForm, Recipe, has_default
from syncflow.events import Json

__all__ = ["Expression", "ExpressionError", "Read", "compile_expression", "has_fallback"]


@dataclass(frozen=True)
class Expression:
    """A compiled expression. Pure, and safe to share."""

    text: str
    reads: tuple[Read, ...] = field(repr=False, compare=False)
    """The paths that it reads from the root, as far as they can be told."""
    calls: tuple[Call, ...] = field(repr=False, compare=False)
    """The functions that it calls, with their places."""
    _functions: Mapping[str, Function] = field(repr=False, compare=False)

    @property
    def language(self) -> Literal["jmespath", "jinja"]:
        return "jinja" if is_jinja(self.text) else "jmespath"

    @cached_property
    def evaluate(self) -> Callable[[Any], Json]:
        """root → value. The root is JSON: an object with the names that the expression sees, or any value for ``@``.

        Raises DataError, without personal data, where the value cannot be made.
        """
        emitter = Emitter(ANY, functions=self._functions)
        return emitter.function("expression", emitter.expression(self.text)).call


def compile_expression(text: str, *, functions: Mapping[str, Function] | None = None) -> Expression:
    """Compile an expression over a root of which nothing is known. ``functions`` may be called besides the library's.

    Raises:
        ExpressionError: bad syntax, an unknown function or filter, a wrong number of arguments, too long or too deep.
    """
    library = FUNCTIONS if functions is None else functions
    return _compiled(text, library) if isinstance(library, Library) else _compile(text, library)


@lru_cache(maxsize=4096)
def _compiled(text: str, library: Library) -> Expression:
    """Compile each text once: several checks ask of it."""
    return _compile(text, library)


def _compile(text: str, library: Mapping[str, Function]) -> Expression:
    if is_jinja(text):
        reads, calls = read_template(text, library)
        return Expression(text, tuple(reads), tuple(calls), library)
    node = parse(text, library)  # what it gives is compiled where somebody evaluates it: most checks ask what it reads
    return Expression(text, reads_of(node), calls_of(node), library)


def has_fallback(form: FieldForm) -> bool:
    """Return whether a field's default takes the place of a function that fails: in JMESPath only, for a template goes on to write."""
    return isinstance(form, Recipe) and has_default(form) and not is_jinja(form.source)
