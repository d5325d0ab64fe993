"""The example projects that need a server run by the one command that their pages name; the others run with their pages (tests/docs)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.sides import ROOT
from tests.patience import PATIENCE
from tests.ports import free_port
from tests.servers import kafka, rabbitmq
from tests.servers.postgres import Database, running

SUMMARY = "everything is accounted for, nothing is left"


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``syncflow`` and ``python`` as they are tested."""
    folder = tmp_path_factory.mktemp("commands")
    for name, words in (("syncflow", "-m syncflow"), ("python", "")):
        path = folder / name
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n', "utf-8")
        path.chmod(0o755)
    return folder


def start(name: str, folder: Path, commands: Path, *arguments: str, **variables: str) -> str:
    """Run an example's ``start.sh`` in a copy of the example, and return what it prints."""
    if not folder.exists():
        shutil.copytree(ROOT / "examples" / name, folder)
    port = str(free_port())
    ours = {"PATH": f"{commands}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "MOCK_PORT": port}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SYNCFLOW_", "MOCK_"))}
    done = subprocess.run(
        ["bash", str(folder / "start.sh"), *arguments],
        env={**kept, **ours, "MOCK_URL": f"http://127.0.0.1:{port}", **variables},
        capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def database() -> Iterator[Database]:
    with running() as server:
        database = Database(server)
        database.slot = "shop_to_hubspot"
        yield database
        database.close()


def test_rows_of_postgres_are_sent_and_then_their_changes(tmp_path: Path, commands: Path, database: Database) -> None:
    printed = start(
        "postgres-to-hubspot", tmp_path / "project", commands, "--quiet", "--limit", "4", DATABASE_URL=database.url
    )
    assert "4 events read: 4 routed, 0 ignored, 0 dead letters" in printed
    database.run((ROOT / "examples" / "postgres-to-hubspot" / "next_day.sql").read_text("utf-8"))
    printed = start(
        "postgres-to-hubspot", tmp_path / "project", commands, "--quiet", "--limit", "3", DATABASE_URL=database.url
    )
    assert "3 events read: 3 routed, 0 ignored, 0 dead letters" in printed
    assert SUMMARY in printed


def test_messages_of_kafka_are_sent_and_then_what_changes(tmp_path: Path, commands: Path) -> None:
    with kafka.running() as server:
        kafka.Topics(server)
        printed = start(
            "kafka-to-hubspot", tmp_path / "project", commands, "--quiet", "--limit", "3", KAFKA=server.servers()
        )
        assert "3 events read: 3 routed, 0 ignored, 0 dead letters" in printed
        send = ["python", "in_kafka.py", "next_day.jsonl"]
        sent = {**os.environ, "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}", "KAFKA": server.servers()}
        subprocess.run(send, cwd=tmp_path / "project", env=sent, check=True, timeout=PATIENCE)
        # The script sends the first day again, which is three more.
        printed = start(
            "kafka-to-hubspot", tmp_path / "project", commands, "--quiet", "--limit", "6", KAFKA=server.servers()
        )
        assert "6 events read: 6 routed, 0 ignored, 0 dead letters" in printed
        assert SUMMARY in printed


def test_messages_of_rabbitmq_are_sent_and_acknowledged(tmp_path: Path, commands: Path) -> None:
    with rabbitmq.running() as server:
        words = ("rabbitmq-to-salesforce", tmp_path / "project", commands, "--quiet", "--once")
        printed = start(*words, RABBITMQ_URL=server.url())
        assert "3 events read: 3 routed, 0 ignored, 0 dead letters" in printed
        assert SUMMARY in printed
