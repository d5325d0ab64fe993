"""Several files by a pattern: in order, each with positions of its own, new ones taken up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from syncflow.config.models.routes import FileSource, SourceSettings
from syncflow.errors import ProjectError
from syncflow.events import Position, Raw
from syncflow.sources import ReadOptions, Source, Surroundings, open_source
from tests.sources.kit import StepClock, read_all, take, write


def opened(folder: Path, *, follow: bool = False, clock: StepClock | None = None, from_start: bool = False) -> Source:
    settings = SourceSettings(file=FileSource(path="exports/*.csv", follow=follow))
    return open_source(
        settings,
        Surroundings(base=folder, schemas={}, clock=clock or StepClock(), reading=ReadOptions(from_start=from_start)),
    )


def ids(raws: list[Raw]) -> list[str]:
    return [json.loads(raw.body)["id"] for raw in raws]


def positions(raws: list[Raw]) -> Mapping[str, Position]:
    return {raw.position.partition: raw.position for raw in raws}


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    folder = tmp_path / "exports"
    folder.mkdir()
    write(folder / "2024-02.csv", "id,x\nC3,1\n")
    write(folder / "2024-01.csv", "id;x\nC1;1\nC2;1\n")
    write(folder / "notes.txt", "none of them")
    return tmp_path


def test_files_are_read_in_the_order_of_their_names(exports: Path) -> None:
    found = asyncio.run(read_all(opened(exports)))
    assert ids(found) == ["C1", "C2", "C3"]
    assert list(positions(found)) == ["file:exports/2024-01.csv#1", "file:exports/2024-02.csv#1"]


def test_the_next_run_reads_what_is_new(exports: Path) -> None:
    first = asyncio.run(read_all(opened(exports), most=1))
    write(exports / "exports/2024-03.csv", "id,x\nC4,1\n")
    write(exports / "exports/2024-01.csv", "id;x\nC1;1\nC2;1\nC9;1\n")
    assert ids(asyncio.run(read_all(opened(exports), positions(first)))) == ["C9", "C4"]
    assert ids(asyncio.run(read_all(opened(exports, from_start=True), positions(first)))) == [
        "C1",
        "C2",
        "C9",
        "C3",
        "C4",
    ]


def test_a_run_that_ended_in_the_middle_goes_on_there(exports: Path) -> None:
    whole = asyncio.run(read_all(opened(exports), most=1))
    for done in range(len(whole)):
        rest = asyncio.run(read_all(opened(exports), positions(whole[:done])))
        assert ids(rest) == ids(whole[done:])


def test_followed_files_are_taken_up_as_they_come_and_grow(exports: Path) -> None:
    clock = StepClock(
        lambda: write(exports / "exports/2024-03.csv", "id,x\nC4,1\n"),
        lambda: write(exports / "exports/2024-02.csv", "id,x\nC3,1\nC5,1\n"),
    )

    async def main() -> list[Raw]:
        source = opened(exports, follow=True, clock=clock)
        await source.open({})
        found = await take(source, 5)
        await source.close()
        return found

    assert ids(asyncio.run(main())) == ["C1", "C2", "C3", "C4", "C5"]


def test_a_pattern_that_nothing_matches_is_said(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"^source\.file\.path: no file matches exports/\*\.csv$"):
        asyncio.run(read_all(opened(tmp_path)))


def test_a_file_whose_name_looks_like_a_pattern_is_read_as_it_is(tmp_path: Path) -> None:
    write(tmp_path / "a[1].csv", "id\nC1\n")
    settings = SourceSettings(file=FileSource(path="a[1].csv"))
    assert ids(
        asyncio.run(read_all(open_source(settings, Surroundings(base=tmp_path, schemas={}, clock=StepClock()))))
    ) == ["C1"]


def test_a_file_that_cannot_be_read_stops_with_its_name_behind_those_before_it(exports: Path) -> None:
    write(exports / "exports/2024-02.csv", b"PK\x03\x04")

    async def main() -> None:
        source = opened(exports)
        await source.open({})
        assert ids(await take(source, 2)) == ["C1", "C2"]
        with pytest.raises(ProjectError, match=r"^exports/2024-02\.csv is an Excel workbook"):
            await source.read(most=10)
        await source.close()

    asyncio.run(main())
