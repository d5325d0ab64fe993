"""Where a run is hurt on its own side: a source and a journal that crash around each promise, and a journal that is slow.

What hurts it on the other side is ``world.py`` and ``curse.py``.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from syncflow.events import Position, Raw
from syncflow.runtime.journal.base import OPEN
from syncflow.runtime.journal.sqlite.database import connect, migrate
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.runtime.journal.sqlite.tables import JournalStore
from syncflow.runtime.journal.tables.executors import Inline


@dataclass
class Broker:
    """A source as a message broker is one: it keeps what was acknowledged itself, and hands out the rest again."""

    bodies: Sequence[bytes]
    random: Random
    crash: Callable[[], bool]
    acknowledged: int = 0
    pauses: Sequence[float] = (0.0, 0.0, 0.1, 1.0)
    _next: int = 0

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        self._next = self.acknowledged

    async def read(self, *, most: int) -> Sequence[Raw]:
        await asyncio.sleep(self.random.choice(self.pauses))
        count = min(most, self.random.randint(1, 8))
        first = self._next
        self._next = min(len(self.bodies), first + count)
        return [Raw(Position("broker", i + 1), self.bodies[i]) for i in range(first, self._next)]

    async def acknowledge(self, position: Position) -> None:
        await _perhaps_crash(self.crash)
        self.acknowledged = max(self.acknowledged, position.offset)
        await _perhaps_crash(self.crash)

    async def close(self) -> None:
        return None


class WatchedTables(JournalStore):
    """The real tables, which notice when a delivery is settled twice."""

    settled_twice: list[int]

    def _still_there(self) -> None:
        """Nobody removes it here: asking the disk after each call would cost a fortieth of a seed."""

    def settle(self, outcomes: Mapping[str, Any], at: float) -> None:
        ids = [number for entry in outcomes["settlements"] for number in entry[-1]] + [
            row[-1] for row in outcomes["superseded"]
        ]
        marks = ", ".join("?" * len(ids))
        rows = self._db.execute(f"SELECT id, state FROM deliveries WHERE id IN ({marks})", ids).fetchall()
        self.settled_twice += [number for number, state in rows if state not in OPEN]
        super().settle(outcomes, at)


@cache
def _empty_journal() -> bytes:
    """Return the file of a journal that no run has used: making its tables takes longer than many a life."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        with closing(connect(path)) as database:
            migrate(database, path)
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return path.read_bytes()


def fresh(path: Path) -> Path:
    """Put an empty journal there unless one is there."""
    if not path.exists():
        path.write_bytes(_empty_journal())
        path.chmod(0o600)
    return path


class Slow(Inline):
    """Does it in a while, one call after the other, also those whose caller is gone: as a thread or a process does."""

    def __init__(self, tables: JournalStore, random: Random, *, longest: float) -> None:
        super().__init__(tables)
        self._random = random
        self._naps = (0.0, 0.0, 0.005, 0.1, longest)
        self._turns: deque[tuple[str, tuple[Any, ...], asyncio.Future[Any]]] = deque()

    def call(self, name: str, *arguments: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """Callbacks rather than tasks: half of all seeds are slow, and each makes hundreds of calls."""
        done = asyncio.get_running_loop().create_future()
        self._turns.append((name, arguments, done))
        if len(self._turns) == 1:
            self._nap()
        return done

    def _nap(self) -> None:
        loop, seconds = asyncio.get_running_loop(), self._random.choice(self._naps)
        loop.call_later(seconds, self._do) if seconds else loop.call_soon(self._do)

    def _do(self) -> None:
        name, arguments, done = self._turns[0]
        found, error = None, None
        try:
            found = self.tables.call(name, *arguments)
        except Exception as exc:  # noqa: BLE001  # it is the caller's
            error = exc
        if not done.done():
            done.set_exception(error) if error else done.set_result(found)
        self._turns.popleft()
        if self._turns:
            self._nap()


class WatchedJournal(SqliteJournal):
    """The real journal, which gives the loop a chance to crash around each call."""

    crash: Callable[[], bool]

    async def _call(self, name: str, *arguments: Any) -> Any:
        await asyncio.sleep(0)
        await _perhaps_crash(self.crash)
        found = await super()._call(name, *arguments)
        await _perhaps_crash(self.crash)
        return found

    def die(self) -> None:
        """Leave what a dead process leaves: the lock is free, the open transaction is gone."""
        self._lock.release()


async def _perhaps_crash(crash: Callable[[], bool]) -> None:
    """The places where a crash hurts most: right before and right after something becomes durable."""
    if crash():
        asyncio.get_running_loop().stop()
        await asyncio.sleep(3600)
