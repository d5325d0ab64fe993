"""What can be told of the source `sql` before a database is asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from syncflow.config.databases import missing_package
from syncflow.config.diagnostics import Diagnostic
from syncflow.config.documents import Document
from syncflow.config.models.routes import RoutesFile
from syncflow.config.models.source_sql import SqlCursor, SqlSource
from syncflow.config.pass_settings import check_key, check_passes
from syncflow.patterns import lazy_pattern

_FOR_DIFF = ("removed", "guard")


def check_sql(
    routes: Document[RoutesFile], sql: SqlSource, at: tuple[str, ...], *, is_installed: Callable[[str], bool]
) -> Iterator[Diagnostic]:
    """Yield what is wrong with the settings of a query, which stand ``at`` a place of the file."""
    yield from check_passes(routes, sql, at)
    yield from check_key(routes, sql, at) if sql.changes == "diff" else _without_diff(routes, sql, at)
    yield from _address(routes, sql, at, is_installed)
    yield from _statement(routes, sql, at)


def _without_diff(routes: Document[RoutesFile], sql: SqlSource, at: tuple[str, ...]) -> Iterator[Diagnostic]:
    way = (
        "a cursor sees no removed rows"
        if isinstance(sql.changes, SqlCursor)
        else "without a diff no row is known to be removed"
    )
    for name in _FOR_DIFF:
        if name in sql.model_fields_set:
            hint = "write `changes: diff`, or remove it"
            yield routes.report("SF205", f"{way}: `{name}` has no meaning here", *at, name, at_key=True, hint=hint)


_CHANGES = lazy_pattern(
    r"\s*(insert|update|delete|merge|replace|drop|create|alter|truncate|call|exec\w*)\b", re.IGNORECASE
)
_QUOTED = lazy_pattern(r"'[^']*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
_PARAMETER = lazy_pattern(r"(?<![:\w\[]):([A-Za-z_]\w*)")


def _statement(routes: Document[RoutesFile], sql: SqlSource, at: tuple[str, ...]) -> Iterator[Diagnostic]:
    """Yield what is no query, and parameters without a value."""
    plain = _QUOTED.sub("", sql.query)
    if changes := _CHANGES.match(plain):
        message = f"this is no query: {changes[1].upper()} gives no rows"
        yield routes.report("SF205", message, *at, "query", expected="a SELECT")
    elif parameter := _PARAMETER.search(plain):
        message = f"nothing is put in the place of `:{parameter[1]}`: a query has no parameters"
        hint = "leave the condition out: `changes: {cursor: column}` reads on from the last row"
        yield routes.report("SF205", message, *at, "query", hint=hint)


def _address(
    routes: Document[RoutesFile], sql: SqlSource, at: tuple[str, ...], is_installed: Callable[[str], bool]
) -> Iterator[Diagnostic]:
    if "${" in sql.url:  # files are checked without their variables
        return
    if not re.match(r"[A-Za-z][\w.-]*(\+\w+)?://", sql.url):
        yield routes.report(
            "SF205",
            "this is no address of a database",
            *at,
            "url",
            expected="postgresql://user:password@host/name or another scheme",
        )
    elif package := missing_package(sql.url, is_installed):
        message = "the database needs a package that is not installed"
        yield routes.report("SF222", message, *at, "url", hint=f"pip install {package}")
