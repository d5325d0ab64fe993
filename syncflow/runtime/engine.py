"""The run: one TaskGroup that owns every task between a source and the systems.

    journal = SqliteJournal(path)
    engine = Engine(program, source=source, journal=journal, systems=connect_systems(http, clock))
    tally = await engine.run()          # until the source ends and everything is settled, or stop() is called

``systems`` makes what sends a system's batches, given its plan and the gate that its requests must pass. ``swap`` changes the program of a
running engine between two chunks; ``stop`` ends it after what is under way; both may be called from any task of the loop.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from random import Random, SystemRandom
from typing import Any

from syncflow.adapters.gate import Gate
from syncflow.clock import Clock, SystemClock
from syncflow.compiler.program import Program
from syncflow.compiler.requests import SystemPlan
from syncflow.errors import ProjectError, SyncflowError, UnavailableError
from syncflow.events import Delivery
from syncflow.runtime.bulkheads import Bugs
from syncflow.runtime.changed_program import activation_of
from syncflow.runtime.chosen_routes import chosen_routes
from syncflow.runtime.delivery.dispatch import WINDOW, Dispatcher, System
from syncflow.runtime.delivery.ledger import Ledger
from syncflow.runtime.delivery.limits import Limiter
from syncflow.runtime.delivery.retry import Retries
from syncflow.runtime.delivery.settle import Settler
from syncflow.runtime.intake.pipeline import (
    QUEUE,
    Committer,
    ProcessedChunk,
    RawChunk,
    TransformedChunk,
    last_positions,
    process,
    read,
    transform,
)
from syncflow.runtime.intake.planning import Numbers
from syncflow.runtime.journal.base import Activated, Journal, Opened
from syncflow.runtime.journal.usage import Usage
from syncflow.runtime.observe import Tally, note, warn
from syncflow.runtime.reloaded import LastReload
from syncflow.runtime.standing import Standing
from syncflow.runtime.wait import first_of
from syncflow.sources.base import Counting, Source

Connect = Callable[[SystemPlan, Gate], System]


@dataclass(frozen=True, slots=True)
class MostWaiting:
    """How much may wait in the journal before the source is held back."""

    deliveries: int = 1_000_000
    bytes: int = 2 * 10**9
    """Of their events, by the mean of those read in this run."""

    def reached(self, tally: Tally) -> bool:
        return tally.open >= self.deliveries or tally.open * tally.event_bytes >= self.bytes


@dataclass(frozen=True, slots=True)
class Keep:
    """How long settled events stay in the journal, and how large it may grow with them."""

    age_seconds: float = 7 * 86400.0
    most_bytes: int = 5 * 10**9
    tombstone_seconds: float = 90 * 86400.0
    """How long it is remembered of a deleted record that it was."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended. ``clean`` is what exit code 0 means: all accounted for, nothing left, nothing dead."""

    tally: Tally
    stopped: str = ""
    """Why it ended before its work was done; empty if it was done."""
    systems_stopped: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        tally = self.tally
        return (
            not (self.stopped or self.systems_stopped or tally.open or tally.dead_letters or tally.unread)
            and tally.accounted
        )


