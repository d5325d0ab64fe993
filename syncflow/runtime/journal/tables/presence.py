"""Presence in tables: how a plan's intention is written, and how outcomes prove or correct it. See ``Presence``.

Every statement names the delivery that was settled. Only the outcome of the *last* delivery that was meant for a place corrects its
intention (``delivery = …``): while a later one is open, that one decides. What is *held* follows every outcome, for it tells what is there.

A refusal proves that what was refused is not there, also where an earlier attempt at the very same delivery got no answer: the other side
has judged it. It says nothing of what the refused one *superseded*: where an attempt at that got no answer, the record is perhaps there,
and holds its key, unproven, until a later outcome or a person decides (``perhaps_there``).
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from syncflow.events import Key
from syncflow.key_rules import NAMED, KeyRules, named
from syncflow.runtime.journal.tables.database import IS_OPEN, Database
from syncflow.runtime.journal.tables.rows import PRESENCE, Row

_KEY = ("record", "kind", "route")


def _whose(first: int) -> str:
    """Match a row of presence with the columns of a value row from this one on: record, kind, route."""
    return " AND ".join(f"presence.{name} = v.column{first + i}" for i, name in enumerate(_KEY))


def _remembered() -> str:
    columns = [name for name in PRESENCE if name not in {*_KEY, "vendor_id"}]
    excluded = ", ".join(f"excluded.{name}" for name in columns)
    return (
        f" ON CONFLICT (record, kind, route) DO UPDATE SET ({', '.join(columns)}) = ({excluded}), "  # names of columns only
        "vendor_id = CASE WHEN excluded.born = presence.born THEN coalesce(presence.vendor_id, excluded.vendor_id) "
        "ELSE excluded.vendor_id END"
    )


_REMEMBERED = _remembered()
"""What became known of a record since its presence was read stays known, unless it has been gone in between."""

_IS_LAST = "delivery = {last}"

FIELD_OF_HELD = f"rtrim(rtrim(held, replace(held, '{NAMED}', '')), '{NAMED}')"
"""What stands before ``NAMED``. Of what both databases know, only this finds a character: cutting off the end by a set of them."""

_CORRECTED = (
    "state = CASE WHEN held != '' THEN 'present' WHEN state = 'present' THEN 'gone' ELSE state END, "
    f"key_name = CASE WHEN replace(held, '{NAMED}', '') = held THEN key_name ELSE {FIELD_OF_HELD} END, "
    "key_value = CASE WHEN held != '' THEN held_value ELSE key_value END, compared = CASE WHEN held != '' THEN held ELSE compared END, "
    "vendor_id = CASE WHEN held != '' AND held != compared THEN held_id ELSE vendor_id END, passing = NULL"
)
"""The intention failed: the record is where it is held, or nowhere."""

_WAS_REMOVED = (
    "EXISTS (SELECT 1 FROM deliveries f JOIN deliveries d ON d.event = f.event WHERE f.id = v.column4 "
    "AND d.route = presence.route AND d.operation = 'delete' AND d.state = 'delivered')"
)
"""The event that gave the record another key has taken away what was there under the former one: nothing older may bring that back."""

_NOTHING_HELD = "held = '', held_value = '', held_id = NULL, proven = FALSE"

_HELD = (
    "UPDATE presence SET held_value = v.column1, held = v.column2, "
    "held_id = coalesce(v.column3, CASE WHEN held = v.column2 THEN held_id END), proven = TRUE, "
    "vendor_id = CASE WHEN born <= v.column7 THEN coalesce(v.column3, vendor_id) ELSE vendor_id END, "
    "passing = CASE WHEN delivery <= v.column7 THEN NULL ELSE passing END"
)
_HELD_WHERE = (
    f"{_whose(4)} AND NOT (proven AND passing IS NULL AND held = v.column2 AND held_value = v.column1 "
    "AND (v.column3 IS NULL OR coalesce(held_id = v.column3 AND vendor_id = v.column3, FALSE)))"
)

_PLACED = "text text text text text text bigint"
"""A key, the key as it is compared, the vendor's id, then whose it is."""

_IS_THAT = "(held = v.column1 OR coalesce(held_id = v.column2, FALSE))"
_REMOVED = "UPDATE presence SET " + ", ".join(
    (
        f"held = CASE WHEN {_IS_THAT} THEN '' ELSE held END",
        f"held_value = CASE WHEN {_IS_THAT} OR held = '' THEN '' ELSE held_value END",
        f"held_id = CASE WHEN {_IS_THAT} THEN NULL ELSE held_id END",
        f"proven = CASE WHEN {_IS_THAT} THEN FALSE ELSE proven END",
        "passing = CASE WHEN delivery <= v.column6 THEN NULL ELSE passing END",
    )
)

