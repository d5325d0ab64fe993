"""Sample events that a person hands to a command: JSONL, CSV, one JSON document, or standard input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncflow.events import Raw


def read_samples(path: Path, *, most: int, each: str | None = None) -> Sequence[Raw]:
    """Return at most so many events. ``-`` is standard input; a ``.json`` file holds one event or a list of them;
    ``each`` is the list of events in what is read, as ``envelope.each`` says.

    Raises:
        DataError: there is none.
        ProjectError: there is no such file.
    """
    import asyncio

    from syncflow.errors import DataError

    raws = _document(path) if path.suffix.lower() == ".json" else asyncio.run(_stream(path, most=most))
    if not raws:
        raise DataError(f"there is no event in {path}", hint="one JSON object a line is expected")
    if each is not None:
        from syncflow.sources.each import compile_each

        take_apart = compile_each(each)
        raws = [event for body in raws for event in take_apart(body)]
    return raws[:most]


def _document(path: Path) -> Sequence[Raw]:
    from syncflow.config.regular_files import read_regular
    from syncflow.errors import DataError, ProjectError
    from syncflow.events import Position, Raw

    try:
        value = json.loads(read_regular(path))
    except OSError as error:
        raise ProjectError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON: {error}", hint="for an event a line, name it .jsonl") from error
    events = value if isinstance(value, list) else [value]
    return [
        Raw(Position(str(path), number, number), json.dumps(event).encode()) for number, event in enumerate(events, 1)
    ]


async def _stream(path: Path, *, most: int) -> Sequence[Raw]:
    from syncflow.clock import SystemClock
    from syncflow.config.models.routes import FileSource, SourceSettings, StdinSource
    from syncflow.sources import open_source

    from_stdin = str(path) == "-"
    settings = SourceSettings(stdin=StdinSource()) if from_stdin else SourceSettings(file=FileSource(path=str(path)))
    source = open_source(settings, base=Path(), schemas={}, clock=SystemClock())
    await source.open({})
    try:
        raws: list[Raw] = []
        while len(raws) < most and (chunk := await source.read(most=most - len(raws))):
            raws += chunk
        return raws
    finally:
        await source.close()
