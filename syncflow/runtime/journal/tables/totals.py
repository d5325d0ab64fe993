"""What a journal holds, counted: events, deliveries, what waits for each system, dead letters, marks, the last run."""

from __future__ import annotations

import json
from typing import Any

from syncflow.runtime.journal.tables.database import IS_OPEN, Database
from syncflow.runtime.journal.tables.database import named_rows as rows
from syncflow.runtime.journal.tables.referring import read_referring

_DELIVERIES = (
    "SELECT route, system, state, count FROM settled_counts WHERE count > 0 UNION ALL "
    f"SELECT route, system, state, count(*) AS count FROM deliveries WHERE {IS_OPEN} GROUP BY route, system, state "
    "ORDER BY route, system, state"
)
_DELIVERIES_OF_OLD = (
    "SELECT route, system, state, count(*) AS count FROM deliveries GROUP BY route, system, state "
    "ORDER BY route, system, state"
)
_EVENTS = "SELECT state, count FROM event_counts WHERE count > 0 ORDER BY state"
_EVENTS_OF_OLD = "SELECT state, count(*) FROM events GROUP BY state"
_QUEUES = """
SELECT system, count(*) FILTER (WHERE state = 'waiting') AS waiting, count(*) FILTER (WHERE state = 'sending') AS sending,
    count(*) FILTER (WHERE state = 'retrying') AS retrying,
    min(read_at) AS oldest_at, min(CASE WHEN state = 'retrying' THEN due_at END) AS next_try_at
FROM deliveries WHERE state IN ('waiting', 'sending', 'retrying') GROUP BY system ORDER BY system
"""
_LETTERS = (
    "SELECT stage, route, code, count(*) AS count FROM dead_letters WHERE state = 'open' GROUP BY stage, route, code "
    "ORDER BY stage, route, code"
)
_LAST_RUN = "SELECT * FROM runs ORDER BY id DESC LIMIT 1"

_LAST_RELOAD = "SELECT at, result, words FROM reloads WHERE run = (SELECT max(id) FROM runs)"


def read_totals(journal: Database) -> dict[str, Any]:
    """Count by state; ``queues`` is what is open for each system, ``marked`` what people asked to be sent again."""
    counted = journal.has("event_counts")
    return {
        "events": dict(journal.execute(_EVENTS if counted else _EVENTS_OF_OLD).fetchall()),
        "deliveries": rows(journal, _DELIVERIES if counted else _DELIVERIES_OF_OLD),
        "queues": rows(journal, _QUEUES),
        "dead_letters": rows(journal, _LETTERS),
        "marked": _marked(journal),
        "set_aside": _set_aside(journal),
        "standings": read_standings(journal),
        "pauses": read_pauses(journal),
        "jobs": _jobs(journal),
        "referring": read_referring(journal),
        "unreadable": _unreadable(journal),
        "source_requests": _source_requests(journal),
        "source_lags": _source_lags(journal),
        "last_reload": _last_reload(journal),
        "last_run": _last_run(journal),
    }


def _last_run(journal: Database) -> dict[str, Any] | None:
    """Return when the last run started and ended, and how: None where an earlier version ran, or where it was killed."""
    found = next(iter(rows(journal, _LAST_RUN)), None)
    if found is None:
        return None
    ending = found.get("ending")
    return {
        "run": found.get("name") or "",
        "worker": found.get("worker") or "",
        "started_at": found["started_at"],
        "ended_at": found["ended_at"],
        "finished": bool(found["finished"]),
        "ending": json.loads(ending) if ending else None,
    }


def _marked(journal: Database) -> int:
    where = " WHERE aside IS NULL" if journal.has("marks", "aside") else ""
    return int(journal.execute(f"SELECT count(*) FROM marks{where}").fetchone()[0])


def _set_aside(journal: Database) -> list[dict[str, Any]]:
    """Marks that a run could not carry out, by reason."""
    if not journal.has("marks", "aside"):
        return []
    return rows(
        journal,
        "SELECT aside AS reason, count(*) AS count FROM marks WHERE aside IS NOT NULL GROUP BY aside ORDER BY aside",
    )


def read_standings(journal: Database) -> list[dict[str, Any]]:
    """Return the systems that wait, are parked or have stopped; none where the journal is of an earlier version."""
    if not journal.has("standings"):
        return []
    return rows(journal, "SELECT system, state, reason, by, since, until FROM standings ORDER BY system")


def read_pauses(journal: Database) -> list[dict[str, Any]]:
    """Return what people have paused; none where the journal is of an earlier version."""
    if not journal.has("pauses"):
        return []
    return rows(journal, "SELECT what, name, by, why, at FROM pauses ORDER BY what, name")


def _jobs(journal: Database) -> list[dict[str, Any]]:
    """Return the jobs that are open, oldest first; times are wall seconds."""
    if not journal.has("jobs"):
        return []
    named = (
        "SELECT id, system, object, operation, stage, count AS records, begun_at, at AS stage_at, vendor_id FROM jobs "
        "ORDER BY begun_at, id"
    )
    return rows(journal, named)


def _unreadable(journal: Database) -> list[dict[str, Any]]:
    """Return how many values could not be read, by route and field."""
    if not journal.has("unreadable"):
        return []
    return rows(journal, "SELECT route, field, count FROM unreadable ORDER BY route, field")


def _source_requests(journal: Database) -> dict[str, int]:
    """Return how many requests to a webhook ended how; none where the journal is of an earlier version."""
    if not journal.has("source_requests"):
        return {}
    return dict(journal.execute("SELECT outcome, count FROM source_requests ORDER BY outcome").fetchall())


def _last_reload(journal: Database) -> dict[str, Any] | None:
    """How the last reload of the last run ended; None where there was none, or where the journal is of an earlier version."""
    if not journal.has("reloads"):
        return None
    return next(iter(rows(journal, _LAST_RELOAD)), None)


def _source_lags(journal: Database) -> list[dict[str, Any]]:
    """Return how far the source is behind, by partition."""
    if not journal.has("lags"):
        return []
    return rows(journal, "SELECT partition, events, bytes, seconds, next_at, at FROM lags ORDER BY partition")
