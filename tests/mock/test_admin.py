"""What a person can turn, look at and undo while the mock runs."""

from __future__ import annotations

from typing import Any

import pytest

from syncflow.mock import Settings

from .kit import Asker

TOKEN = {"Authorization": "Bearer demo"}
CONTACTS = "/hubspot/crm/v3/objects/contacts"


def _create(asker: Asker, email: str) -> None:
    asker.ask("POST", CONTACTS, headers=TOKEN, json={"properties": {"email": email}})


def test_settings_are_read_and_changed_key_by_key() -> None:
    asker = Asker()
    changed = asker.ask(
        "PUT", "/admin/settings", json={"hubspot": {"latency_ms": 5}, "salesforce": {"daily": 7}}
    ).json()
    assert (changed["hubspot"]["latency_ms"], changed["hubspot"]["rate"], changed["salesforce"]["daily"]) == (
        5,
        "off",
        7,
    )
    asker.ask("PUT", "/admin/settings/hubspot", json={"rate": "9/s"})
    read = asker.ask("GET", "/admin/settings").json()
    assert (read["hubspot"]["rate"], read["hubspot"]["latency_ms"]) == ("9/s", 5)


def test_changed_settings_hold_at_once_and_records_stay() -> None:
    asker = Asker()
    _create(asker, "a@b.example")
    asker.ask("PUT", "/admin/settings/hubspot", json={"token": "another"})
    assert asker.ask("GET", CONTACTS, headers=TOKEN).status_code == 401
    listed = asker.ask("GET", CONTACTS, headers={"Authorization": "Bearer another"}).json()
    assert len(listed["results"]) == 1


_NO_PATTERN = "hubspot.refuse.0.pattern: not a regular expression: missing ), unterminated subpattern at position 0"
WRONG: list[Any] = [
    pytest.param({"hubspot": {"rate": "fast"}}, "hubspot.rate: a rate is written like 5/s, 100/10s or off; found 'fast'", id="rate"),
    pytest.param({"hubspot": {"speed": 1}}, "hubspot.speed: Extra inputs are not permitted", id="unknown-key"),
    pytest.param({"zendesk": {}}, "zendesk: Extra inputs are not permitted", id="unknown-system"),
    pytest.param({"hubspot": {"faults": {"reset": 2}}}, "hubspot.faults.reset: Input should be less than or equal to 1", id="probability"),
    pytest.param({"hubspot": {"refuse": {"field": "x"}}}, "hubspot.refuse.0: a rule has exactly one of values, every, pattern", id="rule"),
    pytest.param({"hubspot": {"refuse": {"field": "x", "pattern": "("}}}, _NO_PATTERN, id="pattern"),
]  # fmt: skip


@pytest.mark.parametrize(("patch", "complaint"), WRONG)
def test_settings_that_are_not_valid_are_refused_and_change_nothing(patch: dict[str, Any], complaint: str) -> None:
    asker = Asker()
    before = asker.ask("GET", "/admin/settings").json()
    refused = asker.ask("PUT", "/admin/settings", json=patch)
    assert (refused.status_code, refused.json()["detail"]) == (422, [complaint])
    assert asker.ask("GET", "/admin/settings").json() == before


def test_records_are_read_back_whole_or_in_pages() -> None:
    asker = Asker()
    for number in range(3):
        _create(asker, f"a{number}@b.example")
    everything = asker.ask("GET", "/admin/records/hubspot").json()
    assert [each["email"] for each in everything["contacts"]] == ["a0@b.example", "a1@b.example", "a2@b.example"]
    assert everything["contacts"][0]["id"] == "50000000001"
    page = asker.ask("GET", "/admin/records/HubSpot/Contacts?offset=1&limit=1").json()
    assert (page["total"], [each["email"] for each in page["records"]]) == (3, ["a1@b.example"])


@pytest.mark.parametrize("path", ["/admin/records/zendesk", "/admin/records/hubspot/things", "/admin/nothing"])
def test_what_is_not_there_is_not_found(path: str) -> None:
    assert Asker().ask("GET", path).status_code == 404


def test_a_reset_forgets_records_and_counts_but_not_settings_unless_asked() -> None:
    asker = Asker({"hubspot": {"rate": "100/s"}})
    _create(asker, "a@b.example")
    asker.ask("PUT", "/admin/settings/hubspot", json={"rate": "50/s"})
    asker.ask("POST", "/admin/reset")
    summary = asker.ask("GET", "/admin/summary").json()["hubspot"]
    assert (summary["records"]["contacts"], summary["requests"]["seen"]) == (0, 0)
    assert asker.ask("GET", "/admin/settings").json()["hubspot"]["rate"] == "50/s"
    asker.ask("POST", "/admin/reset?settings=true")
    assert asker.ask("GET", "/admin/settings").json()["hubspot"]["rate"] == "100/s"


