"""The shares of a worker: what it holds of a journal that several workers write, takes when it is free, and gives when it should.

    look ──▶ workers ──┬─ a claim has passed on ──▶ drop at once: others do it now
     ▲  (every second) ├─ not wanted any more ────▶ let what is under way end, release
     └─────────────────┴─ wanted, and free ───────▶ claim, begin: read the source, or send to a system

``claims.wanted`` says who should hold what. Nothing is sent once a claim has ended by this process's own monotonic clock, which began
before the claim was renewed: so it ends here before it ends for others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from syncflow.errors import ProjectError, UnavailableError
from syncflow.runtime.changed_program import activation_of
from syncflow.runtime.delivery.assignment import PreviousHolderRequests
from syncflow.runtime.delivery.settle import Settler
from syncflow.runtime.held import Held
from syncflow.runtime.journal.base import Journal
from syncflow.runtime.journal.claims import (
    CLAIM_SECONDS,
    READING,
    RENEW_SECONDS,
    Claim,
    Claimed,
    FencedError,
    SharedJournal,
    Worker,
    Workers,
    share_of,
    system_of,
    wanted,
)
from syncflow.runtime.observe import WorkerTally, note, warn
from syncflow.runtime.reading import Guarded, Reading, RunState

OpenReading = Callable[[Claimed, Journal], Awaitable[Reading]]
"""Opens the source behind what is journaled; the tasks of the reading are not started yet."""

_COUNT_EVERY = 3
"""Looks between two counts of what is open."""
ENDING = "it is ending"


@dataclass(slots=True)
class _Share:
    """A share that is held. ``lasts_until``: monotonic seconds."""

    claim: Claim
    journal: Journal
    since: float
    lasts_until: float
    reading: Reading | None = None
    opening: asyncio.Task[None] | None = None
    settling: asyncio.Task[None] | None = None
    giving: asyncio.Task[None] | None = None
    begun: bool = False
    lost: bool = False


@dataclass(slots=True, kw_only=True)
class Shares:
    """``journal`` is shared; ``written`` makes of it, under a claim, the journal that a share is written by."""

    run: RunState
    journal: SharedJournal
    me: int
    written: Callable[[Journal], Journal]
    open_reading: OpenReading
    group: asyncio.TaskGroup
    workers: Workers = Workers()  # noqa: RUF009  # frozen
    waits: str = ""
    """Why this worker holds nothing; empty while it works."""
    _held: dict[str, _Share] = field(default_factory=dict)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _moving: asyncio.Lock = field(default_factory=asyncio.Lock)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _joined: bool = False
    _started: float = 0.0
    _renewed: float = 0.0
    _takeovers: int = 0
    _lost: int = 0
    _leaving: bool = False

    # -- what the run asks ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to renew, to take and to give."""
        self._started, self._renewed = self.run.clock.now(), self.run.clock.monotonic()
        self._tasks = [
            self.group.create_task(self._renew(), name="renew claims"),
            self.group.create_task(self._move_always(), name="move shares"),
        ]

    @property
    def reading(self) -> Reading | None:
        """The reading, where this worker holds it."""
        share = self._held.get(READING)
        return share.reading if share else None

    @property
    def holds(self) -> tuple[str, ...]:
        """The shares that this worker holds."""
        return tuple(sorted(self._held))

    def show(self) -> WorkerTally:
        """Return how this worker stands among the others."""
        waiting = sum(bool(worker.waits) for worker in self.workers.living)
        return WorkerTally(
            holds=self.holds,
            working=len(self.workers.living) - waiting,
            waiting=waiting,
            unheld=sum(not self._is_taken(share) for share in self._all()),
            takeovers=self._takeovers,
            lost=self._lost,
            silent_seconds=self.run.clock.monotonic() - self._renewed,
        )

    @property
    def are_taken(self) -> bool:
        """Whether every share is held by somebody who lives."""
        return all(map(self._is_taken, self._all()))

    def _is_taken(self, share: str) -> bool:
        if share in self._held and not self._held[share].lost:
            return True
        holder = self.workers.holders.get(share, (0, 0))[0]
        return any(worker.id == holder != self.me for worker in self.workers.living)

    async def leave(self) -> bool:
        """Let what is under way end, and give all shares to the others; return whether others go on."""
        self._leaving, self.waits = True, ENDING
        await self._look(quick=True)
        async with self._moving:
            giving = [self._give(share) for share in list(self._held.values()) if share.giving is None]
            giving += [_ended(share.giving) for share in self._held.values() if share.giving is not None]
        await asyncio.gather(*giving)
        await self._look(quick=False)
        for task in self._tasks:
            task.cancel()
        return any(worker.id != self.me and not worker.waits for worker in self.workers.living)

    async def exchange(self, program: Any) -> None:
        """Send by a changed program from now on.

        Raises:
            ProjectError: other workers send by the one of before.
            UnavailableError: another worker came meanwhile.
        """
        is_new = program.fingerprint != self.run.program.fingerprint
        async with self._moving:
            others = [worker for worker in self.workers.living if worker.id != self.me]
            if is_new and (others or not self._joined):
                raise ProjectError(
                    "other workers send by the project as it was",
                    hint="stop and start the workers one after the other: the changed project is used when the last has stopped",
                )
            for share in [share for share in self._held.values() if system_of(share.claim.share)]:
                if share.giving is not None:
                    await share.giving
                    continue
                await self._let_end(share)
                del self._held[share.claim.share]
            if is_new:
                activation = activation_of(program)
                taken = await self.journal.take_over(program.fingerprint, activation, at=self.run.clock.now())
                if taken is None:
                    self.run.stop("another worker came while the changed project was applied")
                    raise UnavailableError("another worker came while the changed project was applied")
                self.run.systems.tell(taken)
            self.run.program = program
            self.run.systems.begin(program)
            await self._look(quick=True)
            await self._take_all()

    # -- renewing ------------------------------------------------------------------------------------------------------------

    async def _renew(self) -> None:
        turn = 0
        while True:
            await self._look(quick=bool(turn % _COUNT_EVERY))
            turn += 1
            await self.run.clock.sleep(RENEW_SECONDS)

    async def _look(self, *, quick: bool) -> None:
        """Renew the claims; a claim lasts from before it was renewed."""
        since = self.run.clock.monotonic()
        self.workers = await self.journal.look(waits=self.waits, quick=quick)
        self._renewed = since
        for share in self._held.values():
            if self.workers.holders.get(share.claim.share) == (self.me, share.claim.epoch):
                share.lasts_until = max(share.lasts_until, since + CLAIM_SECONDS)
            elif share.since < since:
                share.lost = True
        if self.workers.open >= 0:
            self.run.tally.open = self.workers.open
        if self.reading is None:
            self.run.systems.look()
        self._news.set()
        self.run.news()

    # -- moving --------------------------------------------------------------------------------------------------------------

    async def _move_always(self) -> None:
        while not self._leaving:
            await self._news.wait()
            self._news.clear()
            async with self._moving:
                if not self._leaving:
                    await self._move()

    async def _move(self) -> None:
        if self._joined and self.workers.program not in ("", self.run.program.fingerprint):
            self._joined = False  # who activated another program has ended all claims
        for share in [share for share in self._held.values() if share.lost or not self._joined]:
            await self._lose(share)
        if not self._joined and not await self._join():
            return
        mine = wanted(self.me, self._working(), self._all())
        for share in list(self._held.values()):
            if share.claim.share not in mine and share.giving is None:
                share.giving = self.group.create_task(self._give(share), name=f"give {share.claim.share}")
        await self._take_all(mine)

    async def _take_all(self, mine: frozenset[str] | None = None) -> None:
        mine = mine if mine is not None else wanted(self.me, self._working(), self._all())
        for name in sorted(mine, key=lambda name: (name == READING, name)):
            if name not in self._held and self._is_free(name) and not self._leaving:
                await self._take(name)

    def _all(self) -> list[str]:
        return [READING, *map(share_of, self.run.program.systems)]

    def _working(self) -> list[int]:
        others = [w.id for w in self.workers.living if not w.waits and w.fingerprint == self.run.program.fingerprint]
        gone = self._gone()
        return [self.me, *(each for each in others if each != self.me and each not in gone)]

    def _gone(self) -> list[int]:
        return [worker.id for worker in self.workers.living if worker.id != self.me and self.journal.gone(worker)]

    def _is_free(self, name: str) -> bool:
        holder, _ = self.workers.holders.get(name, (0, 0))
        living = {worker.id for worker in self.workers.living} - {self.me} - set(self._gone())
        return holder not in living

    async def _join(self) -> bool:
        """Send by the program that the others send by, or make this worker's the one that is sent by."""
        program, gone = self.run.program, self._gone()
        others = [w for w in self.workers.living if w.id != self.me and w.id not in gone and not w.waits]
        same = [worker for worker in others if worker.fingerprint == program.fingerprint]
        if not (same and self.workers.program == program.fingerprint):
            activation = activation_of(program)
            taken = None
            if not others:
                taken = await self.journal.take_over(
                    program.fingerprint, activation, gone=gone, at=self.run.clock.now()
                )
            if taken is None:
                self._wait_for(others)
                return False
            self.run.systems.tell(taken)
            self.run.tally.abandoned += taken.dead_letters
        self.run.systems.begin(program)
        self._joined, self.waits = True, ""
        note("worker.joined", number=self.me, others=len(others))
        return True

    def _wait_for(self, others: list[Worker]) -> None:
        others = [worker for worker in others if worker.fingerprint != self.run.program.fingerprint]
        why = "a worker with another version of the project has not let go yet"
        if others:
            why = f"another version of the project is sent by worker {others[0].id} ({others[0].name})"
        if self.waits != why:
            self.waits = why
            warn("worker.waits", number=self.me, reason=f"{why}; this one begins when that has ended")

    async def _take(self, name: str) -> None:
        """Claim a share, and begin with it; where another was quicker, nothing."""
        since = self.run.clock.monotonic()
        claimed = await self.journal.claim(name, gone=self._gone(), monotonic=since)
        if claimed is None:
            return
        self._takeovers += self.workers.holders.get(name, (0, 0))[0] not in (0, self.me)
        journal = self.written(self.journal.under(claimed.claim))
        share = _Share(claimed.claim, journal, self.run.clock.monotonic(), since + CLAIM_SECONDS)
        self._held[name] = share
        note("worker.takes", number=self.me, share=name, epoch=claimed.claim.epoch)
        try:
            if name == READING:  # a source may wait until another one lets go of it
                opening = self._guarded(share)(partial(self._begin_reading, share, claimed))
                share.opening = self.group.create_task(opening, name="open source")
            else:
                await self._begin_system(share, claimed)
            share.begun = True
        except FencedError:
            share.lost = True

    async def _begin_reading(self, share: _Share, claimed: Claimed) -> None:
        reading = await self.open_reading(claimed, share.journal)
        share.reading = reading
        # What others committed before comes before what is handed out from now on.
        self.run.systems.look()
        reading.start(self.group, guarded=self._guarded(share))

    async def _begin_system(self, share: _Share, claimed: Claimed) -> None:
        name = system_of(share.claim.share)
        settler = Settler(share.journal)
        guarded = self._guarded(share)
        share.settling = self.group.create_task(guarded(settler.run), name=f"settle {name}")
        standing, until = claimed.standing, 0.0
        if claimed.ended_ago is not None:
            timeout = self.run.program.systems[name].timeout_seconds
            until = share.since + max(0.0, timeout - claimed.ended_ago)
        held = Held(
            journal=share.journal,
            settler=settler,
            is_ours=lambda: not share.lost and self.run.clock.monotonic() < share.lasts_until,
            guarded=guarded,
            usage=claimed.usage,
            standing=standing,
            # A worker that starts tries again; one that was there does not.
            stays_stopped=standing is not None and standing.state == "stopped" and standing.since >= self._started,
            strays=PreviousHolderRequests(claimed.last_delivery, until),
        )
        await self.run.systems.add(self.run.program, name, held, group=self.group)

    def _guarded(self, share: _Share) -> Guarded:
        """Let a claim that has passed on cost the share, not the run."""

        async def guarded(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
            try:
                await work()
            except FencedError:
                self._found_lost(share)
            except BaseExceptionGroup as group:
                if group.split(FencedError)[1] is not None:
                    raise
                self._found_lost(share)

        return guarded

    def _found_lost(self, share: _Share) -> None:
        share.lost = True
        self._news.set()

    # -- giving and losing ---------------------------------------------------------------------------------------------------

    async def _give(self, share: _Share) -> None:
        """Let what is under way end, and let go."""
        name = share.claim.share
        try:
            await self._let_end(share)
            await self.journal.release(share.claim)
            note("worker.gives", number=self.me, share=name)
        except FencedError:
            share.lost = True
        if self._held.get(name) is share:
            del self._held[name]
        self._news.set()

    async def _let_end(self, share: _Share) -> None:
        try:
            await _cancelled(share.opening)
            if share.reading is not None:
                share.reading.stop()
                await share.reading.finish()
                await share.reading.leave()
                await share.reading.close_source()
            elif share.begun:
                await self.run.systems.drop(system_of(share.claim.share), at_once=False)
        finally:
            if share.settling is not None:
                share.settling.cancel()

    async def _lose(self, share: _Share) -> None:
        """Leave at once what another worker holds by now."""
        name = share.claim.share
        self._lost += 1
        warn("worker.lost", number=self.me, share=name, reason="its claim has passed to another worker, which goes on")
        try:
            await _cancelled(share.opening)
            await _cancelled(share.giving)  # else it would end what is begun by the next claim
            if share.reading is not None:
                await share.reading.leave()
                await share.reading.close_source()
            elif system_of(name):
                await self.run.systems.drop(system_of(name), at_once=True)
        finally:
            if share.settling is not None:
                share.settling.cancel()
            if self._held.get(name) is share:
                del self._held[name]


async def _cancelled(task: asyncio.Task[None] | None) -> None:
    if task is not None and not task.done():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _ended(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        await task
