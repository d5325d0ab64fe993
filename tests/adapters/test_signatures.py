"""Requests signed as a whole, by AWS and by OAuth 1.0a: as published examples are, whatever is sent, and without a word of a secret."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from syncflow.adapters.engine import SystemClient
from syncflow.adapters.gate import OpenGate
from syncflow.adapters.http import HttpRequest, open_client
from syncflow.adapters.signing import signature_of
from syncflow.compiler.wire.plans import SignaturePlan
from syncflow.config.models.sign_in import SignIn
from syncflow.errors import DataError
from syncflow.testing import VirtualClock
from tests.adapters.kit import Network, plan, simple_batch, written

AWS = {
    "access_key": "AKIDEXAMPLE",
    "secret_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "region": "us-east-1",
    "service": "service",
}
AT = int(datetime(2015, 8, 30, 12, 36, tzinfo=UTC).timestamp())
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
HOST = "https://example.amazonaws.com/"


def _aws(given: dict[str, str], *request: Any) -> dict[str, str]:
    pytest.importorskip("botocore")
    signed = signature_of(SignaturePlan("aws", lambda _: given), given)(HttpRequest(*request), AT)
    return dict(signed.headers)


@pytest.mark.parametrize(
    ("request_", "names", "signature"),
    [
        (("GET", HOST, (), b""), "host", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        (("POST", HOST, (), b""), "host", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            ("GET", f"{HOST}?Param2=value2&Param1=value1", (), b""),
            "host",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            ("POST", HOST, FORM, b"Param1=value1"),
            "content-type;host",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
    ],
    ids=["get-vanilla", "post-vanilla", "get-vanilla-query-order-key-case", "post-x-www-form-urlencoded"],
)
def test_requests_are_signed_as_in_the_test_suite_of_aws(request_: tuple[Any, ...], names: str, signature: str) -> None:
    headers = _aws(AWS, *request_)
    assert headers["X-Amz-Date"] == "20150830T123600Z"
    assert headers["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders={names};x-amz-date, Signature={signature}"
    )


def test_a_token_of_temporary_credentials_is_sent_and_signed() -> None:
    headers = _aws({**AWS, "session_token": "for a while"}, "GET", HOST, (), b"")
    assert headers["X-Amz-Security-Token"] == "for a while"
    assert "SignedHeaders=host;x-amz-date;x-amz-security-token," in headers["Authorization"]


def test_a_blank_in_a_query_is_sent_as_it_is_signed() -> None:
    pytest.importorskip("botocore")
    signed = signature_of(SignaturePlan("aws", lambda _: AWS), AWS)
    blank = [signed(HttpRequest("GET", f"{HOST}?a={text}", (), b""), AT) for text in ("x+y", "x%20y")]
    assert blank[0] == blank[1]
    assert blank[0].url == f"{HOST}?a=x%20y"


@pytest.mark.parametrize(
    ("version", "signature"), [("1.1", "hCtSmYh%2BiHYCEqBWrE7C7hYmtUk%3D"), ("1", "tnnArxj06cWHq44gCs1OSKk%2FjLY%3D")]
)
def test_a_request_is_signed_as_in_the_examples_of_twitter(version: str, signature: str) -> None:
    """ "Creating a signature", in the pages of both versions of its API: a query and a form."""
    pytest.importorskip("oauthlib")
    given = {
        "consumer_key": "xvz1evFS4wEEPTGEFPHBog",
        "consumer_secret": "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
        "token": "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
        "token_secret": "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
        "realm": "Photos",
    }
    nonce = "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg"
    signed = signature_of(SignaturePlan("oauth1", lambda _: given, "HMAC-SHA1"), given, nonce=lambda: nonce)
    url = f"https://api.twitter.com/{version}/statuses/update.json?include_entities=true"
    body = b"status=Hello+Ladies+%2B+Gentlemen%2C+a+signed+OAuth+request%21"
    told = dict(signed(HttpRequest("POST", url, FORM, body), 1318622958).headers)["Authorization"]
    assert told.startswith('OAuth realm="Photos", ')
    assert f'oauth_signature="{signature}"' in told


def test_a_form_is_part_of_what_oauth_signs_and_json_is_not() -> None:
    pytest.importorskip("oauthlib")
    given = {"consumer_key": "c", "consumer_secret": "s"}
    signed = signature_of(SignaturePlan("oauth1", lambda _: given, "HMAC-SHA256"), given, nonce=lambda: "n")

    def told(headers: Any, body: bytes) -> str:
        return dict(signed(HttpRequest("POST", "https://x.test/a", headers, body), 1).headers)["Authorization"]

    json = (("Content-Type", "application/json"),)
    assert told(FORM, b"a=1") != told(FORM, b"a=2")
    assert told(json, b"{}") == told(json, b"[]")
    assert "oauth_token" not in told(json, b"{}")


SMALL = """
adapter: small
base_url: https://small.test
objects: {Contact: {keys: [ext]}}
auth:
  WAY
