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
from types import MappingProxyType
from typing import TYPE_CHECKING

from syncflow.clock import Clock, SystemClock
from syncflow.compiler.program import Program
from syncflow.config.models.routes import SourceSettings
from syncflow.errors import BugError, ProjectError, SyncflowError, UnavailableError
from syncflow.events import Position
from syncflow.runtime.bulkheads import Bugs, guarded_journal, of_source
from syncflow.runtime.delivery.assignment import WINDOW
from syncflow.runtime.delivery.settle import Settler
from syncflow.runtime.ending import Ending, Keep, MostWaiting, run_end
from syncflow.runtime.first_of import first_of
from syncflow.runtime.held import Connect
from syncflow.runtime.intake.planning import IdCounter
from syncflow.runtime.journal.base import Journal, Opened
from syncflow.runtime.journal.claims import Claimed, SharedJournal
from syncflow.runtime.measures import Measures, measured_journal
from syncflow.runtime.observe import Tally, note, warn
from syncflow.runtime.outcome_hook import OnOutcome, telling_journal
from syncflow.runtime.pausing import obey_always
from syncflow.runtime.reading import Reading, RunState
from syncflow.runtime.reloaded import LastReload
from syncflow.runtime.run_name import NAMELESS, RunName
from syncflow.runtime.sharing import Shares
from syncflow.runtime.source_news import SourceNews
from syncflow.runtime.systems import Systems
from syncflow.sources.base import Source, rotation_of

