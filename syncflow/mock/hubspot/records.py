"""One object type (contacts, companies): its properties, its records, the indexes over them. All writing goes through here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from ..system import Desk
from .problems import LOCKED, Invalid, Problem, RefusedError, already_exists, already_used, not_valid, wrong_input
from .properties import Property, moment_text, read_values

STAGES = ("subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer", "evangelist")
DEFAULT_PROPERTIES = {
    "contacts": ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
    "companies": ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
    "deals": (
        "amount",
        "closedate",
        "createdate",
        "dealname",
        "dealstage",
        "hs_lastmodifieddate",
        "hs_object_id",
        "pipeline",
    ),
    "tickets": (
        "content",
        "createdate",
        "hs_lastmodifieddate",
        "hs_object_id",
        "hs_pipeline",
        "hs_pipeline_stage",
        "subject",
    ),
}
_ONE_OF = {"contacts": ("email", "firstname", "lastname"), "companies": ("name", "domain")}
_COMPUTED = frozenset({"createdate", "lastmodifieddate", "hs_lastmodifieddate", "hs_object_id", "hs_email_domain"})


@dataclass(slots=True)
class Record:
    """One record: what was written; what the vendor computes is added when it is read."""

    id: str
    values: dict[str, str]
    created: str
    updated: str
    written: float  # monotonic; search lags behind it
    archived: str | None = None


class ObjectType:
    """An object type and what it holds."""

    def __init__(self, name: str, type_id: str, kind: str, properties: list[Property], desk: Desk) -> None:
        self.name = name
        self.type_id = type_id
        self.kind = kind
        self.properties = {each.name: each for each in properties}
        self.records: dict[str, Record] = {}
        self.archived: dict[str, Record] = {}
        self.merged: dict[str, str] = {}
        self.undo: list[Callable[[], None]] | None = None
        self._desk = desk
        self._index: dict[str, dict[str, str]] = {}
        self._numbered = 50_000_000_000
        for each in properties:
            self.add_property(each)

    def add_property(self, found: Property) -> None:
        """Define a property."""
        self.properties[found.name] = found
        if (found.unique or (found.name == "email" and self.name == "contacts")) and not found.read_only:
            self._index.setdefault(found.name, {})

    def remove_property(self, name: str) -> None:
        """Archive a property; the values that records have of it go with it."""
        del self.properties[name]
        self._index.pop(name, None)
        for record in self.records.values():
            record.values.pop(name, None)

    # finding --------------------------------------------------------------------------------------------------------

    def is_unique(self, name: str) -> bool:
        """Whether records can be looked up by this property."""
        return name in self._index

    def find(self, record_id: str, by: str | None = None) -> Record | None:
        """A record by id, or by a unique property; merged-away ids lead to the record they went into."""
        if by is None or by == "hs_object_id":
            return self.records.get(self.merged.get(record_id, record_id))
        found = self._index[by].get(record_id.strip().lower())
        return self.records[found] if found else None

    # writing --------------------------------------------------------------------------------------------------------

    def check(self, sent: Mapping[str, Any], record: Record | None) -> dict[str, str] | Problem:
        """The values as they would be kept for a new record or for ``record``, or what is wrong."""
        kept = read_values(self.properties, dict(sent), computed=_COMPUTED)
        if isinstance(kept, Problem):
            return kept
        whole = {**record.values, **kept} if record else kept
        if not any(whole.get(name) for name in _ONE_OF.get(self.name, ())) and self.name in _ONE_OF:
            return wrong_input(f"At least one of {', '.join(_ONE_OF[self.name])} must be given.")
        return self._refusal(whole, record) or self._clash(kept, record) or kept

    def _refusal(self, whole: dict[str, str], record: Record | None) -> Problem | None:
        refusal = self._desk.refusals.message(self.name, whole)
        if refusal is not None:
            return wrong_input(refusal)
        if self._desk.faults.record("invalid"):
            return not_valid([Invalid("email", "INVALID_EMAIL", "Email address is invalid", whole.get("email", ""))])
        return None

    def _clash(self, kept: dict[str, str], record: Record | None) -> Problem | None:
        record_id = record.id if record else None
        for name, index in self._index.items():
            value = kept.get(name)
            owner = index.get(value.lower()) if value else None
            if value is None or owner is None or owner == record_id:
                continue
            if name == "email" and record is None:
                return already_exists(owner)
            return already_used(self.type_id, self.kind, name, value, record_id or str(self._numbered + 1), owner)
        return None

    def check_lock(self) -> None:
        """Refuse a whole request, now and then, because another write holds the lock: there is no lock of one record."""
        if self._desk.faults.record("lock"):
            raise RefusedError(LOCKED)

    def create(self, kept: dict[str, str]) -> Record:
        """Store a new record of checked values."""
        self._numbered += 1
        now = now_text()
        values = {name: value for name, value in kept.items() if value}
        record = Record(str(self._numbered), values, now, now, time.monotonic())
        self.records[record.id] = record
        self._enter(record)
        if self.undo is not None:
            self.undo.append(lambda: self.archive(record, forever=True))
        return record

    def update(self, record: Record, kept: dict[str, str]) -> None:
        """Change a record by checked values. A lifecycle stage only goes forward, unless it is cleared first."""
        stage = kept.get("lifecyclestage")
        if stage and _rank(stage) < _rank(record.values.get("lifecyclestage", "")):
            kept = {name: value for name, value in kept.items() if name != "lifecyclestage"}
        self._leave(record)
        before, updated = record.values, record.updated
        values = {**before, **kept}
        record.values = {name: value for name, value in values.items() if value}
        record.updated, record.written = now_text(), time.monotonic()
        self._enter(record)
        if self.undo is not None:
            self.undo.append(lambda: self._revert(record, before, updated))

    def _revert(self, record: Record, values: dict[str, str], updated: str) -> None:
        self._leave(record)
        record.values, record.updated = values, updated
        self._enter(record)

    def archive(self, record: Record, *, forever: bool = False) -> None:
        """Take a record out; ``forever`` leaves nothing to restore."""
        self._leave(record)
        del self.records[record.id]
        if not forever:
            record.archived = now_text()
            self.archived[record.id] = record

    def merge(self, primary: Record, other: Record) -> None:
        """Let ``other`` go into ``primary``, whose own values win."""
        self.archive(other, forever=True)
        self.merged[other.id] = primary.id
        self.update(primary, {**other.values, **primary.values})

    def _enter(self, record: Record) -> None:
        for name, index in self._index.items():
            value = record.values.get(name)
            if value:
                index[value.lower()] = record.id

    def _leave(self, record: Record) -> None:
        for name, index in self._index.items():
            value = record.values.get(name)
            if value:
                index.pop(value.lower(), None)

    # reading --------------------------------------------------------------------------------------------------------

    def value(self, record: Record, name: str) -> str | None:
        """What reading gives for one property."""
        found = record.values.get(name)
        return found if found is not None else self.computed(record).get(name)

    def computed(self, record: Record) -> dict[str, str]:
        """What the vendor adds to what was written."""
        added = {"createdate": record.created, "hs_object_id": record.id, "lastmodifieddate": record.updated}
        if self.name != "contacts":
            return {**added, "hs_lastmodifieddate": record.updated}
        added |= {"hs_all_contact_vids": record.id, "hs_is_contact": "true", "hs_is_unworked": "true"}
        added["hs_pipeline"] = "contacts-lifecycle-pipeline"
        email = record.values.get("email")
        return {**added, "hs_email_domain": email.rpartition("@")[2]} if email else added


def _rank(stage: str) -> int:
    return STAGES.index(stage) if stage in STAGES else -1


def now_text() -> str:
    """The present, as HubSpot writes it."""
    return _millisecond_text(time.time_ns() // 1_000_000)


@lru_cache(maxsize=1)
def _millisecond_text(millisecond: int) -> str:
    return moment_text(datetime.fromtimestamp(millisecond / 1000, UTC))
