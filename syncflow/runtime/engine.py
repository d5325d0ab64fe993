"""The run: one TaskGroup that owns every task between a source and the systems.

    journal = SqliteJournal(path)
    engine = Engine(program, source=source, journal=journal, systems=connect_systems(http, clock))
    tally = await engine.run()          # until the source ends and everything is settled, or stop() is called

``systems`` makes what sends a system's batches, given its plan and the gate that its requests must pass. ``swap`` changes the program of a
running engine between two chunks; ``stop`` ends it after what is under way; both may be called from any task of the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from random import Random, SystemRandom

from syncflow.clock import Clock, SystemClock
from syncflow.compiler.program import Program
from syncflow.config.models.routes import SourceSettings
from syncflow.errors import BugError, ProjectError, SyncflowError, UnavailableError
from syncflow.events import Position
from syncflow.runtime.aside import aside
from syncflow.runtime.bulkheads import Bugs, guarded_journal, of_source
from syncflow.runtime.delivery.assignment import WINDOW
from syncflow.runtime.delivery.settle import Settler
from syncflow.runtime.ending import Ending, Keep, MostWaiting, run_end
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
from syncflow.runtime.intake.planning import Numbers
from syncflow.runtime.journal.base import Journal, Opened
from syncflow.runtime.measures import Measures, measured_journal
from syncflow.runtime.observe import Tally, note, warn
from syncflow.runtime.reloaded import LastReload
from syncflow.runtime.run_name import NAMELESS, RunName
from syncflow.runtime.source_news import SourceNews
from syncflow.runtime.systems import Connect, Systems
from syncflow.runtime.tidying import tidy
from syncflow.runtime.wait import first_of
from syncflow.sources.base import Source, kept_by, rotation_of, tell_refused


class Engine:
    """One run of one program at a time. Not reusable: make a new one for the next run."""

    def __init__(
        self,
        program: Program,
        *,
        source: Source,
        journal: Journal,
        systems: Connect,
        clock: Clock | None = None,
        random: Random | None = None,
        limit: int | None = None,
        wait_seconds: float = 60.0,
        from_start: bool = False,
        keep: Keep | None = None,
        waiting: MostWaiting | None = None,
        only: Sequence[str] = (),
        window: int = WINDOW,
        reads_once: bool = False,
        measures: Measures | None = None,
        name: RunName = NAMELESS,
    ) -> None:
        """``reads_once``: the source is a file that ends: a beginning that is all bad stops the run.

        ``only``: names of routes that send; deliveries of the others wait in the journal. ``measures``: where it is noted how long things
        take; None where nobody asks. ``name``: what the run is called."""
        self.program = program
        self.name = name
        self.tally = Tally()
        self._source = source
        self._bugs = Bugs()
        self._clock = clock or SystemClock()
        journal = guarded_journal(journal, self._bugs)
        if measures is not None:
            journal = measured_journal(journal, measures, monotonic=self._clock.monotonic)
        self._journal = journal
        self.measures = measures
        self._limit = limit
        self._reads_once = reads_once
        self._wait_seconds = wait_seconds
        self._from_start = from_start
        self._keep = keep or Keep()
        self._waiting = waiting or MostWaiting()
        self._settler = Settler(journal)
        self._between_chunks = asyncio.Lock()
        self._stop = asyncio.Event()
        self._changed = asyncio.Event()
        self._read_all = False
        self._looked = False
        self._reason = ""
        self._group: asyncio.TaskGroup | None = None
        self._ended = False
        self._source_news = SourceNews(source, journal, self._bugs)
        self._systems = Systems(
            program,
            connect=systems,
            journal=journal,
            settler=self._settler,
            clock=self._clock,
            random=random or SystemRandom(),
            tally=self.tally,
            bugs=self._bugs,
            changed=self._news,
            only=only,
            window=window,
            at_once=wait_seconds == 0,
            measures=measures,
        )
        self.reloading = asyncio.Lock()
        """Held while a reload is under way: the project that was loaded last must win."""
        self.last_reload: LastReload | None = None

    # -- what others may ask -------------------------------------------------------------------------------------------------

    async def run(self) -> Ending:
        """Run to the end of the source, or until stopped.

        Raises:
            SyncflowError: the journal or the source failed; what was journaled is safe, and the next run continues.
        """
        try:
            return await self._run()
        except SyncflowError:
            raise
        except BaseExceptionGroup as group:
            ended_by = self._explained(group)
            if not isinstance(ended_by, Exception):
                raise
            raise ended_by from group
        except Exception as error:
            raise self._explained(error) from error

    def _explained(self, error: BaseException) -> BaseException:
        """Return what ended a run: the first error that was foreseen, else one that says where it came from."""
        if isinstance(error, BaseExceptionGroup):
            known = error.subgroup(SyncflowError)
            return self._explained((known or error).exceptions[0])
        if isinstance(error, SyncflowError) or not isinstance(error, Exception):
            return error
        return BugError(self._bugs.tell(error, during="the run went on"))

    def stop(self, reason: str = "stopped") -> None:
        """Read no more, finish what is under way, leave the rest in the journal; safe to repeat."""
        if not self._stop.is_set():
            self._reason = reason
            note("run.stopping", reason=reason)
        self._stop.set()
        self._news()

    @property
    def stopping(self) -> bool:
        """Whether it reads no more: it was stopped, or is at its end."""
        return self._stop.is_set()

    async def swap(
        self,
        program: Program,
        *,
        keep: Keep | None = None,
        waiting: MostWaiting | None = None,
        places: Sequence[str] = (),
    ) -> None:
        """Change the program between two chunks. What is journaled keeps its payload; what has no route any more is dead-lettered.

        ``keep`` and ``waiting`` replace those of the run where given; ``places`` are logged as what changed.

        Raises:
            ProjectError: one of its systems cannot be connected; the engine goes on with the program that it had.
            SyncflowError: the journal failed; the run ends.
        """
        async with self._between_chunks:
            if self._stop.is_set():
                return  # what was read is still committed, by the program that the journal is at: the next run takes the new one
            if self._group is None:
                self.program = program
            else:
                await self._exchange(program, self._group)
            self._keep, self._waiting = keep or self._keep, waiting or self._waiting
        note("program.changed", fingerprint=program.fingerprint[:12], **({"places": list(places)} if places else {}))
        self._news()

    def source_rotation(self, settings: Mapping[str, SourceSettings]) -> Callable[[], None]:
        """Check the secrets by which the source knows who sends; return a call that uses them.

        Raises:
            ProjectError: they cannot be used.
        """
        return rotation_of(self._source, settings)

    async def note_reload(self, reload: LastReload) -> None:
        """Remember how a reload ended, in the journal too while the run goes on; a note that fails costs nothing else."""
        self.last_reload = reload
        if self._group is None or self._ended:
            return
        try:
            await self._journal.note_reload(reload)
        except BugError:
            pass  # the log says where
        except SyncflowError as error:
            warn("reload.not_noted", reason=error.message)

    def told(self, error: Exception, *, during: str) -> str:
        """Log an unforeseen exception of something that goes on beside the run; return the reason that people are told."""
        return self._bugs.tell(error, during=during)

    def now(self) -> float:
        """Return wall seconds by the run's clock."""
        return self._clock.now()

    def snapshot(self) -> Tally:
        """Return the counts with how every system stands now."""
        self._systems.show()
        self.tally.source_requests = dict(self._source_news.requests())
        self.tally.source_lags = dict(self._source_news.lags())
        return self.tally

    # -- the run -------------------------------------------------------------------------------------------------------------

    async def _run(self) -> Ending:
        opened = await self._journal.open(
            fingerprint=self.program.fingerprint,
            from_start=self._from_start,
            monotonic=self._clock.monotonic(),
            name=self.name,
        )
        finished, failure = False, None
        try:
            self._systems.recall(opened)
            self.tally.open = self.tally.carried_over = sum(opened.open_deliveries.values())
            with of_source(self._bugs, during="it was opened"):
                await self._source.open(opened.positions)
            await self._work(opened)
            await self._count_left()
            finished = True
        except BaseException as error:
            failure = self._explained(error)
            raise
        finally:
            self._ended = True
            try:
                await self._close_source()
                if finished:
                    await self._source_news.note()
            finally:
                end = run_end(self.tally, self._reason, self._systems.stopped, failure=failure)
                await self._journal.close(finished=finished, end=end)
        return Ending(self.snapshot(), self._reason, self._systems.stopped)

    async def _close_source(self) -> None:
        with of_source(self._bugs, during="it was closed"):
            await self._source.close()

    async def _count_left(self) -> None:
        """Count what is marked to be sent again as open, and tell what waits for routes that were not to send apart from it."""
        self.tally.open += await self._journal.open_marks()
        if self._systems.only is not None:
            self.tally.withheld = await self._journal.open_elsewhere(self._systems.only)
            self.tally.open -= self.tally.withheld

    async def _work(self, opened: Opened) -> None:
        raw: asyncio.Queue[RawChunk | None] = asyncio.Queue(QUEUE)
        processed: asyncio.Queue[ProcessedChunk | None] = asyncio.Queue(QUEUE)
        transformed: asyncio.Queue[TransformedChunk | None] = asyncio.Queue(QUEUE)
        numbers = Numbers(opened.last_event, opened.last_delivery)
        committer = Committer(
            self._journal,
            numbers=numbers,
            positions=opened.positions,
            tally=self.tally,
            bugs=self._bugs,
            may_bury=self._systems.may_bury,
            beginning=Beginning(self.program.stop_after) if self._reads_once else None,
            kept_by=lambda partition: kept_by(self._source, partition),
            refused=self._tell_refused,
        )
        async with asyncio.TaskGroup() as group:
            settling = group.create_task(self._settler.run(), name="settle")
            async with self._between_chunks:  # a swap comes before all of this or after it
                self._group = group
                connected = self._systems.connected(self.program)
                await self._systems.start(self.program, connected, group=group, backlog=opened.used_before)
            reading = read(
                self._source,
                raw,
                clock=self._clock,
                tally=self.tally,
                limit=self._limit,
                stop=self._stop,
                bugs=self._bugs,
            )
            group.create_task(reading, name="read")
            group.create_task(self._process(raw, processed), name="process")
            group.create_task(self._transform(processed, transformed), name="transform")
            committing = group.create_task(self._commit(committer, transformed), name="commit")
            tidying = tidy(self._journal, keep=lambda: self._keep, clock=self._clock, bugs=self._bugs)
            beside = [
                group.create_task(self._take_up(committer), name="take up"),
                group.create_task(tidying, name="tidy"),
            ]
            await self._until_done()
            self._stop.set()
            await committing
            async with self._between_chunks:  # a swap under way has closed some dispatchers and starts others
                await self._systems.close()
            for task in (settling, *beside):
                task.cancel()

    async def _tell_refused(self, positions: Sequence[Position]) -> None:
        with of_source(self._bugs, during="events were refused"):
            await tell_refused(self._source, positions)

    async def _process(self, raw: asyncio.Queue[RawChunk | None], out: asyncio.Queue[ProcessedChunk | None]) -> None:
        while chunk := await raw.get():
            await out.put(await aside(len(chunk.raws), process, self.program, chunk, self._bugs))
            await asyncio.sleep(0)  # a full chunk takes milliseconds: let the senders have their turn
        await out.put(None)

    async def _transform(
        self, processed: asyncio.Queue[ProcessedChunk | None], out: asyncio.Queue[TransformedChunk | None]
    ) -> None:
        while chunk := await processed.get():
            await out.put(await aside(len(chunk.fates), transform, chunk, self._bugs))
            await asyncio.sleep(0)
        await out.put(None)

    async def _commit(self, committer: Committer, transformed: asyncio.Queue[TransformedChunk | None]) -> None:
        chunk = await transformed.get()
        while chunk:
            await self._hold_back()
            # What waits already is taken out of turn, to be looked up while this one is written.
            following = [] if transformed.empty() else [transformed.get_nowait()]
            async with self._between_chunks:
                self._systems.hand_out(
                    await committer.commit(chunk, self.program, following=following[0] if following else None)
                )
            if committer.bad_beginning:
                self.stop(committer.bad_beginning)
            with of_source(self._bugs, during="events were acknowledged"):
                for position in last_positions(chunk.raw.raws):
                    await self._source.acknowledge(position)
            self._news()
            chunk = following[0] if following else await transformed.get()
        self._read_all = True
        self._systems.flush()
        self._news()
        await self._close_source()  # who still sends is told at once, not when the last delivery is settled

    async def _take_up(self, committer: Committer) -> None:
        """Look every second for what people asked to be sent again, and for what the source says while it waits."""
        while True:
            async with self._between_chunks:
                self._systems.hand_out(
                    await committer.take_up(
                        self.program, now=self._clock.now(), stopped_routes=self._systems.stopped_routes
                    )
                )
            self._looked = True
            self._news()
            # One that waits for a lost connection says so now, not when it reads again.
            hear(self._source_news.reports(), self.tally)
            await self._source_news.note()
            await self._clock.sleep(1.0)

    async def _hold_back(self) -> None:
        """Wait while too much is waiting already; what is read stays unacknowledged."""
        if self._stop.is_set() or not self._waiting.reached(self.tally):
            return
        warn("source.held_back", waiting=self.tally.open, bytes=round(self.tally.open * self.tally.event_bytes))
        while self._waiting.reached(self.tally) and not self._stop.is_set():
            if self._nothing_moves():
                self.stop("as much waits as may wait (journal.waiting), and the systems that it waits for have stopped")
            await self._wait_for_news(1.0)
        note("source.goes_on", waiting=self.tally.open)

    # -- the end -------------------------------------------------------------------------------------------------------------

    async def _until_done(self) -> None:
        """Return when there is nothing left to do, or nothing that can be done within the time to wait."""
        left, since = self.tally.open, self._clock.monotonic()
        while not self._stop.is_set() and not (self._read_all and self._nothing_moves()):
            await self._wait_for_news(1.0 if self._read_all else None)
            if self.tally.open != left or not self._read_all:
                left, since = self.tally.open, self._clock.monotonic()
            elif self._clock.monotonic() - since >= self._wait_seconds and self._looked and not self._systems.is_busy:
                self._reason = f"nothing could be delivered for {self._wait_seconds:g} s (--wait)"
                return

    def _nothing_moves(self) -> bool:
        """Whether no delivery is open but those of systems that stopped. While dispatchers are swapped, nobody knows."""
        if self._between_chunks.locked():
            return False
        return self._looked and self._systems.nothing_moves

    def _news(self) -> None:
        self._changed.set()

    async def _wait_for_news(self, seconds: float | None) -> None:
        self._changed.clear()
        nap = self._clock.sleep(seconds) if seconds is not None else None
        await first_of(self._changed.wait(), self._stop.wait(), nap)

    async def _exchange(self, program: Program, group: asyncio.TaskGroup) -> None:
        try:
            connected = self._systems.connected(program)
        except UnavailableError as error:
            raise ProjectError(error.message, hint=error.hint) from error
        try:
            await self._systems.close()
            self.program = program
            await self._systems.start(program, connected, group=group, backlog=True)
        except BaseException as error:
            # Some systems have nothing that sends to them now: to go on would be to journal for ever what is never sent.
            why = error.message if isinstance(error, SyncflowError) else type(error).__name__
            self.stop(f"the changed program could not be taken up: {why}")
            raise
