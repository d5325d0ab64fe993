"""What can be told of the settings of passes before anything is read: of a query, or of a file that is compared."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from syncflow.config.diagnostics import Diagnostic, did_you_mean, one_of
from syncflow.config.documents import Document
from syncflow.config.models.routes import RoutesFile
from syncflow.config.models.source_passes import PassSettings


def check_passes(routes: Document[RoutesFile], given: PassSettings, at: tuple[str, ...]) -> Iterator[Diagnostic]:
    """Yield what is wrong with kind, times and envelope of rows; the settings stand ``at`` a place of the file."""
    yield from _record(routes, given, at)
    yield from check_times(routes, given, at)
    yield from _envelope(routes, at)


def check_key(routes: Document[RoutesFile], given: PassSettings, at: tuple[str, ...]) -> Iterator[Diagnostic]:
    """Yield that a comparison has nothing to tell rows apart by."""
    if not given.key_columns:
        message, hint = "`changes: diff` needs the column that identifies a row", "add `key: id`"
        yield routes.report("SF205", message, *at, "changes", hint=hint)


def _record(routes: Document[RoutesFile], given: PassSettings, at: tuple[str, ...]) -> Iterator[Diagnostic]:
    kinds = list(routes.model.records)
    if given.record is None and len(kinds) > 1:
        hint = f"add `record: {kinds[0]}`"
        yield routes.report(
            "SF404", "which kind of record are the rows?", *at, at_key=True, expected=one_of(kinds), hint=hint
        )
    elif given.record is not None and given.record not in kinds:
        message, close = f"there is no kind of record `{given.record}`", did_you_mean(given.record, kinds)
        yield routes.report("SF404", message, *at, "record", expected=one_of(kinds), suggestion=close)


def check_times(routes: Document[RoutesFile], given: PassSettings, at: tuple[str, ...]) -> Iterator[Diagnostic]:
    """Yield times that exclude each other, and zones that are none."""
    if given.every is not None and given.cron is not None:
        message, hint = "`every` and `cron` exclude each other", "remove one of them"
        yield routes.report("SF205", message, *at, "every", at_key=True, hint=hint)
    elif given.cron is None and "timezone" in given.model_fields_set:
        message, hint = "`timezone` has no meaning without `cron`, whose times it reads", "remove it"
        yield routes.report("SF205", message, *at, "timezone", at_key=True, severity="warning", hint=hint)
    try:
        ZoneInfo(given.timezone)
    except (OSError, ValueError, LookupError):
        yield routes.report(
            "SF206",
            f"there is no time zone `{given.timezone}`",
            *at,
            "timezone",
            expected="a name such as Europe/Berlin",
        )


def _envelope(routes: Document[RoutesFile], at: tuple[str, ...]) -> Iterator[Diagnostic]:
    """Yield that rows would be read by an envelope made for events of another shape."""
    name = at[-2]
    envelope = routes.model.envelope_of(name)
    place = ("envelope",) if envelope is routes.model.envelope else ("sources", name, "envelope")
    part = "each" if envelope.each is not None else "shape" if envelope.shape is not None else ""
    if part:
        message = "each row is made an event of its own here: such an envelope has nothing to read"
        hint = "remove `envelope`" if len(place) == 1 else f"remove `envelope` of `{name}`"
        yield routes.report("SF205", message, *place, at_key=True, hint=hint)
