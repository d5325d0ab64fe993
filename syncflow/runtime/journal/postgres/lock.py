"""Who may run on a schema: an advisory lock of the session that writes. It is gone with the session, however that ends.

A run that has the journal for itself holds it alone; workers hold it together, so that neither begins where the other goes on.
"""

from __future__ import annotations

import os
import re
import socket
import time
import zlib
from collections.abc import Callable

from syncflow.config.journal_place import PostgresPlace
from syncflow.errors import UnavailableError
from syncflow.runtime.journal.lock import is_alive
from syncflow.runtime.journal.postgres.connecting import Wire, name_of

_OURS = 0x5F10
"""The first half of the lock's key: so that no other program's lock is meant."""
_MOST_SECONDS = 10.0
"""Longest wait for the session of a run that was killed on this machine."""


def acquire(
    wire: Wire,
    place: PostgresPlace,
    *,
    former: int = 0,
    together: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Take the lock for a session, alone or ``together`` with others.

    ``former``: this run's own session before, whose connection is lost; the server is told to end it.

    Raises:
        UnavailableError: another run holds it.
    """
    end = time.monotonic() + _MOST_SECONDS
    while together and former and _holds(wire, place, former) and time.monotonic() < end:
        wire.execute("SELECT pg_terminate_backend(%s)", (former,))
        sleep(0.05)
    while not try_to_take(wire, place, together=together):
        session = _session(wire, place)
        if former and session == former:
            wire.execute("SELECT pg_terminate_backend(%s)", (former,))
        elif session and (former or not _is_gone(held_by(wire)) or time.monotonic() > end):
            raise UnavailableError(
                f"{name_of(place)} is in use by {held_by(wire) or 'another process'}",
                hint="stop that run, or give this project a schema of its own (journal: {schema: …})",
            )
        sleep(0.05)


def holder(wire: Wire, place: PostgresPlace) -> str:
    """Return who holds the lock, in words; empty where no run goes on."""
    return held_by(wire) if _session(wire, place) else ""


def me() -> str:
    """Return how this process is called by others."""
    return f"process {os.getpid()} on {socket.gethostname()}, since {time.strftime('%Y-%m-%d %H:%M:%S')}"


def held_by(wire: Wire) -> str:
    """Return who wrote last, as it called itself; empty where the tables are not there yet."""
    there = wire.execute("SELECT to_regclass('commits')").fetchone()
    row = wire.execute("SELECT holder FROM commits").fetchone() if there and there[0] else None
    return str(row[0]) if row else ""


def _key(place: PostgresPlace) -> tuple[int, int]:
    return _OURS, zlib.crc32(place.schema.encode()) & 0x7FFFFFFF


def try_to_take(wire: Wire, place: PostgresPlace, *, together: bool = False) -> bool:
    """Take the lock if it is free; return whether it is taken."""
    how = b"pg_try_advisory_lock_shared" if together else b"pg_try_advisory_lock"
    row = wire.execute(b"SELECT " + how + b"(%s::int, %s::int)", _key(place)).fetchone()
    return bool(row and row[0])


def let_go(wire: Wire, place: PostgresPlace) -> None:
    """Give up what ``try_to_take`` took alone."""
    wire.execute("SELECT pg_advisory_unlock(%s::int, %s::int)", _key(place))


def _holds(wire: Wire, place: PostgresPlace, session: int) -> bool:
    return session in _sessions(wire, place)


def _session(wire: Wire, place: PostgresPlace) -> int:
    """Return the server's number of a session that holds it; 0 where none does."""
    return next(iter(_sessions(wire, place)), 0)


def _sessions(wire: Wire, place: PostgresPlace) -> list[int]:
    rows = wire.execute(
        "SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE l.locktype = 'advisory' AND l.granted "
        "AND d.datname = current_database() AND l.classid = %s AND l.objid = %s AND l.objsubid = 2 ORDER BY l.pid",
        _key(place),
    ).fetchall()
    return [int(row[0]) for row in rows]


def _is_gone(said: str) -> bool:
    """Whether a holder was a process of this machine that is there no more: its session is about to end."""
    number = re.match(r"process (\d+) on (.*), since ", said)
    if number is None:
        return not said
    return number[2] == socket.gethostname() and not is_alive(int(number[1]))
