"""Life stories of contacts for the default project, and what its two systems must hold after them: an independent reading."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import orjson

SALESFORCE = {"lead", "prospect", "employee"}
TYPES = ("lead", "prospect", "employee", "customer", "partner", "vendor")


def write_stories(path: Path, *, count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Write a JSONL file of ``count`` events: creates, updates, changes of type, deletes, and records that come again."""
    random = Random(seed)
    alive: dict[str, dict[str, Any]] = {}
    events = []
    for number in range(1, count + 1):
        operation = "create" if not alive else random.choices(("create", "update", "delete"), (6, 3, 1))[0]
        item = _changed(random, alive, operation, number)
        if operation == "delete":
            del alive[item["id"]]
        else:
            alive[item["id"]] = item
        event = {"record": "contacts", "operation": operation, "timestamp": "2024-01-15T10:30:00.123456", "item": item}
        events.append(event)
    path.write_bytes(b"".join(orjson.dumps(event) + b"\n" for event in events))
    return events


def _changed(random: Random, alive: dict[str, dict[str, Any]], operation: str, number: int) -> dict[str, Any]:
    if operation == "create":
        id_ = f"A{number}"
        item: dict[str, Any] = {"id": id_, "email": f"a{number}@example.com", "contact_type": random.choice(TYPES)}
    else:
        item = dict(alive[random.choice(list(alive))])
    if operation == "update" and random.random() < 0.2:
        item["contact_type"] = random.choice(TYPES)
    item["name"] = f"Ada{number} Lovelace{number}"
    item["phone"] = random.choice((None, f"+1-555-01{number % 100:02}"))
    item["created_at"] = item["updated_at"] = "2024-01-15T10:30:00.123456"
    return item


@dataclass
class Implied:
    """What the systems must hold: record id → the last item that went there."""

    salesforce: dict[str, dict[str, Any]] = field(default_factory=dict)
    hubspot: dict[str, dict[str, Any]] = field(default_factory=dict)


def implied(events: Iterable[dict[str, Any]]) -> Implied:
    """Follow the events: each goes where its type says; a record that changed sides stays where it was; a delete goes everywhere."""
    found = Implied()
    for event in events:
        item = event["item"]
        if event["operation"] == "delete":
            found.salesforce.pop(item["id"], None)
            found.hubspot.pop(item["id"], None)
        else:
            side = found.salesforce if item["contact_type"] in SALESFORCE else found.hubspot
            side[item["id"]] = item
    return found


def as_salesforce(item: dict[str, Any]) -> dict[str, Any]:
    first, last = item["name"].split()
    return {
        "External_Id__c": item["id"],
        "FirstName": first,
        "LastName": last,
        "Email": item["email"],
        "Phone": item["phone"],
        "LeadSource": "syncflow",
        "Contact_Type__c": item["contact_type"].title(),
    }


def as_hubspot(item: dict[str, Any]) -> dict[str, Any]:
    first, last = item["name"].split()
    return {
        "syncflow_id": item["id"],
        "firstname": first,
        "lastname": last,
        "email": item["email"],
        "phone": item["phone"],
        "contact_type": item["contact_type"],
    }
