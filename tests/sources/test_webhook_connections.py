"""A webhook's addresses, connections and requests: odd ones are refused, and good ones are heard meanwhile."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket

import httpx
import pytest

from syncflow.config.models.source_webhook import WebhookSource
from syncflow.errors import ProjectError
from syncflow.sources.webhook import Webhook
from tests.patience import PATIENCE
from tests.sources.kit import take
from tests.sources.webhook_kit import post, talk

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
            (raw,) = await asyncio.wait_for(take(source, 1), PATIENCE)
            await source.acknowledge(raw.position)
            assert (await answer).status_code == 200, number
        for reader, _ in slow[:150]:
            assert await asyncio.wait_for(reader.read(), PATIENCE) == b""  # let go
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
            async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
                for host in hosts:
                    sent = asyncio.ensure_future(client.post(f"http://{host}:{source.port}/events", content=b"{}"))
                    (raw,) = await take(source, 1)
                    await source.acknowledge(raw.position)
                    assert (await sent).status_code == 200
        finally:
            await source.close()

    asyncio.run(asyncio.wait_for(main(), PATIENCE))


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


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/events", 405), ("POST", "/event", 404), ("POST", "/events/", 404), ("GET", "/docs", 404)],
)
def test_another_method_or_path_is_refused(method: str, path: str, status: int) -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        assert (await client.request(method, path)).status_code == status

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
