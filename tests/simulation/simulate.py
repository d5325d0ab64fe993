"""One seed, from its events to its verdict: the real engine, journal and adapter engine in virtual time.

    violations = simulate(7)

A run is crashed at random steps of the event loop (everything in memory is gone, the journal's open transaction too) and started
again until it ends by itself; then the oracles compare journal, world and script. The same seed takes the same way again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import httpx
import orjson

from syncflow.adapters.engine import SystemClient
from syncflow.adapters.gate import Gate
from syncflow.compiler.program import Program
from syncflow.compiler.wire.system import SystemPlan
from syncflow.runtime.ending import Ending
from syncflow.runtime.engine import Engine
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.runtime.journal.tables.executors import Inline
from tests.simulation.curse import drawn
from tests.simulation.explained import curse_kept_its_place
from tests.simulation.faults import Broker, Slow, WatchedJournal, WatchedTables, fresh
from tests.simulation.oracles import Evidence, judge
from tests.simulation.pausing import Pausing
from tests.simulation.people import People
from tests.simulation.programs import PROJECT, Variant, program_of
from tests.simulation.roster import RELATED_SHARE, related
from tests.simulation.script import Script, doubtful, write_script
from tests.simulation.virtual import Clock, SeededLoop, bury
from tests.simulation.world import LIMITS, Network, World

MEMORY = next((path for path in ("/dev/shm",) if Path(path).is_dir()), None)
"""Where journals lie: a simulated crash ends no machine, so that no disk has to be waited for; None: where temporary files are."""

MOST_LIVES = 30
DOUBTFUL_SHARE = 0.1
"""Of the seeds."""
STOPPED = "somebody stopped it"
VARIANTS: Sequence[Sequence[Variant]] = (
    ("usual",), ("usual",), ("usual", "renamed"), ("usual", "renamed"), ("usual", "gone", "usual"), ("usual", "mapped"),
)  # fmt: skip
"""Between which variants of the program a seed's runs and reloads choose."""
MOST_TO_STOP = 3600.0
"""So long a run may take to end once it is stopped: what is under way ends within its time, and then nothing is waited for."""


