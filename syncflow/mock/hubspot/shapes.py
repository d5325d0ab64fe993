"""How records look in answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .records import DEFAULT_PROPERTIES, ObjectType, Record


def written(kind: ObjectType, record: Record, sent: Iterable[str], *, whole: bool) -> dict[str, Any]:
    """A record just written: what was sent and, when ``whole`` (a create), all that is computed."""
    properties: dict[str, str] = {name: record.values.get(name, "") for name in sent}
    computed = kind.computed(record)
    if whole:
        properties |= computed
    else:
        properties |= {name: computed[name] for name in ("lastmodifieddate", "hs_email_domain") if name in computed}
    return shape(record, properties)


def read(kind: ObjectType, record: Record, asked: Iterable[str]) -> dict[str, Any]:
    """A record as reading answers it: the default properties and those asked for that exist, without a value as null."""
    names = dict.fromkeys(
        (*DEFAULT_PROPERTIES.get(kind.name, ()), *(name for name in asked if name in kind.properties))
    )
    everything: dict[str, str] = {**kind.computed(record), **record.values}
    return shape(record, {name: everything.get(name) for name in names})


def shape(record: Record, properties: dict[str, Any]) -> dict[str, Any]:
    """A record with these properties."""
    shaped = {
        "id": record.id,
        "properties": properties,
        "createdAt": record.created,
        "updatedAt": record.updated,
        "archived": record.archived is not None,
    }
    return {**shaped, "archivedAt": record.archived} if record.archived else shaped
