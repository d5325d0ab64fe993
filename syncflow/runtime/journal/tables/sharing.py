"""The tables of a journal that several workers share: who they are, what each holds, and that nobody writes what is not its own.

One transaction that writes follows the other (``_one_at_a_time``), as where one process writes alone; only renewals come between.
Times are seconds of one clock (``time``): that of the database, never that of a worker.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from syncflow.errors import UnavailableError
from syncflow.runtime.journal.base import Activated, Activation
from syncflow.runtime.journal.claims import CLAIM_SECONDS, READING, FencedError, system_of
from syncflow.runtime.journal.tables import calls
from syncflow.runtime.journal.tables.activation import activate
from syncflow.runtime.journal.tables.database import IS_OPEN, Database, marks, named_rows
from syncflow.runtime.journal.tables.usage import Moment, recall_usage
from syncflow.runtime.run_name import RunName

SHARED = """
CREATE TABLE workers (
    id bigint PRIMARY KEY, name TEXT NOT NULL, place TEXT NOT NULL, home TEXT NOT NULL, fingerprint TEXT NOT NULL, waits TEXT NOT NULL,
    since float8 NOT NULL, until float8 NOT NULL, number bigint NOT NULL
);
CREATE TABLE claims (
    share TEXT PRIMARY KEY, worker bigint NOT NULL, epoch bigint NOT NULL, until float8 NOT NULL, strays float8 NOT NULL
);
CREATE TABLE programs (fingerprint TEXT PRIMARY KEY, activated float8 NOT NULL);
"""
"""``claims.strays``: until when a former holder that did not let go may have begun requests; 0 where there is none.

``workers.number`` is that of the last transaction, where the home counts them. ``home``: where what a worker reads is, if it is in one
place only."""

READS = frozenset({"page", "turn_facts", "known", "marks", "jobs"})
"""The calls that read what only a share's holder may act upon: another program may have changed it meanwhile."""
_KEPT_SECONDS = 600.0
"""How long a worker that is silent is remembered: then it is refused, and ends."""
_COUNTED = f"SELECT count(*) FROM deliveries WHERE {IS_OPEN}"


class Member(NamedTuple):
    """What a worker says of itself. ``home``: the one place where its source can be read; empty where this is possible anywhere."""

    name: str
    place: str = ""
    home: str = ""


