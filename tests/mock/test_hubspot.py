"""The mock HubSpot answers as the vendor does: ``hubspot.yaml`` holds the laws, this file what no table can say."""

from __future__ import annotations

from typing import Any

import pytest

from .kit import Asker, Case, cases, play

BATCH = "/hubspot/crm/v3/objects/contacts/batch"
SIGNED_IN = {"Authorization": "Bearer demo"}


def _inputs(count: int, **more: Any) -> list[dict[str, Any]]:
    return [
        {
            "id": f"A{number}",
            "idProperty": "syncflow_id",
            "objectWriteTraceId": f"t{number}",
            "properties": {"firstname": "x", **more},
        }
        for number in range(count)
    ]


@pytest.mark.parametrize("case", cases("hubspot.yaml"))
def test_law(case: Case) -> None:
    play(case, mount="/hubspot", headers=SIGNED_IN)


def test_results_are_shuffled_in_the_same_way_for_the_same_seed() -> None:
    orders = []
    for seed in (1, 1, 2):
        asker = Asker({"seed": seed})
        answer = asker.ask("POST", f"{BATCH}/upsert", headers=SIGNED_IN, json={"inputs": _inputs(50)}).json()
        orders.append([each["objectWriteTraceId"] for each in answer["results"]])
    sent = [each["objectWriteTraceId"] for each in _inputs(50)]
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == sorted(sent)
    assert orders[0] != sent


def test_more_than_100_inputs_are_refused() -> None:
    answer = Asker().ask("POST", f"{BATCH}/upsert", headers=SIGNED_IN, json={"inputs": _inputs(101)})
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


def test_a_value_may_have_65536_characters() -> None:
    asker = Asker()
    for length, status in ((65_536, 200), (65_537, 207)):
        inputs = _inputs(1, message="x" * length)
        assert asker.ask("POST", f"{BATCH}/upsert", headers=SIGNED_IN, json={"inputs": inputs}).status_code == status


def test_every_answer_has_a_correlation_id_of_its_own_in_body_and_header() -> None:
    asker = Asker()
    answers = [asker.ask("GET", "/hubspot/crm/v3/objects/contacts") for _ in range(3)]
    ids = [answer.json()["correlationId"] for answer in answers]
    assert ids == [answer.headers["X-HubSpot-Correlation-Id"] for answer in answers]
    assert len(set(ids)) == 3


def test_a_token_from_the_endpoint_expires() -> None:
    asker = Asker()
    form = {"grant_type": "refresh_token", "client_id": "demo", "client_secret": "demo", "refresh_token": "demo"}
    token = asker.ask("POST", "/hubspot/oauth/v1/token", data=form).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert asker.ask("GET", "/hubspot/crm/v3/objects/contacts", headers=headers).status_code == 200
    asker.ask("POST", "/admin/expire/hubspot")
    refused = asker.ask("GET", "/hubspot/crm/v3/objects/contacts", headers=headers)
    assert (refused.status_code, refused.json()["category"]) == (401, "EXPIRED_AUTHENTICATION")
    assert refused.json()["message"].startswith("The OAuth token used to make this call expired 0 minute(s) ago.")


def test_every_property_is_defined_whole() -> None:
    listed = Asker().ask("GET", "/hubspot/crm/v3/properties/contacts", headers=SIGNED_IN).json()["results"]
    needed = {"name", "label", "type", "fieldType", "description", "groupName", "options"}
    assert all(needed <= each.keys() for each in listed)
    assert {"syncflow_id", "contact_type", "lifecyclestage"} <= {each["name"] for each in listed}
    writable = [each for each in listed if not each["modificationMetadata"]["readOnlyValue"]]
    assert (len(listed), len(writable)) == (271, 78)


def test_an_account_has_at_most_ten_unique_properties_of_its_own() -> None:
    asker = Asker()
    made = [
        asker.ask(
            "POST",
            "/hubspot/crm/v3/properties/contacts",
            headers=SIGNED_IN,
            json={
                "name": f"key{number}",
                "label": "k",
                "type": "string",
                "fieldType": "text",
                "groupName": "contactinformation",
                "hasUniqueValue": True,
            },
        ).status_code
        for number in range(10)
    ]
    assert made == [201] * 9 + [400]


def test_clients_without_a_base_path_are_served_at_the_root() -> None:
    assert Asker().ask("GET", "/crm/v3/objects/contacts", headers=SIGNED_IN).status_code == 200
