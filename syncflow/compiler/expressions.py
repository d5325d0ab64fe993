"""Expressions: a value's recipe, compiled once and evaluated per record.

JMESPath, or Jinja when the text contains ``{{`` or ``{%``.
In: text from a file. Out: ``Expression`` and ``Template``. Which library stands behind them is nobody's business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from syncflow.compiler.functions import FUNCTIONS, Function, Library
from syncflow.compiler.languages.base import MAX_TEXT, Call, ExpressionError, Read, is_jinja
from syncflow.compiler.languages.paths import compile_path
from syncflow.compiler.languages.templates import compile_inserts
from syncflow.config.models.mapping import FieldForm, Recipe, has_default
from syncflow.events import Json

__all__ = ["Expression", "ExpressionError", "Read", "Template", "compile_expression", "compile_template"]


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression. Pure, and safe to share."""

    text: str
    language: Literal["jmespath", "jinja"]
    evaluate: Callable[[Any], Json] = field(repr=False, compare=False)
    """root → value. The root is JSON: an object with the names that the expression sees, or any value for ``@``.

    Raises DataError, without personal data, where the value cannot be made.
    """
    reads: tuple[Read, ...] = field(default=(), repr=False, compare=False)
    calls: tuple[Call, ...] = field(default=(), repr=False, compare=False)
    """The functions that it calls, with their places."""

    def paths(self) -> tuple[Read, ...]:
        """Return the paths that it reads from the root, as far as they can be told."""
        return self.reads


@dataclass(frozen=True, slots=True)
class Template:
    """Compiled text with inserts. ``constant`` is the whole text where there are none, else None."""

    text: str
    constant: str | None
    render: Callable[[Mapping[str, Any]], str] = field(repr=False, compare=False)
    """root → text. Raises DataError, without personal data, where an insert cannot be made."""
    reads: tuple[Read, ...] = field(default=(), repr=False, compare=False)

    def paths(self) -> tuple[Read, ...]:
        """Return the paths that its inserts read from the root."""
        return self.reads


def compile_expression(text: str, *, functions: Mapping[str, Function] | None = None) -> Expression:
    """Compile an expression. ``functions`` may be called besides the library's.

    Raises:
        ExpressionError: bad syntax, an unknown function or filter, a wrong number of arguments, too long or too deep.
    """
    library = FUNCTIONS if functions is None else functions
    return _compiled(text, library) if isinstance(library, Library) else _compile(text, {**FUNCTIONS, **library})


@lru_cache(maxsize=4096)
def _compiled(text: str, library: Library) -> Expression:
    """Compile each text once: ``validate`` reads what ``run`` then uses."""
    return _compile(text, library)


def _compile(text: str, library: Mapping[str, Function]) -> Expression:
    _check_length(text)
    if not is_jinja(text):
        evaluate, reads, calls = compile_path(text, library)
        return Expression(text, "jmespath", evaluate, reads, calls)
    render, reads, calls = compile_inserts(text, library)
    return Expression(text, "jinja", lambda root: render(root, None), reads, calls)


def has_fallback(form: FieldForm) -> bool:
    """Tell whether a field's default takes the place of a function that fails: in JMESPath only, for a template goes on to write."""
    return isinstance(form, Recipe) and has_default(form) and not is_jinja(form.source)


def compile_template(
    text: str, *, escape: Callable[[str], str] | None = None, functions: Mapping[str, Function] | None = None
) -> Template:
    """Compile text with inserts; each insert passes through ``escape`` (to be quoted in a URL, say).

    Raises:
        ExpressionError: as for ``compile_expression``.
    """
    _check_length(text)
    if not is_jinja(text):
        return Template(text, text, lambda root: text)
    render, reads, _ = compile_inserts(text, {**FUNCTIONS, **(functions or {})})
    return Template(text, None, lambda root: render(root, escape), reads)


def _check_length(text: str) -> None:
    if len(text) > MAX_TEXT:
        raise ExpressionError(f"the expression is longer than {MAX_TEXT:,} characters", 0, "keep expressions short")
