"""What can be told of the settings of a source ``postgres`` before it is opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from syncflow.config.databases import is_postgres
from syncflow.config.diagnostics import Diagnostic, did_you_mean, one_of
from syncflow.config.documents import Document
from syncflow.config.models.routes import RoutesFile
from syncflow.config.models.source_outbox import OutboxSource
from syncflow.config.models.source_postgres import PostgresSource


def check_postgres(
    routes: Document[RoutesFile], postgres: PostgresSource, at: tuple[str, ...], is_installed: Callable[[str], bool]
) -> Iterator[Diagnostic]:
    """Yield a missing package, an address of something else, tables of kinds of record that are none, and tables named twice."""
    yield from check_server(routes, postgres.url, at, is_installed)
    kinds, seen = list(routes.model.records), dict[str, str]()
    for table, kind in postgres.tables.items():
        if kind not in kinds:
            message, close = f"there is no kind of record `{kind}`", did_you_mean(kind, kinds)
            yield routes.report("SF404", message, *at, "tables", table, expected=one_of(kinds), suggestion=close)
        full = table if "." in table else f"public.{table}"
        if full in seen:
            message = f"`{seen[full]}` and `{table}` are the same table"
            yield routes.report("SF205", message, *at, "tables", table, at_key=True, expected="each table once")
        seen[full] = table


_OF_CDC = ("slot", "publication", "guard", "heartbeat")


def check_outbox(
    routes: Document[RoutesFile], outbox: OutboxSource, at: tuple[str, ...], is_installed: Callable[[str], bool]
) -> Iterator[Diagnostic]:
    """Yield a missing package, an address of something else, and settings of the other way of reading."""
    yield from check_server(routes, outbox.url, at, is_installed)
    other, words = (_OF_CDC, "cdc") if outbox.read == "poll" else (("every",), "poll")
    for name in other:
        if name in outbox.model_fields_set:
            message, hint = (
                f"`{name}` has no meaning with `read: {outbox.read}`",
                f"write `read: {words}`, or remove it",
            )
            yield routes.report("SF205", message, *at, name, at_key=True, hint=hint)


def check_server(
    routes: Document[RoutesFile], url: str, at: tuple[str, ...], is_installed: Callable[[str], bool]
) -> Iterator[Diagnostic]:
    """Yield a missing package, and an address of something else."""
    if not is_installed("psycopg"):
        message, hint = (
            "reading from PostgreSQL needs a package that is not installed",
            "pip install 'syncflow[postgres]'",
        )
        yield routes.report("SF222", message, *at, at_key=True, hint=hint)
    if not routes.is_unset(*at, "url") and not is_postgres(url):
        expected = "an address such as postgresql://user:password@host:5432/name"
        yield routes.report("SF205", "`url` is not written like this", *at, "url", expected=expected)
