"""The requests of each system in the journal's tables: what may be sent (``reserved``), what was answered (``answered``), and when.

Times are seconds of the monotonic clock of the run that wrote them. ``limits`` ties that clock to the wall, and to the time since the
machine started where that is known: a wall clock that jumps while nothing runs does not then make requests look older than they are.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from syncflow.runtime.journal.tables.database import Database
from syncflow.runtime.journal.usage import UsageNote, thinned

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Moment(NamedTuple):
    """One moment by three clocks. ``boot`` names the start of the machine that ``uptime`` counts from; empty where unknown."""

    wall: float
    boot: str = ""
    uptime: float = 0.0


def since_boot() -> tuple[str, float]:
    """Return a name for the machine's last start and the seconds since; ("", 0) where the machine does not tell."""
    with suppress(OSError, AttributeError):
        return _BOOT_ID.read_text("ascii").strip(), time.clock_gettime(time.CLOCK_BOOTTIME)
    return "", 0.0


def usage_rows(note: UsageNote) -> dict[str, Any]:
    """Return a note as rows."""
    return {
        "system": note.system,
        "monotonic": note.monotonic,
        "lasting": note.lasting_seconds,
        "noted": note.noted,
        "ended": note.ended,
        "pace": note.pace,
        "reserved": list(note.reserved.items()),
        "answered": [(group, *row) for group, rows in note.answered.items() for row in rows],
    }


def note_usage(db: Database, note: Mapping[str, Any], moment: Moment) -> None:
    """Write a note as a whole; the caller's transaction makes it durable."""
    system = note["system"]
    db.execute(
        "INSERT INTO limits (system, monotonic, wall, boot, uptime, lasting, noted, ended, pace) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (system) DO UPDATE SET monotonic = excluded.monotonic, wall = excluded.wall, boot = excluded.boot, "
        "uptime = excluded.uptime, lasting = excluded.lasting, noted = excluded.noted, ended = excluded.ended, pace = excluded.pace",
        (system, note["monotonic"], *moment, note["lasting"], note["noted"], note["ended"], note["pace"]),
    )
    db.execute("DELETE FROM reserved WHERE system = ?", (system,))
    db.executemany("INSERT INTO reserved VALUES (?, ?, ?)", [(system, *row) for row in note["reserved"]])
    db.executemany(
        "INSERT INTO answered VALUES (?, ?, ?, ?) "
        "ON CONFLICT (system, grp, at) DO UPDATE SET requests = answered.requests + excluded.requests",
        [(system, *row) for row in note["answered"]],
    )


def recall_usage(db: Database, moment: Moment, *, monotonic: float, only: str = "") -> list[tuple[Any, ...]]:
    """Carry what earlier runs used over to the clock of a new one; return (system, pace, complete, answered) of each system.

    ``only``: of this system alone.

    What a killed run had reserved counts as answered at the latest moment at which it can have been sent.
    """
    found = []
    limits = db.execute(
        "SELECT system, monotonic, wall, boot, uptime, lasting, noted, ended, pace FROM limits"
    ).fetchall()
    for system, then, wall, boot, uptime, lasting, noted, ended, pace in limits:
        if only and system != only:
            continue
        gap = _gap(Moment(wall, boot, uptime), moment)
        answered = _carried(db, system, gap=gap, then=then, lasting=lasting, now=monotonic)
        db.execute(
            "UPDATE limits SET monotonic = ?, wall = ?, boot = ?, uptime = ? WHERE system = ?",
            (monotonic, *moment, system),
        )
        ages = [(group, max(0.0, monotonic - at), requests) for group, at, requests in answered]
        found.append((system, pace, bool(noted or ended), ages))
    return found


def _gap(then: Moment, now: Moment) -> float:
    if now.boot and now.boot == then.boot:
        return max(0.0, now.uptime - then.uptime)
    return max(0.0, now.wall - then.wall)


def _carried(
    db: Database, system: str, *, gap: float, then: float, lasting: float, now: float
) -> list[tuple[str, float, int]]:
    by_group: dict[str, list[tuple[float, int]]] = {}
    for group, at, requests in db.execute("SELECT grp, at, requests FROM answered WHERE system = ?", (system,)):
        by_group.setdefault(group, []).append((min(now, now - gap - (then - at)), requests))
    for group, requests in db.execute("SELECT grp, requests FROM reserved WHERE system = ?", (system,)):
        by_group.setdefault(group, []).append((now - max(0.0, gap - lasting), requests))
    answered = [(group, at, requests) for group, rows in by_group.items() for at, requests in thinned(rows, now)]
    db.execute("DELETE FROM reserved WHERE system = ?", (system,))
    _replace(db, system, answered)
    return answered


def thin_usage(db: Database) -> None:
    """Merge what is old, so that the table stays small however long a run is."""
    for system, now in db.execute("SELECT system, monotonic FROM limits").fetchall():
        by_group: dict[str, list[tuple[float, int]]] = {}
        for group, at, requests in db.execute("SELECT grp, at, requests FROM answered WHERE system = ?", (system,)):
            by_group.setdefault(group, []).append((at, requests))
        _replace(db, system, [(group, *row) for group, rows in by_group.items() for row in thinned(rows, now)])


def _replace(db: Database, system: str, answered: Sequence[tuple[str, float, int]]) -> None:
    db.execute("DELETE FROM answered WHERE system = ?", (system,))
    db.executemany("INSERT INTO answered VALUES (?, ?, ?, ?)", [(system, *row) for row in answered])
