"""What `validate --strict` accepts carries typed cells to the wire: a row that fits makes requests whose payloads fit the object.

The way of a row is walked whole: bytes, cells read by the schema's types, door, mapping, request; also where a request takes values out of
the answer of an earlier one.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import orjson
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from syncflow.adapters.scripted import Asked, Reply
from syncflow.compiler.columns import columns_of
from syncflow.compiler.program import Program
from syncflow.config.project import Project, load_project
from syncflow.events import Accepted, Batch, Delivery, Match, Raw, Record, Verdict
from syncflow.sources.rows import RowSplitter
from syncflow.testing.fake_system import FakeSystem
from tests.compiler.projects import FILES
from tests.compiler.test_law import accepted, breaks, projects
from tests.effort import examples

ROUTES = """
functions: functions.py
source:
  file: {path: people.csv, delimiter: "|", decimal: DECIMAL, separator: ";", null_text: ["\\\\N", nil]}
envelope: row
records:
  contacts: {schema: contact.yaml, items: ITEMS}
systems:
  sales: {adapter: crm}
routes:
  - {to: sales, mapping: person.yaml}
"""

BEHIND_A_LOOK_UP = """
adapter: crm
base_url: https://crm.example
objects:
  people: {fields: objects/people.yaml, keys: [external_id]}
operations:
  upsert:
    repeat: safe
    steps:
      - name: found
        request: {get: /people, query: {ref: "{{ key.value }}"}}
        answer: {results: {each: hits, keep: {owner: owner.id}}, missing: next}
      - request: {post: /people, json: "{each: [payload], owner: steps.found.owner, known: steps.found.done}"}
        answer: {results: {vendor_id: id}}
  delete:
    repeat: safe
    request: {delete: "/people/{{ key.value }}"}
