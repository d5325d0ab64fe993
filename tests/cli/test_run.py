"""run, status and dlq against mock systems over real sockets: exit codes say how it ended, and nothing is left unsaid."""

from __future__ import annotations

import hmac
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO

import pytest

from syncflow.mock.server import Running
from tests.cli.conftest import ROOT, Command
from tests.cli.systems import good_events, held
from tests.patience import PATIENCE, until
from tests.ports import free_port


def test_a_run_without_a_fault_is_0_and_the_mocks_hold_what_the_events_imply(
    command: Command, from_file: Path, mock: Running
) -> None:
    good_events(from_file)
    ended = command("run", "--output", "json", "--quiet")
    tally = json.loads(ended.out)
    assert (ended.code, tally["clean"], tally["stopped"], tally["open"]) == (0, True, "", 0)
    assert tally["events"] == {"read": 9, "ignored": 1, "duplicate": 0, "dead": 0, "routed": 8}
    assert held(mock, "salesforce", "Contact") == 2
    assert held(mock, "hubspot", "contacts") == 4


def test_a_dead_letter_makes_it_1_and_can_be_looked_at(command: Command, from_file: Path, mock: Running) -> None:
    assert command("run", "--quiet").code == 1
    listed = json.loads(command("dlq", "list", "--output", "json").out)
    assert [(row["stage"], row["line"], row["record"]) for row in listed["dead_letters"]] == [("schema", 10, "A1007")]
    shown = command("dlq", "show", "1")
    assert shown.code == 0
    assert "item.email" in shown.out
    assert "not an address" in shown.out
    assert command("dlq", "show", "99").code == 1


def test_no_listing_shows_personal_data(command: Command, from_file: Path, mock: Running) -> None:
    ran = command("run")
    said = ran.out + ran.err + command("dlq", "list").out + command("status").out
    assert not [word for word in ("Alice", "alice.smith", "555-010", "not an address") if word in said]


def test_the_end_is_told_per_route(command: Command, from_file: Path, mock: Running) -> None:
    ended = command("run", "--quiet")
    assert ended.out.startswith("10 events read: 8 routed, 1 ignored, 1 dead letter\n")
    for text in ("contacts/salesforce", "contacts/hubspot", "DELIVERED", "P95", "`syncflow dlq list` says why"):
        assert text in ended.out


def test_a_second_run_goes_on_where_the_first_ended(command: Command, from_file: Path, mock: Running) -> None:
    path = from_file / "events.jsonl"
    path.write_text("".join(path.read_text("utf-8").splitlines(keepends=True)[:3]), "utf-8")
    assert command("run", "--limit", "2", "--quiet").code == 0
    rest = json.loads(command("run", "--quiet", "--output", "json").out)
    assert (rest["clean"], rest["events"]["read"]) == (True, 1)
    again = json.loads(command("run", "--quiet", "--output", "json").out)
    assert (again["clean"], again["events"]["read"]) == (True, 0)
    assert held(mock, "salesforce", "Contact") == 3


def test_a_drain_works_without_the_source_and_one_route_alone(command: Command, from_file: Path, mock: Running) -> None:
    good_events(from_file)
    first = json.loads(command("run", "--quiet", "--output", "json", "--route", "contacts/hubspot").out)
    assert (first["clean"], first["withheld"], first["open"]) == (True, 4, 0)
    assert held(mock, "salesforce", "Contact") == 0
    (from_file / "events.jsonl").unlink()
    ended = command("run", "--quiet", "--drain")
    assert ended.code == 0
    assert ended.out.startswith(
        "0 events read: 0 routed, 0 ignored, 0 dead letters; 4 deliveries left by earlier runs\n"
    )
    assert held(mock, "salesforce", "Contact") == 2


REFUSED = {
    "a slip": (
        ("--route", "contact"),
        "--route: there is no route contact; there is contacts/salesforce, contacts/hubspot",
    ),
    "a limit of nothing": (
        ("--drain", "--limit", "5"),
        "--drain reads nothing, so --limit, --from-start and --resnapshot have no meaning with it",
    ),
}


@pytest.mark.parametrize(("options", "words"), REFUSED.values(), ids=REFUSED)
def test_options_that_cannot_be_meant_are_refused(
    command: Command, from_file: Path, options: tuple[str, ...], words: str
) -> None:
    ended = command("run", *options)
    assert ended.code == 2
    assert words in " ".join(ended.err.replace("│", " ").split())


