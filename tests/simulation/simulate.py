"""One seed, from its events to its verdict: the real engine, journal and adapter engine in virtual time.

    violations = simulate(7)

A run is crashed at random steps of the event loop (everything in memory is gone, the journal's open transaction too) and started
again until it ends by itself; then the oracles compare journal, world and script. The same seed takes the same way again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx
import orjson

from syncflow.adapters.engine import SystemClient
from syncflow.adapters.gate import Gate
from syncflow.compiler.program import Program
from syncflow.compiler.requests import SystemPlan
from syncflow.errors import SyncflowError
from syncflow.events import Position, Raw
from syncflow.runtime.desk.checkup import problems
from syncflow.runtime.ending import Ending
from syncflow.runtime.engine import Engine
from syncflow.runtime.journal.base import OPEN
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.runtime.journal.sqlite.tables import Tables
from syncflow.runtime.journal.tables.executors import Inline
from syncflow.testing import VirtualLoop
from tests.simulation.curse import drawn
from tests.simulation.explained import curse_kept_its_place, explained, ledger
from tests.simulation.people import People
from tests.simulation.programs import PROJECT, Variant, program_of
from tests.simulation.script import PEOPLE, Script, implied, members, order_of, profiles, write_script
from tests.simulation.world import LIMITS, MOST_WHILE_DOWN, NAMES, Network, World

MOST_LIVES = 30
STOPPED = "somebody stopped it"
VARIANTS: Sequence[Sequence[Variant]] = (
    ("usual",), ("usual",), ("usual", "renamed"), ("usual", "renamed"), ("usual", "gone", "usual"), ("usual", "mapped"),
)  # fmt: skip
"""Between which variants of the program a seed's runs and reloads choose."""
MOST_TO_STOP = 3600.0
"""So long a run may take to end once it is stopped: what is under way ends within its time, and then nothing is waited for."""


LATE_SHARE = 0.02
"""Share of the callbacks that come late."""


class SeededLoop(VirtualLoop):
    """Virtual time; now and then a callback comes late, by the seed; after ``crash_after`` callbacks the loop stops dead."""

    def __init__(self, random: Random, *, crash_after: int | None) -> None:
        self._random = random
        self._left = crash_after or -1
        self._until_late = self._gap()
        self.dead = False
        super().__init__()

    def _gap(self) -> int:
        """Draw after how many callbacks one comes late: one draw instead of one for each callback."""
        return 1 + int(math.log(1.0 - self._random.random()) / math.log(1.0 - LATE_SHARE))

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:  # type: ignore[override]
        if self.dead:
            return asyncio.Handle(callback, list(args), self, context)
        self._left -= 1
        if self._left == 0:
            self.stop()
        self._until_late -= 1
        if self._until_late == 0:
            self._until_late = self._gap()
            return self.call_later(self._random.choice((0.0, 0.001, 0.02)), callback, *args, context=context)
        return super().call_soon(callback, *args, context=context)


@dataclass
class Clock:
    """True time runs through all lives; the wall clock may be off and jumps, the monotonic one starts anew with each life.

    While ``is_dull()``, the machine dozes: naps of a second or more last ``DOZE`` times as long.
    """

    started: float = 0.0
    off: float = 0.0
    is_dull: Callable[[], bool] = lambda: False

    def true(self) -> float:
        return self.started + asyncio.get_running_loop().time()

    def now(self) -> float:
        return 1_700_000_000.0 + self.true() + self.off

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(self.drawn_out(seconds))

    def drawn_out(self, seconds: float) -> float:
        """Return how long a nap lasts."""
        return seconds * DOZE if seconds >= 1.0 and self.is_dull() else seconds


DOZE = 12.0
"""In the midst of a long outage nothing new happens from second to second: polls and probes may come late, as on a busy machine."""


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


