"""What `validate --strict` accepts never fails on an event that fits its schema, and never makes a payload that breaks its object."""

from __future__ import annotations

import json
import re
import tempfile
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from syncflow.compiler.build import build
from syncflow.compiler.problems import check
from syncflow.compiler.program import Program
from syncflow.events import Accepted, Position, Raw
from tests.compiler.expressions.strategies import extended
from tests.compiler.projects import FILES, open_project
from tests.effort import examples

_TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("ßİŉﬃǰΐ "))
_ADDRESSES = st.sampled_from(["a@b.org", "A.B+c@X-Y.example.ORG", "a" * 64 + "@" + "b" * 11 + ".org"])
_TIMES = st.sampled_from(
    ["2024-01-15T10:30:00.123456", "2024-02-29T23:59:59Z", "0001-01-01T00:00:00", "9999-12-31T23:59:59-12:00"]
)
_ODD_TEXT = st.sampled_from(
    ["t", "NaT", "NULL", "1,234.5", "12.", ".5", "2024-01-15 10:30:00+00", "15-JAN-24", "0000-00-00", "call me", "+4930123456", "a@x;b@x",
     "=?", "aGk=", "{}", "[1]", "1e400", "9" * 30, "\u00a0", "A;B", "lead", "customer;lead"]
)  # fmt: skip
"""What programs and people write: some of it no conversion can read."""
_WHOLE = st.integers(-(2**63), 2**63 - 1)
_DECIMAL = st.floats(allow_nan=False, allow_infinity=False)

PROPERTIES: list[tuple[dict[str, Any], st.SearchStrategy[Any]]] = [
    ({"type": "string"}, _TEXT),
    ({"type": "string", "maxLength": 30}, _ODD_TEXT),
    (
        {"type": ["string", "null"], "format": "decimal"},
        st.none() | st.sampled_from(["12.50", ".5", "1,234.5", 12.5, 1042, 1e-7]),
    ),
    ({"type": "string", "maxLength": 8}, _TEXT.map(lambda text: text[:8])),
    ({"type": "string", "minLength": 1, "maxLength": 30}, _TEXT.map(lambda text: (text + "x")[:30])),
    ({"type": ["string", "null"], "maxLength": 8}, st.none() | _TEXT.map(lambda text: text[:8])),
    ({"type": "string", "format": "email"}, _ADDRESSES),
    ({"type": ["string", "null"], "format": "email", "maxLength": 80}, st.none() | _ADDRESSES),
    ({"type": "string", "format": "date"}, st.dates().map(date.isoformat)),
    ({"type": "string", "format": "date-time"}, _TIMES),
    ({"type": "string", "format": "time"}, st.times().map(time.isoformat)),
    ({"type": "string", "format": "uuid"}, st.uuids().map(str)),
    ({"type": "string", "format": "decimal"}, st.sampled_from(["12.50", "-0.000000000000000000001", "9" * 40])),
    ({"type": "string", "enum": ["lead", "customer"]}, st.sampled_from(["lead", "customer"])),
    ({"type": "integer"}, _WHOLE),
    ({"type": "integer", "minimum": 0, "maximum": 9}, st.integers(0, 9) | st.just(5.0)),
    ({"type": "number"}, _DECIMAL | _WHOLE),
    ({"type": ["number", "null"]}, st.none() | _DECIMAL),
    ({"type": "boolean"}, st.booleans()),
    ({"type": "array", "items": {"type": "string"}}, st.lists(_TEXT, max_size=3)),
    (
        {"type": "array", "items": {"type": "string", "enum": ["lead", "customer"]}},
        st.lists(st.sampled_from(["lead", "customer"]), max_size=3),
    ),
    (
        {"type": "array", "items": {"type": ["string", "null"], "enum": ["lead", "odd", None]}},
        st.lists(st.sampled_from(["lead", "odd", None]), max_size=3),
    ),
    ({}, st.none() | st.booleans() | _WHOLE | _TEXT | st.lists(_WHOLE, max_size=2)),
]

