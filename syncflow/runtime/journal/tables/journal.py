"""The journal of a run, in values; ``executor`` says who does the work: see ``executors``."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, astuple
from typing import Any

import orjson

from syncflow.events import Action, Delivery, Job, Position, Raw
from syncflow.runtime.aside import aside
from syncflow.runtime.journal.base import (
    Activated,
    Activation,
    Commit,
    EarlierThan,
    Known,
    Mark,
    Opened,
    OpenJob,
    RunEnd,
    Settlement,
    Superseded,
    TurnFacts,
    Waiting,
    Wanted,
)
from syncflow.runtime.journal.sent import Seal
from syncflow.runtime.journal.tables.executors import Executor
from syncflow.runtime.journal.tables.jobs import job_row, open_jobs
from syncflow.runtime.journal.tables.rows import (
    commit_rows,
    earlier_event,
    known_of,
    mark,
    presence,
    settlement_rows,
    turn_facts_of,
    waiting,
    wanted_rows,
)
from syncflow.runtime.journal.tables.usage import Moment, usage_rows
from syncflow.runtime.journal.tables.usage import since_boot as machine_since_boot
from syncflow.runtime.journal.usage import Usage, UsageNote
from syncflow.runtime.pauses import Pause
from syncflow.runtime.reloaded import LastReload
from syncflow.runtime.run_name import NAMELESS, RunName
from syncflow.runtime.standing import Standing
from syncflow.sources.base import Lag


class TabularJournal:
    """See ``Journal``: what all homes share. ``now`` is wall time."""

    def __init__(
        self,
        executor: Executor,
        *,
        now: Callable[[], float] = time.time,
        since_boot: Callable[[], tuple[str, float]] | None = None,
    ) -> None:
        self._executor = executor
        self._now = now
        # Another clock than the machine's passes at its own speed: then only it can tell how long nothing ran.
        self._since_boot = since_boot or (machine_since_boot if now is time.time else lambda: ("", 0.0))
        self._is_open = False
        self._seal = Seal(b"")

    async def open(
        self, *, fingerprint: str, from_start: bool = False, monotonic: float = 0.0, name: RunName = NAMELESS
    ) -> Opened:
        try:
            await self._start()
            found = await self._call("open", fingerprint, from_start, self._moment(), monotonic, name)
            self._seal = Seal(found.pop("sent_key"))
            opened = _opened(found)
        except BaseException:
            await self._let_go()
            raise
        self._is_open = True
        return opened

    async def _start(self) -> None:
        """Be ready for calls."""
        await self._executor.start()

    async def known(self, wanted: Wanted) -> Known:
        return known_of(*await self._call("known", *wanted_rows(wanted)))

    async def turn_facts(self, deliveries: Sequence[Delivery], *, compared: Mapping[int, str]) -> Sequence[TurnFacts]:
        records = list({record.id for delivery in deliveries for record in (delivery.record, *delivery.after)})
        rows, blobs = await self._call("turn_facts", records, list(set(compared.values())))
        return turn_facts_of(deliveries, map(presence, rows), blobs, compared=compared, seal=self._seal)

    async def commit(self, commit: Commit, *, ahead: Wanted | None = None) -> Known | None:
        rows = await aside(len(commit.events), commit_rows, commit)
        found = await self._call("commit", rows, self._now(), wanted_rows(ahead) if ahead else None)
        return known_of(*found) if found else None

    async def sending(self, deliveries: Sequence[Delivery], *, batch_id: str) -> None:
        await self._call("sending", [delivery.id for delivery in deliveries], batch_id)

    async def unsent(self, deliveries: Sequence[Delivery]) -> None:
        await self._call("unsent", [delivery.id for delivery in deliveries])

    async def note_job(self, job: Job) -> None:
        await self._call("note_job", job_row(job), self._now())

    async def end_job(self, job: Job) -> None:
        await self._call("end_job", job.id)

    async def jobs(self, system: str) -> Sequence[OpenJob]:
        return open_jobs(*await self._call("jobs", system))

    async def settle(
        self,
        settlements: Sequence[Settlement],
        *,
        superseded: Sequence[Superseded] = (),
    ) -> None:
        await self._call("settle", settlement_rows(settlements, superseded, seal=self._seal), self._now())

    async def page(
        self,
        system: str,
        *,
        after: int,
        most: int,
        routes: frozenset[str] | None = None,
        withheld: frozenset[str] = frozenset(),
    ) -> Sequence[Waiting]:
        only = None if routes is None else list(routes)
        return list(map(waiting, await self._call("page", system, after, most, only, sorted(withheld))))

    async def pauses(self) -> Sequence[Pause]:
        return [Pause(*row) for row in await self._call("pauses")]

    async def open_of(self, systems: frozenset[str]) -> Mapping[str, int]:
        return dict(await self._call("open_of", sorted(systems)))

    async def present(self, kind: str, *, after: str, most: int) -> Sequence[str]:
        found: list[str] = await self._call("present", kind, after, most)
        return found

    async def delivered(self, deliveries: Sequence[int]) -> Mapping[int, bytes]:
        return dict(await self._call("delivered", list(deliveries)))

    async def beside(self, events: Sequence[int]) -> Mapping[int, bytes]:
        return dict(await self._call("beside", list(dict.fromkeys(events))))

    async def earlier(self, wanted: Sequence[EarlierThan], *, most: int) -> Sequence[Sequence[tuple[int, Raw]]]:
        asked = [(record.kind, record.id, after, before) for record, after, before in wanted]
        return [[earlier_event(row) for row in rows] for rows in await self._call("earlier", asked, most)]

    async def open_elsewhere(self, routes: frozenset[str]) -> int:
        count: int = await self._call("open_elsewhere", list(routes))
        return count

    async def was_accepted(self, system: str, *, object_name: str, operation: Action) -> bool:
        accepted: bool = await self._call("was_accepted", system, object_name, operation)
        return accepted

    async def marks(self, *, most: int, without: frozenset[str] = frozenset()) -> Sequence[Mark]:
        return [mark(row, repeated) for row, repeated in await self._call("marks", most, sorted(without))]

    async def open_marks(self) -> int:
        count: int = await self._call("open_marks")
        return count

    async def tidy(self, *, before: float, most_bytes: int, tombstones_before: float = 0.0) -> int:
        while True:  # each call is short, and others come between
            gone, more = await self._call("tidy", before, most_bytes, tombstones_before, self._now())
            if gone or not more:
                return int(gone)

    async def activate(self, program: Activation, *, at: float) -> Activated:
        activated: Activated = await self._call("activate", program, at)
        return activated

    async def set_aside(self, marks: Mapping[int, str], *, at: float) -> None:
        await self._call("set_aside", list(marks.items()), at)

    async def note_usage(self, note: UsageNote) -> None:
        await self._call("note_usage", usage_rows(note), self._moment())

    async def stand(self, standing: Standing) -> None:
        await self._call("stand", *astuple(standing), self._now())

    async def note_reload(self, reload: LastReload) -> None:
        await self._call("note_reload", reload.at, reload.result, reload.words)

    async def note_requests(self, counts: Mapping[str, int]) -> None:
        await self._call("note_requests", list(counts.items()))

    async def note_lags(self, lags: Mapping[str, Lag]) -> None:
        rows = [(name, lag.events, lag.bytes, lag.seconds, lag.next_at) for name, lag in lags.items()]
        await self._call("note_lags", rows, self._now())

    async def totals(self) -> Mapping[str, Any]:
        totals: Mapping[str, Any] = await self._call("totals")
        return totals

    async def close(self, *, finished: bool, end: RunEnd | None = None) -> None:
        if not self._is_open:
            return
        self._is_open = False
        try:
            words = orjson.dumps(asdict(end)).decode() if end else None
            await self._call("close", finished, self._now(), words)
        finally:
            await self._let_go()

    def _moment(self) -> Moment:
        return Moment(self._now(), *self._since_boot())

    async def _let_go(self) -> None:
        await self._executor.stop()

    async def _call(self, name: str, *arguments: Any) -> Any:
        return await self._executor.call(name, *arguments)


def _opened(found: dict[str, Any]) -> Opened:
    standings = {row["system"]: Standing(**row) for row in found.pop("standings")}
    usage, starts = usages(found.pop("usage")), positions(found.pop("positions"))
    return Opened(**found, standings=standings, usage=usage, positions=starts)


def usages(rows: Sequence[Any]) -> dict[str, Usage]:
    """Return what systems used from rows of ``recall_usage``."""
    return {system: Usage(answered, pace, complete=complete) for system, pace, complete, answered in rows}


def positions(rows: Sequence[Any]) -> dict[str, Position]:
    """Return positions by partition."""
    return {row[0]: Position(*row) for row in rows}
