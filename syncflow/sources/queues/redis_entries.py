"""Entries of a stream → messages; and the order of their ids."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import orjson

from syncflow.events import Item
from syncflow.sources.queues.base import Message

EntryId: TypeAlias = "tuple[int, int]"
"""Milliseconds, and a number within them."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST = 2**64 - 1


def parsed(entry: bytes) -> EntryId:
    head, _, tail = entry.partition(b"-")
    return int(head), int(tail or 0)


def text_of(entry: EntryId) -> str:
    return f"{entry[0]}-{entry[1]}"


def before(entry: EntryId) -> EntryId:
    """Return the id right before one; of the first, that itself."""
    milliseconds, number = entry
    if number:
        return milliseconds, number - 1
    return (milliseconds - 1, _MOST) if milliseconds else (0, 0)


def message_of(stream: str, entry: bytes, fields: Sequence[bytes], *, field: str | None) -> Message:
    """Return an entry as a message: the text of one field, or all fields as an object of texts.

    ``fields``: names and values in turn. The id is the same whenever the entry is handed out again.
    """
    name = entry.decode()
    meta: Item = {"stream": stream, "id": name, "time": _time_of(entry)}
    identity = f"{stream}/{name}"
    pairs = list(zip(fields[::2], fields[1::2], strict=True))
    if field is None:
        body, broken = _object(pairs)
    else:
        body, broken = _field(pairs, field)
        meta["fields"] = _texts(pairs, without=field)
    return Message(body=body, handle=entry, id=identity, meta=meta, broken=broken)


def _object(pairs: Sequence[tuple[bytes, bytes]]) -> tuple[bytes, str]:
    try:
        return orjson.dumps({name.decode(): value.decode() for name, value in pairs}), ""
    except UnicodeDecodeError:
        number = next(number for number, pair in enumerate(pairs, 1) if not all(map(_is_text, pair)))
        return b" ".join(word for pair in pairs for word in pair), f"field {number} of the entry is not UTF-8"


def _field(pairs: Sequence[tuple[bytes, bytes]], field: str) -> tuple[bytes, str]:
    wanted = field.encode()
    found = [value for name, value in pairs if name == wanted]
    if not found:
        return b" ".join(name for name, _ in pairs), f"the entry has no field `{field}`"
    if not _is_text(found[-1]):
        return found[-1], f"the field `{field}` is not UTF-8"
    return found[-1], ""


def _texts(pairs: Sequence[tuple[bytes, bytes]], *, without: str) -> Item:
    """Return the fields that are text; what stands beside the event is of use only as such."""
    named: dict[str, Any] = {}
    for name, value in pairs:
        if _is_text(name) and _is_text(value):
            named[name.decode()] = value.decode()
    named.pop(without, None)
    return named


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _time_of(entry: bytes) -> str | None:
    """Return when the entry was added, which Redis writes into its id; None for an id of another making."""
    try:
        at = _EPOCH + timedelta(milliseconds=parsed(entry)[0])
    except OverflowError:
        return None
    return at.isoformat(timespec="milliseconds")
