"""However odd a request is, the mock answers it as a vendor would: with a refusal, never with a breakdown of its own."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import orjson
import pytest

from syncflow.mock import Mock, Settings
from syncflow.mock.wire import Call

ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    1.5,
    "",
    "x",
    "²",
    [],
    [None],
    [1],
    ["x"],
    [[]],
    {},
    {"x": 1},
    [{}],
    [{"id": {}}],
)
KEYS = (
    "inputs", "records", "properties", "filterGroups", "sorts", "limit", "after", "query", "ids", "fields",
    "compositeRequest", "graphs", "batchRequests", "person", "objectId", "idProperty", "primaryObjectId", "name", "options",
    "LastName", "Email", "Birthdate", "AccountId", "hasUniqueValue", "allOrNone",
)  # fmt: skip
INNER: tuple[dict[str, Any], ...] = (
    {"filterGroups": [{"filters": 1}]},
    {"filterGroups": [{"filters": [{"propertyName": [], "operator": {}}]}]},
    {"filterGroups": [{"filters": [{"propertyName": "email", "operator": "IN", "values": 1}]}]},
    {"sorts": [{"propertyName": 1}]},
    {"inputs": [{"id": "1", "idProperty": [], "properties": {}}]},
    {"inputs": [{"id": "1", "objectWriteTraceId": {}, "properties": {"email": []}}]},
    {"inputs": [{"id": "x", "idProperty": "syncflow_id", "objectWriteTraceId": 1, "properties": {"firstname": "x"}}]},
    {"inputs": [{"id": "1"}], "idProperty": {}, "properties": 1},
    {"records": [{"attributes": 1}]},
    {"records": [{"attributes": {"type": "Nothing"}}]},
    {"records": [{"attributes": {"type": "Contact"}, "id": {}, "LastName": []}]},
    {"compositeRequest": [{"url": 1, "method": [], "referenceId": {}}]},
    {
        "compositeRequest": [
            {"url": "/services/data/v67.0/composite", "method": "POST", "body": {"compositeRequest": 1}}
        ]
    },
    {"batchRequests": [{"url": [], "method": 1}]},
    {"graphs": [{"compositeRequest": 1}]},
    {"name": [], "label": {}, "type": [], "fieldType": 1, "groupName": 1},
    {"name": "n", "label": "l", "type": "number", "fieldType": "x", "groupName": "g", "options": [1]},
    {"person": {"display_name": 1}},
)
BODIES = [
    b"", b"{", b"\xff", b"nul",
    *(orjson.dumps(odd) for odd in ODD),
    *(orjson.dumps({key: odd}) for key, odd in product(KEYS, ODD)),
    *(orjson.dumps(body) for body in INNER),
]  # fmt: skip
HEADERS = {"authorization": "Bearer demo", "x-directory-key": "demo-key"}
QUERIES: tuple[dict[str, str], ...] = (
    {},
    {"limit": "²", "after": "x", "q": "SELECT", "ids": ",", "fields": ",", "idProperty": "nothing"},
    {"q": "SELECT Id FROM Contact WHERE Birthdate > 'x' AND LastName > 3", "ids": "x", "idProperty": "email"},
)


def _paths(system: str, template: str) -> list[str]:
    prefix = {"salesforce": "/services/data/v67.0", "hubspot": "/crm/v3", "directory": ""}[system]
    mount = "" if template.startswith(("/services", "/oauth", "/id/")) else prefix
    words = ("Contact", "contacts", "External_Id__c", "%C2%B2")
    mixed = (
        template.replace("{name}", "contacts").replace("{property_name}", "phone").replace("{field}", "External_Id__c")
    )
    return [mount + re.sub(r"\{\w+\}", word, each) for each in (template, mixed) for word in words]


@pytest.mark.parametrize("name", ["salesforce", "hubspot", "directory"])
def test_no_request_breaks_the_mock(name: str) -> None:
    mock = Mock(Settings())
    system = mock.systems[name]
    for route in system.routes.table:
        bodies = BODIES if route.method in {"POST", "PUT", "PATCH"} else [b""]
        for path, query, body in product(_paths(name, route.template), QUERIES, bodies):
            answer = system.answer(Call(route.method, path, query, HEADERS, body, "http://mock"))
            assert 200 <= answer.status < 500, (route.method, path, query, body)
