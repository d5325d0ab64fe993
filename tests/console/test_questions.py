"""What the overview says: how a run stands, what waits and why, what to do next; and what a page says when the journal is in trouble."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from syncflow.compiler.wire.system import Window
from syncflow.console.questions import Overview, overview
from syncflow.errors import UnavailableError
from syncflow.runtime.observe import SystemTally, Tally
from tests.console.fakes import NOW, FakeDesk, a_delivery, app, ask, totals

PLACES = [{"route": "leads", "kind": "contacts", "system": "crm", "object": "Contact", "adapter": "fake"}]


def seen(tally: Tally | None = None, **more: Any) -> Overview:
    return overview(totals(**more), PLACES, tally, now=NOW)


def ended(**more: Any) -> dict[str, Any]:
    return {"started_at": NOW - 60, "ended_at": NOW - 30, "finished": False, "ending": None} | more


def waiting(count: int) -> dict[str, Any]:
    queue = {"system": "crm", "waiting": count, "sending": 0, "retrying": 0, "oldest_at": NOW - 9, "next_try_at": None}
    return {"deliveries": [{"route": "leads", "system": "crm", "state": "waiting", "count": count}], "queues": [queue]}


def standing(state: str, **more: Any) -> dict[str, Any]:
    return {
        "system": "crm",
        "state": state,
        "reason": "too many",
        "by": "breaker",
        "since": NOW - 9,
        "until": None,
    } | more


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({"last_run": None}, "never"),
        ({"running": "process 1", "last_run": ended(ended_at=None)}, "running"),
        ({"last_run": ended(ended_at=None)}, "killed"),
        ({"last_run": ended(finished=True)}, "ended"),
        ({"last_run": ended()}, "failed"),
        ({"last_run": ended(ending={"how": "stopped", "reason": "SIGTERM"})}, "stopped"),
    ],
)
def test_the_last_run_is_told_by_how_it_ended(more: dict[str, Any], state: str) -> None:
    assert seen(**more).run.state == state


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "Nothing has to be done: everything that was read is delivered or explained."),
        ({"last_run": None}, "Nothing has been run yet."),
        (waiting(5), "No run is going on, and 5 deliveries are open."),
        (
            {"standings": [standing("stopped")]},
            "crm has stopped: too many. Its 0 open deliveries wait; mend the cause, then start a run.",
        ),
        (
            {"standings": [standing("parked")]},
            "crm is parked: too many. It is tried again by itself; nothing is lost meanwhile.",
        ),
        ({"standings": [standing("waiting")]}, "crm waits (by breaker); it goes on by itself."),
        (
            {"dead_letters": [{"stage": "mapping", "route": "leads", "code": "required", "count": 1}]},
            "1 dead letter, most often required: look at the cause, mend it, then redrive.",
        ),
        ({"marked": 4}, "4 marked to be sent again: the next run sends them."),
        (
            {"set_aside": [{"reason": "the route is gone", "count": 2}]},
            "2 marked to be sent again, and set aside: the route is gone.",
        ),
        (
            {"last_run": ended(ending={"how": "error", "reason": "disk full"})},
            "The last run ended with an error: disk full.",
        ),
        (
            {"unreadable": [{"route": "leads", "field": "Phone", "count": 3}]},
            "3 values of leads could not be read (Phone).",
        ),
    ],
)
def test_the_first_advice_is_the_most_urgent(more: dict[str, Any], words: str) -> None:
    assert seen(**more).advice[0].words == words


def test_what_needs_a_person_is_said_before_what_goes_on_by_itself() -> None:
    letters = [{"stage": "mapping", "route": "leads", "code": "required", "count": 1}]
    told = seen(standings=[standing("parked")], dead_letters=letters)
    assert [each.level for each in told.advice] == ["act", "wait"]


def test_how_much_of_a_limit_is_used_is_known_in_a_run_only() -> None:
    tally = Tally(systems={"crm": SystemTally(windows=(Window(100, 10.0),), used=(0.25,), requests=7)})
    (system,) = seen(tally).systems
    assert (system.is_live, system.limits[0].used, system.limits[0].requests, system.requests) == (True, 0.25, 100, 7)
    assert not seen().systems[0].is_live


def test_every_number_of_the_overview_leads_to_what_it_counts() -> None:
    page = ask(app(FakeDesk(counted=totals(**waiting(7)))), "/").text
    for target in ("/events", "/deliveries?state=delivered", "/deliveries?state=open", "/dead-letters"):
        assert 'class="tile' in page
        assert f'href="{target}"' in page
    assert re.search(r'href="/deliveries\?state=waiting&amp;system=crm"[^>]*>7<', page)


def test_the_open_deliveries_of_a_system_are_those_that_wait_are_sent_or_tried_again() -> None:
    page = ask(app(FakeDesk(counted=totals(**waiting(7)))), "/systems/crm").text
    tile = r'href="/deliveries\?state={}&amp;system=crm"><span class="value">7<'
    assert re.search(tile.format("open"), page)
    assert re.search(tile.format("waiting"), page)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/systems",
        "/routes",
        "/deliveries",
        "/dead-letters",
        "/dead-letters/list",
        "/events",
        "/records",
        "/actions",
    ],
)
def test_an_empty_journal_says_what_to_do(path: str) -> None:
    empty = totals(events={}, deliveries=[], last_run=None)
    desk = FakeDesk(counted=empty)
    desk.places = list  # type: ignore[method-assign]  # a journal that knows no route yet
    page = ask(app(desk), path)
    assert page.status_code == 200
    assert 'class="empty"' in page.text


@pytest.mark.parametrize(
    "error",
    [
        UnavailableError("there is no journal at j.db", hint="`syncflow run` makes one"),
        UnavailableError(
            "the journal j.db cannot be used: database is locked", hint="check that the directory can be written to"
        ),
    ],
)
def test_a_journal_in_trouble_is_a_page_that_says_so_and_looks_again(error: UnavailableError) -> None:
    desk = FakeDesk(broken=error, rows=[a_delivery()])
    served = app(desk)
    page = ask(served, "/deliveries")
    assert (page.status_code, page.headers["retry-after"]) == (503, "2")
    assert error.message in page.text.replace("&#39;", "'")
    assert 'id="trouble"' in page.text
    told = ask(served, "/api/overview")
    assert (told.status_code, told.json()) == (503, {"error": error.message, "hint": error.hint})
    desk.broken = None
    assert ask(served, "/deliveries").status_code == 200


def test_the_api_is_described() -> None:
    described = ask(app(), "/api/openapi.json").json()
    assert described["info"]["title"] == "syncflow console"
    assert len(described["paths"]) == 21
    for methods in described["paths"].values():
        for each in methods.values():
            assert each["summary"].endswith((".", "act."))


def test_times_and_bodies_are_written_for_programs() -> None:
    answer = ask(app(FakeDesk(rows=[a_delivery()])), "/api/deliveries/1?show=yes").json()
    assert answer["read_at"] == "2027-01-15T07:59:10.000Z"
    assert answer["payload"] == {"Name": "Ada"}


def test_questions_are_asked_in_threads_and_few_at_a_time() -> None:
    import threading

    from tests.console.fakes import asking

    at_once, most, lock = 0, 0, threading.Lock()

    def question() -> str:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        with lock:
            at_once -= 1
        return threading.current_thread().name

    async def main() -> set[str]:
        asked = asking()
        return set(await asyncio.gather(*(asked.ask(question) for _ in range(50))))

    assert threading.main_thread().name not in asyncio.run(main())
    assert most <= 4


def test_the_run_is_named_and_workers_say_what_they_hold() -> None:
    last = {
        "run": "1m8k52t8q8r0z",
        "worker": "crm-1",
        "started_at": NOW - 60,
        "ended_at": None,
        "finished": False,
        "ending": None,
    }
    rows = [
        {
            "id": 1,
            "name": "process 7 on one, since noon",
            "since": NOW,
            "holds": ["system crm", "reading"],
            "waits": "",
            "silent": None,
        },
        {"id": 2, "name": "process 8 on two", "since": NOW, "holds": [], "waits": "another version", "silent": None},
        {"id": 3, "name": "process 9 on six", "since": NOW, "holds": ["system a"], "waits": "", "silent": 12.0},
    ]
    found = overview(totals(last_run=last, running="process 7", workers=rows), [], None, now=NOW)
    assert (found.run.state, found.run.name, found.run.worker) == ("running", "1m8k52t8q8r0z", "crm-1")
    assert [(each.name, list(each.holds), each.waits, each.silent_seconds) for each in found.workers] == [
        ("process 7 on one", ["reading", "crm"], "", None),
        ("process 8 on two", [], "another version", None),
        ("process 9 on six", ["a"], "", 12.0),
    ]
    page = ask(app(FakeDesk(totals(last_run=last, workers=rows))), "/").text
    assert "1m8k52t8q8r0z" in page
    assert "silent for 12 s" in page


def test_a_route_out_of_a_table_has_its_page_although_its_name_has_a_slash() -> None:
    counts = [{"route": "contacts/crm", "system": "crm", "state": "delivered", "count": 1}]
    served = app(FakeDesk(totals(deliveries=counts)), allow=frozenset({"pause"}))
    (link,) = set(re.findall(r'href="(/routes/contacts[^"]*)"', ask(served, "/routes").text))
    page = ask(served, link)
    assert page.status_code == 200
    assert 'name="route" value="contacts/crm"' in page.text
    assert ask(served, f"/api{link}").json()["name"] == "contacts/crm"
    assert ask(served, "/routes/..%2f..%2fstatic").status_code == 404


def test_a_page_says_which_state_it_shows_so_that_no_change_is_missed_before_its_stream_opens() -> None:
    class Moving(FakeDesk):
        """Changes while a page is being made of it."""

        def totals(self) -> dict[str, Any]:
            self.beat = "2"
            return super().totals()

    assert 'data-version="1"' in ask(app(Moving()), "/").text
