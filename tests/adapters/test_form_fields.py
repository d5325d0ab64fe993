"""A form that is one expression carries the fields of an object, byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from syncflow.adapters.rendering import rendered_each
from tests.adapters.kit import batch, delivery, plan, written

FORM = """
adapter: small
base_url: https://small.test
objects: {Contact: {fields: objects/small_Contact.yaml}}
operations:
  upsert: {repeat: safe, request: {put: "/people/{{ key.value }}", form: FORM}}
"""


def rendered(form: str, payload: dict[str, Any], directory: Path, *, key: str = "A1") -> tuple[str, str, str]:
    """Return the address, the body, and why there is none."""
    system = plan(written(FORM.replace("FORM", form), directory))
    made, faults = rendered_each(system, batch([delivery(1, key=key, payload=payload)]))
    return (made[0].url, made[0].body, "") if made else ("", "", faults[1])


@pytest.mark.parametrize(
    ("payload", "body"),
    [
        ({"name": "Ada & Bo", "vip": True, "n": 5, "rate": 0.5}, "name=Ada+%26+Bo&vip=true&n=5&rate=0.5"),
        ({"name": None, "vip": False}, "vip=false"),
        ({"address": {"city": "Köln", "zip": None}}, "address%5Bcity%5D=K%C3%B6ln"),
        ({"tags": ["a", None, {"b": 1}]}, "tags%5B0%5D=a&tags%5B2%5D%5Bb%5D=1"),
        ({"a=b&c": "x\r\ny"}, "a%3Db%26c=x%0D%0Ay"),
        ({"a": "", "b": []}, "a="),
    ],
)
def test_an_object_becomes_the_fields_of_a_form(payload: dict[str, Any], body: str, tmp_path: Path) -> None:
    assert rendered("payload", payload, tmp_path)[1] == body


def test_the_expression_may_be_any_that_makes_an_object(tmp_path: Path) -> None:
    assert rendered('"merge(payload, {key: key.value})"', {"a": 1}, tmp_path)[1] == "a=1&key=A1"


def test_fields_that_are_written_one_by_one_stay_as_they_were(tmp_path: Path) -> None:
    assert (
        rendered('{vip: "{{ payload.vip }}", n: "{{ payload.n }}"}', {"vip": True, "n": None}, tmp_path)[1]
        == "vip=true"
    )


def test_what_is_no_object_costs_its_record(tmp_path: Path) -> None:
    assert "a form is made of an object" in rendered("payload.name", {"name": "Ada"}, tmp_path)[2]


@pytest.mark.parametrize(
    ("key", "url"), [("a.b", "a.b"), ("a/b", "a%2Fb"), ("a?b#c", "a%3Fb%23c"), ("%2e", "%252e"), ("a b", "a%20b")]
)
def test_a_key_stays_one_segment_of_the_path(key: str, url: str, tmp_path: Path) -> None:
    assert rendered("payload", {}, tmp_path, key=key)[0] == f"http://vendor.test/base/people/{url}"
