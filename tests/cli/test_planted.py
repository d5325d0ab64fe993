"""Planted people and secrets: they are in no log, metric, list, error or trace, only where a person asks for a record."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from syncflow.cli.console import complain_of_bug
from syncflow.cli.logs import log_to_stderr
from syncflow.mock.server import Running, running_mock
from syncflow.mock.settings import Settings
from tests.cli.conftest import ROOT, Command
from tests.patience import PATIENCE, until

SECRETS = {"PLANTED_SECRET": "planted-Client-secret-81", "PLANTED_TOKEN": "planted-hubspot-token-82"}
PEOPLE = ("plantina", "plantowska", "planted.mail", "777-31", "strangerson", "stranger.mail")
"""Parts of the names, addresses and numbers of two persons, in lower case: the event's, and one of whom only a system knows."""

STRANGER = "Plantina Plantowska (planted.mail@example.com, +1-555-777-3101) is Strangerson <stranger.mail@example.com>"
MOCK = {
    "salesforce": {"rate": "off", "client_secret": SECRETS["PLANTED_SECRET"], "hold_seconds": 0.3, "drip_seconds": 0.3},
    "hubspot": {"rate": "off", "token": SECRETS["PLANTED_TOKEN"], "hold_seconds": 0.3, "drip_seconds": 0.3},
}


def person(number: int, **changes: Any) -> dict[str, Any]:
    item = {
        "id": f"P{number}",
        "name": "Plantina Plantowska",
        "email": f"planted.mail+{number}@example.com",
        "phone": f"+1-555-777-31{number:02}",
        "contact_type": "lead" if number % 2 else "customer",
    }
    return {"record": "contacts", "operation": "create", "timestamp": "2024-01-15T10:30:00", "item": item | changes}


BROKEN: list[bytes] = [
    b'{"record": "contacts", "item": {"name": "Plantina Plantowska", ',
    b'"planted.mail@example.com"',
    b"\xff\xfe Plantina Plantowska",
    *(
        json.dumps(event).encode()
        for event in (
            person(90, email="Plantina Plantowska"),
            person(91, email=["planted.mail@example.com"]),
            person(92, name={"planted.mail@example.com": "Plantowska"}),
            person(93, contact_type="Plantowska"),
            person(94, phone=None, created_at="planted.mail@example.com"),
            person(95, id=None),
            person(96, **{"planted.mail@example.com": "Plantina"}),
            person(97) | {"operation": "planted.mail@example.com"},
            person(98) | {"timestamp": "+1-555-777-3198"},
        )
    ),
]