_DOUBTFUL = (
    "UPDATE presence SET held_value = CASE WHEN held = '' THEN v.column1 ELSE held_value END, "
    "held_id = CASE WHEN held = '' THEN v.column3 ELSE held_id END, held = CASE WHEN held = '' THEN v.column2 ELSE held END, "
    "passing = CASE WHEN delivery <= v.column7 THEN NULL ELSE passing END"
)

_WAITS = (
    f"EXISTS (SELECT 1 FROM deliveries o WHERE o.event IN (SELECT seq FROM events e WHERE e.record = presence.record "  # constants only
    "AND e.kind = presence.kind) AND o.route = presence.route AND o.id >= presence.born "
    f"AND (o.{IS_OPEN} OR EXISTS (SELECT 1 FROM dead_letters l WHERE l.delivery = o.id AND l.state = 'open')))"
)
"""Something of its present life is still to be done, or to be decided by a person."""


def intend(db: Database, rows: Sequence[Row]) -> None:
    """Write what a plan intends."""
    db.insert("presence", PRESENCE, rows, tail=_REMEMBERED)


_UNANSWERED = (
    "a.state = 'retrying' AND a.code NOT IN ('no_connection', 'throttle', 'park', 'closed') "
    "AND NOT coalesce(a.status BETWEEN 400 AND 499, FALSE)"
)
"""An attempt got no answer that excludes that it was written."""
_RUN_DIED = (
    "EXISTS (SELECT 1 FROM runs r WHERE r.lost_at >= {0}.id OR (NOT r.finished AND r.id < (SELECT max(id) FROM runs) "
    "AND {0}.read_at <= (SELECT min(n.started_at) FROM runs n WHERE n.id > r.id)))"
)
"""A run died, or lost its claim to another worker, while a delivery was there."""
_SUPERSEDED = (
    "FROM events e JOIN deliveries s ON s.event = e.seq "
    "WHERE e.record = d.record AND e.kind = d.kind AND s.route = d.route AND s.state = 'superseded' AND s.id < d.id"
)

_MAY_HAVE_WRITTEN = (
    "SELECT d.id FROM deliveries d WHERE d.id {among} "  # constants only
    f"AND (EXISTS (SELECT 1 FROM attempts a WHERE (a.delivery = d.id OR a.delivery IN (SELECT s.id {_SUPERSEDED})) AND {_UNANSWERED}) "
    f"OR {_RUN_DIED.format('d')})"
)
"""An attempt at it, or at what it superseded, got no answer that excludes it, or a run died while the delivery was open."""

_NEIGHBOURS = (
    "NOT EXISTS (SELECT 1 FROM events f JOIN deliveries x ON x.event = f.seq WHERE f.record = d.record AND f.kind = d.kind "
    "AND x.route = d.route AND x.operation = 'delete' AND x.id BETWEEN s.id AND d.id)"
)
"""Both are of one life: no delete is between them."""
_PERHAPS_THERE = (
    "SELECT d.id FROM deliveries d JOIN presence p ON p.record = d.record AND p.kind = d.kind AND p.route = d.route "  # constants only
    f"WHERE d.id {{among}} AND p.held = '' AND coalesce(d.code, '') != 'key_taken' AND EXISTS (SELECT 1 {_SUPERSEDED} "
    f"AND (EXISTS (SELECT 1 FROM attempts a WHERE a.delivery = s.id AND {_UNANSWERED}) OR {_RUN_DIED.format('s')}) AND {_NEIGHBOURS})"
)

_HOLDS_NOTHING = "AND EXISTS (SELECT 1 FROM presence p WHERE p.record = d.record AND p.kind = d.kind AND p.route = d.route AND p.held = '')"


def may_have_written(db: Database, refused: Sequence[int]) -> frozenset[int]:
    """Return the refused deliveries of which an earlier attempt may have written."""
    return frozenset(row[0] for row in db.among(_MAY_HAVE_WRITTEN, refused))


def lost_sight_of(db: Database, refused: Sequence[Row]) -> frozenset[int]:
    """Return the refused deliveries of which an earlier attempt may have written where nothing else is known to be.

    A delete must still go there, but they have no claim to their key: ``held_value`` says under which one, and ``held`` is empty.
    """
    return frozenset(row[0] for row in db.among(f"{_MAY_HAVE_WRITTEN} {_HOLDS_NOTHING}", [row[-1] for row in refused]))


def perhaps_there(db: Database, refused: Sequence[Row]) -> frozenset[int]:
    """Return the refused deliveries whose record is perhaps there by one that they superseded: it holds its key.

    Not those of whose key another one is known to be the holder: it came to it in its turn.
    """
    return frozenset(row[0] for row in db.among(_PERHAPS_THERE, [row[-1] for row in refused]))


