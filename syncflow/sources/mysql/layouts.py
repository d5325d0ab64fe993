"""A table map, which stands before the rows of a table in the log → the table's columns as they were then. Pure.

With ``binlog_row_metadata = FULL`` it says everything; else it says only types, and names and the rest are those that the table has now
(``Facts``), if the types are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from syncflow.sources.mysql.charsets import text_reader

TINY, SHORT, LONG, FLOAT, DOUBLE, TIMESTAMP, LONGLONG, INT24, DATE, TIME, DATETIME, YEAR = (
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    9,
    10,
    11,
    12,
    13,
)
VARCHAR, BIT, TIMESTAMP2, DATETIME2, TIME2 = 15, 16, 17, 18, 19
BLOB_COMPRESSED, VARCHAR_COMPRESSED = 140, 141
VECTOR, JSON, DECIMAL, ENUM, SET, BLOB, VAR_STRING, STRING, GEOMETRY = 242, 245, 246, 247, 248, 252, 253, 254, 255

_META_BYTES: Mapping[int, int] = {
    **dict.fromkeys((FLOAT, DOUBLE, BLOB, BLOB_COMPRESSED, GEOMETRY, JSON, VECTOR, TIMESTAMP2, DATETIME2, TIME2), 1),
    **dict.fromkeys((VARCHAR, VARCHAR_COMPRESSED, DECIMAL, BIT, ENUM, SET, VAR_STRING, STRING), 2),
}
_NUMERIC = frozenset({TINY, SHORT, INT24, LONG, LONGLONG, DECIMAL, FLOAT, DOUBLE, YEAR})
_CHARACTER = frozenset({STRING, VAR_STRING, VARCHAR, BLOB})


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a column beyond its type in the log."""

    name: str
    data_type: str = ""
    """As the server calls it: ``int``, ``uuid`` …; empty where the table has no such column now."""
    is_unsigned: bool = False
    charset: str = ""
    """Empty: of no text."""
    values: tuple[str, ...] = ()
    """Of an enum or a set."""
    is_json: bool = False
    """Text that the server checks to be JSON (MariaDB's ``json``)."""


@dataclass(frozen=True, slots=True)
class Column:
    type: int
    meta: int
    facts: Facts


@dataclass(frozen=True, slots=True)
class Layout:
    table: str
    """``schema.table``."""
    columns: tuple[Column, ...]
    is_described: bool
    """Whether the log itself named the columns."""
    key: tuple[str, ...] = ()
    """The columns by which rows are told apart."""


def table_of(body: bytes) -> tuple[str, int]:
    """Return ``schema.table`` of a table map (behind the table's number and flags), and where the columns begin."""
    length = body[0]
    schema = body[1 : 1 + length].decode(errors="replace")
    at = length + 2
    length = body[at]
    return f"{schema}.{body[at + 1 : at + 1 + length].decode(errors='replace')}", at + length + 2


def length_of(body: bytes, at: int) -> tuple[int, int]:
    """Read a number of variable length; return it and where it ends."""
    first = body[at]
    if first < 251:
        return first, at + 1
    size = {252: 2, 253: 3, 254: 8}[first]
    return int.from_bytes(body[at + 1 : at + 1 + size], "little"), at + 1 + size


def read_layout(body: bytes, *, known: Sequence[Facts], charset_of: Callable[[int], str], is_mariadb: bool) -> Layout:
    """Read a table map; ``known`` are the table's columns now, in order, ``charset_of`` says of a collation's number its character set."""
    table, at = table_of(body)
    count, at = length_of(body, at)
    types = body[at : at + count]
    size, at = length_of(body, at + count)
    pairs = _pairs(types, body[at : at + size])
    at += size + (count + 7) // 8  # behind the bits that say which columns may be null
    described = _Description(pairs, is_mariadb=is_mariadb)
    described.read(body, at, charset_of)
    if described.names:
        by_name = {facts.name: facts for facts in known}
        facts = [described.facts(place, by_name.get(name)) for place, name in enumerate(described.names)]
    else:
        facts = [*known, *(Facts("") for _ in range(count))][:count]
    columns = tuple(Column(kind, meta, fact) for (kind, meta), fact in zip(pairs, facts, strict=True))
    return Layout(table, columns, is_described=bool(described.names))


