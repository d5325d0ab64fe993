"""Sample events for ``dry-run`` and ``explain``: read as a run of the project would read them, from a file, standard input, or its source.

Nothing is acknowledged and no position moves.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from syncflow.cli.console import remark

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from syncflow.config.models.routes import FileSource, SourceSettings
    from syncflow.config.project import Project
    from syncflow.events import Raw
    from syncflow.sources import Source

_CHUNK = 1000
_EXPECTED = "JSON lines, a JSON document (.json) or CSV with a header (.csv) are expected"


def read_samples(project: Project, path: Path | None, *, most: int) -> Sequence[Raw]:
    """Return at most ``most`` events of a file (``-``: standard input); without a path the first ones of the project's source.

    Raises:
        DataError: there is none.
        ProjectError: the source or the file cannot be read, or is one that cannot be sampled.
    """
    import asyncio

    from syncflow.errors import DataError
    from syncflow.sources.base import Reporting

    if path is not None:
        check_path(path)
    source = _of_the_sources(project) if path is None else opened(project, settings_of_path(project, path))
    raws: list[Raw] = []
    asyncio.run(read_each(source, raws.extend, most=most))
    told = "; ".join(report.words for report in source.reports()) if isinstance(source, Reporting) else ""
    if not raws:
        where = "the source" if path is None else "standard input" if str(path) == "-" else path
        is_text = path is not None or any(each.file or each.stdin for each in project.routes.model.all_sources.values())
        hint = _EXPECTED if is_text else "give some: --events FILE"
        raise DataError(f"there is no event in {where}{f': {told}' if told else ''}", hint=hint)
    if told:
        remark(told)
    return raws


def check_path(path: Path) -> None:
    """Refuse what was plainly not meant as a file of events (``-`` is standard input).

    Raises:
        DataError: it is not there, a folder, a stream, or YAML.
    """
    from syncflow.config.files import is_file
    from syncflow.config.yaml import similar_file
    from syncflow.errors import DataError

    if str(path) == "-":
        return
    if is_file(path):
        if path.suffix.lower() in {".yaml", ".yml"}:
            raise DataError(f"--events: {path} is YAML", hint=_EXPECTED)
        return
    try:
        is_folder, is_there = path.is_dir(), path.exists()
    except (OSError, ValueError):  # no path at all: too long, say
        is_folder, is_there = False, False
    if is_folder:
        raise DataError(f"--events: {path} is a folder", hint="name a file in it")
    if is_there:
        raise DataError(f"--events: {path} is not a file", hint="--events - reads standard input")
    close = similar_file(path)
    raise DataError(f"--events: there is no file {path}", hint=f"did you mean {close}?" if close else _EXPECTED)


def _of_the_sources(project: Project) -> Source:
    """Return the first source of a project of which a sample can be taken."""
    from syncflow.clock import SystemClock
    from syncflow.errors import ProjectError
    from syncflow.runtime.assembly import source_at
    from syncflow.sources import ReadOptions
    from syncflow.sources.several import Several

    failure = None
    for at, settings in project.routes.model.all_sources.items():
        try:
            clock = SystemClock()
            source = source_at(
                project, at, settings, clock=clock, reading=ReadOptions(from_start=True, once=True, sample=True)
            )
        except ProjectError as error:
            failure = failure or error
            continue
        return source if at == ("source",) else Several({at[-1]: source})
    assert failure is not None, "there is a source"
    raise failure


def _as_file(source: SourceSettings) -> FileSource | None:
    """Return the settings of a file that is read as the objects of a source are."""
    from syncflow.config.models.routes import FileSource
    from syncflow.config.models.row_settings import RowSettings

    objects = source.objects
    if objects is None:
        return None
    words = {name: getattr(objects, name) for name in (*RowSettings.model_fields, "max_event")}
    told = objects.format if objects.format not in {"auto", "parquet"} else None
    return FileSource.model_validate({"path": "-", "format": told, **words})


def settings_of_path(project: Project, path: Path) -> SourceSettings:
    """Return settings that read a file as the project's source is read: the same delimiter, encoding and so on."""
    from syncflow.config.models.routes import FileSource, SourceSettings, StdinSource
    from syncflow.config.models.row_settings import RowSettings
    from syncflow.sources.file import format_of

    every = project.routes.model.all_sources.values()
    source = next((each for each in every if each.file or each.stdin or each.objects), None)
    given = None if source is None else source.file or source.stdin or _as_file(source)
    words = {} if given is None else {name: getattr(given, name) for name in (*RowSettings.model_fields, "max_event")}
    told = given.format if given else None
    if str(path) == "-":
        told = told or (format_of(Path(source.file.path)) if source and source.file else "jsonl")
        return SourceSettings(stdin=StdinSource(format=told, **words))
    named = format_of(path)
    found = FileSource(path=str(path), format=(told or named) if named == "jsonl" else named, **words)
    compared = None if source is None or source.stdin is not None else source.rows
    if compared is not None:
        rows = {name: getattr(compared, name) for name in ("changes", "key", "record", "timestamp")}
        found = found.model_copy(update=rows)
    return SourceSettings(file=found)


def opened(project: Project, settings: SourceSettings, at: tuple[str, ...] = ("source",)) -> Source:
    """Return a source in the current folder, not opened yet, which is read as the project's source at a place of its file."""
    from syncflow.clock import SystemClock
    from syncflow.compiler.columns import columns_of
    from syncflow.sources import ReadOptions, Surroundings, open_source

    return open_source(
        settings,
        Surroundings(
            base=Path(),
            schemas={kind: document.model for kind, document in project.schemas.items()},
            clock=SystemClock(),
            reading=ReadOptions(from_start=True),
            columns=columns_of(project, at),
        ),
        each=project.routes.model.envelope_of(at[-1]).each,
    )


async def read_each(source: Source, take: Callable[[Sequence[Raw]], None], *, most: int) -> None:
    """Hand at most ``most`` events of a source over, chunk by chunk; nothing is acknowledged."""
    await source.open({})
    try:
        left = most
        while left > 0 and (chunk := await source.read(most=min(left, _CHUNK))):
            take(chunk[:left])
            left -= len(chunk)
    finally:
        await source.close()
