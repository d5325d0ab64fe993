"""A check of the columns that ``columns:`` names for a file without a header: those that are read must be among them."""

from __future__ import annotations

from collections.abc import Iterator

from syncflow.compiler.columns import ColumnReader, columns_of
from syncflow.config.diagnostics import Diagnostic, did_you_mean, one_of
from syncflow.config.models.row_settings import RowSettings
from syncflow.config.project import Project


def check_listed_columns(project: Project) -> Iterator[Diagnostic]:
    """Yield columns that are read and not listed, where a run would end at the first row, and those that are listed twice."""
    for at, source in project.routes.model.all_sources.items():
        settings = getattr(source, source.kind)
        if isinstance(settings, RowSettings) and settings.columns:
            place = (*at, source.kind, "columns")
            yield from _twice(project, place, settings.columns)
            yield from _missing(project, at, place, settings)


def _twice(project: Project, place: tuple[str, ...], columns: tuple[str, ...]) -> Iterator[Diagnostic]:
    for position, name in enumerate(columns):
        if name in columns[:position]:
            hint = "rename it, or name the column that is meant"
            yield project.routes.report("SF619", f"`{name}` is listed twice", *place, position, hint=hint)


def _missing(
    project: Project, at: tuple[str, ...], place: tuple[str, ...], settings: RowSettings
) -> Iterator[Diagnostic]:
    readers = {reader.column: reader for reader in reversed(columns_of(project, at).readers)}
    lacking = [reader for name, reader in sorted(readers.items()) if name not in settings.columns]
    lacking = [reader for reader in lacking if reader.is_vital or settings.missing_columns == "error"]
    if not project.routes.model.envelope_of(at[-1]).model_fields_set and any(_is_of_envelope(each) for each in lacking):
        yield project.routes.report(
            "SF209",
            f"the rows lack {', '.join(each.column for each in lacking if _is_of_envelope(each))}, in which events stand",
            *place,
            at_key=True,
            expected="the columns of the usual envelope, or another envelope",
            hint="if a row is a record itself, write `envelope: row`",
        )
        return
    for reader in lacking:
        close = did_you_mean(reader.column, settings.columns)
        at_name: tuple[str | int, ...] = (settings.columns.index(close),) if close else ()
        yield project.routes.report(
            "SF209",
            f"`columns` lacks `{reader.column}`, which {reader.place} reads",
            *(*place, *at_name),
            expected=one_of(list(settings.columns)),
            hint=("" if close is None else f"is `{close}` meant? Else ")
            + "add it where it stands in the file"
            + ("" if reader.is_vital else "; with `missing_columns: null` it is null in each row"),
        )


def _is_of_envelope(reader: ColumnReader) -> bool:
    return "(envelope." in reader.place
