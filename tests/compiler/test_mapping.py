"""Mappings: what a record becomes, and what is refused before it costs a request."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from syncflow.compiler.mapping.transform import Transform, compile_mapping
from syncflow.compiler.values import Fault
from syncflow.config.models.mapping import MappingFile
from syncflow.config.models.schema import ObjectField
from syncflow.events import Change

FIELDS = {
    name: ObjectField.model_validate(described)
    for name, described in {
        "id": {"length": 5},
        "name": {"length": 5, "required": True},
        "email": {"type": "email"},
        "kind": {"type": "option", "options": ["Lead", "Other"]},
        "tags": {"type": "options", "options": ["a", "b"]},
        "joined": {"type": "options", "options": ["a", "b"], "separator": ";"},
        "free": {"type": "options", "separator": ";", "length": 6},
        "score": {"type": "integer", "minimum": 0, "maximum": 10},
        "rate": {"type": "number"},
        "vip": {"type": "boolean"},
        "born": {"type": "date"},
        "seen": {"type": "date-time"},
        "origin": {"create_only": True},
        "extra": {"type": "json"},
        "nick": {"trim": True},
        "owner": {"type": "relation", "by": {"number": {"length": 5}, "mail": {"type": "email"}}},
        "firm": {"type": "relation", "by": {"number": {"type": "integer"}}, "cleared_by": "firm_id"},
    }.items()
}


def transform(fields: dict[str, Any], *, zone: str = "UTC", partial: bool = False, **words: Any) -> Transform:
    as_text, one_of = words.pop("as_text", False), words.pop("one_of", ())
    mapping = {
        "source": "contacts",
        "target": "crm/people",
        "key": "id",
        "fields": {"id": "item.id", **fields},
        **words,
    }
    return compile_mapping(
        MappingFile.model_validate(mapping),
        FIELDS,
        zone=ZoneInfo(zone),
        partial=partial,
        as_text=as_text,
        one_of=one_of,
    )


def payload(fields: dict[str, Any], item: dict[str, Any], *, change: Change = "update", **words: Any) -> dict[str, Any]:
    made = transform(fields, **words)
    root: dict[str, Any] = {"record": "contacts", "item": {"id": "A", **item}}
    sent = made.payload(root, change)
    assert made.keyed(root, change)[:2] == (made.key(root), sent)
    return sent


def refused(fields: dict[str, Any], item: dict[str, Any], **words: Any) -> tuple[str, str]:
    with pytest.raises(Fault) as found:
        payload(fields, item, **words)
    assert found.value.stage == "mapping"
    return found.value.code, found.value.reason


TABLE = {"from": "item.x", "table": {"lead": "Lead", "true": "Lead", "5": "Other"}}


@pytest.mark.parametrize(
    ("form", "value", "result"),
    [
        ("item.x", "Ada", "Ada"),
        ({"value": "syncflow"}, None, "syncflow"),
        (TABLE, "lead", "Lead"),
        (TABLE, True, "Lead"),
        (TABLE, 5, "Other"),
        (TABLE, 5.0, "Other"),
        (TABLE, None, None),
        ({**TABLE, "default": "Other"}, "new", "Other"),
        ({**TABLE, "default": None}, "new", None),
        ({**TABLE, "default": "Other"}, None, "Other"),
        ({"from": "item.x", "default": "Other"}, None, "Other"),
        ({"from": "item.x", "default": "Other"}, "mine", "mine"),
    ],
)
def test_a_field_is_an_expression_a_constant_or_a_recipe(form: Any, value: Any, result: Any) -> None:
    assert payload({"extra": form}, {"x": value})["extra"] == result


@pytest.mark.parametrize("value", ["new", "True", 6, False, [], {}])
def test_a_value_that_the_table_does_not_name_is_unreadable_without_default(value: Any) -> None:
    assert "kind" not in payload({"kind": TABLE}, {"x": value})
    code, reason = refused({"kind": TABLE}, {"x": value}, unreadable="dead_letter")
    assert code == "unreadable"
    assert reason.startswith("kind: the table has no entry for the value (")


def test_null_clears_or_is_omitted() -> None:
    assert payload({"email": "item.email"}, {"email": None}) == {"id": "A", "email": None}
    assert payload({"email": "item.email"}, {}) == {"id": "A", "email": None}
    assert payload({"email": "item.email"}, {"email": None}, nulls="omit") == {"id": "A"}


@pytest.mark.parametrize(
    ("form", "item", "result"),
    [
        ("item.email", {}, {"id": "A"}),
        ("item.email", {"email": None}, {"id": "A", "extra": None}),
        ("item.email || 'none'", {}, {"id": "A"}),
        ("item.email || 'none'", {"email": None}, {"id": "A", "extra": "none"}),
        ("item.home.city", {"home": {}}, {"id": "A"}),
        ("item.home.city", {"home": None}, {"id": "A", "extra": None}),
        ("{{ item.email }}", {}, {"id": "A"}),
        ("{{ item.a }}{{ item.b }}", {"a": "x"}, {"id": "A"}),
        ({"from": "item.x", "table": {"a": "b"}, "default": "c"}, {}, {"id": "A"}),
        ({"value": 5}, {}, {"id": "A", "extra": 5}),
        ("record", {}, {"id": "A", "extra": "contacts"}),
    ],
)
def test_of_partial_items_an_absent_path_leaves_its_field_out_and_only_null_clears(
    form: Any, item: dict[str, Any], result: dict[str, Any]
) -> None:
    assert payload({"extra": form}, item, partial=True) == result


@pytest.mark.parametrize(
    ("name", "value", "sent"),
    [
        ("name", "Ada", "Ada"),
        ("name", "😀😀😀😀😀", "😀😀😀😀😀"),
        ("email", "a@b.org", "a@b.org"),
        ("kind", "Lead", "Lead"),
        ("tags", "a;b", "a;b"),
        ("score", 10, 10),
        ("score", 10.0, 10.0),
        ("rate", 1, 1),
        ("vip", False, False),
        ("born", "2024-01-15", "2024-01-15"),
        ("seen", "2024-01-15T10:30:00+02:00", "2024-01-15T10:30:00+02:00"),
        ("seen", "2024-01-15T10:30:00.123456789", "2024-01-15T10:30:00.123456789Z"),
        ("extra", [1, {"a": None}], [1, {"a": None}]),
    ],
)
def test_what_the_object_takes_is_sent(name: str, value: Any, sent: Any) -> None:
    assert payload({name: "item.x"}, {"x": value})[name] == sent


def test_a_time_without_a_zone_leaves_with_the_zone_of_its_day() -> None:
    made = payload({"seen": "item.x"}, {"x": "2024-07-15T10:30:00"}, zone="Europe/Berlin")
    assert made["seen"] == "2024-07-15T10:30:00+02:00"


@pytest.mark.parametrize(
    ("name", "value", "code", "reason"),
    [
        ("name", "secret", "length", "name: is longer than 5 characters"),
        ("name", 5, "type", "name: expected text, found a number"),
        ("name", None, "required", "name: a value is required, found null"),
        ("email", "secret", "format", "email: is not a valid e-mail"),
        ("kind", "secret", "options", "kind: is not one of the field's options"),
        ("tags", "a;secret", "options", "tags: is not among the field's options"),
        ("score", 11, "range", "score: is more than 10"),
        ("score", -1, "range", "score: is less than 0"),
        ("score", 1.5, "type", "score: expected a whole number, found a fraction or more than 64 bits"),
        ("score", "5", "type", "score: expected a whole number, found text"),
        ("score", True, "type", "score: expected a whole number, found true or false"),
        ("vip", "true", "type", "vip: expected true or false, found text"),
        ("born", "2024-02-30", "format", "born: is not a valid date"),
        ("seen", "yesterday", "format", "seen: is not a valid date and time"),
        ("seen", 5, "type", "seen: expected a date and time, found a number"),
    ],
)
def test_what_the_object_would_refuse_costs_no_request_and_shows_no_value(
    name: str, value: Any, code: str, reason: str
) -> None:
    assert refused({name: "item.x"}, {"x": value}) == (code, reason)


def test_a_required_field_must_be_there_on_create() -> None:
    assert refused({}, {}, change="create") == ("required", "name: a value is required, found none")
    assert payload({}, {}, change="update") == {"id": "A"}


def test_a_field_for_creation_only_is_not_sent_on_update() -> None:
    fields = {"origin": {"value": "web"}, "name": {"value": "x"}}
    assert payload(fields, {}, change="create")["origin"] == "web"
    assert "origin" not in payload(fields, {}, change="update")


def test_where_scalars_are_sent_as_text_they_fit_text() -> None:
    assert payload({"name": "item.x"}, {"x": 12345}, as_text=True)["name"] == 12345
    assert refused({"name": "item.x"}, {"x": 123456}, as_text=True)[0] == "length"


def test_an_expression_that_fails_names_its_field() -> None:
    assert refused({"name": "{{ item.secret }}"}, {}) == ("expression", "name: 'secret' is not there")


@pytest.mark.parametrize(
    ("identity", "key"), [("A", "A"), (5, "5"), (5.0, "5"), ("", ""), (None, ""), (True, ""), (1.5, ""), ([], "")]
)
def test_a_key_is_text_or_a_whole_number(identity: Any, key: str) -> None:
    assert transform({}).key({"item": {"id": identity}}).value == key


def test_a_key_in_the_payload_is_the_key_that_requests_are_addressed_by() -> None:
    mapped = transform({}, as_text=True)
    root: dict[str, Any] = {"item": {"id": 5.0}}
    key, made, _ = mapped.keyed(root, "update")
    assert key.value == json.dumps(made["id"]) == json.dumps(mapped.payload(root, "update")["id"]) == "5"


def test_a_key_that_cannot_be_told_is_empty() -> None:
    assert transform({"id": "{{ item.first }}-{{ item.last }}"}).key({"item": {"first": "x"}}).value == ""


EITHER = {"email": "item.email", "nick": "item.nick", "name": "'Ada'"}


@pytest.mark.parametrize(
    ("item", "change"),
    [({"email": "a@x.test"}, "create"), ({"nick": "Ada"}, "create"), ({"email": "a@x.test"}, "update")],
)
def test_one_of_several_fields_is_enough(item: dict[str, Any], change: Change) -> None:
    assert payload(EITHER, item, change=change, one_of=[["email", "nick"]])


@pytest.mark.parametrize("change", ["create", "update"])
@pytest.mark.parametrize("item", [{}, {"email": None, "nick": " "}])
def test_a_record_without_any_of_them_is_refused(item: dict[str, Any], change: Change) -> None:
    words = "one of email, nick must have a value, and none has"
    assert refused(EITHER, item, change=change, one_of=[["email", "nick"]]) == ("one_of", words)


def test_an_update_may_leave_all_of_them_out() -> None:
    fields = {"email": "item.email", "score": "item.score"}
    sent = payload(fields, {"score": 1}, partial=True, one_of=[["email", "born"]])
    assert sent == {"id": "A", "score": 1}


@pytest.mark.parametrize(
    ("name", "value", "sent"),
    [
        ("tags", ["a", "b"], ["a", "b"]),
        ("tags", ["b", None, "b"], ["b"]),
        ("tags", [], []),
        ("tags", "a;b", "a;b"),
        ("tags", "", None),
        ("joined", ["a", "b"], "a;b"),
        ("joined", ["b", None, "b"], "b"),
        ("joined", [], None),
        ("joined", [None], None),
        ("joined", "b;a", "b;a"),
        ("joined", "", None),
        ("joined", None, None),
        ("free", ["x", "y z"], "x;y z"),
    ],
)
def test_several_options_are_written_as_the_adapter_joins_them_and_none_clears(
    name: str, value: Any, sent: Any
) -> None:
    assert payload({"name": "item.n", name: "item.x"}, {"n": "Ada", "x": value})[name] == sent


def test_no_options_leave_their_field_out_where_nulls_are_omitted() -> None:
    assert payload({"joined": "item.x"}, {"x": []}, nulls="omit") == {"id": "A"}


def test_options_of_another_kind_are_written_as_text_where_the_adapter_sends_text() -> None:
    assert payload({"free": "item.x"}, {"x": [1, True]}, as_text=True)["free"] == "1;true"


@pytest.mark.parametrize(
    ("name", "value", "code", "reason"),
    [
        ("joined", ["a", "secret"], "options", "joined: is not among the field's options"),
        ("joined", ["a;b"], "options", "joined: is not among the field's options"),
        ("joined", {"a": 1}, "type", "joined: expected text, found an object"),
        ("free", ["x;y"], "options", "free: has an option with ; in it, which stands between options"),
        ("free", ["abcd", "ef"], "length", "free: is longer than 6 characters"),
        ("free", [1], "type", "free: expected text, found a number"),
    ],
)
def test_options_that_the_other_side_would_refuse_cost_no_request(
    name: str, value: Any, code: str, reason: str
) -> None:
    assert refused({name: "item.x"}, {"x": value}) == (code, reason)


@pytest.mark.parametrize(
    ("template", "sent"), [("Hi {{ item.x }}\n", "Hi A"), ("Hi\n{{ item.x }}\n\n", "Hi\nA\n"), ("{{ item.x }}", "A")]
)
def test_the_line_break_that_yaml_puts_behind_a_block_is_no_part_of_a_template(template: str, sent: str) -> None:
    assert payload({"extra": template}, {"x": "A"})["extra"] == sent


@pytest.mark.parametrize(
    ("fields", "x", "sent"),
    [
        ({"owner": {"number": "item.x"}}, "A1", {"owner": {"number": "A1"}}),
        ({"owner": {"mail": "lower(item.x)"}}, "A@B.org", {"owner": {"mail": "a@b.org"}}),
        ({"owner": {"number": "item.x"}}, None, {"owner": None}),
        ({"owner": {"number": "{{ item.x }}"}}, "A1", {"owner": {"number": "A1"}}),
        ({"owner": "{number: item.x}"}, "A1", {"owner": {"number": "A1"}}),
        ({"firm": {"number": "item.x"}}, 5, {"firm": {"number": 5}}),
        ({"firm": {"number": "item.x"}}, None, {"firm_id": None}),
    ],
)
def test_a_relation_names_another_record_by_one_of_its_fields(
    fields: dict[str, Any], x: Any, sent: dict[str, Any]
) -> None:
    made = payload({"name": "item.n", **fields}, {"n": "Ada", "x": x})
    assert {name: value for name, value in made.items() if name not in {"id", "name"}} == sent


@pytest.mark.parametrize(
    ("fields", "x", "code", "reason"),
    [
        ({"owner": {"number": "item.x"}}, "A12345", "length", "owner: is longer than 5 characters"),
        ({"owner": {"mail": "item.x"}}, "x", "format", "owner: is not a valid e-mail"),
        ({"owner": "{nr: item.x}"}, "A1", "type", "owner: expected one of number, mail that is not null"),
        ({"owner": "{number: item.x}"}, None, "type", "owner: expected one of number, mail that is not null"),
        ({"owner": "item.x"}, "A1", "type", "owner: expected one field that names the other record, found text"),
    ],
)
def test_a_relation_that_names_no_record_costs_no_request(
    fields: dict[str, Any], x: Any, code: str, reason: str
) -> None:
    assert refused({"name": "item.n", **fields}, {"n": "Ada", "x": x}) == (code, reason)


def test_a_relation_without_a_value_is_left_out_where_nulls_are_omitted() -> None:
    assert payload({"firm": {"number": "item.x"}}, {"x": None}, nulls="omit") == {"id": "A"}


@pytest.mark.parametrize("form", [{"form": "item.x"}, {"form": "item.x", "tabel": {}}, {"a": 1}, {"a": ""}, {}])
def test_words_of_a_field_that_are_misspelt_make_no_relation(form: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a field is not described like this"):
        transform({"owner": form})
