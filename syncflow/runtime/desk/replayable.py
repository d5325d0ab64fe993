"""Which records a journal can send again: the newest event of each that was once routed, and why one that is asked for cannot be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from shlex import quote
from typing import Any, NamedTuple

import orjson

from syncflow.config.journal_place import Place
from syncflow.errors import DataError
from syncflow.events import Position, Raw, Record
from syncflow.runtime.desk.named_records import RecordName, named_record, similar_record
from syncflow.runtime.journal.homes import reading, writing
from syncflow.runtime.journal.tables.database import Database
from syncflow.runtime.journal.tables.known import earlier_events as read_events

_HAS_OPEN_LETTER = "EXISTS (SELECT 1 FROM dead_letters l WHERE l.event = {e}.seq AND l.state = 'open')"
_IS_REPLAYABLE = (
    "({e}.state = 'routed' OR ({e}.state = 'dead' AND EXISTS (SELECT 1 FROM deliveries d WHERE d.event = {e}.seq) "
    f"AND NOT {_HAS_OPEN_LETTER}))"
)
"""An event that was delivered, then replayed through files that were wrong for a while, is dead; it can be sent again none the less
once its dead letter was dropped. While that is open, it is redriven."""


@dataclass(frozen=True, slots=True)
class Replayable:
    """The newest journaled event of one record, and what was last sent for it: route → payload."""

    event: int
    kind: str
    record: str
    raw: Raw
    sent: Mapping[str, bytes]
    present: frozenset[str] = frozenset()
    """The routes by which the record is known to be somewhere."""


def replayable(
    place: Place, *, record: str = "", since: float | None = None, until: float | None = None
) -> list[Replayable]:
    """Return, for each record with an event that matches, its newest event, unless that is a delete."""
    with writing(place) as journal:
        name = named_record(journal, record) if record else None
        where, values = _matching(name, since, until)
        chosen = f"SELECT DISTINCT kind, record FROM events e WHERE {_IS_REPLAYABLE.format(e='e')} AND {where}"
        newest = (
            f"SELECT max(n.seq) FROM events n JOIN ({chosen}) c ON n.kind = c.kind AND n.record = c.record "
            f"WHERE {_IS_REPLAYABLE.format(e='n')} GROUP BY n.kind, n.record"
        )
        columns = 'seq, kind, record, partition, "offset", line, raw, meta'
        sql = f"SELECT {columns} FROM events WHERE seq IN ({newest}) AND change != 'delete' ORDER BY seq"
        return [
            Replayable(
                seq,
                kind,
                name,
                Raw(Position(*place), body, meta=orjson.loads(meta) if meta is not None else None),
                _last_sent(journal, kind, name),
                _present(journal, kind, name),
            )
            for seq, kind, name, *place, body, meta in journal.execute(sql, values).fetchall()
        ]


def events_before(place: Place, row: Replayable) -> Iterator[Raw]:
    """Yield the events of a record before that one, newest first."""
    with reading(place) as journal:
        yield from (raw for _, raw in read_events(journal, Record(row.kind, row.record), before=row.event))


class _Event(NamedTuple):
    """An event of the record that was asked for."""

    kind: str | None
    state: str
    change: str | None
    seq: int
    has_letter: int
    """Whether it has an open dead letter."""


def why_not_replayable(
    place: Place, record: str, *, since: float | None = None, until: float | None = None
) -> DataError:
    """Return, as an error with a hint, why nothing is sent again of a record: to be asked where ``replayable`` finds nothing of it."""
    with writing(place) as journal:
        name = named_record(journal, record)
        rows = journal.execute(
            f"SELECT e.kind, e.state, e.change, e.seq, {_HAS_OPEN_LETTER.format(e='e')} FROM events e WHERE {_NAMED} ORDER BY e.seq",
            (name.id, name.kind, name.kind),
        ).fetchall()
        events = [_Event(*row) for row in rows]
        if not events:
            return _unknown(journal, name)
    where, values = _matching(name, since, until)
    if since is not None or until is not None:
        with writing(place) as journal:
            if not journal.execute(f"SELECT 1 FROM events e WHERE {where} LIMIT 1", values).fetchone():
                return DataError(f"no event of the record {name.id} was read in that time (--since, --until)")
    return _why(name, events)


def _why(name: RecordName, events: list[_Event]) -> DataError:
    routed = [event for event in events if event.state == "routed"]
    shown = f"{events[-1].kind or ''} {name.id}".strip()
    if routed and routed[-1].change == "delete":
        return DataError(
            f"{shown} was deleted (event {routed[-1].seq}), and deleted records stay deleted",
            hint="a new event that creates it sends it",
        )
    if any(event.has_letter for event in events):
        return DataError(
            f"no event of {shown} came further than a dead letter",
            hint=f"`syncflow dlq redrive --record {quote(name.id)}` sends it again",
        )
    if any(event.state == "dead" for event in events):
        return DataError(f"the dead letters of {shown} were dropped", hint="a new event of it sends it")
    return DataError(f"every event of {shown} was ignored; ignored events are not kept")


def _unknown(journal: Database, name: RecordName) -> DataError:
    present = journal.execute(f"SELECT 1 FROM presence e WHERE {_NAMED} LIMIT 1", (name.id, name.kind, name.kind))
    if present.fetchone():
        return DataError(
            f"the journal holds no event of the record {name.id} any more",
            hint="journal.keep says how long events are kept; a new event sends it",
        )
    close = similar_record(journal, name.id)
    hint = (
        f"did you mean {close}?"
        if close
        else "`syncflow status` shows what is in the journal; ids are compared exactly"
    )
    return DataError(f"the journal knows no record {name.id}", hint=hint)


_NAMED = "e.record = ? AND (? = '' OR e.kind = ?)"


def _matching(name: RecordName | None, since: float | None, until: float | None) -> tuple[str, list[Any]]:
    """Return the condition over ``events e`` and its values."""
    parts, values = ["e.record IS NOT NULL"], list[Any]()
    if name is not None:
        parts.append(_NAMED)
        values += [name.id, name.kind, name.kind]
    for condition, value in (("e.read_at >= ?", since), ("e.read_at < ?", until)):
        if value is not None:
            parts.append(condition)
            values.append(value)
    return " AND ".join(parts), values


def _last_sent(journal: Database, kind: str, record: str) -> dict[str, bytes]:
    sql = (
        "SELECT d.route, d.payload FROM events e JOIN deliveries d ON d.event = e.seq WHERE e.kind = ? AND e.record = ? "
        "AND d.state IN ('delivered', 'already_done', 'unchanged') AND d.operation != 'delete' ORDER BY d.id"
    )
    return dict(journal.execute(sql, (kind, record)).fetchall())


def _present(journal: Database, kind: str, record: str) -> frozenset[str]:
    sql = "SELECT route FROM presence WHERE record = ? AND kind = ? AND state = 'present'"
    return frozenset(route for (route,) in journal.execute(sql, (record, kind)))
