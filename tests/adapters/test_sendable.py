"""Whatever cannot be put on the wire costs the record that it was made from, in a dry run and in a run alike."""

from __future__ import annotations

import asyncio
import json
import math
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from syncflow.adapters.gate import OpenGate
from syncflow.adapters.vendor_words import without_values
from syncflow.errors import DataError
from syncflow.events import Action, BatchResult, Verdict
from tests.adapters.kit import Network, batch, client, delivery, plan, send, simple_batch, written

SMALL = """
adapter: small
base_url: https://small.test
auth: {api_key: {settings: {token: secret}, headers: {Authorization: "Bearer {{ auth.token }}"}}}
objects: {Contact: {fields: objects/small_Contact.yaml}}
operations:
  upsert: {repeat: safe, request: {put: "/people/{{ key.value }}", json: payload, headers: {X-Ref: "{{ record.id }}"}}}
  create: {repeat: unsafe, batch: {records: 10}, request: {post: /people, json: {rows: {each: payload}}}}
"""
GOOD: dict[str, Any] = {"got": {"status": 200, "json": {}}}

UNSENDABLE: dict[str, tuple[dict[str, Any], str, str]] = {
    "a key of 70,000 letters": ({"key": "B" * 70_000}, "address", "bytes long; 65536 are allowed"),
    "a key of one dot": ({"key": "."}, "address", "the path of the address has the segment ."),
    "a key of two dots": ({"key": ".."}, "address", "the path of the address has the segment .."),
    "an empty key": ({"key": ""}, "request", "the last segment of the path is empty"),
    "half a surrogate in the key": ({"key": "\ud800"}, "request", ""),
    "a NUL in a header": ({"record_id": "a\0b"}, "header", "the header X-Ref holds a control character"),
    "a line break in a header": ({"record_id": "a\r\nb"}, "header", "the header X-Ref holds a control character"),
    "a header that is not ASCII": ({"record_id": "é"}, "header", "a character that is not ASCII"),
    "half a surrogate in the body": ({"payload": {"a": "\udfff"}}, "body", "a value that cannot be written as JSON"),
    "not a number in the body": ({"payload": {"a": math.nan}}, "body", "a number that is not finite"),
    "infinity in the body": ({"payload": {"a": [{"b": -math.inf}]}}, "body", "a number that is not finite"),
}


def _bad(more: dict[str, Any], action: Action = "upsert", number: int = 1) -> Any:
    more = dict(more)
    made = delivery(number, operation=action, **{k: v for k, v in more.items() if k != "record_id"})
    if "record_id" in more:
        made = replace(made, record=made.record._replace(id=more["record_id"]))
    return made


@pytest.mark.parametrize(("more", "code", "words"), UNSENDABLE.values(), ids=UNSENDABLE)
def test_a_record_that_cannot_be_put_on_the_wire_is_refused_alike_in_a_dry_run_and_a_run(
    more: dict[str, Any], code: str, words: str, tmp_path: Path
) -> None:
    system = plan(written(SMALL, tmp_path), auth={"token": "secret-token"})
    sent = batch([_bad(more)])

    async def main() -> tuple[str, BatchResult]:
        async with client(system, Network([]), gate=OpenGate()) as opened:
            with pytest.raises(DataError) as raised:
                opened.render(sent)
            return raised.value.message, await opened.send(sent)

    rendered, result = asyncio.run(main())
    outcome = result.outcomes[0]
    assert (outcome.verdict, outcome.code, result.signal) == (Verdict.REJECTED, code, None)
    assert words in outcome.message
    assert words in rendered
    assert outcome.rule.startswith("small.yaml:")


def test_in_a_batch_a_body_that_cannot_be_written_asks_for_halves(tmp_path: Path) -> None:
    system = plan(written(SMALL, tmp_path), auth={"token": "secret-token"})
    sent = batch([delivery(1, operation="create"), _bad({"payload": {"a": math.nan}}, "create", 2)])
    result = asyncio.run(send(system, Network([]), sent, gate=OpenGate()))
    assert result.signal is not None
    assert result.signal.kind == "split"


