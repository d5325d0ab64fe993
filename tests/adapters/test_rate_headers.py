"""The usual rate headers, case by case: what they ask for, and when they are not believed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from syncflow.adapters.gate import OpenGate
from syncflow.adapters.rate_headers import RateHeaders
from syncflow.events import Verdict
from tests.adapters.kit import Network, plan, send, simple_batch, written

NOW = 1_700_000_000.0

OBEYED: dict[str, tuple[dict[str, str], float, str]] = {
    "x-ratelimit, seconds": ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "30"}, 30, "X-RateLimit-Remaining"),
    "x-ratelimit, epoch": (
        {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1700000045"},
        45,
        "X-RateLimit-Remaining",
    ),
    "x-ratelimit, epoch in ms": (
        {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1700000045000"},
        45,
        "X-RateLimit-Remaining",
    ),
    "x-ratelimit, date": (
        {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "Tue, 14 Nov 2023 22:13:50 GMT"},
        30,
        "X-RateLimit-Remaining",
    ),
    "x-rate-limit": ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": "7"}, 7, "X-Rate-Limit-Remaining"),
    "draft 3": ({"ratelimit-remaining": "0", "ratelimit-reset": "12"}, 12, "RateLimit-Remaining"),
    "draft 3 with windows": (
        {"ratelimit-limit": "10, 10;w=1", "ratelimit-remaining": "0", "ratelimit-reset": "12"},
        12,
        "RateLimit-Remaining",
    ),
    "draft 7": ({"ratelimit": "limit=100, remaining=0, reset=50"}, 50, "RateLimit"),
    "draft 8": ({"ratelimit": '"default";r=0;t=30', "ratelimit-policy": '"default";q=100;w=60'}, 30, "RateLimit"),
    "draft 8, two policies": ({"ratelimit": '"burst";r=0;t=2, "hour";r=0;t=900, "day";r=8;t=60000'}, 900, "RateLimit"),
}


@pytest.mark.parametrize(("headers", "seconds", "by"), OBEYED.values(), ids=OBEYED)
def test_a_system_of_which_nothing_is_left_is_waited_for(headers: dict[str, str], seconds: float, by: str) -> None:
    signal = RateHeaders().heard(headers, now=NOW)
    assert signal is not None
    assert (signal.kind, signal.wait_seconds, signal.refused, signal.by) == ("throttle", seconds, False, by)
    assert signal.reason == f"nothing is left of the rate that the answer tells ({by})"


NOT_OBEYED = {
    "something is left": {"x-ratelimit-remaining": "1", "x-ratelimit-reset": "30"},
    "no reset": {"x-ratelimit-remaining": "0"},
    "reset only": {"x-ratelimit-reset": "30"},
    "no number": {"x-ratelimit-remaining": "none", "x-ratelimit-reset": "30"},
    "empty": {"x-ratelimit-remaining": "", "x-ratelimit-reset": ""},
    "negative": {"x-ratelimit-remaining": "-1", "x-ratelimit-reset": "30"},
    "not finite": {"x-ratelimit-remaining": "nan", "x-ratelimit-reset": "inf"},
    "a reset of days": {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "200000"},
    "a reset in the past": {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1600000000"},
    "a reset of now": {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "0"},
    "garbage": {"ratelimit": '";;;=,,,"r=0', "ratelimit-policy": "x"},
    "very long": {"ratelimit": '"a";r=0;t=9,' * 1000},
    "digits without end": {"x-ratelimit-remaining": "0" * 5000, "x-ratelimit-reset": "9" * 5000},
    "the last of a list": {"ratelimit": '"a";r=3;t=9, "b";r=8;t=60'},
}


@pytest.mark.parametrize("headers", NOT_OBEYED.values(), ids=NOT_OBEYED)
def test_what_is_absurd_or_says_nothing_is_not_obeyed(headers: dict[str, str]) -> None:
    assert RateHeaders().heard(headers, now=NOW) is None


def test_a_system_that_always_says_that_nothing_is_left_is_soon_not_believed() -> None:
    heard, waits = RateHeaders(), []
    now = NOW
    for _ in range(10):
        signal = heard.heard({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "60"}, now=now)
        waits.append(signal.wait_seconds if signal else None)
        now += 61 if signal else 0.1
    assert waits == [60, 60, 60] + [None] * 7


def test_a_limit_of_one_request_is_believed_for_ever() -> None:
    heard = RateHeaders()
    told = {"x-ratelimit-limit": "1", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "2"}
    assert all(heard.heard(told, now=NOW + 3 * number) for number in range(50))


def test_answers_of_requests_that_were_under_way_together_raise_no_doubt() -> None:
    heard = RateHeaders()
    told = {"ratelimit-remaining": "0", "ratelimit-reset": "10"}
    assert all(heard.heard(told, now=NOW + number / 10) for number in range(50))
    assert heard.heard({"ratelimit-remaining": "9", "ratelimit-reset": "10"}, now=NOW + 11) is None
    assert heard.heard(told, now=NOW + 20)


ADAPTER = """
adapter: small
base_url: http://vendor.test
objects: {Contact: {keys: [ext]}}
LIMITS
operations:
  upsert: {repeat: safe, request: {post: /write, json: payload}}
  delete: {repeat: safe, request: {delete: "/write/{{ key.value }}"}}
"""
EMPTY = {"ratelimit": '"default";r=0;t=30'}


@pytest.mark.parametrize(
    ("limits", "waits"),
    [
        ("", True),
        ("limits: [{in_flight: 3}]", True),
        ("limits: [{requests: 5, per: 1s}]", False),
        ("limits: [{remaining: headers.left}]", False),
        ("limits: [{remaining: '`null`'}]", False),
    ],
    ids=["none", "in flight only", "a window", "a quota of its own", "none, and no header is to be read"],
)
def test_headers_are_read_where_no_limit_is_declared(limits: str, waits: bool, tmp_path: Path) -> None:
    system = plan(written(ADAPTER.replace("LIMITS", limits), tmp_path))
    network = Network([{"got": {"status": 200, "json": {}, "headers": EMPTY}}])
    result = asyncio.run(send(system, network, simple_batch(), gate=OpenGate()))
    assert [outcome.verdict for outcome in result.outcomes] == [Verdict.DELIVERED]
    assert (result.signal is not None and result.signal.wait_seconds == 30) == waits


def test_what_a_refusal_asks_for_comes_before_its_headers(tmp_path: Path) -> None:
    system = plan(written(ADAPTER.replace("LIMITS", ""), tmp_path))
    network = Network([{"got": {"status": 429, "json": {}, "headers": {**EMPTY, "Retry-After": "3"}}}])
    result = asyncio.run(send(system, network, simple_batch(), gate=OpenGate()))
    assert result.signal is not None
    assert (result.signal.wait_seconds, result.signal.by) == (3, "Retry-After")
