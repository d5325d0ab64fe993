"""What a run asks of the journal's tables, in rows: each call one transaction that is durable when it returns.

Statements are written for chunks, so that a chunk costs one sync. One thread at a time uses this; there is no clock in it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from syncflow.errors import UnavailableError
from syncflow.runtime.journal.base import Activated, Activation
from syncflow.runtime.journal.tables import presence, sent
from syncflow.runtime.journal.tables.activation import activate
from syncflow.runtime.journal.tables.counts import count_events, count_settled
from syncflow.runtime.journal.tables.database import IS_OPEN, Database
from syncflow.runtime.journal.tables.database import marks as _marks
from syncflow.runtime.journal.tables.jobs import members_of, note_job, read_jobs
from syncflow.runtime.journal.tables.known import read_earlier, read_known
from syncflow.runtime.journal.tables.packed import Packed
from syncflow.runtime.journal.tables.pending import WAITING, delivered_payloads, read_beside, read_marks, read_page
from syncflow.runtime.journal.tables.retention import Retention
from syncflow.runtime.journal.tables.rows import DELIVERIES, EVENT_COLUMNS, Row
from syncflow.runtime.journal.tables.totals import read_standings, read_totals
from syncflow.runtime.journal.tables.usage import Moment, note_usage, recall_usage
from syncflow.runtime.run_name import RunName

Rows = Sequence[Row]

_SETTLE = (
    "UPDATE deliveries SET state = ?, attempts = ?, due_at = ?, tried_at = ?, batch_id = ?, settled_at = ?, code = ?, message = ?, "
    f"status = ?, rule = ? WHERE id {{among}} AND {IS_OPEN} RETURNING id"
)
"""With the values of ``rows.settlement_row``."""
_PLACE = "route, system, state"
_EVENT_STATE = 12
"""The column of an event's state (``rows.EVENT_COLUMNS``)."""
_LETTERS = "dead_letters (event, delivery, stage, route, system, code, reason, status, attempts, body, rule, at)"