@pytest.mark.parametrize(
    "token",
    ["a\rb", "a\n", "ü", "a\0", "a" * 70_000],
    ids=["CR", "newline at its end", "not ASCII", "NUL", "absurdly long"],
)
def test_credentials_that_cannot_be_put_on_the_wire_stop_the_system(token: str, tmp_path: Path) -> None:
    system = plan(written(SMALL, tmp_path), auth={"token": token})
    result = asyncio.run(send(system, Network([]), simple_batch(), gate=OpenGate()))
    assert result.signal is not None
    assert result.signal.kind == "stop"
    assert result.outcomes[0].verdict is Verdict.RETRY
    assert not result.outcomes[0].counts
    assert token not in result.signal.reason


PAGED = """
adapter: small
base_url: https://small.test
objects: {Contact: {fields: objects/small_Contact.yaml}}
operations:
  upsert:
    repeat: safe
    steps:
      - name: found
        reads: true
        request: {get: "/people"}
        answer: {results: {each: rows, match: k, with: key.value, vendor_id: id}, missing: next, pages: {link: body.next, most: 3}}
      - request: {put: "/people/{{ key.value }}", json: payload}
"""


@pytest.mark.parametrize(
    "link",
    ["http://[x", "/a\0b", "https://other.test/a", "/a\ud800", "/" + "a" * 70_000, "//vendor.test:99999999/x"],
    ids=["no address", "NUL", "another host", "half a surrogate", "too long", "no port"],
)
def test_a_link_that_cannot_be_followed_is_an_unreadable_answer(link: str, tmp_path: Path) -> None:
    text = json.dumps({"rows": [], "next": link})
    network = Network([{"got": {"status": 200, "text": text}}])
    system = plan(written(PAGED, tmp_path))
    result = asyncio.run(send(system, network, simple_batch(), gate=OpenGate()))
    assert (result.outcomes[0].verdict, result.outcomes[0].code) == (Verdict.RETRY, "unreadable_answer")


def test_values_in_a_refusal_of_200_long_records_are_hidden_sooner_than_the_records_are_written() -> None:
    """A tenth of that time; looked for one by one in the text of the records it would be many times as much."""
    long = [{f"f{i}": f"Value {n} of {i} " * 40 for i in range(40)} for n in range(200)]
    records: list[Any] = [
        {"payload": payload, "key": {"name": "k", "value": f"K{n}"}} for n, payload in enumerate(long)
    ]
    records[7]["payload"]["name"] = "Ada Lovelace"
    times = [time.process_time()]
    for _ in range(10):
        hidden = without_values("the name ada lovelace of K3 is wrong", records)
    times.append(time.process_time())
    for _ in range(10):
        json.dumps(records)
    times.append(time.process_time())
    assert hidden == "the name … of … is wrong"
    assert times[1] - times[0] < times[2] - times[1]


HIDDEN = {
    "a whole word": ("Ann is bad", ["Ann"], "… is bad"),
    "not within a word": ("Annual is bad", ["Ann"], "Annual is bad"),
    "the longest first": ("Ann Lee is bad", ["Ann", "Ann Lee"], "… is bad"),
    "whatever its case": ("ANN is bad", ["ann"], "… is bad"),
    "with marks around it": ("+41 (79) is bad", ["+41 (79)"], "… is bad"),
    "only marks": ("a ?? b", ["??"], "a … b"),
    "a number": ("4711 is bad", [4711], "… is bad"),
}


@pytest.mark.parametrize(("text", "values", "hidden"), HIDDEN.values(), ids=HIDDEN)
def test_values_are_hidden(text: str, values: list[Any], hidden: str) -> None:
    records: list[Any] = [{"payload": dict(enumerate(values)), "key": {"name": "k", "value": "zzz"}}]
    assert without_values(text, records) == hidden
