"""Adapters and settings compiled: limits tightened, ways to sign in chosen, whatever is wrong named with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from syncflow.adapters.refusal_rules import Refusal, decide
from syncflow.adapters.retry_after import read_wait, until_midnight
from syncflow.compiler.wire.system import Window, check_adapter
from syncflow.config.models.schema import ObjectFile
from syncflow.config.scalars import Plain
from syncflow.errors import ProjectError
from tests.adapters.kit import SHIPPED, adapter, delivery, plan, read_adapter, shipped, written

ROOT = Path(__file__).parents[2]
SMALL = """
adapter: small
base_url: https://{{ options.region }}.small.test/
options:
  region: {type: text, default: eu, options: [eu, us]}
  page: {type: integer, default: 5}
auth:
  key: {settings: {key: secret}, headers: {X-Key: "{{ auth.key }}"}}
  basic: {settings: {user: text, password: secret}, headers: {X-User: "{{ auth.user }}"}}
  other_basic: {settings: {user: text, password: secret}, headers: {X-Other: "{{ auth.user }}"}}
limits:
  - {requests: 100, per: 10s}
  - {requests: 5, per: 1s, only: search}
  - {in_flight: 8}
objects: {Contact: {fields: objects/small_Contact.yaml}}
operations:
  upsert:
    repeat: safe
    batch: {records: 50, bytes: 1MB, group: payload.list}
    request: {put: "/people/{{ key.name }}", json: {each: payload}}
