"""Runs that read from MariaDB are killed while the tables change: in the end the target holds exactly the rows of the table."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from syncflow.mock.server import Running, running_mock
from tests.journeys.kill_loop import dead_letters, journaled
from tests.journeys.length import events, kills
from tests.journeys.mysql_workload import TABLE, Workload
from tests.journeys.sides import ROOT, SYNCFLOW, UNLIMITED, default_project, held
from tests.journeys.stories import as_salesforce
from tests.patience import PATIENCE, until
from tests.servers.mariadb import Database, running_server

KILLS = int(os.environ.get("CDC_KILLS", str(kills())))
STATEMENTS = int(os.environ.get("CDC_STATEMENTS", str(events(1200))))


@pytest.fixture
def db() -> Iterator[Database]:
    with running_server() as server:
        database = Database(server)
        yield database
        database.close()


@pytest.fixture
def mock() -> Iterator[Running]:
    with running_mock(UNLIMITED) as started:
        yield started


def project_of(directory: Path, db: Database) -> Path:
    path = default_project(directory, source=f"mysql: {{url: '{db.url}', tables: {{contacts: contacts}}}}")
    mapping = directory / "mappings" / "salesforce_contact.yaml"
    lines = mapping.read_text("utf-8").split("\ntests:")[0].splitlines()
    lines = ["  Description: item.notes" if line.startswith("  Description:") else line for line in lines]
    mapping.write_text("\n".join(lines) + "\n", "utf-8")
    schema = directory / "schemas" / "contact.yaml"
    schema.write_text(schema.read_text("utf-8") + '  notes: {type: [string, "null"], maxLength: 30000}\n', "utf-8")
    return path


def wanted(db: Database) -> dict[str, dict[str, Any]]:
    names = ("id", "name", "email", "phone", "contact_type", "notes")
    rows = [dict(zip(names, row, strict=True)) for row in db.ask(f"SELECT {', '.join(names)} FROM contacts")]
    return {row["id"]: as_salesforce(row) | {"Description": row["notes"] and row["notes"].strip()} for row in rows}


def holds(mock: Running, db: Database) -> bool:
    rows = wanted(db)
    found = held(mock.url, "salesforce", "Contact")
    shown = {
        key: {name: (record.get(name) or None) for name in rows[key]} for key, record in found.items() if key in rows
    }
    for record in shown.values():
        record["Description"] = record["Description"] and record["Description"].strip()
    return found.keys() == rows.keys() and shown == rows


@pytest.mark.timeout(600 + PATIENCE)
@pytest.mark.parametrize("image", ["FULL", "MINIMAL"])
def test_runs_killed_again_and_again_bring_the_target_to_what_the_table_holds(
    tmp_path: Path, db: Database, mock: Running, image: str
) -> None:
    db.run(TABLE, f"SET GLOBAL binlog_row_image = {image}")
    db.run(
        "INSERT INTO contacts (id, name, contact_type) SELECT concat('A', seq), concat('Ada L', seq), 'lead' FROM seq_1_to_400"
    )
    project = project_of(tmp_path, db)
    errors = (tmp_path / "errors.txt").open("wb")

    def start() -> subprocess.Popen[bytes]:
        environment = os.environ | {"MOCK_URL": mock.url, "BATCH_SIZE": "100", "PYTHONPATH": str(ROOT)}
        command = [*SYNCFLOW, "run", "routes.yaml", "--quiet"]
        return subprocess.Popen(command, cwd=project.parent, env=environment, stdout=errors, stderr=errors)

    instants, failures = Random(7), list[BaseException]()

    def work() -> None:
        try:
            with db.connect() as connection:
                workload = Workload(connection, seed=11, records=300)
                while workload.statements < STATEMENTS // (1 if image == "FULL" else 5):
                    workload.step()
                    time.sleep(0.004 if STATEMENTS < 10_000 else 0.0005)
        except BaseException as error:  # noqa: BLE001  # told by the test
            failures.append(error)

    process = start()
    writer = threading.Thread(target=work)
    writer.start()
    for _ in range(KILLS if image == "FULL" else 2):
        before = journaled(tmp_path)
        until(lambda: journaled(tmp_path) > before or not writer.is_alive())  # noqa: B023  # used at once
        time.sleep(instants.uniform(0.0, 1.0))
        process.kill()
        assert process.wait() == -signal.SIGKILL, (tmp_path / "errors.txt").read_text("utf-8")
        process = start()
    writer.join()
    assert failures == []
    try:
        until(
            lambda: process.poll() is not None or holds(mock, db),
            otherwise="the target never came to hold what the table holds",
        )
        assert process.poll() is None, (tmp_path / "errors.txt").read_text("utf-8")
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=PATIENCE)
    assert len(wanted(db)) > 50
    assert code == 128 + signal.SIGTERM
    assert dead_letters(tmp_path) == 0
    assert b"Traceback" not in (tmp_path / "errors.txt").read_bytes()
