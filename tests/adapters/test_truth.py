"""``ok`` and ``when`` agree on the truth: a record whose answer has an id is written, one that says no in any way is not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import orjson
import pytest

from syncflow.adapters.scripted import Asked, Reply
from syncflow.adapters.truth import says_yes
from syncflow.events import Json, Verdict
from syncflow.testing.fake_system import FakeSystem, fake_batch, fake_plan
from tests.adapters.kit import written

TRUTHS: list[tuple[Json, bool]] = [
    (True, True), ("id-7", True), (7, True), ([0], True), ({"id": 1}, True), ("true", True), (0.5, True),
    (False, False), (None, False), ("", False), ([], False), ({}, False), (0, False), (0.0, False), ("0", False),
    ("false", False), ("False", False), (" no ", False),
]  # fmt: skip


@pytest.mark.parametrize(("value", "yes"), TRUTHS, ids=repr)
def test_one_rule_of_truth_decides_every_ok(value: Json, yes: bool) -> None:
    assert says_yes(value) is yes


BOTH: dict[str, tuple[str, Callable[[Json], Json]]] = {
    "of the request": ("{ok: data.id}", lambda id_: {"data": {"id": id_}}),
    "of each record": (
        "{results: {each: people, match: index, ok: data.id}}",
        lambda id_: {"people": [{"data": {"id": id_}}]},
    ),
    "written in Jinja": (
        "{results: {each: people, match: index, ok: \"{{ element.data.id == 'x1' }}\"}}",
        lambda id_: {"people": [{"data": {"id": id_}}]},
    ),
}
SMALL = """
adapter: small
base_url: https://small.test
objects: {Contact: {keys: [ext]}}
operations: {upsert: {repeat: safe, request: {post: /people, json: payload}, answer: ANSWER}}
"""


@pytest.mark.parametrize("how", BOTH)
def test_a_written_record_is_never_refused_for_the_type_of_its_ok(how: str, tmp_path: Path) -> None:
    answer, body = BOTH[how]
    adapter = written(SMALL.replace("ANSWER", answer), tmp_path)
    batch = fake_batch(adapter.model, "upsert", [("A", {"ext": "A"}, None)])
    for given, verdict in (("x1", Verdict.DELIVERED), (None, Verdict.REJECTED)):
        reply = Reply(200, orjson.dumps(body(given)).decode())
        (result,) = FakeSystem(adapter, fake_plan(adapter), partial(_always, reply)).send(batch)
        assert result.outcomes[0].verdict is verdict


def _always(reply: Reply, _: Asked) -> Reply:
    return reply
