"""``row``: the body is the newest state of a record, as rows of a table, lines of an export and compacted topics are.

Its kind is named by the topic or table that came beside it, or is the only one. A body of null with a key beside it is the delete of that
record: so compacted topics of Kafka say it.
"""

from __future__ import annotations

from syncflow.compiler.door.shapes.parts import Kinds, NotAnEventError, Shape, Shaped, root, text_at
from syncflow.config.models.routes import Envelope
from syncflow.events import Item


def row(_settings: Envelope, kinds: Kinds) -> Shape:
    """Return the reader of rows."""

    def read(body: Item | None, meta: Item) -> Shaped:
        if body is None and meta.get("key") is None:
            raise NotAnEventError("null (a tombstone without a key)")
        table, topic = text_at(meta, "table"), text_at(meta, "topic")
        kind = kinds.of(*filter(None, (table, table.rpartition(".")[2], topic)))
        timestamp = meta.get("timestamp", meta.get("time") if topic else None)
        if body is None:
            return Shaped(root(kind, "delete", timestamp, kinds.item_of_key(kind, meta["key"])))
        return Shaped(root(kind, "update", timestamp, body))

    return read