"""


def _plan(directory: Path, **settings: Any) -> Any:
    return plan(written(SMALL, directory), **{"auth": {"key": "k"}, **settings})


def test_limits_hold_together_and_the_tightest_flight_wins(tmp_path: Path) -> None:
    settings = {"limits": {"requests": "2.5/s", "in_flight": 3}}
    system = _plan(tmp_path, **settings)
    assert system.windows == (Window(100, 10.0), Window(5, 1.0, "search"), Window(2, 0.8))
    assert system.in_flight == 3
    assert _plan(tmp_path, limits={"in_flight": 30}).in_flight == 8


def test_batches_are_bounded_by_both(tmp_path: Path) -> None:
    operation = _plan(tmp_path, batch={"records": 10, "bytes": "2MB", "age": "1s"}).operations["upsert"]
    assert (operation.batch_records, operation.batch_bytes) == (10, 1_000_000)
    assert _plan(tmp_path, batch={"records": 999}).operations["upsert"].batch_records == 50


def test_records_of_different_groups_are_told_apart(tmp_path: Path) -> None:
    group = _plan(tmp_path).operations["upsert"].group
    assert group(delivery(1, payload={"list": "a"})) == "a"
    assert group(delivery(1, payload={"list": 5})) == "5"


def test_the_address_comes_from_the_options_unless_the_system_gives_one(tmp_path: Path) -> None:
    assert _plan(tmp_path, base_url=None, options={"region": "us"}).base_url == "https://us.small.test"
    assert _plan(tmp_path, base_url="http://127.0.0.1:8000/x/").base_url == "http://127.0.0.1:8000/x"


def test_the_way_to_sign_in_is_told_by_what_is_given_or_by_use(tmp_path: Path) -> None:
    def way(**auth: str) -> str:
        return str(_plan(tmp_path, auth=auth).details.sign_in.name)

    assert way(key="k") == "key"
    assert way(user="u", password="p") == "basic"
    assert way(use="other_basic", user="u", password="p") == "other_basic"


WRONG_SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown option": (
        {"options": {"regoin": "eu"}},
        "SF511 crm: the adapter has no option regoin | did you mean region?",
    ),
    "an option of the wrong kind": (
        {"options": {"page": "x"}},
        "SF512 crm: expected integer for the option page | ",
    ),
    "an option beyond its values": (
        {"options": {"region": "mars"}},
        "SF512 crm: expected one of eu, us for the option region, found mars | ",
    ),
    "no sign-in": (
        {"auth": {}},
        "SF513 crm: signing in lacks key | the adapter takes {key} or {user, password} or {user, password}",
    ),
    "half a sign-in": (
        {"auth": {"user": "u"}},
        "SF513 crm: signing in lacks password | the adapter takes {key} or {user, password} or {user, password}",
    ),
    "too much of a sign-in": (
        {"auth": {"key": "k", "kee": "k"}},
        "SF513 crm: signing in does not take kee | the adapter takes {key} or {user, password} or {user, password}",
    ),
    "an unknown way to sign in": (
        {"auth": {"use": "basics", "user": "u"}},
        "SF511 crm: the adapter has no way to sign in basics | did you mean basic?",
    ),
    "an address without a scheme": (
        {"base_url": "small.test"},
        "SF514 crm: the base URL must begin with https:// (or http://) and name a host | ",
    ),
    "an address with credentials": (
        {"base_url": "https://u:planted@small.test"},
        "SF514 crm: the base URL must not hold credentials; they belong under auth: | ",
    ),
}


@pytest.mark.parametrize(("settings", "expected"), WRONG_SETTINGS.values(), ids=WRONG_SETTINGS)
def test_wrong_settings_are_named(settings: dict[str, Any], expected: str, tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        _plan(tmp_path, **settings)
    assert [f"{d.code} {d.message} | {d.hint}" for d in caught.value.diagnostics] == [expected]


WRONG_ADAPTERS: dict[str, tuple[str, str, str]] = {
    "an unknown name in a URL": (
        "/people/{{ key.name }}",
        "/people/{{ keys.name }}",
        "SF501 20:32 nothing here is called keys | did you mean key?",
    ),
    "an unknown name in a body": (
        "each: payload",
        "each: payloads",
        "SF501 20:59 nothing here is called payloads | did you mean payload?",
    ),
    "an unknown option": (
        "{{ options.region }}",
        "{{ options.regoin }}",
        "SF501 3:22 options has no regoin | did you mean region?",
    ),
    "an unknown setting": ("{{ auth.key }}", "{{ auth.kee }}", "SF501 8:55 auth has no kee | did you mean key?"),
    "an address without a scheme": (
        "https://{{ options.region }}.small.test/",
        "small.test",
        "SF502 3:11 the base URL must begin with https:// (or http://) and name a host | such as https://api.example.com",
    ),
    "a default beyond the values": (
        "default: eu",
        "default: mars",
        "SF502 5:33 expected one of eu, us for the option region, found mars | ",
    ),
    "a path that runs on from the host's name": (
        "/people/{{ key.name }}",
        "people/{{ key.name }}",
        "SF502 20:20 a path begins with / | a path is written /people/{{ key.name }}, a URL with https://",
    ),
    "bad JMESPath": ("each: payload", 'each: "payload["', "SF501 20:68 the expression ends too early | "),
}


@pytest.mark.parametrize(("old", "new", "expected"), WRONG_ADAPTERS.values(), ids=WRONG_ADAPTERS)
def test_wrong_texts_are_named_with_their_place(old: str, new: str, expected: str, tmp_path: Path) -> None:
    assert old in SMALL
    found = check_adapter(written(SMALL.replace(old, new), tmp_path))
    assert [f"{d.code} {d.span.line}:{d.span.column} {d.message} | {d.hint}" for d in found] == [expected]


WRONG_RULES: dict[str, tuple[str, str]] = {
    "a status": ("{status: 4x, then: split}", "4x is not a status"),
    "a pattern": ('{message: "(", then: split}', "the pattern cannot be used"),
    "a zone": ("{status: 429, then: park, until: midnight, zone: Mars/Base}", "this is not a time zone"),
    "a wait": ("{status: 429, then: throttle, wait: header.x}", "nothing here is called header"),
}


@pytest.mark.parametrize(("rule", "expected"), WRONG_RULES.values(), ids=WRONG_RULES)
def test_wrong_rules_are_named(rule: str, expected: str, tmp_path: Path) -> None:
    (found,) = check_adapter(written(f"{SMALL}outcomes:\n  - {rule}\n", tmp_path))
    assert expected in found.message
    assert found.span.line == 22


def test_a_condition_in_jinja_is_refused(tmp_path: Path) -> None:
    text = SMALL.replace("    request: {put", '    steps:\n      - when: "{{ vendor_id }}"\n        request: {put')
    (found,) = check_adapter(written(text, tmp_path))
    assert found.message == "a condition is written in JMESPath, not Jinja"


def test_an_operation_must_say_whether_it_may_be_repeated(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL.replace("    repeat: safe\n", ""))
    document, diagnostics = read_adapter(path)
    assert document is None
    assert any("repeat" in d.message for d in diagnostics)


ADAPTERS = [*SHIPPED.glob("*.yaml"), *(ROOT / "examples").glob("*/adapters/*.yaml")]


@pytest.mark.parametrize("path", ADAPTERS, ids=lambda path: path.stem)
def test_shipped_adapters_have_nothing_wrong(path: Path) -> None:
    assert check_adapter(adapter(path)) == []


@pytest.mark.parametrize("path", ADAPTERS, ids=lambda path: path.stem)
def test_shipped_objects_are_readable_and_their_keys_are_fields(path: Path) -> None:
    for name, declared in adapter(path).model.objects.items():
        if declared.fields is None:  # any field is taken: a table that its owner lays out
            continue
        file = path.parent / declared.fields
        found = ObjectFile.model_validate(yaml.safe_load(file.read_text()))
        assert found.object == name
        assert set(declared.keys) <= set(found.fields)
        assert file.stat().st_size < 1_000_000


SHIPPED_NAMES = sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def test_every_shipped_adapter_has_the_name_of_its_file_and_says_what_it_speaks_to() -> None:
    assert [shipped(name).model.adapter for name in SHIPPED_NAMES] == SHIPPED_NAMES
    assert all(shipped(name).model.description for name in SHIPPED_NAMES)


NOW = 1_700_000_000.0
WAITS: list[tuple[Any, float | None]] = [
    (None, None),
    ("", None),
    ("5", 5.0),
    (5, 5.0),
    ("1.5", 1.5),
    ("10s", 10.0),
    ("200ms", 0.2),
    ("2h", 7200.0),
    ("-1", None),
    (-1, None),
    ("nan", None),
    (float("inf"), None),
    (True, None),
    ("31536000", 86400.0),
    (NOW + 60, 60.0),
    ((NOW + 60) * 1000, 60.0),
    (NOW - 60, None),
    ("Tue, 14 Nov 2023 22:14:20 GMT", 60.0),
    ("Tue, 14 Nov 2023 22:00:00 GMT", None),
    ("Tue, 99 Nov 2023", None),
    ([], None),
]


@pytest.mark.parametrize(("value", "expected"), WAITS, ids=[repr(value) for value, _ in WAITS])
def test_what_an_answer_says_of_waiting(value: Any, expected: float | None) -> None:
    assert read_wait(value, now=NOW) == expected


def test_midnight_is_that_of_the_zone() -> None:
    from zoneinfo import ZoneInfo

    assert until_midnight(ZoneInfo("UTC"), now=NOW) == 6400.0
    assert until_midnight(ZoneInfo("Asia/Tokyo"), now=NOW) == 6400.0 + 15 * 3600.0


@pytest.mark.parametrize("records", [1, 2])
def test_no_status_that_is_not_known_delivers(records: int) -> None:
    for status in range(300, 600):
        refusal = Refusal(status, "upsert", records=records)
        decision = decide((), refusal, now=NOW, has_token=True, unsafe=False)
        assert decision.then not in {"delivered", "already_done", "next"}, status


def test_an_option_of_text_is_what_stands_in_the_file(tmp_path: Path) -> None:
    """2.10 is no number, and NO is no boolean, where a text is meant."""
    given = {"region": Plain("eu"), "page": Plain("7")}
    assert _plan(tmp_path, options=given).details.options == {"region": "eu", "page": 7}
    versioned = SMALL.replace("options: [eu, us]", "options: ['2.10', 'NO', '010', eu]")
    for text in ("2.10", "NO", "010"):
        made = plan(written(versioned, tmp_path), auth={"key": "k"}, options={"region": Plain(text)})
        assert made.details is not None
        assert made.details.options["region"] == text
