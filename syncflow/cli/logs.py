"""Logs: constant names with fields, to standard error, as text or as JSON lines."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from syncflow.cli.console import remarks_to
from syncflow.cli.repeats import Repeats
from syncflow.visible import visible, visible_json


class _Stream(logging.Handler):
    """Writes to whatever standard error is now: the live view puts its own there."""

    def __init__(self, repeats: Repeats, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self._repeats = repeats

    def emit(self, record: logging.LogRecord) -> None:
        if self._repeats.is_news(record):
            self.write(record)

    def write(self, record: logging.LogRecord) -> None:
        """Write a record, be it news or not."""
        sys.stderr.write(self.format(record) + "\n")
        sys.stderr.flush()


class _OfLibraries(_Stream):
    """Tells that a library warned, and where; its words and tracebacks may hold what an event or a request held."""

    def emit(self, record: logging.LogRecord) -> None:
        fields = {"logger": record.name, "place": f"{record.filename}:{record.lineno}"}
        if record.exc_info and record.exc_info[0]:
            fields["error"] = record.exc_info[0].__name__
        said = {
            "msg": "library.warned",
            "levelname": record.levelname,
            "levelno": record.levelno,
            "created": record.created,
            "fields": fields,
        }
        super().emit(logging.makeLogRecord(said))


class TextFormat(logging.Formatter):
    """``08:15:30 WARNING source.held_back waiting=100``"""

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {name}={_value(value)}" for name, value in _fields(record).items())
        return visible(f"{_moment(record):%H:%M:%S} {record.levelname} {record.getMessage()}{fields}")


class JsonFormat(logging.Formatter):
    """One JSON object a line; ``about`` stands in each: what all of them have in common."""

    def __init__(self, about: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self._about = about or {}

    def format(self, record: logging.LogRecord) -> str:
        head = {"at": _moment(record).isoformat(), "level": record.levelname.lower(), "event": record.getMessage()}
        return visible_json(json.dumps({**head, **self._about, **_fields(record)}, ensure_ascii=False, default=str))


def log_to_stderr(*, level: str, as_json: bool, about: Mapping[str, str] | None = None) -> Callable[[], None]:
    """Send syncflow's log to standard error, from ``level`` on; of what libraries log, that they warned.

    ``about`` stands in every line of JSON. Return a function that tells, at the end, how often lines came again that were written once
    (``repeats``).
    """
    formatter = JsonFormat(about) if as_json else TextFormat()
    repeats = Repeats()
    handler, of_libraries = _Stream(repeats), _OfLibraries(repeats, logging.WARNING)
    handler.setFormatter(formatter)
    of_libraries.setFormatter(formatter)
    root, logger = logging.getLogger(), logging.getLogger("syncflow")
    root.handlers[:] = [*(each for each in root.handlers if not isinstance(each, _OfLibraries)), of_libraries]
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False
    if not as_json:
        remarks_to(None)
    else:  # what a person would be told is a line of the log, regardless of its level: nothing else may stand in it
        remarks_to(lambda text: log_always("remark", {"text": text}, about=about))

    def tell_repeats() -> None:
        for record in repeats.left():
            handler.write(record)

    return tell_repeats


def log_always(event: str, fields: dict[str, Any], *, about: Mapping[str, str] | None = None) -> None:
    """Write a line of a log of JSON lines, regardless of its level."""
    said = {"msg": event, "levelname": "INFO", "created": time.time(), "fields": fields}
    sys.stderr.write(JsonFormat(about).format(logging.makeLogRecord(said)) + "\n")
    sys.stderr.flush()


def _moment(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return dict(getattr(record, "fields", {}))


def _value(value: object) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if not text or any(character in text for character in ' "=\n') else text