def prove(
    db: Database, outcomes: Mapping[str, Sequence[Row]], *, unsettled: Container[int], perhaps: Container[int]
) -> None:
    """Write what outcomes prove: see ``rows.proof_rows``. ``unsettled``: of ``lost_sight_of``; ``perhaps``: of ``perhaps_there``."""
    refused = [(*row[3:], True) for row in outcomes["refused"]]
    seen = [(row[0], *row[3:]) for row in outcomes["refused"] if row[-1] in unsettled]
    doubtful = [*outcomes["doubtful"], *(row for row in outcomes["refused"] if row[-1] in perhaps)]
    db.update(_HELD, _PLACED, outcomes["held"], where=_HELD_WHERE)
    db.update(_REMOVED, "text text text text text bigint", outcomes["removed"], where=_whose(3))
    db.update(_DOUBTFUL, _PLACED, doubtful, where=_whose(4))
    failed = _whose(1) + " AND presence." + _IS_LAST.format(last="v.column4")
    rows = [*outcomes["failed"], *refused]
    correct = f"UPDATE presence SET {_CORRECTED}, proven = proven AND v.column5"
    db.update(correct, "text text text bigint boolean", rows, where=failed)
    note = "UPDATE presence SET held_value = v.column1"
    db.update(note, "text text text text bigint", seen, where=f"{_whose(2)} AND presence.held = ''")
    moved_out = f"{failed} AND presence.state = 'gone' AND presence.held_value = '' AND {_WAS_REMOVED}"
    db.update("UPDATE presence SET state = 'left'", "text text text bigint boolean", rows, where=moved_out)


def end_dropped(db: Database, deliveries: Sequence[int]) -> None:
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


def end_abandoned(db: Database, where: str, values: Sequence[str]) -> None:
    """Correct the presence of records whose open deliveries are given up: those that were never sent brought nothing there."""
    for change, tried in (
        (f"UPDATE presence SET {_CORRECTED}", "d.state = 'waiting'"),
        (
            "UPDATE presence SET held_value = CASE WHEN held = '' THEN key_value ELSE held_value END, "
            "held = CASE WHEN held = '' THEN compared ELSE held END, passing = NULL",
            "d.state != 'waiting' AND d.operation != 'delete'",
        ),
    ):
        db.execute(
            f"{change} FROM (SELECT id AS last, record AS r, kind AS k, route AS o FROM deliveries d WHERE {where} AND {tried}) AS d "
            "WHERE presence.record = d.r AND presence.kind = d.k AND presence.route = d.o AND presence.delivery = d.last",
            values,
        )


def leave_behind(db: Database, route: str) -> int:
    """Note that what a route sent stays where it is, and that it begins anew elsewhere; return how many records it left."""
    count = db.execute(
        "UPDATE presence SET state = 'left', vendor_id = NULL WHERE route = ? AND state = 'present'", (route,)
    ).rowcount
    db.execute(f"UPDATE presence SET passing = NULL, {_NOTHING_HELD} WHERE route = ?", (route,))
    db.execute("DELETE FROM sent WHERE route = ?", (route,))
    return count


PROBE = " Aa\u00c5\u212b\ufb01 "
"""A text that each rule of comparing keys makes something else of, so that it tells rules apart."""


def compare_anew(db: Database, route: str, rules: KeyRules) -> None:
    """Write the keys of a route as they are compared today, where the journal was last used with another rule."""
    rule = rules.told(PROBE)
    if db.execute("SELECT 1 FROM key_rules WHERE route = ? AND rule = ?", (route, rule)).fetchone():
        return
    known, values = "", [route]
    while found := db.execute(f"{_KEYS_OF}{known} ORDER BY record, kind LIMIT 1000", values).fetchall():
        changed = [
            (*_anew(row, rules), row[0], row[1], route) for row in found if _anew(row, rules) != (row[4], row[5])
        ]
        new = "UPDATE presence SET compared = v.column1, held = v.column2"
        db.update(new, "text text text text text", changed, where=_whose(3))
        known, values = " AND (record, kind) > (?, ?)", [route, *found[-1][:2]]
    db.execute("DELETE FROM key_rules WHERE route = ?", (route,))
    db.execute("INSERT INTO key_rules VALUES (?, ?)", (route, rule))


_KEYS_OF = "SELECT record, kind, key_value, held_value, compared, held, key_name FROM presence WHERE route = ?"


def _anew(row: Row, rules: KeyRules) -> tuple[str, str]:
    """Return the key of a row of ``_KEYS_OF`` and the one that is held, as they are compared today."""
    held = rules.compared(named(row[5], row[3], row[6])) if row[5] else ""
    return rules.compared(Key(row[6], row[2])), held
