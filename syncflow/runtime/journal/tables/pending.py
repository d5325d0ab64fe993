"""What is still to be sent, and what took effect: for a run, and for people who look at a journal. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from syncflow.runtime.journal.tables.database import IS_OPEN, Database, marks
from syncflow.runtime.journal.tables.rows import DELIVERY_COLUMNS, Row

_KNOWN_ID = (
    "(SELECT p.vendor_id FROM presence p WHERE p.record = d.record AND p.kind = d.kind AND p.route = d.route "
    "AND d.operation IN ('update', 'delete') AND p.born <= d.id)"
)
"""What the vendor called the record, if that became known after the delivery was journaled."""

WAITING = f"SELECT {DELIVERY_COLUMNS}, due_at, {_KNOWN_ID}, tried_at FROM deliveries d"
_MUST_WAIT = (
    " AND d.route NOT IN ({withheld}) AND NOT EXISTS (SELECT 1 FROM events e JOIN deliveries w ON w.event = e.seq "
    "WHERE e.record = d.record AND e.kind = d.kind AND w.system = d.system AND w.object = d.object AND w.id < d.id "
    "AND w.route IN ({withheld}) AND w.state IN ('waiting', 'sending', 'retrying'))"
)
"""Of a delivery: its route sends, and no open one of a route that does not is before it in its lane."""
_TOOK_EFFECT = "state IN ('delivered', 'already_done', 'unchanged') AND operation != 'delete'"


def read_page(
    database: Database,
    *,
    after: int,
    most: int,
    system: str | None = None,
    routes: Sequence[str] | None = None,
    withheld: Sequence[str] = (),
) -> list[Row]:
    """Return open deliveries with numbers above ``after``, in order; only of a system and of these routes where they are given.

    Those of the routes in ``withheld`` wait, and with them every later one of the same record and object.
    """
    if routes is not None and not routes:
        return []
    of_system = "" if system is None else "system = ? AND "
    only = "" if routes is None else f" AND route IN ({marks(routes)})"
    waits = _MUST_WAIT.format(withheld=marks(withheld)) if withheld else ""
    sql = f"{WAITING} WHERE {of_system}id > ? AND {IS_OPEN}{only}{waits} ORDER BY id LIMIT ?"  # constants only
    values = ([] if system is None else [system]) + [after, *(routes or ()), *withheld, *withheld, most]
    return database.execute(sql, values).fetchall()


def read_marks(database: Database, *, most: int, without: Sequence[str] = ()) -> list[tuple[Row, Row | None]]:
    """Return the oldest marks with their events, and the delivery to repeat where there is one; none for routes in ``without``."""
    kept = f" AND m.route NOT IN ({marks(without)})" if without else ""
    sql = (
        'SELECT m.id, m.how, m.event, m.route, m.letter, m.delivery, e.partition, e."offset", e.line, e.raw, e.broken, e.length, '
        "e.sha256, e.kind, e.record, e.change, e.meta "
        f"FROM marks m JOIN events e ON e.seq = m.event WHERE m.aside IS NULL{kept} "
        "ORDER BY m.event, m.id LIMIT ?"
    )
    return [(row, _delivery(database, row[5])) for row in database.execute(sql, (*without, most)).fetchall()]


def _delivery(database: Database, delivery: int | None) -> Row | None:
    if delivery is None:
        return None
    row: Row | None = database.execute(f"{WAITING} WHERE id = ?", (delivery,)).fetchone()
    return row


def delivered_payloads(database: Database, deliveries: Sequence[int]) -> list[Row]:
    """Return number and payload of those of these deliveries that took effect."""
    sql = f"SELECT id, payload FROM deliveries WHERE id {{among}} AND {_TOOK_EFFECT}"
    return [(number, bytes(payload)) for number, payload in database.among(sql, deliveries)]


def read_beside(database: Database, events: Sequence[int]) -> list[Row]:
    """Return number and ``meta`` of those of these events that have one."""
    sql = "SELECT seq, meta FROM events WHERE seq {among} AND meta IS NOT NULL"
    return [(number, bytes(meta)) for number, meta in database.among(sql, events)]
