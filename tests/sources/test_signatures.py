"""Signatures of known vendors: the vectors that they publish are accepted, and anything else is not."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest
from pydantic import ValidationError

from syncflow.config.models.signatures import WebhookSignature
from syncflow.sources.webhook.signatures import SignatureCheck, SignedRequest

# Published: docs.github.com, "Validating webhook deliveries", "Testing the webhook payload validation".
GITHUB = (
    {"preset": "github", "secret": "It's a Secret to Everybody"},
    b"Hello, World!",
    {"x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
    0,
)
# Published: api.slack.com, "Verifying requests from Slack".
SLACK = (
    {"preset": "slack", "secret": "8f742231b10e8888abcd99yyyzzz85a5"},
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
    b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
    b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
    {
        "x-slack-request-timestamp": "1531420618",
        "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    },
    1531420618,
)
# Published: docs.svix.com, "Verifying webhooks manually", and the tests of the Standard Webhooks libraries.
STANDARD = (
    {"preset": "standard_webhooks", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
    b'{"test": 2432232314}',
    {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1a,xyz v1,bm9ldHUjKzFob2VudXRob2VodWUzMjRvdWVvdW9ldQo= v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    },
    1614265330,
)


def digest(secret: bytes, signed: bytes) -> bytes:
    return hmac.digest(secret, signed, hashlib.sha256)


# These vendors publish no vector: computed by their documented rule.
STRIPE_DIGEST = digest(b"whsec_test", b'1700000000.{"id": "evt_1"}').hex()
STRIPE = (
    {"preset": "stripe", "secret": "whsec_test"},
    b'{"id": "evt_1"}',
    {"stripe-signature": f"t=1700000000,v1={'0' * 64},v1={STRIPE_DIGEST},v0=1"},
    1700000000,
)
SHOPIFY = (
    {"preset": "shopify", "secret": "hush"},
    b'{"id": 1}',
    {"x-shopify-hmac-sha256": base64.b64encode(digest(b"hush", b'{"id": 1}')).decode()},
    0,
)
HUBSPOT = (
    {"preset": "hubspot_v3", "secret": "yyyy", "public_url": "https://www.example.com"},
    b'[{"id": 1}]',
    {
        "x-hubspot-request-timestamp": "1700000000000",
        "x-hubspot-signature-v3": base64.b64encode(
            digest(b"yyyy", b'POSThttps://www.example.com/hooks[{"id": 1}]1700000000000')
        ).decode(),
    },
    1700000000,
)
VENDORS = [
    pytest.param(*case, id=str(case[0]["preset"])) for case in (GITHUB, SLACK, STANDARD, STRIPE, SHOPIFY, HUBSPOT)
]
TIMED = [pytest.param(*case, id=str(case[0]["preset"])) for case in (SLACK, STANDARD, STRIPE, HUBSPOT)]


def reason(settings: dict[str, Any], body: bytes, headers: dict[str, str], *, now: float) -> str | None:
    check = SignatureCheck(WebhookSignature(**settings), now=lambda: now)
    return check.reason_to_refuse(SignedRequest(body, headers, path="/hooks"))


@pytest.mark.parametrize(("settings", "body", "headers", "now"), VENDORS)
def test_a_request_of_the_vendor_is_accepted_and_a_changed_one_refused(
    settings: dict[str, Any], body: bytes, headers: dict[str, str], now: float
) -> None:
    assert reason(settings, body, headers, now=now) is None
    assert reason(settings, body + b" ", headers, now=now) == "bad_signature"
    assert reason(settings, body, {}, now=now) == "no_signature"
    other = settings["secret"][:-1] + "A"
    assert reason({**settings, "secret": other}, body, headers, now=now) == "bad_signature"
    assert reason({**settings, "secret": [other, settings["secret"]]}, body, headers, now=now) is None


@pytest.mark.parametrize(("settings", "body", "headers", "now"), TIMED)
def test_a_recorded_request_is_refused_once_the_tolerance_is_over(
    settings: dict[str, Any], body: bytes, headers: dict[str, str], now: float
) -> None:
    assert reason(settings, body, headers, now=now + 300) is None
    assert reason(settings, body, headers, now=now + 301) == "too_old"
    assert reason(settings, body, headers, now=now - 301) == "too_old"


@pytest.mark.parametrize("timestamp", ["", "soon", "-1", "1e9", "9" * 5000, "١٧"])
def test_a_time_that_is_no_number_is_refused(timestamp: str) -> None:
    settings, body, headers, now = SLACK
    assert reason(settings, body, {**headers, "x-slack-request-timestamp": timestamp}, now=now) == "too_old"


def test_text_of_the_request_is_never_a_template() -> None:
    body = b"{{ timestamp }}{{ method }}"
    headers = {"x-signature": digest(b"s", body).hex()}
    assert reason({"secret": "s"}, body, headers, now=0) is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"signed": "{{ body }}{{ time }}"},
            "signed: expected parts of body, timestamp, method, url, path, id, found time",
        ),
        (
            {"signed": "{{ body|upper }}"},
            "signed: expected parts written as {{ body }}, without filters or expressions",
        ),
        (
            {"signed": "{{ method }}"},
            "signed: expected {{ body }} in it: a signature that leaves out the body proves nothing about it",
        ),
        (
            {"signed": "{{ timestamp }}{{ body }}"},
            "signed has {{ timestamp }}: expected `timestamp`, the header that holds it",
        ),
        (
            {"timestamp": "X-Time"},
            "signed: expected {{ timestamp }} in it: a time that is not signed protects from no replay",
        ),
        ({"preset": "hubspot_v3"}, "signed has {{ url }}: expected `public_url`, the address that the sender posts to"),
        ({"signed": "{{ id }}{{ body }}"}, "signed has {{ id }}: expected `id`, the header that holds it"),
    ],
    ids=["unknown", "filter", "no body", "no time", "unsigned time", "no url", "no id"],
)
def test_a_signature_that_cannot_be_checked_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        WebhookSignature(secret="s", **settings)
    assert caught.value.errors()[0]["msg"] == f"Value error, {message}"


@pytest.mark.parametrize("secret", ["whsec_", "whsec_not base64"])
def test_a_secret_that_everyone_could_sign_with_or_that_is_not_base64_is_refused(secret: str) -> None:
    declared = WebhookSignature(secret=secret, preset="standard_webhooks")
    with pytest.raises(ValueError, match=r"^(not base64|an empty secret: everyone could sign with it)$"):
        SignatureCheck(declared, now=lambda: 0.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"header": "X Signature"}, "this is not the name of a header"),
        ({"tolerance": 0.0}, "the tolerance is out of bounds"),
        ({"tolerance": 86_401.0}, "the tolerance is out of bounds"),
    ],
    ids=["header", "no tolerance", "endless tolerance"],
)
def test_settings_that_no_request_could_meet_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        WebhookSignature(secret="s", **settings)
    assert caught.value.errors()[0]["msg"] == message
