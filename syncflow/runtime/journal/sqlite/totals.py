"""What a journal holds, counted: events, deliveries, what waits for each system, dead letters, marks, the last run."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from syncflow.runtime.journal.sqlite.schema import IS_OPEN

_DELIVERIES = (
    "SELECT route, system, state, count FROM settled_counts WHERE count > 0 UNION ALL "
    f"SELECT route, system, state, count(*) AS count FROM deliveries WHERE {IS_OPEN} GROUP BY route, system, state"
)
_DELIVERIES_OF_OLD = "SELECT route, system, state, count(*) AS count FROM deliveries GROUP BY route, system, state"
_EVENTS = "SELECT state, count FROM event_counts WHERE count > 0"
_EVENTS_OF_OLD = "SELECT state, count(*) FROM events GROUP BY state"
_QUEUES = """
SELECT system, sum(state = 'waiting') AS waiting, sum(state = 'sending') AS sending, sum(state = 'retrying') AS retrying,
    min(read_at) AS oldest_at, min(CASE WHEN state = 'retrying' THEN due_at END) AS next_try_at
FROM deliveries WHERE state IN ('waiting', 'sending', 'retrying') GROUP BY system ORDER BY system
"""
_LETTERS = (
    "SELECT stage, route, code, count(*) AS count FROM dead_letters WHERE state = 'open' GROUP BY stage, route, code"
)
_LAST_RUN = "SELECT * FROM runs ORDER BY id DESC LIMIT 1"

_LAST_RELOAD = "SELECT at, result, words FROM reloads WHERE run = (SELECT max(id) FROM runs)"


def read_totals(journal: sqlite3.Connection) -> dict[str, Any]:
    """Count by state; ``queues`` is what is open for each system, ``marked`` what people asked to be sent again."""
    counted = _has_table(journal, "event_counts")
    return {
        "events": dict(journal.execute(_EVENTS if counted else _EVENTS_OF_OLD).fetchall()),
        "deliveries": rows(journal, _DELIVERIES if counted else _DELIVERIES_OF_OLD),
        "queues": rows(journal, _QUEUES),
        "dead_letters": rows(journal, _LETTERS),
        "marked": _marked(journal),
        "set_aside": _set_aside(journal),
        "standings": read_standings(journal),
        "unreadable": _unreadable(journal),
        "source_requests": _source_requests(journal),
        "source_lags": _source_lags(journal),
        "last_reload": _last_reload(journal),
        "last_run": _last_run(journal),
    }


def _last_run(journal: sqlite3.Connection) -> dict[str, Any] | None:
    """Return when the last run started and ended, and how: None where an earlier version ran, or where it was killed."""
    found = next(iter(rows(journal, _LAST_RUN)), None)
    if found is None:
        return None
    ending = found.get("ending")
    return {
        "started_at": found["started_at"],
        "ended_at": found["ended_at"],
        "finished": bool(found["finished"]),
        "ending": json.loads(ending) if ending else None,
    }


def has_set_aside(journal: sqlite3.Connection) -> bool:
    """Whether a journal knows of marks that were set aside: one of an earlier version does not."""
    return any(column[1] == "aside" for column in journal.execute("PRAGMA table_info(marks)"))


def _marked(journal: sqlite3.Connection) -> int:
    where = " WHERE aside IS NULL" if has_set_aside(journal) else ""
    return int(journal.execute(f"SELECT count(*) FROM marks{where}").fetchone()[0])


def _set_aside(journal: sqlite3.Connection) -> list[dict[str, Any]]:
    """Marks that a run could not carry out, by reason."""
    if not has_set_aside(journal):
        return []
    return rows(journal, "SELECT aside AS reason, count(*) AS count FROM marks WHERE aside IS NOT NULL GROUP BY aside")


def read_standings(journal: sqlite3.Connection) -> list[dict[str, Any]]:
    """Return the systems that wait, are parked or have stopped; none where the journal is of an earlier version."""
    if not _has_table(journal, "standings"):
        return []
    return rows(journal, "SELECT system, state, reason, by, since, until FROM standings ORDER BY system")


def _unreadable(journal: sqlite3.Connection) -> list[dict[str, Any]]:
    """Return how many values could not be read, by route and field."""
    if not _has_table(journal, "unreadable"):
        return []
    return rows(journal, "SELECT route, field, count FROM unreadable ORDER BY route, field")


def _source_requests(journal: sqlite3.Connection) -> dict[str, int]:
    """Return how many requests to a webhook ended how; none where the journal is of an earlier version."""
    if not _has_table(journal, "source_requests"):
        return {}
    return dict(journal.execute("SELECT outcome, count FROM source_requests ORDER BY outcome").fetchall())


def _has_table(journal: sqlite3.Connection, name: str) -> bool:
    return journal.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)).fetchone() is not None


def _last_reload(journal: sqlite3.Connection) -> dict[str, Any] | None:
    """How the last reload of the last run ended; None where there was none, or where the journal is of an earlier version."""
    if not _has_table(journal, "reloads"):
        return None
    return next(iter(rows(journal, _LAST_RELOAD)), None)


def rows(journal: sqlite3.Connection, query: str, *values: object) -> list[dict[str, Any]]:
    """Return what a query finds, each row as a mapping of its columns."""
    cursor = journal.execute(query, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _source_lags(journal: sqlite3.Connection) -> list[dict[str, Any]]:
    """Return how far the source is behind, by partition."""
    if not _has_table(journal, "lags"):
        return []
    return rows(journal, "SELECT partition, events, bytes, seconds, next_at, at FROM lags ORDER BY partition")