def test_a_log_level_that_is_none_is_refused(
    command: Command, from_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "NOPE")
    ended = command("run", "--quiet")
    assert ended.code == 2
    assert "LOG_LEVEL is 'NOPE'; expected one of DEBUG, INFO, WARNING, ERROR, CRITICAL" in ended.err


def test_a_json_log_holds_nothing_but_json(command: Command, from_file: Path, mock: Running) -> None:
    ended = command("run", "--log-format", "json", "--metrics", "0")
    lines = [json.loads(line) for line in ended.err.splitlines()]
    assert any(line.get("text", "").startswith("metrics on http://") for line in lines)
    assert ended.out == ""
    assert lines[-1]["event"] == "run.ended"
    assert lines[-1]["events"]["read"] == 10
    quiet = command("run", "--log-format", "json", "--quiet")
    assert quiet.out == ""
    assert [json.loads(line)["event"] for line in quiet.err.splitlines()] == ["run.ended"]
    (from_file / "events.jsonl").unlink()
    ended = command("run", "--log-format", "json", "--from-start")
    assert [json.loads(line)["text"] for line in ended.err.splitlines() if "error" in line]


def test_status_tells_all_that_became_of_a_record(command: Command, from_file: Path, mock: Running) -> None:
    good_events(from_file)
    command("run", "--quiet")
    known = json.loads(command("status", "A1001", "--output", "json").out)
    assert [(event["change"], event["state"]) for event in known["events"]] == [
        ("create", "routed"),
        ("update", "routed"),
    ]
    assert {row["system"]: row["state"] for row in known["presence"]} == {"salesforce": "present", "hubspot": "present"}
    assert command("status", "nobody").code == 1


def test_check_signs_in_to_every_system(command: Command, project: Path, mock: Running) -> None:
    ended = command("check")
    assert ended.code == 0
    assert [line.split(":")[:2] for line in ended.out.splitlines()] == [["salesforce", " good"], ["hubspot", " good"]]


def test_check_names_the_system_that_refuses_and_no_secret(command: Command, project: Path, mock: Running) -> None:
    path = project / "routes.yaml"
    path.write_text(path.read_text("utf-8").replace("token: demo", "token: not-the-right-one"), "utf-8")
    ended = command("check")
    assert ended.code == 1
    assert "hubspot: refused: " in ended.out
    assert "not-the-right-one" not in ended.out + ended.err


