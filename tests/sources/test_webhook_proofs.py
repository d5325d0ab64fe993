"""Who is heard by a webhook: signatures, sign-ins and handshakes."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from typing import Any

import httpx
import pytest

from syncflow.config.models.handshakes import WebhookAuth, WebhookHandshake
from syncflow.config.models.signatures import WebhookSignature
from syncflow.config.models.source_webhook import WebhookSource
from syncflow.errors import ProjectError
from syncflow.sources.webhook import Webhook
from tests.sources.kit import take
from tests.sources.webhook_kit import post, talk, why


@pytest.mark.parametrize("name", ["X-Slack-Signature", "X-Slack-Request-Timestamp", "Authorization"])
def test_a_proof_that_is_sent_twice_is_refused(name: str) -> None:
    async def main(source: Webhook, client: httpx.AsyncClient) -> None:
        answer = await client.post("/events", content=b"{}", headers=[(name, "a"), (name.lower(), "b")])
        assert (answer.status_code, why(answer)) == (400, f"the header {name} was sent more than once")

    signature = WebhookSignature(preset="slack", secret="s3cret")
    talk(main, signature=signature, auth=WebhookAuth(bearer=("a",)))


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


def test_an_empty_secret_is_refused() -> None:
    source = Webhook(WebhookSource(listen="127.0.0.1:0", signature=WebhookSignature(secret="")))
    with pytest.raises(ProjectError, match=r"^source\.webhook\.signature\.secret is empty$"):
        asyncio.run(source.open({}))


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