"""

_ANSWERS: list[Any] = [
    {"hits": []},
    {"hits": [{"id": "7", "owner": {"id": 5}}]},
    {"hits": [{"id": "7", "owner": {"id": "ü/ \n"}}]},
    {"hits": [{"id": 7, "owner": None}]},
    {"hits": [{"id": "7"}]},
]
"""What the other side may say to the look-up: nobody, somebody, and somebody without an owner."""

_WORDS = [
    "",
    "\\N",
    "nil",
    " ",
    "0",
    "x",
    "lead",
    "customer",
    "a@b.org",
    "+4930123456",
    "call me",
    "ßΐ",
    "aGk=",
    "[1]",
    "{}",
    "1e400",
]
_MOMENTS = ["2024-01-15", "15.1.2024", "2024-01-15 10:30:00+00", "2024-02-29T23:59:59Z", "15-JAN-24", "0000-00-00"]
_NUMBERS = ["1042", "1042.0", "1042,0", "-5", ".5", "12,", "1,5", "1.5", "5", "9" * 30, "1e3", "-0"]
_BOOLEANS = ["t", "f", "true", "FALSE", "1", "0", "yes"]
_LISTS = ["lead", "lead;customer", "lead;;lead", ";", "lead;odd", '["lead"]']
_OF_TYPE = {"integer": _NUMBERS, "number": _NUMBERS, "boolean": _BOOLEANS, "array": _LISTS}
_OF_FORMAT = {
    "email": ["a@b.org", "A.B+c@X-Y.example.ORG"],
    "date": _MOMENTS,
    "date-time": _MOMENTS,
    "decimal": _NUMBERS,
}
CELLS = st.sampled_from([*_WORDS, *_MOMENTS, *_NUMBERS, *_BOOLEANS, *_LISTS]) | st.text("aä1 .,;-", max_size=12)
"""Texts that are a value of some type and not of others; a row is taken where all of its own fit."""


_MOST_SENT = 4
"""Rows of a project that are sent; all of them are mapped."""


@st.composite
def row_projects(draw: st.DrawFn) -> dict[str, str]:
    """Draw the files of a project that reads rows."""
    files, _ = draw(projects())
    items = "partial" if "items: partial" in files["routes.yaml"] else "whole"
    routes = ROUTES.replace("ITEMS", items).replace("DECIMAL", draw(st.sampled_from(['"."', '","'])))
    looked_up = {"adapters/crm.yaml": BEHIND_A_LOOK_UP} if draw(st.booleans()) else {}
    return {**FILES, **files, "routes.yaml": routes, **looked_up}


@st.composite
def tables(draw: st.DrawFn, schema: dict[str, Any]) -> bytes:
    """Draw the rows of a file, each with an id and a type."""
    properties = schema["properties"]
    lines = ["|".join(properties)]
    for number in range(draw(st.integers(10, 20))):
        own = {"id": f"A{number}", "type": "lead"}
        cells = [own[name] if name in own else draw(_written(described)) for name, described in properties.items()]
        lines.append("|".join(cells))
    return "\n".join(lines).encode()


def _written(described: dict[str, Any]) -> st.SearchStrategy[str]:
    """Return cells of a column: mostly texts of its type, sometimes any text or none, some of them in quotes."""
    kinds = described.get("type", "string")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    words = described.get("enum") or _OF_FORMAT.get(described.get("format", "")) or _OF_TYPE.get(kind, _WORDS)
    usual = st.sampled_from([str(word) for word in words])
    texts = st.one_of(usual, usual, usual, st.just(""), CELLS)
    return st.tuples(texts, st.booleans()).map(
        lambda cell: f'"{cell[0].replace(chr(34), chr(34) * 2)}"' if cell[1] else cell[0]
    )


def read(project: Project, table: bytes) -> list[Raw]:
    source = project.routes.model.source
    assert source is not None
    assert source.file is not None
    splitter = RowSplitter("people.csv", max_event=10**6, settings=source.file, columns=columns_of(project))
    return [*splitter.feed(table), *splitter.finish()]


def sent(project: Project, program: Program, match: Match, answer: Any) -> list[Asked]:
    """Return the requests that one delivery makes; it must be delivered."""

    def reply(asked: Asked) -> Reply:
        return Reply(200, orjson.dumps(answer if asked.method == "GET" else {"id": "9"}).decode())

    assert match.operation is not None
    delivery = Delivery(
        id=1, event=1, route=match.route, system=match.system, object=match.object, operation=match.operation,
        record=Record("contacts", str(match.key.value)), key=match.key, payload=match.payload, version=(0, 1), read_at=0.0,
    )  # fmt: skip
    there = FakeSystem(project.adapters["crm"], program.systems["sales"], reply)
    (result,) = there.send(Batch("b1", match.system, match.object, match.operation, match.key.name, (delivery,)))
    assert [outcome.verdict for outcome in result.outcomes] == [Verdict.DELIVERED], result
    return there.seen


@settings(
    max_examples=examples(12),
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # an example is a whole project: to shrink one takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(row_projects(), st.data())
def test_a_row_that_fits_makes_requests_that_fit(files: dict[str, str], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as directory:
        made = accepted(files, Path(directory))
        if made is None:
            return
        program, fields = made
        project = load_project(Path(directory) / "routes.yaml", environment={})
        schema = json.loads(files["contact.yaml"])
        answer = data.draw(st.sampled_from(_ANSWERS))
        texts: list[str] = []
        for raw in read(project, data.draw(tables(schema))):
            event = program.check(raw)
            if not isinstance(event, Accepted):
                continue
            routed = program.route(event)
            assert routed.failures == ()
            for match in routed.matches:
                assert breaks(match.payload, fields, creates=False) == []
                if len(texts) == _MOST_SENT:
                    continue
                *asked, last = sent(project, program, match, answer)
                texts.append(last.text)
                body = json.loads(last.text)
                assert (body[0] if isinstance(body, list) else body["each"][0]) == match.payload
                if asked:
                    hits = answer["hits"]
                    owner = (hits[0].get("owner") or {}).get("id") if hits else None
                    assert (body["owner"], body["known"]) == (owner, bool(hits))
