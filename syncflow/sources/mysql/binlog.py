"""Packets of the log → changes of rows, and what stands between them. Pure.

    transaction ─ table map ─ rows … ─ commit        (a statement that changes a table commits by itself)

A transaction begins with its name (GTID), with MySQL without GTIDs an anonymous one; only committed ones are in the log, in the order of
their commits, and XA transactions when they are prepared. Rows stand behind the map of their table.
"""

from __future__ import annotations

import struct
import uuid
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

from syncflow.errors import ProjectError, UnavailableError
from syncflow.events import Json
from syncflow.sources.mysql.cells import UNSENT, Convert, Take, cell_of, skip_of
from syncflow.sources.mysql.layouts import Layout, length_of, table_of
from syncflow.sources.mysql.values import unfit_value

Row: TypeAlias = "dict[str, Json]"
Kind: TypeAlias = Literal["create", "update", "delete"]

_HEADER = struct.Struct("<IBIIIH")

_QUERY, _ROTATE, _LOAD, _FORMAT, _XID, _TABLE_MAP, _INCIDENT, _HEARTBEAT = 2, 4, 18, 15, 16, 19, 26, 27
_GTID, _ANONYMOUS, _XA_PREPARE, _PARTIAL, _PAYLOAD, _HEARTBEAT_2, _TAGGED = 33, 34, 38, 39, 40, 41, 42
_MARIADB_GTID, _QUERY_COMPRESSED = 162, 165
_ROWS: Mapping[int, tuple[Kind, bool, bool]] = {
    23: ("create", False, False), 24: ("update", False, False), 25: ("delete", False, False),
    30: ("create", True, False), 31: ("update", True, False), 32: ("delete", True, False),
    166: ("create", False, True), 167: ("update", False, True), 168: ("delete", False, True),
    169: ("create", True, True), 170: ("update", True, True), 171: ("delete", True, True),
}  # fmt: skip
"""Kinds of rows, whether they have an extra header, whether they are compressed."""


@dataclass(frozen=True, slots=True)
class Begin:
    domain: str
    """In which transactions are numbered: MariaDB's domain, MySQL's server; empty: it has no name."""
    gtid: str
    at: int
    """Wall second of its commit."""
    is_prepared: bool = False
    """It will be prepared only, by XA. MySQL says so by a statement behind this."""


