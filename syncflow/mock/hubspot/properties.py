"""Properties of an object type: their definitions, and a check for each type, built once and called for every value."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any

import orjson

from .problems import Invalid, Problem, RefusedError, not_valid, wrong_input
from .reading import objects, text

Check = Callable[[str], "str | Invalid"]

MOST_CHARACTERS = 65_536
_EMAIL = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*@[\w-]+(?:\.[\w-]+)+")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_CHANGEABLE = ("label", "description", "groupName", "fieldType", "options", "displayOrder", "hidden", "formField")
_DAY_MS = 86_400_000
_DEFINED = "2020-06-30T15:57:37.277Z"


@dataclass(frozen=True, slots=True)
class Property:
    """One property. ``defined`` is its definition as the API shows it; the rest is what writing needs."""

    name: str
    unique: bool
    read_only: bool
    check: Check
    defined: dict[str, Any]


@lru_cache(maxsize=1)
def shipped() -> dict[str, Any]:
    """The property list that comes with the package."""
    data: dict[str, Any] = orjson.loads(files("syncflow.mock").joinpath("data/hubspot_contacts.json").read_bytes())
    return data


def shipped_property(facts: dict[str, Any]) -> Property:
    """A property of the vendor's own, from its facts; what they leave out is as usual."""
    facts = dict(facts)
    read_only = facts.pop("readOnly", False)
    options = [_option(each, place) for place, each in enumerate(facts.pop("options", []))]
    changing = {"archivable": True, "readOnlyDefinition": True, "readOnlyValue": read_only}
    return make_property(
        {
            **shipped()["every"],
            **facts,
            "description": "",
            "options": options,
            "displayOrder": -1,
            "modificationMetadata": changing,
            "createdAt": _DEFINED,
            "updatedAt": _DEFINED,
        }
    )


def custom_property(sent: dict[str, Any], now: str) -> Property:
    """A property that the account adds; RefusedError when its definition lacks something."""
    missing = [key for key in ("name", "label", "type", "fieldType", "groupName") if not text(sent.get(key), key)]
    if missing:
        raise RefusedError(wrong_input(f"Some required fields were not set: [{', '.join(missing)}]"))
    if sent["type"] not in _TYPES:
        raise RefusedError(wrong_input(f"{sent['type']} is not a type of property"))
    options = [_full_option(each, place) for place, each in enumerate(objects(sent.get("options") or [], "options"))]
    changing = {"archivable": True, "readOnlyDefinition": False, "readOnlyValue": False}
    known = {**shipped()["every"], "formField": True, "hubspotDefined": False, "description": "", "displayOrder": -1}
    return make_property(
        {**known, **sent, "options": options, "modificationMetadata": changing, "createdAt": now, "updatedAt": now}
    )


def changed_property(found: Property, sent: dict[str, Any], now: str) -> Property:
    """A property whose definition is changed; what is fixed at its creation stays."""
    told = {key: value for key, value in sent.items() if key in _CHANGEABLE}
    for key in ("label", "description", "groupName", "fieldType"):
        text(told.get(key), key)
    if "options" in told:
        told["options"] = [_full_option(each, place) for place, each in enumerate(objects(told["options"], "options"))]
    return make_property({**found.defined, **told, "updatedAt": now})


def make_property(defined: dict[str, Any]) -> Property:
    """A property from its whole definition."""
    return Property(
        name=defined["name"],
        unique=bool(defined.get("hasUniqueValue")),
        read_only=defined["modificationMetadata"]["readOnlyValue"],
        check=_check(defined),
        defined=defined,
    )


def _option(facts: list[str] | str, place: int) -> dict[str, Any]:
    value, label = (facts, facts) if isinstance(facts, str) else facts
    return {"value": value, "label": label, "displayOrder": place, "hidden": False, "description": ""}


def _full_option(sent: dict[str, Any], place: int) -> dict[str, Any]:
    if not sent.get("value") or not sent.get("label"):
        raise RefusedError(wrong_input("Every option needs a value and a label."))
    return {"displayOrder": place, "hidden": False, "description": "", **sent}


