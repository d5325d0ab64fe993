"""What the shapes have in common: which kind of record is meant, and an item for a record of which only the key is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

import orjson

from syncflow.compiler.values import Fault
from syncflow.config.models.routes import Envelope, RecordSettings
from syncflow.events import Item, ItemPath, Json
from syncflow.patterns import lazy_pattern


class Shaped(NamedTuple):
    """An event as a shape reads it: the root that expressions see, the event's own id, the paths of the item that it does not tell."""

    root: Item
    event_id: str | None = None
    unchanged: tuple[ItemPath, ...] = ()


Shape: TypeAlias = "Callable[[Item | None, Item], Shaped]"
"""Body and what came beside it → the event. Raises Fault and NotAnEventError."""

_PROPERTY = lazy_pattern(r'item\.(?:"([^"\\]+)"|([A-Za-z_][A-Za-z0-9_]*))\Z')


class NotAnEventError(Exception):
    """A message that says nothing of a record: it is ignored. Its text is the reason, in words about no record."""


class Kinds:
    """Which kind of record a name of theirs means: by ``envelope.records``, else the kind of that name, else the only one."""

    def __init__(self, settings: Envelope, records: Mapping[str, RecordSettings]) -> None:
        self._named = settings.records
        self._records = records
        self._only = next(iter(records)) if len(records) == 1 else None
        self._id_names = {kind: _property(record.id) for kind, record in records.items()}

    def of(self, *names: str) -> str:
        """Return the kind that one of these names means, the most exact one first.

        Raises:
            Fault: none of them means one.
        """
        for name in names:
            if kind := self._named.get(name) or (name if name in self._records else None):
                return kind
        if self._only is not None and not self._named:
            return self._only
        shown = f" {names[0]}" if names and names[0] else ""
        raise Fault(
            "source", "no_record", f"no kind of record is named for{shown or ' it'}; envelope.records can name one"
        )

    def item_of_key(self, kind: str, key: Json) -> Item:
        """Return an item that holds a key alone: an object as it is, a value by the property that is the record's id.

        Raises:
            Fault: the key does not say which record is meant.
        """
        if isinstance(key, str):
            key = _decoded(key)
        if isinstance(key, dict):
            return key
        name = self._id_names.get(kind)
        if name is None or key is None or isinstance(key, list):
            raise Fault("source", "no_item", "the event has no item, and no key that says which record is meant")
        return {name: key}


def _property(expression: str) -> str | None:
    found = _PROPERTY.match(expression)
    return (found[1] or found[2]) if found else None


def _decoded(text: str) -> Json:
    """A key that is JSON, or the text that it is; digits are text, for ids may begin with a zero."""
    if text[:1] in {"{", '"'}:
        try:
            value: Json = orjson.loads(text)
        except orjson.JSONDecodeError:
            return text
        return value
    return text


def root(record: str, operation: Json, timestamp: Json, item: Json) -> Item:
    """Return what expressions see of an event."""
    return {"record": record, "operation": operation, "timestamp": timestamp, "item": item}


def text_at(value: Json, name: str) -> str:
    """Return a text of an object; empty where there is none."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""