class SharedTables(calls.JournalStore):
    """See ``JournalStore``; a home adds its clock and its connection."""

    member: Member
    _claim: tuple[str, int] | None = None
    _fingerprint = ""

    @abstractmethod
    def time(self) -> float:
        """Return seconds by the clock that all workers share."""

    def open(
        self,
        fingerprint: str,
        from_start: bool,  # noqa: FBT001  # a call's argument
        moment: Moment,
        monotonic: float,
        name: RunName,
    ) -> dict[str, Any]:
        """Join those who run: bring the tables up to date, note the start of a run. What is claimed later is read then."""
        del from_start, monotonic
        self._database = self._connected()
        with self._db as db:
            used = db.execute("SELECT EXISTS (SELECT 1 FROM runs)").fetchone()[0]
            now = self.time()
            self._join_home(db, now)
            started = db.execute(
                "INSERT INTO runs (started_at, fingerprint, name, worker) VALUES (?, ?, ?, ?) RETURNING id",
                (moment.wall, fingerprint, name.run, name.worker),
            )
            self._run_id, self._fingerprint = started.fetchone()[0], fingerprint
            called, place, home = self.member
            db.execute(
                "INSERT INTO workers VALUES (?, ?, ?, ?, ?, '', ?, ?, 0)",
                (self._run_id, called, place, home, fingerprint, now, now + CLAIM_SECONDS),
            )
        found = self._found() | {"usage": [], "used_before": bool(used)}
        return found | {"open_deliveries": {}, "positions": [], "standings": [], "worker": self._run_id}

    def _join_home(self, db: Database, now: float) -> None:
        elsewhere = db.execute(
            "SELECT name FROM workers WHERE until > ? AND home != ? ORDER BY id LIMIT 1", (now, self.member.home)
        ).fetchone()
        if elsewhere is not None:
            raise UnavailableError(
                f"{self.name} is in use by {elsewhere[0]}, and what the project reads can be read in one place only",
                hint="files, and sources that keep what they saw in a file, are read by workers in one folder of one machine",
            )

    # -- the fence -----------------------------------------------------------------------------------------------------------

    def fenced(self, share: str, epoch: int, name: str, arguments: Sequence[Any]) -> Any:
        """Do what ``name`` says under a claim.

        Raises:
            FencedError: the claim has passed to another worker.
        """
        claim = self._claim = (share, epoch)
        try:
            if name not in READS:
                check_claim(self._db, self._run_id, claim)
                return getattr(self, name)(*arguments)
            found = getattr(self, name)(*arguments)
            check_claim(self._db, self._run_id, claim)  # after it: then it was true when this was read
            return found
        finally:
            self._claim = None

    def claim(self, share: str, gone: Sequence[int], moment: Moment, monotonic: float) -> dict[str, Any] | None:
        """Take a share that is free; return its epoch and what is known of it."""
        with self._db as db:
            if not db.execute("SELECT 1 FROM programs WHERE fingerprint = ?", (self._fingerprint,)).fetchone():
                return None
            taken = self._taken(db, share, gone)
            if taken is None:
                return None
            if share == READING:
                return taken | self._of_reading(db)
            now = self.time()
            found = _of_system(db, share, moment._replace(wall=now), monotonic)
            for standing in found["standings"]:  # told by the clock of who asks
                standing["since"] += moment.wall - now
                if standing["until"] is not None:
                    standing["until"] += moment.wall - now
            return taken | found

    def note_usage(self, note: Mapping[str, Any], moment: Moment) -> None:
        """Keep what is going to be sent and what was answered; the time between two workers is that of their common clock."""
        super().note_usage(note, moment._replace(wall=self.time()))

    def stand(
        self, system: str, state: str, reason: str, by: str, since: float, until: float | None, at: float
    ) -> None:
        """Keep how a system stands, by the common clock: who takes the system next may have another one."""
        behind = self.time() - at
        super().stand(system, state, reason, by, since + behind, None if until is None else until + behind, at)

    def _taken(self, db: Database, share: str, gone: Collection[int]) -> dict[str, Any] | None:
        now, me = self.time(), self._run_id
        row = db.execute("SELECT worker, epoch, until, strays FROM claims WHERE share = ?", (share,)).fetchone()
        if row is None:
            db.execute("INSERT INTO claims VALUES (?, ?, 1, ?, 0)", (share, me, now + CLAIM_SECONDS))
            return {"epoch": 1, "ended_ago": None}
        holder, epoch, until, strays = row
        lost = holder not in (0, me) and holder not in gone
        if lost and until > now:
            return None
        strays = max(strays, until) if lost else strays
        if holder not in (0, me):
            _note_lost(db, [holder])
        changed = db.execute(
            "UPDATE claims SET worker = ?, epoch = ?, until = ?, strays = ? WHERE share = ? AND epoch = ? AND until = ?",
            (me, epoch + 1, now + CLAIM_SECONDS, strays, share, epoch, until),
        )
        if not changed.rowcount:  # it was renewed at the last moment
            return None
        return {"epoch": epoch + 1, "ended_ago": now - strays if strays else None}

    def _of_reading(self, db: Database) -> dict[str, Any]:
        db.execute("DELETE FROM lags")
        found = self._found()
        return {name: found[name] for name in ("last_event", "last_delivery", "positions")}

    def release(self, share: str, epoch: int) -> None:
        """Let go of a share."""
        with self._db as db:
            sql = "UPDATE claims SET worker = 0, until = 0 WHERE share = ? AND worker = ? AND epoch = ?"
            db.execute(sql, (share, self._run_id, epoch))

    def take_over(self, fingerprint: str, program: Activation, gone: Sequence[int], at: float) -> Activated | None:
        """Make this worker's program the one that sends, unless workers of another one live."""
        with self._db as db:
            now = self.time()
            absent = (0, self._run_id, *gone)
            holders = db.execute(
                "SELECT DISTINCT worker FROM claims WHERE worker NOT IN (0, ?)", (self._run_id,)
            ).fetchall()
            others = f"worker NOT IN ({marks(absent)}) AND until > ?"
            if db.execute(f"SELECT 1 FROM claims WHERE {others} LIMIT 1", (*absent, now)).fetchone():
                return None
            db.execute(
                "UPDATE claims SET worker = 0, epoch = epoch + 1, until = 0, "  # constants only
                f"strays = CASE WHEN worker IN ({marks(absent)}) OR strays > until THEN strays ELSE until END WHERE worker != ?",
                (*absent, self._run_id),
            )
            _note_lost(db, [holder for (holder,) in holders])
            activated = activate(db, program, at)
            db.execute("DELETE FROM programs")
            db.execute("INSERT INTO programs VALUES (?, ?)", (fingerprint, now))
            db.execute("UPDATE workers SET fingerprint = ? WHERE id = ?", (fingerprint, self._run_id))
            self._fingerprint = fingerprint
            return activated

    def close(self, finished: bool, at: float, words: str | None = None) -> None:  # noqa: FBT001  # a call's argument
        """Note the end of the run, and let go of all that this worker holds; safe to repeat.

        One that is not ``finished`` may have requests under way: its claims end by themselves.
        """
        if self._database is None:
            return
        with self._database as db:
            if finished:
                db.execute("UPDATE claims SET worker = 0, until = 0 WHERE worker = ?", (self._run_id,))
                db.execute("DELETE FROM workers WHERE id = ?", (self._run_id,))
            ended = (at, finished, words, self._run_id)
            db.execute("UPDATE runs SET ended_at = ?, finished = ?, ending = ? WHERE id = ?", ended)
        self.drop()


