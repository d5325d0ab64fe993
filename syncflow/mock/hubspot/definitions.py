"""Definitions of properties: list, read, add, change, archive."""

from __future__ import annotations

from ..wire import Answer, Call, Routes, json_answer
from .portal import Hubspot
from .problems import Problem, RefusedError, wrong_input
from .properties import Property, changed_property, custom_property
from .records import ObjectType, now_text

_MOST_UNIQUE = 10
routes = Routes()


@routes.on("GET", "/properties/{name}")
def list_properties(portal: Hubspot, call: Call, name: str) -> Answer:
    """List the properties of an object."""
    kind = portal.object_type(name)
    return json_answer(200, {"results": [each.defined for each in kind.properties.values()]})


@routes.on("POST", "/properties/{name}")
def add_property(portal: Hubspot, call: Call, name: str) -> Answer:
    """Define a property."""
    kind = portal.object_type(name)
    found = custom_property(portal.body(call), now_text())
    if found.name in kind.properties:
        raise RefusedError(Problem(409, "CONFLICT", f"A property named '{found.name}' already exists."))
    own = [each for each in kind.properties.values() if each.unique and not each.defined["hubspotDefined"]]
    if found.unique and len(own) >= _MOST_UNIQUE:
        raise RefusedError(wrong_input(f"An object has at most {_MOST_UNIQUE} unique properties."))
    kind.add_property(found)
    return json_answer(201, found.defined)


@routes.on("GET", "/properties/{name}/{property_name}")
def read_property(portal: Hubspot, call: Call, name: str, property_name: str) -> Answer:
    """Read the definition of a property."""
    return json_answer(200, _found(portal.object_type(name), property_name).defined)


@routes.on("PATCH", "/properties/{name}/{property_name}")
def change_property(portal: Hubspot, call: Call, name: str, property_name: str) -> Answer:
    """Change the definition of a property."""
    kind = portal.object_type(name)
    changed = changed_property(_found(kind, property_name), portal.body(call), now_text())
    kind.add_property(changed)
    return json_answer(200, changed.defined)


@routes.on("DELETE", "/properties/{name}/{property_name}")
def archive_property(portal: Hubspot, call: Call, name: str, property_name: str) -> Answer:
    """Archive a property that the account defined."""
    kind = portal.object_type(name)
    found = _found(kind, property_name)
    if found.defined["hubspotDefined"]:
        raise RefusedError(wrong_input(f"Property {found.name} is the vendor's own and cannot be archived."))
    kind.remove_property(found.name)
    return Answer(204)


def _found(kind: ObjectType, name: str) -> Property:
    found = kind.properties.get(name)
    if found is None:
        raise RefusedError(
            Problem(404, "OBJECT_NOT_FOUND", f"No properties found for object type: {kind.name}, name: {name}")
        )
    return found