@dataclass(frozen=True, slots=True)
class _Connected:
    """A system that can be sent to: what is known of it, its gate, and what speaks to it."""

    plan: SystemPlan
    limiter: Limiter
    client: System


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
    ) -> None:
        """``only``: names of routes that send; deliveries of the others wait in the journal."""
        self.program = program
        self.tally = Tally()
        self._source = source
        self._journal = journal
        self._connect = systems
        self._clock = clock or SystemClock()
        self._random = random or SystemRandom()
        self._limit = limit
        self._wait_seconds = wait_seconds
        self._from_start = from_start
        self._keep = keep or Keep()
        self._waiting = waiting or MostWaiting()
        self._only_names = only
        self._only = chosen_routes(program, only) if only else None
        self._window = window
        self._settler = Settler(journal)
        self._dispatchers: dict[str, Dispatcher] = {}
        self._limiters: dict[str, Limiter] = {}
        self._usage: dict[str, Usage] = {}
        """The requests of earlier runs, until a limiter has counted them."""
        self._standings: dict[str, Standing] = {}
        """How the systems stood when the last run ended, until each has a dispatcher."""
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._between_chunks = asyncio.Lock()
        self._stop = asyncio.Event()
        self._changed = asyncio.Event()
        self._read_all = False
        self._looked = False
        self._reason = ""
        self._group: asyncio.TaskGroup | None = None
        self._batch_ids = _batch_ids()
        self._bugs = Bugs()
        self._ended = False
        self._noted_requests: dict[str, int] = {}
        """What the journal knows already of the requests to the source."""
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
        except BaseExceptionGroup as group:
            known = group.subgroup(SyncflowError)
            if known is None:
                raise
            raise _first(known) from group

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
                await self._exchange(program)
            self._keep, self._waiting = keep or self._keep, waiting or self._waiting
        note("program.changed", fingerprint=program.fingerprint[:12], **({"places": list(places)} if places else {}))
        self._news()

    async def note_reload(self, reload: LastReload) -> None:
        """Remember how a reload ended, in the journal too while the run goes on."""
        self.last_reload = reload
        if self._group is not None and not self._ended:
            await self._journal.note_reload(reload)

    def now(self) -> float:
        """Return wall seconds by the run's clock."""
        return self._clock.now()

    def snapshot(self) -> Tally:
        """Return the counts with how every system stands now."""
        for name, dispatcher in self._dispatchers.items():
            dispatcher.show(self.tally.system(name))
        if isinstance(self._source, Counting):
            self.tally.source_requests = dict(self._source.requests)
        return self.tally

    # -- the run -------------------------------------------------------------------------------------------------------------

    async def _run(self) -> Ending:
        opened = await self._journal.open(
            fingerprint=self.program.fingerprint, from_start=self._from_start, monotonic=self._clock.monotonic()
        )
        finished = False
        try:
            self._usage = dict(opened.usage)
            self._standings = dict(opened.standings)
            self.tally.open = self.tally.carried_over = sum(opened.open_deliveries.values())
            await self._source.open(opened.positions)
            await self._work(opened)
            await self._count_withheld()
            finished = True
        finally:
            self._ended = True
            try:
                await self._source.close()
                if finished:
                    await self._note_requests()
            finally:
                await self._journal.close(finished=finished)
        stopped = tuple(f"{name}: {d.stopped}" for name, d in self._dispatchers.items() if d.stopped)
        return Ending(self.snapshot(), self._reason, stopped)

    async def _note_requests(self) -> None:
        """Keep how the requests to the source ended, for those who ask the journal."""
        if not isinstance(self._source, Counting):
            return
        counts = dict(self._source.requests)
        new = {outcome: count - self._noted_requests.get(outcome, 0) for outcome, count in counts.items()}
        self._noted_requests = counts
        if more := {outcome: count for outcome, count in new.items() if count}:
            await self._journal.note_requests(more)

    async def _count_withheld(self) -> None:
        """Tell what waits for routes that were not to send apart from what could not be sent."""
        if self._only is not None:
            self.tally.withheld = await self._journal.open_elsewhere(self._only)
            self.tally.open -= self.tally.withheld

    async def _work(self, opened: Opened) -> None:
        raw: asyncio.Queue[RawChunk | None] = asyncio.Queue(QUEUE)
        processed: asyncio.Queue[ProcessedChunk | None] = asyncio.Queue(QUEUE)
        transformed: asyncio.Queue[TransformedChunk | None] = asyncio.Queue(QUEUE)
        numbers = Numbers(opened.last_event, opened.last_delivery)
        committer = Committer(
            self._journal, numbers=numbers, positions=opened.positions, tally=self.tally, bugs=self._bugs
        )
        async with asyncio.TaskGroup() as group:
            settling = group.create_task(self._settler.run(), name="settle")
            async with self._between_chunks:  # a swap comes before all of this or after it
                self._group = group
                await self._start_dispatchers(self._connected(self.program), backlog=opened.used_before)
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
            beside = [
                group.create_task(self._take_up(committer), name="take up"),
                group.create_task(self._tidy(), name="tidy"),
            ]
            await self._until_done()
            self._stop.set()
            await committing
            async with self._between_chunks:  # a swap under way has closed some dispatchers and starts others
                await self._close_dispatchers()
            for task in (settling, *beside):
                task.cancel()

    async def _process(self, raw: asyncio.Queue[RawChunk | None], out: asyncio.Queue[ProcessedChunk | None]) -> None:
        while chunk := await raw.get():
            await out.put(process(self.program, chunk, self._bugs))
            await asyncio.sleep(0)  # a full chunk takes milliseconds: let the senders have their turn
        await out.put(None)

    async def _transform(
        self, processed: asyncio.Queue[ProcessedChunk | None], out: asyncio.Queue[TransformedChunk | None]
    ) -> None:
        while chunk := await processed.get():
            await out.put(transform(chunk, self._bugs))
            await asyncio.sleep(0)
        await out.put(None)

    async def _commit(self, committer: Committer, transformed: asyncio.Queue[TransformedChunk | None]) -> None:
        chunk = await transformed.get()
        while chunk:
            await self._hold_back()
            # What waits already is taken out of turn, to be looked up while this one is written.
            following = [] if transformed.empty() else [transformed.get_nowait()]
            async with self._between_chunks:
                self._hand_out(
                    await committer.commit(chunk, self.program, following=following[0] if following else None)
                )
            for position in last_positions(chunk.raw.raws):
                await self._source.acknowledge(position)
            self._news()
            chunk = following[0] if following else await transformed.get()
        self._read_all = True
        for dispatcher in self._dispatchers.values():
            dispatcher.flush()
        self._news()
        await self._source.close()  # who still sends is told at once, not when the last delivery is settled

    def _hand_out(self, deliveries: Sequence[Delivery]) -> None:
        for name, dispatcher in self._dispatchers.items():
            mine = [delivery for delivery in deliveries if delivery.system == name]
            if self._only is not None:
                mine = [delivery for delivery in mine if delivery.route in self._only]
            if mine:
                dispatcher.accept(mine)

    async def _take_up(self, committer: Committer) -> None:
        """Look every second for what people asked to be sent again."""
        while True:
            async with self._between_chunks:
                self._hand_out(await committer.take_up(self.program, now=self._clock.now()))
            self._looked = True
            self._news()
            await self._note_requests()
            await self._clock.sleep(1.0)

    async def _tidy(self) -> None:
        """Forget what is settled and old: at the start, for a run may be short, and every minute."""
        while True:
            try:
                await self._tidy_once()
            except Exception as error:  # noqa: BLE001  # a bulkhead
                self._bugs.tell(error, during="the journal was tidied")
            await self._clock.sleep(60.0)

    async def _tidy_once(self) -> None:
        keep, now, gone = self._keep, self._clock.now(), 0
        while count := await self._journal.tidy(
            before=now - keep.age_seconds,
            most_bytes=keep.most_bytes,
            tombstones_before=now - max(keep.tombstone_seconds, keep.age_seconds),
        ):
            gone += count
        if gone:
            note("journal.tidied", events=gone)

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
            self._too_many_dead()
            if self.tally.open != left or not self._read_all:
                left, since = self.tally.open, self._clock.monotonic()
            elif self._clock.monotonic() - since >= self._wait_seconds:
                self._reason = f"nothing could be delivered for {self._wait_seconds:g} s (--wait)"
                return

    def _nothing_moves(self) -> bool:
        """Whether no delivery is open but those of systems that stopped. While dispatchers are swapped, nobody knows."""
        if self._between_chunks.locked():
            return False
        return self._looked and all(dispatcher.idle or dispatcher.stopped for dispatcher in self._dispatchers.values())

    def _too_many_dead(self) -> None:
        dead, most = self.tally.dead_letters, self.program.stop_after
        if isinstance(most, str):
            most = max(100, int(float(most.rstrip("%")) / 100 * self.tally.read))
        if dead > most:
            self.stop(f"more than {most} dead letters in one run (dead_letters.stop_after)")

    def _news(self) -> None:
        self._changed.set()

    async def _wait_for_news(self, seconds: float | None) -> None:
        self._changed.clear()
        nap = self._clock.sleep(seconds) if seconds is not None else None
        await first_of(self._changed.wait(), self._stop.wait(), nap)

    # -- dispatchers ---------------------------------------------------------------------------------------------------------

    async def _exchange(self, program: Program) -> None:
        only = chosen_routes(program, self._only_names) if self._only_names else None
        try:
            connected = self._connected(program)
        except UnavailableError as error:
            raise ProjectError(error.message, hint=error.hint) from error
        try:
            await self._close_dispatchers()
            self.program, self._only = program, only
            await self._start_dispatchers(connected, backlog=True)
        except BaseException as error:
            # Some systems have nobody who sends to them now: to go on would be to journal for ever what is never sent.
            why = error.message if isinstance(error, SyncflowError) else type(error).__name__
            self.stop(f"the changed program could not be taken up: {why}")
            raise

    def _connected(self, program: Program) -> dict[str, _Connected]:
        """Connect every system of a program; nothing is sent yet."""
        connected = {}
        for name, plan in program.systems.items():
            ledger = Ledger(name, plan.windows, self._clock, self._journal.note_usage, plan.timeout_seconds)
            limiter = Limiter(plan.windows, in_flight=plan.in_flight, clock=self._clock, ledger=ledger)
            connected[name] = _Connected(plan, limiter, self._connect(plan, limiter))
        return connected

    async def _start_dispatchers(self, connected: Mapping[str, _Connected], *, backlog: bool) -> None:
        """Give every system of the program its dispatcher; first let the program take over the journal."""
        program = self.program
        activated = await self._journal.activate(activation_of(program), at=self._clock.now())
        if activated != Activated():
            counts = {name: count for name, count in asdict(activated).items() if count}
            warn("program.takes_over", **counts, reason="the project changed since the journal was last used")
        self.tally.abandoned += activated.dead_letters
        self.tally.open -= activated.dead_letters
        self._take_over_names()
        sending = None if self._only is None else {program.routes[name].system for name in self._only}
        for name, system in connected.items():
            if sending is not None and name not in sending:
                await system.client.close()
                continue
            await self._start_dispatcher(name, system, backlog=backlog)

    def _take_over_names(self) -> None:
        """Know a system that was renamed by its name of today: its limits and waits go on."""
        for name, former in activation_of(self.program).was.get("system", {}).items():
            for old in former:
                if old in self.program.systems:
                    continue
                known: tuple[dict[str, Any], ...] = (self._usage, self._standings, self._limiters)
                for by_name in known:
                    if old in by_name:
                        by_name.setdefault(name, by_name.pop(old))

    async def _start_dispatcher(self, name: str, system: _Connected, *, backlog: bool) -> None:
        limiter = system.limiter
        before = self._limiters.get(name)
        if before:
            limiter.follow(before)
        else:
            limiter.recall(self._usage.pop(name, None))
        self._limiters[name] = limiter
        await limiter.ledger.open()
        dispatcher = Dispatcher(
            system.plan,
            routes=self.program.routes,
            system=system.client,
            limiter=limiter,
            journal=self._journal,
            settler=self._settler,
            retries=Retries(self.program.retry, self._random),
            clock=self._clock,
            tally=self.tally,
            batch_ids=self._batch_ids,
            bugs=self._bugs,
            changed=self._news,
            backlog=backlog,
            standing=self._standings.pop(name, None),
            only=self._only,
            window=self._window,
            by_time={kind for kind, record in self.program.records.items() if record.version == "timestamp"},
        )
        if self._read_all:
            dispatcher.flush()
        self._dispatchers[name] = dispatcher
        assert self._group is not None, "dispatchers start inside the run's TaskGroup"
        self._tasks[name] = self._group.create_task(dispatcher.run(), name=f"dispatch {name}")

    async def _close_dispatchers(self) -> None:
        """Let every request under way end and be settled."""
        for dispatcher in self._dispatchers.values():
            dispatcher.close()
        await asyncio.gather(*self._tasks.values())
        for name in self._dispatchers:
            await self._limiters[name].ledger.close()
        self._standings |= {name: now for name, d in self._dispatchers.items() if (now := d.standing)}
        self.snapshot()
        self._tasks.clear()
        if not self._stop.is_set():
            self._dispatchers.clear()


def _batch_ids() -> Callable[[], str]:
    """Ids that are unique over runs: a random start and a number."""
    run = secrets.token_hex(4)
    numbers = itertools.count(1)
    return lambda: f"{run}-{next(numbers)}"


def _first(group: BaseExceptionGroup[SyncflowError]) -> SyncflowError:
    exc = group.exceptions[0]
    return _first(exc) if isinstance(exc, BaseExceptionGroup) else exc
