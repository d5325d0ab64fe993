"""Signatures of known vendors: the vectors that they publish are accepted, and anything else is not.

Where a vector is published stands beside it; the rules are cited in ``syncflow/config/models/senders.yaml``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import subprocess
import sys
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import ValidationError

from syncflow.config.models.public_keys import KeyAlgorithm, decode_public_key
from syncflow.config.models.senders import presets_of
from syncflow.config.models.signatures import WebhookSignature
from syncflow.sources.webhook.signatures import SignatureCheck, SignedRequest
from tests.patience import PATIENCE

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


# Published: github.com/svix/svix-webhooks, server, tests of asymmetric signatures; the signature is the example of the
# Standard Webhooks specification too.
STANDARD_V1A = (
    {"preset": "standard_webhooks_v1a", "public_key": "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="},
    STANDARD[1],
    {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4= "
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
    },
    1614265330,
)
# Published: github.com/sendgrid/sendgrid-python, test/unit/test_eventwebhook.py; the line end belongs to the body.
SENDGRID = (
    {
        "preset": "sendgrid",
        "public_key": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw"
        "+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==",
    },
    b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address","sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9O'
    b'SFN0T0doUTRrb2ZTbV9BLTA","sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0"'
    b',"smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n',
    {
        "x-twilio-email-event-webhook-signature": "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQ"
        "AbPIqHh89M15TluLtEZtM=",
        "x-twilio-email-event-webhook-timestamp": "1600112502",
    },
    1600112502,
)
# Published: github.com/HubSpot/hubspot-api-python, tests/unit/utils/test_signature.py.
HUBSPOT = (
    {
        "preset": "hubspot_v3",
        "secret": "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy",
        "public_url": "https://www.example.com/",
    },
    b"{'example_field':'example_value'}",
    {
        "x-hubspot-request-timestamp": "1693657560000",
        "x-hubspot-signature-v3": "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=",
    },
    1693657560,
)


# These vendors publish no whole vector: computed by their documented rule.
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
DISCORD_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
DISCORD = (
    {"preset": "discord", "public_key": DISCORD_KEY.public_key().public_bytes_raw().hex()},
    b'{"type": 0}',
    {"x-signature-ed25519": DISCORD_KEY.sign(b'1700000000{"type": 0}').hex(), "x-signature-timestamp": "1700000000"},
    1700000000,
)
ZOOM = (
    {"preset": "zoom", "secret": "z"},
    b"{}",
    {"x-zm-request-timestamp": "1700000000", "x-zm-signature": "v0=" + digest(b"z", b"v0:1700000000:{}").hex()},
    1700000000,
)
META = ({"preset": "meta", "secret": "m"}, b"{}", {"x-hub-signature-256": "sha256=" + digest(b"m", b"{}").hex()}, 0)
DROPBOX = ({"preset": "dropbox", "secret": "d"}, b"{}", {"x-dropbox-signature": digest(b"d", b"{}").hex()}, 0)
SHARED = (GITHUB, SLACK, STANDARD, STRIPE, SHOPIFY, HUBSPOT, ZOOM, META, DROPBOX)
OF_PRIVATE_KEYS = (STANDARD_V1A, SENDGRID, DISCORD)
OTHER_KEYS = {
    "standard_webhooks_v1a": DISCORD[0]["public_key"],
    "discord": STANDARD_V1A[0]["public_key"],
    "sendgrid": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqTxd43gyp8IOEto2LdIfjRQrIbsd4SXZkLW6jDutdhXSJCWHw8REntlo7aNDthvj+y7GjUuFDb"
    "/R1NGe1OPzpA==",
}


def listed(*vendors: Any) -> list[Any]:
    return [pytest.param(*case, id=str(case[0]["preset"])) for case in vendors]


def reason(settings: dict[str, Any], body: bytes, headers: dict[str, str], *, now: float) -> str | None:
    check = SignatureCheck(WebhookSignature(**settings), now=lambda: now)
    return check.reason_to_refuse(SignedRequest(body, headers, path="/webhook_uri"))


def test_every_sender_that_is_known_by_name_is_tried() -> None:
    tried = [case[0]["preset"] for case in (*SHARED, *OF_PRIVATE_KEYS)]
    assert sorted(tried) == sorted(presets_of("signatures"))


@pytest.mark.parametrize(("settings", "body", "headers", "now"), listed(*SHARED))
def test_a_request_of_the_vendor_is_accepted_and_a_changed_one_refused(
    settings: dict[str, Any], body: bytes, headers: dict[str, str], now: float
) -> None:
    assert reason(settings, body, headers, now=now) is None
    assert reason(settings, body + b" ", headers, now=now) == "bad_signature"
    assert reason(settings, body, {}, now=now) == "no_signature"
    other = settings["secret"][:-1] + "A"
    assert reason({**settings, "secret": other}, body, headers, now=now) == "bad_signature"
    assert reason({**settings, "secret": [other, settings["secret"]]}, body, headers, now=now) is None


@pytest.mark.parametrize(("settings", "body", "headers", "now"), listed(*OF_PRIVATE_KEYS))
def test_a_request_that_a_private_key_signed_is_accepted_by_its_public_key_alone(
    settings: dict[str, Any], body: bytes, headers: dict[str, str], now: float
) -> None:
    other = OTHER_KEYS[settings["preset"]]
    assert reason(settings, body, headers, now=now) is None
    assert reason(settings, body + b" ", headers, now=now) == "bad_signature"
    assert reason(settings, body, {}, now=now) == "no_signature"
    assert reason({**settings, "public_key": other}, body, headers, now=now) == "bad_signature"
    assert reason({**settings, "public_key": [other, settings["public_key"]]}, body, headers, now=now) is None


@pytest.mark.parametrize(
    "signature", ["", "v1a,", "v1a,AAAA", "v1a,%%%", "v1a," + "A" * 86 + "==", "v1a," + "A" * 9000]
)
def test_text_that_is_no_signature_of_a_key_is_refused(signature: str) -> None:
    settings, body, headers, now = STANDARD_V1A
    assert reason(settings, body, {**headers, "webhook-signature": signature}, now=now) in {
        "no_signature",
        "bad_signature",
    }


def test_a_signature_of_two_plain_numbers_is_read() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    r, s = decode_dss_signature(key.sign(b"{}", ec.ECDSA(SHA256())))
    written = base64.b64encode(r.to_bytes(32) + s.to_bytes(32)).decode()
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for text in (pem, pem.replace("\n", "\\n")):
        settings = {"algorithm": "ecdsa_p256", "public_key": text, "encoding": "base64"}
        assert reason(settings, b"{}", {"x-signature": written}, now=0) is None
        assert reason(settings, b"{ }", {"x-signature": written}, now=0) == "bad_signature"


def test_a_signed_address_is_decoded_as_the_vendor_decodes_it_and_no_further() -> None:
    settings, body, _, now = HUBSPOT
    signed = b"POSThttps://www.example.com/hooks?to=a:b/c?d@e%20f%26g" + body + b"1693657560000"
    headers = {
        "x-hubspot-request-timestamp": "1693657560000",
        "x-hubspot-signature-v3": base64.b64encode(digest(settings["secret"].encode(), signed)).decode(),
    }
    check = SignatureCheck(WebhookSignature(**settings), now=lambda: now)
    request = SignedRequest(body, headers, path="/hooks", query="to=a%3ab%2Fc%3Fd%40e%20f%26g")
    assert check.reason_to_refuse(request) is None


NO_KEYS = ["", "abc", "00" * 31, "AAAA", "whpk_", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"]


@pytest.mark.parametrize("algorithm", ["ed25519", "ecdsa_p256"])
@pytest.mark.parametrize("text", [*NO_KEYS, "04" + "11" * 64, "05" + "11" * 64, "é" * 32])
def test_text_that_is_no_public_key_is_refused(text: str, algorithm: KeyAlgorithm) -> None:
    with pytest.raises(ValueError, match=r"^(neither hex, base64 nor PEM|not a public key of \w+)$"):
        decode_public_key(text, algorithm)


def test_a_missing_package_is_told_with_the_line_that_installs_it() -> None:
    code = (
        "import sys; sys.modules['cryptography'] = None\n"
        "from syncflow.config.models.signatures import WebhookSignature\n"
        "from syncflow.sources.webhook.signatures import SignatureCheck\n"
        "from syncflow.errors import ProjectError\n"
        "SignatureCheck(WebhookSignature(preset='github', secret='s'), now=lambda: 0.0)\n"
        "try:\n"
        f"    SignatureCheck(WebhookSignature(preset='discord', public_key={DISCORD[0]['public_key']!r}), now=lambda: 0.0)\n"
        "except ProjectError as error:\n"
        "    print(error.message, error.hint, sep='; ')\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE)
    assert told.stdout == (
        "source.webhook.signature: ed25519 needs a package that is not installed; pip install 'syncflow[signatures]'\n"
    )


@pytest.mark.parametrize(
    ("settings", "body", "headers", "now"), listed(SLACK, STANDARD, STRIPE, HUBSPOT, ZOOM, *OF_PRIVATE_KEYS)
)
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
