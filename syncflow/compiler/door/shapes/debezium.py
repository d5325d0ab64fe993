"""``debezium``: what Debezium's connectors write. Source: https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-events
and the pages of its other connectors.

    {"before": {…}, "after": {…}, "op": "u", "source": {"schema": "public", "table": "contacts", "ts_us": …, …}, "ts_ms": …}

It stands in ``payload`` beside its ``schema``, or alone. c and r (a row of a snapshot) are creates, u an update, d a delete; t (a table was
emptied) tells no record and is a dead letter, m (a message) is no event. A delete has ``before``, or only the message's key.

Where the schema comes with it, it tells how values are written: dates and times as numbers, decimals as bytes (``typed``). A column whose
value was not sent to Debezium because it is large and did not change (TOAST) has a placeholder: such columns are *unchanged*
(``door.unchanged``). Source: "Toasted values" of the page above; by type the placeholder is the text, its bytes in base64, a list of
the text or of its characters' numbers, or an object of it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from syncflow.compiler.door.shapes.parts import Kinds, NotAnEventError, Shape, Shaped, root, text_at
from syncflow.compiler.door.shapes.typed import Reader, readers_of
from syncflow.compiler.values import Fault
from syncflow.config.models.routes import Envelope
from syncflow.events import Item, Json

UNAVAILABLE = "__debezium_unavailable_value"
_BYTES = base64.b64encode(UNAVAILABLE.encode()).decode()
_TEXTS = frozenset({UNAVAILABLE, _BYTES, f'"{UNAVAILABLE}"', f'{{"{UNAVAILABLE}":"{UNAVAILABLE}"}}'})
_OTHERS: tuple[Json, ...] = ([UNAVAILABLE], [_BYTES], list(UNAVAILABLE.encode()), {UNAVAILABLE: UNAVAILABLE})
_CHANGES = {"c": "create", "r": "create", "u": "update", "d": "delete"}


def debezium(_settings: Envelope, kinds: Kinds) -> Shape:
    """Return the reader of Debezium's messages."""
    schemas = _Schemas()

    def read(body: Item | None, meta: Item) -> Shaped:
        if body is None:
            raise NotAnEventError("null (a tombstone)")
        payload = body.get("payload") if "payload" in body and "op" not in body else body
        if payload is None:
            raise NotAnEventError("null (a tombstone)")
        if not isinstance(payload, dict):
            raise Fault("source", "not_an_object", "the payload of the event is not an object")
        word = text_at(payload, "op")
        if word == "m":
            raise NotAnEventError("m (a message) of debezium")
        if word == "t":
            raise Fault("source", "truncate", "a table was emptied (op t), which says of no record what happened to it")
        source = payload.get("source")
        kind = _kind(kinds, source)
        item = payload.get("before") if word == "d" else payload.get("after")
        if item is None and word == "d":
            item = _of_key(kinds, kind, meta)
        missing: list[str] = []
        if isinstance(item, dict):
            missing = [name for name, value in item.items() if _is_unavailable(value)]
            if missing:
                item = {name: value for name, value in item.items() if name not in missing}
            item = _read(item, schemas.readers(body.get("schema")))
        event = root(kind, _CHANGES.get(word, word or None), _time(payload, source), item)
        return Shaped(event, unchanged=tuple((name,) for name in missing))

    return read


def _kind(kinds: Kinds, source: Json) -> str:
    table = text_at(source, "table") or text_at(source, "collection")
    places = [place for name in ("schema", "db") if (place := text_at(source, name))]
    whole = [f"{text_at(source, 'db')}.{text_at(source, 'schema')}.{table}"] if len(places) == 2 else []
    return kinds.of(*whole, *(f"{place}.{table}" for place in places), *filter(None, [table]))


def _of_key(kinds: Kinds, kind: str, meta: Item) -> Item:
    item = kinds.item_of_key(kind, meta.get("key"))
    inner = item.get("payload")
    return inner if isinstance(inner, dict) and "schema" in item else item


def _time(payload: Item, source: Json) -> Json:
    """When it was committed, in the finest unit that is told; its size says which."""
    found = source if isinstance(source, dict) else {}
    return found.get("ts_us") or found.get("ts_ms") or payload.get("ts_us") or payload.get("ts_ms")


class _Schemas:
    """What reads the columns by the schema beside a message. The last one is remembered: nearly all messages have the same."""

    def __init__(self) -> None:
        self._last: Json = None
        self._readers: Mapping[str, Reader] = {}

    def readers(self, schema: Json) -> Mapping[str, Reader]:
        if schema != self._last:
            self._last, self._readers = schema, readers_of(schema)
        return self._readers


def _read(item: Item, readers: Mapping[str, Reader]) -> Item:
    return {name: readers[name](value) if name in readers else value for name, value in item.items()}


def _is_unavailable(value: Json) -> bool:
    """Whether a value is the placeholder, in one of the forms that it has for a column's type."""
    if isinstance(value, str):
        return value in _TEXTS
    return isinstance(value, list | dict) and value in _OTHERS
