"""The vendors' official clients work against the mock unmodified. They are imported where they are used, for one of them takes seconds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from syncflow.mock import Running, Settings, running_mock

from .kit import UNLIMITED


@pytest.fixture(scope="module")
def served() -> Iterator[Running]:
    with running_mock(Settings().changed(UNLIMITED)) as running:
        yield running


def _salesforce(url: str) -> Any:
    """A client whose https is led to the mock, for it knows nothing else."""
    import requests
    from simple_salesforce.api import Salesforce

    mock = urlsplit(url)

    class ToMock(requests.adapters.HTTPAdapter):
        def send(self, request: Any, *arguments: Any, **options: Any) -> Any:
            asked = urlsplit(request.url)
            request.url = urlunsplit((mock.scheme, mock.netloc, asked.path, asked.query, ""))
            request.headers["Host"] = mock.netloc
            return super().send(request, *arguments, **options)

    session = requests.Session()
    session.mount("https://", ToMock())
    return Salesforce(consumer_key="demo", consumer_secret="demo", domain="acme.my", session=session)


def test_simple_salesforce(served: Running) -> None:
    org = _salesforce(served.url)
    created = org.Contact.create({"LastName": "Lovelace"})
    assert org.Contact.update(created["id"], {"FirstName": "Ada"}) == 204
    assert org.Contact.get(created["id"])["Name"] == "Ada Lovelace"
    assert [org.Contact.upsert("External_Id__c/A1", {"LastName": name}) for name in "xy"] == [201, 200]
    assert org.query("SELECT COUNT() FROM Contact")["totalSize"] == 2
    assert {each["LastName"] for each in org.query_all("SELECT LastName FROM Contact")["records"]} == {"Lovelace", "y"}
    assert org.Contact.describe()["keyPrefix"] == "003"
    assert org.api_usage["api-usage"].total == 5_000_000
    assert org.Contact.delete(created["id"]) == 204
    served.mock.salesforce.expire()
    assert org.Contact.get_by_custom_id("External_Id__c", "A1")["LastName"] == "y"


def test_simple_salesforce_with_bulk_jobs(served: Running) -> None:
    contacts = _salesforce(served.url).bulk2.Contact
    made = contacts.insert(records=[{"LastName": "Carson"}, {"LastName": ""}], wait=0)[0]
    assert (made["numberRecordsProcessed"], made["numberRecordsFailed"], made["numberRecordsTotal"]) == (2, 1, 2)
    told = contacts.get_all_ingest_records(made["job_id"])
    assert told["failedRecords"][0]["sf__Error"].startswith("REQUIRED_FIELD_MISSING:")
    assert told["unprocessedRecords"] == []
    record = told["successfulRecords"][0]["sf__Id"]
    rows = [{"External_Id__c": f"B{number}", "LastName": "x"} for number in range(5)]
    jobs = contacts.upsert(records=rows, external_id_field="External_Id__c", batch_size=2, wait=0)
    assert [job["numberRecordsProcessed"] for job in jobs] == [2, 2, 1]
    assert contacts.update(records=[{"Id": record, "LastName": "King"}], wait=0)[0]["numberRecordsFailed"] == 0
    assert contacts.delete(records=[{"Id": record}], wait=0)[0]["numberRecordsFailed"] == 0
    with pytest.raises(Exception, match="Field name not found : Foo__c"):
        contacts.insert(records=[{"Foo__c": "x"}], wait=0)


def test_hubspot_api_client_with_its_own_validation(served: Running) -> None:
    from hubspot import HubSpot
    from hubspot.crm import contacts

    account = HubSpot(access_token="demo", host=served.url, client_side_validation=True)
    api = account.crm.contacts
    made = api.basic_api.create(
        contacts.SimplePublicObjectInputForCreate(properties={"email": "a@b.example"}, associations=[])
    )
    assert api.basic_api.get_by_id("a@b.example", id_property="email").id == made.id
    inputs = [
        contacts.SimplePublicObjectBatchInputUpsert(
            id=f"A{number}", id_property="syncflow_id", object_write_trace_id=str(number), properties={"email": email}
        )
        for number, email in enumerate(("c@d.example", "foo", "e@f.example"))
    ]
    batch = contacts.BatchInputSimplePublicObjectBatchInputUpsert
    mixed = api.batch_api.upsert(batch(inputs=inputs))
    assert (len(mixed.results), mixed.errors[0].context) == (2, {"objectWriteTraceId": ["1"]})
    good = api.batch_api.upsert(batch(inputs=inputs[::2]))
    assert {each.object_write_trace_id for each in good.results} == {"0", "2"}
    read = contacts.BatchReadInputSimplePublicObjectId(
        inputs=[contacts.SimplePublicObjectId(id=key) for key in ("A0", "nobody")],
        id_property="syncflow_id", properties=["email"], properties_with_history=[],
    )  # fmt: skip
    assert api.batch_api.read(read).errors[0].context == {"ids": ["nobody"]}
    assert len(account.crm.properties.core_api.get_all("contacts").results) == 271
    api.basic_api.archive(made.id)
    with pytest.raises(contacts.ApiException, match="404"):
        api.basic_api.get_by_id(made.id)


def test_hubspot_api_client_associates_records(served: Running) -> None:
    from hubspot import HubSpot
    from hubspot.crm import companies, contacts
    from hubspot.crm.associations import v4

    account = HubSpot(access_token="demo", host=served.url)
    person = account.crm.contacts.basic_api.create(
        contacts.SimplePublicObjectInputForCreate(properties={"email": "g@h.example"}, associations=[])
    )
    company = account.crm.companies.basic_api.create(
        companies.SimplePublicObjectInputForCreate(properties={"name": "Acme"}, associations=[])
    )
    api, one, two = account.crm.associations.v4.batch_api, {"id": person.id}, {"id": company.id}
    types = [{"associationCategory": "USER_DEFINED", "associationTypeId": 36}]
    typed = v4.BatchInputPublicAssociationMultiPost(inputs=[{"from": one, "to": two, "types": types}])
    made = api.create("contacts", "companies", typed)
    assert str(made.results[0].to_object_id) == company.id
    asked = v4.BatchInputPublicFetchAssociationsBatchRequest(inputs=[one])
    assert len(api.get_page("contacts", "companies", asked).results[0].to[0].association_types) == 2
    api.archive_labels("contacts", "companies", typed)
    assert len(api.get_page("contacts", "companies", asked).results[0].to[0].association_types) == 1
    api.archive(
        "contacts", "companies", v4.BatchInputPublicAssociationMultiArchive(inputs=[{"from": one, "to": [two]}])
    )
    assert api.get_page("contacts", "companies", asked).results == []
