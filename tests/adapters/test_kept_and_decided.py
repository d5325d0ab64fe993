"""What a step keeps for later ones, and outcomes without a request: mistakes in the file are reported; dry-run and check show both."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from syncflow.adapters.rendering import rendered_each
from syncflow.compiler.wire.system import check_adapter
from syncflow.testing.conformance import check_conformance
from tests.adapters.kit import batch, delivery, plan, written

BASE = {
    "adapter": "small",
    "base_url": "https://small.test",
    "objects": {"Contact": {"keys": ["ext"]}},
}
FOUND = {
    "name": "organization",
    "request": {"get": "/organizations", "query": {"name": "{{ payload.company }}"}},
    "answer": {"results": {"each": "hits", "keep": {"org": "id", "size": "length(people)"}}, "missing": "next"},
}


def text_of(*steps: object, action: str = "upsert") -> str:
    return yaml.safe_dump({**BASE, "operations": {action: {"repeat": "safe", "steps": list(steps)}}}, sort_keys=False)


WRONG = {
    "a name that the step does not keep": (
        [FOUND, {"request": {"put": "/{{ steps.organization.orgg }}", "json": "payload"}}],
        ("steps.organization has no orgg", "did you mean org?"),
    ),
    "a step that comes later": (
        [{"request": {"put": "/{{ steps.organization.org }}"}}, FOUND],
        ("steps has no organization", "a step sees those before it: there is none"),
    ),
    "kept by a step without a name": (
        [{"request": {"get": "/me"}, "answer": {"results": {"keep": {"a": "id"}}}}, {"request": {"put": "/x"}}],
        ("what is kept belongs to a step with a name", "later steps read what is kept as steps.NAME.…"),
    ),
    "kept of a failure": (
        [
            {
                "name": "a",
                "request": {"put": "/me"},
                "answer": {"failures": {"keep": {"a": "id"}}, "missing": "delivered"},
            }
        ],
        ("nothing is kept of a failure", "keep stands in results"),
    ),
    "a decision that sees a token": (
        [{"require": "token.value", "message": "no"}, {"request": {"put": "/x"}}],
        (
            "nothing here is called token",
            "there is delivery, key, object, operation, options, payload, position, record, steps, vendor_id",
        ),
    ),
}


@pytest.mark.parametrize(("steps", "said"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_read_is_said(steps: list[object], said: tuple[str, str], tmp_path: Path) -> None:
    assert [(found.message, found.hint) for found in check_adapter(written(text_of(*steps), tmp_path))] == [said]


def test_what_a_step_keeps_has_a_type(tmp_path: Path) -> None:
    steps = [FOUND, {"request": {"put": "/x", "json": "{size: steps.organization.size.of}"}}]
    messages = [found.message for found in check_adapter(written(text_of(*steps), tmp_path))]
    assert messages == ["`of` is read from what is no object, so this is always null"]


def test_a_dry_run_shows_a_placeholder_for_what_is_kept(tmp_path: Path) -> None:
    write = {"request": {"post": "/people", "json": "{of: steps.organization.org, name: payload.name}"}}
    document = written(text_of(FOUND, {"require": "steps.organization.org", "message": "none"}, write), tmp_path)
    requests, faults = rendered_each(plan(document), batch([delivery(1, payload={"company": "Acme", "name": "Ada"})]))
    assert faults == {}
    assert [(each.method, each.body, each.condition) for each in requests] == [
        ("GET", "", ""),
        ("POST", '{"of":"<found by organization>","name":"Ada"}', "if the record is found there"),
    ]


def test_a_dry_run_refuses_what_a_run_would_refuse_before_any_request(tmp_path: Path) -> None:
    steps = [{"require": "payload.mail", "message": "{{ payload.name }} has no mail"}, {"request": {"post": "/people"}}]
    document = written(text_of(*steps), tmp_path)
    requests, faults = rendered_each(plan(document), batch([delivery(1, payload={"name": "Ada"})]))
    assert (requests, faults) == ([], {1: "small.yaml:11: Ada has no mail"})


def test_an_operation_that_only_decides_passes_the_check(tmp_path: Path) -> None:
    put = {"request": {"put": "/people/{{ key.value }}", "json": "payload"}}
    model = {
        **BASE,
        "operations": {
            "upsert": {"repeat": "safe", **put},
            "delete": {"repeat": "safe", "steps": [{"then": "already_done"}]},
        },
    }
    checks = check_conformance(written(yaml.safe_dump(model), tmp_path))
    assert {check.law: check.problems for check in checks if check.problems} == {}
    assert "delete: every record comes to an end without a request" in {check.law for check in checks}


TAGS = {"for": "payload.tags", "request": {"put": "/people/{{ key.value }}/tags/{{ entry }}"}}


def test_a_dry_run_shows_a_request_for_each_element(tmp_path: Path) -> None:
    document = written(text_of(TAGS), tmp_path)
    requests, faults = rendered_each(plan(document), batch([delivery(1, payload={"tags": ["a", "b"]})]))
    assert faults == {}
    assert [each.url.rpartition("/people")[2] for each in requests] == ["/K1/tags/a", "/K1/tags/b"]


def test_an_operation_for_each_element_is_checked_with_the_list_of_its_own_test(tmp_path: Path) -> None:
    exchange = [{"sent": {"path": f"/people/K1/tags/{tag}"}, "got": {"status": 204}} for tag in "ab"]
    records = [{"payload": {"tags": ["a", "b"]}}]
    test = {"name": "two tags", "records": records, "exchange": exchange, "outcomes": ["delivered"]}
    checks = check_conformance(written(yaml.safe_dump({**yaml.safe_load(text_of(TAGS)), "tests": [test]}), tmp_path))
    assert {check.law: check.problems for check in checks if check.problems} == {}
