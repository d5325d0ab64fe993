"""Which objects are read, in which order, and from where a run goes on."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import orjson
import pytest

from syncflow.errors import ProjectError, UnavailableError
from syncflow.events import Position, Raw
from syncflow.sources.base import Lag, Report
from syncflow.sources.objects.seen import KEPT_SECONDS
from syncflow.sources.objects.source import Objects
from syncflow.sources.objects.store import Listed
from tests.sources.kit import StepClock, cancelled_after, drain, read_all, take
from tests.sources.objects.kit import MemoryBucket, lines, packed, reopened, source_of


def numbers(raws: list[Raw]) -> list[int]:
    return [orjson.loads(raw.body)["n"] for raw in raws]


async def run(source: Objects, journal: dict[str, Position]) -> list[Raw]:
    """Read to the end; each event is journaled and acknowledged."""
    found: list[Raw] = []
    await source.open(journal)
    try:
        while raws := await source.read(most=100):
            found += raws
            journal["objects"] = raws[-1].position
            await source.acknowledge(raws[-1].position)
    finally:
        await source.close()
    return found


def test_objects_are_read_in_the_order_of_their_times_then_of_their_names() -> None:
    bucket = MemoryBucket()
    bucket.put("b.jsonl", lines(3), modified=2.0)
    bucket.put("a.jsonl", lines(2), modified=2.0)
    bucket.put("sub/z.jsonl", lines(1), modified=1.0)
    assert numbers(asyncio.run(read_all(source_of(bucket)))) == [1, 2, 3]


def test_an_event_says_which_object_it_is_of() -> None:
    bucket = MemoryBucket()
    bucket.put("sub/a.jsonl", lines(1, 2), modified=1.5)
    bucket.objects["sub/a.jsonl"] = (Listed("sub/a.jsonl", 18, 1.5, '"e7"'), lines(1, 2))
    (_, raw) = asyncio.run(read_all(source_of(bucket)))
    assert raw == Raw(
        Position("objects", 1, 2, "", 18),
        b'{"n": 2}',
        meta={"object": "exports/sub/a.jsonl", "line": 2, "time": "1970-01-01T00:00:01.500000+00:00", "etag": "e7"},
    )


def test_what_was_read_is_not_read_again_and_what_came_is_even_with_an_earlier_name_and_time(tmp_path: Path) -> None:
    bucket, journal = MemoryBucket(), dict[str, Position]()
    bucket.put("m.jsonl", lines(1, 2), modified=5.0)

    async def runs() -> None:
        assert numbers(await run(source_of(bucket, tmp_path), journal)) == [1, 2]
        assert numbers(await run(source_of(bucket, tmp_path), journal)) == []
        bucket.put("a.jsonl", lines(3), modified=1.0)
        assert numbers(await run(source_of(bucket, tmp_path), journal)) == [3]

    asyncio.run(runs())
    assert stat.S_IMODE((tmp_path / "objects.db").stat().st_mode) == 0o600


def test_an_object_that_changed_is_read_again_and_said(tmp_path: Path) -> None:
    bucket, journal = MemoryBucket(), dict[str, Position]()
    bucket.put("a.jsonl", lines(1))

    async def runs() -> list[Report]:
        await run(source_of(bucket, tmp_path), journal)
        bucket.put("a.jsonl", lines(1, 2))
        source = source_of(bucket, tmp_path)
        assert numbers(await run(source, journal)) == [1, 2]
        return list(source.reports())

    words = "a.jsonl is another version than was read before: it is read from its start"
    assert asyncio.run(runs()) == [Report("again", words)]


def test_an_object_that_was_put_again_unchanged_is_not_read_again(tmp_path: Path) -> None:
    bucket, journal = MemoryBucket(), dict[str, Position]()
    bucket.put("a.jsonl", lines(1))

    async def runs() -> None:
        await run(source_of(bucket, tmp_path), journal)
        bucket.put("a.jsonl", lines(1))
        assert await run(source_of(bucket, tmp_path), journal) == []

    asyncio.run(runs())


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
@pytest.mark.parametrize("done", [1, 2, 4, 7, 9])
def test_a_run_goes_on_in_the_middle_of_an_object(done: int, name: str, tmp_path: Path) -> None:
    bucket = MemoryBucket()
    bucket.put(name, packed(1, 2, 3, 4) if name.endswith("gz") else lines(1, 2, 3, 4))
    bucket.put("b.jsonl", b"\n\n")
    bucket.put("c.csv", b'n,text\n5,"a\nb"\n6,c\n7,d\n')
    bucket.put("d.json", b'[\n{"n": 8},\n{"n": 9}]')

    async def runs() -> None:
        whole = await read_all(source_of(bucket, tmp_path / "whole"))
        source = source_of(bucket, tmp_path)
        await source.open({})
        last = (await take(source, done))[-1].position
        await source.close()  # nothing was acknowledged to it, as where the run was killed
        rest = await read_all(source_of(bucket, tmp_path), {"objects": last})
        assert rest == whole[done:]
        assert [raw.position.number for raw in whole[:2]] == [9, 18]

    asyncio.run(runs())


def test_of_plain_lines_what_the_journal_has_is_not_fetched_again(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    content = b"".join(b'{"n": %08d, "text": "%s"}\n' % (number, b"x" * 990) for number in range(9_000))
    bucket.put("a.jsonl", content)

    async def runs() -> None:
        source = source_of(bucket, tmp_path)
        await source.open({})
        last = (await take(source, 8_990))[-1].position
        await source.close()
        bucket.fetched.clear()
        rest = await read_all(source_of(bucket, tmp_path), {"objects": last})
        assert [raw.position.line for raw in rest] == list(range(8_991, 9_001))

    asyncio.run(runs())
    assert max(end for _, start, end in bucket.fetched if start == 0) < len(content) // 2
    assert min(start for _, start, _ in bucket.fetched if start) > len(content) * 9 // 10 or len(bucket.fetched) <= 3


def test_an_object_that_changed_since_it_was_begun_is_read_from_its_start(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    bucket.put("a.jsonl", lines(1, 2, 3))

    async def runs() -> list[Report]:
        source = source_of(bucket, tmp_path)
        await source.open({})
        (first,) = await source.read(most=1)
        await source.close()
        bucket.put("a.jsonl", lines(7, 8))
        source = source_of(bucket, tmp_path)
        rest = await read_all(source, {"objects": first.position})
        assert numbers(rest) == [7, 8]
        assert rest[0].position > first.position
        return list(source.reports())

    words = "a.jsonl was overwritten while it was read: its new version is read from its start"
    assert asyncio.run(runs()) == [Report("again", words)]


def test_an_object_that_is_overwritten_while_it_is_read_starts_again(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    bucket.put("a.jsonl", b"x" * 5_000_000)

    def overwrite(_listed: Listed, start: int) -> None:
        if start:
            bucket.put("a.jsonl", lines(7))

    bucket.before_fetch = overwrite
    source = source_of(bucket, tmp_path)
    assert numbers(asyncio.run(read_all(source))) == [7]
    words = "a.jsonl was overwritten while it was read: its new version is read from its start"
    assert source.reports() == [Report("again", words)]


def test_an_object_that_is_overwritten_all_the_time_ends_the_pass_not_never(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    bucket.put("a.jsonl", lines(0))
    counter = iter(range(1, 1000))
    bucket.before_fetch = lambda _listed, _start: bucket.put("a.jsonl", lines(next(counter)))
    source = source_of(bucket, tmp_path)
    assert asyncio.run(read_all(source)) == []
    words = "a.jsonl is overwritten again and again while it is read: it is tried again when the next look is due"
    assert list(source.reports())[-1] == Report("failed", words)


def test_an_object_that_is_gone_before_it_is_read_costs_only_itself(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    bucket.put("a.jsonl", lines(1))
    bucket.put("b.jsonl", lines(2))
    bucket.before_fetch = lambda _listed, _start: bucket.objects.pop("a.jsonl", None) and None
    source = source_of(bucket, tmp_path)
    assert numbers(asyncio.run(read_all(source))) == [2]
    assert source.reports() == [Report("noted", "a.jsonl was removed before it was read")]


def test_an_object_that_is_gone_in_the_middle_is_told_as_missed(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    bucket.put("a.jsonl", b'{"text": "%s"}\n' % (b"x" * 900) * 10_000)

    def remove(_listed: Listed, start: int) -> None:
        if start:
            bucket.objects.pop("a.jsonl", None)

    bucket.before_fetch = remove
    source = source_of(bucket, tmp_path)
    assert asyncio.run(read_all(source))
    words = "a.jsonl was removed while it was read: the rest of it cannot be read"
    assert source.reports() == [Report("missed", words)]


def test_a_lost_connection_is_made_up_for_without_a_gap_or_a_repeat(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    for name in "abcdef":
        bucket.put(f"{name}.jsonl", lines(*range(ord(name) * 100, ord(name) * 100 + 30)))
    failures = iter([3, 9, 14])
    failing, count = next(failures), 0

    def fail(_listed: Listed, _start: int) -> None:
        nonlocal failing, count
        count += 1
        if count == failing:
            failing = next(failures, 0)
            raise UnavailableError("the store does not answer")

    bucket.before_fetch = fail

    async def runs() -> list[Raw]:
        source = reopened(bucket, tmp_path)
        found: list[Raw] = []
        await source.open({})
        while raws := await source.read(most=7):
            found += raws
            if len(found) % 3 == 0:  # the journal is a little behind
                await source.acknowledge(raws[0].position)
        await source.close()
        return found

    found = asyncio.run(runs())
    places = {raw.position[1::3]: raw for raw in found}
    wanted = [ord(name) * 100 + number for name in "abcdef" for number in range(30)]
    assert numbers([places[place] for place in sorted(places)]) == wanted
    assert len({raw.position[1::3] for raw in found}) == len(wanted)


def test_a_cancelled_read_loses_nothing(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    for name in "abc":
        bucket.put(f"{name}.jsonl", lines(*range(40)))

    async def interrupted() -> None:
        source = source_of(bucket, tmp_path)
        await source.open({})
        found: list[Raw] = []
        for turns in (0, 1, 2, 0, 3, 1, 0, 5, 8, 13):
            found += await cancelled_after(source, turns)
        found += await drain(source)
        await source.close()
        assert numbers(found) == [*range(40)] * 3

    asyncio.run(interrupted())


def test_new_objects_are_found_when_the_next_look_is_due(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    bucket.put("a.jsonl", lines(1))
    clock = StepClock(lambda: None, lambda: bucket.put("b.jsonl", lines(2)))
    source = source_of(bucket, tmp_path, clock=clock, every=20.0)

    async def looks() -> None:
        await source.open({})
        assert numbers(await take(source, 2)) == [1, 2]
        assert source.lag() == {"objects": Lag(bytes=0, next_at=1_040.0)}
        await source.close()

    asyncio.run(looks())
    assert clock.time == 1_040.0


def test_a_pattern_that_matches_nothing_is_said_once(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    bucket.put("a.txt", b"x")
    bucket.put("folder/", b"")
    clock = StepClock(*[lambda: None] * 5, lambda: bucket.put("b.jsonl", lines(1)))
    source = source_of(bucket, tmp_path, clock=clock, every=20.0, match="*.jsonl")

    async def looks() -> None:
        await source.open({})
        await take(source, 1)
        await source.close()

    asyncio.run(looks())
    words = "s3://bucket/exports: none of the 2 objects matches `*.jsonl`"
    assert source.reports() == [Report("noted", words)]


def test_an_empty_bucket_is_no_error() -> None:
    source = source_of(MemoryBucket())
    assert asyncio.run(read_all(source)) == []
    assert source.reports() == [Report("noted", "s3://bucket/exports: there is no object")]


def test_a_new_journal_reads_all_objects_again_and_says_so(tmp_path: Path) -> None:
    bucket, journal = MemoryBucket(), dict[str, Position]()
    bucket.put("a.jsonl", lines(1))

    async def runs() -> list[Report]:
        await run(source_of(bucket, tmp_path), journal)
        source = source_of(bucket, tmp_path)
        assert numbers(await run(source, {})) == [1]
        return list(source.reports())

    words = "which objects were read is not known for this journal: all of them are read"
    assert asyncio.run(runs()) == [Report("again", words)]


def test_a_lost_file_reads_all_objects_again_behind_what_the_journal_has(tmp_path: Path) -> None:
    bucket, journal = MemoryBucket(), dict[str, Position]()
    bucket.put("a.jsonl", lines(1, 2, 3))

    async def runs() -> None:
        await run(source_of(bucket, tmp_path / "one"), journal)
        before = journal["objects"]
        again = await run(source_of(bucket, tmp_path / "other"), journal)
        assert numbers(again) == [1, 2, 3]
        assert all(raw.position.offset > before.offset for raw in again)

    asyncio.run(runs())


def test_from_the_start_is_a_wish_not_a_loss(tmp_path: Path) -> None:
    bucket, journal = MemoryBucket(), dict[str, Position]()
    bucket.put("a.jsonl", lines(1))

    async def runs() -> list[Report]:
        await run(source_of(bucket, tmp_path), journal)
        source = source_of(bucket, tmp_path, from_start=True)
        assert numbers(await run(source, {})) == [1]
        return list(source.reports())

    assert asyncio.run(runs()) == []


def test_objects_that_are_gone_are_forgotten_after_thirty_days(tmp_path: Path) -> None:
    bucket, journal = MemoryBucket(), dict[str, Position]()
    bucket.put("a.jsonl", lines(1))
    bucket.put("b.jsonl", lines(2))
    kept = bucket.objects["a.jsonl"]

    async def look(after: float) -> list[int]:
        clock = StepClock()
        clock.time += after
        return numbers(await run(source_of(bucket, tmp_path, clock=clock), journal))

    async def runs() -> None:
        assert await look(0.0) == [1, 2]
        del bucket.objects["a.jsonl"]
        assert await look(10.0) == []
        bucket.objects["a.jsonl"] = kept
        assert await look(KEPT_SECONDS) == []
        del bucket.objects["a.jsonl"]
        assert await look(KEPT_SECONDS + 1) == []
        assert await look(2 * KEPT_SECONDS + 2) == []
        bucket.objects["a.jsonl"] = kept
        assert await look(2 * KEPT_SECONDS + 3) == [1]

    asyncio.run(runs())


def test_an_object_that_is_not_what_the_settings_say_costs_only_itself(tmp_path: Path) -> None:
    bucket, journal = MemoryBucket(), dict[str, Position]()
    bucket.put("a.csv", b"n\n1\n")

    async def runs() -> list[Report]:
        await run(source_of(bucket, tmp_path), journal)
        bucket.put("b.csv", b"<html><body>Sorry</body></html>\n")
        bucket.put("c.csv", b"n\n2\n")
        source = source_of(bucket, tmp_path)
        assert [raw.body for raw in await run(source, journal)] == [b'{"n":"2"}']
        again = source_of(bucket, tmp_path)
        assert await run(again, journal) == []
        assert [report.kind for report in again.reports()] == ["failed"]
        return list(source.reports())

    words = (
        "exports/b.csv is HTML or XML, expected CSV (was a page of errors or a sign-in saved in place of the file?); "
        "the object is left out, and tried again by the next run"
    )
    assert asyncio.run(runs()) == [Report("failed", words)]


def test_where_nothing_was_ever_read_an_object_that_does_not_fit_ends_the_run(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    bucket.put("b.csv", b"<html><body>Sorry</body></html>\n")
    with pytest.raises(ProjectError, match=r"exports/b\.csv is HTML or XML, expected CSV"):
        asyncio.run(read_all(source_of(bucket, tmp_path)))


def test_a_poison_line_is_one_dead_letter_with_its_place(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    bucket.put("a.jsonl", b'{"n": 1}\n\xff\xfe\n{"n": 2}\n')
    one, bad, two = asyncio.run(read_all(source_of(bucket, tmp_path)))
    assert (one.broken, two.broken) == ("", "")
    assert bad.broken == "not UTF-8 at byte 1 of the line"
    assert bad.meta is not None
    assert (bad.meta["object"], bad.meta["line"], bad.position.line) == ("exports/a.jsonl", 2, 2)


def test_small_objects_are_fetched_ahead_of_their_turn_and_large_ones_are_not(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    for number in range(40):
        bucket.put(f"{number:02}.jsonl", lines(number))
    bucket.put("large.jsonl", lines(*range(100_000)))

    async def begun() -> tuple[int, list[int]]:
        source = source_of(bucket, tmp_path)
        await source.open({})
        await source.read(most=1)
        count = len(bucket.fetched)
        rest = await drain(source)
        await source.close()
        return count, numbers(rest[:39])

    assert asyncio.run(begun()) == (32, list(range(1, 40)))


def test_thousands_of_objects_are_one_position(tmp_path: Path) -> None:
    bucket, journal = MemoryBucket(), dict[str, Position]()
    for number in range(10_000):
        bucket.put(f"{number:05}.{'csv' if number % 10 else 'jsonl'}", lines(number), modified=float(number))

    async def runs() -> None:
        found = await run(source_of(bucket, tmp_path, match="*.jsonl"), journal)
        assert numbers(found) == list(range(0, 10_000, 10))
        bucket.put("00000-late.jsonl", lines(7), modified=0.0)
        assert numbers(await run(source_of(bucket, tmp_path, match="*.jsonl"), journal)) == [7]

    asyncio.run(runs())
    assert list(journal) == ["objects"]


def test_of_many_objects_that_changed_at_once_some_are_named(tmp_path: Path) -> None:
    bucket, journal = MemoryBucket(), dict[str, Position]()

    async def runs() -> list[Report]:
        for number in range(30):
            bucket.put(f"{number:02}.jsonl", lines(number))
        await run(source_of(bucket, tmp_path), journal)
        for number in range(30):
            bucket.put(f"{number:02}.jsonl", lines(number, number))
        source = source_of(bucket, tmp_path)
        assert len(await run(source, journal)) == 60
        return list(source.reports())

    reports = asyncio.run(runs())
    assert [report.kind for report in reports] == ["again"] * 11
    assert reports[-1].words == "so are 20 more objects"
