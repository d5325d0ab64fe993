"""The journal in SQLite: one connection, used by one thread, in WAL mode with a sync at every commit.

The executor is an argument: a thread of its own in a run, ``None`` (inline) in a simulation. Statements are written for chunks:
``executemany`` inside one transaction, so that a chunk costs one sync.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar

from syncflow.errors import UnavailableError
from syncflow.events import Delivery, Position, Raw
from syncflow.runtime.journal import (
    NOTHING,
    OPEN,
    Commit,
    DeadLetter,
    DeliveryState,
    Known,
    Mark,
    Opened,
    Settlement,
    Superseded,
    Waiting,
    Wanted,
)
from syncflow.runtime.lock import RunLock
from syncflow.runtime.sqlite_bulk import insert, update
from syncflow.runtime.sqlite_known import read_known
from syncflow.runtime.sqlite_rows import (
    DELIVERY_COLUMNS,
    PRESENCE_COLUMNS,
    again_row,
    attempt_row,
    delivery_row,
    event_row,
    letter_row,
    presence_row,
    settlement_row,
    waiting,
    whose,
)
from syncflow.runtime.sqlite_schema import MIGRATIONS
from syncflow.runtime.sqlite_totals import read_totals

P = ParamSpec("P")
T = TypeVar("T")

_KNOWN_ID = (
    "(SELECT p.vendor_id FROM presence p WHERE p.record = d.record AND p.kind = d.kind AND p.route = d.route "
    "AND d.operation IN ('update', 'delete') AND p.born <= d.id)"
)
"""What the vendor called the record, if that became known after the delivery was journaled."""

_SETTLE = (
    "UPDATE deliveries SET state = v.column1, attempts = v.column2, due_at = v.column3, tried_at = v.column4, "
    "batch_id = v.column5, settled_at = v.column6, code = v.column7, message = v.column8, status = v.column9, rule = v.column10, "
    "vendor_id = coalesce(v.column11, deliveries.vendor_id)"
)
_LEARNT = "presence.record = v.column2 AND presence.kind = v.column3 AND presence.route = v.column4 AND presence.born <= v.column5"

_GOOD = (DeliveryState.DELIVERED, DeliveryState.ALREADY_DONE)


class SqliteJournal:
    """See ``Journal``. ``clock`` is wall time, for when runs started and ended."""

    def __init__(
        self,
        path: Path,
        *,
        sync: Literal["full", "normal"] = "full",
        executor: ThreadPoolExecutor | None = None,
        inline: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.path = path
        self._sync = sync
        self._owns_executor = executor is None and not inline
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="journal") if self._owns_executor else executor
        self._now = now
        self._lock = RunLock(path.with_name(path.name + ".lock"))
        self._run_id = 0
        self._database: sqlite3.Connection | None = None

    async def open(self, *, fingerprint: str, from_start: bool = False) -> Opened:
        return await self._call(self._open, fingerprint, from_start)

    async def known(self, wanted: Wanted) -> Known:
        return await self._call(self._known, wanted)

    async def commit(self, commit: Commit, *, ahead: Wanted | None = None) -> Known | None:
        return await self._call(self._commit_and_look, commit, ahead)

    async def sending(self, deliveries: Sequence[Delivery], *, batch_id: str) -> None:
        await self._call(self._sending, [delivery.id for delivery in deliveries], batch_id)

    async def unsent(self, deliveries: Sequence[Delivery]) -> None:
        await self._call(self._unsent, [delivery.id for delivery in deliveries])

    async def settle(
        self,
        settlements: Sequence[Settlement],
        *,
        superseded: Sequence[Superseded] = (),
        usage: Mapping[str, int] = NOTHING,
    ) -> None:
        await self._call(self._settle, settlements, superseded, usage)

    async def page(self, system: str, *, after: int, most: int) -> Sequence[Waiting]:
        return await self._call(self._page, system, after, most)

    async def marks(self, *, most: int) -> Sequence[Mark]:
        return await self._call(self._read_marks, most)

    async def tidy(self, *, before: float, most_bytes: int) -> int:
        return await self._call(self._tidy, before, most_bytes)

    async def abandon(self, *, routes: frozenset[str], systems: frozenset[str], at: float) -> int:
        return await self._call(self._abandon, routes, systems, at)

    async def totals(self) -> Mapping[str, Any]:
        return await self._call(self._totals)

    async def close(self, *, finished: bool) -> None:
        try:
            await self._call(self._close, finished)
        finally:
            if self._owns_executor and self._executor:
                self._executor.shutdown()

    async def _call(self, function: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
        try:
            if self._executor is None:
                return function(*arguments, **keywords)
            # Shielded: a cancelled caller must not leave the next call to find the database in the middle of this one.
            work = asyncio.get_running_loop().run_in_executor(self._executor, function, *arguments)
            work.add_done_callback(lambda done: done.cancelled() or done.exception())  # whoever waited may be gone
            return await asyncio.shield(work)
        except sqlite3.Error as exc:
            raise UnavailableError(
                f"the journal {self.path} cannot be used: {exc}", hint=_hint(exc, self.path)
            ) from exc

    @property
    def _db(self) -> sqlite3.Connection:
        if self._database is None:
            raise UnavailableError(f"the journal {self.path} is not open")
        return self._database

    # -- all below runs in the journal's own thread -------------------------------------------------------------------------

    def _open(self, fingerprint: str, from_start: bool) -> Opened:  # noqa: FBT001  # passed on from a keyword
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except OSError as exc:
            raise UnavailableError(f"the journal {self.path} cannot be created: {exc.strerror}") from exc
        try:
            self._database = connect(self.path, sync=self._sync)
            migrate(self._database, self.path)
        except BaseException:
            if self._database is not None:
                self._database.close()
                self._database = None
            self._lock.release()
            raise
        used = self._db.execute("SELECT EXISTS (SELECT 1 FROM runs)").fetchone()[0]
        with self._db:
            if from_start:
                self._db.execute("DELETE FROM positions")
            started = (self._now(), fingerprint)
            self._run_id = (
                self._db.execute("INSERT INTO runs (started_at, fingerprint) VALUES (?, ?)", started).lastrowid or 0
            )
        return self._opened(used=bool(used))

    def _opened(self, *, used: bool) -> Opened:
        one = self._db.execute
        return Opened(
            last_event=one("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0],
            last_delivery=one("SELECT coalesce(max(id), 0) FROM deliveries").fetchone()[0],
            positions=dict(one("SELECT partition, offset FROM positions").fetchall()),
            open_deliveries=dict(
                one(f"SELECT system, count(*) FROM deliveries WHERE {_open()} GROUP BY system").fetchall()
            ),
            usage=self._usage(),
            used_before=used,
        )

    def _usage(self) -> dict[str, list[tuple[float, int]]]:
        """The last day's requests; a minute's are taken to have come at its end, the latest that they can have."""
        now = self._now()
        rows = self._db.execute(
            "SELECT system, minute, requests FROM usage WHERE minute >= ? ORDER BY system, minute",
            (now // 60 - 24 * 60,),
        )
        usage: dict[str, list[tuple[float, int]]] = {}
        for system, minute, requests in rows:
            usage.setdefault(system, []).append((max(0.0, now - (minute + 1) * 60), requests))
        return usage

    def _known(self, wanted: Wanted) -> Known:
        return read_known(self._db, records=wanted.records, keys=wanted.keys, event_ids=wanted.event_ids)

    def _commit_and_look(self, commit: Commit, ahead: Wanted | None) -> Known | None:
        self._commit(commit)
        return self._known(ahead) if ahead else None

    def _commit(self, commit: Commit) -> None:
        with self._db as db:
            insert(db, "INSERT INTO events", map(event_row, commit.events))
            fingerprint = commit.fingerprint
            deliveries = (delivery_row(delivery, fingerprint) for delivery in commit.deliveries)
            insert(db, f"INSERT INTO deliveries ({DELIVERY_COLUMNS})", deliveries)
            insert(db, f"INSERT OR REPLACE INTO presence ({PRESENCE_COLUMNS})", map(presence_row, commit.presence))
            db.executemany(
                "UPDATE events SET kind = ?, record = ?, change = ?, state = ?, note = ? WHERE seq = ?",
                [again_row(event) for event in commit.again],
            )
            self._bury(commit.dead_letters)
            self._supersede(commit.superseded)
            db.executemany("DELETE FROM marks WHERE id = ?", [(mark.id,) for mark in commit.taken])
            letters = [(mark.letter,) for mark in commit.taken if mark.letter]
            db.executemany("UPDATE dead_letters SET state = 'redriven' WHERE id = ?", letters)
            db.executemany(
                "INSERT INTO positions VALUES (?, ?, ?) ON CONFLICT (partition) DO UPDATE SET offset = excluded.offset, "
                "line = excluded.line",
                [(position.partition, position.offset, position.line) for position in commit.positions],
            )

    def _bury(self, letters: Iterable[DeadLetter]) -> None:
        self._db.executemany(
            "INSERT INTO dead_letters (event, delivery, stage, route, system, code, reason, status, attempts, body, rule, at) "
            f"VALUES ({_marks(range(12))})",
            [letter_row(letter) for letter in letters],
        )

    def _supersede(self, superseded: Iterable[Superseded]) -> None:
        self._db.executemany(
            "UPDATE deliveries SET state = 'superseded', superseded_by = ?, settled_at = ? WHERE id = ?",
            [(entry.by, self._now(), entry.delivery) for entry in superseded],
        )

    def _sending(self, ids: Sequence[int], batch_id: str) -> None:
        with self._db as db:
            db.executemany(
                "UPDATE deliveries SET state = 'sending', batch_id = ? WHERE id = ?", [(batch_id, id_) for id_ in ids]
            )

    def _unsent(self, ids: Sequence[int]) -> None:
        with self._db as db:
            sql = "UPDATE deliveries SET state = 'waiting' WHERE id = ? AND state = 'sending'"
            db.executemany(sql, [(id_,) for id_ in ids])

    def _settle(
        self, settlements: Sequence[Settlement], superseded: Sequence[Superseded], usage: Mapping[str, int]
    ) -> None:
        minute = int(self._now() // 60)
        with self._db as db:
            db.executemany(
                "INSERT INTO usage VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET requests = requests + excluded.requests",
                [(system, minute, requests) for system, requests in usage.items()],
            )
            update(db, _SETTLE, map(settlement_row, settlements), where="deliveries.id = v.column12")
            learnt = [
                (entry.outcome.vendor_id, *whose(entry.delivery))
                for entry in settlements
                if entry.outcome.vendor_id is not None and entry.delivery.operation != "delete"
            ]
            update(db, "UPDATE presence SET vendor_id = v.column1", learnt, where=_LEARNT)
            # Refusals that do not count keep an attempt's number: they share a row, however long a host is dead.
            db.executemany(
                "INSERT INTO attempts (delivery, number, code, first_at, at, state, status, message, rule, batch_id, due_at) "
                f"VALUES ({_marks(range(11))}) ON CONFLICT (delivery, number, code) DO UPDATE SET at = excluded.at, "
                "times = times + 1, status = excluded.status, batch_id = excluded.batch_id, due_at = excluded.due_at",
                [attempt_row(entry) for entry in settlements if entry.state not in _GOOD],
            )
            self._bury(entry.dead_letter for entry in settlements if entry.dead_letter)
            self._supersede(superseded)

    def _page(self, system: str, after: int, most: int) -> list[Waiting]:
        sql = (
            f"SELECT {DELIVERY_COLUMNS}, due_at, {_KNOWN_ID}, tried_at FROM deliveries d "  # constants only
            f"WHERE system = ? AND id > ? AND {_open()} ORDER BY id LIMIT ?"
        )
        return [waiting(row) for row in self._db.execute(sql, (system, after, most))]

    def _read_marks(self, most: int) -> list[Mark]:
        sql = (
            "SELECT m.id, m.how, m.event, m.route, m.letter, m.delivery, e.partition, e.offset, e.line, e.raw, e.broken, e.length, "
            "e.sha256 FROM marks m JOIN events e ON e.seq = m.event ORDER BY m.event, m.id LIMIT ?"
        )
        return [self._mark(row) for row in self._db.execute(sql, (most,)).fetchall()]

    def _mark(self, row: tuple[Any, ...]) -> Mark:
        raw = Raw(Position(row[6], row[7], row[8]), row[9], row[10] or "", row[11] or 0, row[12] or "")
        delivery = None
        if row[5] is not None:
            sql = f"SELECT {DELIVERY_COLUMNS}, due_at, {_KNOWN_ID}, tried_at FROM deliveries d WHERE id = ?"
            found = self._db.execute(sql, (row[5],)).fetchone()
            delivery = waiting(found).delivery if found else None
        return Mark(row[0], row[1], row[2], raw, row[3], delivery, row[4])

    def _tidy(self, before: float, most_bytes: int) -> int:
        # Up to the first that is not old: looking through all of a large journal takes seconds.
        young = self._db.execute("SELECT seq FROM events WHERE read_at >= ? ORDER BY seq LIMIT 1", (before,)).fetchone()
        newest = self._db.execute("SELECT max(seq) FROM events").fetchone()[0] or 0
        gone = self._forget_settled(young[0] if young else newest)
        if not gone and self._bytes() > most_bytes:
            gone = self._forget_settled(newest)
        with self._db as db:
            db.execute("DELETE FROM usage WHERE minute < ?", (self._now() // 60 - 2 * 24 * 60,))
        if gone:
            self._db.executescript("PRAGMA incremental_vacuum(1000)")  # ``execute`` would give back a single page
        return gone

    def _bytes(self) -> int:
        pages, free, size = (
            self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def _forget_settled(self, before: int) -> int:
        """Delete a thousand of the oldest events with lower numbers that nothing waits for."""
        sql = (
            "SELECT seq FROM events e WHERE seq < ? "  # constants only
            f"AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.event = e.seq AND d.{_open()}) "
            "AND NOT EXISTS (SELECT 1 FROM dead_letters l WHERE l.event = e.seq AND l.state = 'open') "
            "AND NOT EXISTS (SELECT 1 FROM marks m WHERE m.event = e.seq) "
            "ORDER BY seq LIMIT 1000"
        )
        events = self._db.execute(sql, (before,)).fetchall()
        with self._db as db:
            db.executemany("DELETE FROM attempts WHERE delivery IN (SELECT id FROM deliveries WHERE event = ?)", events)
            for table, column in (("dead_letters", "event"), ("deliveries", "event"), ("events", "seq")):
                # The newest delivery stays: its number must not be given out again.
                newest = " AND id < (SELECT max(id) FROM deliveries)" if table == "deliveries" else ""
                db.executemany(f"DELETE FROM {table} WHERE {column} = ?{newest}", events)
        return len(events)

    def _abandon(self, routes: frozenset[str], systems: frozenset[str], at: float) -> int:
        places = self._db.execute(f"SELECT DISTINCT route, system FROM deliveries WHERE {_open()}").fetchall()
        gone = [(route, system) for route, system in places if route not in routes or system not in systems]
        count = 0
        with self._db as db:
            for route, system in gone:
                where = f"{_open()} AND route = ? AND system = ?"
                db.execute(
                    "INSERT INTO dead_letters (event, delivery, stage, route, system, code, reason, attempts, body, rule, at) "
                    "SELECT event, id, 'delivery', route, system, 'program_changed', "  # constants only
                    f"'its route or system is not in the project any more', attempts, '', '', ? FROM deliveries WHERE {where}",
                    (at, route, system),
                )
                sql = f"UPDATE deliveries SET state = 'dead', settled_at = ?, code = 'program_changed' WHERE {where}"
                count += db.execute(sql, (at, route, system)).rowcount
        return count

    def _totals(self) -> dict[str, Any]:
        return read_totals(self._db)

    def _close(self, finished: bool) -> None:  # noqa: FBT001  # passed on from a keyword
        if self._database is None:
            return
        try:
            with self._database as db:
                ended = (self._now(), finished, self._run_id)
                db.execute("UPDATE runs SET ended_at = ?, finished = ? WHERE id = ?", ended)
        finally:
            self._database.close()
            self._database = None
            self._lock.release()


def connect(path: Path, *, sync: str = "full", read_only: bool = False) -> sqlite3.Connection:
    """Open a journal file: for a run, or to look at it while a run writes."""
    if read_only:
        return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    database = sqlite3.connect(path, check_same_thread=False, timeout=30)
    if not database.execute("PRAGMA user_version").fetchone()[0]:
        database.execute("PRAGMA auto_vacuum = INCREMENTAL")  # writes, so not to a journal that is there
    database.execute("PRAGMA journal_mode = WAL")
    database.execute(f"PRAGMA synchronous = {'FULL' if sync == 'full' else 'NORMAL'}")
    database.execute("PRAGMA cache_size = -32000")
    database.execute("PRAGMA wal_autocheckpoint = 4000")
    return database


def migrate(database: sqlite3.Connection, path: Path) -> None:
    """Bring a journal to this version's tables.

    Raises:
        UnavailableError: a newer syncflow wrote it; nothing was changed.
    """
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise UnavailableError(
            f"the journal {path} was written by a newer syncflow (its version is {version}, this one knows {len(MIGRATIONS)})",
            hint="upgrade syncflow, or give this run a journal of its own",
        )
    for number in range(version, len(MIGRATIONS)):
        database.executescript(f"BEGIN; {MIGRATIONS[number]}; PRAGMA user_version = {number + 1}; COMMIT;")


def _hint(exc: sqlite3.Error, path: Path) -> str:
    words = str(exc)
    if "malformed" in words or "not a database" in words:
        return (
            f"the file is damaged; keep it, and either restore a copy or start a new journal by moving {path} away "
            "(what was waiting in it is then not sent)"
        )
    if "full" in words:
        return "there is no room on the disk; nothing was acknowledged that is not in the journal"
    return "check that the directory can be written to"


def _open() -> str:
    return "state IN (" + ", ".join(f"'{state.value}'" for state in OPEN) + ")"


def _marks(values: Sequence[Any] | range) -> str:
    return ", ".join("?" * len(values))
