"""What a console refuses: other names, other sites, strangers, paths, scripts in data, headers, large and slow requests."""

from __future__ import annotations

import asyncio
import re
from collections.abc import MutableMapping
from html.parser import HTMLParser
from typing import Any

import pytest

from syncflow.console.access import MOST_FAILURES, Access, is_allowed_host, local_path
from syncflow.console.live import Pulse
from syncflow.console.pages import HOME
from tests.console.fakes import (
    BEARER,
    HOST,
    NOW,
    TOKEN,
    FakeDesk,
    a_delivery,
    a_letter,
    an_event,
    app,
    ask,
    signed_in,
    totals,
)

PAGES = (
    "/",
    "/systems",
    "/systems/crm",
    "/routes",
    "/routes/leads",
    "/deliveries",
    "/deliveries/1",
    "/dead-letters",
    "/dead-letters/list",
    "/dead-letters/1",
    "/records",
    "/records?id=A1",
    "/batches/b-1",
    "/events",
    "/actions",
    "/api",
)
API = (
    "/api/overview",
    "/api/systems",
    "/api/systems/crm",
    "/api/routes",
    "/api/routes/leads",
    "/api/deliveries",
    "/api/deliveries/1",
    "/api/dead-letters",
    "/api/dead-letters/causes",
    "/api/dead-letters/1",
    "/api/record?id=A1",
    "/api/batches/b-1",
    "/api/events",
    "/api/actions",
    "/api/openapi.json",
)


RECORDS = ("/deliveries/1", "/dead-letters/1", "/records?id=A1")
LISTS = ("/", "/deliveries", "/dead-letters", "/dead-letters/list", "/batches/b-1", "/events")


def full_desk(**more: Any) -> FakeDesk:
    return FakeDesk(rows=[a_delivery()], letter_rows=[a_letter()], event_rows=[an_event()], **more)


SERVED = app(full_desk())
"""A console that only reads: the tests that only ask share it. Its clock stands still, so a test of wrong tokens must not use it up."""


@pytest.mark.parametrize("path", [*PAGES, *API])
def test_a_stranger_sees_nothing(path: str) -> None:
    response = ask(SERVED, path, headers={})
    if path.startswith("/api/"):
        assert (response.status_code, response.json()["error"]) == (401, "sign in first")
    else:
        assert response.status_code == 303
        assert response.headers["location"].startswith("/sign-in")
    assert "A1" not in response.text


@pytest.mark.parametrize("path", [*PAGES, *API])
def test_every_page_answers_those_who_signed_in(path: str) -> None:
    response = ask(SERVED, path)
    assert response.status_code == 200
    assert "Traceback" not in response.text


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:9090", "", "127.0.0.1.evil.example", "[::2]:80", "10.0.0.7"]
)
def test_another_host_name_is_refused(host: str) -> None:
    response = ask(SERVED, "/sign-in", headers={"Host": host})
    assert response.status_code == 421
    assert "This console is not known by that name." in response.text


@pytest.mark.parametrize(
    "host", ["127.0.0.1:9090", "localhost", "LOCALHOST.:1", "[::1]:9090", "127.3.2.1", "sync.example:8443"]
)
def test_names_of_this_machine_and_those_that_were_named_are_let_in(host: str) -> None:
    assert ask(app(hosts=frozenset({"sync.example"})), "/sign-in", headers={"Host": host}).status_code == 200


def test_two_host_headers_are_refused() -> None:
    async def two() -> list[MutableMapping[str, Any]]:
        return await raw(SERVED, "/sign-in", headers=[(b"host", b"127.0.0.1"), (b"host", b"evil.example")])

    assert asyncio.run(two())[0]["status"] == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9091"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["/sign-in", "/actions/drop", "/api/actions/drop", "/sign-out"])
def test_forms_of_other_sites_are_refused(path: str, headers: dict[str, str]) -> None:
    desk = full_desk()
    served = app(desk, allow=frozenset({"drop"}))
    cookie = {"Cookie": signed_in(served)["Cookie"]}
    response = ask(
        served, path, method="POST", headers=cookie | headers, data={"all": "yes", "confirm": "1", "token": TOKEN}
    )
    assert (response.status_code, response.text) == (403, "forms of other sites are not accepted\n")
    assert not desk.wished


