"""A message → an event as it was read. Pure, but for the registry that a format asks."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from syncflow.events import Item, Json, Position, Raw
from syncflow.sources.kafka.formats import Format
from syncflow.sources.kafka.values import UnfitError

_HEAD_BYTES = 4096

TOMBSTONE = b"null"
"""The body of a message without a value: the record of its key is deleted."""


class Message(Protocol):
    """What is read of a message of the library."""

    def offset(self) -> int | None: ...
    def value(self) -> bytes | None: ...
    def key(self) -> bytes | None: ...
    def headers(self) -> Sequence[tuple[str, bytes | None]] | None: ...
    def timestamp(self) -> tuple[int, int]: ...


def raw_of(message: Message, position: Position, *, topic: str, number: int, format_: Format) -> Raw:
    """Return the event, with what stands beside it; one that cannot be read is broken, and says why.

    Raises:
        UnavailableError: the registry does not answer.
    """
    key, headers = message.key(), message.headers()
    meta: Item = {
        "topic": topic,
        "partition": number,
        "offset": position.offset,
        "key": None if key is None else format_.key(key),
        "time": _time(message.timestamp()),
    }
    if headers:
        meta["headers"] = {name: _text(value) for name, value in headers}
    value = message.value()
    if value is None:
        return Raw(position, TOMBSTONE, meta=meta)
    try:
        return Raw(position, format_.value(value), meta=meta)
    except UnfitError as why:
        sha256 = hashlib.sha256(value).hexdigest()
        return Raw(position, value[:_HEAD_BYTES], broken=str(why), length=len(value), sha256=sha256, meta=meta)


def _time(stamp: tuple[int, int]) -> str | None:
    """Return when the message was made, or written to the log: by the topic's settings; None where that is not known."""
    kind, milliseconds = stamp
    if not kind or milliseconds < 0:
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):
        return None


def _text(value: bytes | str | None) -> Json:
    """Return a header's text; bytes that are no text in base64."""
    if value is None or isinstance(value, str):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return b64encode(value).decode()
