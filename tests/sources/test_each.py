"""``envelope.each``: one body, many events; each its own, none without its position."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import pytest

from syncflow.config.models.routes import FileSource, SourceSettings, StdinSource
from syncflow.events import Position, Raw
from syncflow.sources import Source, Surroundings, open_source
from syncflow.sources.each import compile_each
from tests.sources.kit import StepClock, drain


def events(each: str, body: Any, **raw: Any) -> list[Raw]:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return list(compile_each(each)(Raw(Position("p", 7), text, **raw)))


@pytest.mark.parametrize(
    ("each", "body"),
    [
        ("contacts", {"contacts": [{"n": 1}, {"n": 2}]}),
        ("data.items", {"data": {"items": [{"n": 1}, {"n": 2}]}}),
        ("entry[].changes[]", {"entry": [{"changes": [{"n": 1}]}, {"changes": [{"n": 2}]}]}),
    ],
    ids=["a list", "deeper", "lists in a list"],
)
def test_each_entry_is_an_event_at_the_position_of_its_body(each: str, body: Any) -> None:
    found = events(each, body, event_id="m")
    assert [(raw.position.offset, raw.event_id, json.loads(raw.body)) for raw in found] == [
        (7, "m", {"n": 1}),
        (7, "m#2", {"n": 2}),
    ]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"people": []}, "envelope.each: expected a list of events, found none"),
        ({"contacts": {"n": 1}}, "envelope.each: expected a list of events"),
        ({"contacts": []}, "envelope.each: the list is empty, expected an event"),
        (b"{", "not JSON: unexpected end of data (byte 2)"),
        (b'{"contacts": [{"n": 123456789012345678901}]}', "an integer has more than 64 bits, and would lose digits"),
    ],
    ids=["absent", "an object", "empty", "not JSON", "digits"],
)
def test_a_body_without_the_list_is_one_dead_letter(body: Any, why: str) -> None:
    (raw,) = events("contacts", body)
    assert (raw.broken, raw.position.offset) == (why, 7)


def test_an_entry_that_is_no_object_costs_only_itself() -> None:
    assert [raw.body for raw in events("contacts", {"contacts": [1, {"n": 2}]})] == [b"1", b'{"n":2}']


def test_lines_of_other_sources_are_taken_apart_too_and_never_parted() -> None:
    lines = b'{"c": [{"n": 1}, {"n": 2}, {"n": 3}]}\n{"c": [{"n": 4}]}\n'

    async def run() -> None:
        source = open_source(
            SourceSettings(stdin=StdinSource()),
            Surroundings(base=Path(), schemas={}, clock=StepClock(), stdin=io.BytesIO(lines)),
            each="c",
        )
        await source.open({})
        first = await source.read(most=2)
        assert [json.loads(raw.body)["n"] for raw in first] == [1, 2, 3]
        assert len({raw.position for raw in first}) == 1
        await source.acknowledge(first[-1].position)
        assert [json.loads(raw.body)["n"] for raw in await drain(source)] == [4]
        await source.close()

    asyncio.run(run())


@pytest.mark.parametrize("follow", [False, True], ids=["content", "stream"])
def test_behind_any_body_of_a_file_a_restart_gives_exactly_the_rest(tmp_path: Path, follow: bool) -> None:
    path = tmp_path / "bodies.jsonl"
    path.write_text(
        "".join(json.dumps({"c": [{"n": 3 * body + entry} for entry in range(3)]}) + "\n" for body in range(6))
    )

    def opened() -> Source:
        settings = SourceSettings(file=FileSource(path="bodies.jsonl", follow=follow))
        return open_source(settings, Surroundings(base=tmp_path, schemas={}, clock=StepClock()), each="c")

    async def run() -> None:
        for done in (1, 4, 5, 8, 13):
            source = opened()
            await source.open({})
            first = await source.read(most=done)
            await source.close()
            again = opened()
            last = first[-1].position
            await again.open({last.partition: last})
            rest = await again.read(most=100)
            await again.close()
            assert [json.loads(raw.body)["n"] for raw in (*first, *rest)] == list(range(18))
            assert {raw.position.partition for raw in rest} == {last.partition}

    asyncio.run(run())