@dataclass(frozen=True, slots=True)
class Statement:
    schema: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Commit:
    prepared: str = ""
    """The XA transaction that is only prepared: another statement says later whether it stands."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """The log goes on in another file."""


@dataclass(frozen=True, slots=True)
class Idle:
    """The server has nothing more to send just now."""


class RowChange(NamedTuple):
    table: str
    kind: Kind
    old: Row | None
    """Of an update that keeps its key and has all columns, the key alone."""
    new: Row | None
    unsent: tuple[str, ...]
    """Columns that ``new`` has not, because they were not in the log."""
    unfit: str


@dataclass(frozen=True, slots=True)
class Rows:
    """Changes of one table; they are taken apart only when they are asked for."""

    layout: Layout
    kind: Kind
    read: Callable[[], Iterator[RowChange]]


Message: TypeAlias = Begin | Statement | Commit | Rotated | Idle | Rows

LayoutOf: TypeAlias = Callable[[str, bytes], "Layout | None"]
"""Reads a table map; None of a table that is not wanted."""


class Decoder:
    """Of one connection; ``file`` and ``position`` are behind the last event."""

    def __init__(self, layout_of: LayoutOf, *, file: str = "", position: int = 4, has_checksums: bool) -> None:
        self._layout_of = layout_of
        self._has_checksums = has_checksums
        self.file = file
        self.position = position
        self._numbers: dict[int, Layout | None] = {}
        self._known: dict[bytes, Layout | None] = {}
        self._plans: dict[tuple[int, bytes], _Plan] = {}

    def forget(self) -> None:
        """Forget how tables looked: a statement has changed one."""
        self._known.clear()
        self._numbers.clear()
        self._plans.clear()

    def decode(self, packet: bytes) -> Message | None:
        """Return what a packet says; None for what nothing depends on.

        Raises:
            ProjectError: the log has a gap, or a form that cannot be read.
            UnavailableError: the packet was damaged on its way.
        """
        at, kind, server, _, end, _ = _HEADER.unpack_from(packet, 1)
        body = packet[20:]
        if kind == _ROTATE:
            return self._rotated(packet, end)
        if kind == _FORMAT:
            self._has_checksums = body[-5] == 1
        elif self._has_checksums:
            self._check(packet)
            body = body[:-4]
        if end and kind not in {_FORMAT, _HEARTBEAT, _HEARTBEAT_2}:
            self._move(end)
        return self._message(kind, body, at, server)

    @staticmethod
    def _check(packet: bytes) -> None:
        if zlib.crc32(packet[1:-4]) != int.from_bytes(packet[-4:], "little"):
            raise UnavailableError("an event of the binlog was damaged on its way")

    def _move(self, end: int) -> None:
        """Positions are written with 32 bits; a file may be longer."""
        position = self.position & ~0xFFFFFFFF | end
        self.position = position if position >= self.position else position + (1 << 32)

    def _rotated(self, packet: bytes, end: int) -> Rotated:
        body = packet[20:]
        if self._has_checksums and zlib.crc32(packet[1:-4]) == int.from_bytes(packet[-4:], "little"):
            body = body[:-4]
        file, position = body[8:].decode(), int.from_bytes(body[:8], "little")
        if file != self.file or end:
            self._numbers.clear()
        self.file, self.position = file, position
        return Rotated()

    def _message(self, kind: int, body: bytes, at: int, server: int) -> Message | None:
        if kind == _TABLE_MAP:
            self._table_map(body)
            return None
        if kind in _ROWS:
            return self._rows(kind, body)
        if kind in _REFUSED:
            words, hint = _REFUSED[kind]
            raise ProjectError(words, hint=hint)
        return _between(kind, body, at, server)

    def _table_map(self, body: bytes) -> None:
        number, rest = int.from_bytes(body[:6], "little"), body[8:]
        if rest not in self._known:
            if len(self._known) > 10_000:
                self.forget()
            self._known[rest] = self._layout_of(table_of(rest)[0], rest)
        self._numbers[number] = self._known[rest]

    def _rows(self, kind: int, body: bytes) -> Rows | None:
        layout = self._numbers.get(int.from_bytes(body[:6], "little"))
        if layout is None:
            return None
        change, has_extra, is_compressed = _ROWS[kind]
        at = 8
        if has_extra:
            at += int.from_bytes(body[8:10], "little")
        width, at = length_of(body, at)
        size = (width + 7) // 8
        before, at = body[at : at + size], at + size
        after = before
        if change == "update":
            after, at = body[at : at + size], at + size
        data = _uncompressed(body[at:]) if is_compressed else body[at:]
        old = self._plan(layout, before) if change != "create" else None
        new = self._plan(layout, after) if change != "delete" else None
        return Rows(layout, change, lambda: _changes(layout.table, change, data, old, new))

    def _plan(self, layout: Layout, present: bytes) -> _Plan:
        plan = self._plans.get((id(layout), present))
        if plan is None:
            plan = self._plans[id(layout), present] = _Plan(layout, present)
        return plan


_REFUSED = {
    _INCIDENT: (
        "the server says that changes are missing in its binlog",
        "read all rows anew: `syncflow run --from-start`",
    ),
    _PARTIAL: (
        "the binlog holds changes of parts of JSON values",
        "SET GLOBAL binlog_row_value_options = ''; then `syncflow run --from-start`",
    ),
    _TAGGED: ("the transactions in the binlog have tags, which cannot be read", ""),
    _PAYLOAD: (
        "the transactions in the binlog are compressed",
        "SET GLOBAL binlog_transaction_compression = OFF; then `syncflow run --from-start`",
    ),
}


class _Plan:
    """How a row with these columns is read; it keeps its layout alive, by whose identity it is found."""

    def __init__(self, layout: Layout, present: bytes) -> None:
        self.layout = layout
        bits = int.from_bytes(present, "little")
        cells: list[tuple[str, Take, Convert | Literal["unsent"] | None]] = []
        skips: list[tuple[int, bool, int]] = []
        unsent = []
        for place, column in enumerate(layout.columns):
            name = column.facts.name
            if not bits >> place & 1:
                unsent.append(name)
                continue
            take, convert = cell_of(column, table=layout.table)
            skips.append((*skip_of(column, take), len(cells) if name in layout.key else -1))
            cells.append((name, take, convert))
            if convert == UNSENT:
                unsent.append(name)
        self.cells = cells
        self._skips = skips
        self.unsent = tuple(unsent)
        self._null_bytes = (len(cells) + 7) // 8

    def key(self, data: bytes, at: int) -> tuple[Row, int]:
        """Return the key of a row alone, and where the row ends."""
        end = at + self._null_bytes
        nulls = int.from_bytes(data[at:end], "little")
        at, key = end, dict[str, Any]()
        for size, is_prefixed, place in self._skips:
            if not nulls & 1:
                if place >= 0:
                    name, take, convert = self.cells[place]
                    value, _ = take(data, at)
                    key[name] = value if convert is None else _converted(name, value, convert)
                end = at + size
                at = end + int.from_bytes(data[at:end], "little") if is_prefixed else end
            nulls >>= 1
        return key, at

    def read(self, data: bytes, at: int) -> tuple[Row, str, int]:
        """Return a row, why it cannot be used (or nothing), and where it ends."""
        end = at + self._null_bytes
        nulls = int.from_bytes(data[at:end], "little")
        at, row, unfit = end, dict[str, Any](), ""
        for name, take, convert in self.cells:
            if nulls & 1:
                row[name] = None
            elif convert is None:
                row[name], at = take(data, at)
            else:
                value, at = take(data, at)
                if convert != UNSENT:
                    try:
                        row[name] = convert(value)
                    except ValueError as error:
                        unfit, row[name] = unfit_value(name, value, error)
            nulls >>= 1
        return row, unfit, at


def _converted(name: str, value: Any, convert: Convert | Literal["unsent"]) -> Json:
    """Return a key's value, or the text that a person may see of one that is unfit, as ``read`` does."""
    if convert == UNSENT:
        return None
    try:
        return convert(value)
    except ValueError as error:
        return unfit_value(name, value, error)[1]


