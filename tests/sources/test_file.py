"""Files: known again after they grew, never taken for another, followed through growth and rotation."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from syncflow.clock import Clock
from syncflow.config.models.routes import FileSource
from syncflow.errors import ProjectError, UnavailableError
from syncflow.events import Position, Raw
from syncflow.sources.file import File
from syncflow.sources.watched import FilePlan
from tests.patience import PATIENCE
from tests.sources.kit import StepClock, bodies, drain, read_all, take, write

LONG = "".join(f'{{"n": {number}, "pad": "{"x" * 80}"}}\n' for number in range(100))


def opened(
    path: Path, *, follow: bool = False, from_start: bool = False, clock: Clock | None = None, most: int = 1_000_000
) -> File:
    settings = FileSource(path=path.name, follow=follow, max_event=most)
    return File(FilePlan(settings=settings, base=path.parent, clock=clock or StepClock(), from_start=from_start))


def after(position: Position) -> dict[str, Position]:
    return {position.partition: position}


def append(path: Path, text: str) -> None:
    with path.open("a") as out:
        out.write(text)


@pytest.mark.parametrize("first", ['{"n": 0}\n', LONG], ids=["shorter than the head", "longer than the head"])
def test_a_file_that_grew_is_the_same_file(first: str, tmp_path: Path) -> None:
    async def grown() -> None:
        path = write(tmp_path / "a.jsonl", first)
        before = await read_all(opened(path))
        append(path, LONG)
        rest = await read_all(opened(path), after(before[-1].position))
        assert bodies(rest) == [line.encode() for line in LONG.splitlines()]
        assert {raw.position.partition for raw in [*before, *rest]} == {before[0].position.partition}
        assert rest[0].position.line == len(first.splitlines()) + 1

    asyncio.run(grown())


WRITTEN_ANEW = {
    "the same first 4 kB, the same length": LONG[:-50] + LONG[-50:].replace("x", "y"),
    "the same first 4 kB, longer": LONG[:-50] + LONG[-50:].replace("x", "y") + LONG,
    "the same first 4 kB, shorter": LONG[: LONG.index("\n", 6000) + 1],
    "other content": LONG.replace("x", "y"),
    "empty": "",
}


@pytest.mark.parametrize("inode", ["a new inode", "the same inode"])
@pytest.mark.parametrize("content", WRITTEN_ANEW.values(), ids=WRITTEN_ANEW.keys())
def test_a_file_that_is_written_anew_is_read_from_its_start(inode: str, content: str, tmp_path: Path) -> None:
    """As an export is each night, under one name."""
    path = write(tmp_path / "a.jsonl", LONG)
    known = after(asyncio.run(read_all(opened(path)))[-1].position)
    if inode == "a new inode":
        write(tmp_path / "b.jsonl", content).replace(path)
    else:
        write(path, content)
    source = opened(path)
    found = asyncio.run(read_all(source, known))
    assert bodies(found) == [line.encode() for line in content.splitlines()]
    assert [report.kind for report in source.reports()] == ["again"]


@pytest.mark.parametrize("inode", ["a new inode", "the same inode"])
def test_the_same_content_again_is_nothing_new(inode: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", LONG)
    known = after(asyncio.run(read_all(opened(path)))[-1].position)
    write(tmp_path / "b.jsonl", LONG).replace(path) if inode == "a new inode" else write(path, LONG)
    source = opened(path)
    assert asyncio.run(read_all(source, known)) == []
    (told,) = source.reports()
    assert (told.kind, told.words) == ("unchanged", "a.jsonl holds nothing that was not read before")


def test_what_a_file_held_the_night_before_last_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", "1\n")
    known = after(asyncio.run(read_all(opened(path)))[-1].position)
    for text in ("2\n", "1\n", "2\n"):
        write(path, text)
        found = asyncio.run(read_all(opened(path), known))
        assert bodies(found) == [text.strip().encode()]
        known |= after(found[-1].position)


def test_a_file_is_read_to_the_end_that_it_had_when_it_was_opened(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", LONG)

    async def growing() -> list[Raw]:
        source = opened(path)
        await source.open({})
        append(path, "1\n")
        try:
            return await drain(source)
        finally:
            await source.close()

    found = asyncio.run(growing())
    assert len(found) == 100
    assert bodies(asyncio.run(read_all(opened(path), after(found[-1].position)))) == [b"1"]


def test_a_last_line_that_is_half_written_is_left_for_the_next_run(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '1\n{"id": "A1", "na')
    source = opened(path)
    (first,) = asyncio.run(read_all(source))
    (told,) = source.reports()
    assert (told.kind, told.bytes) == ("left", 16)
    assert told.words == "the last line of a.jsonl has no end, and is no whole event: it is left for the next run"
    append(path, 'me": 2}\n')
    assert bodies(asyncio.run(read_all(opened(path), after(first.position)))) == [b'{"id": "A1", "name": 2}']


def test_a_last_line_that_is_being_written_is_waited_for(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"id": 1')
    clock = StepClock(lambda: append(path, ', "b": 2'), lambda: append(path, "}\n{}\n"))
    clock.time = path.stat().st_mtime
    source = opened(path, clock=clock)
    assert bodies(asyncio.run(read_all(source))) == [b'{"id": 1, "b": 2}']
    assert source.reports() == ()


def test_a_position_of_version_0_1_0_is_known_again(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", "1\n2\n3\n")
    head = hashlib.sha256(b"1\n2\n3\n").hexdigest()
    old = f"file:{path.stat().st_ino}:6:{head[:16]}:{head[:8]}"
    found = asyncio.run(read_all(opened(path), {old: Position(old, 4, 2)}))
    assert bodies(found) == [b"3"]
    known = {old: Position(old, 4, 2)} | after(found[-1].position)
    write(path, "1\n2\n4\n")
    assert bodies(asyncio.run(read_all(opened(path), known))) == [b"1", b"2", b"4"]


def test_a_file_that_the_settings_name_otherwise_now_is_not_read_again(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", LONG)
    known = after(asyncio.run(read_all(opened(path)))[-1].position)
    for name in ("./a.jsonl", "b.jsonl"):
        path = path.rename(tmp_path / name)
        source = File(FilePlan(settings=FileSource(path=name), base=tmp_path, clock=StepClock()))
        assert asyncio.run(read_all(source, known)) == []


def test_a_small_file_that_took_the_inode_of_another_is_read_from_its_start(tmp_path: Path) -> None:
    async def taken() -> None:
        path = write(tmp_path / "a.jsonl", LONG)
        before = await read_all(opened(path))
        write(path, '{"another": "file", "which is shorter than what": "was there before it was"}\n')
        assert len(await read_all(opened(path), after(before[-1].position))) == 1

    asyncio.run(taken())


@pytest.mark.parametrize("size", [0, 80, 8000])
def test_a_file_that_became_shorter_was_written_anew(size: int, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", LONG)
    known = after(asyncio.run(read_all(opened(path)))[-1].position)
    end = LONG.index("\n", size) + 1 if size else 0
    write(path, LONG[:end])
    assert bodies(asyncio.run(read_all(opened(path), known))) == [line.encode() for line in LONG[:end].splitlines()]


def test_from_start_reads_all_again_under_positions_of_its_own_and_can_be_resumed(tmp_path: Path) -> None:
    async def again() -> None:
        path = write(tmp_path / "a.jsonl", LONG)
        first = await read_all(opened(path))
        known = after(first[-1].position)
        source = opened(path, from_start=True)
        await source.open(known)
        second = await take(source, 50)
        await source.close()
        assert bodies(second) == bodies(first)[:50]
        assert not {raw.position[:2] for raw in first} & {raw.position[:2] for raw in second}
        known |= after(second[49].position)
        assert bodies(await read_all(opened(path), known)) == bodies(first[50:])
        third = await read_all(opened(path, from_start=True), known)
        assert third[0].position.partition not in known

    asyncio.run(again())


def test_from_start_reads_what_a_truncated_file_still_has_and_goes_on_there(tmp_path: Path) -> None:
    async def cut() -> None:
        path = write(tmp_path / "a.jsonl", LONG)
        known = after((await read_all(opened(path)))[-1].position)
        os.truncate(path, LONG.index("\n", 6000) + 1)
        rest = await read_all(opened(path, from_start=True), known)
        known |= after(rest[-1].position)
        append(path, "{}\n")
        assert bodies(await read_all(opened(path), known)) == [b"{}"]

    asyncio.run(cut())


def test_line_numbers_are_right_after_a_restart_past_blank_lines_and_quoted_breaks(tmp_path: Path) -> None:
    async def resumed() -> None:
        path = write(tmp_path / "a.csv", 'a,b\n1,"x\ny"\n\n2,z\n3,z\n')
        whole = await read_all(opened(path))
        assert [raw.position.line for raw in whole] == [2, 5, 6]
        source = opened(path)
        await source.open({})
        (first,) = await take(source, 1)
        await source.close()
        assert await read_all(opened(path), after(first.position)) == whole[1:]

    asyncio.run(resumed())


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_the_delimiter_is_known_again_after_a_restart(name: str, tmp_path: Path) -> None:
    async def resumed() -> None:
        path = write(tmp_path / name, "sep=\t\na,1\tb\n1,5\tx\n2,5\ty\n")
        whole = await read_all(opened(path))
        assert bodies(whole) == [b'{"a,1":"1,5","b":"x"}', b'{"a,1":"2,5","b":"y"}']
        source = opened(path)
        await source.open({})
        (first,) = await take(source, 1)
        await source.close()
        assert await read_all(opened(path), after(first.position)) == whole[1:]

    asyncio.run(resumed())


def test_a_compressed_file_is_read_to_the_end_of_its_content(tmp_path: Path) -> None:
    async def compressed() -> None:
        path = tmp_path / "a.csv.gz"
        path.write_bytes(gzip.compress(b"id,name\n" + b"".join(b"%d,x\n" % number for number in range(5_000))))
        whole = await read_all(opened(path))
        assert (len(whole), whole[-1].body) == (5_000, b'{"id":"4999","name":"x"}')
        assert await read_all(opened(path), after(whole[-1].position)) == []
        assert len(await read_all(opened(path), after(whole[99].position))) in {4_900, 5_000}

    asyncio.run(compressed())


@pytest.mark.parametrize("cut", [slice(None, 40), slice(0, 0), slice(3, None)], ids=["cut off", "empty", "no gzip"])
def test_a_damaged_compressed_file_is_said_in_plain_words(cut: slice, tmp_path: Path) -> None:
    async def damaged() -> None:
        path = tmp_path / "a.jsonl.gz"
        path.write_bytes(gzip.compress(os.urandom(100).hex().encode())[cut])
        if cut == slice(0, 0):
            assert await read_all(opened(path)) == []
            return
        with pytest.raises(UnavailableError, match=r"a\.jsonl\.gz cannot be read: "):
            await read_all(opened(path))

    asyncio.run(damaged())


def test_a_csv_whose_first_row_names_no_columns_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"a\.csv: the header names the column `a` twice"):
        asyncio.run(opened(write(tmp_path / "a.csv", "a,a\n1,2\n")).open({}))


def test_one_event_of_50_mb_costs_itself_only(tmp_path: Path) -> None:
    long = b'{"x": "' + b"y" * 50_000_000 + b'"}'
    first, broken, last = asyncio.run(read_all(opened(write(tmp_path / "a.jsonl", b"{}\n" + long + b"\n[]\n"))))
    assert bodies([first, last]) == [b"{}", b"[]"]
    assert (broken.broken, broken.position.line) == ("longer than max_event, which is 1000000 bytes", 2)
    assert (broken.body, broken.length, broken.sha256) == (long[:4096], len(long), hashlib.sha256(long).hexdigest())


def test_an_empty_file_ends_at_once(tmp_path: Path) -> None:
    assert asyncio.run(read_all(opened(write(tmp_path / "a.jsonl", "")))) == []


def test_the_format_is_told_by_the_ending_or_the_setting(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "a\n1\n")
    assert bodies(asyncio.run(read_all(opened(path)))) == [b"a", b"1"]
    declared = File(FilePlan(settings=FileSource(path="a.txt", format="csv"), base=tmp_path, clock=StepClock()))
    assert bodies(asyncio.run(read_all(declared))) == [b'{"a":"1"}']


# ── following


def followed(path: Path, count: int, *steps: Callable[[], object]) -> tuple[list[Raw], StepClock]:
    clock = StepClock(*steps)

    async def run() -> list[Raw]:
        source = opened(path, follow=True, clock=clock)
        await source.open({})
        try:
            return await take(source, count)
        finally:
            await source.close()

    return asyncio.run(asyncio.wait_for(run(), PATIENCE)), clock


def test_following_waits_for_growth_and_looks_at_least_ten_times_a_second(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", "1\n")
    found, clock = followed(path, 3, lambda: None, lambda: append(path, "2\n"), lambda: append(path, "3\n"))
    assert bodies(found) == [b"1", b"2", b"3"]
    assert max(clock.slept) <= 0.1


def test_following_waits_for_the_end_of_a_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"a"')
    found, _ = followed(path, 1, lambda: append(path, ": 1"), lambda: append(path, "}"), lambda: append(path, "\n"))
    assert bodies(found) == [b'{"a": 1}']


def test_following_a_file_that_is_empty_at_first_knows_it_again_later(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", "")
    found, _ = followed(path, 1, lambda: append(path, "1\n"))
    append(path, "2\n")
    assert bodies(asyncio.run(read_all(opened(path), after(found[-1].position)))) == [b"2"]


def test_a_rotated_file_is_read_to_its_end_and_then_its_successor(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", "1\n")
    old = tmp_path / "a.jsonl.1"

    def write_late() -> None:
        append(old, "2\n")

    steps = (lambda: path.rename(old), lambda: write(path, "4\n"), write_late, lambda: append(old, "3"))
    found, _ = followed(path, 4, *steps)
    assert bodies(found) == [b"1", b"2", b"3", b"4"]
    assert found[-1].position.line == 1
    assert found[-1].position.partition != found[0].position.partition


def test_a_wait_for_growth_can_be_cancelled_and_taken_up_again(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", "1\n2")

    async def interrupted() -> list[Raw]:
        source = opened(path, follow=True)
        await source.open({})
        found = await take(source, 1)
        reading = asyncio.ensure_future(source.read(most=1))
        for _ in range(5):
            await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        append(path, "\n")
        found += await take(source, 1)
        await source.close()
        return found

    assert bodies(asyncio.run(interrupted())) == [b"1", b"2"]


# ── what is no file


def test_what_cannot_be_read_is_said_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    cases = {
        "absent.jsonl": f"source.file.path: there is no file {tmp_path}/absent.jsonl",
        "folder": f"source.file.path: {tmp_path}/folder is a directory, expected a file",
        "pipe": f"source.file.path: {tmp_path}/pipe is not a regular file",
        "absent/a.jsonl": f"source.file.path: there is no file {tmp_path}/absent/a.jsonl",
    }
    for path, message in cases.items():
        source = File(FilePlan(settings=FileSource(path=path), base=tmp_path, clock=StepClock()))
        with pytest.raises(ProjectError) as caught:
            asyncio.run(source.open({}))
        asyncio.run(source.close())
        assert caught.value.message == message


def test_a_file_that_may_not_be_read_is_said_in_plain_words(tmp_path: Path) -> None:
    path = tmp_path / "loop.jsonl"
    path.symlink_to(path)  # refused by the system for whoever asks; permissions mean nothing to root
    with pytest.raises(ProjectError, match=r"loop\.jsonl cannot be opened: Too many levels of symbolic links"):
        asyncio.run(opened(path).open({}))


def test_json_text_is_handed_on_byte_by_byte(tmp_path: Path) -> None:
    line = '{"big": 123456789012345678901234567890, "a": 1.10, "a": "\\u00e4ä"}'
    (raw,) = asyncio.run(read_all(opened(write(tmp_path / "a.jsonl", line))))
    assert raw.body.decode() == line
    assert json.loads(raw.body)["big"] == 123456789012345678901234567890


def test_reading_lets_others_run_between_blocks(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", LONG * 200)

    async def turns() -> int:
        count = 0

        async def other() -> None:
            nonlocal count
            while True:
                count += 1
                await asyncio.sleep(0)

        beside = asyncio.ensure_future(other())
        source = opened(path)
        await source.open({})
        await drain(source, most=10_000)
        await source.close()
        beside.cancel()
        return count

    assert asyncio.run(turns()) >= path.stat().st_size // (256 * 1024)
