"""The webhook over real sockets: 200 only for what is durable, and a plain refusal for everything else."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import hmac
import json
import logging
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from syncflow.config.models.handshakes import WebhookAuth, WebhookHandshake
from syncflow.config.models.routes import WebhookSignature, WebhookSource
from syncflow.errors import ProjectError
from syncflow.events import Position
from syncflow.sources.webhook import Webhook
from tests.sources.kit import bodies, take

Talk = Callable[[Webhook, httpx.AsyncClient], Awaitable[None]]


@asynccontextmanager
async def listening(
    *,
    acknowledged: dict[str, Position] | None = None,
    patience: float = 10.0,
    head: float = 10.0,
    most: int | None = None,
    **settings: Any,
) -> AsyncIterator[tuple[Webhook, httpx.AsyncClient]]:
    declared = WebhookSource(listen="127.0.0.1:0", **settings)
    source = Webhook(declared, patience_seconds=patience, head_seconds=head, most_connections=most)
    await source.open(acknowledged or {})
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{source.port}", trust_env=False) as client:
            yield source, client
    finally:
        await source.close()


def talk(main: Talk, **settings: Any) -> None:
    async def run() -> None:
        async with listening(**settings) as (source, client):
            await main(source, client)

    asyncio.run(asyncio.wait_for(run(), 30))


def post(client: httpx.AsyncClient, content: bytes, **headers: str) -> asyncio.Task[httpx.Response]:
    return asyncio.ensure_future(client.post("/events", content=content, headers=headers))


def why(answer: httpx.Response) -> str:
    return str(answer.json()["error"])


@pytest.mark.parametrize(
    ("content", "headers", "events"),
    [
        (b'{"a": 1}', {}, [b'{"a": 1}']),
        (b'[{"a": 1}, {"a": 2}]', {}, [b'{"a": 1}', b'{"a": 2}']),
        (b'{"a": 1}\n{"a": 2}\n', {}, [b'{"a": 1}', b'{"a": 2}']),
        (b'{"a": 1}\n', {"content-type": "application/x-ndjson; charset=utf-8"}, [b'{"a": 1}']),
    ],
    ids=["an event", "an array", "lines", "declared lines"],
)
def test_the_answer_comes_after_the_last_event_is_acknowledged(
    content: bytes, headers: dict[str, str], events: list[bytes]
) -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        answer = post(client, content, **headers)
        raws = await take(source, len(events))
        assert bodies(raws) == events
        for raw in raws:
            assert not answer.done()
            await source.acknowledge(raw.position)
        assert ((await answer).status_code, (await answer).json()) == (200, {"accepted": len(events)})

    talk(main)


def test_a_request_is_not_answered_for_the_events_of_an_earlier_one() -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        first = post(client, b'{"a": 1}')
        (one,) = await take(source, 1)
        second = post(client, b'[{"a": 2}, {"a": 3}]')
        two, three = await take(source, 2)
        await source.acknowledge(two.position)
        assert (await first).json() == {"accepted": 1}
        assert not second.done()
        await source.acknowledge(three.position)
        assert (await second).json() == {"accepted": 2}
        assert one.position < two.position < three.position

    talk(main)


def test_positions_go_on_over_a_restart() -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        answer = post(client, b'[{"a": 1}, {"a": 2}]')
        raws = await take(source, 2)
        assert [raw.position for raw in raws] == [Position("webhook", 42), Position("webhook", 43)]
        await source.acknowledge(raws[-1].position)
        await answer

    talk(main, acknowledged={"webhook": Position("webhook", 41), "file:1": Position("file:1", 99)})


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


HALF = {
    "nothing": b"",
    "half a head": b"POST /events HTTP/1.1\r\nHost: x\r\nX-",
    "half a body": b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{",
}


@pytest.mark.parametrize("half", HALF.values(), ids=HALF)
def test_half_open_connections_never_shut_out_a_good_request(half: bytes) -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        slow = [await asyncio.open_connection("127.0.0.1", source.port) for _ in range(220)]
        for _, writer in slow:
            writer.write(half)
        for number in range(5):
            answer = post(client, b'{"a": 1}')
            (raw,) = await asyncio.wait_for(take(source, 1), 5)
            await source.acknowledge(raw.position)
            assert (await answer).status_code == 200, number
        for reader, _ in slow[:150]:
            assert await asyncio.wait_for(reader.read(), 5) == b""  # let go
        for _, writer in slow:
            writer.close()

    talk(main, most=60)


def test_a_request_that_waits_for_its_answer_is_never_let_go_for_a_new_one() -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        answers = [post(client, b'{"a": 1}') for _ in range(8)]
        raws = await take(source, 8)
        reader, writer = await asyncio.open_connection("127.0.0.1", source.port)
        assert (await reader.readline()) == b"HTTP/1.1 503 Service Unavailable\r\n"
        await source.acknowledge(raws[-1].position)
        assert [(await answer).status_code for answer in answers] == [200] * 8
        writer.close()

    talk(main, most=8)


@pytest.mark.parametrize("drip", [b"", b"X-A: b\r\n"], ids=["idle", "dripping"])
def test_a_head_that_does_not_end_is_given_up(drip: bytes) -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", source.port)
        writer.write(b"POST /events HTTP/1.1\r\nHost: x\r\n")
        answer = asyncio.ensure_future(reader.read())
        while drip and not answer.done():
            writer.write(drip)
            await asyncio.sleep(0.01)
        assert (await answer).endswith(b'{"error":"the head did not arrive in time"}')
        writer.close()

    talk(main, head=0.2)


def test_a_head_that_is_too_large_is_refused() -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", source.port)
        writer.write(b"POST /events HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 40_000)
        assert (await reader.readline()).startswith(b"HTTP/1.1 400")
        writer.close()

    talk(main)


ODD = [
    pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 404, "no_such_path", id="the preface of HTTP/2"),
    pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "not_http", id="TLS"),
    pytest.param(b"HEAD /events HTTP/1.1\r\nHost: x\r\n\r\n", 405, "method", id="HEAD"),
    pytest.param(b"OPTIONS /events HTTP/1.1\r\nHost: x\r\n\r\n", 405, "method", id="OPTIONS"),
    pytest.param(b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 404, "no_such_path", id="CONNECT"),
    pytest.param(b"POST http://x/events HTTP/1.1\r\nHost: x\r\n\r\n", 404, "no_such_path", id="a whole address"),
    pytest.param(b"POST %2Fevents HTTP/1.1\r\nHost: x\r\n\r\n", 404, "no_such_path", id="an encoded slash"),
    pytest.param(b"POST /events%00 HTTP/1.1\r\nHost: x\r\n\r\n", 404, "no_such_path", id="NUL"),
    pytest.param(b"POST /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "not_http", id="a path that is not ASCII"),
    pytest.param(
        b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
        400,
        "not_http",
        id="two lengths",
    ),
    pytest.param(
        b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 1" + b"0" * 30 + b"\r\n\r\n",
        400,
        "not_http",
        id="a length without end",
    ),
    pytest.param(b"POST /events HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 400, "not_http", id="no host"),
]


@pytest.mark.parametrize(("sent", "status", "reason"), ODD)
def test_odd_requests_are_refused_and_counted_and_the_next_one_is_taken(sent: bytes, status: int, reason: str) -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", source.port)
        writer.write(sent)
        assert (await reader.readline()).startswith(f"HTTP/1.1 {status} ".encode())
        writer.close()
        good = post(client, b"{}")
        (raw,) = await take(source, 1)
        await source.acknowledge(raw.position)
        assert (await good).status_code == 200
        assert (source.requests[reason], source.requests["accepted"]) == (1, 1)

    talk(main)


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


@pytest.mark.parametrize("name", ["X-Slack-Signature", "X-Slack-Request-Timestamp", "Authorization"])
def test_a_proof_that_is_sent_twice_is_refused(name: str) -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        answer = await client.post("/events", content=b"{}", headers=[(name, "a"), (name.lower(), "b")])
        assert (answer.status_code, why(answer)) == (400, f"the header {name} was sent more than once")

    signature = WebhookSignature(preset="slack", secret="s3cret")
    talk(main, signature=signature, auth=WebhookAuth(bearer=("a",)))


def test_a_header_that_is_data_and_comes_twice_is_joined() -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        sent = asyncio.ensure_future(client.post("/events", content=b"{}", headers=[("X-Tag", "a"), ("x-tag", "b")]))
        (raw,) = await take(source, 1)
        await source.acknowledge(raw.position)
        assert json.loads(raw.body)["request"]["headers"] == {"x-tag": "a, b"}
        assert (await sent).status_code == 200

    talk(main, headers=("X-Tag",))


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


LISTENED = [(":0", ["127.0.0.1"]), ("localhost:0", ["127.0.0.1"])]
LISTENED += [("[::1]:0", ["[::1]"]), ("[::]:0", ["[::1]", "127.0.0.1"])] if has_ipv6() else []


@pytest.mark.parametrize(("listen", "hosts"), LISTENED)
def test_addresses_of_both_kinds_are_listened_on(listen: str, hosts: list[str]) -> None:
    async def main() -> None:
        source = Webhook(WebhookSource(listen=listen))
        await source.open({})
        try:
            async with httpx.AsyncClient(trust_env=False) as client:
                for host in hosts:
                    sent = asyncio.ensure_future(client.post(f"http://{host}:{source.port}/events", content=b"{}"))
                    (raw,) = await take(source, 1)
                    await source.acknowledge(raw.position)
                    assert (await sent).status_code == 200
        finally:
            await source.close()

    asyncio.run(asyncio.wait_for(main(), 30))


EXCHANGES = [
    pytest.param(b"POST /events HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}", [b"HTTP/1.1 200"], id="HTTP/1.0"),
    pytest.param(
        b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}" * 3, [b"HTTP/1.1 200"] * 3, id="pipelined"
    ),
]


@pytest.mark.parametrize(("request_bytes", "answers"), EXCHANGES)
def test_the_ways_of_http_are_understood(request_bytes: bytes, answers: list[bytes]) -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", source.port)
        writer.write(request_bytes)
        for expected in answers:
            (raw,) = await take(source, 1)
            await source.acknowledge(raw.position)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(expected)
            await reader.readexactly(len(b'{"accepted":1}'))
        writer.close()

    talk(main)


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


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/events", 405), ("POST", "/event", 404), ("POST", "/events/", 404), ("GET", "/docs", 404)],
)
def test_another_method_or_path_is_refused(method: str, path: str, status: int) -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        assert (await client.request(method, path)).status_code == status

    talk(main)


BODY = b'{"a": 1}'


def digest(algorithm: str, *, secret: bytes = b"s3cret") -> bytes:
    return hmac.new(secret, BODY, getattr(hashlib, algorithm)).digest()


SIGNED = [
    pytest.param({}, {"X-Signature": digest("sha256").hex()}, True, id="hex"),
    pytest.param({}, {"X-Signature": digest("sha256").hex().upper()}, True, id="upper case hex"),
    pytest.param({"prefix": "sha256="}, {"x-signature": "sha256=" + digest("sha256").hex()}, True, id="prefix"),
    pytest.param(
        {"algorithm": "sha512", "encoding": "base64", "header": "X-Sig"},
        {"X-Sig": base64.b64encode(digest("sha512")).decode()},
        True,
        id="base64",
    ),
    pytest.param({}, {}, False, id="none"),
    pytest.param({}, {"X-Signature": ""}, False, id="empty"),
    pytest.param({}, {"X-Signature": "zz"}, False, id="no hex"),
    pytest.param({}, {"X-Signature": digest("sha256", secret=b"other").hex()}, False, id="another secret"),
    pytest.param({}, {"X-Signature": digest("sha1").hex()}, False, id="another algorithm"),
    pytest.param({"prefix": "sha256="}, {"X-Signature": digest("sha256").hex()}, False, id="prefix left out"),
]


@pytest.mark.parametrize(("settings", "headers", "fits"), SIGNED)
def test_only_a_body_with_its_signature_is_taken(settings: dict[str, Any], headers: dict[str, str], fits: bool) -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        answer = post(client, BODY, **headers)
        if fits:
            (raw,) = await take(source, 1)
            await source.acknowledge(raw.position)
            assert (await answer).status_code == 200
        else:
            assert (await answer).status_code == 401
            assert "is not the signature of this body" in why(await answer)

    talk(main, signature=WebhookSignature(secret="s3cret", **settings))


def test_what_is_not_stored_in_time_is_not_promised_and_not_kept() -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        late = await post(client, b'{"late": 1}')
        assert (late.status_code, why(late)) == (503, "not stored in time, send again later")
        assert int(late.headers["Retry-After"]) > 0
        again = post(client, b'{"late": 2}')
        (raw,) = await take(source, 1)
        assert raw.body == b'{"late": 2}'  # the first was taken back, so its repetition comes once
        await source.acknowledge(raw.position)
        assert (await again).status_code == 200

    talk(main, patience=1.0)


def test_a_full_queue_asks_to_come_back_and_takes_nothing() -> None:
    many = json.dumps([{"n": number} for number in range(9_999)]).encode()

    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        waiting = post(client, many)
        while not source.waiting:
            await asyncio.sleep(0)
        refused = await post(client, b'[{"n": -1}, {"n": -2}]')
        assert (refused.status_code, "Retry-After" in refused.headers) == (503, True)
        raws = await take(source, 9_999)
        assert not any(b"-" in raw.body for raw in raws)
        await source.acknowledge(raws[-1].position)
        assert (await waiting).json() == {"accepted": 9_999}

    talk(main)


def test_a_body_larger_than_the_queue_is_taken_when_nothing_waits() -> None:
    many = json.dumps([{}] * 20_000).encode()

    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        answer = post(client, many)
        raws = await take(source, 20_000)
        await source.acknowledge(raws[-1].position)
        assert (await answer).json() == {"accepted": 20_000}

    talk(main)


def test_closing_answers_what_is_durable_and_promises_nothing_else() -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        first = post(client, b'{"a": 1}')
        (one,) = await take(source, 1)
        second = post(client, b'{"a": 2}')
        await take(source, 1)
        await source.acknowledge(one.position)
        reading = asyncio.ensure_future(source.read(most=1))
        await asyncio.sleep(0)
        await source.close()
        assert (await first).status_code == 200
        assert ((await second).status_code, "Retry-After" in (await second).headers) == (503, True)
        assert list(await reading) == []
        with pytest.raises(httpx.TransportError):
            await client.post("/events", content=b"{}")
        await source.close()

    talk(main)


def test_a_cancelled_read_loses_nothing() -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        reading = asyncio.ensure_future(source.read(most=1))
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        answer = post(client, b'{"a": 1}')
        (raw,) = await take(source, 1)
        await source.acknowledge(raw.position)
        assert (await answer).status_code == 200

    talk(main)


def test_a_port_in_use_is_said_in_plain_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        source = Webhook(WebhookSource(listen=listen))

        async def fail() -> None:
            with pytest.raises(ProjectError) as caught:
                await source.open({})
            await source.close()
            assert caught.value.message == f"source.webhook.listen: cannot listen on {listen}: Address already in use"
            assert caught.value.hint == "choose another port, or 0 for any free one"

        asyncio.run(fail())


@pytest.mark.parametrize(
    "listen", ["256.1.1.1:0", "[::zz]:0", "http://127.0.0.1:0", "*:0", "a..b:0", "x\0y:0", "a" * 300 + ":0"]
)
def test_a_host_that_is_none_of_this_machine_is_said_in_plain_words(listen: str) -> None:
    source = Webhook(WebhookSource(listen=listen))
    with pytest.raises(ProjectError) as caught:
        asyncio.run(source.open({}))
    assert caught.value.message.startswith(f"source.webhook.listen: cannot listen on {listen}: ")
    assert caught.value.hint == "name an address of this machine: 127.0.0.1, 0.0.0.0 or [::]"


@pytest.mark.parametrize(
    "settings",
    [{"listen": "8080"}, {"listen": "host:"}, {"listen": "host:99999"}, {"path": "events"}, {"path": "/{x}"}],
)
def test_an_address_that_is_none_is_said_in_plain_words(settings: dict[str, str]) -> None:
    with pytest.raises(ProjectError, match=r"^source\.webhook\.(listen|path): expected .* such as .*, found "):
        Webhook(WebhookSource(**settings))


def test_an_empty_secret_is_refused() -> None:
    source = Webhook(WebhookSource(listen="127.0.0.1:0", signature=WebhookSignature(secret="")))
    with pytest.raises(ProjectError, match=r"^source\.webhook\.signature\.secret is empty$"):
        asyncio.run(source.open({}))


def test_signals_stay_with_the_run_and_requests_out_of_the_logs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))[1] == before[1]
        await post(client, b"planted-secret")

    talk(main)
    assert "planted-secret" not in caplog.text
    assert not [
        record for record in caplog.records if record.name.startswith("uvicorn") and record.levelno < logging.ERROR
    ]


def test_a_message_that_comes_again_has_the_same_event_ids() -> None:
    body = b'[{"a": 1}, {"a": 2}]'
    signature = hmac.new(b"s3cret", b"m1" + body, hashlib.sha256).hexdigest()

    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        for _ in range(2):
            answer = post(client, body, **{"X-Signature": signature, "X-Id": "m1"})
            raws = await take(source, 2)
            assert [raw.event_id for raw in raws] == ["m1", "m1#2"]
            await source.acknowledge(raws[-1].position)
            assert (await answer).status_code == 200

    talk(main, signature=WebhookSignature(secret="s3cret", id="X-Id", signed="{{ id }}{{ body }}"))


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


SHAKEN = [
    pytest.param({"preset": "slack"}, "POST", "", {"type": "url_verification", "challenge": "c1"}, "c1", id="slack"),
    pytest.param(
        {"preset": "meta", "token": "t"},
        "GET",
        "?hub.mode=subscribe&hub.verify_token=t&hub.challenge=c2",
        None,
        "c2",
        id="meta",
    ),
    pytest.param({"preset": "dropbox"}, "GET", "?challenge=%3Cb%3E", None, "<b>", id="dropbox"),
    pytest.param({"preset": "microsoft_graph"}, "POST", "?validationToken=c+3", None, "c 3", id="microsoft_graph"),
    pytest.param({"when": "query.hello", "answer": "query.hello"}, "GET", "?hello=x", None, "x", id="general"),
    pytest.param(
        {"when": 'headers."x-ask"', "answer": "'yes'", "method": "OPTIONS"}, "OPTIONS", "", None, "yes", id="OPTIONS"
    ),
]


@pytest.mark.parametrize(("handshake", "method", "query", "body", "expected"), SHAKEN)
def test_a_handshake_is_answered_as_plain_text_and_is_no_event(
    handshake: dict[str, Any], method: str, query: str, body: Any, expected: str
) -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        answer = await client.request(method, f"/events{query}", json=body, headers={"X-Ask": "?"})
        assert (answer.status_code, answer.text) == (200, expected)
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert source.waiting == 0

    talk(main, handshake=WebhookHandshake(**handshake))


def test_cloudevents_are_allowed_from_the_origin_that_asks() -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        asked = {"WebHook-Request-Origin": "eventemitter.example.com", "WebHook-Request-Rate": "120"}
        answer = await client.options("/events", headers=asked)
        assert (answer.status_code, answer.text) == (200, "")
        assert {name: answer.headers[name] for name in ("webhook-allowed-origin", "webhook-allowed-rate", "allow")} == {
            "webhook-allowed-origin": "eventemitter.example.com",
            "webhook-allowed-rate": "*",
            "allow": "POST, OPTIONS",
        }
        assert (await client.options("/events")).status_code == 403
        assert (await client.get("/events")).headers["allow"] == "POST, OPTIONS"
        assert source.requests == {"handshake": 1, "no_handshake": 1, "method": 1}

    talk(main, handshake=WebhookHandshake(preset="cloudevents"))


def test_discord_is_answered_without_a_body() -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        shaken = await post(client, b'{"type": 0, "application_id": "1", "version": 1}')
        accepted = post(client, b'{"type": 1}')
        (raw,) = await take(source, 1)
        await source.acknowledge(raw.position)
        for answer in (shaken, await accepted):
            assert (answer.status_code, answer.content) == (204, b"")
            assert answer.headers["content-type"]
        assert raw.body == b'{"type": 1}'

    talk(main, handshake=WebhookHandshake(preset="discord"), status=204)


def test_azure_event_grid_is_answered_with_its_code() -> None:
    body = {"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "512d"}}

    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        answer = await post(client, json.dumps([body]).encode())
        assert answer.json() == {"validationResponse": "512d"}

    talk(main, handshake=WebhookHandshake(preset="azure_event_grid"))


@pytest.mark.parametrize("text", ["a\r\nSet-Cookie: b", "\u00e9", "", "x" * 1025])
def test_a_header_of_an_answer_never_holds_what_would_end_it(text: str) -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        answer = await client.request("OPTIONS", "/events", params={"origin": text})
        assert (answer.status_code, "x-origin" in answer.headers) == (403, False)

    shake = WebhookHandshake(
        method="OPTIONS", when="query.origin || `true`", answer_headers={"X-Origin": "query.origin"}
    )
    talk(main, handshake=shake)


@pytest.mark.parametrize("token", ["wrong", ""])
def test_a_handshake_without_its_token_is_refused(token: str) -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        answer = await client.get(f"/events?hub.mode=subscribe&hub.verify_token={token}&hub.challenge=c")
        assert (answer.status_code, why(answer)) == (403, "this is not the handshake that is expected")

    talk(main, handshake=WebhookHandshake(preset="meta", token="t"))


def test_a_signed_handshake_proves_the_secret_and_is_answered_to_no_stranger() -> None:
    body = b'{"event": "endpoint.url_validation", "payload": {"plainToken": "p1"}}'
    signature = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()

    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        assert (await post(client, body)).status_code == 401
        answer = await post(client, body, **{"X-Signature": signature})
        proof = hmac.new(b"s3cret", b"p1", hashlib.sha256).hexdigest()
        assert answer.json() == {"plainToken": "p1", "encryptedToken": proof}

    talk(main, signature=WebhookSignature(secret="s3cret"), handshake=WebhookHandshake(preset="zoom"))


@pytest.mark.parametrize(
    ("authorization", "is_let_in"),
    [
        ("Bearer new", True),
        ("bearer old", True),
        ("Basic " + base64.b64encode(b"u:p").decode(), True),
        ("Bearer other", False),
        ("Bearer", False),
        ("Basic new", False),
        ("", False),
    ],
)
def test_only_who_signs_in_is_heard(authorization: str, is_let_in: bool) -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        answer = post(client, b"{}", authorization=authorization)
        if is_let_in:
            (raw,) = await take(source, 1)
            await source.acknowledge(raw.position)
        expected = 200 if is_let_in else 401
        assert (await answer).status_code == expected

    talk(main, auth=WebhookAuth(bearer=("new", "old"), basic=("u:p",)))
