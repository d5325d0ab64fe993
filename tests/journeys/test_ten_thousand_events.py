"""The main job on a file of ten thousand events: what the systems hold is what the events imply, record by record."""

from __future__ import annotations

from pathlib import Path

import httpx

from syncflow.mock.server import running_mock
from syncflow.runtime.journal.sqlite.database import connect
from tests.journeys.sides import UNLIMITED, assert_holds, default_project, run
from tests.journeys.stories import implied, write_stories
from tests.patience import PATIENCE


def test_the_systems_hold_exactly_what_the_events_imply(tmp_path: Path) -> None:
    project = default_project(tmp_path)
    events = write_stories(tmp_path / "events.jsonl", count=10_000)
    with running_mock(UNLIMITED) as mock:
        ran = run(project, mock.url)
        assert (ran.code, ran.ending["dead_letters"], ran.ending["events"]["routed"]) == (0, 0, 10_000), ran.err
        assert_holds(mock.url, implied(events))


def test_those_that_a_customers_rule_refuses_and_only_those_are_dead_letters(tmp_path: Path) -> None:
    project = default_project(tmp_path, stop_after=100_000)
    events = write_stories(tmp_path / "events.jsonl", count=10_000)
    refuse = {"every": 10, "message": "no tens in this house"}
    with running_mock(UNLIMITED) as mock:
        for system, field in (("salesforce", "External_Id__c"), ("hubspot", "syncflow_id")):
            rule = {"refuse": [refuse | {"field": field}]}
            assert httpx.put(f"{mock.url}/admin/settings/{system}", json=rule, timeout=PATIENCE).status_code == 200
        ran = run(project, mock.url)
        assert ran.code == 1
        expected = implied(events)
        tens = frozenset(e["item"]["id"] for e in events if int(e["item"]["id"][1:]) % 10 == 0)
        assert_holds(mock.url, expected, without=tens)
    database = connect(tmp_path / ".syncflow" / "journal.db")
    query = "SELECT DISTINCT d.record FROM dead_letters l JOIN deliveries d ON d.id = l.delivery"
    dead = {row[0] for row in database.execute(query)}
    lives = {e["item"]["id"] for e in events if e["operation"] != "delete"}
    assert dead == tens & lives
    reasons = {row[0] for row in database.execute("SELECT DISTINCT reason FROM dead_letters")}
    assert all("no tens in this house" in reason for reason in reasons)