def _pairs(types: bytes, metas: bytes) -> list[tuple[int, int]]:
    """Return the real type and the meta of each column: enums and sets come as strings."""
    found, at = [], 0
    for kind in types:
        size = _META_BYTES.get(kind, 0)
        meta = metas[at : at + size]
        at += size
        if kind in {STRING, VAR_STRING} and meta[0] in {ENUM, SET}:
            found.append((meta[0], meta[1]))
        elif kind in {STRING, VAR_STRING}:
            found.append((kind, (((meta[0] << 4) & 0x300) ^ 0x300) + meta[1]))
        elif kind in {DECIMAL, BIT}:
            found.append((kind, meta[0] << 8 | meta[1]))
        else:
            found.append((kind, int.from_bytes(meta, "little")))
    return found


class _Description:
    """The optional part of a table map."""

    def __init__(self, pairs: Sequence[tuple[int, int]], *, is_mariadb: bool) -> None:
        character = _CHARACTER | ({GEOMETRY} if is_mariadb else frozenset())
        self._types = [kind for kind, _ in pairs]
        self._texts = [place for place, kind in enumerate(self._types) if kind in character]
        self._choices = [place for place, kind in enumerate(self._types) if kind in {ENUM, SET}]
        self.names: list[str] = []
        self._unsigned: set[int] = set()
        self._charsets: dict[int, str] = {}
        self._lists: dict[int, list[bytes]] = {}

    def read(self, body: bytes, at: int, charset_of: Callable[[int], str]) -> None:
        while at < len(body):
            kind = body[at]
            size, at = length_of(body, at + 1)
            part = body[at : at + size]
            at += size
            if kind == 1:
                numeric = [place for place, type_ in enumerate(self._types) if type_ in _NUMERIC]
                bits = int.from_bytes(part, "big") if part else 0
                width = len(part) * 8
                self._unsigned = {place for n, place in enumerate(numeric) if n < width and bits >> (width - 1 - n) & 1}
            elif kind in {2, 10}:
                self._default(part, self._texts if kind == 2 else self._choices, charset_of)
            elif kind in {3, 11}:
                places = self._texts if kind == 3 else self._choices
                self._charsets.update(zip(places, map(charset_of, _numbers(part)), strict=False))
            elif kind == 4:
                self.names = [name.decode(errors="replace") for name in _words(part)]
            elif kind in {5, 6}:
                wanted = SET if kind == 5 else ENUM
                places = [place for place in self._choices if self._types[place] == wanted]
                self._lists.update(zip(places, _lists(part), strict=False))

    def _default(self, part: bytes, places: Sequence[int], charset_of: Callable[[int], str]) -> None:
        default, *others = _numbers(part)
        self._charsets.update(dict.fromkeys(places, charset_of(default)))
        for place, collation in zip(others[::2], others[1::2], strict=True):
            self._charsets[places[place]] = charset_of(collation)

    def facts(self, place: int, now: Facts | None) -> Facts:
        charset = self._charsets.get(place, "")
        read = text_reader(charset or "utf8mb4")
        found = Facts(
            self.names[place],
            data_type=now.data_type if now else "",
            is_unsigned=place in self._unsigned,
            charset=charset,
            is_json=bool(now and now.is_json),
        )
        listed = self._lists.get(place)
        return found if listed is None else replace(found, values=tuple(map(read, listed)))


def _numbers(part: bytes) -> list[int]:
    found, at = [], 0
    while at < len(part):
        number, at = length_of(part, at)
        found.append(number)
    return found


def _words(part: bytes) -> list[bytes]:
    found, at = [], 0
    while at < len(part):
        size, at = length_of(part, at)
        found.append(part[at : at + size])
        at += size
    return found


def _lists(part: bytes) -> list[list[bytes]]:
    found, at = [], 0
    while at < len(part):
        count, at = length_of(part, at)
        words = []
        for _ in range(count):
            size, at = length_of(part, at)
            words.append(part[at : at + size])
            at += size
        found.append(words)
    return found
