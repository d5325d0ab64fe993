"""The webhook over real sockets: 200 only for what is durable."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json

import httpx
import pytest

from syncflow.config.models.signatures import WebhookSignature
from syncflow.events import Position
from syncflow.sources.webhook import Webhook
from tests.sources.kit import bodies, take
from tests.sources.webhook_kit import post, talk, why


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


@pytest.mark.parametrize(
    ("headers", "kept"),
    [
        ([("traceparent", f"00-{'4b' * 16}-{'00f0' * 4}-01")], f"00-{'4b' * 16}-{'00f0' * 4}-01"),
        ([("traceparent", "00-none")], None),
        ([("traceparent", f"00-{'4b' * 16}-{'00f0' * 4}-01")] * 2, None),
        ([], None),
    ],
    ids=["one", "wrong", "twice", "none"],
)
def test_the_trace_of_a_request_is_kept_beside_its_events(headers: list[tuple[str, str]], kept: str | None) -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        answer = asyncio.ensure_future(client.post("/events", content=b'[{"a": 1}, {"a": 2}]', headers=headers))
        raws = await take(source, 2)
        assert [raw.meta for raw in raws] == [None if kept is None else {"headers": {"traceparent": kept}}] * 2
        await source.acknowledge(raws[-1].position)
        assert (await answer).status_code == 200

    talk(main)
