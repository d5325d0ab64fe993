"""Reading: from the source to the journal, by the tasks of one run: read → process → transform → commit, and marks beside them.

A run that has its journal for itself reads from its start to its end; a worker reads while it holds that share. ``stop`` ends it after
what is under way, ``leave`` at once: what was not acknowledged comes again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from syncflow.clock import Clock
from syncflow.compiler.program import Program
from syncflow.events import Position
from syncflow.runtime.aside import aside
from syncflow.runtime.bulkheads import Bugs, of_source
from syncflow.runtime.ending import Keep, MostWaiting
from syncflow.runtime.first_of import first_of
from syncflow.runtime.intake.beginning import Beginning
from syncflow.runtime.intake.pipeline import (
    QUEUE,
    Committer,
    ProcessedChunk,
    RawChunk,
    TransformedChunk,
    hear,
    last_positions,
    process,
    read,
    transform,
)
from syncflow.runtime.intake.planning import IdCounter, Plan
from syncflow.runtime.journal.base import Journal
from syncflow.runtime.observe import Tally, note, warn
from syncflow.runtime.source_news import SourceNews
from syncflow.runtime.systems import Systems
from syncflow.runtime.tidying import tidy
from syncflow.sources.base import NothingToRead, Source, kept_by, tell_refused

if TYPE_CHECKING:  # it loads OpenTelemetry
    from syncflow.runtime.traces.spans import Traces


@dataclass(slots=True, kw_only=True)
class RunState:
    """What the tasks of one run share. A swap changes ``program``, ``keep`` and ``waiting`` between two chunks."""

    program: Program
    systems: Systems
    tally: Tally
    clock: Clock
    bugs: Bugs
    keep: Keep
    waiting: MostWaiting
    between_chunks: asyncio.Lock
    stop: Callable[[str], None]
    """Ends the run, with the reason."""
    news: Callable[[], None]
    """Called where something changed that a waiting task may want to know."""
    nothing_moves: Callable[[], bool]
    """Whether no delivery is open but those of systems that stopped."""
    traces: Traces | None = None


class Reading:
    """One opening of a source, which is open already."""

    def __init__(
        self,
        run: RunState,
        *,
        source: Source,
        journal: Journal,
        source_news: SourceNews,
        numbers: IdCounter,
        positions: Mapping[str, Position],
        limit: int | None = None,
        reads_once: bool = False,
    ) -> None:
        self._run = run
        self._source = source
        self._journal = journal
        self._source_news = source_news
        self._limit = limit
        self._has_ended = False
        self._stop = asyncio.Event()
        self._changed = asyncio.Event()
        self.has_read_all = False
        self.has_looked = False
        """Whether marks were looked for."""
        self._committer = Committer(
            journal,
            numbers=numbers,
            positions=positions,
            tally=run.tally,
            bugs=run.bugs,
            may_bury=run.systems.may_bury,
            beginning=Beginning(run.program.stop_after) if reads_once else None,
            kept_by=lambda partition: kept_by(source, partition),
            refused=self._tell_refused,
            heard=self._heard,
        )
        self._committing: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, group: asyncio.TaskGroup, *, guarded: Guarded | None = None) -> None:
        """Start its tasks. ``guarded`` goes around each of them."""
        raw: asyncio.Queue[RawChunk | None] = asyncio.Queue(QUEUE)
        processed: asyncio.Queue[ProcessedChunk | None] = asyncio.Queue(QUEUE)
        transformed: asyncio.Queue[TransformedChunk | None] = asyncio.Queue(QUEUE)
        run = self._run
        tidying = partial(tidy, self._journal, keep=lambda: run.keep, clock=run.clock, bugs=run.bugs)
        reading = partial(
            read,
            self._source,
            raw,
            clock=run.clock,
            tally=run.tally,
            limit=self._limit,
            stop=self._stop,
            bugs=run.bugs,
            at_end=self._at_end,
        )
        stages: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
            "read": reading,
            "process": partial(self._process, raw, processed),
            "transform": partial(self._transform, processed, transformed),
            "commit": partial(self._commit, transformed),
            "take up": self._take_up,
            "tidy": tidying,
        }
        for name, stage in stages.items():
            task = group.create_task(guarded(stage) if guarded else stage(), name=name)
            self._tasks.append(task)
            if name == "commit":
                self._committing = task

    def stop(self) -> None:
        """Read no more; what was read is still committed. Safe to repeat."""
        self._stop.set()
        self._changed.set()

    async def finish(self) -> None:
        """Return when what was read is committed."""
        if self._committing is not None:
            await self._committing

    def end(self) -> None:
        """Look for no more marks, tidy no more: nothing is sent any more."""
        for task in self._tasks[-2:]:
            task.cancel()

    async def leave(self) -> None:
        """Let go at once of all that is under way."""
        self._stop.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close_source(self) -> None:
        """Close the source; safe to repeat."""
        with of_source(self._run.bugs, during="it was closed"):
            await self._source.close()

    def wake(self) -> None:
        """Something changed."""
        self._changed.set()

    def _heard(self, plan: Plan) -> None:
        if self._run.traces is not None:
            self._run.traces.heard(plan.events)

    def _at_end(self) -> None:
        self._has_ended = not isinstance(self._source, NothingToRead)  # what was not asked for may still come

    # -- the stages ----------------------------------------------------------------------------------------------------------

    async def _tell_refused(self, positions: Sequence[Position]) -> None:
        with of_source(self._run.bugs, during="events were refused"):
            await tell_refused(self._source, positions)

    async def _process(self, raw: asyncio.Queue[RawChunk | None], out: asyncio.Queue[ProcessedChunk | None]) -> None:
        while chunk := await raw.get():
            await out.put(await aside(len(chunk.raws), process, self._run.program, chunk, self._run.bugs))
            await asyncio.sleep(0)  # a full chunk takes milliseconds: let the senders have their turn
        await out.put(None)

    async def _transform(
        self, processed: asyncio.Queue[ProcessedChunk | None], out: asyncio.Queue[TransformedChunk | None]
    ) -> None:
        while chunk := await processed.get():
            await out.put(await aside(len(chunk.fates), transform, chunk, self._run.bugs))
            await asyncio.sleep(0)
        await out.put(None)

    async def _commit(self, transformed: asyncio.Queue[TransformedChunk | None]) -> None:
        run = self._run
        chunk = await transformed.get()
        while chunk:
            await self._hold_back()
            # What waits already is taken out of turn, to be looked up while this one is written.
            following = [] if transformed.empty() else [transformed.get_nowait()]
            async with run.between_chunks:
                since = run.clock.now()
                run.systems.hand_out(
                    await self._committer.commit(chunk, run.program, following=following[0] if following else None)
                )
            if run.traces is not None:
                run.traces.chunk(chunk.raw.raws, read_at=chunk.raw.read_at, from_=since)
            if self._committer.bad_beginning:
                run.stop(self._committer.bad_beginning)
            with of_source(run.bugs, during="events were acknowledged"):
                for position in last_positions(chunk.raw.raws):
                    await self._source.acknowledge(position)
            run.news()
            chunk = following[0] if following else await transformed.get()
        self.has_read_all = True
        run.systems.flush(ended=self._has_ended)
        run.news()
        await self.close_source()  # who still sends is told at once, not when the last delivery is settled

    async def _take_up(self) -> None:
        """Look every second for what people asked to be sent again, and for what the source says while it waits."""
        run = self._run
        while True:
            async with run.between_chunks:
                run.systems.hand_out(
                    await self._committer.take_up(
                        run.program, now=run.clock.now(), stopped_routes=run.systems.stopped_routes
                    )
                )
            self.has_looked = True
            run.news()
            # One that waits for a lost connection says so now, not when it reads again.
            hear(self._source_news.reports(), run.tally)
            await self._source_news.note()
            await run.clock.sleep(1.0)

    async def _hold_back(self) -> None:
        """Wait while too much is waiting already; what is read stays unacknowledged."""
        run = self._run
        if self._stop.is_set() or not run.waiting.reached(run.tally):
            return
        warn("source.held_back", waiting=run.tally.open, bytes=round(run.tally.open * run.tally.event_bytes))
        while run.waiting.reached(run.tally) and not self._stop.is_set():
            if run.nothing_moves() and not run.systems.pauses.named:
                run.stop("as much waits as may wait (journal.waiting), and the systems that it waits for have stopped")
            self._changed.clear()
            await first_of(self._changed.wait(), self._stop.wait(), run.clock.sleep(1.0))
        note("source.goes_on", waiting=run.tally.open)


Guarded = Callable[[Callable[[], Coroutine[Any, Any, None]]], Coroutine[Any, Any, None]]
"""What goes around a task of its own: it says what an exception costs. It gets a call: a task cancelled before its start makes none."""
