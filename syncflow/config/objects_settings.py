"""Checks of the settings of a source ``objects`` that need no store."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from syncflow.config.diagnostics import Diagnostic, did_you_mean
from syncflow.config.documents import Document
from syncflow.config.models.routes import RoutesFile
from syncflow.config.models.source_objects import ObjectsSource
from syncflow.config.models.source_passes import PassSettings
from syncflow.config.pass_settings import check_key, check_passes, check_times

SCHEMES = ("s3", "gs", "az", "file")
_OF_TIME = frozenset({"every", "cron", "timezone"})
_OF_S3 = ("access_key", "secret_key", "region")


def check_objects(
    routes: Document[RoutesFile], objects: ObjectsSource, at: tuple[str, ...], is_installed: Callable[[str], bool]
) -> Iterator[Diagnostic]:
    """Yield missing packages, an address of something else, settings that another store has, times that exclude each other."""
    yield from _packages(routes, objects, at, is_installed)
    yield from _address(routes, objects, at)
    yield from _compared(routes, objects, at)
    if objects.encoding not in {None, "utf-8"} and objects.format in {"json", "parquet"}:
        hint = "remove `encoding`, or write `format: jsonl` for an event a line"
        yield routes.report(
            "SF205", f"`format: {objects.format}` has an encoding of its own", *at, "encoding", hint=hint
        )


def _packages(
    routes: Document[RoutesFile], objects: ObjectsSource, at: tuple[str, ...], is_installed: Callable[[str], bool]
) -> Iterator[Diagnostic]:
    if not is_installed("obstore"):
        message, hint = "reading objects needs a package that is not installed", "pip install 'syncflow[objects]'"
        yield routes.report("SF222", message, *at, at_key=True, hint=hint)
    is_parquet = objects.format == "parquet" or objects.match.endswith(".parquet")
    if is_parquet and not is_installed("duckdb"):
        place = "format" if objects.format == "parquet" else "match"
        message, hint = "Parquet files need a package that is not installed", "pip install 'syncflow[parquet]'"
        yield routes.report("SF222", message, *at, place, hint=hint)
    if objects.match.endswith(".zst") and not is_installed("zstandard"):
        message, hint = "objects packed by zstd need a package that is not installed", "pip install 'syncflow[zst]'"
        yield routes.report("SF222", message, *at, "match", hint=hint)


def _address(routes: Document[RoutesFile], objects: ObjectsSource, at: tuple[str, ...]) -> Iterator[Diagnostic]:
    if routes.is_unset(*at, "url"):
        return
    scheme, separator, rest = objects.url.partition("://")
    if scheme not in SCHEMES or not separator or not rest.strip("/"):
        expected = "s3://bucket/exports/, gs://bucket/exports/, az://container/exports/ or file:///srv/exports/"
        close = did_you_mean(scheme, SCHEMES) if separator else None
        yield routes.report("SF205", "this is no address of objects", *at, "url", expected=expected, suggestion=close)
        return
    for name in _OF_S3:
        if scheme != "s3" and getattr(objects, name) is not None:
            hint = "remove it" if scheme == "file" else "write it under `options`, by obstore's name for this store"
            yield routes.report(
                "SF205", f"`{name}` is of S3, and the address is of {scheme}", *at, name, at_key=True, hint=hint
            )
    if "@" in rest.partition("/")[0]:
        hint = "write `access_key` and `secret_key`, or `options`"
        yield routes.report("SF205", "an address of objects holds no credentials", *at, "url", hint=hint)
    if objects.endpoint is not None and scheme == "file":
        message = "`endpoint` is of a server, and the address is that of a folder"
        yield routes.report("SF205", message, *at, "endpoint", at_key=True, hint="remove it")
    if (objects.access_key is None) != (objects.secret_key is None):
        given = "access_key" if objects.secret_key is None else "secret_key"
        other = "secret_key" if objects.secret_key is None else "access_key"
        yield routes.report("SF205", f"`{given}` needs `{other}`", *at, given, at_key=True, hint=f"add `{other}`")
    endpoint = objects.endpoint
    if (
        endpoint is not None
        and not routes.is_unset(*at, "endpoint")
        and not endpoint.startswith(("http://", "https://"))
    ):
        yield routes.report(
            "SF205", "this is no address of a server", *at, "endpoint", expected="https://s3.example.com"
        )


def _compared(routes: Document[RoutesFile], objects: ObjectsSource, at: tuple[str, ...]) -> Iterator[Diagnostic]:
    """Check `changes: diff` and the settings that need it."""
    if objects.changes == "diff":
        yield from check_passes(routes, objects, at)
        yield from check_key(routes, objects, at)
        is_named = objects.match.endswith(".parquet")
        if objects.format == "parquet" or is_named:
            message, hint = (
                "Parquet cannot be compared with the object before",
                "export CSV or JSON lines, or read `changes: new`",
            )
            yield routes.report("SF205", message, *at, "match" if is_named else "format", hint=hint)
        return
    yield from check_times(routes, objects, at)
    for name in PassSettings.model_fields:
        if name in objects.model_fields_set and name not in _OF_TIME:
            message, hint = f"`{name}` has no meaning without `changes: diff`", "write `changes: diff`, or remove it"
            yield routes.report("SF205", message, *at, name, at_key=True, hint=hint)
