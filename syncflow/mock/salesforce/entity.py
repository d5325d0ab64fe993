"""One object (Contact, Lead, …): its fields, its records and the indexes over them. All writing goes through here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from ..system import Desk
from .fields import Field, make_field, moment_text, shipped
from .ids import new_id, normal_id
from .problems import CONVERTED, DELETED, LOCKED, NOT_FOUND, Problem

Record = dict[str, Any]
Undo = Callable[[], None]

USER_ID = "005Hp0000000001IAA"
_CUSTOM: tuple[dict[str, Any], ...] = (
    {"name": "External_Id__c", "label": "External Id", "type": "string", "length": 255, "byteLength": 765,
     "externalId": True, "idLookup": True, "unique": True},
    {"name": "Contact_Type__c", "label": "Contact Type", "type": "string", "length": 255, "byteLength": 765},
)  # fmt: skip


_EVERY = (
    "Id",
    "IsDeleted",
    "OwnerId",
    "CreatedDate",
    "CreatedById",
    "LastModifiedDate",
    "LastModifiedById",
    "SystemModstamp",
)
_NAME: dict[str, Any] = {"name": "Name", "label": "Name", "type": "string", "length": 80, "byteLength": 240}


def custom_object(name: str, number: int) -> dict[str, Any]:
    """Return what there is to know of an object that an administrator adds: the fields that every object has, and a name."""
    contact = shipped()["objects"]["Contact"]
    label = name.removesuffix("__c").replace("_", " ")
    told = {"keyPrefix": f"a{number:02d}", "label": label, "labelPlural": f"{label}s", "custom": True}
    writable = {"createable": True, "updateable": True}
    fields = [each for each in contact["fields"] if each["name"] in _EVERY]
    return {"describe": {**contact["describe"], **told}, "fields": [*fields, {**_NAME, **writable}]}


class Entity:
    """An object and what it holds. Records keep only fields that have a value; reading fills in the rest."""

    def __init__(self, name: str, desk: Desk, facts: Mapping[str, Any] | None = None) -> None:
        facts = shipped()["objects"][name] if facts is None else facts
        self.name = name
        self.described: dict[str, Any] = facts["describe"]
        self.prefix: str = facts["describe"]["keyPrefix"]
        self.fields: dict[str, Field] = {}
        self.records: dict[str, Record] = {}
        self.deleted: dict[str, Record] = {}
        self.undo: list[Undo] | None = None
        self.kept_apart: Sequence[str] = ()
        """The fields of which a duplicate rule lets no record be created that has another's value, in the request of this moment."""
        self.others: Mapping[str, Entity] = {}
        """The objects of the org, by name: whose records may be referred to."""
        self._desk = desk
        self._lower: dict[str, Field] = {}
        self._index: dict[str, dict[str, list[str]]] = {}
        self._numbered = 0
        for each in (*facts["fields"], *_CUSTOM):
            self.add_field(each)

    def add_field(self, facts: Mapping[str, Any]) -> Field:
        """Add a field, as an administrator of the org would."""
        field = make_field({"custom": facts["name"].endswith("__c"), **facts})
        self.fields[field.name] = self._lower[field.name.lower()] = field
        self._initial = {
            each.name: each.initial for each in self.fields.values() if each.initial is not None and each.createable
        }
        self._required = [each.name for each in self.fields.values() if each.required]
        if field.lookup and field.name not in self._index:
            self._index[field.name] = {}
        return field

    def field(self, name: str) -> Field | None:
        """The field of this name, in upper or lower case."""
        return self.fields.get(name) or self._lower.get(name.lower())

    # checking -------------------------------------------------------------------------------------------------------

    def check(self, sent: Mapping[str, Any], *, creating: bool) -> tuple[Record, list[Problem]]:
        """The values as they would be kept, and everything wrong with them."""
        kept: Record = {}
        problems: list[Problem] = []
        for name, value in sent.items():
            field = self.fields.get(name) or self._lower.get(name.lower())
            if field is None:
                if name == "attributes":
                    continue
                found = self._referred(name, value)
                if isinstance(found, Problem):
                    return {}, [found]
                kept |= found
                continue
            if not (field.createable if creating else field.updateable):
                problems.append(_read_only(field, creating=creating))
                continue
            kept[field.name] = checked = field.initial if value is None else field.check(value)
            if type(checked) is Problem:
                problems.append(checked)
        missing = [name for name in self._required if kept.get(name) is None and (creating or name in kept)]
        if missing and not problems:
            text = f"Required fields are missing: [{', '.join(missing)}]"
            problems.append(Problem("REQUIRED_FIELD_MISSING", text, tuple(missing)))
        return kept, problems

    def _referred(self, name: str, value: Any) -> Record | Problem:
        """The field of a relation with the id of the record that a key of its own names: ``{Account: {External_Id__c: C1}}``."""
        field = next((each for each in self.fields.values() if each.described["relationshipName"] == name), None)
        keys = [each for each in value if each != "attributes"] if isinstance(value, dict) else []
        other = self.others.get(field.described["referenceTo"][0]) if field and field.described["referenceTo"] else None
        if field is None or other is None or len(keys) != 1:
            return Problem("INVALID_FIELD", f"No such column '{name}' on sobject of type {self.name}")
        key, text = other.field(keys[0]), str(value[keys[0]])
        if key is None or not (key.lookup or key.type == "id"):
            return Problem("INVALID_FIELD", f"{keys[0]} of {other.name} is no External ID or indexed field")
        found = other.lookup(key, text)
        if len(found) != 1:
            words = f"Foreign key external ID: {text} not found for field {key.name} in entity {other.name}"
            return Problem("INVALID_FIELD", words)
        return {field.name: found[0]}

    # writing --------------------------------------------------------------------------------------------------------

    def create(self, sent: Mapping[str, Any]) -> tuple[str, list[Problem]]:
        """Create a record; its id, or what is wrong."""
        kept, problems = self.check(sent, creating=True)
        problems = problems or self._refusals(kept, None)
        if problems:
            return "", problems
        self._numbered += 1
        record_id = new_id(self.prefix, self._numbered)
        now = now_text()
        record = {"Id": record_id, **self._initial, "OwnerId": USER_ID, "CreatedDate": now, "CreatedById": USER_ID}
        record |= kept
        self._stamp(record, now)
        self._put(record_id, record)
        return record_id, []

    def update(self, record_id: str | None, sent: Mapping[str, Any]) -> list[Problem]:
        """Change a record; what is wrong, if anything."""
        record = self.records.get(record_id or "")
        if record is None or record_id is None:
            return [self.absence(record_id)]
        if record.get("IsConverted"):
            return [CONVERTED]
        kept, problems = self.check(sent, creating=False)
        problems = problems or self._refusals({**record, **kept}, record_id)
        if not problems:
            changed = {**record, **kept}
            self._stamp(changed, now_text())
            self._put(record_id, changed)
        return problems

    def delete(self, record_id: str | None) -> list[Problem]:
        """Delete a record; what is wrong, if anything."""
        record = self.records.get(record_id or "")
        if record is None or record_id is None:
            return [self.absence(record_id)]
        if self._desk.faults.record("lock"):
            return [_locked(record_id)]
        del self.records[record_id]
        self._unindex(record)
        self.deleted[record_id] = record
        if self.undo is not None:
            self.undo.append(lambda: self._restore(record_id, record))
        return []

    def absence(self, record_id: str | None) -> Problem:
        """Why there is no such record: deleted, or never there."""
        return DELETED if record_id in self.deleted else NOT_FOUND

    def _stamp(self, record: Record, now: str) -> None:
        record["LastModifiedDate"] = record["SystemModstamp"] = now
        record["LastModifiedById"] = USER_ID

    def _refusals(self, record: Record, record_id: str | None) -> list[Problem]:
        """What only the whole record can tell: customer's rules, unique values, injected faults."""
        refusal = self._desk.refusals.message(self.name, record)
        if refusal is not None or self._desk.faults.record("invalid"):
            return [Problem("FIELD_CUSTOM_VALIDATION_EXCEPTION", refusal or "a rule of this org refuses the record")]
        if self._desk.faults.record("lock"):
            return [_locked(record_id)]
        for name, index in self._index.items():
            value = record.get(name)
            if value is None or not self.fields[name].unique:
                continue
            owner = next((each for each in index.get(value.lower(), ()) if each != record_id), None)
            if owner is not None:
                text = f"duplicate value found: {name} duplicates value on record with id: {owner}"
                return [Problem("DUPLICATE_VALUE", text)]
        return [] if record_id is not None else self._alike(record)

    def _alike(self, record: Record) -> list[Problem]:
        """What a duplicate rule says of a new record."""
        for name in self.kept_apart:
            value = str(record.get(name) or "").lower()
            found = [each for each in self.records.values() if value and str(each.get(name) or "").lower() == value]
            if found:
                return [Problem("DUPLICATES_DETECTED", "Use one of these records?", (), self._matches(found))]
        return []

    def _matches(self, found: Sequence[Record]) -> dict[str, Any]:
        records = [{"record": {"attributes": {"type": self.name}, "Id": each["Id"]}} for each in found]
        matches = [{"entityType": self.name, "matchRecords": records, "size": len(records), "success": True}]
        return {"allowSave": True, "duplicateRuleEntityType": self.name, "matchResults": matches}

    def _put(self, record_id: str, record: Record) -> None:
        before = self.records.get(record_id)
        for name, index in self._index.items():
            value, held = record.get(name), (before or {}).get(name)
            if value == held:
                continue
            if held is not None:
                _drop(index, held.lower(), record_id)
            if value is not None:
                index.setdefault(value.lower(), []).append(record_id)
        self.records[record_id] = record
        if self.undo is not None:
            self.undo.append(lambda: self._restore(record_id, before))

    def _unindex(self, record: Record) -> None:
        for name, index in self._index.items():
            value = record.get(name)
            if value is not None:
                _drop(index, value.lower(), record["Id"])

    def _restore(self, record_id: str, before: Record | None) -> None:
        undo, self.undo = self.undo, None
        self.deleted.pop(record_id, None)
        if before is not None:
            self._put(record_id, before)
        else:
            self._unindex(self.records.pop(record_id))
        self.undo = undo

    # reading --------------------------------------------------------------------------------------------------------

    def lookup(self, field: Field, value: str) -> list[str]:
        """The ids of the records whose lookup field has this value, in upper or lower case."""
        if field.type == "id":
            found = normal_id(value)
            return [found] if found in self.records else []
        return [*self._index[field.name].get(value.strip().lower(), ())]

    def value(self, record: Record, name: str) -> Any:
        """What reading gives for one field."""
        if name == "Name" and "LastName" in self.fields:
            return " ".join(part for part in (record.get("FirstName"), record.get("LastName")) if part)
        return record.get(name, self.fields[name].initial)

    def whole(self, record: Record, names: list[str] | None = None) -> Record:
        """A record as reading answers it: every field, nulls included, or only those named."""
        return {name: self.value(record, name) for name in (names or self.fields)}


def _drop(index: dict[str, list[str]], value: str, record_id: str) -> None:
    owners = index[value]
    owners.remove(record_id)
    if not owners:
        del index[value]


def _read_only(field: Field, *, creating: bool) -> Problem:
    if field.type == "id" and creating:
        return Problem("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", ("Id",))
    text = (
        f"Unable to create/update fields: {field.name}. Please check the security settings of this field "
        "and verify that it is read/write for your profile or permission set."
    )
    return Problem("INVALID_FIELD_FOR_INSERT_UPDATE", text, (field.name,))


def _locked(record_id: str | None) -> Problem:
    return Problem(LOCKED, f"unable to obtain exclusive access to this record or 1 records: {record_id or USER_ID}")


def now_text() -> str:
    """The present second, as records carry it."""
    return _second_text(int(time.time()))


@lru_cache(maxsize=1)
def _second_text(second: int) -> str:
    return moment_text(datetime.fromtimestamp(second, UTC))