FIELDS: list[dict[str, Any]] = [
    {"length": 10},
    {"length": 10, "required": True},
    {"required": True},
    {"type": "email", "length": 80},
    {"type": "email"},
    {"type": "date"},
    {"type": "date-time"},
    {"type": "integer"},
    {"type": "integer", "minimum": 0, "maximum": 10},
    {"type": "number", "minimum": 0},
    {"type": "decimal"},
    {"type": "decimal", "minimum": -9.99, "maximum": 9.99},
    {"type": "time"},
    {"type": "uuid"},
    {"type": "boolean", "required": True},
    {"type": "option", "options": ["lead", "customer", "Other"]},
    {"type": "options", "options": ["lead", "customer"]},
    {"type": "options", "options": ["lead", "customer", "odd"], "separator": ";"},
    {"type": "options", "options": ["lead", "customer"], "separator": ";", "required": True},
    {"type": "options", "separator": ";", "length": 40},
    {"type": "relation", "by": {"number": {"length": 10}}},
    {"type": "json"},
    {"length": 30, "create_only": True},
]

OWN_FUNCTIONS = """
from syncflow import function

@function(total=True, longest=10)
def own_grade(text: str | None) -> str:
    return (text or "none")[:10]

@function(total=True)
def own_count(text: str) -> int:
    return len(text)

@function(total=True, longest=6)
def own_tags(text: str | None, *more: str) -> list[str]:
    return ["lead", *([] if text is None else ["odd"])]

@function(total=True, longest=10, unreadable=True)
def own_maybe(value: str | int | float | bool | None) -> str | None:
    return str(value)[:10] if value else None

@function(total=True)
def own_share(number: float) -> float | None:
    return number / 2 if number == number else None
"""
"""A function of each kind that a project may write, none of which fails."""

EXPRESSIONS: list[Any] = [
    "own_grade(item.P)",
    "truncate(own_grade(item.P), `5`)",
    "own_count(item.P)",
    "clamp(own_count(item.P), `0`, `10`)",
    "own_tags(item.P, item.Q)",
    "own_maybe(item.P)",
    "own_maybe(item.P) || 'x'",
    "own_share(item.P)",
    "to_integer(own_share(to_decimal(item.P)))",
    "{{ item.P | default('x') | own_grade }}",
    "{{ item.P | own_maybe | default('x') }}",
    {"from": "own_maybe(item.P)", "table": {"lead": "lead", "5": "customer"}, "default": "Other"},
    {"from": "phone_e164(item.P)", "unreadable": "null"},
    {"from": "to_decimal(item.P)", "unreadable": "keep"},
    {"from": "normalize_email(item.P)", "default": "a@b.org"},
    "first_filled(phone_e164(item.P), item.Q, 'x')",
    "truncate(phone_e164(item.P) || phone_e164(item.Q) || 'none', `10`)",
    "{{ item.P | phone_e164 | default('') }}",
    "datetime(item.P) || datetime(item.Q)",
    "base64_decode(item.P)",
    "parse_json(item.P)",
    "to_boolean(item.P)",
    "[date(item.P), date(item.Q)]",
    "item.P",
    "item.P || 'x'",
    "item.P || item.Q",
    "item.P && item.Q",
    "item.P == item.Q",
    "truncate(item.P, `10`)",
    "truncate(item.P, `10`) || 'none'",
    "truncate(upper(item.P), `10`)",
    "lower(item.P)",
    "upper(item.P)",
    "capitalize(item.P)",
    "first_name(item.P)",
    "last_name(item.P) || 'Unknown'",
    "normalize_email(item.P)",
    "date(item.P)",
    "datetime(item.P)",
    "to_integer(item.P)",
    "clamp(to_integer(item.P), `0`, `10`)",
    "clamp(to_decimal(item.P), `0`, `10.5`)",
    "round(to_decimal(item.P))",
    "abs(item.P)",
    "length(item.P)",
    "length(to_string(item.P))",
    "join(',', item.P)",
    "join(';', item.P || `[]`)",
    "item.P || ['lead']",
    "[item.P, item.Q]",
    "when(item.P, ['lead', 'odd'], `[]`)",
    {"number": "truncate(item.P, `10`)"},
    {"value": ["lead", "customer", "lead"]},
    {"from": "phone_e164(item.P)", "default": "x"},
    "country_code(item.P) || 'lead'",
    "item.P[0]",
    "item.P[*]",
    "keys(item.P)",
    "coalesce(item.P, item.Q, 'x')",
    "when(item.P, 'lead', 'customer')",
    "to_boolean(item.P) || `false`",
    "null_if(item.P, 'lead')",
    "{{ item.P }}",
    "{{ item.P | default('x') | truncate(10) }}",
    "{% if item.P is defined and item.P %}{{ item.P }}{% endif %}",
    "{{ item.P | default('') | upper }}{{ item.Q | default('') }}",
    {"value": "lead"},
    {"from": "item.P", "default": "x"},
    {"from": "item.P", "table": {"lead": "lead", "customer": "Other"}},
    {"from": "item.P", "table": {"lead": "lead", "5": "customer"}, "default": "Other"},
]


