"""Unreadable values: there, but a conversion cannot read them. Neither null nor absent, from the mapping to the payload."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest

from syncflow.compiler.expressions.scopes import root_of
from syncflow.compiler.mapping.transform import Transform, compile_mapping
from syncflow.compiler.values import Fault
from syncflow.config.models.mapping import MappingFile
from syncflow.config.models.schema import ObjectField, SchemaNode

FIELDS = {
    "id": ObjectField(required=True),
    "name": ObjectField(required=True),
    "phone": ObjectField(),
    "born": ObjectField(type="date"),
    "tags": ObjectField(type="json"),
}
TEXT = {"type": ["string", "null"]}
SCHEMA = SchemaNode.model_validate(
    {
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": {"type": "string", "minLength": 1},
            "phone": TEXT,
            "other": TEXT,
            "born": TEXT,
            "day": {"type": "string", "format": "date"},
            "phones": {"type": "array", "items": {"type": "string"}},
            "kind": {"type": "string"},
        },
    }
)


def mapped(fields: dict[str, Any], *, key: str = "id", **words: Any) -> Transform:
    whole = {"id": "item.id", "name": "item.id", **fields}
    mapping = MappingFile.model_validate(
        {"source": "contacts", "target": "crm/Contact", "key": key, "fields": whole, **words}
    )
    return compile_mapping(mapping, FIELDS, zone=UTC, partial=False, as_text=False, scope=root_of("contacts", SCHEMA))


def made(transform: Transform, **item: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    root = {"record": "contacts", "operation": "update", "timestamp": None, "item": {"id": "A", **item}}
    _, payload, unreadable = transform.keyed(root, "update")
    return {name: value for name, value in payload.items() if name not in {"id", "name"}}, unreadable


BAD = "415-555-2671 or 2672"
PHONE = "phone_e164(item.phone)"
CASES: list[tuple[str, Any, dict[str, Any], dict[str, Any], tuple[str, ...]]] = [
    ("what is read is sent", PHONE, {"phone": "415-555-2671"}, {"phone": "+14155552671"}, ()),
    ("null clears", PHONE, {"phone": None}, {"phone": None}, ()),
    ("absent clears", PHONE, {}, {"phone": None}, ()),
    ("blank is nothing", PHONE, {"phone": "  "}, {"phone": None}, ()),
    ("unreadable keeps", PHONE, {"phone": BAD}, {}, ("phone",)),
    ("nested in a function", f"lower({PHONE})", {"phone": BAD}, {}, ("phone",)),
    ("the next is taken", f"{PHONE} || item.other", {"phone": BAD, "other": "x"}, {"phone": "x"}, ("phone",)),
    ("the next is null", f"{PHONE} || item.other", {"phone": BAD, "other": None}, {}, ("phone",)),
    ("first_filled", f"first_filled({PHONE}, 'x')", {"phone": BAD}, {"phone": "x"}, ("phone",)),
    ("a default", {"from": PHONE, "default": "none"}, {"phone": BAD}, {"phone": "none"}, ("phone",)),
    ("a template", "{{ item.phone | phone_e164 }}", {"phone": BAD}, {}, ("phone",)),
    ("a template's default", "{{ item.phone | phone_e164 | default('-') }}", {"phone": BAD}, {"phone": "-"}, ("phone",)),
    ("a loop", "{% for p in item.phones %}{{ p | phone_e164 }};{% endfor %}", {"phones": [BAD]}, {}, ("phone",)),
    ("a table", {"from": "item.kind", "table": {"a": "A"}}, {"kind": "b"}, {}, ("phone",)),
    ("a table's entry", {"from": "item.kind", "table": {"a": "A"}}, {"kind": "a"}, {"phone": "A"}, ()),
    ("a look-up", "lookup(item.kind, `{\"a\": \"A\"}`)", {"kind": "b"}, {}, ("phone",)),
    ("a look-up with a fallback", "lookup(item.kind, `{\"a\": \"A\"}`, 'B')", {"kind": "b"}, {"phone": "B"}, ()),
    ("a rule of this field", {"from": PHONE, "unreadable": "null"}, {"phone": BAD}, {"phone": None}, ("phone",)),
    ("JMESPath's own", "to_string(to_number(item.other))", {"other": "x"}, {"phone": "null"}, ("phone",)),
]  # fmt: skip


@pytest.mark.parametrize(("form", "item", "payload", "met"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_field_that_ends_empty_because_of_an_unreadable_value_obeys_the_rule(
    form: Any, item: dict[str, Any], payload: dict[str, Any], met: tuple[str, ...]
) -> None:
    assert made(mapped({"phone": form}), **item) == (payload, met)


LISTS = [
    ("elements that are read stay", "item.phones[].phone_e164(@)", ["415-555-2671", BAD], {"tags": ["+14155552671"]}),
    ("none is left", "item.phones[].phone_e164(@)", [BAD], {}),
    ("an object", "{a: phone_e164(item.phones[0])}", [BAD], {"tags": {"a": None}}),
]


@pytest.mark.parametrize(("form", "phones", "payload"), [c[1:] for c in LISTS], ids=[c[0] for c in LISTS])
def test_within_a_list_or_an_object_an_unreadable_value_counts_as_nothing(
    form: str, phones: list[str], payload: dict[str, Any]
) -> None:
    assert made(mapped({"tags": form}), phones=phones) == (payload, ("tags",))


REFUSED = [
    ({"phone": PHONE}, {"unreadable": "dead_letter"}, "phone: phone_e164() cannot read the value (text of 20 characters)"),
    ({"name": PHONE}, {}, "name: phone_e164() cannot read the value (text of 20 characters)"),
    ({"phone": PHONE}, {"key": "phone"}, "phone: phone_e164() cannot read the value (text of 20 characters)"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "words", "reason"), REFUSED, ids=["rule", "required", "key"])
def test_a_required_field_a_key_and_a_rule_make_a_dead_letter_that_names_the_function(
    fields: dict[str, Any], words: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Fault) as fault:
        made(mapped(fields, **words), phone=BAD)
    assert (fault.value.stage, fault.value.code, fault.value.reason) == ("mapping", "unreadable", reason)


def test_a_mapping_whose_conversions_read_everything_has_nothing_to_look_after() -> None:
    assert mapped({"born": "date(item.day)", "phone": "item.phone"}).unread is None
