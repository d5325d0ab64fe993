"""Limits are counted strictly, refused as each vendor refuses them, and can be looked at."""

from __future__ import annotations

from typing import Any

import pytest

from syncflow.mock.limits import Meter, Verdict
from syncflow.mock.settings import SystemSettings, parse_rate

from .kit import Asker, compare

SALESFORCE = ("/salesforce/services/data/v67.0/limits", {"Authorization": "Bearer demo"})
HUBSPOT = ("/hubspot/crm/v3/objects/contacts", {"Authorization": "Bearer demo"})
SEARCH = ("/hubspot/crm/v3/objects/contacts/search", {"Authorization": "Bearer demo"})
RATED = {"rate": "1/h"}


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("5/s", (5, 1)),
        ("100/10s", (100, 10)),
        ("300 / m", (300, 60)),
        ("2/2h", (2, 7200)),
        ("off", None),
        ("OFF", None),
    ],
)
def test_a_rate_is_read(text: str, rate: tuple[int, float] | None) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["5", "0/s", "5/0s", "x/s", "-5/s", "5/day"])
def test_a_rate_that_is_none_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=f"a rate is written like 5/s, 100/10s or off; found '{text}'"):
        parse_rate(text)


def _verdicts(meter: Meter, times: list[float]) -> str:
    return "".join(
        {Verdict.FREE: "f", Verdict.TOO_FAST: "r", Verdict.QUOTA_USED: "d"}[meter.arrive(at)] for at in times
    )


def test_no_window_anywhere_holds_more_than_the_rate() -> None:
    meter = Meter(SystemSettings(rate="5/s"))
    assert _verdicts(meter, [0.0, 0.9, 0.9, 0.9, 0.9, 0.95, 1.0, 1.01, 1.92, 1.93]) == "fffffrfrff"
    assert (meter.seen, meter.passed, meter.refused_rate, meter.largest_window) == (10, 8, 2, 7)


def test_a_refused_request_takes_no_place() -> None:
    meter = Meter(SystemSettings(rate="1/s"))
    assert _verdicts(meter, [0.0, 0.5, 0.9, 1.0]) == "frrf"


def test_the_daily_quota_ends_everything() -> None:
    meter = Meter(SystemSettings(rate="off", daily=2))
    assert _verdicts(meter, [0.0, 0.0, 0.0, 9999.0]) == "ffdd"


def test_an_exempt_request_fills_the_window_and_is_never_refused() -> None:
    meter = Meter(SystemSettings(rate="1/s"))
    assert meter.arrive(0.0, exempt=True) is Verdict.FREE
    assert meter.arrive(0.1, exempt=True) is Verdict.FREE
    assert meter.arrive(0.2) is Verdict.TOO_FAST


REFUSALS: list[Any] = [
    pytest.param(
        {"salesforce": RATED}, "GET", SALESFORCE, 403,
        [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "ConcurrentRequests (Concurrent API Requests) Limit exceeded."}],
        id="salesforce-short",
    ),
    pytest.param(
        {"salesforce": {"daily": 1}}, "GET", SALESFORCE, 403,
        [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}],
        id="salesforce-day",
    ),
    pytest.param(
        {"hubspot": {"rate": "1/s"}}, "GET", HUBSPOT, 429,
        {"status": "error", "message": "You have reached your secondly limit.", "errorType": "RATE_LIMIT",
         "policyName": "SECONDLY", "correlationId": "~.", "groupName": "~publicapi", "category": "^absent"},
        id="hubspot-second",
    ),
    pytest.param(
        {"hubspot": {"rate": "1/10s"}}, "GET", HUBSPOT, 429,
        {"message": "You have reached your ten_secondly_rolling limit.", "policyName": "TEN_SECONDLY_ROLLING"},
        id="hubspot-ten-seconds",
    ),
    pytest.param(
        {"hubspot": {"daily": 1}}, "GET", HUBSPOT, 429,
        {"message": "You have reached your daily limit.", "policyName": "DAILY"},
        id="hubspot-day",
    ),
    pytest.param(
        {"hubspot": RATED}, "POST", SEARCH, 429,
        {"message": "You have reached your secondly limit.", "category": "RATE_LIMITS", "policyName": "^absent"},
        id="hubspot-search",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "method", "call", "status", "body"), REFUSALS)
def test_a_limit_is_refused_as_the_vendor_refuses_it(
    settings: dict[str, Any], method: str, call: tuple[str, dict[str, str]], status: int, body: Any
) -> None:
    asker = Asker(settings)
    request: dict[str, Any] = {"headers": call[1]} | ({"json": {}} if method == "POST" else {})
    assert asker.ask(method, call[0], **request).status_code == 200
    refused = asker.ask(method, call[0], **request)
    assert refused.status_code == status
    compare(refused.json(), body, refused.text)
    assert "retry-after" not in refused.headers


def test_search_has_a_limit_of_its_own_beside_the_general_one() -> None:
    asker = Asker({"hubspot": {"rate": "1000/s"}})
    answers = [asker.ask("POST", SEARCH[0], headers=SEARCH[1], json={}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]


def test_signing_in_is_never_refused() -> None:
    asker = Asker({"salesforce": RATED})
    form = {"grant_type": "client_credentials", "client_id": "demo", "client_secret": "demo"}
    answers = [asker.ask("POST", "/salesforce/services/oauth2/token", data=form).status_code for _ in range(3)]
    assert answers == [200] * 3


def test_the_state_of_the_limits_stands_in_the_headers() -> None:
    asker = Asker({"hubspot": {"rate": "5/10s", "daily": 100}})
    told = asker.ask("GET", HUBSPOT[0], headers=HUBSPOT[1]).headers
    names = ("Max", "Remaining", "Interval-Milliseconds", "Daily", "Daily-Remaining")
    assert [told[f"X-HubSpot-RateLimit-{name}"] for name in names] == ["5", "4", "10000", "100", "99"]
    searched = asker.ask("POST", SEARCH[0], headers=SEARCH[1], json={}).headers
    assert [name for name in searched if name.startswith("x-hubspot-ratelimit")] == [
        "x-hubspot-ratelimit-daily",
        "x-hubspot-ratelimit-daily-remaining",
    ]


def test_five_requests_a_second_is_what_each_system_takes_by_default() -> None:
    asker = Asker({name: {"rate": "5/s"} for name in ("salesforce", "hubspot", "directory")})
    told = asker.ask("GET", HUBSPOT[0], headers=HUBSPOT[1]).headers
    assert (told["X-HubSpot-RateLimit-Max"], told["X-HubSpot-RateLimit-Interval-Milliseconds"]) == ("5", "1000")
    assert SystemSettings().rate == "5/s"


def test_the_summary_counts_what_was_refused() -> None:
    asker = Asker({"salesforce": {"rate": "2/h"}})
    for _ in range(5):
        asker.ask("GET", SALESFORCE[0], headers=SALESFORCE[1])
    requests = asker.ask("GET", "/admin/summary").json()["salesforce"]["requests"]
    assert requests == {
        "seen": 5,
        "passed": 2,
        "refused": {"rate": 3, "daily": 0},
        "largest_window": {"requests": 5, "seconds": 3600.0},
        "faults": {},
    }
