"""What an org tells about itself: versions, resources, describe, limits."""

from __future__ import annotations

from typing import Any

from ..wire import Answer, Call, Routes, json_answer
from .entity import Entity
from .org import Salesforce, daily_most
from .rows import version_path

_SEASONS = ("Spring", "Summer", "Winter")
_RESOURCES = ("sobjects", "query", "queryAll", "composite", "jobs", "limits")
routes = Routes()


@routes.on("GET", "/services/data")
def versions(org: Salesforce, call: Call) -> Answer:
    """List the versions of the API; needs no token."""
    return json_answer(200, [_version(number) for number in range(31, 69)])


@routes.on("GET", "/")
def resources(org: Salesforce, call: Call) -> Answer:
    """List the resources of a version."""
    return json_answer(200, {name: f"{version_path(call)}/{name}" for name in _RESOURCES})


@routes.on("GET", "/limits")
def limits(org: Salesforce, call: Call) -> Answer:
    """Tell how much of each quota is left."""
    most = daily_most(org.desk)
    left = {"Max": most, "Remaining": max(0, most - org.desk.meter.passed)}
    bulk = {"DailyBulkV2QueryJobs": {"Max": 10000, "Remaining": 10000}}
    bulk["DailyBulkApiBatches"] = {"Max": org.settings.job_batches, "Remaining": org.jobs.batches_left()}
    return json_answer(200, {"DailyApiRequests": left, **bulk})


@routes.on("GET", "/sobjects")
def objects(org: Salesforce, call: Call) -> Answer:
    """List the objects."""
    listed = [_summary(call, entity) for entity in org.entities.values()]
    return json_answer(200, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": listed})


@routes.on("GET", "/sobjects/{name}")
def object_summary(org: Salesforce, call: Call, name: str) -> Answer:
    """Tell about an object in short."""
    return json_answer(200, {"objectDescribe": _summary(call, org.entity(name)), "recentItems": []})


@routes.on("GET", "/sobjects/{name}/describe")
def describe(org: Salesforce, call: Call, name: str) -> Answer:
    """Tell all about an object and its fields."""
    entity = org.entity(name)
    return json_answer(
        200,
        {
            "actionOverrides": [],
            "childRelationships": [],
            **_summary(call, entity),
            "fields": [field.described for field in entity.fields.values()],
            "namedLayoutInfos": [],
            "recordTypeInfos": [],
            "supportedScopes": [],
        },
    )


def _summary(call: Call, entity: Entity) -> dict[str, Any]:
    base = f"{version_path(call)}/sobjects/{entity.name}"
    urls = {"sobject": base, "describe": f"{base}/describe", "rowTemplate": base + "/{ID}"}
    return {"name": entity.name, **entity.described, "urls": urls}


def _version(number: int) -> dict[str, str]:
    """Three releases a year, the winter one named after the next: 66 was Spring '26, 68 is Winter '27."""
    season = number % 3
    year = number // 3 + 4 + (season == 2)
    return {"label": f"{_SEASONS[season]} '{year:02d}", "url": f"/services/data/v{number}.0", "version": f"{number}.0"}
