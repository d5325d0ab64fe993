"""On the wire null leaves a parameter out, and booleans are written as JSON writes them."""

from __future__ import annotations

from typing import Any

import pytest

from syncflow.compiler.expressions import Emitter
from syncflow.compiler.types.json import ANY

CASES = [
    ("{{ payload.phone }}", {"payload": {"phone": None}}, None),
    ("{{ payload.phone }}", {"payload": {}}, None),
    ("{{ payload.vip }}", {"payload": {"vip": True}}, "true"),
    ("{{ payload.n }}", {"payload": {"n": 5}}, "5"),
    ("x-{{ payload.phone }}", {"payload": {"phone": None}}, "x-"),
]


@pytest.mark.parametrize(("text", "root", "sent"), CASES, ids=["null", "absent", "true", "number", "within a text"])
def test_a_part_of_a_request_is_written_as_json_writes_it_and_null_is_left_out(
    text: str, root: dict[str, Any], sent: str | None
) -> None:
    emitter = Emitter(ANY)
    emitter.field("part", emitter.template(text, is_sent=True), omit_null=True)
    assert emitter.function("parts").call(root) == ({} if sent is None else {"part": sent})
