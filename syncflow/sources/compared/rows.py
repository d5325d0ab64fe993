"""Rows of a file as passes see them: JSON objects, whose text goes into the event as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from syncflow.events import Raw

_SORTED = orjson.OPT_SORT_KEYS


class FileChunk:
    """``compared``: the columns in which a difference matters, the key's among them; None: all."""

    def __init__(
        self,
        raws: Sequence[Raw],
        *,
        kind: str,
        key: Sequence[str],
        compared: Sequence[str] | None,
        timestamp: str | None,
        time: str,
    ) -> None:
        self._raws = raws
        self._kind = kind
        self._key = key
        self._compared = compared
        self._timestamp = timestamp
        self._time = time
        self._items: list[dict[str, Any] | None] = [None if raw.broken else _item(raw.body) for raw in raws]

    def __len__(self) -> int:
        return len(self._raws)

    @property
    def has_key(self) -> bool:
        """Whether some row has a value in every column of the key, or there is no row to tell by."""
        items = [item for item in self._items if item is not None]
        return not items or any(all(name in item for name in self._key) for item in items)

    @property
    def names(self) -> Sequence[str]:
        """The columns of the first row."""
        return tuple(next((item for item in self._items if item is not None), {}))

    def texts(self) -> Sequence[bytes]:
        """Columns may come in another order than before, which is no difference."""
        compared, dumps = self._compared, orjson.dumps
        if compared is None:
            return [
                self._shown(place) if item is None else dumps(item, None, _SORTED)
                for place, item in enumerate(self._items)
            ]
        return [
            self._shown(place)
            if item is None
            else dumps({name: item[name] for name in compared if name in item}, None, _SORTED)
            for place, item in enumerate(self._items)
        ]

    def keys(self, places: Sequence[int]) -> list[str | None]:
        return [self._key_of(place) for place in places]

    def _key_of(self, place: int) -> str | None:
        item = self._items[place]
        values = [None] if item is None else [item.get(name) for name in self._key]
        if any(value is None or isinstance(value, dict | list) for value in values):
            return None
        return orjson.dumps(values).decode()

    def event(self, place: int, change: str) -> tuple[bytes, str]:
        item = self._items[place]
        time: object = self._time
        if self._timestamp is not None:
            assert item is not None, "what is no object has no key"
            time = item.get(self._timestamp)
        head = orjson.dumps({"record": self._kind, "operation": change, "timestamp": time})
        return b'%s,"item":%s}' % (head[:-1], self._raws[place].body), ""

    def keyless(self, place: int) -> tuple[bytes, str]:
        raw, item = self._raws[place], self._items[place]
        if raw.broken:
            return raw.body, raw.broken
        if item is None:
            return raw.body, "no JSON object: a row is an object, its columns by their names"
        name = next(name for name in self._key if item.get(name) is None or isinstance(item[name], dict | list))
        return raw.body, f"the key column {name} holds no value: no record can be told from the row"

    def line(self, place: int) -> int | None:
        return self._raws[place].position.line

    def _shown(self, place: int) -> bytes:
        """Return a text for a row that is no object: what is there of it, and the hash of the rest."""
        raw = self._raws[place]
        return b"%s %s" % (raw.sha256.encode(), raw.body)


def _item(body: bytes) -> dict[str, Any] | None:
    try:
        item = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return item if isinstance(item, dict) else None
