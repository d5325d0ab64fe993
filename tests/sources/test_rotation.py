"""Followed files: each way in which logs are rotated, while a run reads and while none does. What is lost is told."""

from __future__ import annotations

import asyncio
import gzip
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from syncflow.config.models.routes import FileSource
from syncflow.events import Position, Raw
from syncflow.sources.base import Report
from syncflow.sources.file import File
from syncflow.sources.watched import FilePlan
from tests.patience import PATIENCE
from tests.sources.kit import StepClock, take, write


def lines(first: int, last: int) -> str:
    return "".join(f'{{"n": {number}, "pad": "{"x" * 60}"}}\n' for number in range(first, last + 1))


def numbers(raws: list[Raw]) -> list[int]:
    return [int(raw.body.split(b":")[1].split(b",")[0]) for raw in raws]


def append(path: Path, text: str) -> None:
    with path.open("a") as out:
        out.write(text)


def touch_in_order(*paths: Path) -> None:
    """Give files the times at which they would have been written, one second after the other."""
    for second, path in enumerate(paths):
        os.utime(path, (1_800_000_000 + second,) * 2)


class Follower:
    """A run that follows a file, started anew as often as a test wants."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.known: dict[str, Position] = {}
        self.reports: list[Report] = []

    def take(self, count: int, *steps: Callable[[], object], most: int = 1000) -> list[int]:
        """Take so many events in a life of its own; the steps happen while it waits."""

        async def life() -> list[Raw]:
            source = File(
                FilePlan(
                    settings=FileSource(path=self.path.name, follow=True),
                    base=self.path.parent,
                    clock=StepClock(*steps),
                )
            )
            await source.open(self.known)
            try:
                found = await take(source, count)
                self.known |= {raw.position.partition: raw.position for raw in found if raw.position.evidence}
                return found
            finally:
                self.reports += source.reports()
                await source.close()

        return numbers(asyncio.run(asyncio.wait_for(life(), PATIENCE)))

    @property
    def missed(self) -> int:
        return sum(report.kind == "missed" for report in self.reports)


@pytest.fixture
def follower(tmp_path: Path) -> Follower:
    path = write(tmp_path / "events.jsonl", lines(1, 100))
    follower = Follower(path)
    assert follower.take(50) == list(range(1, 51))
    return follower


def beside(path: Path, name: str) -> Path:
    return path.with_name(name)


NAMES = [
    "events.jsonl.1",
    "events.jsonl-20260101",
    "events-2026-01-01.jsonl",
    "events.jsonl.2026-01-01_10-00",
    "events.1.jsonl",
    "events.jsonl.old",
]


@pytest.mark.parametrize("name", NAMES)
def test_renamed_while_no_run_reads(name: str, follower: Follower) -> None:
    path = follower.path
    old = path.rename(beside(path, name))
    append(old, lines(101, 110))
    write(path, lines(111, 120))
    touch_in_order(old, path)
    assert follower.take(70) == list(range(51, 121))
    assert follower.missed == 0


def test_renamed_and_compressed_while_no_run_reads(follower: Follower) -> None:
    path = follower.path
    packed = beside(path, "events.jsonl.1.gz")
    packed.write_bytes(gzip.compress(path.read_bytes() + lines(101, 110).encode()))
    write(beside(path, "new"), lines(111, 120)).replace(path)
    touch_in_order(packed, path)
    assert follower.take(70) == list(range(51, 121))
    assert follower.missed == 0


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "compressed"])
def test_rotated_several_times_while_no_run_reads(follower: Follower, *, compressed: bool) -> None:
    path = follower.path
    first = path.rename(beside(path, "events.jsonl.3"))
    second = write(beside(path, "events.jsonl.2"), lines(101, 110))
    third = write(beside(path, "events.jsonl.1"), lines(111, 120))
    if compressed:
        second.with_name("events.jsonl.2.gz").write_bytes(gzip.compress(second.read_bytes()))
        second.unlink()
        second = second.with_name("events.jsonl.2.gz")
    write(path, lines(121, 125))
    touch_in_order(first, second, third, path)
    assert follower.take(75) == list(range(51, 126))
    assert follower.missed == 0


def test_rotated_again_while_the_older_files_are_read(follower: Follower) -> None:
    path = follower.path
    first = path.rename(beside(path, "events.jsonl.1"))
    write(path, lines(101, 110))
    touch_in_order(first, path)

    async def life() -> list[Raw]:
        source = File(FilePlan(settings=FileSource(path=path.name, follow=True), base=path.parent, clock=StepClock()))
        await source.open(follower.known)
        found = await take(source, 20)
        second = path.rename(beside(path, "events.jsonl.2"))
        third = write(beside(path, "events.jsonl.3"), lines(111, 120))
        write(path, lines(121, 130))
        touch_in_order(first, second, third, path)
        found += await take(source, 60)
        await source.close()
        return found

    assert numbers(asyncio.run(asyncio.wait_for(life(), PATIENCE))) == list(range(51, 131))


def test_older_rotated_files_are_not_read_again(follower: Follower) -> None:
    path = follower.path
    older = write(beside(path, "events.jsonl.2"), lines(900, 910))
    first = path.rename(beside(path, "events.jsonl.1"))
    write(path, lines(101, 110))
    touch_in_order(older, first, path)
    assert follower.take(60) == list(range(51, 111))


def test_renamed_without_a_new_file_and_one_that_comes_later(follower: Follower) -> None:
    path = follower.path
    path.rename(beside(path, "events.jsonl.1"))
    assert follower.take(60, lambda: None, lambda: write(path, lines(101, 110))) == list(range(51, 111))


def test_copied_and_emptied_while_no_run_reads(follower: Follower) -> None:
    path = follower.path
    copy = Path(shutil.copy(path, beside(path, "events.jsonl.1")))
    write(path, lines(101, 110))
    touch_in_order(copy, path)
    assert follower.take(60) == list(range(51, 111))
    assert follower.missed == 0


def test_copied_and_emptied_and_grown_beyond_what_was_read(follower: Follower) -> None:
    path = follower.path
    copy = Path(shutil.copy(path, beside(path, "events.jsonl.1")))
    write(path, lines(101, 400))
    touch_in_order(copy, path)
    assert follower.take(350) == list(range(51, 401))
    assert follower.missed == 0


def test_emptied_without_a_copy_is_told(follower: Follower) -> None:
    write(follower.path, lines(101, 110))
    assert follower.take(10) == list(range(101, 111))
    (told,) = follower.reports
    assert told.kind == "missed"
    assert told.words == (
        "events.jsonl is not the file any more of which 4041 bytes were read, and no file beside it continues that one: "
        "what was written there behind byte 4041 was not read"
    )


@pytest.mark.parametrize("size", ["the same size", "larger"])
def test_overwritten_in_place_while_no_run_reads(size: str, follower: Follower) -> None:
    text = lines(201, 300 if size == "the same size" else 400)
    with follower.path.open("r+") as file:
        file.write(text)
    assert follower.take(len(text.splitlines()))[:3] == [201, 202, 203]
    assert follower.missed == 1


def test_removed_and_written_anew_with_rotated_files_that_are_known_to_be_later(follower: Follower) -> None:
    path = follower.path
    path.unlink()
    between = write(beside(path, "events.jsonl.1"), lines(111, 120))
    write(path, lines(121, 125))
    now = path.stat().st_mtime
    os.utime(between, (now + 1, now + 1))
    os.utime(path, (now + 2, now + 2))
    assert follower.take(15) == list(range(111, 126))
    assert follower.missed == 1


# ── while a run reads


def test_renamed_while_a_run_reads_and_written_to_by_one_that_has_not_noticed(follower: Follower) -> None:
    path, old = follower.path, beside(follower.path, "events.jsonl.1")
    steps = (
        lambda: path.rename(old),
        lambda: write(path, lines(121, 130)),
        lambda: append(old, lines(101, 110)),
        lambda: append(old, lines(111, 120)),
    )
    assert follower.take(80, *steps) == list(range(51, 131))


def test_rotated_several_times_between_two_looks(follower: Follower) -> None:
    path = follower.path

    def rotate() -> None:
        first = path.rename(beside(path, "events.jsonl.3"))
        second = write(beside(path, "events.jsonl.2"), lines(101, 110))
        third = write(beside(path, "events.jsonl.1"), lines(111, 120))
        write(path, lines(121, 130))
        touch_in_order(first, second, third, path)

    assert follower.take(80, rotate) == list(range(51, 131))
    assert follower.missed == 0


def test_copied_and_emptied_while_a_run_reads(follower: Follower) -> None:
    path = follower.path

    def rotate() -> None:
        append(path, lines(101, 105))
        copy = Path(shutil.copy(path, beside(path, "events.jsonl.1")))
        write(path, "")
        touch_in_order(copy, path)

    assert follower.take(60, rotate, lambda: append(path, lines(106, 110))) == list(range(51, 111))
    assert follower.missed == 0


def test_emptied_while_a_run_reads_and_grown_at_once(follower: Follower) -> None:
    path = follower.path
    assert follower.take(350, lambda: write(path, lines(101, 400))) == [*range(51, 101), *range(101, 401)]
    assert follower.missed == 1


def test_overwritten_in_place_while_a_run_reads(follower: Follower) -> None:
    path = follower.path

    def overwrite() -> None:
        with path.open("r+") as file:
            file.write(lines(201, 300))
        os.utime(path, (1_900_000_000, 1_900_000_000))

    assert follower.take(150, overwrite) == [*range(51, 101), *range(201, 301)]
    assert follower.missed == 1


def test_a_writer_that_goes_on_behind_a_hole(follower: Follower) -> None:
    """It did not open the file to append: after the file was emptied, its next line lands where it was."""
    path = follower.path
    place = path.stat().st_size

    def cut() -> None:
        os.truncate(path, 0)
        with path.open("r+b") as file:
            file.seek(place)
            file.write(lines(101, 110).encode())

    assert follower.take(60, cut) == list(range(51, 111))


def test_a_link_that_is_pointed_elsewhere_is_a_replaced_file(tmp_path: Path) -> None:
    one, other = write(tmp_path / "one", lines(1, 5)), write(tmp_path / "other", lines(6, 9))
    path = tmp_path / "events.jsonl"
    path.symlink_to(one)

    def point_elsewhere() -> None:
        path.unlink()
        path.symlink_to(other)

    assert Follower(path).take(9, point_elsewhere) == list(range(1, 10))


def test_a_run_that_was_killed_between_a_file_and_its_successor_goes_on_there(follower: Follower) -> None:
    path = follower.path
    old = path.rename(beside(path, "events.jsonl.1"))
    write(path, lines(101, 110))
    touch_in_order(old, path)
    assert follower.take(50) == list(range(51, 101))
    assert follower.take(4) == list(range(101, 105))
    assert follower.take(6) == list(range(105, 111))
    assert follower.missed == 0


@pytest.mark.parametrize("suffix", ["zst", "bz2", "xz"])
def test_a_predecessor_that_cannot_be_unpacked_is_told(suffix: str, follower: Follower) -> None:
    path = follower.path
    beside(path, f"events.jsonl.1.{suffix}").write_bytes(b"\x28\xb5\x2f\xfd" * 10)
    write(beside(path, "new"), lines(101, 105)).replace(path)
    assert follower.take(5) == list(range(101, 106))
    assert follower.missed == 1
