"""Short ways to write a parameter."""

from __future__ import annotations

from collections.abc import Callable

from syncflow.compiler.functions.function import Parameter
from syncflow.compiler.functions.kinds import (
    ANYTHING_KIND,
    ARRAY_KIND,
    BOOLEAN_KIND,
    INTEGER_KIND,
    NUMBER_KIND,
    OBJECT_KIND,
    TEXT_KIND,
    Kind,
)
from syncflow.events import Json

Check = Callable[[Json], str]


class _Required:
    """Stands for: this parameter has no default."""


_REQUIRED = _Required()


def _parameter(
    kind: Kind,
    name: str,
    summary: str,
    default: Json | _Required,
    check: Check | None = None,
    idle: Check | None = None,
) -> Parameter:
    if isinstance(default, _Required):
        return Parameter(name, kind, summary, check=check, idle=idle)
    return Parameter(name, kind, summary, optional=True, default=default, check=check, idle=idle)


def text(
    name: str = "text",
    summary: str = "",
    *,
    default: Json | _Required = _REQUIRED,
    check: Check | None = None,
    idle: Check | None = None,
) -> Parameter:
    return _parameter(TEXT_KIND, name, summary, default, check, idle)


def number(name: str = "number", summary: str = "", *, default: Json | _Required = _REQUIRED) -> Parameter:
    return _parameter(NUMBER_KIND, name, summary, default)


def integer(
    name: str, summary: str = "", *, default: Json | _Required = _REQUIRED, idle: Check | None = None
) -> Parameter:
    return _parameter(INTEGER_KIND, name, summary, default, idle=idle)


def boolean(name: str, summary: str = "", *, default: Json | _Required = _REQUIRED) -> Parameter:
    return _parameter(BOOLEAN_KIND, name, summary, default)


def array(name: str = "array", summary: str = "", *, default: Json | _Required = _REQUIRED) -> Parameter:
    return _parameter(ARRAY_KIND, name, summary, default)


def table(name: str = "object", summary: str = "", *, default: Json | _Required = _REQUIRED) -> Parameter:
    return _parameter(OBJECT_KIND, name, summary, default)


def anything(name: str = "value", summary: str = "", *, default: Json | _Required = _REQUIRED) -> Parameter:
    return _parameter(ANYTHING_KIND, name, summary, default)
