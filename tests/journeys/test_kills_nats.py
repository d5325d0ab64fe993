"""Runs of a JetStream stream, killed at random while messages come: nothing is lost, no message is journaled twice."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import nats
import pytest

from tests.journeys.queue_kills import live_and_die, project_of
from tests.patience import PATIENCE
from tests.servers.nats import running


@pytest.mark.timeout(400 + PATIENCE)  # thirty seconds by itself: after each kill the consumer waits for a second
def test_kills_lose_nothing_and_journal_no_message_of_a_stream_twice(tmp_path: Path) -> None:
    with running() as server:

        async def made() -> None:
            client = await nats.connect(server.url)
            await client.jetstream().add_stream(name="CRM", subjects=["crm.>"])
            await client.close()

        async def sent(events: list[dict[str, Any]]) -> None:
            client = await nats.connect(server.url)
            stream = client.jetstream()
            for event in events:
                await stream.publish("crm.people", json.dumps(event).encode())
            await client.close()

        asyncio.run(made())
        source = f'{{nats: {{servers: "{server.url}", stream: CRM, ack_wait: 1s}}}}'
        with project_of(tmp_path, source) as project:
            live_and_die(project, lambda events: asyncio.run(sent(events)))