def _check(defined: dict[str, Any]) -> Check:
    name = defined["name"]
    if name == "email":
        return _email
    options = [option["value"] for option in defined["options"]]
    if options and defined["type"] in {"enumeration", "bool"}:
        return _option_check(name, options, several=defined["fieldType"] == "checkbox")
    return _TYPES[defined["type"]](name)


def _email(value: str) -> str | Invalid:
    value = value.strip().lower()
    if _EMAIL.fullmatch(value) is None:
        return Invalid("email", "INVALID_EMAIL", f"Email address {value} is invalid", value)
    return value


def _option_check(name: str, options: list[str], *, several: bool) -> Check:
    allowed = frozenset(options)

    def check(value: str) -> str | Invalid:
        chosen = [each for each in value.split(";") if each] if several else [value]
        wrong = next((each for each in chosen if each not in allowed), None)
        if wrong is None:
            return value
        text = f"{wrong} was not one of the allowed options: [{', '.join(options)}]"
        return Invalid(name, "INVALID_OPTION", text, value)

    return check


def _text_check(name: str) -> Check:
    def check(value: str) -> str | Invalid:
        if len(value) <= MOST_CHARACTERS:
            return value
        text = f"{name} has {len(value)} characters; at most {MOST_CHARACTERS} are allowed."
        return Invalid(name, "PROPERTY_VALUE_TOO_LONG", text, value[:100])

    return check


def _number_check(name: str) -> Check:
    def check(value: str) -> str | Invalid:
        if _NUMBER.fullmatch(value.strip()):
            return value.strip()
        return Invalid(name, "INVALID_LONG", f"{value} was not a valid long.", value)

    return check


def _bool_check(name: str) -> Check:
    return _option_check(name, ["true", "false"], several=False)


def _date_check(name: str) -> Check:
    def check(value: str) -> str | Invalid:
        if value.lstrip("-").isdecimal() and int(value) % _DAY_MS == 0:
            return _from_epoch(int(value)).date().isoformat()
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            return Invalid(name, "INVALID_DATE", f"{value} was not a valid date: it must be midnight UTC.", value)

    return check


def _datetime_check(name: str) -> Check:
    def check(value: str) -> str | Invalid:
        try:
            moment = _from_epoch(int(value)) if value.lstrip("-").isdecimal() else datetime.fromisoformat(value)
        except (ValueError, OverflowError, OSError):
            return Invalid(name, "INVALID_DATE", f"{value} was not a valid date.", value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment_text(moment.astimezone(UTC))

    return check


def _from_epoch(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def moment_text(moment: datetime) -> str:
    """A time as HubSpot writes it: milliseconds, and ``Z`` for the zone."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


_TYPES: dict[str, Callable[[str], Check]] = {
    "string": _text_check,
    "number": _number_check,
    "bool": _bool_check,
    "enumeration": _text_check,
    "date": _date_check,
    "datetime": _datetime_check,
    "phone_number": _text_check,
    "object_coordinates": _text_check,
    "json": _text_check,
}


def read_values(
    properties: dict[str, Property], sent: dict[str, Any], *, computed: frozenset[str]
) -> dict[str, str] | Problem:
    """The values as they would be kept (``""`` clears), or what is wrong with them. A null is as if it were not sent."""
    kept: dict[str, str] = {}
    wrong: list[Invalid] = []
    for name, value in sent.items():
        if value is None:
            continue
        text = value if type(value) is str else _as_text(name, value)
        checked = _checked(properties.get(name) or properties.get(name.lower()), name, text, computed)
        if isinstance(checked, Invalid):
            wrong.append(checked)
        else:
            kept[name if name in properties else name.lower()] = checked
    return not_valid(wrong) if wrong else kept


def _checked(found: Property | None, name: str, value: str, computed: frozenset[str]) -> str | Invalid:
    if found is None:
        return Invalid(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist', value)
    if found.read_only or found.name in computed:
        text = f'"{name}" is a calculated property; its value cannot be set.'
        return Invalid(name, "READ_ONLY_VALUE", text, value)
    return found.check(value) if value else ""


def _as_text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    text = f"Invalid input JSON on line 1, column 1: Cannot deserialize value of type `java.lang.String` for {name}"
    raise RefusedError(Problem(400, None, text))