def test_a_form_without_this_sessions_check_does_nothing() -> None:
    desk = full_desk()
    served = app(desk, allow=frozenset({"drop"}))
    session = signed_in(served)
    for check in ({}, {"check": "guess"}, {"check": "ü"}):
        response = ask(
            served, "/actions/drop", method="POST", headers=session, data={"all": "yes", "confirm": "1"} | check
        )
        assert response.status_code == 403
        assert "this form is of another session" in response.text
    assert not desk.wished


def test_a_token_in_the_address_is_no_sign_in() -> None:
    for path in (f"/?token={TOKEN}", f"/api/overview?token={TOKEN}&access_token={TOKEN}"):
        assert ask(SERVED, path, headers={}).status_code in {303, 401}


@pytest.mark.parametrize(
    "header", ["Bearer wrong", "Bearer", "Basic YTpi", f"bearer{TOKEN}", "Bearer \xff\xfe".encode("latin-1")]
)
def test_a_wrong_token_is_refused(header: str | bytes) -> None:
    assert ask(app(), "/api/overview", headers={"Authorization": header}).status_code == 401


def test_after_many_wrong_tokens_none_is_taken_for_a_minute() -> None:
    access = Access(TOKEN)
    for _ in range(MOST_FAILURES):
        assert not access.admits("wrong", now=NOW)
    assert not access.admits(TOKEN, now=NOW + 59)
    assert access.admits(TOKEN, now=NOW + 61)


def test_a_session_ends_and_cannot_be_made_up() -> None:
    access = Access(TOKEN)
    cookie = access.session("Ada", now=NOW)
    visitor = access.visitor(cookie, now=NOW + 60)
    assert visitor is not None
    assert (visitor.by, len(visitor.check)) == ("Ada", 64)
    assert access.visitor(cookie, now=NOW + 13 * 3600) is None
    assert Access("another-token-of-this").visitor(cookie, now=NOW) is None
    for forged in ("", "a.b.c.d", cookie[:-1], f"9{cookie}", cookie.replace(".", "..", 1), "\xff" * 20, "." * 500):
        assert access.visitor(forged, now=NOW) is None


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites() -> None:
    response = ask(SERVED, "/sign-in", method="POST", headers={"Origin": HOST}, data={"token": TOKEN})
    told = response.headers["set-cookie"]
    assert "HttpOnly" in told
    assert "SameSite=strict" in told
    assert "Path=/" in told
    assert TOKEN not in told


@pytest.mark.parametrize(
    "after", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nSet-Cookie: x=1", "", "evil", "/ä"]
)
def test_after_signing_in_no_one_is_led_elsewhere(after: str) -> None:
    assert local_path(after) == "/"
    response = ask(SERVED, "/sign-in", method="POST", headers={"Origin": HOST}, data={"token": TOKEN, "next": after})
    assert response.headers["location"] == "/"
    assert "x=1" not in str(response.headers)


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/app.py",
        "/static/..%5capp.py",
        "/static/console.css%00.png",
        "/static//etc/passwd",
        "/static/base.html",
        "/../../etc/passwd",
    ],
)
def test_no_path_leads_to_another_file(path: str) -> None:
    async def get() -> list[MutableMapping[str, Any]]:
        return await raw(
            SERVED, path, headers=[(b"host", b"127.0.0.1"), (b"authorization", BEARER["Authorization"].encode())]
        )

    messages = asyncio.run(get())
    assert messages[0]["status"] == 404
    assert b"import" not in b"".join(each.get("body", b"") for each in messages[1:])


EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\r\nSet-Cookie: x=1\u202e{{7*7}}"


class Tags(HTMLParser):
    """Collects what a browser would run or load."""

    def __init__(self) -> None:
        super().__init__()
        self.bad: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if (
                name.startswith("on")
                or name == "style"
                or (name in {"src", "href", "action"} and not (value or "").startswith(("/", "#")))
            ):
                self.bad.append(f"{tag} {name}={value}")
        if tag in {"style", "iframe", "object", "embed", "base"} or (
            tag == "script" and str(dict(attrs).get("src")).partition("?")[0] != "/static/console.js"
        ):
            self.bad.append(tag)


def evil(row: dict[str, Any]) -> dict[str, Any]:
    """Put markup into every text of a row, but those that the page chooses by."""
    kept = {"state", "stage", "operation", "batch_id"}
    return {name: EVIL if isinstance(value, str) and name not in kept else value for name, value in row.items()}