class JournalStore(ABC):
    """The tables of one journal. Arguments and results are numbers, texts and bytes, in lists, tuples and dicts.

    A home says how they are reached (``_connected``), and how a call is carried out (``call``): with its errors in words for people.
    """

    name: str
    """What people call it."""

    def __init__(self) -> None:
        self._run_id = 0
        self._database: Database | None = None
        self._retention: Retention | None = None

    @abstractmethod
    def call(self, name: str, *arguments: Any) -> Any:
        """Do what ``name`` says.

        Raises:
            UnavailableError: the journal cannot be used.
        """

    @abstractmethod
    def _connected(self) -> Database:
        """Return a connection to tables that are there and of this version."""

    @property
    def _db(self) -> Database:
        if self._database is None:
            raise UnavailableError(f"{self.name} is not open")
        return self._database

    def open(
        self,
        fingerprint: str,
        from_start: bool,  # noqa: FBT001  # a call's argument
        moment: Moment,
        monotonic: float,
        name: RunName,
    ) -> dict[str, Any]:
        """Create it or bring it up to date, note the start of a run, and tell what is there."""
        self._database = self._connected()
        used = self._db.execute("SELECT EXISTS (SELECT 1 FROM runs)").fetchone()[0]
        with self._db as db:
            db.execute("DELETE FROM lags")
            if from_start:
                db.execute("DELETE FROM positions")
            started = db.execute(
                "INSERT INTO runs (started_at, fingerprint, name, worker) VALUES (?, ?, ?, ?) RETURNING id",
                (moment.wall, fingerprint, name.run, name.worker),
            )
            self._run_id = started.fetchone()[0]
            usage = recall_usage(db, moment, monotonic=monotonic)
        return self._found() | {"usage": usage} | {"used_before": bool(used)}

    def _found(self) -> dict[str, Any]:
        one = self._db.execute
        waiting = f"SELECT system, count(*) FROM deliveries WHERE {IS_OPEN} GROUP BY system"
        return {
            "last_event": one("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0],
            "last_delivery": one("SELECT coalesce(max(id), 0) FROM deliveries").fetchone()[0],
            "positions": one('SELECT partition, "offset", line, evidence, number FROM positions').fetchall(),
            "open_deliveries": dict(one(waiting).fetchall()),
            "standings": read_standings(self._db),
            "sent_key": sent.read_key(self._db),
        }

    def known(
        self, records: Sequence[str], compared: Sequence[str], event_ids: Sequence[str]
    ) -> tuple[Rows, list[str]]:
        """Presence of these records and of the holders of these keys, and which event ids were seen."""
        return read_known(self._db, records, compared, event_ids)

    def turn_facts(self, records: Sequence[str], compared: Sequence[str]) -> tuple[Rows, Rows]:
        """Presence of these records and of the holders of these keys, and what was sent of the records."""
        return read_known(self._db, records, compared, ())[0], sent.read(self._db, records)

    def commit(self, chunk: Mapping[str, Rows], at: float, ahead: tuple[Any, ...] | None) -> Any:
        """Write a chunk; return what ``known`` says of ``ahead`` once it is written."""
        with self._db as db:
            db.insert("events", EVENT_COLUMNS, chunk["events"])
            db.insert("deliveries", DELIVERIES, chunk["deliveries"])
            presence.intend(db, chunk["presence"])
            count_events(db, Packed.of(chunk["events"]).column(_EVENT_STATE))
            self._again(chunk["again"])
            self._bury(chunk["dead_letters"])
            self._supersede(chunk["superseded"], at)
            db.executemany("DELETE FROM marks WHERE id = ?", chunk["taken"])
            db.executemany("UPDATE marks SET aside = ? WHERE id = ?", chunk["aside"])
            db.executemany("INSERT INTO marks (event, route, at, how) VALUES (?, ?, ?, 'remap')", chunk["postponed"])
            db.executemany("UPDATE dead_letters SET state = 'redriven' WHERE id = ?", chunk["redriven"])
            if chunk["redriven"] and self._retention:
                self._retention.freed()
            db.executemany(
                'INSERT INTO positions (partition, "offset", line, evidence, number) VALUES (?, ?, ?, ?, ?) '
                'ON CONFLICT (partition) DO UPDATE SET "offset" = excluded."offset", evidence = excluded.evidence, '
                "line = excluded.line, number = excluded.number",
                chunk["positions"],
            )
            db.executemany(
                "INSERT INTO unreadable VALUES (?, ?, ?) "
                "ON CONFLICT (route, field) DO UPDATE SET count = unreadable.count + excluded.count",
                chunk["unreadable"],
            )
        return self.known(*ahead) if ahead else None

    def _again(self, events: Rows) -> None:
        if not events:
            return
        sql = "UPDATE events SET kind = ?, record = ?, change = ?, state = ?, note = ? WHERE seq = ?"
        before = dict(self._db.among("SELECT seq, state FROM events WHERE seq {among}", [row[-1] for row in events]))
        there = [row for row in events if row[-1] in before]
        self._db.executemany(sql, there)
        count_events(self._db, before.values(), by=-1)
        count_events(self._db, {row[-1]: row[3] for row in there}.values())

    def _bury(self, letters: Rows) -> None:
        self._db.executemany(f"INSERT INTO {_LETTERS} VALUES ({_marks(range(12))})", letters)

    def _supersede(self, superseded: Rows, at: float) -> None:
        sql = "UPDATE deliveries SET state = 'superseded', superseded_by = v.column1, settled_at = v.column2"
        rows = [(by, at, delivery) for by, delivery in superseded]
        where = f"deliveries.id = v.column3 AND deliveries.{IS_OPEN}"
        count_settled(self._db, self._db.update(sql, "bigint float8 bigint", rows, where=where, returning=_PLACE))

    def sending(self, ids: Sequence[int], batch_id: str) -> None:
        """Note that these are about to be sent."""
        with self._db as db:
            db.executemany(
                "UPDATE deliveries SET state = 'sending', batch_id = ? WHERE id = ?", [(batch_id, id_) for id_ in ids]
            )

    def unsent(self, ids: Sequence[int]) -> None:
        """Take ``sending`` back."""
        with self._db as db:
            sql = "UPDATE deliveries SET state = 'waiting' WHERE id = ? AND state = 'sending'"
            db.executemany(sql, [(id_,) for id_ in ids])

    def note_job(self, row: Row, at: float) -> None:
        """Write down a job as it stands."""
        with self._db as db:
            note_job(db, row, at)

    def end_job(self, job: str) -> None:
        """Forget a job."""
        with self._db as db:
            db.execute("DELETE FROM jobs WHERE id = ?", (job,))

    def jobs(self, system: str) -> tuple[Rows, Rows]:
        """Return the open jobs of a system, and those of their deliveries that are not settled."""
        found = read_jobs(self._db, system)
        members = sorted({number for row in found for number in members_of(row)})
        sql = f"{WAITING} WHERE id {{among}} AND {IS_OPEN}"
        return found, list(self._db.among(sql, members)) if members else []

    def settle(self, outcomes: Mapping[str, Rows], at: float) -> None:
        """Write what attempts came to, and what they prove; of deliveries that are settled already, nothing."""
        with self._db as db:
            outcomes = self._settled_now(outcomes)
            # Refusals that do not count keep an attempt's number: they share a row, however long a host is dead.
            db.executemany(
                "INSERT INTO attempts (delivery, number, code, first_at, at, state, status, message, rule, batch_id, due_at) "
                f"VALUES ({_marks(range(11))}) ON CONFLICT (delivery, number, code) DO UPDATE SET at = excluded.at, "
                "times = attempts.times + 1, status = excluded.status, batch_id = excluded.batch_id, due_at = excluded.due_at",
                outcomes["attempts"],
            )
            # What a refusal proves depends on what came before it, perhaps in this group.
            self._supersede(outcomes["superseded"], at)
            unsettled = presence.lost_sight_of(db, outcomes["refused"])
            presence.prove(db, outcomes, unsettled=unsettled, perhaps=presence.perhaps_there(db, outcomes["refused"]))
            refusals = [row[-1] for row in outcomes["sent"] if row[0] == "refused"]
            sent.write(db, outcomes["sent"], unsettled=presence.may_have_written(db, refusals))
            self._bury(outcomes["dead_letters"])

    def _settled_now(self, outcomes: Mapping[str, Rows]) -> Mapping[str, Rows]:
        """Write what deliveries came to; return the outcomes without those of deliveries that were settled before."""
        settled: set[int] = set()
        for columns, place, numbers in outcomes["settlements"]:
            changed = [number for (number,) in self._db.among(_SETTLE, numbers, before=columns)]
            count_settled(self._db, [place] * len(changed))
            settled.update(changed)
        if len(settled) < sum(len(numbers) for _, _, numbers in outcomes["settlements"]):
            outcomes = _about(outcomes, settled)
        learn = "UPDATE deliveries SET vendor_id = v.column1"
        self._db.update(learn, "text bigint", outcomes["learnt"], where="deliveries.id = v.column2")
        return outcomes

    def page(
        self, system: str, after: int, most: int, routes: Sequence[str] | None = None, withheld: Sequence[str] = ()
    ) -> Rows:
        """Open deliveries of a system, in order of their numbers; only of some routes where they are given, none of those withheld."""
        return read_page(self._db, after=after, most=most, system=system, routes=routes, withheld=withheld)

    def pauses(self) -> Rows:
        """What people have paused."""
        return self._db.execute("SELECT what, name, by, why, at FROM pauses ORDER BY what, name").fetchall()

    def open_of(self, systems: Sequence[str]) -> Rows:
        """Count the open deliveries of systems."""
        sql = f"SELECT count(*) FROM deliveries WHERE system = ? AND {IS_OPEN}"
        return [(system, self._db.execute(sql, (system,)).fetchone()[0]) for system in systems]

    def present(self, kind: str, after: str, most: int) -> list[str]:
        """Return the next ids of records of a kind that may be at a target."""
        sql = (
            "SELECT DISTINCT record FROM presence WHERE record > ? AND kind = ? AND route != '' AND (state = 'present' OR held != '')"
            " ORDER BY record LIMIT ?"
        )
        return [record for (record,) in self._db.execute(sql, (after, kind, most))]

    def delivered(self, ids: Sequence[int]) -> Rows:
        """Return id and payload of those of these deliveries that took effect."""
        return delivered_payloads(self._db, ids)

    def beside(self, events: Sequence[int]) -> Rows:
        """Return number and ``meta`` of those of these events that have one."""
        return read_beside(self._db, events)

    def earlier(self, wanted: Sequence[tuple[str, str, int, int | None]], most: int) -> list[Rows]:
        """Return the last events of records between two numbers."""
        return [read_earlier(self._db, *each, most) for each in wanted]

    def open_elsewhere(self, routes: Sequence[str]) -> int:
        """Count the open deliveries of other routes."""
        elsewhere = f" AND route NOT IN ({_marks(routes)})" if routes else ""
        sql = f"SELECT count(*) FROM deliveries WHERE {IS_OPEN}{elsewhere}"
        return int(self._db.execute(sql, routes).fetchone()[0])

    def was_accepted(self, system: str, object_name: str, operation: str) -> bool:
        """Whether a system ever took a delivery of this operation and object."""
        place = (system, object_name)
        proven = "SELECT EXISTS (SELECT 1 FROM presence WHERE system = ? AND object = ? AND proven)"
        if operation != "delete" and self._db.execute(proven, place).fetchone()[0]:
            return True
        taken = (
            "SELECT EXISTS (SELECT 1 FROM deliveries WHERE system = ? AND object = ? AND operation = ? "
            "AND state IN ('delivered', 'already_done') AND batch_id != '')"
        )
        return bool(self._db.execute(taken, (*place, operation)).fetchone()[0])

    def open_marks(self) -> int:
        """Count what is still to be carried out."""
        return int(self._db.execute("SELECT count(*) FROM marks WHERE aside IS NULL").fetchone()[0])

    def marks(self, most: int, without: Sequence[str] = ()) -> list[tuple[Row, Row | None]]:
        """The oldest marks with their events, and the delivery to repeat where there is one."""
        return read_marks(self._db, most=most, without=without)

    def tidy(self, before: float, most_bytes: int, tombstones_before: float, at: float) -> tuple[int, bool]:
        """Forget some settled events; return how many, and whether there are more to look at."""
        if self._retention is None:
            self._retention = Retention(self._db)
        return self._retention.tidy(before, most_bytes, tombstones_before, at)

    def activate(self, program: Activation, at: float) -> Activated:
        """Let a program take over the journal."""
        with self._db as db:
            return activate(db, program, at)

    def set_aside(self, marks: Sequence[tuple[int, str]], at: float) -> None:
        """Leave marks undone, with the reason."""
        with self._db as db:
            db.executemany("UPDATE marks SET aside = ?, at = ? WHERE id = ?", [(why, at, mark) for mark, why in marks])

    def note_usage(self, note: Mapping[str, Any], moment: Moment) -> None:
        """Keep what is going to be sent and what was answered."""
        with self._db as db:
            note_usage(db, note, moment)

    def stand(
        self, system: str, state: str, reason: str, by: str, since: float, until: float | None, at: float
    ) -> None:
        """Keep how a system stands; ``at`` is what the clock of whoever says so shows (wall seconds)."""
        del at
        with self._db as db:
            if state == "open":
                db.execute("DELETE FROM standings WHERE system = ?", (system,))
            else:
                row = (system, state, reason, by, since, until)
                db.execute("DELETE FROM standings WHERE system = ?", (system,))
                db.execute("INSERT INTO standings VALUES (?, ?, ?, ?, ?, ?)", row)

    def note_reload(self, at: float, result: str, words: str) -> None:
        """Keep the last reload of this run."""
        with self._db as db:
            db.execute("DELETE FROM reloads WHERE run = ?", (self._run_id,))
            db.execute("INSERT INTO reloads VALUES (?, ?, ?, ?)", (self._run_id, at, result, words))

    def note_requests(self, counts: Sequence[tuple[str, int]]) -> None:
        """Add to the counts of requests to the source."""
        with self._db as db:
            db.executemany(
                "INSERT INTO source_requests VALUES (?, ?) "
                "ON CONFLICT (outcome) DO UPDATE SET count = source_requests.count + excluded.count",
                counts,
            )

    def note_lags(self, lags: Rows, at: float) -> None:
        """Keep how far the source is behind."""
        with self._db as db:
            db.execute("DELETE FROM lags")
            db.executemany("INSERT INTO lags VALUES (?, ?, ?, ?, ?, ?)", [(*lag, at) for lag in lags])

    def totals(self) -> dict[str, Any]:
        """Count by state."""
        return read_totals(self._db)

    def close(self, finished: bool, at: float, words: str | None = None) -> None:  # noqa: FBT001  # a call's argument
        """Note the end of the run, and how it ended; safe to repeat."""
        if self._database is None:
            return
        with self._database as db:
            ended = (at, finished, words, self._run_id)
            db.execute("UPDATE runs SET ended_at = ?, finished = ?, ending = ? WHERE id = ?", ended)
        self.drop()

    def drop(self) -> None:
        """Let go of the file; what was not committed is gone."""
        if self._database is not None:
            self._database.close()
            self._database = self._retention = None


_WHOSE = {"attempts": 0, "dead_letters": 1, "failed": -2}
"""Where a row of outcomes names its delivery; the others name it last."""


def _about(outcomes: Mapping[str, Rows], settled: AbstractSet[int]) -> dict[str, Rows]:
    """Leave out what is about other deliveries, which were settled before: no second dead letter, no second proof."""
    return {
        name: rows
        if name in {"superseded", "settlements"}
        else [row for row in rows if row[_WHOSE.get(name, -1)] in settled]
        for name, rows in outcomes.items()
    }
