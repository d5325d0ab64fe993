"""The made-up stream: the same for the same seed, true to the schema, and a story that makes sense."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from syncflow.compiler.door.schema import compile_door
from syncflow.config.models.routes import GenerateSource
from syncflow.config.models.schema import SchemaNode
from syncflow.config.scalars import Rate
from syncflow.errors import ProjectError
from syncflow.events import Position
from syncflow.sources.generate import Generate, Stream
from tests.sources.kit import CONTACT, read_all, run_in_virtual_time, schema, take


def events(settings: GenerateSource, *, node: SchemaNode = CONTACT) -> list[dict[str, Any]]:
    source = Generate(settings, schemas={"contacts": node})
    return [json.loads(raw.body) for raw in asyncio.run(read_all(source))]


def test_the_same_seed_makes_the_same_bytes_and_another_does_not() -> None:
    def stream(seed: int) -> list[bytes]:
        source = Generate(GenerateSource(count=500, seed=seed), schemas={"contacts": CONTACT})
        return [raw.body for raw in asyncio.run(read_all(source))]

    assert stream(3) == stream(3)
    assert stream(3) != stream(4)


def test_an_event_has_the_products_shape() -> None:
    first = events(GenerateSource(count=1, seed=2))[0]
    assert list(first) == ["record", "operation", "timestamp", "item"]
    assert (first["record"], first["operation"]) == ("contacts", "create")
    assert re.fullmatch(r"2024-01-15T10:30:00\.\d{6}", first["timestamp"])
    item = first["item"]
    assert re.fullmatch(r"A\d{4}", item["id"])
    assert re.fullmatch(r"[A-Z]\w+ [A-Z]\w+", item["name"])
    assert item["created_at"] == item["updated_at"] == first["timestamp"]


def test_updates_and_deletes_are_of_records_that_exist_and_carry_the_whole_item() -> None:
    living: dict[str, dict[str, Any]] = {}
    gone: set[str] = set()
    for event in events(GenerateSource(count=5_000, changes_of={"contact_type": 0.2})):
        item = event["item"]
        match event["operation"]:
            case "create":
                assert item["id"] not in living.keys() | gone
                living[item["id"]] = item
            case "update":
                before = living[item["id"]]
                assert before["created_at"] == item["created_at"]
                assert before["updated_at"] < item["updated_at"] == event["timestamp"]
                assert before != item
                living[item["id"]] = item
            case "delete":
                assert living.pop(item["id"]) == item
                gone.add(item["id"])


def test_shares_are_as_given() -> None:
    found = Counter(event["operation"] for event in events(GenerateSource(count=10_000)))
    for operation, share in {"create": 0.6, "update": 0.3, "delete": 0.1}.items():
        assert found[operation] / 10_000 == pytest.approx(share, abs=0.02)


def test_shares_need_not_add_up_to_one_and_may_leave_operations_out() -> None:
    found = Counter(
        event["operation"] for event in events(GenerateSource(count=4_000, shares={"create": 3, "update": 1}))
    )
    assert found["create"] / 4_000 == pytest.approx(0.75, abs=0.03)
    assert "delete" not in found


def test_changes_of_is_the_share_of_updates_that_change_that_field() -> None:
    types: dict[str, str] = {}
    updates = changed = 0
    for event in events(GenerateSource(count=10_000, changes_of={"contact_type": 0.2})):
        item = event["item"]
        if event["operation"] == "update":
            updates += 1
            changed += types[item["id"]] != item["contact_type"]
        types[item["id"]] = item["contact_type"]
    assert changed / updates == pytest.approx(0.2, abs=0.03)


def test_types_are_those_of_the_schema_and_all_occur() -> None:
    found = {event["item"]["contact_type"] for event in events(GenerateSource(count=300))}
    assert found == {"lead", "prospect", "employee", "customer", "partner", "vendor"}
    seventh = CONTACT.model_copy(
        update={"properties": {**CONTACT.properties, "contact_type": SchemaNode(enum=("lead", "investor"))}}
    )
    assert {event["item"]["contact_type"] for event in events(GenerateSource(count=50), node=seventh)} == {
        "lead",
        "investor",
    }


def test_nobody_real_is_reached() -> None:
    items = [event["item"] for event in events(GenerateSource(count=5_000))]
    for item in items:
        assert re.fullmatch(r"[a-z.]+\d+@example\.(com|org|net)", item.get("email") or "a1@example.com")
        assert re.fullmatch(r"\+1-\d{3}-555-01\d\d", item.get("phone") or "+1-212-555-0100")


def test_no_two_records_ever_had_the_same_email() -> None:
    owners: dict[str, str] = {}
    for event in events(GenerateSource(count=20_000)):
        email = event["item"].get("email")
        if email:
            assert owners.setdefault(email, event["item"]["id"]) == event["item"]["id"]


def test_optional_properties_are_sometimes_absent_and_sometimes_null() -> None:
    items = [event["item"] for event in events(GenerateSource(count=2_000))]
    assert any("email" not in item for item in items)
    assert any(item.get("email", "") is None for item in items)
    assert all(item["name"] and item["contact_type"] for item in items)


SCHEMAS = {
    "nothing said": "type: object",
    "no identity": "{type: object, properties: {flag: {type: boolean}}}",
    "numbers": """
        type: object
        required: [id, small, below, real, exact]
        properties:
          id: {type: integer, minimum: 5}
          small: {type: integer, minimum: 1, maximum: 3}
          below: {type: integer, maximum: -5}
          real: {type: number, minimum: 2, maximum: 3}
          exact: {const: 7}
          any: {type: [integer, "null"]}""",
    "formats": """
        type: object
        required: [id, day, hour, at, local, zoned, site, host, mobile, mail]
        properties:
          id: {type: string, format: uuid}
          day: {type: string, format: date}
          hour: {type: string, format: time}
          at: {type: string, format: date-time}
          local: {type: string, format: date-time-local}
          zoned: {type: string, format: date-time-zoned}
          updatedAt: {type: string, format: date-time-zoned}
          site: {type: string, format: uri}
          host: {type: string, format: hostname}
          mobile: {type: string, format: e164}
          mail: {type: string, format: email, maxLength: 22}""",
    "lengths": """
        type: object
        required: [id, name, code, companyName, phone, text]
        properties:
          id: {type: string, minLength: 8, maxLength: 8}
          name: {type: string, maxLength: 5}
          code: {type: string, minLength: 40, maxLength: 41}
          companyName: {type: string, minLength: 3, maxLength: 3}
          phone: {type: string, maxLength: 10}
          text: {type: string}""",
    "nested": """
        type: object
        required: [key, address, tags, either]
        $defs:
          place: {type: object, required: [city], properties: {city: {type: string}, zip: {type: string}}}
          person: {type: object, properties: {friends: {type: array, items: {$ref: "#/$defs/person"}}}}
        properties:
          key: {type: string}
          address: {$ref: "#/$defs/place"}
          tags: {type: array, items: {type: string, enum: [a, b]}}
          either: {anyOf: [{type: "null"}, {type: integer}]}
          owner: {$ref: "#/$defs/person"}
          status: {enum: [open, null, 3]}""",
    "patterns": """
        type: object
        required: [id, code]
        properties:
          id: {type: string}
          code: {type: string, pattern: "^[A-Z]{3}$", examples: [ABC, XYZ]}
          other: {type: string, pattern: "^x$"}""",
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_item_fits_its_schema_whatever_the_schema(name: str) -> None:
    node = schema(SCHEMAS[name])
    door = compile_door(node, name="things")
    for event in events(GenerateSource(count=400), node=node):
        assert list(door.misfits(event["item"])) == []


def test_every_contact_fits_its_schema() -> None:
    door = compile_door(CONTACT, name="contacts")
    for event in events(GenerateSource(count=3_000, changes_of={"contact_type": 0.5})):
        assert list(door.misfits(event["item"])) == []


def test_an_endless_stream_keeps_a_bounded_number_of_records() -> None:
    stream = Stream("contacts", CONTACT, settings=GenerateSource(shares={"create": 1}))
    for _ in range(12_000):
        stream.next_event()
    assert stream.living == 10_000


def test_the_count_is_over_all_runs() -> None:
    async def runs() -> None:
        settings = GenerateSource(count=10)
        assert (
            len(
                await read_all(
                    Generate(settings, schemas={"contacts": CONTACT}), {"generate:1": Position("generate:1", 7)}
                )
            )
            == 3
        )
        assert (
            len(
                await read_all(
                    Generate(settings, schemas={"contacts": CONTACT}), {"generate:1": Position("generate:1", 10)}
                )
            )
            == 0
        )

    asyncio.run(runs())


@pytest.mark.parametrize(
    ("rate", "largest"),
    [(Rate(5, 1.0), 1), (Rate(1, 10.0), 1), (Rate(100, 1.0), 5), (Rate(60_000, 60.0), 50)],
    ids=lambda value: f"{value.count:g} per {value.per_seconds:g} s" if isinstance(value, Rate) else "",
)
def test_a_rate_is_kept_from_the_first_moment_in_chunks_of_a_fraction_of_a_second(rate: Rate, largest: int) -> None:
    async def arrivals() -> list[tuple[float, int]]:
        source = Generate(GenerateSource(rate=rate), schemas={"contacts": CONTACT})
        await source.open({})
        loop = asyncio.get_running_loop()
        found: list[tuple[float, int]] = []
        while not found or loop.time() < 20 * largest * rate.per_seconds / rate.count:
            chunk = await source.read(most=1_000)
            found.append((loop.time(), len(chunk)))
        return found

    found = run_in_virtual_time(arrivals)
    per_second = rate.count / rate.per_seconds
    assert {size for _, size in found} == {largest}
    for index, (when, _) in enumerate(found):
        assert when == pytest.approx(index * largest / per_second, abs=0.06 * largest / per_second)


def test_an_event_each_200_ms_at_five_a_second() -> None:
    async def gaps() -> list[float]:
        source = Generate(GenerateSource(rate=Rate(5, 1.0)), schemas={"contacts": CONTACT})
        times = []
        for _ in range(10):
            await take(source, 1)
            times.append(asyncio.get_running_loop().time())
        return [later - earlier for earlier, later in pairwise(times[1:])]

    assert run_in_virtual_time(gaps) == pytest.approx([0.2] * 8, abs=0.001)


def test_a_cancelled_wait_for_the_next_event_skips_none() -> None:
    async def numbers() -> list[int]:
        source = Generate(GenerateSource(rate=Rate(5, 1.0)), schemas={"contacts": CONTACT})
        found = [raw.position.offset for raw in await take(source, 1)]
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(source.read(most=1), 0.01)  # on purpose
        return found + [raw.position.offset for raw in await take(source, 2)]

    assert run_in_virtual_time(numbers) == [1, 2, 3]


ENDLESS = """
    required: [id, x]
    properties: {id: {}, x: {$ref: '#/$defs/x'}}
    $defs: {x: {required: [x], properties: {x: {$ref: '#/$defs/x'}}}}"""
PATTERN = schema("{type: object, required: [id, code], properties: {id: {}, code: {type: string, pattern: '(?i)x'}}}")
MISTAKES = [
    pytest.param(
        GenerateSource(shares={"create": 1, "upsert": 2}),
        {"contacts": CONTACT},
        "source.generate.shares: expected create, update and delete, found upsert",
        id="unknown operation",
    ),
    pytest.param(
        GenerateSource(shares={"create": -1, "update": 2}),
        {"contacts": CONTACT},
        "source.generate.shares: expected shares of which none is negative and one is above 0",
        id="negative share",
    ),
    pytest.param(
        GenerateSource(shares={}),
        {"contacts": CONTACT},
        "source.generate.shares: expected shares of which none is negative and one is above 0",
        id="no share",
    ),
    pytest.param(
        GenerateSource(changes_of={"name": 0.5}),
        {"contacts": CONTACT},
        "source.generate.changes_of: name has no enum of two or more values in the schema",
        id="no enum",
    ),
    pytest.param(
        GenerateSource(),
        {"contacts": CONTACT, "deals": CONTACT},
        "source.generate.record: say which kind of record to make; known are contacts, deals",
        id="which kind",
    ),
    pytest.param(
        GenerateSource(record="people"),
        {"contacts": CONTACT},
        "source.generate.record: no kind of record is named 'people'; known are contacts",
        id="unknown kind",
    ),
    pytest.param(
        GenerateSource(),
        {"contacts": PATTERN},
        "source.generate cannot invent values for 'code', whose schema has a pattern that is not understood",
        id="pattern",
    ),
    pytest.param(
        GenerateSource(),
        {"contacts": schema("{type: object, required: [x], properties: {x: {$ref: '#/$defs/y'}}}")},
        "$ref: #/$defs/y leads nowhere",
        id="reference to nothing",
    ),
    pytest.param(
        GenerateSource(),
        {"contacts": schema("{required: [x], $defs: {y: {$ref: '#/$defs/y'}}, properties: {x: {$ref: '#/$defs/y'}}}")},
        "the schema's $ref lead in a circle",
        id="circle",
    ),
    pytest.param(
        GenerateSource(),
        {"contacts": schema(ENDLESS)},
        "source.generate cannot invent values for 'x': its schema requires itself without end",
        id="requires itself",
    ),
]


@pytest.mark.parametrize(("settings", "schemas", "message"), MISTAKES)
def test_settings_that_cannot_be_used_are_refused_in_plain_words(
    settings: GenerateSource, schemas: dict[str, SchemaNode], message: str
) -> None:
    with pytest.raises(ProjectError) as caught:
        Generate(settings, schemas=schemas)
    assert caught.value.message == message


BOUNDED = {
    "id with a pattern": "id: {type: string, pattern: '^C-[0-9]{6}$'}",
    "id with a pattern and a length": "id: {type: string, pattern: '^[A-Z]+$', minLength: 4, maxLength: 6}",
    "id of integers": "id: {type: integer, minimum: 1000, maximum: 1010}",
    "id of negative integers": "id: {type: integer, minimum: -20, maximum: -10}",
    "id with a format": "id: {type: string, format: email}",
    "id of a number in text": "id: {type: string, format: decimal}",
    "id of an enum": "id: {type: string, enum: [A, B, C]}",
    "short id": "id: {type: string, maxLength: 3}",
    "long id": "id: {type: string, minLength: 12, maxLength: 12}",
    "text that is not blank": "id: {type: string, minLength: 1, pattern: '\\\\S'}\n  note: {type: string, maxLength: 5, pattern: '\\\\S$'}",
    "patterns": "id: {}\n  code: {type: string, pattern: '^(AB|CD)-[0-9]{2,4}[a-z]?$'}\n  note: {type: string, pattern: x}",
    "numbers": "id: {}\n  a: {type: number, minimum: 0.5, maximum: 0.75}\n  b: {type: integer, minimum: -3, maximum: -3}",
    "texts": "id: {}\n  a: {type: string, format: decimal}\n  b: {type: string, format: boolean}\n"
    "  c: {type: string, format: date-time-local}",
}


@pytest.mark.parametrize("properties", BOUNDED.values(), ids=BOUNDED.keys())
def test_what_is_made_fits_the_schema(properties: str) -> None:
    names = [line.strip().partition(":")[0] for line in properties.splitlines()]
    node = schema(f"type: object\nrequired: [{', '.join(names)}]\nproperties:\n  {properties}")
    door = compile_door(node, name="contacts")
    source = Generate(GenerateSource(count=300), schemas={"contacts": node})
    events = [json.loads(raw.body) for raw in asyncio.run(read_all(source))]
    assert [door.misfits(event["item"]) for event in events if event["operation"] != "delete"] == [()] * sum(
        event["operation"] != "delete" for event in events
    )


def test_ids_of_a_pattern_are_different() -> None:
    node = schema("type: object\nrequired: [id]\nproperties: {id: {type: string, pattern: '^C-[0-9]{6}$'}}")
    source = Generate(GenerateSource(count=500, shares={"create": 1}), schemas={"contacts": node})
    assert len({raw.body for raw in asyncio.run(read_all(source))}) == 500