class WatchedTables(Tables):
    """The real tables, which notice when a delivery is settled twice."""

    settled_twice: list[int]

    def settle(self, outcomes: Mapping[str, Any], at: float) -> None:
        ids = [number for entry in outcomes["settlements"] for number in entry[-1]] + [
            row[-1] for row in outcomes["superseded"]
        ]
        marks = ", ".join("?" * len(ids))
        rows = self._db.execute(f"SELECT id, state FROM deliveries WHERE id IN ({marks})", ids).fetchall()
        self.settled_twice += [number for number, state in rows if state not in OPEN]
        super().settle(outcomes, at)


class Slow(Inline):
    """Does it in a while, one call after the other, also those whose caller is gone: as a thread or a process does."""

    def __init__(self, tables: Tables, random: Random, *, longest: float) -> None:
        super().__init__(tables)
        self._random = random
        self._naps = (0.0, 0.0, 0.005, 0.1, longest)
        self._turn = asyncio.Lock()

    async def call(self, name: str, *arguments: Any) -> Any:
        return await asyncio.shield(asyncio.create_task(self._in_turn(name, arguments)))

    async def _in_turn(self, name: str, arguments: tuple[Any, ...]) -> Any:
        async with self._turn:
            await asyncio.sleep(self._random.choice(self._naps))
            return self.tables.call(name, *arguments)


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
        bodies = [orjson.dumps(event) for event in self.script.events]
        self.broker = Broker(bodies, Random(self.random.random()), self._crash)
        self.crash_points = 0
        self.world = World(Random(self.random.random()), self.clock.true)
        self.clock.is_dull = self.world.is_dull
        self.world.faults = self.random.choice((0.0, 0.05, 0.2))
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
            self.world.curse = drawn(self.habits, list(LIMITS), self.script.records)
            self.world.faults, self.attempts = 0.0, 3
            self.broker.pauses = (0.5, 2.0, 5.0)  # others have to succeed meanwhile
        self.variants: Sequence[Variant] = self.habits.choice(VARIANTS)

        self.people = People(self.path, Random(f"{self.seed} people"))

    def program(self, random: Random) -> Program:
        variant = self.habits.choice(self.variants)
        batch = random.choice((1, 7, 40))
        return program_of(self.project, self.version, batch, variant=variant, attempts=self.attempts)

    def run(self) -> list[str]:
        """Live until a run ends by itself; judge what is left."""
        crashes = [self.random.randint(50, 6000) for _ in range(self.random.choice((0, 1, 1, 2, 4)))]
        self.crash_points = self.random.choice((0, 1, 3))
        with _overheard(self._hear):
            return self._run(crashes)

    def _run(self, crashes: list[int]) -> list[str]:
        ending = self._to_its_end(crashes)
        if ending:
            self._judge(ending)
            self._forget_one()
        return self.violations

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
        tables = WatchedTables(self.path, sync="normal")
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
            _bury(loop)

    async def _main(self, journal: SqliteJournal) -> Ending:
        loop = asyncio.get_running_loop()
        try:
            async with httpx.AsyncClient(transport=Network(self.world)) as http:
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

    # -- oracles ------------------------------------------------------------------------------------------------------------

    def _judge(self, ending: Ending) -> None:
        if ending.stopped or ending.systems_stopped:
            self.violations.append(f"it ended early: {ending.stopped} {ending.systems_stopped}")
        self.violations += self.world.violations[:3]
        self.violations += [f"delivery {number} was settled twice" for number in self.settled_twice]
        database = connect(self.path)
        self._every_event_is_accounted_for(database)
        self._every_delivery_is_settled(database)
        self._what_was_refused_is_not_called_delivered(database)
        self._the_other_side_is_what_the_events_imply()
        self._the_mailing_list_follows_every_move()
        self._versions_took_effect_in_order()
        self.violations += ledger(database, self.world, project=self.project, version=self.version)
        self.violations += explained(
            database,
            self.script,
            self.world,
            project=self.project,
            version=self.version,
            may_go="gone" in self.variants,
        )
        self._people_are_who_they_are(database)
        self._the_newest_value_of_each_field_won()
        self._the_cursed_record_ended_by_its_own_retry()
        if self.world.asked_while_down > MOST_WHILE_DOWN * self.world.down_seconds + 60:
            self.violations.append(f"{self.world.asked_while_down} requests were sent to a host that was down")
        database.close()
        self._the_journal_agrees_with_itself()

    def _is_cursed(self, system: str, record: str) -> bool:
        return self.world.curse is not None and self.world.curse.concerns(system, record)

    def _every_event_is_accounted_for(self, database: Any) -> None:
        states = dict(database.execute("SELECT offset, state FROM events").fetchall())
        seen = database.execute("SELECT count(*) FROM events").fetchone()[0]
        missing = set(range(1, len(self.script.events) + 1)) - set(states)
        if missing or seen != len(states):
            self.violations.append(f"events lost: {sorted(missing)}, journaled {seen} for {len(states)} positions")
        for number in self.script.invalid:
            event = self.script.events[number - 1]
            if event["operation"] != "delete" and states.get(number) != "dead":
                self.violations.append(f"event {number} does not fit the schema and is {states.get(number)}")

    def _the_journal_agrees_with_itself(self) -> None:
        self.violations += [f"the journal disagrees with itself: {problem}" for problem in problems(self.path)]

    def _every_delivery_is_settled(self, database: Any) -> None:
        still = database.execute("SELECT id, state FROM deliveries WHERE settled_at IS NULL").fetchall()
        if still:
            self.violations.append(f"deliveries not settled: {still}")
        for number, code, system in database.execute(
            "SELECT e.offset, d.code, d.system FROM dead_letters d JOIN events e ON e.seq = d.event WHERE d.stage = 'delivery'"
        ):
            if code == "key_taken" and self.script.shared_handles:
                continue
            if code == "program_changed" and system == "ledger" and "gone" in self.variants:
                continue
            if self._is_cursed(system, self.script.events[number - 1]["item"]["id"]):
                continue
            if self.script.events[number - 1]["item"].get("phone") != "refuse":
                self.violations.append(f"event {number} is a dead letter of {system} for no reason: {code}")

    def _what_was_refused_is_not_called_delivered(self, database: Any) -> None:
        refused = self.world.refused.union(*(directory.refused for directory in self.world.directories.values()))
        for system, number, state in database.execute(
            "SELECT d.system, e.offset, d.state FROM deliveries d JOIN events e ON e.seq = d.event WHERE d.operation = 'upsert'"
        ):
            if (system, number) in refused and state not in {"dead", "superseded"}:
                self.violations.append(f"{system} refused event {number}, and its delivery is {state}")

    def _the_other_side_is_what_the_events_imply(self) -> None:
        state = implied(self.script)
        for (system, record), entry in state.items():
            if self._is_cursed(system, record):
                continue
            row = self.world.held[system].get(record)
            found = int(row[NAMES[system]].removeprefix("n")) if row else None
            if found not in entry.allowed:
                self.violations.append(
                    f"{system} holds event {found} of {record}, the events imply {sorted(map(str, entry.allowed))}"
                )
        for system in ("salesforce", "hubspot"):
            rows = self.world.held[system]
            self.violations += [
                f"{system} holds {record} for no reason" for record in rows if (system, record) not in state
            ]

    def _the_mailing_list_follows_every_move(self) -> None:
        found = {address: int(row["name"].removeprefix("n")) for address, row in self.world.held["mailing"].items()}
        wanted = members(self.script)
        for addresses in (found, wanted):
            for address in [each for each in addresses if self._is_cursed("mailing", each.split(".")[0])]:
                del addresses[address]
        if found != wanted:
            self.violations.append(f"the mailing list is {found}, the events imply {wanted}")

    def _people_are_who_they_are(self, database: Any) -> None:
        """Nobody is written over or taken away for another; who has no dead letter is as the events imply."""
        given_up = {
            (system, record)
            for system, record in database.execute(
                "SELECT l.system, e.record FROM dead_letters l JOIN events e ON e.seq = l.event WHERE l.code != 'RULE'"
            )
        }
        state = implied(self.script, PEOPLE)
        for name, directory in self.world.directories.items():
            self.violations += directory.violations[:3]
            found: dict[str, list[int]] = {}
            for held in directory.people.values():
                found.setdefault(held["ref"], []).append(int(held["name"][1:]))
            for (system, record), entry in state.items():
                if system != name or (system, record) in given_up:
                    continue
                there = found.get(record, [])
                if len(there) > 1 or (there[0] if there else None) not in entry.allowed:
                    allowed = sorted(map(str, entry.allowed))
                    self.violations.append(f"{name} holds events {there} of {record}, the events imply {allowed}")

    def _the_newest_value_of_each_field_won(self) -> None:
        implied_profiles, held = profiles(self.script), self.world.profiles.held
        for record in sorted(implied_profiles.keys() | held.keys()):
            if not self._is_cursed("profile", record) and held.get(record) != implied_profiles.get(record):
                self.violations.append(
                    f"the profile {record} is {held.get(record)}, the events imply {implied_profiles.get(record)}"
                )

    def _versions_took_effect_in_order(self) -> None:
        order = order_of(self.script)
        last: dict[tuple[str, str], int] = {}
        for effect in self.world.effects:
            place = (effect.system, effect.record)
            if effect.event is None:
                continue
            if order[effect.event] < last.get(place, -1):
                self.violations.append(
                    f"event {effect.event} overwrote a newer version of {effect.record} in {effect.system}"
                )
            last[place] = max(order[effect.event], last.get(place, -1))

    def _the_cursed_record_ended_by_its_own_retry(self) -> None:
        curse = self.world.curse
        if curse is None or self.people.asked:
            return
        if often := curse.tried_too_often(self.attempts):
            self.violations.append(
                f"{curse.record} was tried too often in {curse.system} while others succeeded: {often}"
            )


