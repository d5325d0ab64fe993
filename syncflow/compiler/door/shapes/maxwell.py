"""``maxwell``: what Maxwell's daemon writes of MySQL's binlog. Source: https://maxwells-daemon.io/dataformat/.

    {"database": "shop", "table": "customers", "type": "update", "ts": 1449786310, "xid": 940752, "data": {…}, "old": {…}}

``ts`` counts seconds. ``bootstrap-insert`` is a row of a snapshot; its start and end, and changes of tables, are no events.
"""

from __future__ import annotations

from syncflow.compiler.door.shapes.parts import Kinds, NotAnEventError, Shape, Shaped, root, text_at
from syncflow.config.models.routes import Envelope
from syncflow.events import Item

_CHANGES = {"insert": "create", "bootstrap-insert": "create", "update": "update", "delete": "delete"}
_NO_EVENTS = ("bootstrap-start", "bootstrap-complete", "table-", "database-")


def maxwell(_settings: Envelope, kinds: Kinds) -> Shape:
    """Return the reader of Maxwell's messages."""

    def read(body: Item | None, _meta: Item) -> Shaped:
        if body is None:
            raise NotAnEventError("null (a tombstone)")
        word = text_at(body, "type")
        if word.startswith(_NO_EVENTS):
            raise NotAnEventError(f"{word} of maxwell")
        database, table = text_at(body, "database"), text_at(body, "table")
        kind = kinds.of(f"{database}.{table}", table)
        return Shaped(root(kind, _CHANGES.get(word, word or None), body.get("ts"), body.get("data")))

    return read