def _changes(table: str, kind: Kind, data: bytes, old: _Plan | None, new: _Plan | None) -> Iterator[RowChange]:
    at, end = 0, len(data)
    while at < end:
        if new is None:
            assert old is not None
            before, unfit, at = old.read(data, at)
            yield RowChange(table, kind, before, None, (), unfit)
            continue
        start, key = at, dict[str, Json]()
        if old is not None:
            key, at = old.key(data, at)
        after, unfit, at = new.read(data, at)
        unsent = tuple(name for name in new.unsent if name not in after) if new.unsent else ()
        if old is not None and (unsent or any(after.get(name) != value for name, value in key.items())):
            key, _, _ = old.read(data, start)
        yield RowChange(table, kind, key if old is not None else None, after, unsent, unfit)


def _between(kind: int, body: bytes, at: int, server: int) -> Message | None:
    """Return what stands between changes of rows."""
    if kind in {_QUERY, _QUERY_COMPRESSED, _LOAD}:
        return _statement(body, at, is_compressed=kind == _QUERY_COMPRESSED, more_head=13 if kind == _LOAD else 0)
    if kind == _XA_PREPARE and not body[0]:
        return Commit(prepared=_xid(body))
    if kind in {_XID, _XA_PREPARE}:
        return Commit()
    if kind in {_HEARTBEAT, _HEARTBEAT_2}:
        return Idle()
    return _begin(kind, body, at, server)


def _begin(kind: int, body: bytes, at: int, server: int) -> Begin | None:
    """Return the beginning of a transaction; None for anything else."""
    if kind == _MARIADB_GTID:
        number, domain, flags = struct.unpack_from("<QIB", body)
        return Begin(str(domain), f"{domain}-{server}-{number}", at, is_prepared=bool(flags & 64))
    if kind == _ANONYMOUS:
        return Begin("", "", at)
    if kind != _GTID:
        return None
    name, count = str(uuid.UUID(bytes=body[1:17])), int.from_bytes(body[17:25], "little")
    return Begin(name, f"{name}:{count}", at)


def _xid(body: bytes) -> str:
    """Write an XA transaction's name as statements do."""
    form, first, second = struct.unpack_from("<iII", body, 1)
    name = body[13 : 13 + first + second]
    return f"X'{name[:first].hex()}',X'{name[first:].hex()}',{form}".upper()


def _statement(body: bytes, at: int, *, is_compressed: bool, more_head: int) -> Statement:
    schema_size, _, more = struct.unpack_from("<BHH", body, 8)
    start = 13 + more_head + more
    schema = body[start : start + schema_size].decode(errors="replace")
    text = body[start + schema_size + 1 :]
    return Statement(schema, (_uncompressed(text) if is_compressed else text).decode(errors="replace"), at)


def _uncompressed(data: bytes) -> bytes:
    """Unpack MariaDB's compressed events: a byte says how many bytes the length has."""
    size = data[0] & 0x07
    return zlib.decompress(data[1 + size :])
