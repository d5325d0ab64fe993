"""When an export is read: once it has come to rest, again when it changed or a row is due, and later where it is missing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from syncflow.compiler.columns import Columns
from syncflow.config.models.routes import FileSource
from syncflow.events import Raw
from syncflow.sources.base import Report, reports_of
from syncflow.sources.compared.table import FileTable
from syncflow.sources.passes.diff import Diff, PassPlan
from syncflow.sources.passes.seen import Seen
from tests.sources.compared.kit import ROWS, Export, export
from tests.sources.kit import StepClock
from tests.sources.sql.kit import told


def test_a_file_that_stands_as_it_stood_is_not_read_again_unless_a_row_is_due(tmp_path: Path) -> None:
    export(tmp_path, ROWS[:3])
    settings = FileSource(path="people.jsonl", changes="diff", key="id")
    seen, notes, clock = Seen(None), list[Report](), StepClock()
    table = FileTable(
        settings=settings, base=tmp_path, kind="contacts", columns=Columns(), clock=clock, seen=seen, tell=notes.append
    )
    plan = PassPlan(
        settings=settings, kind="contacts", partition="p", noun="file", seen=seen, monotonic=clock.monotonic
    )

    def read(*, has_guards: bool = True) -> list[Raw]:
        found = [raw for raws in Diff(plan, table, started=1.0, has_guards=has_guards).events() for raw in raws]
        if found:
            seen.acknowledge(found[-1].position)
        return found

    seen.open(None, compared="all")
    assert not table.is_unchanged(), "nothing was read yet"
    raws = read()
    assert len(raws) == 3
    assert table.is_unchanged()
    export(tmp_path, [*ROWS[:2], {"id": "P2", "name": "Ada"}])
    assert not table.is_unchanged()
    found = [raw for raws in Diff(plan, table, started=1.0).events() for raw in raws]
    seen.refuse([found[0].position])
    seen.acknowledge(found[0].position)
    assert not table.is_unchanged(), "a row is due"
    assert told(read()) == [("update", "P2")]
    assert table.is_unchanged()
    seen.close()


def test_a_file_that_was_written_to_just_now_is_waited_for(tmp_path: Path) -> None:
    export(tmp_path, ROWS[:1], at=1000.0)
    clock = StepClock(*[lambda: None] * 3, lambda: export(tmp_path, ROWS[:3], at=1000.4))
    raws = asyncio.run(read_all(Export(tmp_path), clock))
    assert len(raws) == 3, "what was written meanwhile is read"
    assert 1001.4 <= clock.time < 1002


def test_a_file_that_is_written_for_ever_is_waited_for_only_so_long(tmp_path: Path) -> None:
    export(tmp_path, ROWS[:1], at=1000.0)
    clock = StepClock()

    def write() -> None:
        export(tmp_path, ROWS[:1], at=clock.time)

    clock = StepClock(*[write] * 500)
    assert len(asyncio.run(read_all(Export(tmp_path), clock))) == 1
    assert 1009 < clock.time < 1012


async def read_all(project: Export, clock: StepClock) -> list[Raw]:
    source = project.source(clock)
    await source.open({})
    found: list[Raw] = []
    while chunk := await source.read(most=1000):
        found += chunk
    await source.close()
    return found


def test_passes_follow_each_other_and_a_missing_file_is_told_and_tried_again(tmp_path: Path) -> None:
    export(tmp_path, ROWS[:3])
    steps = {
        2: lambda: export(tmp_path, [*ROWS[:2], {"id": "P2", "name": "Ada"}]),
        4: (tmp_path / "people.jsonl").unlink,
        6: lambda: export(tmp_path, ROWS[:3]),
    }
    clock = StepClock(*[steps.get(number, lambda: None) for number in range(1, 100)])

    async def main() -> tuple[list[tuple[str, Any]], list[tuple[str, str]]]:
        source = Export(tmp_path, every=60.0).source(clock)
        await source.open({})
        found: list[tuple[str, Any]] = []
        reports: list[tuple[str, str]] = []
        for _ in range(3):
            chunk = await source.read(most=1000)
            await source.acknowledge(chunk[-1].position)
            found += told(list(chunk))
            reports += [(report.kind, report.words) for report in reports_of(source)]
        await source.close()
        return found, reports

    found, reports = asyncio.run(main())
    assert found == [*(("create", f"P{number}") for number in range(3)), ("update", "P2"), ("update", "P2")]
    words = (
        f"a pass failed: source.file.path: there is no file {tmp_path / 'people.jsonl'}; "
        "it is tried again when the next one is due"
    )
    assert reports == [("failed", words)]
