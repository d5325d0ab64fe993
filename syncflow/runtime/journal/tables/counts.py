"""How many events and settled deliveries a journal holds, counted as they change: to count the rows of a large journal takes seconds.

Every statement that adds, removes or settles rows says so here, in the same transaction. Open deliveries are not counted: their index
answers for them. ``syncflow journal check`` compares the counts with the rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from syncflow.runtime.journal.base import OPEN
from syncflow.runtime.journal.tables.database import Database
from syncflow.runtime.journal.tables.rows import Row

RECOUNT = """
DELETE FROM event_counts;
INSERT INTO event_counts SELECT state, count(*) FROM events GROUP BY state;
DELETE FROM settled_counts;
INSERT INTO settled_counts SELECT route, system, state, count(*) FROM deliveries
    WHERE state NOT IN ('waiting', 'sending', 'retrying') GROUP BY route, system, state;
"""
"""Count anew, which reads every event and delivery."""

_OPEN = frozenset(state.value for state in OPEN)

_EVENTS = "INSERT INTO event_counts VALUES (?, ?) ON CONFLICT (state) DO UPDATE SET count = event_counts.count + excluded.count"
_SETTLED = (
    "INSERT INTO settled_counts VALUES (?, ?, ?, ?) "
    "ON CONFLICT (route, system, state) DO UPDATE SET count = settled_counts.count + excluded.count"
)


def count_events(db: Database, states: Iterable[str], *, by: int = 1) -> None:
    """Add events in these states, each state once for each event; ``by=-1``: take them away."""
    db.executemany(_EVENTS, [(state, by * count) for state, count in Counter(states).items()])


def count_settled(db: Database, deliveries: Iterable[Row], *, by: int = 1) -> None:
    """Add deliveries, each as (route, system, state); those that are open are left out."""
    counts = Counter(deliveries)
    db.executemany(_SETTLED, [(*place, by * count) for place, count in counts.items() if place[2] not in _OPEN])


def recount(db: Database) -> None:
    """Count all rows anew: for changes that move rows from one name to another."""
    for statement in RECOUNT.strip().removesuffix(";").split(";"):
        db.execute(statement)