operations:
  upsert: {repeat: safe, request: {put: "/people/{{ key.value }}", query: {q: "a b"}, json: payload}}
"""
WAYS = {
    "aws": (
        'iam: {settings: {access: text, secret: secret}, aws: {access_key: "{{ auth.access }}", secret_key: "{{ auth.secret }}", '
        "region: eu-west-1, service: execute-api}}",
        {"access": "AKID", "secret": "a very secret key"},
        "AWS4-HMAC-SHA256 Credential=AKID/20",
    ),
    "oauth1": (
        'tba: {settings: {key: text, secret: secret}, oauth1: {consumer_key: "{{ auth.key }}", consumer_secret: "{{ auth.secret }}", '
        'realm: "7"}}',
        {"key": "CK", "secret": "a very secret key"},
        'OAuth realm="7", oauth_nonce=',
    ),
}
PACKAGES = {"aws": "botocore", "oauth1": "oauthlib"}


@pytest.mark.parametrize("kind", WAYS)
def test_each_request_of_an_adapter_is_signed_anew_and_no_secret_is_shown(kind: str, tmp_path: Path) -> None:
    pytest.importorskip(PACKAGES[kind])
    way, auth, begins = WAYS[kind]
    system = plan(written(SMALL.replace("WAY", way), tmp_path), auth=auth)
    network = Network([{"got": {"status": 503}}, {"got": {"status": 200, "json": {}}}])

    async def main() -> list[str]:
        async with open_client(transport=network.transport) as http:
            client = SystemClient(system, http=http, gate=OpenGate(), clock=VirtualClock())
            for _ in range(2):
                await client.send(simple_batch())
            return [str(client.render(simple_batch()))]

    shown = asyncio.run(main())[0]
    told = [request.headers["Authorization"] for request in network.seen]
    assert all(each.startswith(begins) for each in told)
    assert "a very secret key" not in shown + str(told)
    assert "<made when it is sent>" in shown
    assert kind == "aws" or told[0] != told[1]


@pytest.mark.parametrize("kind", WAYS)
def test_a_package_that_is_missing_stops_the_system_with_what_installs_it(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = dict.fromkeys(("access_key", "secret_key", "region", "service", "consumer_key", "consumer_secret"), "x")
    for name in [*sys.modules]:
        if name.partition(".")[0] == PACKAGES[kind]:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, PACKAGES[kind], None)
    signed = signature_of(SignaturePlan("aws" if kind == "aws" else "oauth1", lambda _: given), given)
    with pytest.raises(DataError, match=rf"signing needs a package that is not installed: syncflow\[{kind}\]"):
        signed(HttpRequest("GET", HOST, (), b""), 1)


def test_what_cannot_be_signed_with_is_told_without_its_text() -> None:
    pytest.importorskip("oauthlib")
    signed = signature_of(SignaturePlan("oauth1", lambda _: {}, "HMAC-SHA256"), {"consumer_key": "secret words"})
    with pytest.raises(DataError, match="nothing can be signed with what the system gives") as caught:
        signed(HttpRequest("GET", HOST, (), b""), 1)
    assert "secret words" not in str(caught.value)


@pytest.mark.parametrize(
    ("beside", "says"),
    [
        (
            {"aws": {"access_key": "a", "secret_key": "b", "region": "c", "service": "d"}},
            "expected aws or oauth1, not both",
        ),
        ({"token": {"request": {"post": "/token"}}}, "expected no token beside aws or oauth1"),
    ],
    ids=["two signatures", "a token"],
)
def test_a_signature_goes_alone(beside: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        SignIn.model_validate({"oauth1": {"consumer_key": "a", "consumer_secret": "b"}, **beside})
