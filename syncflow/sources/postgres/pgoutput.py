"""Messages of PostgreSQL's plugin ``pgoutput`` (protocol version 1) → changes of rows. Pure.

    begin ─ relation ─ insert │ update │ delete │ truncate … ─ commit

A begin message carries the LSN of the transaction's commit already, so that each of its changes has its position at once and a transaction
need not fit into memory. A relation message stands before the first row of a table in a session and after each change of its columns.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from syncflow.events import Json
from syncflow.sources.postgres.values import Convert, Types, unfit_value

EPOCH_SECONDS = 946_684_800
"""PostgreSQL counts from the first of January 2000."""

Row: TypeAlias = "dict[str, Json]"
Converts: TypeAlias = "tuple[tuple[str, Convert | None], ...]"
"""Of each column its name, and how its text becomes JSON: all that reading a row needs."""


@dataclass(frozen=True, slots=True)
class Begin:
    commit: int
    """The LSN of the commit to come."""
    committed_at: float
    """Wall seconds."""


@dataclass(frozen=True, slots=True)
class Commit:
    commit: int
    end: int
    """Behind the transaction: what is confirmed when all of it is acknowledged."""


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    oid: int
    convert: Convert | None
    is_key: bool


@dataclass(frozen=True, slots=True)
class Relation:
    oid: int
    table: str
    """``schema.table``."""
    identity: str
    """d: primary key, i: an index, f: the whole row, n: nothing."""
    columns: tuple[Column, ...]
    converts: Converts


@dataclass(slots=True)
class RowChange:
    """``old`` is the key before (or, with the identity "full", the whole row); ``unchanged`` are columns whose value was not sent."""

    kind: Literal["create", "update", "delete"]
    relation: Relation
    old: Row | None
    new: Row | None
    unchanged: tuple[str, ...] = ()
    unfit: str = ""
    """Why the row cannot be written in JSON; names the column."""


@dataclass(frozen=True, slots=True)
class Truncate:
    relations: tuple[Relation, ...]


Message: TypeAlias = "Begin | Commit | Relation | RowChange | Truncate | None"


class Decoder:
    """Keeps the relations of one session."""

    def __init__(self, types: Types) -> None:
        self.types = types
        self._relations: dict[int, Relation] = {}

    def decode(self, message: bytes) -> Message:
        """Return the next message; None for one that says nothing of rows (types, origins)."""
        sign = message[0]
        if (kind := _CHANGES.get(sign)) is not None:
            return self._change(message, kind)
        if sign == 0x42:  # B
            moment = int.from_bytes(message[9:17], "big", signed=True) / 1e6 + EPOCH_SECONDS
            return Begin(int.from_bytes(message[1:9], "big"), moment)
        if sign == 0x43:  # C
            return Commit(int.from_bytes(message[2:10], "big"), int.from_bytes(message[10:18], "big"))
        if sign == 0x52:  # R
            relation = read_relation(message, self.types)
            self._relations[relation.oid] = relation
            return relation
        if sign == 0x54:  # T
            count = int.from_bytes(message[1:5], "big")
            oids = (int.from_bytes(message[at : at + 4], "big") for at in range(6, 6 + 4 * count, 4))
            return Truncate(tuple(self._relations[oid] for oid in oids))
        return None

    def learn(self, relation: Relation) -> None:
        """Read a relation's columns by the types that are known now."""
        columns = tuple(replace(column, convert=self.types.convert(column.oid)) for column in relation.columns)
        self._relations[relation.oid] = replace(relation, columns=columns, converts=_converts(columns))

    def _change(self, message: bytes, kind: Literal["create", "update", "delete"]) -> RowChange:
        relation = self._relations[int.from_bytes(message[1:5], "big")]
        if message[5] == 0x4E:  # N: a row, and no row before it
            new, unchanged, _, unfit = read_row(message, 6, relation.converts)
            return RowChange(kind, relation, None, new, unchanged, unfit)
        old: Row
        old, _, at, unfit = read_row(message, 6, relation.converts)
        if message[5] == 0x4B:  # K: its key alone; O: all of it
            old = {column.name: old[column.name] for column in relation.columns if column.is_key}
        if kind == "delete":
            return RowChange(kind, relation, old, None, (), unfit)
        new, unchanged, _, bad = read_row(message, at + 1, relation.converts)
        return RowChange(kind, relation, old, new, unchanged, bad or unfit)


_length_at = struct.Struct("!I").unpack_from

_TWO_BYTES = 0xFFFF
"""A message of at most this many bytes has no value whose length needs more than two."""

_CHANGES: Mapping[int, Literal["create", "update", "delete"]] = {0x49: "create", 0x55: "update", 0x44: "delete"}


def _converts(columns: Sequence[Column]) -> Converts:
    return tuple((column.name, column.convert) for column in columns)


def read_row(message: bytes, at: int, columns: Converts) -> tuple[Row, tuple[str, ...], int, str]:
    """Return the row, the columns that were not sent, the place behind, and why a value is unfit ("" where none is)."""
    at += 2
    values = message[at:]
    if values.isascii() and len(values) <= _TWO_BYTES:
        try:
            row, unchanged, size = _read_plain(values, columns)
        except ValueError:
            pass  # it is read again, with care for each value
        else:
            return row, unchanged, at + size, ""
    row, unchanged, size, unfit = _read_any(values, columns)
    return row, unchanged, at + size, unfit


def _read_plain(values: bytes, columns: Converts) -> tuple[Row, tuple[str, ...], int]:
    """Read values that are ASCII, with their lengths: they are cut out of one text."""
    row: Row = {}
    unchanged: tuple[str, ...] = ()
    plain = values.decode("ascii")
    at = 0
    for name, convert in columns:
        sign = values[at]
        if sign == 0x74:  # t
            start = at + 5
            at = start + values[at + 4] + (values[at + 3] << 8)
            row[name] = plain[start:at] if convert is None else convert(plain[start:at])
        else:
            at += 1
            if sign == 0x6E:  # n
                row[name] = None
            else:
                unchanged += (name,)
    return row, unchanged, at


def _read_any(values: bytes, columns: Converts) -> tuple[Row, tuple[str, ...], int, str]:
    row: Row = {}
    unchanged: tuple[str, ...] = ()
    unfit = ""
    at = 0
    for name, convert in columns:
        sign = values[at]
        if sign == 0x74:  # t
            start = at + 5
            at = start + _length_at(values, at + 1)[0]
            value = values[start:at]
            try:
                row[name] = value.decode() if convert is None else convert(value.decode())
            except ValueError as error:
                unfit, row[name] = unfit_value(name, value, error)
        else:
            at += 1
            if sign == 0x6E:  # n
                row[name] = None
            else:
                unchanged += (name,)
    return row, unchanged, at, unfit


def read_relation(message: bytes, types: Types) -> Relation:
    schema, at = _text(message, 5)
    table, at = _text(message, at)
    identity = chr(message[at])
    count = int.from_bytes(message[at + 1 : at + 3], "big")
    at += 3
    columns: list[Column] = []
    for _ in range(count):
        is_key = bool(message[at] & 1)
        name, at = _text(message, at + 1)
        oid = int.from_bytes(message[at : at + 4], "big")
        at += 8  # the type, and its modifier
        columns.append(Column(name, oid, types.convert(oid), is_key))
    return Relation(
        int.from_bytes(message[1:5], "big"),
        f"{schema or 'pg_catalog'}.{table}",
        identity,
        tuple(columns),
        _converts(columns),
    )


def _text(message: bytes, at: int) -> tuple[str, int]:
    end = message.index(0, at)
    return message[at:end].decode(), end + 1
