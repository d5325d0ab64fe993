"""Where in the log: a file with a position, and the set of transactions (GTIDs) before it. Pure.

MariaDB writes a set as the last transaction of each domain (``0-1-7,1-2-3``), MySQL as intervals of each server (``uuid:1-7:9``). A set
grows by the transactions that are read, and asks the server for those behind it, also after a failover to a replica.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

import orjson

from syncflow.errors import ProjectError

Number: TypeAlias = tuple[int, int]
"""The count of a transaction, and the number of a change in it."""


class Place(NamedTuple):
    """Where to read on."""

    file: str
    position: int
    gtids: str = ""
    """The transactions before it; with ``has_gtids`` also an empty set is one."""
    has_gtids: bool = False


class Gtids(Protocol):
    def add(self, domain: str, gtid: str) -> None:
        """Take note of a transaction that is read wholly."""
        ...

    def __str__(self) -> str: ...


class MariadbGtids:
    def __init__(self, text: str) -> None:
        self._last = {gtid.partition("-")[0]: gtid for gtid in text.replace(" ", "").split(",") if gtid}

    def add(self, domain: str, gtid: str) -> None:
        self._last[domain] = gtid

    def __str__(self) -> str:
        return ",".join(self._last.values())


def numbers_of(text: str) -> dict[str, int]:
    """Return how far a set of MariaDB's goes in each domain."""
    found = [gtid.split("-") for gtid in text.replace(" ", "").split(",") if gtid]
    return {parts[0]: int(parts[2]) for parts in found}


class MysqlGtids:
    """Intervals include both ends, as they are written."""

    def __init__(self, text: str) -> None:
        self._intervals: dict[str, list[list[int]]] = {}
        for entry in "".join(text.split()).split(","):
            if entry:
                server, *intervals = entry.lower().split(":")
                self._intervals.setdefault(server, []).extend(map(_interval, intervals))

    def add(self, domain: str, gtid: str) -> None:
        number = int(gtid.rpartition(":")[2])
        intervals = self._intervals.setdefault(domain, [])
        for interval in intervals:
            if interval[0] <= number <= interval[1]:
                return
            if number == interval[1] + 1:
                interval[1] = number
                self._merge(intervals)
                return
        intervals.append([number, number])
        self._merge(intervals)

    @staticmethod
    def _merge(intervals: list[list[int]]) -> None:
        if len(intervals) < 2:
            return
        intervals.sort()
        merged = [intervals[0]]
        for first, last in intervals[1:]:
            if first <= merged[-1][1] + 1:
                merged[-1][1] = max(merged[-1][1], last)
            else:
                merged.append([first, last])
        intervals[:] = merged

    def __str__(self) -> str:
        return ",".join(
            ":".join((server, *(f"{first}-{last}" if last > first else str(first) for first, last in intervals)))
            for server, intervals in self._intervals.items()
        )

    def encoded(self) -> bytes:
        """Return the set as the command that asks for a stream carries it."""
        parts = [struct.pack("<Q", len(self._intervals))]
        for server, intervals in self._intervals.items():
            parts += [uuid.UUID(server).bytes, struct.pack("<Q", len(intervals))]
            parts += [struct.pack("<QQ", first, last + 1) for first, last in intervals]
        return b"".join(parts)


def _interval(text: str) -> list[int]:
    first, _, last = text.partition("-")
    return [int(first), int(last or first)]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is kept with a position, so that the same changes get the same positions when they are read again."""

    start: Place
    """Where reading begins again: before the transaction, or before one that was still open then."""
    count: int
    """How many transactions with changes of ours were counted before ``start``."""
    transaction: str = ""
    """The name of the position's own transaction; empty for a row of a snapshot."""
    at: int = 0
    """The second of that transaction."""
    tables: tuple[str, ...] = ()
    """The tables whose rows had been read when it was handed out."""
    names: tuple[str, ...] = ()
    """The tables that were read then: changes of all of them are counted."""

    def __str__(self) -> str:
        start = self.start
        written: dict[str, object] = {"file": start.file, "position": start.position, "count": self.count}
        if start.has_gtids:
            written["gtids"] = start.gtids
        if self.transaction:
            written |= {"transaction": self.transaction, "at": self.at, "names": self.names}
        return orjson.dumps(written | {"tables": self.tables}).decode()


def evidence_of(text: str) -> Evidence:
    """Read what ``str`` of an evidence wrote.

    Raises:
        ProjectError: it is something else.
    """
    try:
        read: Mapping[str, object] = orjson.loads(text)
        gtids = read.get("gtids")
        return Evidence(
            start=Place(str(read["file"]), _int(read["position"]), str(gtids or ""), gtids is not None),
            count=_int(read["count"]),
            transaction=str(read.get("transaction", "")),
            at=_int(read.get("at", 0)),
            tables=_texts(read["tables"]),
            names=_texts(read.get("names", [])),
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise ProjectError(
            "the journal's position in the binlog cannot be read",
            hint="read all rows anew: `syncflow run --from-start`",
        ) from None


def _int(value: object) -> int:
    return int(str(value))


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError(value)
    return tuple(map(str, value))
