"""One seed with several workers on one journal: they come and go, are killed, and are paused for longer than a claim lasts.

    violations = simulate_workers(7)

All of them live in one loop of virtual time. A killed worker gets no answer any more, from the journal, the network or its clock; a
paused one gets none until it goes on, and then acts upon what it knew before (a zombie). The oracles are those of one process.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx

from syncflow.adapters.engine import SystemClient
from syncflow.adapters.gate import Gate
from syncflow.compiler.wire.system import SystemPlan
from syncflow.events import Position, Raw
from syncflow.runtime.ending import Ending
from syncflow.runtime.engine import Engine
from syncflow.runtime.journal.claims import Worker
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.runtime.journal.tables.executors import Executor, Inline
from syncflow.runtime.journal.tables.shared_journal import TabularSharedJournal
from syncflow.runtime.journal.tables.sharing import SHARED, Member, SharedTables, look
from tests.simulation.faults import Broker, Slow, WatchedTables, fresh
from tests.simulation.programs import PROJECT, program_of
from tests.simulation.simulate import MEMORY, Simulation, overheard
from tests.simulation.virtual import SeededLoop, bury
from tests.simulation.world import Network

MOST_SECONDS = 40_000.0
"""Virtual time after which workers that have not ended never will."""


@dataclass(eq=False)
class Process:
    """A worker's process: its clock is its own, and it may stand still, or be dead."""

    number: int
    true: Callable[[], float]
    off: float
    machine: int
    goes_on_at: float = 0.0
    is_dead: bool = False
    freeze: Callable[[], float] = lambda: 0.0
    """For how long it stands still now, at a moment at which this hurts; mostly 0."""
    limbo: list[asyncio.Future[None]] = field(default_factory=list)
    """What the tasks of a dead one wait for: kept, or they would be collected and run on."""

    async def never(self) -> None:
        """Wait for ever."""
        self.limbo.append(asyncio.get_running_loop().create_future())
        await self.limbo[-1]

    async def may_freeze(self) -> None:
        """The moments at which standing still hurts most: around whatever becomes durable, and before an answer is heard."""
        if seconds := self.freeze():
            self.goes_on_at = max(self.goes_on_at, self.true() + seconds)
        await self.lives()

    async def lives(self) -> None:
        """Return when it goes on; of a dead one, never."""
        while self.is_dead or self.true() < self.goes_on_at:
            if self.is_dead:
                await self.never()
            await asyncio.sleep(self.goes_on_at - self.true())

    def now(self) -> float:
        return 1_700_000_000.0 + self.true() + self.off

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time() + self.number * 1000.0

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.lives()


class SharedTablesOfFile(SharedTables, WatchedTables):
    """The real tables, in a file that all workers write: a call is one moment."""

    def __init__(self, path: Path, member: Member, true: Callable[[], float]) -> None:
        WatchedTables.__init__(self, path, sync="normal")
        self.member = member
        self._true = true

    def time(self) -> float:
        return self._true()


class Renewals:
    """Carries out ``look`` at once."""

    def __init__(self, tables: SharedTablesOfFile) -> None:
        self._tables = tables

    async def start(self, lock: int | None = None) -> None:
        del lock

    async def call(self, name: str, *arguments: Any) -> Any:
        assert name == "look"
        waits, quick = arguments
        with self._tables._db as db:
            return look(db, self._tables._run_id, waits, self._tables.time(), quick=quick)

    async def stop(self) -> None:
        return None


class WorkersJournal(TabularSharedJournal):
    """The real journal, as a process of the simulation reaches it."""

    process: Process

    async def _call(self, name: str, *arguments: Any) -> Any:
        await asyncio.sleep(0)
        await self.process.may_freeze()
        found = await super()._call(name, *arguments)
        await self.process.may_freeze()
        return found

    async def look(self, *, waits: str = "", quick: bool = True) -> Any:
        await self.process.lives()
        found = await super().look(waits=waits, quick=quick)
        await self.process.lives()
        return found


