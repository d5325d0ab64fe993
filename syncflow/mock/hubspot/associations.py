"""Default associations between records."""

from __future__ import annotations

from ..wire import Answer, Call, Routes, json_answer
from .portal import Hubspot
from .problems import RefusedError, absent
from .records import now_text

_TYPES = {("contacts", "companies"): 279, ("companies", "contacts"): 280}
routes = Routes()


@routes.on("PUT", "/objects/{name}/{record_id}/associations/default/{other}/{other_id}")
def associate(portal: Hubspot, call: Call, name: str, record_id: str, other: str, other_id: str) -> Answer:
    """Associate two records in the default way."""
    kinds = (portal.object_type(name), portal.object_type(other))
    for kind, each in zip(kinds, (record_id, other_id), strict=True):
        if kind.find(each) is None:
            raise RefusedError(absent(each))
    spec = {
        "associationCategory": "HUBSPOT_DEFINED",
        "associationTypeId": _TYPES.get((kinds[0].name, kinds[1].name), 449),
    }
    now = now_text()
    results = [{"from": {"id": record_id}, "to": {"id": other_id}, "associationSpec": spec}]
    return json_answer(200, {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now})