@st.composite
def projects(draw: st.DrawFn) -> tuple[dict[str, str], st.SearchStrategy[dict[str, Any]]]:
    """Draw the files of a project, and the items that fit its schema."""
    names = [f"p{number}" for number in range(4)]
    chosen = {name: draw(st.sampled_from(PROPERTIES)) for name in names}
    required = draw(st.sets(st.sampled_from(names)))
    is_partial = draw(st.booleans())
    fields = {f"f{number}": draw(st.sampled_from(FIELDS)) for number in range(8)}
    schema = json.loads(json.dumps({name: described for name, (described, _) in chosen.items()}))
    files = {
        "functions.py": OWN_FUNCTIONS,
        "routes.yaml": FILES["routes.yaml"]
        .replace("source:", "functions: functions.py\nsource:")
        .replace("{schema: contact.yaml}", f"{{schema: contact.yaml, items: {'partial' if is_partial else 'whole'}}}"),
        "contact.yaml": _yaml(
            {
                "type": "object",
                "required": ["id", "type", *sorted(required)],
                "properties": {
                    "id": {"type": "string", "minLength": 1, "maxLength": 20},
                    "type": {"type": "string", "enum": ["lead", "customer", "partner"]},
                    **schema,
                },
            }
        ),
        "adapters/objects/people.yaml": _yaml(
            {"object": "people", "fields": {"external_id": {"length": 20, "unique": True}, **fields}}
        ),
        "person.yaml": _yaml(
            {
                "source": "contacts",
                "target": "crm/people",
                "key": "external_id",
                "nulls": draw(st.sampled_from(["clear", "omit"])),
                "unreadable": draw(st.sampled_from(["keep", "null"])),
                "fields": {"external_id": "item.id", **{name: draw(_forms(names)) for name in fields}},
            }
        ),
    }
    known = {"id": st.text("ab1", min_size=1, max_size=20), "type": st.sampled_from(["lead", "customer", "partner"])}
    items = st.fixed_dictionaries(
        known | {name: chosen[name][1] for name in names if name in required},
        optional={name: chosen[name][1] for name in names if name not in required},
    )
    return files, items


