"""explain: every value that decided is shown, nothing is sent or remembered, and personal data can be hidden."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from syncflow.compiler.build import build
from syncflow.config.project import load_project
from syncflow.runtime.engine import Engine
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.testing import FakeSystems, ListSource, VirtualClock, run_virtually
from tests.cli.conftest import Command

LEAD = {"id": "A1", "name": "Ada Lovelace", "email": "ADA@Example.com", "contact_type": "lead"}
Explain = Callable[..., Any]


def event(item: Any, operation: str = "create", record: str = "contacts", **more: Any) -> dict[str, Any]:
    return {"record": record, "operation": operation, "timestamp": "2026-01-01T00:00:00Z", "item": item, **more}


def samples(folder: Path, *events: Any) -> Path:
    path = folder / "sample.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in events), "utf-8")
    return path


@pytest.fixture
def explained(command: Command, project: Path) -> Explain:
    def run(*events: Any, code: int = 0, options: tuple[str, ...] = ()) -> Any:
        ended = command("explain", "--event", samples(project, *events), "--output", "json", *options)
        assert ended.code == code
        return json.loads(ended.out)["events"]

    return run


def test_a_person_reads_rules_routes_and_fields(command: Command, project: Path) -> None:
    ended = command("explain", "--event", samples(project, event(LEAD)))
    assert ended.code == 0
    for line in (
        "line 1  contacts A1: create  → routed",
        "  ignore record != 'contacts': no  [record = \"contacts\"]",
        '    by item.contact_type = "lead"',
        "    → contacts/salesforce, by mappings/salesforce_contact.yaml: upsert Contact, External_Id__c = A1, "
        "because item.contact_type = lead → salesforce",
        "        LastName         \"Lovelace\"  ← truncate(last_name(item.name) || 'Unknown', `80`)  "
        '[item.name = "Ada Lovelace"]',
        "        Phone            null  ← item.phone  [item.phone is absent]",
        '        Contact_Type__c  "Lead"  ← item.contact_type, in the table as lead',
        '        LeadSource       "syncflow"  ← constant',
        "  journal: there is none yet, so nothing is known to be anywhere",
        "  would send: upsert Contact in salesforce, External_Id__c = A1",
    ):
        assert f"{line}\n" in ended.out


def test_a_field_tells_where_its_value_comes_from(explained: Explain) -> None:
    (found,) = explained(event(LEAD))
    (leg,) = found["routes"][0]["to"]
    fields = {field["field"]: field for field in leg["fields"]}
    assert {name: field["value"] for name, field in fields.items()} == leg["payload"]
    assert (fields["Contact_Type__c"]["how"], fields["Contact_Type__c"]["entry"]) == ("table", "lead")
    assert (fields["LeadSource"]["how"], fields["LeadSource"]["from"]) == ("constant", None)
    assert fields["Email"]["from"] == {
        "expression": "lower(item.email)",
        "value": "ada@example.com",
        "error": "",
        "read": [{"path": "item.email", "value": "ADA@Example.com", "there": True}],
    }


@pytest.mark.parametrize(
    ("given", "code", "becomes", "reason"),
    [
        (event({**LEAD, "email": "nobody"}), 1, "dead", "item.email is not a valid e-mail"),
        (event(LEAD, record="planets"), 0, "ignored", ""),
        (event({"id": "A1"}, "delete"), 1, "dead", "no route takes it, and the record is not known to be anywhere"),
        ("nonsense", 1, "dead", "the event is not a JSON object"),
        ({"record": "contacts"}, 1, "dead", "the event does not say what happened to the record"),
    ],
)
def test_what_is_not_sent_says_why(explained: Explain, given: Any, code: int, becomes: str, reason: str) -> None:
    (found,) = explained(given, code=code)
    assert found["becomes"] == becomes
    assert [letter["reason"] for letter in found["dead_letters"]] == ([reason] if reason else [])
    assert found["would_send"] == []


def test_every_misfit_is_told(explained: Explain) -> None:
    (found,) = explained(event({"id": "", "contact_type": "alien", "email": 5}), code=1)
    assert {misfit["path"] for misfit in found["schema"]} == {"id", "name", "email", "contact_type"}


def test_an_ignore_rule_that_fires_is_told_with_its_values(explained: Explain) -> None:
    (found,) = explained(event(LEAD, record="planets"))
    (rule,) = found["ignore"]
    assert (rule["holds"], rule["read"]) == (True, [{"path": "record", "value": "planets", "there": True}])


def rewrite(project: Path, *replacements: tuple[str, str]) -> None:
    path = project / "routes.yaml"
    text = path.read_text("utf-8")
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, "utf-8")


def test_a_table_that_does_not_name_the_value_says_so(explained: Explain, project: Path) -> None:
    rewrite(project, ("      lead: salesforce\n", ""))
    (found,) = explained(event(LEAD), code=1)
    assert found["routes"][0]["verdict"] == "no: the table does not name lead"


def test_a_rule_that_does_not_hold_says_so_with_what_it_read(explained: Explain, project: Path) -> None:
    route = "  - {name: calls, when: item.phone, to: salesforce, mapping: mappings/salesforce_contact.yaml}\n"
    rewrite(project, ("routes:\n", f"routes:\n{route}"))
    without, with_phone = explained(event(LEAD), event({**LEAD, "phone": "555"}))
    assert [found["routes"][0]["verdict"] for found in (without, with_phone)] == ["no: the rule does not hold", "yes"]
    assert without["routes"][0]["when"]["read"] == [{"path": "item.phone", "value": None, "there": False}]


def test_a_mapping_that_fails_is_told_at_its_field(explained: Explain, project: Path) -> None:
    path = project / "mappings" / "salesforce_contact.yaml"
    path.write_text(path.read_text("utf-8").replace("lead: Lead, ", "").replace("    default: Other\n", ""), "utf-8")
    assert "unreadable" not in path.read_text("utf-8")
    (found,) = explained(event(LEAD))
    (leg,) = found["routes"][0]["to"]
    assert "Contact_Type__c" not in leg["payload"]
    unread = {field["field"]: field["unreadable"] for field in leg["fields"] if field["unreadable"]}
    assert unread == {"Contact_Type__c": ["the table has no entry for the value (text of 4 characters)"]}
    path.write_text(path.read_text("utf-8").replace("{{ item.name }}", "{{ item.absent }}"), "utf-8")
    (found,) = explained(event(LEAD), code=1)
    (leg,) = found["routes"][0]["to"]
    assert leg["failure"].startswith("Description: ")
    assert {field["field"] for field in leg["fields"] if field["how"] == "fails"} == {"Description"}
    assert leg["payload"] is None


def test_personal_data_can_be_hidden(command: Command, project: Path) -> None:
    secret = {**LEAD, "phone": "+1-555-010-0199", "nickname": "Countess"}
    for output in ("text", "json"):
        shown = command("explain", "--mask", "--output", output, "--event", samples(project, event(secret))).out
        shown = shown.replace("unreadable", "")
        assert not [text for text in ("Ada", "ada", "Lovelace", "example.com", "0199", "Countess") if text in shown]
        assert "***" in shown
        assert "A1" in shown
        assert "lead" in shown


def test_what_a_schema_does_not_describe_is_hidden_whole(command: Command, project: Path) -> None:
    shown = command("explain", "--mask", "--event", samples(project, event({"id": "X9"}, record="planets"))).out
    assert "X9" not in shown


def deliver(project: Path, *events: Any) -> None:
    """Let a run deliver events to systems in memory."""
    clock, loaded = VirtualClock(), load_project(project / "routes.yaml", offline=True)

    async def main() -> None:
        await Engine(
            build(loaded),
            source=ListSource(events),
            journal=SqliteJournal(project / ".syncflow" / "journal.db", inline=True, now=clock.now),
            systems=FakeSystems(),
            clock=clock,
        ).run()

    (project / ".syncflow").mkdir()
    run_virtually(main())


def test_the_journal_is_asked_and_left_as_it_is(command: Command, project: Path) -> None:
    deliver(project, event(LEAD))
    journal = project / ".syncflow" / "journal.db"
    before = journal.read_bytes()
    ended = command("explain", "--event", samples(project, event({"id": "A1"}, "delete")))
    there = "present in salesforce/Contact as id-A1, External_Id__c = A1 (by contacts/salesforce)"
    assert (
        f"  journal: {there}\n  would send: delete Contact in salesforce, External_Id__c = A1 (there as id-A1)\n"
        in ended.out
    )
    assert ended.code == 0
    assert journal.read_bytes() == before


def test_what_a_route_would_leave_out_is_told(command: Command, project: Path) -> None:
    """By a route that sends only what changed."""
    routes = project / "routes.yaml"
    routes.write_text(
        routes.read_text("utf-8").replace("  - by: item.contact_type", "  - send: changed\n    by: item.contact_type"),
        "utf-8",
    )
    deliver(project, event(LEAD))
    same = command("explain", "--event", samples(project, event(LEAD, "update")))
    assert (
        "  would send nothing: upsert Contact in salesforce, External_Id__c = A1 (there as id-A1), where every field is as it was last "
        "delivered (send: changed)\n"
    ) in same.out
    renamed = command("explain", "--event", samples(project, event({**LEAD, "name": "Ada King"}, "update")))
    assert (
        "  would send: upsert Contact in salesforce, External_Id__c = A1 (there as id-A1), without Contact_Type__c, Email, FirstName, "
        "LeadSource, Phone, as last delivered (send: changed)\n"
    ) in renamed.out


def test_a_record_that_leaves_a_route_is_told_to_stay(command: Command, project: Path) -> None:
    deliver(project, event(LEAD))
    ended = command("explain", "--event", samples(project, event({**LEAD, "contact_type": "customer"}, "update")))
    assert "  would send: upsert contacts in hubspot, syncflow_id = A1\n" in ended.out
    assert "  would leave it where contacts/salesforce put it (on_leave: keep)\n" in ended.out


def test_a_journal_that_cannot_be_read_is_named(command: Command, project: Path) -> None:
    (project / ".syncflow").mkdir()
    (project / ".syncflow" / "journal.db").write_text("no journal", "utf-8")
    ended = command("explain", "--event", samples(project, event(LEAD)))
    assert ended.code == 1
    assert ended.err.startswith(f"error: the journal {Path('.syncflow/journal.db')} cannot be used: ")


def test_a_json_document_may_hold_one_event_or_a_list(command: Command, project: Path) -> None:
    path = project / "one.json"
    path.write_text(json.dumps(event(LEAD), indent=2), "utf-8")
    assert command("explain", "--event", path).code == 0
    path.write_text(json.dumps([event(LEAD), event(LEAD)], indent=2), "utf-8")
    assert command("explain", "--event", path).out.count("→ routed") == 2
    path.write_text("{", "utf-8")
    ended = command("explain", "--event", path.name)
    assert (ended.code, ended.err.splitlines()) == (
        1,
        [
            "error: there is no event in one.json: the last line of one.json has no end, and is no whole event: "
            "it is left for the next run",
            "hint: JSON lines, a JSON document (.json) or CSV with a header (.csv) are expected",
        ],
    )


@pytest.mark.parametrize("name", ["none.jsonl", "none.json"])
def test_a_file_that_is_not_there_is_named(command: Command, project: Path, name: str) -> None:
    ended = command("explain", "--event", name)
    assert ended.code == 1
    assert name in ended.err
    assert "Traceback" not in ended.err


def test_no_event_is_1(command: Command, project: Path) -> None:
    ended = command("explain", "--event", samples(project))
    assert ended.code == 1
    assert ended.err.startswith("error: there is no event in ")


def test_code_prints_the_python_of_the_routes_and_of_every_mapping(command: Command, project: Path) -> None:
    ended = command("explain", "--code")
    assert ended.code == 0
    assert "# mappings/hubspot_contact.yaml\ndef payload(root):\n    item = root['item']\n" in ended.out
    assert "'firstname': split_name_name[0] or 'Unknown'," in ended.out
    assert "# routes.yaml\n" in ended.out
    assert "def route(root):\n    record = root['record']\n    if record == 'contacts':\n" in ended.out


def test_what_a_delivery_waits_for_is_told(command: Command) -> None:
    example = Path(__file__).parents[2] / "examples" / "related-records"
    said = command("explain", str(example / "routes.yaml"), "--events", str(example / "events.jsonl"))
    assert "id = employer of P1, once contacts P1, companies C1 are there (after)" in said.out
    assert "id = employer of P3, once contacts P3 is there (after)" in said.out
