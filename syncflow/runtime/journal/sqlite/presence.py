"""Presence in tables: how a plan's intention is written, and how outcomes prove or correct it. See ``Presence``.

Every statement names the delivery that was settled. Only the outcome of the *last* delivery that was meant for a place corrects its
intention (``delivery = …``): while a later one is open, that one decides. What is *held* follows every outcome, for it tells what is there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Container, Mapping, Sequence

from syncflow.runtime.journal.sqlite.bulk import insert, update
from syncflow.runtime.journal.sqlite.rows import PRESENCE_COLUMNS, Row
from syncflow.runtime.journal.sqlite.schema import IS_OPEN

_KEY = ("record", "kind", "route")


def _whose(first: int) -> str:
    """Match a row of presence with the columns of a value row from this one on: record, kind, route."""
    return " AND ".join(f"presence.{name} = v.column{first + i}" for i, name in enumerate(_KEY))


def _remembered() -> str:
    columns = [name for name in PRESENCE_COLUMNS.split(", ") if name not in {*_KEY, "vendor_id"}]
    excluded = ", ".join(f"excluded.{name}" for name in columns)
    return (
        f" ON CONFLICT (record, kind, route) DO UPDATE SET ({', '.join(columns)}) = ({excluded}), "  # names of columns only
        "vendor_id = iif(excluded.born = presence.born, coalesce(presence.vendor_id, excluded.vendor_id), excluded.vendor_id)"
    )


_REMEMBERED = _remembered()
"""What became known of a record since its presence was read stays known, unless it has been gone in between."""

_IS_LAST = "delivery = {last}"

_CORRECTED = (
    "state = CASE WHEN held != '' THEN 'present' WHEN state = 'present' THEN 'gone' ELSE state END, "
    "key_value = iif(held != '', held_value, key_value), compared = iif(held != '', held, compared), "
    "vendor_id = iif(held != '' AND held != compared, held_id, vendor_id), passing = NULL"
)
"""The intention failed: the record is where it is held, or nowhere."""

_NOTHING_HELD = "held = '', held_value = '', held_id = NULL, proven = 0"

_HELD = (
    "UPDATE presence SET held_value = v.column1, held = v.column2, "
    "held_id = coalesce(v.column3, iif(held = v.column2, held_id, NULL)), proven = 1, "
    "vendor_id = iif(born <= v.column7, coalesce(v.column3, vendor_id), vendor_id), "
    "passing = iif(delivery <= v.column7, NULL, passing)"
)
_HELD_WHERE = (
    f"{_whose(4)} AND NOT (proven AND passing IS NULL AND held = v.column2 AND held_value = v.column1 "
    "AND (v.column3 IS NULL OR (held_id IS v.column3 AND vendor_id IS v.column3)))"
)

_IS_THAT = "(held = v.column1 OR (v.column2 IS NOT NULL AND held_id IS v.column2))"
_REMOVED = "UPDATE presence SET " + ", ".join(
    (
        f"held = iif({_IS_THAT}, '', held)",
        f"held_value = iif({_IS_THAT} OR held = '', '', held_value)",
        f"held_id = iif({_IS_THAT}, NULL, held_id)",
        f"proven = iif({_IS_THAT}, 0, proven)",
        "passing = iif(delivery <= v.column6, NULL, passing)",
    )
)

_DOUBTFUL = (
    "UPDATE presence SET held_value = iif(held = '', v.column1, held_value), held_id = iif(held = '', v.column3, held_id), "
    "held = iif(held = '', v.column2, held), passing = iif(delivery <= v.column7, NULL, passing)"
)

_WAITS = (
    f"EXISTS (SELECT 1 FROM deliveries o WHERE o.event IN (SELECT seq FROM events e WHERE e.record = presence.record "  # constants only
    "AND e.kind = presence.kind) AND o.route = presence.route AND o.id >= presence.born "
    f"AND (o.{IS_OPEN} OR EXISTS (SELECT 1 FROM dead_letters l WHERE l.delivery = o.id AND l.state = 'open')))"
)
"""Something of its present life is still to be done, or to be decided by a person."""


def intend(db: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Write what a plan intends."""
    insert(db, f"INSERT INTO presence ({PRESENCE_COLUMNS})", rows, tail=_REMEMBERED)


_MAY_HAVE_WRITTEN = (
    "SELECT EXISTS (SELECT 1 FROM presence p WHERE p.record = d.record AND p.kind = d.kind AND p.route = d.route AND p.held = '') "
    "AND (EXISTS (SELECT 1 FROM attempts a WHERE a.delivery IN (SELECT s.id FROM events e JOIN deliveries s ON s.event = e.seq "
    "WHERE e.record = d.record AND e.kind = d.kind AND s.route = d.route AND (s.id = d.id OR s.state = 'superseded' AND s.id < d.id)) "
    "AND a.state = 'retrying' "
    "AND a.code NOT IN ('no_connection', 'throttle', 'park', 'closed') AND NOT coalesce(a.status BETWEEN 400 AND 499, 0)) "
    "OR EXISTS (SELECT 1 FROM runs r WHERE NOT r.finished AND r.id < (SELECT max(id) FROM runs) "
    "AND d.read_at <= (SELECT min(n.started_at) FROM runs n WHERE n.id > r.id))) FROM deliveries d WHERE d.id = ?"
)
"""Nothing else is known to be there, and an attempt at it, or at what it superseded, got no answer that excludes it, or a run died while
the delivery was open."""


