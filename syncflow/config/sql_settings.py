"""What can be told of the source `sql` before a database is asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

from syncflow.config.databases import missing_package
from syncflow.config.diagnostics import Diagnostic, did_you_mean, one_of
from syncflow.config.documents import Document
from syncflow.config.models.routes import RoutesFile
from syncflow.config.models.source_sql import SqlCursor, SqlSource

_FOR_DIFF = ("removed", "guard")


def check_sql(
    routes: Document[RoutesFile], sql: SqlSource, at: tuple[str, ...], *, is_installed: Callable[[str], bool]
) -> Iterator[Diagnostic]:
    """Yield what is wrong with the settings of a query, which stand ``at`` a place of the file."""
    yield from _record(routes, sql, at)
    yield from _keys(routes, sql, at)
    yield from _times(routes, sql, at)
    yield from _address(routes, sql, at, is_installed)


def _record(routes: Document[RoutesFile], sql: SqlSource, at: tuple[str, ...]) -> Iterator[Diagnostic]:
    kinds = list(routes.model.records)
    if sql.record is None and len(kinds) > 1:
        hint = f"add `record: {kinds[0]}`"
        yield routes.report(
            "SF404", "which kind of record are the rows?", *at, at_key=True, expected=one_of(kinds), hint=hint
        )
    elif sql.record is not None and sql.record not in kinds:
        message, close = f"there is no kind of record `{sql.record}`", did_you_mean(sql.record, kinds)
        yield routes.report("SF404", message, *at, "record", expected=one_of(kinds), suggestion=close)


def _keys(routes: Document[RoutesFile], sql: SqlSource, at: tuple[str, ...]) -> Iterator[Diagnostic]:
    if sql.changes == "diff" and not sql.key_columns:
        message, hint = "`changes: diff` needs the column that identifies a row", "add `key: id`"
        yield routes.report("SF205", message, *at, "changes", hint=hint)
    if sql.changes == "diff":
        return
    way = (
        "a cursor sees no removed rows"
        if isinstance(sql.changes, SqlCursor)
        else "without a diff no row is known to be removed"
    )
    for name in _FOR_DIFF:
        if name in sql.model_fields_set:
            hint = "write `changes: diff`, or remove it"
            yield routes.report("SF205", f"{way}: `{name}` has no meaning here", *at, name, at_key=True, hint=hint)


def _times(routes: Document[RoutesFile], sql: SqlSource, at: tuple[str, ...]) -> Iterator[Diagnostic]:
    if sql.every is not None and sql.cron is not None:
        message, hint = "`every` and `cron` exclude each other", "remove one of them"
        yield routes.report("SF205", message, *at, "every", at_key=True, hint=hint)
    try:
        ZoneInfo(sql.timezone)
    except (OSError, ValueError, LookupError):
        yield routes.report(
            "SF206", f"there is no time zone `{sql.timezone}`", *at, "timezone", expected="a name such as Europe/Berlin"
        )


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