class _Listener(logging.Handler):
    def __init__(self, hear: Callable[[logging.LogRecord], None]) -> None:
        super().__init__()
        self._hear = hear

    def emit(self, record: logging.LogRecord) -> None:
        self._hear(record)


@contextlib.contextmanager
def _overheard(hear: Callable[[logging.LogRecord], None]) -> Iterator[None]:
    """Hand what runs log to ``hear``, and to nobody else."""
    log, handler = logging.getLogger("syncflow"), _Listener(hear)
    log.addHandler(handler)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.propagate = True


def _bury(loop: SeededLoop) -> None:
    """Take apart what a crash left: nothing of it may reach the journal or the world.

    ``close()`` of a coroutine that awaits in a ``finally`` raises RuntimeError into the frames around it: an ``except Exception`` there
    would go on, as if something unforeseen had happened, and make coroutines that are never awaited. ``_Dead`` passes each of them.
    The dead loop counts as running meanwhile, for a ``finally`` may ask it for the time.
    """
    loop.dead = True
    sys.unraisablehook = lambda _: None  # what is left of the dead complains while it is collected
    asyncio._set_running_loop(loop)
    try:
        for task in asyncio.all_tasks(loop):
            _unwind(task.get_coro())
    finally:
        asyncio._set_running_loop(None)
    loop.close()


class _Dead(BaseException):
    """The process is dead: no code of ours may catch this."""


def _unwind(coroutine: Any) -> None:
    """Leave all frames of a coroutine; where it awaits on its way out, it is dead there too."""
    for _ in range(MOST_AWAITS_ON_THE_WAY_OUT):
        try:
            coroutine.throw(_Dead())
        except (_Dead, StopIteration, BaseExceptionGroup, SyncflowError):
            return


MOST_AWAITS_ON_THE_WAY_OUT = 100


def simulate(seed: int, *, project: Path = PROJECT) -> list[str]:
    """Return what a seed violates; empty if all is well."""
    with tempfile.TemporaryDirectory() as place:
        return Simulation(seed, Path(place), project).run()


def is_cursed(seed: int) -> bool:
    """Whether a record always fails in this seed."""
    return Simulation(seed, Path("-")).world.curse is not None
