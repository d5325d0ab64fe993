"""Text that carries other values: base64 and JSON, as programs write them."""

from __future__ import annotations

import base64
from typing import Final

import orjson

from syncflow.events import Json
from syncflow.patterns import lazy_pattern

_BLANKS: Final = lazy_pattern(r"\s+")
_OTHER_ALPHABET: Final = str.maketrans("-_", "+/")
_DEEPEST: Final = 100


def read_base64(text: str) -> bytes | None:
    """Return the bytes of base64, also in lines (MySQL, PostgreSQL, mail), in the alphabet of URLs, or without its padding."""
    packed = _BLANKS.sub("", text).translate(_OTHER_ALPHABET).rstrip("=")
    try:
        found = base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except ValueError:
        return None
    return found if base64.b64encode(found).decode().rstrip("=") == packed else None


def read_json(text: str) -> Json:
    """Return the value of JSON text, None where it is none, or nested deeper than 100."""
    try:
        read: Json = orjson.loads(text)
    except ValueError:
        return None
    return None if _deeper_than(read, _DEEPEST) else read


def _deeper_than(value: Json, levels: int) -> bool:
    """Return whether lists and objects are nested deeper, level by level, so that depth costs no stack."""
    level: list[Json] = [value]
    for _ in range(levels + 1):
        level = [entry for holder in level for entry in _entries(holder)]
        if not level:
            return False
    return True


def _entries(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