@dataclass
class Simulation:
    """Everything that outlives a crash."""

    seed: int
    directory: Path
    project: Path = PROJECT
    random: Random = field(init=False)
    clock: Clock = field(default_factory=Clock)
    violations: list[str] = field(default_factory=list)
    settled_twice: list[int] = field(default_factory=list)
    lives: int = 0

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.script: Script = write_script(self.random)
        # Answers are lost and versions refused, so that again and again nobody knows whether a record is there.
        doubts = Random(f"{self.seed} doubts")
        self.is_doubtful = doubts.random() < DOUBTFUL_SHARE
        if self.is_doubtful:
            self.script = doubtful(self.script, doubts)
        self._relate(Random(f"{self.seed} relations"))
        bodies = [orjson.dumps(event) for event in self.script.events]
        self.broker = Broker(bodies, Random(self.random.random()), self._crash)
        self.crash_points = 0
        self.world = World(Random(self.random.random()), self.clock.true)
        self.clock.is_dull = self.world.is_dull
        self.world.faults = self.random.choice((0.0, 0.05, 0.2))
        if self.is_doubtful:
            self.world.faults, self.world.lost_share = 0.2, 1.0
        self.version = "timestamp" if self.script.by_timestamp else "arrival"
        self.path = self.directory / f"{self.seed}.db"
        self.habits = Random(f"{self.seed} habits")
        self.stops = self.habits.choice((0, 0, 1, 3))
        self.slowness = self.habits.choice((0.0, 0.0, 0.4, 2.0))
        self.window = self.habits.choice((10_000, 20, 5))
        self.attempts = 1000 if self.world.faults else 6
        if self.habits.random() < 0.1:
            self.world.down = (self.habits.choice(list(LIMITS)), self.habits.uniform(0.0, 20.0))
            self.world.down_seconds = self.habits.choice((300.0, 300.0, 300.0, 3600.0))
        elif not self.script.shared_handles and self.habits.random() < 0.15:
            systems = [name for name in LIMITS if name != "roster"]
            self.world.curse = drawn(self.habits, systems, self.script.records)
            self.world.faults, self.attempts = 0.0, 3
            self.broker.pauses = (0.5, 2.0, 5.0)  # others have to succeed meanwhile
        self.variants: Sequence[Variant] = self.habits.choice(VARIANTS)
        if self.is_loosened:  # what a route's `after` says is added and taken away while the run lasts
            self.variants, self.world.roster.watches = ("usual", "loose"), False
        self.people = People(self.path, Random(f"{self.seed} people"))
        self.pausing = Pausing(self.path, Random(f"{self.seed} pauses"), self.clock.true)
        self.pausing.asked = self.pausing.asked and self.world.curse is None
        self.world.is_paused = self.pausing.complains

    def _relate(self, random: Random) -> None:
        is_related = random.random() < RELATED_SHARE and not self.is_doubtful
        self.is_loosened = is_related and random.random() < 0.25
        if is_related:
            self.script = related(self.script, random)

    def program(self, random: Random) -> Program:
        variant = self.habits.choice(self.variants)
        batch = random.choice((1, 7, 40))
        return program_of(self.project, self.version, batch, variant=variant, attempts=self.attempts)

    def run(self) -> list[str]:
        """Live until a run ends by itself; judge what is left."""
        crashes = [self.random.randint(50, 6000) for _ in range(self.random.choice((0, 1, 1, 2, 4)))]
        self.crash_points = self.random.choice((0, 1, 3))
        with overheard(self._hear):
            return self._run(crashes)

    def _run(self, crashes: list[int]) -> list[str]:
        ending = self._to_its_end(crashes)
        if ending:
            self.violations += judge(self._evidence(), ending)
            self._forget_one()
        return self.violations

    def _evidence(self) -> Evidence:
        return Evidence(
            script=self.script,
            world=self.world,
            path=self.path,
            project=self.project,
            version=self.version,
            variants=self.variants,
            attempts=self.attempts,
            settled_twice=self.settled_twice,
            people_asked=self.people.asked,
        )

    def _to_its_end(self, crashes: list[int]) -> Ending | None:
        """Live until a run ends by itself and people have nothing more to ask for."""
        ending = None
        while ending is None:
            self.lives += 1
            if self.lives > MOST_LIVES:
                self.violations.append(f"after {MOST_LIVES} lives it is still not done")
                return None
            if not crashes:
                self.world.faults = min(self.world.faults, 0.05)
            ending = self._live(crashes.pop(0) if crashes else None)
            if ending and ending.stopped == STOPPED:
                ending = None
            elif ending and ending.tally.open:  # a run gives up after a while without progress; the next one goes on
                self._lift_the_curse()
                self.pausing.end()
                self.world.faults, ending = 0.0, None
            elif self.people.wishes_left:
                self.people.act()
                ending = None
        return ending

    def _lift_the_curse(self) -> None:
        """See that nothing but the cursed record is left where one fails for ever; let it succeed from now on."""
        curse = self.world.curse
        if curse and not curse.lifted:
            database = connect(self.path)
            self.violations += curse_kept_its_place(database, curse)
            database.close()
            curse.lifted = True

    def _forget_one(self) -> None:
        """Have a record deleted everywhere and erased: it is nowhere any more, and nothing else is touched."""
        record = self.people.chosen()
        if record is None or self.violations:
            return
        self.people.delete(record)
        self.lives, self.stops = 0, 0
        if self._to_its_end([]) is None:
            return
        there = [name for name, held in self.world.held.items() if record in held]
        there += [
            name
            for name, directory in self.world.directories.items()
            if any(held["ref"] == record for held in directory.people.values())
        ]
        there += [name for name, held in self.world.roster.held.items() if record in held]
        if there or record in self.world.profiles.held:
            self.violations.append(f"{record} was to be deleted, and is still in {there or 'profile'}")
        if still := self.people.forget(record):
            self.violations.append(f"{record} was forgotten, and still stands in {still}")

    def _hear(self, record: logging.LogRecord) -> None:
        """Judge what a run logs; what is left of a crashed one complains when nothing runs any more."""
        loop = asyncio._get_running_loop()
        if record.getMessage() == "bug" and loop is not None and not getattr(loop, "dead", False):
            self.violations.append(f"an exception that nobody foresaw: {getattr(record, 'fields', '')}")

    def _crash(self) -> bool:
        """Whether this is one of the points at which this seed dies."""
        if self.crash_points and self.random.random() < 0.03:
            self.crash_points -= 1
            return True
        return False

    def _live(self, crash_after: int | None) -> Ending | None:
        loop = SeededLoop(Random(self.random.random()), crash_after=crash_after)
        loop.set_exception_handler(lambda _loop, _what: None)  # a crash leaves tasks behind: that is the point
        # A simulated crash ends the process, not the machine: syncing to the disk would only cost time.
        now = lambda: self.clock.now() if loop.is_running() else 0.0  # noqa: E731
        tables = WatchedTables(fresh(self.path), sync="normal")
        tables.settled_twice = self.settled_twice
        executor = Slow(tables, self.habits, longest=self.slowness) if self.slowness else Inline(tables)
        journal = WatchedJournal(self.path, executor=executor, now=now, since_boot=lambda: ("sim", self.clock.true()))
        journal.crash = self._crash
        main = loop.create_task(self._main(journal))
        try:
            loop.run_forever()
            return main.result() if main.done() else None
        finally:
            tables.drop()
            journal.die()
            self.clock.started += loop.time()
            bury(loop)

    async def _main(self, journal: SqliteJournal) -> Ending:
        loop = asyncio.get_running_loop()
        try:
            async with Network(self.world) as http:
                engine = Engine(
                    self.program(self.random),
                    source=self.broker,
                    journal=journal,
                    systems=lambda plan, gate: self._connect(plan, gate, http),
                    clock=self.clock,
                    random=Random(self.random.random()),
                    wait_seconds=600,
                    window=self.window,
                )
                meddling = [asyncio.create_task(task) for task in (self._meddle(engine), self._stop(engine))]
                try:
                    return await engine.run()
                finally:
                    for task in meddling:
                        task.cancel()
        finally:
            loop.stop()

    def _connect(self, plan: SystemPlan, gate: Gate, http: httpx.AsyncClient) -> SystemClient:
        return SystemClient(plan, http=http, gate=gate, clock=self.clock)

    async def _meddle(self, engine: Engine) -> None:
        """Let the wall clock jump and the program change, at random times."""
        random = Random(self.random.random())
        while True:
            await self.clock.sleep(random.uniform(0.5, 20))
            self.people.act()
            self.pausing.act()
            if random.random() < 0.5:
                self.clock.off += random.uniform(-3600, 3600)
            elif random.random() < 0.5:
                await engine.swap(self.program(random))

    async def _stop(self, engine: Engine) -> None:
        """Stop the run, soon after its start or later, and see that it ends."""
        if not self.stops:
            return
        self.stops -= 1
        await asyncio.sleep(self.habits.uniform(0.0, self.habits.choice((0.1, 3.0, 30.0))))
        engine.stop(STOPPED)
        await asyncio.sleep(MOST_TO_STOP)
        self.violations.append(f"it was stopped and had not ended {MOST_TO_STOP:g} s later")
        asyncio.get_running_loop().stop()


class _Listener(logging.Handler):
    def __init__(self, hear: Callable[[logging.LogRecord], None]) -> None:
        super().__init__()
        self._hear = hear

    def emit(self, record: logging.LogRecord) -> None:
        self._hear(record)


@contextlib.contextmanager
def overheard(hear: Callable[[logging.LogRecord], None]) -> Iterator[None]:
    """Hand what runs log to ``hear``, and to nobody else."""
    log, handler = logging.getLogger("syncflow"), _Listener(hear)
    log.addHandler(handler)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.propagate = True


def simulate(seed: int, *, project: Path = PROJECT) -> list[str]:
    """Return what a seed violates; empty if all is well."""
    return lived(seed, project=project).violations


def lived(seed: int, *, project: Path = PROJECT) -> Simulation:
    """Return a seed's simulation after its end: what it violates, and how much happened."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as place:
        simulation = Simulation(seed, Path(place), project)
        simulation.run()
    return simulation


def is_cursed(seed: int) -> bool:
    """Whether a record always fails in this seed."""
    return Simulation(seed, Path("-")).world.curse is not None
