"""The back door for people and tests: settings, what the systems hold, what they have seen, and a fresh start."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Body, HTTPException, Path, Query
from fastapi.responses import Response
from pydantic import ValidationError

from .settings import Settings, complaints
from .state import Mock
from .system import System

_OBJECT_NAME = r"^[A-Za-z][A-Za-z0-9_]*$"
_FIELD = {"name": "Score__c", "label": "Score", "type": "int"}


def admin_routes(mock: Mock) -> APIRouter:
    """The admin endpoints of one mock."""
    router = APIRouter(prefix="/admin", tags=["admin"])
    for add in (_add_settings, _add_reading, _add_actions):
        add(router, mock)
    return router


def _add_settings(router: APIRouter, mock: Mock) -> None:
    @router.get("/settings", summary="Read all settings")
    async def read_settings() -> Settings:
        return mock.settings

    @router.put("/settings", summary="Change settings, such as {hubspot: {rate: off}}; what is left out stays")
    async def change_settings(patch: dict[str, Any]) -> Settings:
        return _changed(mock, patch)

    @router.put("/settings/{system}", summary="Change the settings of one system, such as {rate: off}")
    async def change_system(system: str, patch: dict[str, Any]) -> Settings:
        return _changed(mock, {_system(mock, system).name: patch})


def _add_reading(router: APIRouter, mock: Mock) -> None:
    @router.get("/summary", summary="Counts per system: records, requests seen, refused, most in any window, faults")
    async def summary() -> Response:
        return _json(
            {
                name: {"records": each.counts(), "requests": each.desk.meter.summary()}
                for name, each in mock.systems.items()
            }
        )

    @router.get("/records/{system}", summary="All records of a system, by object")
    async def records(system: str) -> Response:
        return _json(_system(mock, system).records())

    @router.get("/records/{system}/{object_name}", summary="Records of one object; in pages when limit is given")
    async def object_records(
        system: str,
        object_name: str,
        offset: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int | None, Query(ge=1)] = None,
    ) -> Response:
        held = {name.lower(): each for name, each in _system(mock, system).records().items()}
        if object_name.lower() not in held:
            raise HTTPException(404, f"{system} holds no {object_name}; it holds {', '.join(held)}")
        all_records = held[object_name.lower()]
        page = all_records[offset : None if limit is None else offset + limit]
        return _json({"total": len(all_records), "records": page})


def _add_actions(router: APIRouter, mock: Mock) -> None:
    @router.post("/reset", summary="Forget records, sessions and counts; with settings=true also changed settings")
    async def reset(*, settings: bool = False) -> dict[str, str]:
        mock.reset(settings=settings)
        return {"status": "empty"}

    @router.post("/expire/{system}", summary="End every session of a system now")
    async def expire(system: str) -> dict[str, str]:
        _system(mock, system).expire()
        return {"status": "expired"}

    @router.post("/objects/{system}/{object_name}", summary="Add an object of the account's own: Project__c, projects")
    async def add_object(system: str, object_name: Annotated[str, Path(pattern=_OBJECT_NAME)]) -> dict[str, str]:
        held = {name.lower() for name in _system(mock, system).records()}
        if object_name.lower() in held:
            raise HTTPException(409, f"{system} has {object_name} already")
        if system.lower() == mock.hubspot.name:
            return {"name": object_name, "id": mock.hubspot.add_object(object_name.lower()).type_id}
        if system.lower() == mock.salesforce.name and object_name.endswith("__c"):
            return {"name": object_name, "id": mock.salesforce.add_object(object_name).prefix}
        raise HTTPException(400, "name an object of hubspot, or one of salesforce that ends in __c")

    @router.post("/fields/salesforce/{object_name}", summary="Add a field to an object, by the words of describe")
    async def add_field(object_name: str, facts: Annotated[dict[str, Any], Body(examples=[_FIELD])]) -> Response:
        entity = mock.salesforce.entities.get(object_name)
        if entity is None or not isinstance(facts.get("name"), str):
            raise HTTPException(
                400, f"name an object of {', '.join(mock.salesforce.entities)} and a field's name and type"
            )
        return _json(entity.add_field({"label": facts["name"], "type": "string", **facts}).described)


def _changed(mock: Mock, patch: dict[str, Any]) -> Settings:
    try:
        return mock.configure(patch)
    except ValidationError as error:
        raise HTTPException(422, complaints(error)) from error


def _system(mock: Mock, name: str) -> System:
    found = mock.systems.get(name.lower())
    if found is None:
        raise HTTPException(404, f"there is no system {name}; there are {', '.join(mock.systems)}")
    return found


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")
