"""``alerts:`` by a real receiver: a sample, a run's dead letters, and an address that must not be shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from syncflow.mock.server import Running
from tests.cli.conftest import Command
from tests.servers.receiving import receiving


class Receiver(BaseHTTPRequestHandler):
    """Keeps what it is sent; refuses on ``/refused``."""

    taken: list[dict[str, Any]]

    def do_POST(self) -> None:  # the library's name
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.taken.append(json.loads(body))  # type: ignore[attr-defined]  # given below
        self.send_response(403 if self.path.startswith("/refused") else 200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    with receiving(Receiver) as found:
        yield found


def with_alerts(project: Path, text: str) -> None:
    path = project / "routes.yaml"
    path.write_text(path.read_text("utf-8") + f"\nalerts:\n{text}\n", "utf-8")


def test_a_sample_goes_to_every_receiver(
    command: Command, project: Path, receiver: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, taken = receiver
    assert command("alerts", "test").out == "no receiver is configured: alerts: [{to: https://…}] in routes.yaml\n"
    monkeypatch.setenv("HOOK", f"{url}/taken?token=s3cret")
    with_alerts(project, f'  - {{to: "${{HOOK}}", as: slack}}\n  - {{to: "{url}/refused/s3cret"}}')
    ended = command("alerts", "test")
    assert ended.code == 1
    assert ended.out == "127.0.0.1: taken\n127.0.0.1: not taken: status 403\n"
    assert list(taken[0]) == ["text"]
    assert taken[1]["alert"] == "test", "no receiver takes it for a fault"
    assert taken[1]["project"] == project.resolve().name
    assert json.loads(command("alerts", "test", "-o", "json").out)["receivers"][1]["reason"] == "status 403"


def test_a_run_tells_of_its_dead_letters_at_its_end(
    command: Command, from_file: Path, mock: Running, receiver: tuple[str, list[dict[str, Any]]]
) -> None:
    url, taken = receiver
    with_alerts(from_file, f'  - {{to: "{url}/x/s3cret"}}')
    ended = command("run", "--quiet")
    assert ended.code == 1
    assert [(body["alert"], body["count"]) for body in taken] == [("dead_letters", 1)]
    assert "s3cret" not in ended.out + ended.err
    status = json.loads(command("status", "--output", "json").out)["last_run"]
    assert (taken[0]["run"], taken[0]["worker"]) == (status["run"], status["worker"])


def test_an_address_that_is_none_is_refused_and_not_shown(command: Command, project: Path) -> None:
    with_alerts(project, "  - {to: hooks.example.com/s3cret, causes: [letters]}")
    ended = command("validate", "--output", "concise")
    assert ended.code == 1
    assert "SF205 this is no address of the web" in ended.out
    assert "did you mean" in ended.out or "dead_letters" in ended.out
    shown = command("validate").out
    assert "s3cret" not in ended.out + shown
