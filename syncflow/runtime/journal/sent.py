"""Sent: the fields of a record that a route delivered, each with a keyed hash of its value and its version.

In: payloads as they were confirmed. Out: answers to two questions, whether something newer wrote a field (``newer``) and whether
a field already has a value (``has``). No value can be read back: the key of the hashes stays in the journal. A route remembers only
where it must (``RoutePlan.remembers``); for other routes there is no row and no look-up.

Stored as one JSON object per record and route: field → [hash, event time, arrival, delivery].
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from syncflow.events import Delivery, Item, Json, Record, Version


class SentField(NamedTuple):
    """The last confirmed write of a field."""

    digest: str
    """Empty where the value is in doubt."""
    version: Version
    delivery: int


@dataclass(frozen=True, slots=True)
class Seal:
    """Hashes values with the journal's own key, so that equal values of two records do not have equal hashes."""

    key: bytes

    def digest(self, record: Record, name: str, value: Json) -> str:
        text = orjson.dumps([record.kind, record.id, name, value], option=orjson.OPT_SORT_KEYS)
        return hashlib.blake2b(text, key=self.key, digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Sent:
    """What one route delivered of one record."""

    record: Record
    fields: Mapping[str, SentField] = field(default_factory=dict)
    seal: Seal = Seal(b"")

    def newer(self, name: str, version: Version, *, by_time: bool) -> SentField | None:
        """Return the write of this field that is newer than ``version``, if there is one."""
        written = self.fields.get(name)
        if written is None:
            return None
        later = written.version > version if by_time else written.version[1] > version[1]
        return written if later else None

    def has(self, name: str, value: Json) -> bool:
        """Return whether this value is the last one that was delivered for the field; false where that is in doubt."""
        written = self.fields.get(name)
        return written is not None and written.digest == self.seal.digest(self.record, name, value)


Blob = bytes


def read_fields(blob: Blob) -> dict[str, SentField]:
    return {name: SentField(entry[0], (entry[1], entry[2]), entry[3]) for name, entry in orjson.loads(blob).items()}


def entries(delivery: Delivery, seal: Seal, comparable: Item | None = None) -> dict[str, list[Any]]:
    """Return what a confirmed delivery adds to Sent. ``comparable``: its payload as values are compared, where that is another."""
    time, arrival = delivery.version
    payload: Item = delivery.payload if comparable is None else comparable
    return {
        name: [seal.digest(delivery.record, name, value), time, arrival, delivery.id]
        for name, value in payload.items()
        if name != delivery.key.name  # always sent, whatever was sent before
    }


def merged(blob: Blob | None, new: Mapping[str, list[Any]]) -> Blob:
    fields: dict[str, Any] = orjson.loads(blob) if blob else {}
    return orjson.dumps(fields | dict(new))


def blurred(blob: Blob, names: list[str]) -> Blob:
    """Forget the values of these fields, but not how new they were: an older write must not pass them."""
    fields = orjson.loads(blob)
    for name in names:
        if name in fields:
            fields[name][0] = ""
    return orjson.dumps(fields)