class Reader:
    """One opening of the broker."""

    def __init__(self, broker: Broker, process: Process) -> None:
        self._broker = broker
        self._process = process
        self._next = 0

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        self._next = self._broker.acknowledged

    async def read(self, *, most: int) -> Sequence[Raw]:
        broker = self._broker
        await self._process.sleep(broker.random.choice(broker.pauses))
        count = min(most, broker.random.randint(1, 8))
        first, bodies = self._next, broker.bodies
        self._next = min(len(bodies), first + count)
        return [Raw(Position("broker", i + 1), bodies[i]) for i in range(first, self._next)]

    async def acknowledge(self, position: Position) -> None:
        await self._process.lives()
        self._broker.acknowledged = max(self._broker.acknowledged, position.offset)

    async def close(self) -> None:
        return None


class ProcessNetwork(Network):
    """The way into the world of one process: what a dead one sent and was not carried yet is not carried any more."""

    def __init__(self, world: Any, process: Process) -> None:
        super().__init__(world)
        self._process = process

    async def send(self, request: httpx.Request, **more: Any) -> httpx.Response:
        if self._process.is_dead:
            await self._process.never()
        try:
            return await super().send(request, **more)
        finally:
            await self._process.may_freeze()


@dataclass
class WorkersSimulation(Simulation):
    """Everything that outlives its workers."""

    processes: list[Process] = field(default_factory=list)
    stopping: list[asyncio.Task[None]] = field(default_factory=list)
    kills: int = 0
    pauses: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.world.curse = None
        self.habits = Random(f"{self.seed} workers")
        self.attempts = 1000
        self.broker.pauses = self.habits.choice(((0.0, 0.1, 1.0), (0.5, 2.0, 5.0), (1.0, 10.0)))
        self.freezes = self.habits.choice((2, 4, 8))
        self.batch = self.habits.choice((1, 7, 40))

    def run(self) -> list[str]:
        with closing(connect(fresh(self.path))) as database:
            database.executescript(SHARED)
        with overheard(self._hear):
            return self._run([])

    def _to_its_end(self, crashes: list[int]) -> Ending | None:
        """Live with several workers, then with one until all is done."""
        del crashes
        ending = self._together(self.habits.choice((2, 2, 3)), troubled=True)
        while ending is None or ending.stopped or ending.tally.open or self.people.wishes_left:
            self.lives += 1
            if self.lives > 12 or self.violations:
                self.violations.append(f"after {self.lives} lives it is still not done")
                return None
            self.world.faults = 0.0
            self.pausing.end()
            if self.people.wishes_left:
                self.people.act()
            ending = self._together(1, troubled=False)
        return ending

    def _together(self, count: int, *, troubled: bool) -> Ending | None:
        loop = SeededLoop(Random(self.random.random()), crash_after=None)
        loop.set_exception_handler(lambda _loop, _what: None)
        main = loop.create_task(self._all_live(count, troubled=troubled))
        main.add_done_callback(lambda _: loop.stop())
        try:
            loop.run_forever()
            return main.result()
        finally:
            self.clock.started += loop.time()
            bury(loop)

    async def _all_live(self, count: int, *, troubled: bool) -> Ending | None:
        endings: list[Ending] = []
        living = {asyncio.create_task(self._work(endings, number)) for number in range(count)}
        meddling = asyncio.create_task(self._meddle_with(living, endings)) if troubled else None
        limit = asyncio.get_running_loop().time() + MOST_SECONDS
        while living or (meddling and not meddling.done()):
            waits = [*living, *([meddling] if meddling and not meddling.done() else [])]
            await asyncio.wait(waits, timeout=5.0, return_when=asyncio.FIRST_COMPLETED)  # on purpose: virtual time
            for task in [task for task in living if task.done()]:
                living.discard(task)
                if task.exception() is not None:
                    self.violations.append(f"a worker failed: {task.exception()!r}")
            if asyncio.get_running_loop().time() > limit:
                self.violations.append("the workers do not end")
                return None
        return endings[-1] if endings else None

    async def _meddle_with(self, living: set[asyncio.Task[None]], endings: list[Ending]) -> None:
        """Kill, pause and start workers for a while."""
        for _ in range(self.habits.randint(1, 8)):
            await asyncio.sleep(self.habits.choice((0.3, 2.0, 8.0, 15.0)) * self.habits.random() * 2)
            if not living:
                return
            self.people.act()
            self.pausing.act()
            process = self.habits.choice([each for each in self.processes if not each.is_dead])
            kind = self.habits.random()
            if kind < 0.35:
                process.goes_on_at = self.clock.true() + self.habits.choice((2.0, 9.0, 12.0, 25.0, 60.0))
                self.pauses += 1
            elif kind < 0.65:
                self.kills += 1
                process.is_dead = True
                task = next((each for each in living if each.get_name() == f"worker {process.number}"), None)
                if task is not None:
                    living.discard(task)
                if not living or self.habits.random() < 0.7:
                    await asyncio.sleep(self.habits.choice((0.0, 1.0, 30.0)))
                    living.add(asyncio.create_task(self._work(endings, 0)))
            elif len(living) < 4:
                living.add(asyncio.create_task(self._work(endings, 0)))

    async def _work(self, endings: list[Ending], _number: int) -> None:
        process = Process(
            len(self.processes) + 1,
            self.clock.true,
            self.habits.uniform(-3600, 3600),
            machine=self.habits.randint(1, 2),
            freeze=self._freeze,
        )
        self.processes.append(process)
        task = asyncio.current_task()
        assert task is not None
        task.set_name(f"worker {process.number}")
        tables = SharedTablesOfFile(
            self.path, Member(f"process {process.number}", str(process.number)), self.clock.true
        )
        tables.settled_twice = self.settled_twice
        executor: Executor = Slow(tables, self.habits, longest=self.slowness) if self.slowness else Inline(tables)
        journal = WorkersJournal(
            executor,
            renewals=Renewals(tables),
            is_gone=lambda worker: self._is_gone(worker, process),
            now=process.now,
            since_boot=lambda: (f"machine {process.number}", self.clock.true()),
        )
        journal.process = process
        variant = self.habits.choice(self.variants)
        program = program_of(self.project, self.version, self.batch, variant=variant, attempts=self.attempts)
        async with ProcessNetwork(self.world, process) as http:
            engine = Engine(
                program,
                source=Reader(self.broker, process),
                source_again=lambda: Reader(self.broker, process),
                journal=journal,
                systems=lambda plan, gate: self._connect_of(process, plan, gate, http),
                clock=process,
                random=Random(self.random.random()),
                wait_seconds=600,
                window=self.window,
            )
            if self.habits.random() < 0.3:
                self.stopping.append(asyncio.create_task(self._stop_later(engine, process)))
            endings.append(await engine.run())

    async def _stop_later(self, engine: Engine, process: Process) -> None:
        await process.sleep(self.habits.choice((0.1, 3.0, 30.0)) * self.habits.random())
        engine.stop("somebody stopped it")

    def _freeze(self) -> float:
        """Draw whether a worker stands still at one of the moments at which this hurts."""
        if not self.freezes or self.random.random() > 0.03:
            return 0.0
        self.freezes -= 1
        self.pauses += 1
        return self.habits.choice((3.0, 11.5, 13.0, 20.0, 45.0))

    def _is_gone(self, worker: Worker, me: Process) -> bool:
        process = self.processes[int(worker.place) - 1]
        return process.is_dead and process.machine == me.machine

    def _connect_of(self, process: Process, plan: SystemPlan, gate: Gate, http: httpx.AsyncClient) -> SystemClient:
        return SystemClient(plan, http=http, gate=gate, clock=process)


def simulate_workers(seed: int, *, project: Path = PROJECT) -> list[str]:
    """Return what a seed violates; empty if all is well."""
    return lived_together(seed, project=project).violations


def lived_together(seed: int, *, project: Path = PROJECT) -> WorkersSimulation:
    """Return a seed's simulation after its end."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as place:
        simulation = WorkersSimulation(seed, Path(place), project)
        simulation.run()
    return simulation
