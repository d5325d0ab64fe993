"""A journal of a million events: its size, and how long it takes to open it, to count it and to find one record in it.

The journal is filled by the calls that a run makes, without a source and a system: 97 of 100 deliveries are delivered, one is open, one is
refused by its system, and one event does not fit its schema. Commands are timed as processes, beside the same command on
a small journal; opening it is timed as the calls that a run makes before it sends.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

import orjson

from bench.events import contact
from bench.figures import Figure, Size
from bench.processes import PROJECT, Job, measured, workspace
from bench.run import settings
from syncflow.compiler.build import build
from syncflow.compiler.program import Program
from syncflow.config.project import load_project
from syncflow.errors import UnavailableError
from syncflow.events import Accepted, Delivery, Outcome, Position, Raw, Record, Refused, Routed, Verdict
from syncflow.runtime.changed_program import activation_of
from syncflow.runtime.desk.checkup import problems
from syncflow.runtime.journal.base import Commit, DeadLetter, DeliveryState, JournaledEvent, Presence, Settlement
from syncflow.runtime.journal.sqlite.journal import SqliteJournal

TITLE = "a large journal: its size, and how long people and the next run wait for it"

CHUNK = 1000
AT = 1_700_000_000.0

COMMANDS = (
    ("status", ("status",), 1.0),
    ("dlq list", ("dlq", "list"), 0.5),
    ("dlq list --reasons", ("dlq", "list", "--reasons"), 0.5),
    ("status A700", ("status", "A700"), 0.3),
)


def measure(size: Size) -> Iterator[Figure]:
    count = size.of(tiny=2_000, usual=1_000_000)
    with workspace() as folder:
        small, large = folder / "small", folder / "large"
        for made in (small, large):
            made.mkdir()
        asyncio.run(fill(small, 1_000))
        bodies = asyncio.run(fill(large, count))
        bytes_ = (large / "journal.db").stat().st_size
        yield Figure("journal, an event", bytes_ / count, "bytes")
        yield Figure("journal, of the events' own bytes", bytes_ / bodies, "times")
        opening = measured(Job((sys.executable, "-m", "bench.journal", str(large / "journal.db")), _environment(large)))
        yield Figure(
            "opened by a run, to the first open deliveries: processor time", float(opening.out), "s", at_most=1.0
        )
        yield from _flips(small / "journal.db", size.of(tiny=4, usual=500))
        for name, command, most in COMMANDS:
            least, needed = _processor_seconds(command, small), _processor_seconds(command, large)
            yield Figure(f"`{name}`: processor time", needed, "s")
            yield Figure(f"`{name}`: more than with 1,000 events", max(0.0, needed - least), "s", at_most=most)


def _flips(path: Path, count: int) -> Iterator[Figure]:
    """Flip one bit at a time, anywhere in a journal of a thousand events, and see who notices."""
    whole, copy, random = path.read_bytes(), path.with_name("flipped.db"), Random(1)
    opened = checked = 0
    for _ in range(count):
        flipped = bytearray(whole)
        flipped[random.randrange(len(flipped))] ^= 1 << random.randrange(8)
        copy.touch(mode=0o600)
        copy.write_bytes(flipped)
        checked += bool(_problems(copy))
        opened += not _opens(copy)
        for file in path.parent.glob("flipped.db*"):
            file.unlink()
    yield Figure("one flipped bit: seen by a run that opens the journal after a clean end", 100 * opened / count, "%")
    yield Figure("one flipped bit: seen by `journal check`", 100 * checked / count, "%")


def _problems(path: Path) -> list[str]:
    try:
        return problems(path)
    except UnavailableError as error:
        return [error.message]


def _opens(path: Path) -> bool:
    try:
        asyncio.run(_open(path))
    except (UnavailableError, ValueError):
        return False
    return True


def _environment(folder: Path) -> dict[str, str]:
    return settings(folder, "http://127.0.0.1:9")


def _processor_seconds(command: tuple[str, ...], folder: Path) -> float:
    """Return the least of three: the second finds modules compiled and pages in memory."""
    job = Job(
        (sys.executable, "-m", "syncflow", *command, "--routes", str(PROJECT / "routes.yaml")), _environment(folder)
    )
    return min(measured(job).cpu_seconds for _ in range(3))


async def fill(folder: Path, count: int) -> int:
    """Write a journal of this many events; return the bytes of their bodies."""
    program = _program(folder)
    journal = SqliteJournal(folder / "journal.db", inline=True, sync="normal", now=lambda: AT)
    await journal.open(fingerprint=program.fingerprint)
    await journal.activate(activation_of(program), at=AT)
    bodies = 0
    for first in range(0, count, CHUNK):
        raws = [_raw(number) for number in range(first, min(count, first + CHUNK))]
        bodies += sum(len(raw.body) for raw in raws)
        commit, settlements = _chunk(program, raws)
        await journal.commit(commit)
        await journal.settle(settlements)
    await journal.close(finished=True)
    return bodies


@cache
def _program(folder: Path) -> Program:
    return build(load_project(PROJECT / "routes.yaml", environment=_environment(folder)))


def _raw(number: int) -> Raw:
    item = contact(number)
    if number % 100 == 3:
        del item["name"]
    event = {"record": "contacts", "operation": "create", "timestamp": item["updated_at"], "item": item}
    return Raw(Position("events.jsonl", number * 200, number + 1), orjson.dumps(event))


def _chunk(program: Program, raws: list[Raw]) -> tuple[Commit, list[Settlement]]:
    """Return what a run would write of these events, each of a new record."""
    events: list[JournaledEvent] = []
    deliveries: list[Delivery] = []
    presence: list[Presence] = []
    letters: list[DeadLetter] = []
    for raw in raws:
        number = raw.position.line or 0
        checked = program.check(raw)
        routed = program.route(checked) if isinstance(checked, Accepted) else checked
        if isinstance(routed, Refused):
            events.append(JournaledEvent(number, raw, "dead", AT, routed.record))
            letters.append(DeadLetter(number, routed.stage, routed.code, routed.reason, AT))
            continue
        assert isinstance(routed, Routed)
        [match] = routed.matches
        record = Record("contacts", routed.accepted.event.record.id)
        plan = program.routes[match.route]
        delivery = Delivery(
            number, number, match.route, plan.system, plan.object, "upsert", record, match.key, match.payload, (0, number), AT
        )  # fmt: skip
        events.append(JournaledEvent(number, raw, "routed", AT, record, "create"))
        deliveries.append(delivery)
        presence.append(
            Presence(
                record, match.route, plan.system, plan.object, match.key, match.key.value, None, (0, number), "present", number, number
            )
        )  # fmt: skip
    commit = Commit(
        tuple(events),
        deliveries=tuple(deliveries),
        presence=tuple(presence),
        dead_letters=tuple(letters),
        positions=(raws[-1].position,),
        fingerprint=program.fingerprint,
    )
    return commit, [settlement for delivery in deliveries for settlement in _settled(delivery)]


def _settled(delivery: Delivery) -> Iterator[Settlement]:
    batch = f"0a1b2c3d-{delivery.id // 200}"
    if delivery.id % 100 == 1:
        return
    if delivery.id % 100 == 2:
        outcome = Outcome(Verdict.REJECTED, "INVALID_EMAIL", "the e-mail address does not exist", 400)
        letter = DeadLetter(
            delivery.event, "delivery", outcome.code, outcome.message, AT, delivery.id, delivery.route, delivery.system, 400, 1
        )  # fmt: skip
        state, counted = DeliveryState.DEAD, letter
    else:
        outcome, state, counted = Outcome(Verdict.DELIVERED), DeliveryState.DELIVERED, None
    yield Settlement(delivery, state, outcome, 1, AT, batch, dead_letter=counted, compared=delivery.key.value)


async def _open(path: Path) -> float:
    """Do what a run does with its journal before it sends; return the processor time."""
    program = _program(path.parent)
    before = time.process_time()
    journal = SqliteJournal(path, inline=True)
    await journal.open(fingerprint=program.fingerprint)
    await journal.activate(activation_of(program), at=time.time())
    await journal.marks(most=1000)
    await journal.page("sink", after=0, most=1000)
    seconds = time.process_time() - before
    await journal.close(finished=True)
    return seconds


if __name__ == "__main__":
    print(asyncio.run(_open(Path(sys.argv[1]))))
