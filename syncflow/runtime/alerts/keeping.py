"""How alerts stand, in the journal: written by the watch of a run when it changes, read by people and by the next run."""

from __future__ import annotations

from collections.abc import Collection

import orjson

from syncflow.config.journal_place import Place
from syncflow.runtime.alerts.standing import AlertStands, ReceiverStands, Standing
from syncflow.runtime.journal.homes import is_there, reading, writing
from syncflow.runtime.journal.tables.database import named_rows as rows

_RECEIVER = "id, host, shape, causes, every, parked, lag, failing"
_ALERT = "receiver, kind, subject, words, count, passes, since, told_at"
Key = tuple[str, str, str]
"""Receiver, kind and subject of an alert."""


def keep_standing(place: Place, standing: Standing, *, gone: Collection[Key]) -> None:
    """Write how alerts stand; ``gone`` are those that are over. What other workers of the journal know stays.

    Raises:
        UnavailableError: the journal cannot be written.
    """
    receivers = [
        (
            each.id,
            each.host,
            each.shape,
            orjson.dumps(each.causes).decode(),
            each.every,
            each.parked,
            each.lag,
            each.failing,
        )
        for each in standing.receivers
    ]
    alerts = [
        (*(each.receiver, each.kind, each.subject, each.words), each.count, int(each.passes), each.since, each.told_at)
        for each in standing.alerts
    ]
    with writing(place) as journal, journal:
        journal.execute("DELETE FROM receivers")
        for receiver in receivers:
            journal.execute(f"INSERT INTO receivers ({_RECEIVER}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", receiver)
        journal.execute("DELETE FROM alerts WHERE receiver NOT IN (SELECT id FROM receivers)")
        for key in (*gone, *((each.receiver, each.kind, each.subject) for each in standing.alerts)):
            journal.execute("DELETE FROM alerts WHERE receiver = ? AND kind = ? AND subject = ?", key)
        for alert in alerts:
            journal.execute(f"INSERT INTO alerts ({_ALERT}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", alert)


def standing_of(place: Place) -> Standing:
    """Return how alerts stand; nothing where there is no journal, or one of an earlier version.

    Raises:
        UnavailableError: the journal cannot be read.
    """
    if not is_there(place):
        return Standing()
    with reading(place) as journal:
        if not journal.has("receivers"):
            return Standing()
        receivers = rows(journal, f"SELECT {_RECEIVER} FROM receivers ORDER BY host, id")
        alerts = rows(journal, f"SELECT {_ALERT} FROM alerts ORDER BY since, receiver, kind, subject")
    return Standing(
        tuple(ReceiverStands(**row | {"causes": tuple(orjson.loads(row["causes"]))}) for row in receivers),
        tuple(AlertStands(**row | {"passes": bool(row["passes"])}) for row in alerts),
    )