def test_systems_that_are_not_there_leave_everything_in_the_journal(
    command: Command, from_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOCK_URL", f"http://127.0.0.1:{free_port()}")
    good_events(from_file)
    ended = command("run", "--wait", "2", "--quiet")
    assert ended.code == 1
    assert "8 deliveries left in the journal; the next run goes on with them" in ended.out
    assert "hubspot cannot be reached: cannot connect to 127.0.0.1:" in ended.out
    assert ended.err.count("WARNING system.unreachable system=hubspot") == 1
    again = command("run", "--wait", "2", "--quiet")
    assert again.out.startswith(
        "0 events read: 0 routed, 0 ignored, 0 dead letters; 8 deliveries left by earlier runs\n"
    )
    assert "Traceback" not in ended.err


def started(project: Path, mock: Running, *arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MOCK_URL": mock.url, "EVENTS_PER_SECOND": "50"}
    return subprocess.Popen(
        [sys.executable, "-m", "syncflow", "run", *arguments],
        cwd=project, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_ends_a_run_in_order(project: Path, mock: Running, number: signal.Signals) -> None:
    with started(project, mock, "--metrics", "0") as run:
        assert run.stderr is not None
        address = run.stderr.readline().split()[-1]
        assert address.endswith("/metrics")
        until(lambda: held(mock, "salesforce", "Contact"))
        run.send_signal(number)
        out, err = run.communicate(timeout=PATIENCE)
    assert run.returncode == 128 + number
    assert f"ended early: {number.name}" in out
    assert "Traceback" not in err


def test_a_run_can_be_watched(project: Path, mock: Running) -> None:
    with started(project, mock, "--metrics", "0") as run:
        assert run.stderr is not None
        address = run.stderr.readline().split()[-1].removesuffix("/metrics")
        until(lambda: held(mock, "salesforce", "Contact"))
        pages = {
            name: urllib.request.urlopen(f"{address}/{name}").read().decode()
            for name in ("metrics", "healthz", "readyz")
        }
        run.terminate()
        run.communicate(timeout=PATIENCE)
    assert (pages["healthz"], pages["readyz"]) == ("alive\n", "ready\n")
    assert 'syncflow_deliveries_total{route="contacts/salesforce",state="delivered"}' in pages["metrics"]
    assert 'syncflow_delivery_seconds_bucket{le="+Inf",route="contacts/salesforce"}' in pages["metrics"]


def said(stream: IO[str], words: str) -> str:
    """Read on until a line holds these words; the test's own time limit ends a wait in vain."""
    for line in stream:
        if words in line:
            return line
    raise AssertionError(f"the run ended without saying {words!r}")


def posted(url: str, body: bytes, signature: str) -> int:
    request = urllib.request.Request(url, body, {"X-Signature": signature}, method="POST")
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def test_a_webhook_says_where_it_listens_and_takes_what_is_signed(
    from_file: Path, mock: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    routes, first = from_file / "routes.yaml", (from_file / "events.jsonl").read_bytes().splitlines()[0]
    hook = 'webhook: {listen: "127.0.0.1:0", signature: {secret: "${HOOK_SECRET}"}}'
    routes.write_text(routes.read_text("utf-8").replace("file: {path: events.jsonl}", hook), "utf-8")
    monkeypatch.setenv("HOOK_SECRET", "between us")
    good = hmac.new(b"between us", first, "sha256").hexdigest()
    with started(from_file, mock) as run:
        assert run.stderr is not None
        url = said(run.stderr, "webhook.listening").split("url=")[1].strip()
        assert [posted(url, first, signature) for signature in ("", "0" * 64, good)] == [401, 401, 200]
        until(lambda: held(mock, "salesforce", "Contact"))
        run.terminate()
        out, err = run.communicate(timeout=PATIENCE)
    assert run.returncode == 128 + signal.SIGTERM
    assert "1 event read: 1 routed" in out
    assert out.endswith(
        "ended early: SIGTERM\n2 requests to the webhook refused: bad_signature 1, no_signature 1\n"
        "everything that was read is accounted for\n"
    )
    assert "between us" not in out + err


def test_a_webhooks_secret_is_rotated_by_a_signal_and_its_port_stays(from_file: Path, mock: Running) -> None:
    routes, secret = from_file / "routes.yaml", from_file / "hook-secret"
    events = (from_file / "events.jsonl").read_bytes().splitlines()[:2]
    hook = 'webhook: {listen: "127.0.0.1:0", signature: {secret: "${file:hook-secret}"}}'
    routes.write_text(routes.read_text("utf-8").replace("file: {path: events.jsonl}", hook), "utf-8")

    def status(url: str, body: bytes, word: str) -> int:
        return posted(url, body, hmac.new(word.encode(), body, "sha256").hexdigest())

    secret.write_text("the-first-word", "utf-8")
    with started(from_file, mock) as run:
        assert run.stderr is not None
        url = said(run.stderr, "webhook.listening").split("url=")[1].strip()
        assert [status(url, events[0], word) for word in ("the-second-word", "the-first-word")] == [401, 200]
        secret.write_text("the-second-word", "utf-8")
        run.send_signal(signal.SIGHUP)
        line = said(run.stderr, "the changed files are in use")
        assert line == "the changed files are in use: source.webhook.signature.secret\n"
        assert [status(url, events[1], word) for word in ("the-first-word", "the-second-word")] == [401, 200]
        run.terminate()
        out, err = run.communicate(timeout=PATIENCE)
    assert run.returncode == 128 + signal.SIGTERM
    assert "2 events read: 2 routed" in out
    assert "2 requests to the webhook refused: bad_signature 2" in out
    assert "-word" not in out + err


@pytest.mark.parametrize("way", ["watch", "signal"])
def test_changed_files_are_taken_up_and_broken_ones_are_not(project: Path, mock: Running, way: str) -> None:
    routes = project / "routes.yaml"
    original = routes.read_text("utf-8")
    with started(project, mock, *(["--watch"] if way == "watch" else [])) as run:
        assert run.stderr is not None

        def change(text: str) -> None:
            routes.write_text(text, "utf-8")
            if way == "signal":
                run.send_signal(signal.SIGHUP)

        until(lambda: held(mock, "salesforce", "Contact"))
        change(original.replace("lead: salesforce", "lead: nowhere"))
        said(run.stderr, "the files are not used; the run goes on as it was")
        change(original.replace("vendor: hubspot", "vendor: salesforce"))
        line = said(run.stderr, "the changed files are in use")
        assert line == "the changed files are in use: routes.contacts.table.vendor\n"
        before = held(mock, "salesforce", "Contact")
        until(lambda: held(mock, "salesforce", "Contact") > before)
        run.terminate()
        run.communicate(timeout=PATIENCE)
    assert run.returncode == 128 + signal.SIGTERM
