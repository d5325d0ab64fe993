"""Fields of an object: what describe says of them, and a check for each type, built once and called for every value."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any

import orjson

from .ids import normal_id
from .problems import Problem

Check = Callable[[Any], Any]  # the value as it will be kept, or a Problem

_EMAIL = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*@[\w-]+(?:\.[\w-]+)+")
_PREFIXES = {"Contact": "003", "Lead": "00Q", "Account": "001", "User": "005"}
_TEXT = frozenset({"string", "textarea", "phone", "url", "email", "picklist"})


@dataclass(frozen=True, slots=True)
class Field:
    """One field. ``described`` is its entry in describe; the rest is what writing needs, taken out of it."""

    name: str
    label: str
    type: str
    createable: bool
    updateable: bool
    required: bool
    unique: bool
    lookup: bool
    initial: Any
    check: Check
    described: dict[str, Any]


@lru_cache(maxsize=1)
def shipped() -> dict[str, Any]:
    """The field lists that come with the package."""
    data: dict[str, Any] = orjson.loads(files("syncflow.mock").joinpath("data/salesforce.json").read_bytes())
    return data


def make_field(facts: dict[str, Any]) -> Field:
    """Build a field from its facts; what they leave out is as usual for its type."""
    data = shipped()
    facts = dict(facts)
    options, initial = facts.pop("options", []), facts.pop("default", None)
    told: dict[str, Any] = {**data["every"], **data["types"].get(facts["type"], {}), **facts}
    told["picklistValues"] = [_option(value, initial) for value in options]
    boolean = told["type"] == "boolean"
    return Field(
        name=told["name"],
        label=told["label"],
        type=told["type"],
        createable=told["createable"],
        updateable=told["updateable"],
        required=told["createable"] and not told["nillable"] and not told["defaultedOnCreate"],
        unique=told["unique"],
        lookup=told["idLookup"] and told["type"] != "id",
        initial=False if boolean else initial,
        check=_check(told, frozenset(options)),
        described=told,
    )


def _option(value: str, initial: str | None) -> dict[str, Any]:
    return {"active": True, "defaultValue": value == initial, "label": value, "validFor": None, "value": value}


def _check(told: dict[str, Any], options: frozenset[str]) -> Check:
    kind, name = told["type"], told["name"]
    if kind in _TEXT:
        return _text_check(told, options)
    if kind == "reference":
        return _reference_check(told)
    return {
        "boolean": _boolean,
        "int": lambda value: _integer(value, name, told["digits"]),
        "double": lambda value: _decimal(value, name, told),
        "currency": lambda value: _decimal(value, name, told),
        "percent": lambda value: _decimal(value, name, told),
        "date": lambda value: _date(value, name),
        "datetime": lambda value: _datetime(value, name),
    }.get(kind, lambda value: value)


def _text_check(told: dict[str, Any], options: frozenset[str]) -> Check:
    most, name, label = told["length"], told["name"], told["label"]
    email, restricted = told["type"] == "email", told["restrictedPicklist"]

    def check(value: Any) -> Any:
        if type(value) is not str:
            return _undeserialisable("string", value, name)
        value = value.strip()
        if len(value) > most:
            return Problem("STRING_TOO_LONG", f"{label}: data value too large: {value} (max length={most})", (name,))
        if email and value and _EMAIL.fullmatch(value) is None:
            return Problem("INVALID_EMAIL_ADDRESS", f"{label}: invalid email address: {value}", (name,))
        if restricted and value and value not in options:
            text = f"{label}: bad value for restricted picklist field: {value}"
            return Problem("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", text, (name,))
        return value or None

    return check


def _reference_check(told: dict[str, Any]) -> Check:
    name, label = told["name"], told["label"]
    prefixes = tuple(_PREFIXES[target] for target in told["referenceTo"] if target in _PREFIXES)

    def check(value: Any) -> Any:
        found = normal_id(value)
        if found is None or (prefixes and not found.startswith(prefixes)):
            return Problem("MALFORMED_ID", f"{label}: id value of incorrect type: {value}", (name,))
        return found

    return check


def _boolean(value: Any) -> Any:
    if isinstance(value, str) and value.lower() in {"true", "false", "1", "0"}:
        return value.lower() in {"true", "1"}
    return value if isinstance(value, bool) else _undeserialisable("boolean", value, None)


def _integer(value: Any, name: str, digits: int) -> Any:
    number = _decimal_value(value)
    if number is None or number != int(number):
        return _undeserialisable("int", value, name)
    if digits and abs(number) >= 10**digits:
        return Problem("NUMBER_OUTSIDE_VALID_RANGE", f"{name}: value outside of valid range: {value}", (name,))
    return int(number)


def _decimal(value: Any, name: str, told: dict[str, Any]) -> Any:
    number = _decimal_value(value)
    if number is None:
        return _undeserialisable("double", value, name)
    if abs(number) >= 10.0 ** (told["precision"] - told["scale"]):
        return Problem("NUMBER_OUTSIDE_VALID_RANGE", f"{name}: value outside of valid range: {value}", (name,))
    return round(number, told["scale"])


def _decimal_value(value: Any) -> float | None:
    """A number, also from text; None for what is none (true, "abc", "nan")."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None


def _date(value: Any, name: str) -> Any:
    try:
        return date.fromisoformat(value[:10] if len(value) == 10 or value[10] == "T" else value).isoformat()
    except (TypeError, ValueError, IndexError, KeyError):
        return _undeserialisable("date", value, name)


def _datetime(value: Any, name: str) -> Any:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return _undeserialisable("datetime", value, name)
    if moment.tzinfo is None:
        return _undeserialisable("datetime", value, name)
    return moment_text(moment.astimezone(UTC))


def moment_text(moment: datetime) -> str:
    """A time as Salesforce writes it: milliseconds, and ``+0000`` for the zone."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"


def _undeserialisable(kind: str, value: Any, name: str | None) -> Problem:
    text = (
        f"Cannot deserialize instance of {kind} from {_token(value)} value {_shown(value)} "
        "or request may be missing a required field at [line:1, column:2]"
    )
    return Problem("JSON_PARSER_ERROR", text, (name,) if name else ())


def _token(value: Any) -> str:
    if isinstance(value, bool):
        return "VALUE_TRUE" if value else "VALUE_FALSE"
    names = {str: "VALUE_STRING", int: "VALUE_NUMBER_INT", float: "VALUE_NUMBER_FLOAT", list: "START_ARRAY"}
    return names.get(type(value), "START_OBJECT")


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
