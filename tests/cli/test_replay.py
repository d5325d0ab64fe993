"""replay: the newest version of each record goes through today's files, after a look at what that changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from syncflow.mock.server import Running
from tests.cli.conftest import Command
from tests.cli.systems import good_events, held


@pytest.fixture
def delivered(command: Command, from_file: Path, mock: Running) -> Path:
    good_events(from_file)
    assert command("run", "--quiet").code == 0
    return from_file


def changed_mapping(project: Path) -> None:
    path = project / "mappings" / "salesforce_contact.yaml"
    path.write_text(path.read_text("utf-8").replace("value: syncflow", "value: replayed"), "utf-8")


def test_what_is_as_it_was_is_only_counted(command: Command, delivered: Path) -> None:
    ended = command("replay", "--dry-run")
    assert (ended.code, ended.out) == (
        0,
        "contacts A1001  contacts/salesforce\n"
        "  nothing to be sent: it left the route and stays there (on_leave: keep)\n\n"
        "5 records: sent 5 as before\n",
    )


def test_a_difference_is_shown_field_by_field_and_maskable(command: Command, delivered: Path) -> None:
    changed_mapping(delivered)
    shown = command("replay", "--dry-run", "--record", "A1003").out
    assert shown == (
        'contacts A1003  contacts/salesforce\n  LeadSource: "syncflow" → "replayed"\n\n1 record: sent 1 differently than before\n'
    )
    assert '"syncflow"' not in command("replay", "--dry-run", "--record", "A1003", "--mask").out


def test_a_replay_is_confirmed_and_the_next_run_sends_it(command: Command, delivered: Path, mock: Running) -> None:
    changed_mapping(delivered)
    assert command("replay", "--record", "A1003").code == 2
    ended = command("replay", "--record", "A1003", "--yes")
    assert ended.out.splitlines()[-1] == (
        "1 record marked to be sent again; a run in progress sends them within a second, otherwise the next run does"
    )
    assert "1 marked to be sent again" in command("status").out
    assert command("run", "--quiet").code == 0
    sent = json.loads(command("status", "A1003", "--output", "json").out)["deliveries"]
    assert [row["payload"]["LeadSource"] for row in sent] == ["syncflow", "replayed"]
    assert held(mock, "salesforce", "Contact") == 2


def test_a_record_that_was_deleted_stays_deleted(command: Command, delivered: Path, mock: Running) -> None:
    ended = command("replay", "--record", "A1002", "--yes")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        "error: contacts A1002 was deleted (event 8), and deleted records stay deleted\n"
        "hint: a new event that creates it sends it\n"
    )


def test_what_would_be_a_dead_letter_is_said_before(command: Command, delivered: Path) -> None:
    routes = delivered / "routes.yaml"
    routes.write_text(routes.read_text("utf-8").replace("      employee: salesforce\n", ""), "utf-8")
    shown = command("replay", "--record", "A1003", "--dry-run").out
    assert "  a dead letter: no route takes it\n" in shown
    assert shown.endswith("1 record: nothing to be sent; 1 dead letter\n")


def test_a_new_route_can_be_filled_from_the_journal(command: Command, delivered: Path) -> None:
    routes = delivered / "routes.yaml"
    routes.write_text(routes.read_text("utf-8").replace("employee: salesforce", "employee: hubspot"), "utf-8")
    shown = json.loads(command("replay", "--route", "contacts/hubspot", "--dry-run", "--output", "json").out)
    news = [row["record"] for row in shown["changes"] if row["before"] is None]
    assert news == ["A1003"]
    assert command("replay", "--route", "contacts/hubspot", "--record", "A1003", "--yes").code == 0
    assert json.loads(command("run", "--quiet", "--output", "json").out)["clean"]


def test_a_route_that_is_not_there_is_named_with_those_that_are(command: Command, delivered: Path) -> None:
    ended = command("replay", "--route", "nowhere")
    assert ended.code == 2
    assert "contacts/salesforce" in ended.err


def test_times_choose_records_by_when_they_were_read(command: Command, delivered: Path) -> None:
    assert command("replay", "--until", "1d", "--dry-run").code == 1
    assert command("replay", "--since", "1d", "--dry-run").code == 0


def test_a_route_that_does_not_take_the_record_is_said_so(command: Command, delivered: Path) -> None:
    ended = command("replay", "--record", "contacts A1003", "--route", "contacts/hubspot", "--dry-run")
    assert (ended.code, ended.err) == (
        1,
        "error: the route contacts/hubspot does not take contacts A1003\n"
        "hint: without --route the same command shows what becomes of them\n",
    )


def test_a_route_is_found_by_its_former_name(command: Command, delivered: Path) -> None:
    routes = delivered / "routes.yaml"
    text = routes.read_text("utf-8")
    routes.write_text(text.replace("routes:\n  - ", "routes:\n  - name: people\n    was: contacts\n    "), "utf-8")
    ended = command("replay", "--route", "contacts/hubspot", "--dry-run")
    assert ended.code == 2
    assert "there is no route contacts/hubspot; it is called people/hubspot now" in ended.err
