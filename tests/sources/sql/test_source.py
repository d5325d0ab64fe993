"""The shell of the source: chunks, cancelling, passes, failures in between."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from syncflow.config.models.sources import SourceSettings
from syncflow.events import Raw
from syncflow.sources import ReadOptions, Surroundings, open_source
from syncflow.sources.base import lag_of, reports_of
from tests.sources.kit import CONTACT, StepClock, bodies, cancelled_after, drain, read_all
from tests.sources.sql.kit import Project, execute, people, settings, told

CHANGES = [
    pytest.param("all", id="all"),
    pytest.param("diff", id="diff"),
    pytest.param({"cursor": "updated_at"}, id="cursor"),
]


@pytest.mark.parametrize("changes", CHANGES)
def test_the_size_of_a_chunk_changes_nothing(changes: object, tmp_path: Path) -> None:
    people(tmp_path, 1200)

    async def read(most: int, folder: Path) -> list[Raw]:
        folder.mkdir()
        (folder / "crm.db").symlink_to(tmp_path / "crm.db")
        return await Project(folder, changes=changes).run(most=most)

    whole = asyncio.run(read(5000, tmp_path / "whole"))
    assert len(whole) == 1200
    assert [raw.position.number for raw in whole] == list(range(1, 1201))
    for most in (7, 500, 501):
        assert bodies(asyncio.run(read(most, tmp_path / str(most)))) == bodies(whole)


@pytest.mark.parametrize("changes", CHANGES)
def test_a_cancelled_read_loses_nothing(changes: object, tmp_path: Path) -> None:
    people(tmp_path, 1200)

    async def interrupted() -> list[Raw]:
        source = Project(tmp_path, changes=changes).source()
        await source.open({})
        found: list[Raw] = []
        for turns in (0, 1, 2, 0, 3, 1, 0, 5):
            found += await cancelled_after(source, turns)
        found += await drain(source)
        await source.close()
        return found

    assert sorted(id_ for _, id_ in told(asyncio.run(interrupted()))) == sorted(f"P{number}" for number in range(1200))


@pytest.mark.parametrize("changes", CHANGES)
def test_an_empty_result_is_no_error(changes: object, tmp_path: Path) -> None:
    people(tmp_path, 0)
    project = Project(tmp_path, changes=changes)
    assert asyncio.run(project.run()) == []
    assert not project.reports


def test_closing_is_safe_before_opening_in_the_middle_and_twice(tmp_path: Path) -> None:
    people(tmp_path, 1200)

    async def closed() -> None:
        await Project(tmp_path).source().close()
        source = Project(tmp_path).source()
        await source.open({})
        await source.read(most=3)
        await source.close()
        await source.close()

    asyncio.run(closed())


def test_all_gives_everything_in_each_pass_under_new_positions(tmp_path: Path) -> None:
    people(tmp_path, 2)
    project = Project(tmp_path, changes="all")
    first, second = asyncio.run(project.run()), asyncio.run(project.run())
    assert told(first) == told(second) == [("update", "P0"), ("update", "P1")]
    assert [raw.position.offset for raw in (*first, *second)] == [1, 1, 2, 2]


def test_passes_follow_each_other_and_lag_says_when(tmp_path: Path) -> None:
    people(tmp_path, 1)

    async def lived() -> None:
        clock = StepClock(lambda: execute(tmp_path, "UPDATE people SET name = 'Ada'"))
        source = Project(tmp_path, changes="diff", every="10s").source(clock)
        await source.open({})
        (first,) = await source.read(most=10)
        second = asyncio.ensure_future(source.read(most=10))
        while clock.slept == [] and not second.done():
            await asyncio.sleep(0.001)
            await source.acknowledge(first.position)
        assert told(list(await second)) == [("update", "P0")]
        assert clock.slept == [10.0]
        assert lag_of(source)["sql:contacts"].next_at == 1010.0
        await source.close()

    asyncio.run(lived())


def test_a_pass_that_fails_after_one_went_well_is_told_and_tried_again(tmp_path: Path) -> None:
    people(tmp_path, 1)

    async def lived() -> None:
        steps = (
            "ALTER TABLE people RENAME TO away",
            "ALTER TABLE away RENAME TO people; UPDATE people SET name = 'Ada'",
        )
        clock = StepClock(*[lambda step=step: execute(tmp_path, step) for step in steps])
        source = Project(tmp_path, changes="diff", every="10s").source(clock)
        await source.open({})
        (first,) = await source.read(most=10)
        await source.acknowledge(first.position)
        assert told(list(await source.read(most=10))) == [("update", "P0")]
        words = (
            "a pass failed: the query names a table or function that the database does not have: no such table: people; "
            "it is tried again when the next one is due"
        )
        assert [(report.kind, report.words) for report in reports_of(source)] == [("failed", words)]
        await source.close()

    asyncio.run(lived())


def test_once_makes_one_pass_at_once(tmp_path: Path) -> None:
    people(tmp_path, 2)
    assert len(asyncio.run(Project(tmp_path, cron="0 6 * * *").run(once=True))) == 2


def test_without_a_place_beside_a_journal_nothing_is_left_behind(tmp_path: Path) -> None:
    people(tmp_path, 2)
    source = open_source(
        SourceSettings(sql=settings(changes="diff")),
        Surroundings(base=tmp_path, schemas={"contacts": CONTACT}, clock=StepClock(), reading=ReadOptions(once=True)),
    )
    assert len(asyncio.run(read_all(source))) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["crm.db"]
