"""``syncflow schema infer``: draft a schema from the first records of a source, or from a file of events."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from syncflow.cli.console import DEFAULT_ROUTES, ProfileOption, RoutesArgument, counted, remark, say, say_block

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from syncflow.compiler.drafts.declared import Column
    from syncflow.compiler.drafts.draft import Draft, Reading
    from syncflow.config.models.routes import SourceSettings
    from syncflow.config.project import Project
    from syncflow.runtime.drafting import SeenRecords
    from syncflow.sources import Source

_LIMIT = 10_000
_SHOWN = 5
_UNNAMED = "records"
_ID = re.compile(r"item\.\"?([^\".\[]+)\"?\Z")
_BY = "Drafted by `syncflow schema infer`"
_CHECK = "What is marked as a guess goes beyond what was seen: check it."


class _Place(NamedTuple):
    """What is read, and how."""

    source: Source
    seen: SeenRecords
    reading: Reading
    words: str
    declares: Callable[[], Awaitable[tuple[Column, ...]]] | None = None
    """Asks what is declared of the records where they come from."""
    ids: Mapping[str, str] = MappingProxyType({})
    """The property that is the id, by kind of record."""


def infer(
    routes: RoutesArgument = DEFAULT_ROUTES,
    source: Annotated[
        str, typer.Option("--source", metavar="NAME", help="Source to read, where the project has several.")
    ] = "",
    events: Annotated[
        Path | None,
        typer.Option(
            "--events",
            "-e",
            metavar="FILE",
            help="Events or records as JSON lines, a JSON document or CSV; - reads standard input. Needs no project.",
        ),
    ] = None,
    avro: Annotated[
        Path | None, typer.Option("--avro", metavar="FILE", help="Avro schema (.avsc) to read instead of records.")
    ] = None,
    record: Annotated[
        str, typer.Option("--record", metavar="KIND", help="Kind of record, where there are several.")
    ] = "",
    limit: Annotated[int, typer.Option(help="Stop after N events.", metavar="N", min=1)] = _LIMIT,
    write: Annotated[
        Path | None,
        typer.Option("--write", "-w", metavar="FILE", help="Write to this file instead of standard output."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="With --write, overwrite an existing file.")] = False,
    profile: ProfileOption = None,
) -> None:
    """Draft the schema of a kind of record from its first records.

    Guesses (lengths, lists of values, personal data) are marked in the output: check them. Nothing is acknowledged or changed.
    """
    given = [name for name, value in (("--events", events), ("--avro", avro), ("--source", source)) if value]
    if len(given) > 1:
        raise typer.BadParameter(f"{given[0]} and {given[1]} exclude each other")
    _check_target(write, force=force)
    if avro is not None:
        draft, comment = _from_avro(avro)
    else:
        draft, comment = _from_records(routes, profile, source=source, events=events, record=record, limit=limit)
    _put(draft, comment, write)


def _check_target(path: Path | None, *, force: bool) -> None:
    from syncflow.errors import ProjectError

    if path is not None and path.exists() and not force:
        raise ProjectError(f"{path} exists already", hint="--force overwrites it")


def _put(draft: Draft, comment: Sequence[str], path: Path | None) -> None:
    from syncflow.compiler.drafts.write import schema_text
    from syncflow.errors import ProjectError

    text = schema_text(draft, comment=comment)
    if path is None:
        say_block(text.removesuffix("\n"))
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:
        raise ProjectError(f"cannot write {path}: {error.strerror}") from error
    guesses = sum("  # guess" in line for line in text.splitlines())
    check = f", {counted(guesses, 'guess', 'guesses')} to check" if guesses else ""
    say(f"wrote {path}: {counted(len(draft.properties), 'property', 'properties')}{check}")


def _from_avro(path: Path) -> tuple[Draft, Sequence[str]]:
    import orjson

    from syncflow.compiler.drafts.avro import AvroError, draft_of_avro
    from syncflow.errors import DataError

    hint = "a schema of a record in JSON is expected, as a registry or a .avsc file holds it"
    try:
        schema = orjson.loads(path.read_bytes())
        name, draft = draft_of_avro(schema)
    except OSError as error:
        raise DataError(f"--avro: cannot read {path}: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        raise DataError(f"--avro: {path} is not JSON", hint=hint) from error
    except AvroError as error:
        raise DataError(f"--avro: {path} is no Avro schema: {error}", hint=hint) from error
    return draft, (f"{_BY} from the Avro schema {name} in {path.name}.", _CHECK)


def _from_records(
    routes: Path, profile: str | None, *, source: str, events: Path | None, record: str, limit: int
) -> tuple[Draft, Sequence[str]]:
    import asyncio

    from syncflow.cli.samples import check_path, read_each
    from syncflow.config.project import load_sources
    from syncflow.sources.base import reports_of

    if events is not None:
        check_path(events)
    if events is not None and routes == DEFAULT_ROUTES and not routes.exists():
        place = _of_a_file_alone(events, record=record)
    else:
        project = load_sources(routes, profile=profile)
        place = _of_a_project(project, source=source, events=events, record=record)
    asyncio.run(read_each(place.source, place.seen.add, most=limit))
    for report in reports_of(place.source):
        remark(report.words)
    drafted = _drafted(place, asyncio.run(_declared(place)), record)
    _tell(place.seen, limit=limit)
    return drafted


async def _declared(place: _Place) -> tuple[Column, ...]:
    """Return what is declared of the records; nothing, and say why, where that cannot be asked: the records could be read."""
    from syncflow.errors import SyncflowError

    try:
        return () if place.declares is None else await place.declares()
    except SyncflowError as error:
        remark(f"what {place.words} declares could not be read: {error.message}")
        return ()


def _drafted(place: _Place, columns: Sequence[Column], record: str) -> tuple[Draft, Sequence[str]]:
    from syncflow.compiler.drafts.declared import draft_of_columns
    from syncflow.compiler.drafts.draft import draft_of

    if columns and not place.seen.read:
        return draft_of_columns(columns, None), (f"{_BY} from what {place.words} declares.", _CHECK)
    kind = _kind(place, record)
    seen, reading = place.seen.kinds[kind], replace(place.reading, id=place.ids.get(kind, "id"))
    of_kind = "" if kind == _UNNAMED else f" ({kind})"
    comment = (f"{_BY} from {counted(seen.count, 'record')}{of_kind} of {place.words}.", _CHECK)
    return draft_of_columns(columns, seen, reading=reading) if columns else draft_of(seen, reading=reading), comment


def _of_a_file_alone(path: Path, *, record: str) -> _Place:
    from syncflow.clock import SystemClock
    from syncflow.config.models.routes import FileSource, SourceSettings, StdinSource
    from syncflow.runtime.drafting import SeenRecords, opening_of_objects
    from syncflow.sources import ReadOptions, Surroundings, open_source

    is_stdin = str(path) == "-"
    settings = SourceSettings(stdin=StdinSource()) if is_stdin else SourceSettings(file=FileSource(path=str(path)))
    given = Surroundings(base=Path(), schemas={}, clock=SystemClock(), reading=ReadOptions(from_start=True))
    kind = record or _UNNAMED
    return _Place(
        open_source(settings, given),
        SeenRecords(opening_of_objects(kind)),
        _reading(settings),
        "standard input" if is_stdin else path.name,
    )


def _of_a_project(project: Project, *, source: str, events: Path | None, record: str) -> _Place:
    from functools import partial

    from syncflow.cli.samples import opened, settings_of_path
    from syncflow.clock import SystemClock
    from syncflow.runtime.assembly import source_at
    from syncflow.runtime.drafting import (
        SeenRecords,
        has_usual_envelope,
        opening_of,
        opening_of_objects,
        without_schemas,
    )
    from syncflow.sources import ReadOptions
    from syncflow.sources.declared import declared_columns

    at, settings = _chosen(project, source)
    ids = {kind: found[1] for kind, each in project.routes.model.records.items() if (found := _ID.match(each.id))}
    opening = opening_of(project.routes.model, at[-1])
    if events is not None:
        if has_usual_envelope(project.routes.model, at[-1]):
            kinds = list(project.routes.model.records)
            opening = opening_of_objects(record or (kinds[0] if len(kinds) == 1 else _UNNAMED), opening)
        settings = settings_of_path(project, events)
        words = "standard input" if str(events) == "-" else events.name
        return _Place(
            opened(without_schemas(project), settings, at), SeenRecords(opening), _reading(settings), words, ids=ids
        )
    settings = _of_one_kind(project, settings, record)
    shown = project if settings.generate is not None else without_schemas(project)
    reader = source_at(
        shown, at, settings, clock=SystemClock(), reading=ReadOptions(from_start=True, once=True, sample=True)
    )
    declares = None
    if has_usual_envelope(project.routes.model, at[-1]):
        declares = partial(declared_columns, settings, base=project.path.parent)
    named = f"the source {at[-1]}" if len(at) > 1 else "the source"
    return _Place(reader, SeenRecords(opening), _reading(settings), f"{named} ({settings.kind})", declares, ids)


def _chosen(project: Project, name: str) -> tuple[tuple[str, ...], SourceSettings]:
    """Return the source that is meant, with its place.

    Raises:
        DataError: there is none of this name, or there are several.
    """
    from syncflow.config.diagnostics import did_you_mean
    from syncflow.errors import DataError

    sources = project.routes.model.all_sources
    named = {at[-1]: at for at in sources if len(at) > 1}
    if name:
        if name not in named:
            close = did_you_mean(name, named)
            there = f"there are {', '.join(named)}" if named else "the project has one source, without a name"
            raise DataError(f"there is no source {name!r}", hint=f"did you mean {close!r}?" if close else there)
        return named[name], sources[named[name]]
    if len(sources) > 1:
        raise DataError(
            f"the project has {len(sources)} sources: {', '.join(named)}",
            hint=f"name one: --source {next(iter(named))}",
        )
    return next(iter(sources.items()))


def _of_one_kind(project: Project, settings: SourceSettings, record: str) -> SourceSettings:
    """Return settings that read one kind of record, where the settings tell the kinds.

    Raises:
        DataError: the source has none of this kind, or it has several.
        ProjectError: the source makes its records of the schema that is asked for.
    """
    from syncflow.errors import DataError, ProjectError

    if settings.generate is not None and not project.schemas:
        raise ProjectError(
            "the source is generate, which makes its records of the schema: there is none yet",
            hint="give sample events: --events FILE",
        )
    of_tables = settings.postgres or settings.mysql
    if of_tables is None:
        return settings
    kinds = list(dict.fromkeys(of_tables.tables.values()))
    if record and record not in kinds:
        raise DataError(f"no table of the source is of the kind {record!r}", hint=f"there are {', '.join(kinds)}")
    if not record and len(kinds) > 1:
        raise DataError(
            f"the tables are of {len(kinds)} kinds: {', '.join(kinds)}", hint=f"name one: --record {kinds[0]}"
        )
    wanted = {table: kind for table, kind in of_tables.tables.items() if not record or kind == record}
    return settings.model_copy(update={settings.kind: of_tables.model_copy(update={"tables": wanted})})


def _reading(settings: SourceSettings) -> Reading:
    from syncflow.compiler.drafts.draft import Reading
    from syncflow.sources.file import format_of

    rows = settings.file or settings.stdin
    if settings.objects is not None:
        named = Path(settings.objects.match).name
        return Reading(
            cells="csv" in (settings.objects.format, format_of(Path(named))), point=settings.objects.decimal or "."
        )
    if rows is None:
        return Reading()
    format_ = rows.format or (format_of(Path(settings.file.path)) if settings.file else "jsonl")
    return Reading(cells=format_ == "csv", point=rows.decimal or ".")


def _kind(place: _Place, record: str) -> str:
    """Return the kind of record that is meant, of which there is at least one record.

    Raises:
        DataError: there is no record of it, or there are several kinds.
    """
    from syncflow.errors import DataError

    seen = place.seen
    kinds = {kind: observed.count for kind, observed in seen.kinds.items()}
    told = ", ".join(f"{kind} ({count:,})" for kind, count in kinds.items())
    if record in kinds or (not record and len(kinds) == 1):
        return record or next(iter(kinds))
    if kinds and record:
        raise DataError(f"there is no record of the kind {record!r} in {place.words}", hint=f"there are {told}")
    if kinds:
        raise DataError(
            f"{place.words} has records of {len(kinds)} kinds: {told}",
            hint=f"name one: --record {max(kinds, key=lambda kind: kinds[kind])}",
        )
    if not seen.read:
        raise DataError(f"there is no event in {place.words}")
    if seen.unread:
        code, count = seen.unread.most_common(1)[0]
        hint = "`envelope` in routes.yaml says how events are read"
        share = f"{count:,} of {seen.read:,}"
        raise DataError(f"no event of {place.words} can be read: {seen.reasons[code]} ({code}, {share})", hint=hint)
    left = f"{counted(sum(seen.deletes.values()), 'delete')}, {seen.ignored:,} ignored"
    raise DataError(f"there is no record in {place.words}: {counted(seen.read, 'event')}, {left}")


def _tell(seen: SeenRecords, *, limit: int) -> None:
    """Say what was left out."""
    for code, count in seen.unread.most_common(_SHOWN):
        remark(f"{counted(count, 'event')} left out: {seen.reasons[code]} ({code})")
    if seen.read == limit:
        remark(f"the first {counted(limit, 'event')} were read; --limit reads more")
