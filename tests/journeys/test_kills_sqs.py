"""Runs of a FIFO queue of SQS, killed at random while messages come: nothing is lost, no message is journaled twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.length import kills
from tests.journeys.queue_kills import live_and_die, project_of
from tests.patience import PATIENCE
from tests.servers.moto import running
from tests.sources.queues.sqs_kit import KEYS, Queue


@pytest.mark.timeout(400 + PATIENCE)  # half a minute by itself: the stand-in takes some thirty messages a second
def test_kills_lose_nothing_and_journal_no_message_of_a_queue_twice(tmp_path: Path) -> None:
    with running() as server:
        queue = Queue(server, is_fifo=True)

        def publish(events: list[dict[str, Any]]) -> None:
            for event in events:
                queue.send(json.dumps(event), MessageGroupId=event["item"]["id"])

        keys = f"access_key: {KEYS['access_key']}, secret_key: {KEYS['secret_key']}"
        place = f"queue: {queue.name}, region: eu-central-1, endpoint: '{server.address}', visibility: 2s, wait: 1s"
        with project_of(tmp_path, f"{{sqs: {{{place}, {keys}}}}}") as project:
            live_and_die(project, publish, kills=kills(3), messages=15)
        assert queue.counts() == (0, 0)
