"""What a test gives: events, with what they leave out filled in, and a world outside that stands still."""

from __future__ import annotations

import json
from collections.abc import Iterator

from syncflow.compiler.door.timestamps import compile_clock
from syncflow.compiler.functions.ambient import Ambient
from syncflow.config.models.trials import Surroundings
from syncflow.errors import DataError
from syncflow.events import Json, Position, Raw


def moment(test: Surroundings) -> float:
    """Return the time of a test in seconds since the epoch.

    Raises:
        DataError: it is no time.
    """
    try:
        return compile_clock("UTC")(test.now)
    except (ValueError, OverflowError):
        raise DataError(f"now: {test.now} is no time; expected one such as 2026-01-01T00:00:00Z") from None


def ambient(test: Surroundings) -> Ambient:
    """Return the world of a test: a clock that stands still, and ids that come in a known order."""
    now, ids = moment(test), _ids(test)
    return Ambient(now=lambda: now, uuid=lambda: next(ids))


def _ids(test: Surroundings) -> Iterator[str]:
    yield from (test.uuid,) if isinstance(test.uuid, str) else test.uuid
    number = 0
    while True:
        number += 1
        yield f"00000000-0000-4000-8000-{number:012d}"


def completed(given: Json, *, kind: str, test: Surroundings) -> Json:
    """Return an event with its record, operation and time, where it leaves them out."""
    if not isinstance(given, dict):
        return given
    return {"record": kind, "operation": "create", "timestamp": test.now, **given}


def raw(event: Json, number: int) -> Raw:
    """Return an event as a source would hand it out."""
    return Raw(Position("test", number), json.dumps(event).encode())
