"""Injected faults: what the client sees, and whether the request took effect. Over real sockets where it must be."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import httpx
import pytest

from syncflow.mock import Running, running_mock
from syncflow.mock.faults import Faults, Refusals
from syncflow.mock.limits import Meter
from syncflow.mock.settings import Refuse, Settings, SystemSettings
from tests.patience import PATIENCE

from .kit import UNLIMITED, Asker

TOKEN = {"Authorization": "Bearer demo"}
UPSERT = "/hubspot/crm/v3/objects/contacts/batch/upsert"
INPUTS = [
    {"id": f"A{n}", "idProperty": "syncflow_id", "objectWriteTraceId": f"t{n}", "properties": {"firstname": "x"}}
    for n in range(20)
]
COLLECTION = "/salesforce/services/data/v67.0/composite/sobjects/Contact/External_Id__c"
RECORDS = [{"attributes": {"type": "Contact"}, "External_Id__c": f"A{n}", "LastName": "x"} for n in range(20)]


@pytest.fixture(scope="module")
def served() -> Iterator[Running]:
    with running_mock(Settings().changed(UNLIMITED)) as running:
        yield running


def _struck(served: Running, fault: str, **knobs: Any) -> tuple[httpx.Response | None, int]:
    """The answer, or None when there was none, and how many contacts there are then."""
    served.mock.reset()
    served.mock.configure({"hubspot": {"faults": {fault: 1}, "hold_seconds": 0, "drip_seconds": 0, **knobs}})
    try:
        answer = httpx.post(served.url + UPSERT, headers=TOKEN, json={"inputs": INPUTS}, timeout=PATIENCE)
    except (httpx.RemoteProtocolError, httpx.ReadError):
        return None, served.mock.hubspot.counts()["contacts"]
    return answer, served.mock.hubspot.counts()["contacts"]


def test_a_reset_gives_no_answer_and_has_no_effect(served: Running) -> None:
    assert _struck(served, "reset") == (None, 0)


def test_a_timeout_gives_no_answer_although_it_took_effect(served: Running) -> None:
    assert _struck(served, "timeout") == (None, 20)


def test_an_html_page_comes_with_200_and_has_no_effect(served: Running) -> None:
    answer, held = _struck(served, "html")
    assert answer is not None
    assert (answer.status_code, answer.headers["content-type"][:9], held) == (200, "text/html", 0)


def test_an_empty_answer_took_effect(served: Running) -> None:
    answer, held = _struck(served, "empty")
    assert answer is not None
    assert (answer.status_code, answer.content, held) == (200, b"", 20)


def test_a_cut_answer_is_half_of_one_and_took_effect(served: Running) -> None:
    answer, held = _struck(served, "cut")
    assert answer is not None
    assert (answer.status_code, answer.text[:24], held) == (200, '{"status":"COMPLETE","re', 20)
    with pytest.raises(ValueError, match=r"JSON|Expecting|Unterminated|delimiter"):
        answer.json()


def test_a_dripping_answer_is_whole_in_the_end(served: Running) -> None:
    answer, held = _struck(served, "drip")
    assert answer is not None
    assert (len(answer.json()["results"]), held) == (20, 20)


def test_the_next_request_after_a_reset_is_served(served: Running) -> None:
    _struck(served, "reset")
    served.mock.configure({"hubspot": {"faults": {}}})
    assert (
        httpx.get(served.url + "/hubspot/crm/v3/objects/contacts", headers=TOKEN, timeout=PATIENCE).status_code == 200
    )


STATUSES: list[Any] = [
    pytest.param("hubspot", "status_423", 423, "locked", id="hubspot-423"),
    pytest.param("hubspot", "status_429", 429, "policyName", id="hubspot-429"),
    pytest.param("hubspot", "status_477", 477, "moving", id="hubspot-477"),
    pytest.param("hubspot", "status_502", 502, "correlationId", id="hubspot-502"),
    pytest.param("salesforce", "status_429", 403, "ConcurrentRequests", id="salesforce-429"),
    pytest.param("salesforce", "status_500", 500, "UNKNOWN_EXCEPTION", id="salesforce-500"),
    pytest.param("salesforce", "status_503", 503, "SERVER_UNAVAILABLE", id="salesforce-503"),
    pytest.param("directory", "status_503", 503, "trouble", id="directory-503"),
]


@pytest.mark.parametrize(("system", "fault", "status", "word"), STATUSES)
def test_an_injected_status_has_the_vendors_own_body(system: str, fault: str, status: int, word: str) -> None:
    answer = Asker({system: {"faults": {fault: 1}}}).ask("GET", f"/{system}/anything", headers=TOKEN)
    assert (answer.status_code, word in answer.text) == (status, True)
    assert ("retry-after" in answer.headers) == (status == 477)


SESSIONS: list[Any] = [
    pytest.param(
        "/salesforce/services/oauth2/token", {"grant_type": "client_credentials"},
        "/salesforce/services/data/v67.0/limits", "INVALID_SESSION_ID", id="salesforce",
    ),
    pytest.param(
        "/hubspot/oauth/v1/token", {"grant_type": "refresh_token", "refresh_token": "demo"},
        "/hubspot/crm/v3/objects/contacts", "EXPIRED_AUTHENTICATION", id="hubspot",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("sign_in", "form", "path", "code"), SESSIONS)
def test_an_injected_401_ends_a_session_that_is_no_longer_new(
    sign_in: str, form: dict[str, str], path: str, code: str
) -> None:
    faults = {"faults": {"status_401": 1}}
    asker = Asker({"salesforce": faults, "hubspot": faults})
    form = {**form, "client_id": "demo", "client_secret": "demo"}
    for _ in range(2):
        headers = {"Authorization": f"Bearer {asker.ask('POST', sign_in, data=form).json()['access_token']}"}
        answers = [asker.ask("GET", path, headers=headers) for _ in range(22)]
        assert [answer.status_code for answer in answers] == [200] * 20 + [401, 401]
        assert code in answers[-1].text


@pytest.mark.parametrize("system", ["salesforce", "hubspot", "directory"])
def test_what_cannot_expire_is_spared_an_injected_401(system: str) -> None:
    asker = Asker({system: {"faults": {"status_401": 1}}})
    path = {
        "salesforce": "/salesforce/services/data/v67.0/limits",
        "hubspot": "/hubspot/crm/v3/objects/contacts",
        "directory": "/directory/v1/people",
    }[system]
    headers = {**TOKEN, "X-Directory-Key": "demo-key"}
    assert [asker.ask("GET", path, headers=headers).status_code for _ in range(25)] == [200] * 25


def test_a_left_out_record_is_written_and_not_told() -> None:
    for system, path, body in (
        ("hubspot", UPSERT, {"inputs": INPUTS}),
        ("salesforce", COLLECTION, {"records": RECORDS}),
    ):
        asker = Asker({system: {"faults": {"left_out": 1}}})
        answer = asker.ask("POST" if system == "hubspot" else "PATCH", path, headers=TOKEN, json=body).json()
        assert len(answer["results"] if system == "hubspot" else answer) == 19
        assert next(iter(asker.mock.systems[system].counts().values())) == 20


@pytest.mark.parametrize(
    ("fault", "code"), [("lock", "UNABLE_TO_LOCK_ROW"), ("invalid", "FIELD_CUSTOM_VALIDATION_EXCEPTION")]
)
def test_a_record_that_is_struck_fails_alone(fault: str, code: str) -> None:
    asker = Asker({"salesforce": {"faults": {fault: 0.5}}})
    results = asker.ask("PATCH", COLLECTION, headers=TOKEN, json={"records": RECORDS}).json()
    failed = [result for result in results if not result["success"]]
    assert 0 < len(failed) < 20
    assert {result["errors"][0]["statusCode"] for result in failed} == {code}
    assert asker.mock.salesforce.counts()["Contact"] == 20 - len(failed)


def test_a_lock_holds_up_the_whole_request_where_the_vendor_knows_no_other_way() -> None:
    asker = Asker({"hubspot": {"faults": {"lock": 1}}})
    answer = asker.ask("POST", UPSERT, headers=TOKEN, json={"inputs": INPUTS})
    assert (answer.status_code, asker.mock.hubspot.counts()["contacts"]) == (423, 0)


def test_faults_are_the_same_for_the_same_seed_and_as_frequent_as_asked() -> None:
    settings = SystemSettings(faults={"status_503": 0.2, "reset": 0.1, "cut": 0.5})
    draws = []
    for seed in (1, 1, 2):
        faults = Faults(settings, Random(seed), Meter(settings))
        draws.append([faults.before() for _ in range(2000)])
    assert draws[0] == draws[1] != draws[2]
    assert 300 < draws[0].count("status_503") < 500
    assert 130 < draws[0].count("reset") < 270
    assert "cut" not in draws[0]


RULES: list[Any] = [
    pytest.param(Refuse(field="f", values=["a", "b"]), ["a", "b"], ["c", "A", None], id="values"),
    pytest.param(Refuse(field="f", pattern="^x"), ["x", "xa"], ["ax", None], id="pattern"),
    pytest.param(Refuse(field="f", every=10), ["A10", "A-12-30", "0"], ["A11", "A1", None], id="every"),
    pytest.param(Refuse(field="f", every=1), ["anything", "A1"], [None], id="every-one"),
    pytest.param(Refuse(field="f", values=["a"], object="other"), [], ["a"], id="another-object"),
    pytest.param(Refuse(field="f", values=["a"], object="CONTACT"), ["a"], [], id="this-object"),
]


@pytest.mark.parametrize(("rule", "refused", "taken"), RULES)
def test_a_customers_rule_refuses_what_it_says(rule: Refuse, refused: list[str], taken: list[str | None]) -> None:
    refusals = Refusals([rule])
    assert all(refusals.message("Contact", {"f": value}) == rule.message for value in refused)
    assert all(refusals.message("Contact", {"f": value}) is None for value in taken)
