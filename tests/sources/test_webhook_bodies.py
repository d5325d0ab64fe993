"""The bodies of requests to a webhook: read whole or refused, in bounded time and memory."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import hmac
import json

import httpx
import pytest

from syncflow.config.models.signatures import WebhookSignature
from syncflow.sources.webhook import Webhook
from tests.sources.kit import take
from tests.sources.webhook_kit import post, talk, why

REFUSED = [
    pytest.param(b"", 400, "the body is empty, expected an event", id="empty"),
    pytest.param(b'{"a": }', 400, "not JSON: line 1, column 7: Expecting value", id="not JSON"),
    pytest.param(
        b"[true, 7]",
        400,
        'entry 1 of the array is not an object, expected an event such as {"record": …}',
        id="not objects",
    ),
    pytest.param(
        b'{"a": "' + b"x" * 200 + b'"}',
        413,
        "event 1 is larger than max_event, which is 100 bytes",
        id="an event too large",
    ),
    pytest.param(b"x" * 2_000, 413, "the body is larger than max_body, which is 1000 bytes", id="a body too large"),
]


@pytest.mark.parametrize(("content", "status", "message"), REFUSED)
def test_a_body_that_cannot_be_taken_is_refused_and_nothing_of_it_is_taken(
    content: bytes, status: int, message: str
) -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        answer = await post(client, content)
        assert (answer.status_code, why(answer)) == (status, message)
        good = post(client, b'{"good": 1}')
        (raw,) = await take(source, 1)
        assert (raw.body, raw.position.offset) == (b'{"good": 1}', 1)
        await source.acknowledge(raw.position)
        assert (await good).status_code == 200

    talk(main, max_body=1000, max_event=100)


def test_one_bad_entry_of_a_body_is_a_dead_letter_and_the_others_are_taken() -> None:
    long = b'{"a": "' + b"x" * 200 + b'"}'

    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        answer = post(client, b'[{"a": 1}, 7, ' + long + b"]")
        raws = await take(source, 3)
        assert [raw.broken for raw in raws] == [
            "",
            'entry 2 of the array is not an object, expected an event such as {"record": …}',
            "event 3 is larger than max_event, which is 100 bytes",
        ]
        assert (raws[2].length, raws[2].sha256) == (len(long), hashlib.sha256(long).hexdigest())
        await source.acknowledge(raws[-1].position)
        assert ((await answer).status_code, (await answer).json()) == (200, {"accepted": 1, "dead_letters": 2})

    talk(main, max_event=100, headers=("X-Topic",))


def test_a_body_that_does_not_tell_its_size_is_refused_before_its_end() -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", source.port)
        writer.write(b"POST /events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(b"7d0\r\n" + b"x" * 2000 + b"\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 413")
        writer.close()

    talk(main, max_body=1000)


def test_a_compressed_body_is_unpacked_and_its_signature_is_of_the_bytes_that_were_sent() -> None:
    body = gzip.compress(b'{"a": 1}')
    signature = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()

    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        answer = post(client, body, **{"content-encoding": "gzip", "X-Signature": signature})
        (raw,) = await take(source, 1)
        await source.acknowledge(raw.position)
        assert (raw.body, (await answer).status_code) == (b'{"a": 1}', 200)
        refused = await post(client, b"...", **{"content-encoding": "gzip"})
        assert refused.status_code == 401  # nothing is unpacked for a stranger

    talk(main, signature=WebhookSignature(secret="s3cret"))


def test_a_form_is_read() -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = post(client, b"payload=%7B%22a%22%3A+1%7D", **headers)
        (raw,) = await take(source, 1)
        await source.acknowledge(raw.position)
        assert (raw.body, (await answer).status_code) == (b'{"a": 1}', 200)
        assert (await post(client, b"other=1", **headers)).status_code == 400

    talk(main, form="payload")


def test_a_body_in_tiny_pieces_is_given_up_before_it_costs_much() -> None:
    head = b"POST /events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"

    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", source.port)
        writer.write(head + b"1\r\n \r\n" * 1_998 + b"2\r\n{}\r\n0\r\n\r\n")
        (raw,) = await take(source, 1)
        await source.acknowledge(raw.position)
        assert (await reader.readuntil(b'{"accepted":1}')).startswith(b"HTTP/1.1 200")
        writer.write(head + b"1\r\n \r\n" * 2_001)
        assert b"HTTP/1.1 400" in await reader.read(100)
        writer.close()

    talk(main)


def test_a_header_that_is_data_and_comes_twice_is_joined() -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        sent = asyncio.ensure_future(client.post("/events", content=b"{}", headers=[("X-Tag", "a"), ("x-tag", "b")]))
        (raw,) = await take(source, 1)
        await source.acknowledge(raw.position)
        assert json.loads(raw.body)["request"]["headers"] == {"x-tag": "a, b"}
        assert (await sent).status_code == 200

    talk(main, headers=("X-Tag",))


def test_a_body_is_asked_for_where_the_sender_waits_for_it() -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", source.port)
        writer.write(b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
        writer.write(b"{}")
        (raw,) = await take(source, 1)
        await source.acknowledge(raw.position)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()

    talk(main)


def test_a_body_that_stops_arriving_is_given_up() -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", source.port)
        writer.write(b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert (await reader.readline()).startswith(b"HTTP/1.1 408")
        writer.close()

    talk(main, patience=0.05)


@pytest.mark.parametrize("body", [b'{"a": 1, "request": "forged"}', b"{ }"], ids=["a field of that name", "empty"])
def test_declared_headers_are_data_and_no_body_can_forge_them(body: bytes) -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        sent = asyncio.ensure_future(
            client.post("/events?shop=7", content=body, headers={"X-Topic": 'orders/"new"', "X-Other": "hidden"})
        )
        (raw,) = await take(source, 1)
        await source.acknowledge(raw.position)
        assert (await sent).status_code == 200
        assert json.loads(raw.body)["request"] == {
            "headers": {"x-topic": 'orders/"new"'},
            "path": "/events",
            "query": {"shop": "7"},
        }

    talk(main, headers=("X-Topic", "X-Absent"))