def _note_lost(db: Database, runs: Sequence[int]) -> None:
    """Note of runs which deliveries they may have sent: others take now what these have not let go of."""
    sql = "UPDATE runs SET lost_at = (SELECT coalesce(max(id), 0) FROM deliveries) WHERE id = ?"
    db.executemany(sql, [(run,) for run in runs])


def check_claim(db: Database, worker: int, claim: tuple[str, int]) -> None:
    """Raise ``FencedError`` where a claim is another's by now."""
    sql = "SELECT 1 FROM claims WHERE share = ? AND worker = ? AND epoch = ?"
    if not db.execute(sql, (claim[0], worker, claim[1])).fetchone():
        raise FencedError(f"another worker has taken over: {claim[0]}")


def look(db: Database, me: int, waits: str, now: float, *, quick: bool) -> dict[str, Any]:
    """Renew what a worker holds; return who lives and what each holds.

    Raises:
        UnavailableError: it was silent for such a long time that it is not known any more.
    """
    if not db.execute(
        "UPDATE workers SET until = ?, waits = ? WHERE id = ?", (now + CLAIM_SECONDS, waits, me)
    ).rowcount:
        raise UnavailableError(
            "the other workers have forgotten this one: it was silent for too long",
            hint="nothing was acknowledged that is not in the journal; start it again",
        )
    db.execute("UPDATE claims SET until = ? WHERE worker = ?", (now + CLAIM_SECONDS, me))
    db.execute("DELETE FROM workers WHERE until < ? AND id NOT IN (SELECT worker FROM claims)", (now - _KEPT_SECONDS,))
    living = "SELECT id, name, place, fingerprint, waits, since FROM workers WHERE until > ? ORDER BY id"
    program = db.execute("SELECT fingerprint FROM programs").fetchone()
    return {
        "living": db.execute(living, (now,)).fetchall(),
        "holders": db.execute("SELECT share, worker, epoch FROM claims").fetchall(),
        "program": program[0] if program else "",
        "open": -1 if quick else db.execute(_COUNTED).fetchone()[0],
    }


def workers_of(db: Database, now: float) -> list[dict[str, Any]]:
    """Return the workers that are known, with what each holds; ``silent``: seconds since its claims ended, None where it lives."""
    holds: dict[int, list[str]] = {}
    for share, worker in db.execute("SELECT share, worker FROM claims WHERE worker != 0 ORDER BY share"):
        holds.setdefault(worker, []).append(share)
    found = named_rows(db, "SELECT id, name, since, waits, until FROM workers ORDER BY id")
    return [
        {
            "id": row["id"],
            "name": row["name"],
            "since": row["since"],
            "holds": holds.get(row["id"], []),
            "waits": row["waits"],
            "silent": None if row["until"] > now else now - row["until"],
        }
        for row in found
        if row["until"] > now or row["id"] in holds
    ]


def _of_system(db: Database, share: str, moment: Moment, monotonic: float) -> dict[str, Any]:
    system = system_of(share)
    usage = recall_usage(db, moment, monotonic=monotonic, only=system)
    standings = named_rows(db, "SELECT system, state, reason, by, since, until FROM standings WHERE system = ?", system)
    last = db.execute("SELECT coalesce(max(id), 0) FROM deliveries").fetchone()[0]
    return {"usage": usage, "standings": standings, "last_delivery": last}
