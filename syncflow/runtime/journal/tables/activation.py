"""A program takes over a journal: names that changed are carried over, and deliveries that it cannot send become dead letters.

In: where the program's routes lead, its systems and kinds, and the names that these had before. The table ``places`` holds where each
route led when the journal was last used, so that a start with an unchanged program reads a few rows, and presence not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from syncflow.runtime.journal.base import Activated, Activation, Named
from syncflow.runtime.journal.tables.counts import count_settled, recount
from syncflow.runtime.journal.tables.database import IS_OPEN, Database
from syncflow.runtime.journal.tables.presence import compare_anew, end_abandoned, leave_behind

_COLUMNS: Mapping[Named, Sequence[str]] = {
    "kind": ("presence", "sent", "deliveries", "events"),
    "system": ("presence", "deliveries", "dead_letters", "limits", "reserved", "answered", "standings", "jobs"),
    "route": ("presence", "sent", "deliveries", "dead_letters", "marks"),
}
"""The tables in which a name stands."""

_KEYS: Mapping[str, Sequence[str]] = {
    "presence": ("record", "kind", "route"),
    "sent": ("record", "kind", "route"),
    "limits": ("system",),
    "reserved": ("system", "grp"),
    "answered": ("system", "grp", "at"),
    "standings": ("system",),
    "places": ("route",),
}
"""Of tables in which a name is part of what makes a row one of its own: these columns."""

_Known = Mapping[str, tuple[str, str, str, str]]
"""route → kind, system, object, adapter"""


def activate(db: Database, program: Activation, at: float) -> Activated:
    """Bring a journal to a program: first names, then presence, then deliveries."""
    if renamed := _carry_over(db, program):
        recount(db)
    known = _places(db)
    left = _leave_behind(db, known, program)
    for route, rules in program.keys.items():
        compare_anew(db, route, rules)
    _forget(db, program)
    dead = _bury(db, known, program, at)
    db.executemany(
        "INSERT INTO places VALUES (?, ?, ?, ?, ?) ON CONFLICT (route) DO UPDATE SET kind = excluded.kind, "
        "system = excluded.system, object = excluded.object, adapter = excluded.adapter",
        [
            (place.route, place.kind, place.system, place.object, program.systems[place.system])
            for place in program.places
        ],
    )
    return Activated(dead, left, renamed)


def _places(db: Database) -> _Known:
    return {row[0]: row[1:] for row in db.execute("SELECT route, kind, system, object, adapter FROM places")}


def _carry_over(db: Database, program: Activation) -> int:
    """Give the rows of a former name the name of today. A former name that the program still uses is none."""
    now: Mapping[Named, AbstractSet[str]] = {
        "kind": program.kinds,
        "system": program.systems.keys(),
        "route": {place.route for place in program.places},
    }
    count = 0
    for column in _COLUMNS:
        for name, former in program.was.get(column, {}).items():
            for old in former:
                if old not in now[column] and _is_known(db, column, old) and _fits(db, program, column, old, name):
                    _rename(db, column, old, name)
                    count += 1
    return count


def _is_known(db: Database, column: Named, name: str) -> bool:
    sql = f"SELECT 1 FROM places WHERE {column} = ?"  # a constant
    return db.execute(sql, (name,)).fetchone() is not None


def _fits(db: Database, program: Activation, column: Named, old: str, name: str) -> bool:
    """Whether a route's former name is meant: that of a plain route, for one leg of a table, only where it led to the same system."""
    if column != "route" or ("/" in old) == ("/" in name):
        return True
    return _places(db)[old][1] == next(place.system for place in program.places if place.route == name)


def _rename(db: Database, column: Named, old: str, new: str) -> None:
    if column != "kind":
        taken = "EXISTS (SELECT 1 FROM pauses WHERE what = ? AND name = ?)"
        db.execute(
            f"UPDATE pauses SET name = ? WHERE what = ? AND name = ? AND NOT {taken}", (new, column, old, column, new)
        )
    for table in (*_COLUMNS[column], "places"):
        key = _KEYS.get(table)
        if key is None:
            db.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (new, old))
            continue
        same = " AND ".join(f"n.{name} = {'?' if name == column else f'{table}.{name}'}" for name in key)
        taken = f"NOT EXISTS (SELECT 1 FROM {table} n WHERE {same})" if column in key else "TRUE"
        values = (new, old, new) if column in key else (new, old)
        db.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ? AND {taken}", values)
        # A row under the new name is newer; the one that it leaves under the old name belongs to nothing.
        db.execute(f"DELETE FROM {table} WHERE {column} = ?", (old,))


def _leave_behind(db: Database, known: _Known, program: Activation) -> int:
    """Note of records whose route leads elsewhere now that they stay where they are, and begin anew in the new place."""
    count = 0
    for place in program.places:
        before = known.get(place.route)
        if before is None:
            continue
        _, system, object_name, adapter = before
        same_adapter = adapter in ("", program.systems[place.system])
        if (system, object_name) != (place.system, place.object) or not same_adapter:
            count += leave_behind(db, place.route)
    return count


def _forget(db: Database, program: Activation) -> None:
    """Forget what a route sent while it remembered, where it does not any more: what it sends from now on is not noted."""
    forgetful = [place.route for place in program.places if place.route not in program.remembering]
    if forgetful and db.execute("SELECT 1 FROM sent LIMIT 1").fetchone():
        db.executemany("DELETE FROM sent WHERE route = ?", [(route,) for route in forgetful])


def _bury(db: Database, known: _Known, program: Activation, at: float) -> int:
    """Give up every open delivery of a route, system or kind that the program does not have; return how many."""
    found = db.execute(f"SELECT DISTINCT route, system, kind FROM deliveries WHERE {IS_OPEN}").fetchall()
    count = 0
    for route, system, kind in found:
        reason = _reason(known, program, route, system, kind)
        if not reason:
            continue
        where, values = f"{IS_OPEN} AND route = ? AND system = ? AND kind = ?", (route, system, kind)
        db.execute(
            "INSERT INTO dead_letters (event, delivery, stage, route, system, code, reason, attempts, body, rule, at) "
            "SELECT event, id, 'delivery', route, system, 'program_changed', ?, attempts, '', '', ? "  # constants only
            f"FROM deliveries WHERE {where}",
            (reason, at, *values),
        )
        end_abandoned(db, where, values)
        sql = f"UPDATE deliveries SET state = 'dead', settled_at = ?, code = 'program_changed' WHERE {where}"
        buried = db.execute(sql, (at, *values)).rowcount
        count_settled(db, [(route, system, "dead")] * buried)
        count += buried
    return count


def _reason(known: _Known, program: Activation, route: str, system: str, kind: str) -> str:
    """Return why nothing of this route, system and kind can be sent; empty where it can."""
    names: Sequence[tuple[str, str, bool]] = (
        ("route", route, route in {place.route for place in program.places}),
        ("system", system, system in program.systems),
        ("kind of record", kind, kind in program.kinds),
    )
    for what, name, is_there in names:
        if not is_there:
            return f"its {what} {name} is not in the project any more"
    before = known.get(route)
    if before is None or before[1] != system or before[3] in ("", program.systems[system]):
        return ""
    return f"its system {system} has another adapter now: {program.systems[system]}, not {before[3]}"