@pytest.mark.parametrize("show", ["", "yes"])
@pytest.mark.parametrize("path", PAGES)
def test_markup_in_any_field_of_an_event_or_an_answer_is_text(path: str, show: str) -> None:
    counted = totals(
        deliveries=[{"route": EVIL, "system": EVIL, "state": "dead", "count": 1}, *totals()["deliveries"]],
        dead_letters=[{"stage": "delivery", "route": EVIL, "code": EVIL, "count": 1}],
        standings=[{"system": "crm", "state": "stopped", "reason": EVIL, "by": EVIL, "since": NOW, "until": None}],
        unreadable=[{"route": EVIL, "field": EVIL, "count": 1}],
        set_aside=[{"reason": EVIL, "count": 1}],
        source_requests={EVIL: 1},
        source_lags=[{"partition": EVIL, "events": 1, "bytes": None, "seconds": 900, "next_at": None, "at": NOW}],
        last_run={"started_at": NOW, "ended_at": NOW, "finished": False, "ending": {"how": "error", "reason": EVIL}},
    )
    letter = evil(a_letter()) | {"payload": EVIL, "raw": EVIL, "body": EVIL, "reason": EVIL}
    row = evil(a_delivery()) | {"message": EVIL, "payload": EVIL, "key_value": EVIL, "vendor_id": EVIL}
    action = {"id": 1, "at": NOW, "by": EVIL, "action": EVIL, "words": EVIL, "count": 1}
    desk = FakeDesk(counted=counted, rows=[row], letter_rows=[letter], event_rows=[evil(an_event())], done=[action])
    separator = "&" if "?" in path else "?"
    path = path.replace("id=A1", "id=%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    served = app(desk, title=EVIL, allow=frozenset({"redrive", "drop", "replay"}))
    query = f"{separator}show={show}&{EVIL[:8]}={EVIL[:40]}" if show else ""
    response = ask(served, path + query)
    assert response.status_code == 200
    tags = Tags()
    tags.feed(response.text)
    assert tags.bad == []
    assert "49" not in re.findall(r"\{\{7\*7\}\}|\b49\b", response.text)
    assert "x=1" not in str(response.headers)


@pytest.mark.parametrize("path", [*PAGES, *API, "/sign-in", "/static/console.js", "/nothing", "/dead-letters/999"])
def test_every_answer_lets_a_browser_load_and_run_nothing_from_elsewhere(path: str) -> None:
    response = ask(SERVED, path)
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"
    if "text/html" in response.headers["content-type"]:
        tags = Tags()
        tags.feed(response.text)
        assert tags.bad == []


def test_the_whole_console_is_small_and_asks_nothing_of_other_hosts() -> None:
    files = [path for path in (HOME / "static").iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 200_000
    for path in files:
        addresses = set(re.findall(r"https?://[^\s\"')]+", path.read_text("utf-8")))
        assert addresses <= {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize(
    "path",
    [
        *RECORDS,
        "/api/deliveries/1",
        "/api/dead-letters/1",
        "/api/record?id=A1",
    ],
)
def test_personal_data_is_hidden_until_it_is_asked_for(path: str) -> None:
    served = SERVED
    assert "Ada" not in ask(served, path).text
    assert "Ada" in ask(served, f"{path}{'&' if '?' in path else '?'}show=yes").text


@pytest.mark.parametrize(
    "path",
    [
        *LISTS,
        "/api/dead-letters",
        "/api/dead-letters/causes",
    ],
)
def test_lists_never_show_personal_data(path: str) -> None:
    assert "Ada" not in ask(SERVED, f"{path}?show=yes").text


def test_who_saw_personal_data_is_logged_without_the_record(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="syncflow"):
        ask(SERVED, "/records?id=A1&show=yes")
    fields = [getattr(record, "fields", None) for record in caplog.records if record.getMessage() == "console.shown"]
    assert fields == [{"by": "a program", "page": "record", "number": None}]


def test_ten_thousand_rows_are_shown_a_page_at_a_time() -> None:
    served = app(FakeDesk(rows=[a_delivery(number) for number in range(10_000, 0, -1)]))
    page = ask(served, "/deliveries").text
    assert page.count("<tr>") == 51
    assert len(page) < 200_000
    assert 'href="/deliveries?before=9951"' in page
    assert len(ask(served, "/api/deliveries?limit=200").json()["rows"]) == 200
    assert ask(served, "/api/deliveries?limit=10000").status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        *(f"/deliveries{end}" for end in ("?before=-1", "/99999999999999999999", "?before=x", f"?route={'x' * 501}")),
        "/api/record",
    ],
)
def test_values_out_of_bounds_are_named_not_repeated(path: str) -> None:
    response = ask(SERVED, path)
    assert response.status_code == 400
    assert "expected other values for: " in response.text
    assert "99999" not in response.text


def test_a_large_body_is_refused() -> None:
    response = ask(SERVED, "/api/actions/drop", method="POST", content=b"x" * 100_000)
    assert (response.status_code, response.text) == (413, "expected at most 65,536 bytes\n")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"])
def test_other_methods_are_refused(method: str) -> None:
    assert ask(SERVED, "/", method=method).status_code == 405


def test_a_bug_says_nothing_of_what_it_met(caplog: pytest.LogCaptureFixture) -> None:
    for path in ("/", "/api/overview"):
        response = ask(app(FakeDesk(broken=ValueError("Ada Lovelace"))), path)
        assert response.status_code == 500
        assert "the console failed to answer this" in response.text
        assert "Ada" not in response.text
    assert "Ada" not in caplog.text


def test_a_name_from_a_proxy_is_short_and_of_one_line() -> None:
    desk = full_desk()
    served = app(desk, allow=frozenset({"drop"}), user_header="X-Forwarded-User")
    name = "Grace\tHopper " + "x" * 500
    ask(
        served,
        "/api/actions/drop",
        method="POST",
        headers=BEARER | {"X-Forwarded-User": name},
        json={"ids": [1], "confirm": 1},
    )
    (_, _, noted) = desk.wished[0]
    assert noted.by.startswith("Grace Hopper xxx")
    assert len(noted.by) == 60


async def raw(served: Any, path: str, *, headers: list[tuple[bytes, bytes]]) -> list[MutableMapping[str, Any]]:
    """Ask with a path and headers that a client would tidy up."""
    from urllib.parse import unquote

    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
    }
    await served(
        scope | {"http_version": "1.1", "scheme": "http", "server": ("127.0.0.1", 80), "root_path": ""}, receive, send
    )
    return sent


