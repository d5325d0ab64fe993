"""Runs of a stream of Redis, killed at random while entries come: nothing is lost, no entry is journaled twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.queue_kills import live_and_die, project_of
from tests.patience import PATIENCE
from tests.servers.redis import running


@pytest.mark.timeout(400 + PATIENCE)  # half a minute by itself
def test_kills_lose_nothing_and_journal_no_entry_of_a_stream_twice(tmp_path: Path) -> None:
    with running() as server:
        client = server.client()

        def publish(events: list[dict[str, Any]]) -> None:
            for event in events:
                client.xadd("people", {"body": json.dumps(event)})

        source = f'{{redis: {{url: "{server.url}", stream: people, field: body}}}}'
        with project_of(tmp_path, source) as project:
            live_and_die(project, publish)
        assert client.xpending("people", "syncflow")["pending"] == 0