def lost_sight_of(db: sqlite3.Connection, refused: Sequence[Row]) -> frozenset[int]:
    """Return the refused deliveries of which an earlier attempt may have written: they may be there, without a claim to their key:
    ``held_value`` then says under which one, and ``held`` is empty.
    """
    return frozenset(row[-1] for row in refused if db.execute(_MAY_HAVE_WRITTEN, (row[-1],)).fetchone()[0])


def prove(db: sqlite3.Connection, outcomes: Mapping[str, Sequence[Row]], *, unsettled: Container[int]) -> None:
    """Write what outcomes prove: see ``rows.proof_rows``. ``unsettled``: those that ``lost_sight_of`` names."""
    refused = [(*row[3:], True) for row in outcomes["refused"]]
    perhaps = [(row[0], *row[3:]) for row in outcomes["refused"] if row[-1] in unsettled]
    update(db, _HELD, outcomes["held"], where=_HELD_WHERE)
    update(db, _REMOVED, outcomes["removed"], where=_whose(3))
    update(db, _DOUBTFUL, outcomes["doubtful"], where=_whose(4))
    failed = _whose(1) + " AND presence." + _IS_LAST.format(last="v.column4")
    rows = [*outcomes["failed"], *refused]
    update(db, f"UPDATE presence SET {_CORRECTED}, proven = proven AND v.column5", rows, where=failed)
    update(db, "UPDATE presence SET held_value = v.column1", perhaps, where=f"{_whose(2)} AND presence.held = ''")


def end_dropped(db: sqlite3.Connection, deliveries: Sequence[int]) -> None:
    """Correct the presence of records whose dead deliveries a person dropped: nothing more will be done for them."""
    places = "SELECT record, kind, route FROM deliveries WHERE id = ? AND operation != 'delete'"
    for delivery in deliveries:
        place = db.execute(places, (delivery,)).fetchone()
        if place is None:
            continue
        whose = " AND ".join(f"{name} = ?" for name in _KEY)
        unproven = f"{whose} AND state = 'present' AND NOT proven AND born <= ? AND NOT {_WAITS}"
        if db.execute(
            f"UPDATE presence SET state = 'gone', passing = NULL, {_NOTHING_HELD} WHERE {unproven}",
            (*place, delivery),
        ).rowcount:
            db.execute(f"DELETE FROM sent WHERE {whose}", place)
        db.execute(
            f"UPDATE presence SET {_CORRECTED} WHERE {whose} AND state = 'present' AND proven AND {_IS_LAST.format(last='?')}",
            (*place, delivery),
        )


def end_abandoned(db: sqlite3.Connection, where: str, values: Sequence[str]) -> None:
    """Correct the presence of records whose open deliveries are given up: those that were never sent brought nothing there."""
    for change, tried in (
        (f"UPDATE presence SET {_CORRECTED}", "d.state = 'waiting'"),
        (
            "UPDATE presence SET held_value = iif(held = '', key_value, held_value), held = iif(held = '', compared, held), "
            "passing = NULL",
            "d.state != 'waiting' AND d.operation != 'delete'",
        ),
    ):
        db.execute(
            f"{change} FROM (SELECT id AS last, record AS r, kind AS k, route AS o FROM deliveries d WHERE {where} AND {tried}) AS d "
            "WHERE presence.record = d.r AND presence.kind = d.k AND presence.route = d.o AND presence.delivery = d.last",
            values,
        )


def leave_behind(db: sqlite3.Connection, route: str) -> int:
    """Note that what a route sent stays where it is, and that it begins anew elsewhere; return how many records it left."""
    count = db.execute(
        "UPDATE presence SET state = 'left', vendor_id = NULL WHERE route = ? AND state = 'present'", (route,)
    ).rowcount
    db.execute(f"UPDATE presence SET passing = NULL, {_NOTHING_HELD} WHERE route = ?", (route,))
    db.execute("DELETE FROM sent WHERE route = ?", (route,))
    return count


_PROBE = " Aa\u00c5\u212b\ufb01 "
"""A text that each rule of comparing keys makes something else of, so that it tells rules apart."""


def compare_anew(db: sqlite3.Connection, route: str, normalise: Callable[[str], str]) -> None:
    """Write the keys of a route as they are compared today, where the journal was last used with another rule."""
    rule = normalise(_PROBE)
    if db.execute("SELECT 1 FROM key_rules WHERE route = ? AND rule = ?", (route, rule)).fetchone():
        return
    db.create_function("compared_key", 1, normalise, deterministic=True)
    db.execute(
        "UPDATE presence SET compared = compared_key(key_value), held = iif(held = '', '', compared_key(held_value)) "
        "WHERE route = ? AND (compared != compared_key(key_value) OR held != iif(held = '', '', compared_key(held_value)))",
        (route,),
    )
    db.execute("INSERT OR REPLACE INTO key_rules VALUES (?, ?)", (route, rule))
