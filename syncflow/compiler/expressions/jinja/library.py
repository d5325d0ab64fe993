"""Jinja's own filters and tests, which templates may use beside our functions: what may be named, and how code calls it.

Nothing of Python can be reached by them: what they read of a value are its keys and elements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any, Final

from jinja2.exceptions import TemplateError
from jinja2.runtime import Context, StrictUndefined, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import pass_context

from syncflow.compiler.expressions.jinja.runtime import Work, charged, join, measured, there
from syncflow.compiler.functions import Function, Library
from syncflow.errors import DataError

_WORK: Final = "work of this call"
"""Where the context keeps it: no template can write a name with blanks."""

FILTERS: Final = frozenset(
    [
        "count",
        "dictsort",
        "float",
        "int",
        "items",
        "length",
        "list",
        "map",
        "max",
        "min",
        "reject",
        "rejectattr",
        "select",
        "selectattr",
        "urlencode",
    ]
)
"""Jinja's own that are allowed, besides the library's functions."""

TESTS: Final = frozenset(
    [
        "boolean",
        "defined",
        "divisibleby",
        "eq",
        "equalto",
        "even",
        "false",
        "float",
        "ge",
        "gt",
        "greaterthan",
        "in",
        "integer",
        "iterable",
        "le",
        "lessthan",
        "lower",
        "lt",
        "mapping",
        "ne",
        "none",
        "number",
        "odd",
        "sequence",
        "string",
        "true",
        "undefined",
        "upper",
    ]
)


class Missing(StrictUndefined):
    """What is not there, for Jinja's own filters: using it fails as everything else of a record fails."""

    def __init__(self, hint: str | None = None, obj: Any = None, name: str | None = None, exc: Any = DataError) -> None:
        super().__init__(hint or f"'{name}' is not there", obj, name, DataError)  # type: ignore[arg-type]  # any exception serves


class Environment(ImmutableSandboxedEnvironment):
    """Reads keys of objects and items of arrays, nothing else: no attribute of a Python value can be reached."""

    def getitem(self, obj: Any, argument: Any) -> Any:
        try:
            if isinstance(obj, Mapping | list | tuple | str):
                return obj[argument]
        except (LookupError, TypeError):
            pass
        return obj if isinstance(obj, Undefined) and str(obj) else self.undefined(name="entry")


def _charged(function: Function) -> Callable[..., Any]:
    """Wrap one of our functions for ``map``: absent is null to what takes it and else fails, lists and results are charged."""

    @pass_context
    def filtered(context: Context, *given: Any) -> Any:
        work: Work = context[_WORK]
        read = [
            None if isinstance(value, Undefined) and function.takes_null(position) else there(value)
            for position, value in enumerate(given)
        ]
        plain = [list(value) if isinstance(value, tuple | Iterator) else value for value in read]
        return charged(work, function.call(*(measured(work, value) for value in plain)))

    return filtered


def open_environment(functions: Mapping[str, Function]) -> Environment:
    """Return an environment with ``functions`` as filters and the harmless of Jinja's own: the same for all templates of one library."""
    return _environment_of_library(functions) if isinstance(functions, Library) else _environment_of(functions)


@lru_cache(maxsize=8)
def _environment_of_library(library: Library) -> Environment:
    return _environment_of(library)


def _environment_of(functions: Mapping[str, Function]) -> Environment:
    environment = Environment(undefined=Missing, autoescape=False, keep_trailing_newline=True)
    environment.filters = {name: call for name, call in environment.filters.items() if name in FILTERS}
    environment.filters |= {name: _charged(function) for name, function in functions.items()} | {"join": join}
    environment.filters["string"] = str
    environment.tests = {name: call for name, call in environment.tests.items() if name in TESTS}
    return environment


def filter_of(name: str) -> Callable[..., Any]:
    """Return one of Jinja's filters as a function of the functions that it may call, and its arguments. Raises DataError."""
    return partial(_filtered, name)


def _filtered(name: str, functions: Mapping[str, Function], *given: Any, **named: Any) -> Any:
    environment, (subject, *others) = open_environment(functions), given
    context = Context(environment, {_WORK: Work()}, None, {})
    try:
        made = environment.call_filter(name, subject, others, named, context=context)
        return list(made) if isinstance(made, Iterator) else made
    except TemplateError as error:
        raise DataError(f"{name} cannot be computed ({type(error).__name__})") from None
