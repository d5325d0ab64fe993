"""A slot was lost, and changes with it: all rows are read anew, what did not change is not sent, and what is gone is deleted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.journeys.kill_loop import dead_letters, is_settled, journaled, replay
from tests.journeys.kill_project import MAPPING, ROUTES, SCHEMA
from tests.journeys.sides import ROOT, SYNCFLOW
from tests.journeys.test_kills_sql import LIMITS
from tests.patience import PATIENCE, until
from tests.ports import free_port, is_listening
from tests.servers.postgres import Database, Server, running, standby_of


@pytest.fixture
def db() -> Iterator[Database]:
    with running() as server:
        database = Database(server)
        yield database
        database.close()


@pytest.fixture
def project(tmp_path: Path, db: Database) -> Iterator[Path]:
    port = free_port()
    source = f"{{postgres: {{url: '{db.url}', tables: {{people: people}}, slot: {db.slot}, heartbeat: 1s}}}}"
    routes = ROUTES.replace(LIMITS, "limits: [{{requests: 1000, per: 1s}}]").replace(", id: event", "")
    (tmp_path / "routes.yaml").write_text(routes.format(source=source, port=port), "utf-8")
    (tmp_path / "person.yaml").write_text(SCHEMA, "utf-8")
    (tmp_path / "person_mapping.yaml").write_text(MAPPING, "utf-8")
    log = tmp_path / "sink.jsonl"
    sink = subprocess.Popen([sys.executable, "-m", "tests.journeys.kill_sink", str(port), str(log)], cwd=ROOT)
    until(lambda: is_listening(port))
    yield tmp_path
    sink.kill()
    sink.wait()


def run(project: Path, *, events: int, arguments: tuple[str, ...] = ()) -> None:
    """Run until so many events in all are journaled and settled."""
    with (project / "errors.txt").open("ab") as errors:
        process = subprocess.Popen([*SYNCFLOW, "run", "--quiet", *arguments], cwd=project, stdout=errors, stderr=errors)
        try:
            told = lambda: process.poll() is not None or is_settled(project, events)  # noqa: E731
            until(told)
            assert process.poll() is None, (project / "errors.txt").read_text("utf-8")
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=PATIENCE)


def effects(project: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (project / "sink.jsonl").read_text("utf-8").splitlines()]
    return [line for line in lines if "effect" in line]


def test_a_lost_slot_is_made_up_for_by_the_rows_and_only_what_differs_is_sent(project: Path, db: Database) -> None:
    db.run("CREATE TABLE people (id text PRIMARY KEY, ref text NOT NULL, name text NOT NULL, seq int NOT NULL)")
    db.run("INSERT INTO people SELECT 'P' || n, 'kP' || n, 'made', n FROM generate_series(1, 60) n")
    run(project, events=60)
    db.drop_slot()
    db.run(
        "DELETE FROM people WHERE seq <= 7",
        "UPDATE people SET name = 'changed', seq = seq + 1000 WHERE seq BETWEEN 8 AND 10",
        "INSERT INTO people VALUES ('N', 'kN', 'made', 9999)",
    )
    refused = subprocess.run([*SYNCFLOW, "run", "--quiet"], cwd=project, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert f"the replication slot {db.slot} is gone, and with it the changes that were not read" in refused.stderr
    assert "syncflow run --resnapshot" in refused.stderr
    before = len(effects(project))
    run(project, events=60 + 54 + 7, arguments=("--resnapshot",))
    after = effects(project)[before:]
    sent = sorted(entry["record"] for line in after if line["effect"] == "/write" for entry in line["entries"])
    gone = sorted(entry["record"] for line in after if line["effect"] == "/delete" for entry in line["entries"])
    assert sent == ["N", "P10", "P8", "P9"]
    assert gone == sorted(f"P{number}" for number in range(1, 8))
    held, mixed = replay(effects(project))
    assert mixed == []
    assert set(held) == {ref for (ref,) in db.ask("SELECT ref FROM people")}
    assert dead_letters(project) == 0
    assert journaled(project) == 121
    db.run("UPDATE people SET name = 'later', seq = 5000 WHERE id = 'N'")
    run(project, events=122)
    assert effects(project)[-1]["entries"][0]["record"] == "N"


@pytest.mark.parametrize("is_behind", [False, True], ids=["with all changes", "without the last changes"])
def test_a_standby_that_takes_over_is_made_up_for_by_the_rows(project: Path, db: Database, is_behind: bool) -> None:
    """PostgreSQL before 17 leaves the slot behind: what was changed until a new one is made is in no stream."""
    db.run("CREATE TABLE people (id text PRIMARY KEY, ref text NOT NULL, name text NOT NULL, seq int NOT NULL)")
    db.run("INSERT INTO people SELECT 'P' || n, 'kP' || n, 'made', n FROM generate_series(1, 60) n")
    with standby_of(db.server) as standby:
        routes = project / "routes.yaml"
        old = f"127.0.0.1:{db.server.port}"
        routes.write_text(routes.read_text("utf-8").replace(old, f"{old},127.0.0.1:{standby.port}"), "utf-8")
        with (project / "errors.txt").open("wb") as errors:
            alive = subprocess.Popen([*SYNCFLOW, "run", "--quiet"], cwd=project, stdout=errors, stderr=errors)
            try:
                until(lambda: alive.poll() is not None or is_settled(project, 60))
                if is_behind:
                    standby.stop()
                db.run(
                    "UPDATE people SET name = 'changed', seq = 100 WHERE id = 'P1'",
                    "DELETE FROM people WHERE id = 'P2'",
                )
                until(lambda: alive.poll() is not None or is_settled(project, 62))
                if is_behind:
                    db.server.stop()
                    standby.start()
                else:
                    until(lambda: _has_replayed(standby, db))
                    db.server.stop()
                standby.promote()
                with psycopg.connect(standby.url(db.name), autocommit=True) as taken_over:
                    taken_over.execute("DELETE FROM people WHERE id IN ('P3', 'P4')")
                    taken_over.execute("UPDATE people SET name = 'changed', seq = 200 WHERE id = 'P5'")
                    taken_over.execute("INSERT INTO people VALUES ('N', 'kN', 'made', 9999)")
                assert alive.wait(timeout=PATIENCE) == 1
            finally:
                alive.kill()
        told = (project / "errors.txt").read_text("utf-8")
        words = (
            f"the replication slot {db.slot} is gone, and with it the changes that were not read",
            "the log of the database ends before changes that were read of it",
        )
        assert any(each in told for each in words), told
        assert "syncflow run --resnapshot" in told
        with psycopg.connect(standby.url(db.name), autocommit=True) as taken_over:
            (rows,) = taken_over.execute("SELECT count(*) FROM people").fetchone() or (0,)
            run(project, events=62 + rows + 2, arguments=("--resnapshot",))  # two are gone
            held, mixed = replay(effects(project))
            wanted = {ref: (id_, seq) for id_, ref, seq in taken_over.execute("SELECT id, ref, seq FROM people")}
        assert mixed == []
        assert held == wanted
        assert dead_letters(project) == 0
        standby.stop()
        db.server.start()  # for its own end
        db.connection = db.connect()


def _has_replayed(standby: Server, db: Database) -> bool:
    ((end,),) = db.ask("SELECT pg_current_wal_lsn()::text")
    with psycopg.connect(standby.url(db.name), autocommit=True) as connection:
        return connection.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", (end,)).fetchone() == (True,)


def test_only_a_source_with_tables_is_read_so(tmp_path: Path) -> None:
    (tmp_path / "routes.yaml").write_text(ROUTES.format(source="{file: {path: events.jsonl}}", port=9), "utf-8")
    (tmp_path / "person.yaml").write_text(SCHEMA, "utf-8")
    (tmp_path / "person_mapping.yaml").write_text(MAPPING, "utf-8")
    refused = subprocess.run(
        [*SYNCFLOW, "run", "--resnapshot"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ),
    )
    assert refused.returncode == 1
    assert "--resnapshot is for a project whose one source is `postgres`" in refused.stderr
    assert "--from-start reads any source again from its beginning" in refused.stderr
