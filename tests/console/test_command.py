"""``syncflow console`` and ``run --console`` as processes: they print an address, ask for the token, and end in order."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import Command, command, from_file, project
from tests.console.fakes import BEARER, TOKEN
from tests.patience import PATIENCE

__all__ = ["command", "from_file", "project"]


@contextmanager
def started(*arguments: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a command; yield it and the address of its console. It is ended by SIGTERM."""
    process = subprocess.Popen(
        [sys.executable, "-m", "syncflow", *arguments],
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        said = ""
        while (found := re.search(r"console on (http://\S+)/\n", said)) is None:
            line = process.stderr.readline()
            assert line, said
            said += line
        yield process, found[1]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)


def test_a_console_on_a_journal_says_when_there_is_none_yet_and_ends_on_a_signal(from_file: Path) -> None:
    with started("console", "--listen", "127.0.0.1:0", SYNCFLOW_CONSOLE_TOKEN=TOKEN) as (process, url):
        assert httpx.get(f"{url}/api/overview", timeout=PATIENCE).status_code == 401
        told = httpx.get(f"{url}/api/overview", headers=BEARER, timeout=PATIENCE)
        assert told.status_code == 503
        assert told.json()["hint"] == "`syncflow run` makes one"
    assert process.returncode == 0


def test_a_console_in_a_run_knows_the_run_and_ends_with_it(from_file: Path) -> None:
    follow = (from_file / "routes.yaml").read_text("utf-8").replace("events.jsonl}", "events.jsonl, follow: true}")
    (from_file / "routes.yaml").write_text(follow, "utf-8")
    options = {"SYNCFLOW_CONSOLE_TOKEN": TOKEN, "MOCK_URL": "http://127.0.0.1:9"}
    with started("run", "--console", "127.0.0.1:0", "--wait", "0", **options) as (process, url):
        found = httpx.get(f"{url}/api/overview", headers=BEARER, timeout=PATIENCE)
        while found.status_code == 503 or found.json()["run"]["state"] != "running":
            found = httpx.get(f"{url}/api/overview", headers=BEARER, timeout=PATIENCE)
        assert process.poll() is None
    assert process.returncode == 128 + signal.SIGTERM


def test_a_token_that_is_made_is_printed_once_and_good(from_file: Path) -> None:
    with started("console", "--listen", "127.0.0.1:0", SYNCFLOW_CONSOLE_TOKEN="") as (process, url):
        assert process.stderr is not None
        line = process.stderr.readline()
        token = line.removeprefix("its token, made for this once (SYNCFLOW_CONSOLE_TOKEN sets another): ").strip()
        assert len(token) == 32
        assert (
            httpx.get(f"{url}/api/overview", headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE).status_code
            == 503
        )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("--allow", "redrive,stop"),
            "--allow is 'redrive,stop'; expected some of redrive, drop, replay, pause, plan-online",
        ),
        (
            ("--listen", "nowhere"),
            "--listen is 'nowhere'; expected a port such as 9090, or a host and a port: 127.0.0.1:9090",
        ),
    ],
)
def test_options_that_cannot_be_read_are_explained(
    command: Command, from_file: Path, arguments: tuple[str, ...], words: str
) -> None:
    ended = command("console", *arguments)
    assert ended.code == 2
    assert words in " ".join(ended.err.replace("│", " ").split())


def test_a_token_that_can_be_guessed_is_refused(
    command: Command, from_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCFLOW_CONSOLE_TOKEN", "short")
    ended = command("console", "--listen", "0")
    assert ended.code == 2
    assert "SYNCFLOW_CONSOLE_TOKEN is too short; expected 16 characters or more" in " ".join(ended.err.split())
