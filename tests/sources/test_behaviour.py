"""What every source that can go on keeps, whatever its kind."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from syncflow.config.models.routes import FileSource, GenerateSource, SourceSettings, StdinSource
from syncflow.config.models.source_objects import ObjectsSource
from syncflow.events import Raw
from syncflow.sources import Source, Surroundings, open_source
from tests.sources.kit import CONTACT, StepClock, bodies, cancelled_after, drain, read_all, take, write

JSONL = "".join('{"n": %d, "text": "%s"}\n' % (number, "ä" * (number % 9)) for number in range(200))  # noqa: UP031
CSV = "n,text\n" + "".join('%d,"a ""b"", c%sd"\n' % (number, "\n" * (number % 3)) for number in range(200))  # noqa: UP031


Make = Callable[[Path], Source]


def _opened(folder: Path, settings: SourceSettings, *, stdin: bytes = b"") -> Source:
    return open_source(
        settings, Surroundings(base=folder, schemas={"contacts": CONTACT}, clock=StepClock(), stdin=io.BytesIO(stdin))
    )


def _generate(folder: Path) -> Source:
    return _opened(folder, SourceSettings(generate=GenerateSource(count=200, seed=7)))


def _jsonl(folder: Path) -> Source:
    path = folder / "events.jsonl"
    if not path.exists():
        write(path, JSONL)
    return _opened(folder, SourceSettings(file=FileSource(path="events.jsonl")))


def _csv(folder: Path) -> Source:
    path = folder / "events.csv"
    if not path.exists():
        write(path, CSV)
    return _opened(folder, SourceSettings(file=FileSource(path="events.csv")))


def _stdin(folder: Path) -> Source:
    return _opened(folder, SourceSettings(stdin=StdinSource()), stdin=JSONL.encode())


def _stdin_csv(folder: Path) -> Source:
    return _opened(folder, SourceSettings(stdin=StdinSource(format="csv")), stdin=CSV.encode())


def _objects(folder: Path) -> Source:
    exports = folder / "exports"
    exports.mkdir(exist_ok=True)
    lines = JSONL.splitlines(keepends=True)
    for number, name in enumerate(("b.jsonl", "a.jsonl", "c.jsonl")):
        if not (exports / name).exists():
            path = write(exports / name, "".join(lines[number * 70 : number * 70 + 70]))
            os.utime(path, (number, number))
    source = SourceSettings(objects=ObjectsSource(url="file://exports/"))
    surroundings = Surroundings(base=folder, schemas={}, clock=StepClock(), beside=folder / "journal")
    return open_source(source, surroundings)


LASTING = [pytest.param(make, id=make.__name__.strip("_")) for make in (_generate, _jsonl, _csv, _objects)]
ALL = [*LASTING, *(pytest.param(make, id=make.__name__.strip("_")) for make in (_stdin, _stdin_csv))]


@pytest.mark.parametrize("make", ALL)
def test_the_size_of_a_chunk_changes_nothing_of_what_is_read(make: Make, tmp_path: Path) -> None:
    whole = asyncio.run(read_all(make(tmp_path)))
    assert len(whole) == 200
    for most in (1, 7, 199, 5000):
        assert bodies(asyncio.run(read_all(make(tmp_path), most=most))) == bodies(whole)


@pytest.mark.parametrize("make", ALL)
def test_no_chunk_is_larger_than_asked_for(make: Make, tmp_path: Path) -> None:
    async def sizes() -> list[int]:
        source = make(tmp_path)
        await source.open({})
        found = []
        while chunk := await source.read(most=13):
            found.append(len(chunk))
        await source.close()
        return found

    assert max(asyncio.run(sizes())) <= 13


@pytest.mark.parametrize("make", ALL)
def test_positions_increase_within_one_partition(make: Make, tmp_path: Path) -> None:
    positions = [raw.position for raw in asyncio.run(read_all(make(tmp_path)))]
    assert len({position.partition for position in positions}) == 1
    places = [(position.offset, position.number) for position in positions]
    assert places == sorted(set(places))


@pytest.mark.parametrize("make", LASTING)
@pytest.mark.parametrize("done", [1, 2, 57, 199, 200])
def test_a_restart_after_an_acknowledged_event_gives_exactly_the_rest(make: Make, done: int, tmp_path: Path) -> None:
    async def both() -> None:
        whole = await read_all(make(tmp_path))
        source = make(tmp_path)
        await source.open({})
        last = (await take(source, done))[-1].position
        await source.close()
        rest = await read_all(make(tmp_path), {last.partition: last})
        assert [(raw.body, raw.position[:3]) for raw in rest] == [(raw.body, raw.position[:3]) for raw in whole[done:]]

    asyncio.run(both())


@pytest.mark.parametrize("make", ALL)
def test_a_cancelled_read_loses_nothing(make: Make, tmp_path: Path) -> None:
    async def interrupted() -> None:
        source = make(tmp_path)
        await source.open({})
        found: list[Raw] = []
        for turns in (0, 1, 2, 0, 3, 1, 0, 5):
            found += await cancelled_after(source, turns)
        found += await drain(source)
        await source.close()
        assert bodies(found) == bodies(await read_all(make(tmp_path)))

    asyncio.run(interrupted())


@pytest.mark.parametrize("make", ALL)
def test_the_end_stays_the_end(make: Make, tmp_path: Path) -> None:
    async def beyond() -> None:
        source = make(tmp_path)
        await source.open({})
        await drain(source)
        assert list(await source.read(most=1)) == []
        assert list(await source.read(most=1)) == []
        await source.close()

    asyncio.run(beyond())


@pytest.mark.parametrize("make", ALL)
def test_closing_is_safe_before_opening_in_the_middle_and_twice(make: Make, tmp_path: Path) -> None:
    async def closed() -> None:
        await make(tmp_path).close()
        source = make(tmp_path)
        await source.open({})
        await take(source, 3)
        await source.close()
        await source.close()

    asyncio.run(closed())


@pytest.mark.parametrize("make", ALL)
def test_acknowledging_twice_is_as_once(make: Make, tmp_path: Path) -> None:
    async def acknowledged() -> None:
        source = make(tmp_path)
        await source.open({})
        (first,) = await source.read(most=1)
        await source.acknowledge(first.position)
        await source.acknowledge(first.position)
        assert len(await drain(source)) == 199
        await source.close()

    asyncio.run(acknowledged())


def test_standard_input_of_another_run_is_another_partition(tmp_path: Path) -> None:
    def partition(now: float) -> str:
        clock = StepClock()
        clock.time = now
        stream = io.BytesIO(b"{}\n")
        settings = SourceSettings(stdin=StdinSource())
        source = open_source(settings, Surroundings(base=tmp_path, schemas={}, clock=clock, stdin=stream))
        (raw,) = asyncio.run(read_all(source))
        return raw.position.partition

    assert partition(1.0) != partition(2.0)