if TYPE_CHECKING:  # it loads OpenTelemetry
    from syncflow.runtime.traces.spans import Traces


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
        traces: Traces | None = None,
        name: RunName = NAMELESS,
        source_again: Callable[[], Source] | None = None,
        on_outcome: OnOutcome | None = None,
        held: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """``source_again`` makes the source anew, for a worker that reads once more; ``source`` is used for the first time.

        ``reads_once``: the source is a file that ends: a beginning that is all bad stops the run.

        ``only``: names of routes that send; deliveries of the others wait in the journal. ``measures``: where it is noted how long things
        take; None where none is asked for; ``traces``: what tells a collector of it. ``name``: what the run is called.
        ``on_outcome`` is told how each delivery ended.
        ``held``: routes that send nothing, with the guard that says so."""
        self.name = name
        self.tally = Tally(held=dict(held))
        self._source = source
        self._bugs = Bugs()
        self._clock = clock or SystemClock()
        self._shared = journal if isinstance(journal, SharedJournal) else None
        self._shares: Shares | None = None
        self._source_again = source_again
        self.measures = measures
        self._on_outcome = on_outcome
        journal = self._journal = self._written(journal)
        self._limit = limit
        self._reads_once = reads_once
        self._wait_seconds = wait_seconds
        self._from_start = from_start
        self._settler = Settler(journal)
        self._stop = asyncio.Event()
        self._changed = asyncio.Event()
        self._reading: Reading | None = None
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
            traces=traces,
            counts_for_others=self._shared is not None,
            held=held,
        )
        self._state = RunState(
            program=program,
            systems=self._systems,
            tally=self.tally,
            clock=self._clock,
            bugs=self._bugs,
            keep=keep or Keep(),
            waiting=waiting or MostWaiting(),
            between_chunks=asyncio.Lock(),
            stop=self.stop,
            news=self._news,
            nothing_moves=self._nothing_moves,
            traces=traces,
        )
        self.reloading = asyncio.Lock()
        """Held while a reload is under way: the project that was loaded last must win."""
        self.last_reload: LastReload | None = None

    def _written(self, journal: Journal) -> Journal:
        """Return a journal with its bulkheads, and with its writes told and timed where somebody asks."""
        journal = guarded_journal(journal, self._bugs)
        if self._on_outcome is not None:
            journal = telling_journal(journal, self._on_outcome, bugs=self._bugs)
        if self.measures is None:
            return journal
        return measured_journal(journal, self.measures, monotonic=self._clock.monotonic)

    # -- what others may ask -------------------------------------------------------------------------------------------------

    @property
    def program(self) -> Program:
        """The program by which it runs now."""
        return self._state.program

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
        if self._reading is not None:
            self._reading.stop()
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
        state = self._state
        async with state.between_chunks:
            if self._stop.is_set():
                return  # what was read is still committed, by the program that the journal is at: the next run takes the new one
            if self._group is None:
                state.program = program
            else:
                await self._exchange(program, self._group)
            state.keep, state.waiting = keep or state.keep, waiting or state.waiting
        note("program.changed", fingerprint=program.fingerprint[:12], **({"places": list(places)} if places else {}))
        self._news()

    def source_rotation(self, settings: Mapping[str, SourceSettings]) -> Callable[[], None]:
        """Check the secrets by which the source knows who sends; return a call that uses them.

        Raises:
            ProjectError: they cannot be used.
        """
        if self._shared is not None:
            raise ProjectError(
                "the secrets of a source need a restart where several workers share a journal",
                hint="stop and start the workers one after the other",
            )
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
        self.tally.worker = None if self._shares is None else self._shares.show()
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
            if self._shared is not None:
                await self._share_work(self._shared, opened)
            else:
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
                if finished and self._shared is None:
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
        async with asyncio.TaskGroup() as group:
            settling = group.create_task(self._settler.run(), name="settle")
            async with self._state.between_chunks:  # a swap comes before all of this or after it
                self._group = group
                connected = self._systems.connected(self.program)
                await self._systems.start(self.program, connected, group=group, backlog=opened.used_before)
            reading = self._reading = self._new_reading(
                self._journal, IdCounter(opened.last_event, opened.last_delivery), opened.positions
            )
            if self._stop.is_set():
                reading.stop()
            reading.start(group)
            obeying = self._obey(group)
            await self._until_done()
            self._stop.set()
            reading.stop()
            await reading.finish()
            obeying.cancel()
            async with self._state.between_chunks:  # a swap under way has closed some dispatchers and starts others
                await self._systems.close()
            settling.cancel()
            reading.end()

    def _new_reading(self, journal: Journal, numbers: IdCounter, positions: Mapping[str, Position]) -> Reading:
        return Reading(
            self._state,
            source=self._source,
            journal=journal,
            source_news=self._source_news,
            numbers=numbers,
            positions=positions,
            limit=self._limit,
            reads_once=self._reads_once,
        )

    # -- as one of several workers --------------------------------------------------------------------------------------------

    async def _share_work(self, shared: SharedJournal, opened: Opened) -> None:
        async with asyncio.TaskGroup() as group:
            shares = Shares(
                run=self._state,
                journal=shared,
                me=opened.worker,
                written=self._written,
                open_reading=self._open_reading,
                group=group,
            )
            async with self._state.between_chunks:
                self._group, self._shares = group, shares
            shares.start()
            obeying = self._obey(group)
            await self._until_done()
            self._stop.set()
            obeying.cancel()
            others = await shares.leave()
            # What is left is theirs; alone, it is told as what a run leaves.
            self.tally.open = 0 if others else self.tally.open + await self._journal.open_marks()

    def _obey(self, group: asyncio.TaskGroup) -> asyncio.Task[None]:
        """Obey what people pause, until cancelled."""
        looking = obey_always(self._systems, self._journal, tally=self.tally, clock=self._clock, group=group)
        return group.create_task(looking, name="pauses")

    async def _open_reading(self, claimed: Claimed, journal: Journal) -> Reading:
        if self._reading is not None and self._source_again is not None:
            self._source = self._source_again()
        self._source_news = SourceNews(self._source, journal, self._bugs)
        with of_source(self._bugs, during="it was opened"):
            await self._source.open(claimed.positions)
        numbers = IdCounter(claimed.last_event, claimed.last_delivery)
        self._reading = self._new_reading(journal, numbers, claimed.positions)
        if self._stop.is_set():
            self._reading.stop()
        return self._reading

    # -- the end -------------------------------------------------------------------------------------------------------------

    async def _until_done(self) -> None:
        """Return when there is nothing left to do, or nothing that can be done within the time to wait."""
        left, since = self.tally.open, self._clock.monotonic()
        while not self._stop.is_set() and not (self._has_read_all and self._nothing_moves()):
            await self._wait_for_news(1.0 if self._has_read_all else None)
            if self.tally.open != left or not self._has_read_all:
                left, since = self.tally.open, self._clock.monotonic()
            elif (
                self._clock.monotonic() - since >= self._wait_seconds and self._has_looked and not self._systems.is_busy
            ):
                self._reason = f"nothing could be delivered for {self._wait_seconds:g} s (--wait)"
                return

    def _nothing_moves(self) -> bool:
        """Whether no delivery is open but those of systems that stopped. While dispatchers are swapped, it is not known."""
        if self._state.between_chunks.locked():
            return False
        if self._shares is not None and not self._shares.are_taken:
            return False
        return self._has_looked and self._systems.nothing_moves

    @property
    def _has_read_all(self) -> bool:
        reading = self._reading if self._shares is None else self._shares.reading
        return reading is not None and reading.has_read_all

    @property
    def _has_looked(self) -> bool:
        reading = self._reading if self._shares is None else self._shares.reading
        return reading is not None and reading.has_looked

    def _news(self) -> None:
        self._changed.set()
        if self._reading is not None:
            self._reading.wake()

    async def _wait_for_news(self, seconds: float | None) -> None:
        self._changed.clear()
        nap = self._clock.sleep(seconds) if seconds is not None else None
        await first_of(self._changed.wait(), self._stop.wait(), nap)

    async def _exchange(self, program: Program, group: asyncio.TaskGroup) -> None:
        if self._shares is not None:
            await self._shares.exchange(program)
            return
        try:
            connected = self._systems.connected(program)
        except UnavailableError as error:
            raise ProjectError(error.message, hint=error.hint) from error
        try:
            await self._systems.close()
            self._state.program = program
            await self._systems.start(program, connected, group=group, backlog=True)
        except BaseException as error:
            # Some systems have nothing that sends to them now: to go on would be to journal for ever what is never sent.
            why = error.message if isinstance(error, SyncflowError) else type(error).__name__
            self.stop(f"the changed program could not be applied: {why}")
            raise