@pytest.fixture
def planted(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The default project with secrets from the environment and a file of twenty planted persons and their mishaps."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    path = project / "routes.yaml"
    text = path.read_text("utf-8").replace("requests: 5/s", "requests: 1000/s")
    text = text.replace("client_secret: demo", 'client_secret: "${PLANTED_SECRET}"')
    text = text.replace("token: demo", 'token: "${PLANTED_TOKEN}"')
    start, end = text.index("source:"), text.index("records:")
    source = "source: {file: {path: events.jsonl}}\nretry: {attempts: 3, first: 10ms, most: 50ms, age: 1h}\n"
    path.write_text(text[:start] + source + text[end:], "utf-8")
    events = [json.dumps(person(number)).encode() for number in range(1, 21)] + BROKEN
    (project / "events.jsonl").write_bytes(b"\n".join(events) + b"\n")
    return project


@contextmanager
def mocked(monkeypatch: pytest.MonkeyPatch, patch: dict[str, Any]) -> Iterator[Running]:
    merged = {name: MOCK[name] | patch.get(name, {}) for name in MOCK}
    with running_mock(Settings.model_validate(merged)) as running:
        monkeypatch.setenv("MOCK_URL", running.url)
        yield running


def leaks(said: str, *, people: bool = True) -> list[str]:
    low = said.lower()
    return [word for word in (*(PEOPLE if people else ()), *(v.lower() for v in SECRETS.values())) if word in low]


RULES = [
    {"field": "External_Id__c", "every": 3, "message": STRANGER},
    {"field": "syncflow_id", "every": 4, "message": STRANGER},
]
TROUBLES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "refused": {"salesforce": {"refuse": RULES[:1]}, "hubspot": {"refuse": RULES[1:]}},
    "every record refused": {
        "salesforce": {"refuse": {"field": "External_Id__c", "every": 1, "message": STRANGER}},
        "hubspot": {"refuse": {"field": "syncflow_id", "every": 1, "message": STRANGER}},
    },
    "wrong secrets there": {"salesforce": {"client_secret": "x"}, "hubspot": {"token": "x"}},
    **{
        kind: {name: {"faults": {kind: 1.0}} for name in ("salesforce", "hubspot")}
        for kind in ("status_401", "status_429", "status_500", "html", "reset")
    },
    "invalid and locked": {
        name: {"faults": {"invalid": 0.5, "lock": 0.3, "cut": 0.1}} for name in ("salesforce", "hubspot")
    },
}
COMMANDS = (
    ["dlq", "list", "--output", "json"],
    ["dlq", "list", "--reasons"],
    ["dlq", "redrive", "--all", "--dry-run"],
    ["status", "--output", "json"],
    ["status", "P3", "--mask"],
    ["replay", "--dry-run", "--mask"],
    ["dlq", "show", "1", "--mask"],
    ["dlq", "drop", "--stage", "schema", "--yes"],
    ["check"],
    ["run", "--wait", "0.2", "--output", "json"],
)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_no_run_tells_of_a_record(
    trouble: str, command: Command, planted: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    caplog.set_level("DEBUG")
    with mocked(monkeypatch, TROUBLES[trouble]):
        ran = command("run", "--wait", "0.2", "--log-format", "json")
    assert "Traceback" not in ran.err
    assert leaks(ran.out + ran.err) == []
    assert leaks(caplog.text) == [], "of whatever library"


@pytest.mark.parametrize("trouble", ["refused", "wrong secrets there"])
def test_no_command_that_was_not_asked_for_a_record_tells_of_one(
    trouble: str, command: Command, planted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mocked(monkeypatch, TROUBLES[trouble]):
        command("run", "--wait", "0.2", "--quiet")
        ended = {" ".join(arguments): command(*arguments) for arguments in COMMANDS}
    assert {name: found for name, each in ended.items() if (found := leaks(each.out + each.err))} == {}


def test_who_asks_for_a_record_is_told_of_the_person_and_of_no_secret(
    command: Command, planted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mocked(monkeypatch, TROUBLES["refused"]):
        command("run", "--quiet")
        asked = [
            command("status", "P3").out,
            command("dlq", "export").out,
            command("dry-run", "--events", "events.jsonl").out,
        ]
        number = json.loads(command("dlq", "list", "--record", "P3", "--output", "json").out)["dead_letters"][0]["id"]
        asked.append(command("dlq", "show", str(number)).out)
    for said in asked:
        assert "Plantowska" in said
        assert leaks(said, people=False) == []


def test_a_running_process_tells_nothing_in_lines_logs_or_metrics(
    planted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    routes = planted / "routes.yaml"
    routes.write_text(
        routes.read_text("utf-8").replace("{path: events.jsonl}", "{path: events.jsonl, follow: true}"), "utf-8"
    )
    with mocked(monkeypatch, TROUBLES["refused"]), running("--metrics", "0") as (process, first):
        until(lambda: 'state="dead"} 3' in read(first.split()[-1]))
        page = read(first.split()[-1])
        process.terminate()
        out, err = process.communicate(timeout=PATIENCE)
    assert leaks(first + out + err + page) == []
    assert "delivery.dead" in err


def test_a_refused_sender_is_not_quoted(planted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    routes = planted / "routes.yaml"
    webhook = 'webhook: {listen: "127.0.0.1:0", signature: {header: X-Signature, secret: "${PLANTED_SECRET}"}}'
    routes.write_text(routes.read_text("utf-8").replace("file: {path: events.jsonl}", webhook), "utf-8")
    body = json.dumps(person(1)).encode()
    with mocked(monkeypatch, {}), running("--metrics", "0") as (process, first):
        address = listening(process.pid, besides=first)
        for headers in ({}, {"X-Signature": SECRETS["PLANTED_TOKEN"]}):
            request = urllib.request.Request(f"{address}/events?email=planted.mail@example.com", body, headers)
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request)
            assert refused.value.code in {401, 403}
            assert leaks(refused.value.read().decode()) == []
        process.terminate()
        out, err = process.communicate(timeout=PATIENCE)
    assert leaks(first + out + err) == []


@pytest.mark.parametrize(
    "written",
    [
        "token: TOKEN, tokne: SECRET",
        "token: [TOKEN, SECRET]",
        "token: {TOKEN: SECRET}",
        "token: TOKEN, token: SECRET",
        'token: "TOKEN',
        "tokne: TOKEN",
    ],
)
def test_what_is_wrong_in_a_file_is_told_without_the_secret_beside_it(
    written: str, command: Command, planted: Path
) -> None:
    routes = planted / "routes.yaml"
    literal = written.replace("TOKEN", SECRETS["PLANTED_TOKEN"]).replace("SECRET", SECRETS["PLANTED_SECRET"])
    routes.write_text(routes.read_text("utf-8").replace('token: "${PLANTED_TOKEN}"', literal, 1), "utf-8")
    ran = command("run", "--wait", "0")
    assert ran.code == 1
    assert leaks(ran.out + ran.err) == []
    for style in ("text", "sarif"):
        ended = command("validate", "--output", style)
        assert leaks(ended.out + ended.err) == [], style


def test_a_bug_is_told_by_its_places_without_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> None:
        raise ValueError("Plantina Plantowska")

    try:
        try:
            fails()
        except ValueError as error:
            raise ExceptionGroup("planted.mail@example.com", [error]) from error
    except ExceptionGroup as group:
        complain_of_bug(group)
    said = capsys.readouterr().err
    assert leaks(said) == []
    for text in ("this is a bug in syncflow", "ValueError", "test_planted.py:", "fails"):
        assert text in said


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_what_a_library_warns_of_is_told_without_its_words(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr(level="DEBUG", as_json=as_json)
    try:
        raise KeyError("planted.mail@example.com")  # noqa: TRY301
    except KeyError:
        logging.getLogger("asyncio").exception("Task %s failed", "Plantina Plantowska")
    said = capsys.readouterr().err
    assert leaks(said) == []
    for text in ("library.warned", "asyncio", "KeyError", "test_planted.py:"):
        assert text in said


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A run as a process, and the first line that it says."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "LOG_LEVEL": "DEBUG"}
    command = [sys.executable, "-m", "syncflow", "run", *arguments]
    with subprocess.Popen(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            assert process.stderr is not None
            yield process, process.stderr.readline()
        finally:
            process.kill()


def read(address: str) -> str:
    with urllib.request.urlopen(address) as answer:
        return str(answer.read().decode())


def _links(pid: int) -> Iterator[str]:
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            yield os.readlink(entry)  # noqa: PTH115  # it is no path


def listening(pid: int, *, besides: str) -> str:
    """Return the address that a process listens on, other than the one it has told, once it does."""
    told = {int(port) for port in re.findall(r":(\d+)", besides)}
    while True:
        time.sleep(0.02)
        links = [*_links(pid)]
        rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
        ports = {int(row[1].split(":")[1], 16) for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in links}
        for port in ports - told:
            return f"http://127.0.0.1:{port}"
