"""What a system's own settings change about its adapter: doubt and reserve."""

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


def test_a_reserve_leaves_a_share_of_long_windows_to_others(tmp_path: Path) -> None:
    adapter = ADAPTER + "limits: [{requests: 10, per: 1s}, {requests: 1000, per: 24h}]\n"
    windows = plan(written(adapter, tmp_path), limits={"reserve": 0.05}).windows
    assert [window.count for window in windows] == [10, 950]