async def _never() -> MutableMapping[str, Any]:
    await asyncio.Event().wait()
    raise AssertionError


def test_past_the_most_streams_a_page_is_told_to_come_back() -> None:
    async def main() -> tuple[int, int, int]:
        pulse = Pulse(lambda: "1", most=150)
        streams = [pulse.admit() for _ in range(200)]
        taken = [stream for stream in streams if stream is not None]
        open_streams = pulse.open
        for _ in taken:
            pulse.leave()
        return len(taken), open_streams, pulse.open

    assert asyncio.run(main()) == (150, 150, 0)


def test_a_reader_that_takes_nothing_is_dropped() -> None:
    async def main() -> int:
        pulse = Pulse(lambda: "1", slow_seconds=0.01)
        stream = pulse.admit()
        assert stream is not None

        async def send(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.body":
                await asyncio.Event().wait()

        await stream({}, _never, send)
        return pulse.open

    assert asyncio.run(main()) == 0


def test_streams_tell_of_changes_by_one_look_for_all() -> None:
    looks = 0

    def look() -> str:
        nonlocal looks
        looks += 1
        return str(looks)

    async def main() -> list[bytes]:
        pulse = Pulse(look, every_seconds=0.01)
        heard: list[bytes] = []
        enough = asyncio.Event()

        async def send(message: MutableMapping[str, Any]) -> None:
            heard.append(message.get("body", b""))
            if len(heard) > 300:
                enough.set()

        streams = [pulse.admit() for _ in range(100)]
        tasks = [asyncio.create_task(stream({}, _never, send)) for stream in streams if stream is not None]
        await enough.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert pulse.open == 0
        return heard

    heard = asyncio.run(main())
    assert b"retry: 2000\nevent: change\ndata: 1\n\n" in heard
    assert looks < len(heard) / 10


def test_hosts_are_compared_whole() -> None:
    assert not is_allowed_host("sync.example.evil", {"sync.example"})
    assert not is_allowed_host("a:b:c", frozenset())
    assert not is_allowed_host("[::1", frozenset())
