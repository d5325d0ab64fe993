"""The two systems that ``syncflow mock`` serves: Salesforce and HubSpot, with fields of our own for the record's id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from syncflow.adapters.http import Transport
from syncflow.mock.server import create_app
from syncflow.mock.settings import Settings
from syncflow.mock.state import Mock
from tests.adapters.inside import Inside
from tests.adapters.vendors.base import Fields, Holding, Trial, Vendor
from tests.adapters.vendors.faults import Faults


class Mocked(Vendor):
    """One system of the mock, and one of its objects."""

    def __init__(self, faults: Faults, name: str, kind: str, key: str) -> None:
        super().__init__(faults)
        self._name, self._kind, self._key = name, kind, key
        self._mock = Mock(Settings.model_validate({name: {"rate": "off"}}))

    def transport(self) -> Transport:
        return Inside(create_app(mock=self._mock))

    def held(self) -> Holding:
        records = self._mock.systems[self._name].records()[self._kind]
        flat = [record.get("properties", record) for record in records]
        return {str(each[self._key]): each for each in flat}


class Paired(Mocked):
    """Contacts and companies of HubSpot that are there, and by which type they are associated."""

    _PAIR = ("contacts", "companies")

    def __init__(self, faults: Faults, number: int, sends: Fields) -> None:
        super().__init__(faults, "hubspot", "contacts", "syncflow_id")
        self._number, self._sends = number, sends
        contacts, companies = (self._mock.hubspot.types[kind] for kind in self._PAIR)
        for count in range(100):
            contacts.create({"syncflow_id": f"A{count:04}", "lastname": "L"})
        for count in range(7):
            companies.create({"syncflow_id": f"Works {count}", "name": "N"})

    def held(self) -> Holding:
        names = {
            kind: {each.id: each.values["syncflow_id"] for each in self._mock.hubspot.types[kind].records.values()}
            for kind in self._PAIR
        }
        pairs = self._mock.hubspot.associations.get(self._PAIR, {})
        found = {
            names["contacts"][one]: [
                names["companies"][other] for other, types in others.items() if self._number in {n for _, n in types}
            ]
            for one, others in pairs.items()
        }
        return {
            name: {**self._sends, "id": name, "from": name, "to": ", ".join(to)} for name, to in found.items() if to
        }


def _paired(kind: str, number: int, **more: Any) -> Trial:
    sends = {"from_type": "contacts", "to_type": "companies", **more}
    return Trial(
        adapter="hubspot",
        object=kind,
        vendor=lambda faults: Paired(faults, number, sends),
        key="id",
        fields={
            "id": "item.id",
            "from": "item.id",
            "to": "item.company",
            **{name: f"'{value}'" if isinstance(value, str) else f"`{value}`" for name, value in sends.items()},
        },
        auth={"token": "demo"},
        base_url="http://mock.test/hubspot",
        events=20,
    )


def _mocked(name: str, kind: str, key: str) -> Callable[[Faults], Vendor]:
    return lambda faults: Mocked(faults, name, kind, key)


def _trial(name: str, kind: str, key: str, **fields: str) -> Trial:
    auth = {"token": "demo"} if name == "hubspot" else {"access_token": "demo"}
    return Trial(
        adapter=name,
        object=kind,
        vendor=_mocked(name, kind, key),
        key=key,
        fields={key: "item.id", **fields},
        auth=auth,
        base_url=f"http://mock.test/{name}",
        describes={"fields": {key: {"unique": True}}},
    )


TRIALS = [
    _trial("salesforce", "Contact", "External_Id__c", LastName="item.name", Email="item.email"),
    _trial("salesforce", "Lead", "External_Id__c", LastName="item.name", Company="item.company"),
    _trial("hubspot", "contacts", "syncflow_id", firstname="item.name", email="item.email"),
    _paired("associations", 279),
    _paired("labels", 36, type_id=36, category="USER_DEFINED"),
]
