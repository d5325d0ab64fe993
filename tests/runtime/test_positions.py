"""Events of one offset, positions that a broker remembers, and what comes beside a body, through a whole run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from syncflow.events import Position, Raw
from syncflow.runtime.ending import Ending
from syncflow.runtime.engine import Engine
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.sources.base import KeptBy
from syncflow.testing import FakeSystems, VirtualClock, run_virtually
from tests.runtime.programs import event, program


class Transactions:
    """One partition whose events share the offset of their commit, handed out in chunks that end anywhere."""

    def __init__(self, events: int, *, chunk: int, kept: KeptBy = "journal") -> None:
        self._raws = [
            Raw(
                Position("slot", 7, number=number),
                orjson.dumps(event(f"A{number}")),
                event_id=f"m{number}" if kept == "broker" else "",
                meta={"table": "public.contacts", "xid": 7},
            )
            for number in range(events)
        ]
        self._chunk, self._kept = chunk, kept
        self._next = 0
        self.acknowledged: list[tuple[int, int]] = []

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        self.opened = acknowledged

    async def read(self, *, most: int) -> Sequence[Raw]:
        found = self._raws[self._next : self._next + min(most, self._chunk)]
        self._next += len(found)
        return found

    async def acknowledge(self, position: Position) -> None:
        self.acknowledged.append((position.offset, position.number))

    def kept_by(self, partition: str) -> KeptBy:
        return self._kept

    async def close(self) -> None: ...


def run(source: Transactions, path: Path, **more: Any) -> Ending:
    async def main() -> Ending:
        clock = VirtualClock()
        journal = SqliteJournal(path, inline=True, now=clock.now)
        return await Engine(program(), source=source, journal=journal, systems=FakeSystems(), clock=clock, **more).run()

    return run_virtually(main())


def test_seven_hundred_events_of_one_offset_are_all_read(tmp_path: Path) -> None:
    source = Transactions(700, chunk=300)
    ending = run(source, tmp_path / "j.db")
    assert (ending.tally.read, ending.tally.routed, ending.tally.duplicate) == (700, 700, 0)
    assert source.acknowledged == [(7, 299), (7, 599), (7, 699)]


def test_a_run_that_died_between_them_goes_on_in_between(tmp_path: Path) -> None:
    run(Transactions(700, chunk=300), tmp_path / "j.db", limit=300)
    again = Transactions(700, chunk=300)
    ending = run(again, tmp_path / "j.db")
    assert again.opened["slot"] == Position("slot", 7, number=299)
    assert (ending.tally.routed, ending.tally.duplicate) == (400, 300)


def test_no_position_is_kept_of_what_a_broker_remembers(tmp_path: Path) -> None:
    run(Transactions(10, chunk=4, kept="broker"), tmp_path / "j.db", limit=4)
    redelivered = Transactions(10, chunk=4, kept="broker")
    ending = run(redelivered, tmp_path / "j.db")
    assert redelivered.opened == {}
    assert (ending.tally.routed, ending.tally.duplicate) == (6, 4), "what comes again is known by its id"


class Messages(Transactions):
    """Of a broker, each with its id."""

    def __init__(self, *raws: Raw) -> None:
        super().__init__(0, chunk=10, kept="broker")
        self._raws = list(raws)


def message(event_id: str, number: int, **item: Any) -> Raw:
    body = {"record": "contacts", "operation": "create", "item": {"contact_type": "lead", **item}}
    return Raw(Position("queue", number), orjson.dumps(body), event_id=event_id)


def test_what_was_refused_and_is_handed_out_again_is_no_second_dead_letter(tmp_path: Path) -> None:
    first = run(Messages(message("m1", 1), message("m2", 2, id="A"), message("m1", 3)), tmp_path / "j.db")
    again = run(Messages(message("m1", 1), message("m2", 2, id="A")), tmp_path / "j.db")
    assert (first.tally.failed, first.tally.duplicate) == (1, 1)
    assert (again.tally.failed, again.tally.duplicate) == (0, 2)
    assert again.tally.accounted


def test_what_was_refused_and_comes_mended_under_its_id_is_taken_and_what_differs_is_refused_anew(
    tmp_path: Path,
) -> None:
    run(Messages(message("m1", 1), message("m2", 2)), tmp_path / "j.db")
    again = run(Messages(message("m1", 1, id="A"), message("m2", 2, name="other")), tmp_path / "j.db")
    assert (again.tally.routed, again.tally.failed, again.tally.duplicate) == (1, 1, 0)
    last = run(Messages(message("m1", 1, id="A"), message("m2", 2, name="other")), tmp_path / "j.db")
    assert (last.tally.routed, last.tally.failed, last.tally.duplicate) == (0, 0, 2)


def test_what_was_refused_without_an_id_is_refused_each_time(tmp_path: Path) -> None:
    first = run(Messages(message("", 1), message("", 2)), tmp_path / "j.db")
    assert (first.tally.failed, first.tally.duplicate) == (2, 0), "two senders may be wrong in the same way"


def test_what_came_beside_a_body_is_journaled_with_it(tmp_path: Path) -> None:
    run(Transactions(3, chunk=3), tmp_path / "j.db")
    rows = connect(tmp_path / "j.db").execute("SELECT meta FROM events").fetchall()
    assert [orjson.loads(meta) for (meta,) in rows] == [{"table": "public.contacts", "xid": 7}] * 3
    with connect(tmp_path / "j.db") as db:
        db.execute("INSERT INTO marks (event, route, how, at) SELECT seq, '', 'remap', 0 FROM events")

    async def marked() -> list[Raw]:
        journal = SqliteJournal(tmp_path / "j.db", inline=True)
        await journal.open(fingerprint="x", from_start=False, monotonic=0.0)
        found = [mark.raw for mark in await journal.marks(most=10)]
        await journal.close(finished=True)
        return found

    assert [raw.meta for raw in run_virtually(marked())] == [{"table": "public.contacts", "xid": 7}] * 3
