"""OpenLineage: which columns become which, how datasets are named, how a run ends, and that a receiver costs the run nothing."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from syncflow.compiler.build import build
from syncflow.compiler.lineage.datasets import Dataset, read_from, written_to
from syncflow.compiler.lineage.ways import Way, ways_of
from syncflow.config.models.system_sql import SqlSystem
from syncflow.runtime.ending import Ending
from syncflow.runtime.observe import Tally
from syncflow.runtime.openlineage.events import RunFacts, event, run_id
from syncflow.runtime.openlineage.telling import Receiver, Telling, receiver_of
from syncflow.runtime.run_name import RunName
from syncflow.testing import VirtualClock, run_virtually
from tests.compiler.projects import open_project

SCHEMA = yaml.safe_load((Path(__file__).parent / "openlineage.yaml").read_text("utf-8"))
VALID = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
TOLD = RunFacts(namespace="crm", name=RunName("1m8k52t8q8r0z", "w"), is_streaming=False)


@pytest.fixture
def ways(tmp_path: Path) -> list[Way]:
    project = open_project(tmp_path)
    return ways_of(project, build(project))


def test_columns_become_what_the_mapping_says(ways: list[Way], tmp_path: Path) -> None:
    assert [(way.route, way.system) for way in ways] == [("contacts/sales", "sales"), ("contacts/support", "support")]
    way = ways[0]
    assert way.inputs == (Dataset("file", str(tmp_path.resolve() / "events.jsonl")),)
    assert way.output == Dataset("crm://crm.example", "people")
    assert [column.name for column in way.read] == ["id", "name", "email", "type", "vip", "since"]
    assert [(column.name, column.reads, column.is_copied) for column in way.written] == [
        ("external_id", ("id",), True),
        ("last_name", ("name",), False),
        ("email", ("email",), False),
        ("kind", ("type",), False),
    ]
    found = event(TOLD, way, "COMPLETE", at=0.0, written=3)
    columns = found["outputs"][0]["facets"]["columnLineage"]["fields"]
    assert columns["external_id"]["inputFields"] == [
        {
            "namespace": "file",
            "name": way.inputs[0].name,
            "field": "id",
            "transformations": [{"type": "DIRECT", "subtype": "IDENTITY"}],
        }
    ]
    assert columns["kind"]["inputFields"][0]["transformations"] == [{"type": "DIRECT", "subtype": "TRANSFORMATION"}]


@pytest.mark.parametrize(
    ("state", "written", "error"),
    [("START", None, ""), ("RUNNING", 0, ""), ("COMPLETE", 7, ""), ("ABORT", 7, ""), ("FAIL", 1, "no journal")],
)
def test_events_are_as_the_specification_asks(state: Any, written: int | None, error: str, ways: list[Way]) -> None:
    for way in ways:
        VALID.validate(event(TOLD, way, state, at=1_700_000_000.5, written=written, error=error))


def test_the_run_of_a_way_has_one_id_however_often_it_is_told(ways: list[Way]) -> None:
    ids = [run_id(TOLD, way) for way in ways]
    assert len(set(ids)) == 2
    assert ids == [event(TOLD, way, "RUNNING", at=9.0)["run"]["runId"] for way in ways]


SOURCES = [
    (
        "postgres: {url: 'postgresql://u:s3cret@db.example/shop', tables: {public.people: contacts}}",
        "postgres://db.example:5432 shop.public.people",
    ),
    (
        "mysql: {url: 'mysql://u:s3cret@db.example:3307/shop', tables: {shop.people: contacts}}",
        "mysql://db.example:3307 shop.people",
    ),
    ("outbox: {url: 'postgresql://u:s3cret@db.example/shop'}", "postgres://db.example:5432 shop.public.outbox"),
    ("kafka: {servers: 'k1:9092,k2:9092', topics: [people, firms]}", "kafka://k1:9092 people, kafka://k1:9092 firms"),
    ("objects: {url: 's3://lake/in', match: '*.jsonl'}", "s3://lake in/*.jsonl"),
    ("rabbitmq: {url: 'amqp://u:s3cret@mq.example/v', queue: people}", "amqp://mq.example:5672 people"),
    ("nats: {servers: 'nats://u:s3cret@n.example:4222', stream: PEOPLE}", "nats://n.example:4222 PEOPLE"),
    ("redis: {url: 'redis://:s3cret@r.example', stream: people}", "redis://r.example:6379 people"),
    (
        "sqs: {queue: 'https://sqs.eu-central-1.amazonaws.com/123/people'}",
        "sqs://sqs.eu-central-1.amazonaws.com people",
    ),
    ("stdin: {}", "syncflow://{folder} source.stdin"),
    ("webhook: {}", "syncflow://{folder} source.webhook"),
]


@pytest.mark.parametrize(("source", "names"), SOURCES, ids=lambda text: text.partition(":")[0])
def test_sources_are_named_as_catalogs_name_them(source: str, names: str, tmp_path: Path) -> None:
    project = open_project(tmp_path)
    settings = type(project.routes.model.all_sources["source",]).model_validate(yaml.safe_load(source))
    routes = project.routes.model.model_copy(update={"source": settings})
    changed: Any = type("P", (), {"routes": type("D", (), {"model": routes}), "path": project.path})
    found = ", ".join(f"{each.namespace} {each.name}" for each in read_from(changed, "contacts"))
    assert found == names.replace("{folder}", tmp_path.resolve().name)
    assert "s3cret" not in found


@pytest.mark.parametrize(
    ("url", "object_name", "found"),
    [
        ("postgresql://u:s3cret@db/shop", "people", Dataset("postgres://db:5432", "shop.people")),
        ("postgresql+psycopg://u:s3cret@db/shop", "sales.people", Dataset("postgres://db:5432", "shop.sales.people")),
        ("mariadb://u:s3cret@db/shop", "people", Dataset("mysql://db:3306", "shop.people")),
        ("sqlite:///out.db", "people", Dataset("file", "out.db.people")),
    ],
)
def test_tables_that_are_written_are_named_like_tables_that_are_read(
    url: str, object_name: str, found: Dataset
) -> None:
    assert written_to("warehouse", None, object_name, SqlSystem(url=url)) == found


class Receiving:
    """Keeps what is posted; refuses from the number ``refuses_from`` on, or raises."""

    def __init__(self, *, refuses_from: int = 10**6, hangs: bool = False) -> None:
        self.posted: list[dict[str, Any]] = []
        self._refuses_from = refuses_from
        self._hangs = hangs

    async def __call__(self, url: str, body: bytes, headers: dict[str, str]) -> str:
        assert url == "https://catalog.example/api/v1/lineage"
        if self._hangs:
            await VirtualClock().sleep(86400)
        self.posted.append(json.loads(body))
        return "status 503" if len(self.posted) > self._refuses_from else ""


def lived(
    ways: list[Way], post: Any, ending: Ending | None, *, error: str = "", told: RunFacts = TOLD, seconds: float = 700.0
) -> None:
    async def main() -> None:
        clock = VirtualClock()
        receiver = Receiver(url="https://catalog.example/api/v1/lineage", headers={}, namespace="", every=300.0)
        tally = Tally()
        tally.route("contacts/sales").delivered = 5
        telling = Telling(receiver, told=told, ways=ways, post=post, tally=lambda: tally, clock=clock)
        beside = asyncio.create_task(telling.run())
        await clock.sleep(seconds)
        beside.cancel()
        await telling.end(ending, error)

    run_virtually(main())


def test_a_run_is_told_at_its_start_while_it_goes_on_and_at_its_end(ways: list[Way]) -> None:
    post = Receiving()
    lived(ways, post, Ending(Tally()))
    for each in post.posted:
        VALID.validate(each)
    states = [each["eventType"] for each in post.posted]
    assert states == ["START"] * 2 + ["RUNNING"] * 4 + ["COMPLETE"] * 2
    rows = [each["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] for each in post.posted[-2:]]
    assert rows == [5, 0]


STREAMING = RunFacts(namespace="crm", name=TOLD.name, is_streaming=True)


@pytest.mark.parametrize(
    ("told", "ending", "error", "states"),
    [
        (TOLD, Ending(Tally(), "SIGTERM"), "", ["ABORT", "ABORT"]),
        (STREAMING, Ending(Tally(), "SIGTERM"), "", ["COMPLETE", "COMPLETE"]),
        (STREAMING, Ending(Tally(), "too many dead letters"), "", ["ABORT", "ABORT"]),
        (TOLD, Ending(Tally(), "", ("sales: the key was refused",)), "", ["FAIL", "COMPLETE"]),
        (TOLD, None, "the journal is gone", ["FAIL", "FAIL"]),
        (TOLD, None, "", ["FAIL", "FAIL"]),
    ],
)
def test_how_a_way_ended_is_told_by_a_word(
    told: RunFacts, ending: Ending | None, error: str, states: list[str], ways: list[Way]
) -> None:
    post = Receiving()
    lived(ways, post, ending, error=error, told=told, seconds=1.0)
    assert [each["eventType"] for each in post.posted[2:]] == states
    reasons = [each["run"]["facets"].get("errorMessage", {}).get("message") for each in post.posted[2:]]
    assert [bool(reason) for reason in reasons] == [state == "FAIL" for state in states]
    for each in post.posted:
        VALID.validate(each)


@pytest.mark.parametrize(
    "post", [Receiving(refuses_from=0), Receiving(hangs=True), None], ids=["refuses", "hangs", "raises"]
)
def test_a_receiver_that_fails_costs_the_run_nothing(
    post: Any, ways: list[Way], caplog: pytest.LogCaptureFixture
) -> None:
    lived(ways, post, Ending(Tally()))
    told = [record.fields for record in caplog.records if record.getMessage() == "lineage.failed"]  # type: ignore[attr-defined]  # ours
    assert {fields["host"] for fields in told} == {"catalog.example"}


def test_variables_say_what_the_file_leaves_out(tmp_path: Path) -> None:
    routes = open_project(tmp_path).routes.model
    assert receiver_of(routes, {}) is None
    variables = {"OPENLINEAGE_URL": "https://m.example/", "OPENLINEAGE_API_KEY": "k", "OPENLINEAGE_NAMESPACE": "ours"}
    found = receiver_of(routes, variables)
    assert found == Receiver(
        url="https://m.example/api/v1/lineage", headers={"Authorization": "Bearer k"}, namespace="ours", every=300.0
    )
    assert receiver_of(routes, variables | {"OPENLINEAGE_DISABLED": "true"}) is None
    other = receiver_of(routes, variables | {"OPENLINEAGE_ENDPOINT": "/lineage"})
    assert other is not None
    assert other.url == "https://m.example/lineage"
    whole = receiver_of(routes, variables | {"OPENLINEAGE_URL": "https://m.example/in?key=1"})
    assert whole is not None
    assert whole.url == "https://m.example/in?key=1"
