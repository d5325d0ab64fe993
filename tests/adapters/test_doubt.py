"""What a person decides about deliveries that may have taken effect and are not safe to repeat."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.adapters.kit import plan, written

ADAPTER = """
adapter: small
base_url: http://small.test
objects: {things: {fields: things.yaml}}
operations:
  create: {repeat: unsafe, request: {post: /things, json: payload}}
"""


@pytest.mark.parametrize(("on_doubt", "repeat"), [("dead_letter", "unsafe"), ("repeat", "safe")])
def test_on_doubt_repeat_takes_an_operation_for_safe(on_doubt: str, repeat: str, tmp_path: Path) -> None:
    assert plan(written(ADAPTER, tmp_path), on_doubt=on_doubt).operations["create"].repeat == repeat
