"""The mock Salesforce answers as the vendor does: ``salesforce.yaml`` holds the laws, this file what no table can say."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest

from syncflow.mock.salesforce.ids import new_id, normal_id, with_check

from .kit import Asker, Case, cases, play

BASE = "/salesforce/services/data/v67.0"
SIGNED_IN = {"Authorization": "Bearer demo"}


@pytest.mark.parametrize("case", cases("salesforce.yaml"))
def test_law(case: Case) -> None:
    play(case, mount="/salesforce", headers=SIGNED_IN)


@pytest.mark.parametrize(
    ("short", "check"),
    [("a01M00000062mPg", "IAI"), ("001M000000qfPyS", "IAU"), ("a0RE000000IJmcN", "MAT"), ("AbCdEfGhIjKlMnO", "VKV")],
)
def test_ids_carry_the_right_check(short: str, check: str) -> None:
    assert with_check(short) == short + check


def test_ids_are_unique_and_start_with_the_prefix_of_their_object() -> None:
    ids = [new_id("003", number) for number in range(1, 200)]
    assert len(set(ids)) == len(ids)
    assert all(each.startswith("003") and normal_id(each[:15]) == each for each in ids)


@pytest.mark.parametrize("text", ["", "003", "003Hp0000000001-", 7, None, "003Hp0000000001IA"])
def test_what_has_not_the_shape_of_an_id_is_none(text: object) -> None:
    assert normal_id(text) is None


def test_a_token_from_the_endpoint_opens_the_door_until_it_is_made_to_expire() -> None:
    asker = Asker()
    form = {"grant_type": "client_credentials", "client_id": "demo", "client_secret": "demo"}
    token = asker.ask("POST", "/salesforce/services/oauth2/token", data=form).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert asker.ask("GET", f"{BASE}/limits", headers=headers).status_code == 200
    asker.ask("POST", "/admin/expire/salesforce")
    refused = asker.ask("GET", f"{BASE}/limits", headers=headers)
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")


@pytest.mark.parametrize(("claims", "status"), [({}, 200), ({"exp": 1}, 400), ({"iss": "x"}, 400), ({"sub": ""}, 400)])
def test_an_assertion_is_taken_when_its_claims_are_right(claims: dict[str, Any], status: int) -> None:
    told = {"iss": "demo", "sub": "ada@example.com", "aud": "https://login.salesforce.com", "exp": time.time() + 180}
    part = base64.urlsafe_b64encode(json.dumps({**told, **claims}).encode()).decode().rstrip("=")
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": f"e30.{part}.c2ln"}
    assert Asker().ask("POST", "/salesforce/services/oauth2/token", data=form).status_code == status


@pytest.mark.parametrize(("characters", "status"), [(16_000, 400), (17_000, 414)])
def test_an_address_has_at_most_16_kb(characters: int, status: int) -> None:
    answer = Asker().ask("GET", f"{BASE}/query", headers=SIGNED_IN, params={"q": "x" * characters})
    assert answer.status_code == status
    assert answer.json()[0]["errorCode"]


def test_more_than_200_records_are_refused_whole() -> None:
    records = [{"attributes": {"type": "Contact"}, "LastName": "x"}] * 201
    answer = Asker().ask("POST", f"{BASE}/composite/sobjects", headers=SIGNED_IN, json={"records": records})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "EXCEEDED_ID_LIMIT")


def test_more_than_ten_chunks_of_types_are_refused_whole() -> None:
    records = [{"attributes": {"type": kind}, "LastName": "x"} for kind in ["Contact", "Lead"] * 6]
    answer = Asker().ask("POST", f"{BASE}/composite/sobjects", headers=SIGNED_IN, json={"records": records})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_INPUT")


def test_long_answers_of_a_query_come_in_pages() -> None:
    asker = Asker()
    for _ in range(2):
        records = [{"attributes": {"type": "Contact"}, "LastName": "x"}] * 200
        asker.ask("POST", f"{BASE}/composite/sobjects", headers=SIGNED_IN, json={"records": records})
    small = {**SIGNED_IN, "Sforce-Query-Options": "batchSize=200"}
    first = asker.ask("GET", f"{BASE}/query", headers=small, params={"q": "SELECT Id FROM Contact"}).json()
    assert (first["totalSize"], first["done"], len(first["records"])) == (400, False, 200)
    rest = asker.ask("GET", "/salesforce" + first["nextRecordsUrl"], headers=small).json()
    assert (rest["done"], len(rest["records"]), "nextRecordsUrl" in rest) == (True, 200, False)
    assert not {each["Id"] for each in first["records"]} & {each["Id"] for each in rest["records"]}


def test_describe_lists_custom_fields_with_their_flags() -> None:
    asker = Asker()
    asker.ask("POST", "/admin/fields/salesforce/Contact", json={"name": "Score__c", "type": "int", "digits": 3})
    described = asker.ask("GET", f"{BASE}/sobjects/Contact/describe", headers=SIGNED_IN).json()
    fields = {field["name"]: field for field in described["fields"]}
    key = fields["External_Id__c"]
    assert (key["externalId"], key["idLookup"], key["unique"], key["length"], key["caseSensitive"]) == (
        True, True, True, 255, False,
    )  # fmt: skip
    assert (fields["LastName"]["nillable"], fields["LastName"]["length"], fields["Score__c"]["type"]) == (
        False,
        80,
        "int",
    )
    assert all(len(field) > 50 for field in fields.values())


def test_the_versions_have_their_names() -> None:
    listed = {each["version"]: each["label"] for each in Asker().ask("GET", "/salesforce/services/data/").json()}
    assert (listed["65.0"], listed["66.0"], listed["67.0"], listed["68.0"]) == (
        "Winter '26", "Spring '26", "Summer '26", "Winter '27",
    )  # fmt: skip


def test_clients_without_a_base_path_are_served_at_the_root() -> None:
    assert Asker().ask("GET", "/services/data/v67.0/limits", headers=SIGNED_IN).status_code == 200