def test_an_object_of_the_accounts_own_is_upserted_and_described_like_any_other() -> None:
    asker = Asker()
    assert asker.ask("POST", "/admin/objects/salesforce/Project__c").json() == {"name": "Project__c", "id": "a02"}
    row = {"attributes": {"type": "Project__c"}, "External_Id__c": "P1", "Name": "Moon"}
    where = "/salesforce/services/data/v67.0/composite/sobjects/Project__c/External_Id__c"
    (made,) = asker.ask("PATCH", where, headers=TOKEN, json={"allOrNone": False, "records": [row]}).json()
    assert (made["success"], made["created"], made["id"][:3]) == (True, True, "a02")
    told = asker.ask("GET", "/salesforce/services/data/v67.0/sobjects/Project__c/describe", headers=TOKEN).json()
    assert {"Id", "Name", "External_Id__c"} <= {field["name"] for field in told["fields"]}
    assert told["custom"] is True

    project = asker.ask("POST", "/admin/objects/hubspot/projects").json()
    where = f"/hubspot/crm/objects/2026-09/{project['id']}/batch/upsert"
    given = {"id": "P1", "idProperty": "syncflow_id", "properties": {"syncflow_id": "P1", "name": "Moon"}}
    assert asker.ask("POST", where, headers=TOKEN, json={"inputs": [given]}).status_code == 200
    assert asker.ask("GET", "/admin/records/hubspot/projects").json()["records"][0]["name"] == "Moon"


@pytest.mark.parametrize(
    ("where", "status"),
    [
        ("hubspot/contacts", 409),
        ("salesforce/contact", 409),
        ("salesforce/Project", 400),
        ("directory/x", 400),
        ("hubspot/a.b", 422),
    ],
)
def test_an_object_that_is_there_or_cannot_be_is_not_added(where: str, status: int) -> None:
    assert Asker().ask("POST", f"/admin/objects/{where}").status_code == status


def test_the_api_page_lists_every_system() -> None:
    asker = Asker()
    described = asker.ask("GET", "/openapi.json").json()
    assert {tag for path in described["paths"].values() for each in path.values() for tag in each["tags"]} == {
        "admin",
        "salesforce",
        "hubspot",
        "directory",
    }
    assert "post" in described["paths"]["/hubspot/crm/v3/objects/{name}/batch/upsert"]
    assert asker.ask("GET", "/docs").status_code == 200
    ids = [each["operationId"] for path in described["paths"].values() for each in path.values()]
    assert len(ids) == len(set(ids))


def test_the_landing_page_says_how_to_sign_in() -> None:
    page = Asker().ask("GET", "/")
    assert page.headers["content-type"].startswith("text/html")
    assert "X-Directory-Key: demo-key" in page.text


def test_the_environment_sets_all_systems_or_one() -> None:
    settings = Settings.from_env(
        {
            "MOCK_RATE": "off",
            "MOCK_HUBSPOT_RATE": "3/s",
            "MOCK_DAILY": "10",
            "MOCK_SALESFORCE_DAILY": "off",
            "MOCK_LATENCY_MS": "20",
            "MOCK_FAULTS": "status_503=0.05, reset=0.01",
            "MOCK_SEED": "7",
        }
    )
    assert (settings.salesforce.rate, settings.hubspot.rate, settings.directory.rate) == ("off", "3/s", "off")
    assert (settings.salesforce.daily, settings.hubspot.daily, settings.seed) == (None, 10, 7)
    assert (settings.hubspot.latency_ms, settings.hubspot.faults) == (20, {"status_503": 0.05, "reset": 0.01})


def test_an_environment_that_sets_nothing_gives_the_defaults() -> None:
    assert Settings.from_env({"MOCK_RATE": "", "MOCK_SEED": ""}) == Settings()


def test_an_environment_that_is_not_valid_is_named() -> None:
    with pytest.raises(
        ValueError, match=r"the settings of the mock are not valid:\nseed: .*integer.*\nsalesforce.rate: a rate"
    ):
        Settings.from_env({"MOCK_SEED": "x", "MOCK_SALESFORCE_RATE": "fast"})
