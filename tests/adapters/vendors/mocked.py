"""The two systems that ``syncflow mock`` serves: Salesforce and HubSpot, with fields of our own for the record's id."""

from __future__ import annotations

from collections.abc import Callable

from syncflow.adapters.http import Transport
from syncflow.mock.server import create_app
from syncflow.mock.settings import Settings
from syncflow.mock.state import Mock
from tests.adapters.inside import Inside
from tests.adapters.vendors.base import Holding, Trial, Vendor
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
]
