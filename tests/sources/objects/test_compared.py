"""``changes: diff`` of objects: the newest one is all rows there are, and gives what is different."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path
from typing import Any

import orjson
import pytest

from syncflow.config.models.source_objects import ObjectsSource
from syncflow.errors import DataError, ProjectError, UnavailableError
from syncflow.events import Position, Raw
from syncflow.sources.base import Checking, Finding, Source, reports_of
from syncflow.sources.objects.compared import open_compared_objects
from syncflow.sources.objects.store import Listed
from syncflow.sources.surroundings import Surroundings
from tests.sources.kit import CONTACT, StepClock, take
from tests.sources.objects.kit import MemoryBucket

ROWS = {f"P{number}": f"Person {number}" for number in range(1200)}


def csv(rows: dict[str, str]) -> bytes:
    return b"id,name\n" + "".join(f"{id_},{name}\n" for id_, name in rows.items()).encode()


class Project:
    """Runs of one project: a journal and what is remembered beside it."""

    def __init__(self, bucket: MemoryBucket, folder: Path, **settings: Any) -> None:
        self.bucket = bucket
        self.folder = folder
        self.settings = settings
        self.journal: dict[str, Position] = {}
        self.reports: list[str] = []

    def source(self, clock: StepClock | None = None) -> Source:
        words = {"url": self.bucket.place, "changes": "diff", "key": "id", "record": "contacts"} | self.settings
        given = Surroundings(
            base=self.folder,
            schemas={"contacts": CONTACT},
            clock=clock or StepClock(),
            beside=self.folder / "journal",
        )
        return open_compared_objects(ObjectsSource(**words), given, connect=lambda: self.bucket)

    async def run(self) -> list[tuple[str, str]]:
        source, found = self.source(), list[Raw]()
        await source.open(self.journal)
        try:
            while raws := await source.read(most=500):
                found += raws
                self.journal["objects:contacts"] = raws[-1].position
                await source.acknowledge(raws[-1].position)
        finally:
            self.reports = [f"{report.kind}: {report.words}" for report in reports_of(source)]
            await source.close()
        return [(event["operation"], event["item"]["id"]) for event in (orjson.loads(raw.body) for raw in found)]


def test_the_newest_object_gives_new_changed_and_removed_rows(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    project = Project(bucket, tmp_path, match="*.csv*")

    async def nights() -> None:
        bucket.put("night-1.csv", csv(ROWS), modified=1.0)
        assert await project.run() == [("create", id_) for id_ in ROWS]
        assert await project.run() == []
        rows = {id_: name for id_, name in ROWS.items() if id_ != "P7"} | {"P3": "Ada", "N1": "New"}
        bucket.put("night-2.csv.gz", gzip.compress(csv(rows)), modified=2.0)
        bucket.put("other.txt", b"nothing", modified=3.0)
        assert await project.run() == [("update", "P3"), ("create", "N1"), ("delete", "P7")]
        assert await project.run() == []

    asyncio.run(nights())
    assert list(tmp_path.glob("syncflow-*")) == []


def test_an_event_has_the_time_of_its_object(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    bucket.put("a.jsonl", b'{"id": "P1"}\n', modified=600.0)

    async def first() -> Raw:
        source = Project(bucket, tmp_path).source()
        await source.open({})
        (raw,) = await take(source, 1)
        await source.close()
        return raw

    event = orjson.loads(asyncio.run(first()).body)
    assert event == {
        "record": "contacts",
        "operation": "create",
        "timestamp": "1970-01-01T00:10:00+00:00",
        "item": {"id": "P1"},
    }


def test_an_export_that_suddenly_holds_little_deletes_nothing(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    project = Project(bucket, tmp_path)

    async def nights() -> None:
        bucket.put("a.csv", csv(ROWS))
        await project.run()
        bucket.put("b.csv", csv({"P1": "Person 1"}))
        assert await project.run() == []

    asyncio.run(nights())
    (report,) = project.reports
    assert report.startswith("guarded: 1,199 of 1,200 known rows are gone, more than guard.removed allows")


def test_an_unchanged_object_is_not_fetched_again_while_a_run_waits(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    bucket.put("a.csv", csv({"P1": "Ada"}))
    clock = StepClock(*[lambda: None] * 3, lambda: bucket.put("b.csv", csv({"P1": "Eve"})))

    async def looks() -> None:
        source = Project(bucket, tmp_path, every=20.0).source(clock)
        await source.open({})
        (first,) = await take(source, 1)
        await source.acknowledge(first.position)
        (second,) = await take(source, 1)
        assert orjson.loads(second.body)["item"] == {"id": "P1", "name": "Eve"}
        await source.close()

    asyncio.run(looks())
    assert [name for name, *_ in bucket.fetched] == ["a.csv", "b.csv"]


def test_a_lost_connection_starts_the_pass_again(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    bucket.put("a.csv", csv(ROWS))
    failures = [UnavailableError("the store does not answer")]

    def fail(_listed: Listed, _start: int) -> None:
        if failures:
            raise failures.pop()

    bucket.before_fetch = fail
    project = Project(bucket, tmp_path)
    assert asyncio.run(project.run()) == [("create", id_) for id_ in ROWS]
    assert [report.partition(":")[0] for report in project.reports] == ["lost", "back"]


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("a.txt", b"x", ProjectError, "s3://bucket/exports: no object matches `*.csv`"),
        ("a.csv", b"name\nAda\n", ProjectError, "no row of a.csv has the key (id); the first has name"),
        ("a.csv", b"id,name\nP1,Ada\nP1,Eve\n", DataError, "several rows of the file"),
    ],
)
def test_an_object_that_cannot_be_compared_is_one_message(
    tmp_path: Path, name: str, content: bytes, error: type[Exception], message: str
) -> None:
    bucket = MemoryBucket()
    bucket.put(name, content)
    with pytest.raises(error) as caught:
        asyncio.run(Project(bucket, tmp_path, match="*.csv").run())
    assert str(caught.value).startswith(message) or "several rows" in str(caught.value)


def test_parquet_is_not_compared(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    bucket.put("a.parquet", b"PAR1")
    with pytest.raises(ProjectError) as caught:
        asyncio.run(Project(bucket, tmp_path).run())
    assert caught.value.message == "a.parquet: Parquet cannot be compared with the object before"


def test_check_looks_at_the_bucket(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    bucket.put("a.csv", b"id\n1\n")
    source = Project(bucket, tmp_path).source()
    assert isinstance(source, Checking)
    assert asyncio.run(source.check()) == [
        Finding("s3://bucket/exports: 1 of 1 objects match `**`, 5 bytes"),
        Finding("a.csv can be read"),
    ]
