"""Runs of an outbox, killed at random while an application writes: no row is lost, and none is journaled twice."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.kill_loop import dead_letters, is_settled, journaled
from tests.journeys.length import kills
from tests.journeys.queue_kills import live_and_die, project_of
from tests.journeys.sides import SYNCFLOW
from tests.patience import PATIENCE, until
from tests.servers.postgres import Database, running

KILLS = kills(3)

TABLE = """
CREATE TABLE outbox (
    id bigserial PRIMARY KEY, record text NOT NULL, operation text NOT NULL, item jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
)
"""
ROW = "INSERT INTO outbox (record, operation, item) VALUES (%s, %s, %s)"


@pytest.mark.timeout(400 + PATIENCE)  # half a minute by itself
@pytest.mark.parametrize("read", ["poll", "cdc"])
def test_kills_lose_no_row_of_an_outbox_and_journal_none_twice(tmp_path: Path, read: str) -> None:
    sent = 0
    with running() as server:
        db = Database(server)
        db.run(TABLE)

        def publish(events: list[dict[str, Any]]) -> None:
            """Write the rows in transactions of ten."""
            nonlocal sent
            for first in range(0, len(events), 10):
                with db.connection.transaction():
                    for event in events[first : first + 10]:
                        db.connection.execute(ROW, (event["record"], event["operation"], json.dumps(event["item"])))
            sent += len(events)

        def finish(project: Path) -> None:
            """Let a last run come to the end of the table, which has none."""
            with (project / "errors.txt").open("wb") as errors:
                run = subprocess.Popen([*SYNCFLOW, "run", "--quiet"], cwd=project, stdout=errors, stderr=errors)
            try:
                until(lambda: run.poll() is not None or (_is_read(db) and is_settled(project, sent)))
                assert run.poll() is None, (project / "errors.txt").read_text("utf-8")
            finally:
                run.send_signal(signal.SIGTERM)
                run.wait(timeout=PATIENCE)

        own = "every: 100ms" if read == "poll" else f"slot: {db.slot}"
        source = f"{{outbox: {{url: '{db.url}', table: outbox, read: {read}, {own}}}}}"
        with project_of(tmp_path, source) as project:
            live_and_die(project, publish, kills=KILLS, finish=finish)
            assert journaled(project) == sent
            assert dead_letters(project) == 0
        db.close()


def _is_read(db: Database) -> bool:
    return db.ask("SELECT count(*) FROM outbox") == [(0,)]