def _yaml(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _forms(names: list[str]) -> st.SearchStrategy[Any]:
    paths = st.sampled_from([f"item.{name}" for name in names])
    composed = st.recursive(paths | st.sampled_from(["'x'", "`5`", "`null`"]), extended, max_leaves=4)
    return _everyday(names) | composed


def _everyday(names: list[str]) -> st.SearchStrategy[Any]:
    def filled(draw: tuple[Any, str, str]) -> Any:
        form, one, other = draw
        return json.loads(
            re.sub(r"\bitem\.P\b", f"item.{one}", re.sub(r"\bitem\.Q\b", f"item.{other}", json.dumps(form)))
        )

    return st.tuples(st.sampled_from(EXPRESSIONS), st.sampled_from(names), st.sampled_from(names)).map(filled)


def accepted(files: dict[str, str], directory: Path) -> tuple[Program, dict[str, Any]] | None:
    """Compile a project without the fields that `validate --strict` complains of."""
    for _ in range(4):
        found = check(open_project(directory, files))
        if not found:
            return build(open_project(directory, files)), json.loads(files["adapters/objects/people.yaml"])["fields"]
        mapping, target = json.loads(files["person.yaml"]), json.loads(files["adapters/objects/people.yaml"])
        for diagnostic in found:
            several = re.findall(r"(\w+) \(\d+\)", diagnostic.message) if diagnostic.path == "fields" else []
            for name in several or diagnostic.path.split(".")[1:2]:
                mapping["fields"].pop(name, None)
                target["fields"].pop(name, None)
        files = {**files, "person.yaml": _yaml(mapping), "adapters/objects/people.yaml": _yaml(target)}
    return None


def breaks(payload: dict[str, Any], fields: dict[str, Any], *, creates: bool) -> list[str]:
    """Return what an object would refuse of a payload; written anew, so that no mistake is checked by itself."""
    wrong = [name for name in payload if name not in fields]
    wrong += [name for name, field in fields.items() if field.get("required") and creates and payload.get(name) is None]
    wrong += [name for name, value in payload.items() if value is None and fields[name].get("required")]
    wrong += [name for name, value in payload.items() if value is not None and not _fits(value, fields[name])]
    wrong += [name for name in payload if fields[name].get("create_only") and not creates]
    return wrong


def _fits(value: Any, field: dict[str, Any]) -> bool:
    if isinstance(value, str) and len(value) > field.get("length", 10**9):
        return False
    match field.get("type", "text"):
        case "json":
            return True
        case "boolean":
            return isinstance(value, bool)
        case "integer" | "number" as kind:
            least, most = field.get("minimum", -(2.0**64)), field.get("maximum", 2.0**1023)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            return number and least <= value <= most and (kind == "number" or value == int(value))
        case "decimal":
            if isinstance(value, bool) or not isinstance(value, int | float | str):
                return False
            return bool(field.get("minimum", -(10**301)) <= Decimal(str(value)) <= field.get("maximum", 10**301))
        case "time":
            return isinstance(value, str) and bool(time.fromisoformat(value) is not None)
        case "uuid":
            return isinstance(value, str) and str(UUID(value)) == value.lower()
        case "option":
            return value in field["options"]
        case "options":
            if isinstance(value, list) and "separator" in field:
                return False
            chosen = value.split(";") if isinstance(value, str) else value
            options = set(field.get("options", chosen))
            return set(chosen) <= options and all(isinstance(one, str) for one in chosen) and value != ""
        case "relation":
            return (
                isinstance(value, dict) and list(value) == ["number"] and _fits(value["number"], field["by"]["number"])
            )
        case "email":
            return isinstance(value, str) and re.fullmatch(r"[^@\s]{1,64}@[^@\s]+\.[^@\s]+", value) is not None
        case "date":
            return isinstance(value, str) and len(value) == 10 and bool(date.fromisoformat(value))
        case "date-time":
            return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    return isinstance(value, str)


@settings(
    max_examples=examples(40),
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # an example is a whole project: to shrink one takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(projects(), st.data())
def test_what_validates_runs_and_what_it_makes_fits(
    project: tuple[dict[str, str], st.SearchStrategy[dict[str, Any]]], data: st.DataObject
) -> None:
    files, items = project
    with tempfile.TemporaryDirectory() as directory:
        made = accepted({**FILES, **files}, Path(directory))
        if made is None:
            return
        program, fields = made
        for item in data.draw(st.lists(items, min_size=15, max_size=15)):
            for change in ("create", "update"):
                event = {"record": "contacts", "operation": change, "timestamp": "2024-01-15T10:30:00", "item": item}
                event_in = program.check(Raw(Position("f", 1), orjson.dumps(event)))
                assert isinstance(event_in, Accepted), event_in
                routed = program.route(event_in)
                assert routed.failures == ()
                assert [breaks(match.payload, fields, creates=change == "create") for match in routed.matches] == [
                    [] for _ in routed.matches
                ]
