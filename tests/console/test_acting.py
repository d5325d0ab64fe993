"""Redrive, drop, replay, pause and resume: only where allowed, previewed first, confirmed by number, noted with who did it."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from syncflow.runtime.desk.letters import Letters
from syncflow.runtime.desk.operator_actions import Noted
from tests.console.fakes import NOW, FakeDesk, a_letter, an_event, app, ask, signed_in, totals

ALL = frozenset({"redrive", "drop", "replay", "pause"})


def desk() -> FakeDesk:
    return FakeDesk(letter_rows=[a_letter(3), a_letter(2), a_letter(1)], event_rows=[an_event()])


def fields_of(page: str, action: str) -> dict[str, str]:
    """Return the hidden fields of the form of a page that does this."""
    form = re.search(rf'<form[^>]*action="/actions/{action}">(.*?)</form>', page, re.DOTALL)
    assert form is not None
    return {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form[1])}


@pytest.mark.parametrize(
    ("page", "action", "wished"),
    [
        (
            "/dead-letters",
            "redrive",
            ("redrive", Letters(route="leads", system="crm", stage="delivery", code="REFUSED"), "as_sent"),
        ),
        ("/dead-letters/2", "redrive", ("redrive", Letters(ids=(2,)), "as_sent")),
        ("/dead-letters/2", "drop", ("drop", Letters(ids=(2,)))),
        ("/dead-letters/list?code=REFUSED", "drop", ("drop", Letters(code="REFUSED"))),
        ("/dead-letters/list", "redrive", ("redrive", Letters(), "as_sent")),
        ("/records?id=A1", "replay", ("replay", [7])),
    ],
)
def test_a_person_goes_from_a_page_by_a_preview_to_the_act(page: str, action: str, wished: tuple[Any, ...]) -> None:
    asked = desk()
    served = app(asked, allow=ALL)
    session = signed_in(served, "Ada")
    first = fields_of(ask(served, page, headers=session).text, action)
    preview = ask(served, f"/actions/{action}", method="POST", headers=session, data=first)
    assert preview.status_code == 200
    assert not asked.wished
    done = ask(served, f"/actions/{action}", method="POST", headers=session, data=fields_of(preview.text, action))
    assert (done.status_code, done.headers["location"]) == (303, "/actions")
    assert len(asked.wished) == 1
    assert asked.wished[0][:-1] == wished
    assert asked.wished[0][-1].by == "Ada"


def test_a_preview_says_what_would_be_done() -> None:
    served = app(desk(), allow=ALL)
    session = signed_in(served)
    page = fields_of(ask(served, "/dead-letters", headers=session).text, "drop")
    shown = ask(served, "/actions/drop", method="POST", headers=session, data=page).text
    assert "Drop: 3 dead letters?" in shown
    assert "They will never be sent. They stay in the journal, marked as dropped." in shown
    assert "Chosen: route leads, system crm, stage delivery, code REFUSED." in shown
    assert "Yes, drop 3" in shown


def test_nothing_is_done_when_the_number_has_changed_since_it_was_shown() -> None:
    asked = desk()
    response = ask(app(asked, allow=ALL), "/api/actions/redrive", method="POST", json={"all": True, "confirm": 2})
    assert response.status_code == 409
    assert response.json()["note"] == "Their number has changed since it was shown. Nothing was done yet."
    assert response.json()["count"] == 3
    assert not asked.wished


def test_a_program_previews_and_confirms_too() -> None:
    asked = desk()
    served = app(asked, allow=ALL)
    wish = {"code": "REFUSED", "how": "remap"}
    preview = ask(served, "/api/actions/redrive", method="POST", json=wish).json()
    assert (preview["done"], preview["count"], preview["hint"]) == (False, 3, 'send it again with "confirm": 3')
    done = ask(served, "/api/actions/redrive", method="POST", json=wish | {"confirm": preview["count"]}).json()
    assert done == {"done": True, "action": "redrive", "count": 3}
    assert asked.wished == [
        ("redrive", Letters(code="REFUSED"), "remap", Noted("a program", "code REFUSED, mapped again"))
    ]


@pytest.mark.parametrize("action", ["redrive", "drop", "replay"])
def test_a_console_does_only_what_it_was_allowed(action: str) -> None:
    asked = desk()
    served = app(asked, allow=ALL - {action})
    response = ask(served, f"/api/actions/{action}", method="POST", json={"all": True, "record": "A1", "confirm": 3})
    assert response.status_code == 403
    assert response.json() == {"error": f"this console may not {action}: start it with --allow {action}"}
    for page in ("/dead-letters", "/dead-letters/2", "/dead-letters/list", "/records?id=A1"):
        assert f'action="/actions/{action}"' not in ask(served, page).text
    assert not asked.wished


@pytest.mark.parametrize(
    ("action", "wish", "status", "words"),
    [
        ("redrive", {}, 400, "say which dead letters: ids, a filter such as route, or all"),
        ("redrive", {"cod": "x"}, 400, "unknown: cod"),
        ("redrive", {"ids": "1"}, 400, "ids: expected a list of numbers"),
        ("redrive", {"ids": ["x"]}, 400, "ids: expected a number"),
        ("redrive", {"ids": [10**30]}, 400, "ids: expected a number"),
        ("redrive", {"ids": list(range(1001))}, 400, "expected at most 1,000 ids"),
        ("redrive", {"all": True, "how": "twice"}, 400, "how: expected as_sent or remap"),
        ("drop", {"all": True, "confirm": "-1"}, 400, "confirm: expected a number"),
        ("replay", {}, 400, "record: expected the id of a record"),
        ("replay", {"record": "B1"}, 404, "the journal knows no record B1"),
        ("stop", {"all": True}, 404, "expected one of redrive, drop, replay, pause, resume"),
        ("pause", {"all": True}, 400, "expected a system or a route"),
        ("pause", {"system": "crm", "route": "leads"}, 400, "expected a system or a route"),
        ("pause", {"system": "crm", "code": "X"}, 400, "expected a system or a route"),
        ("resume", {"system": "other"}, 404, "the journal knows no system 'other'"),
        ("drop", [1], 400, "expected a JSON object"),
    ],
)
def test_a_wish_that_cannot_be_read_is_answered_in_words(action: str, wish: Any, status: int, words: str) -> None:
    response = ask(app(desk(), allow=ALL), f"/api/actions/{action}", method="POST", json=wish)
    assert (response.status_code, response.json()["error"]) == (status, words)


def test_the_list_of_what_was_done_names_no_record() -> None:
    asked = desk()
    served = app(asked, allow=ALL)
    ask(served, "/api/actions/drop", method="POST", json={"record": "ada@example.com", "confirm": 3})
    ask(served, "/api/actions/replay", method="POST", json={"record": "A1", "confirm": 1})
    assert [wish[-1].words for wish in asked.wished] == ["one record", "one record"]


@pytest.mark.parametrize(
    ("page", "place"), [("/systems/crm", ("system", "crm")), ("/routes/leads", ("route", "leads"))]
)
def test_a_person_pauses_with_a_reason_and_resumes(page: str, place: tuple[str, str]) -> None:
    asked = desk()
    served = app(asked, allow=frozenset({"pause"}))
    session = signed_in(served, "Ada")
    first = fields_of(ask(served, page, headers=session).text, "pause")
    preview = ask(served, "/actions/pause", method="POST", headers=session, data=first).text
    assert "3 of its deliveries are open now." in preview
    assert not asked.wished
    confirmed = fields_of(preview, "pause") | {"why": "they\nmove <b>house</b>\u202e"}
    done = ask(served, "/actions/pause", method="POST", headers=session, data=confirmed)
    assert (done.status_code, done.headers["location"]) == (303, page)
    why = "they move <b>house</b>\\u202e"
    assert asked.wished.pop() == ("pause", *place, why, Noted("Ada", f"{' '.join(place)}: {why}"))
    again = ask(served, "/actions/pause", method="POST", headers=session, data=confirmed)
    assert "It is paused already." in again.text
    asked.counted = totals(pauses=[{"what": place[0], "name": place[1], "by": "Ada", "why": why, "at": NOW - 60}])
    shown = ask(served, page, headers=session).text
    assert "Paused by Ada" in shown
    assert "<b>" not in shown
    resuming = ask(served, "/actions/resume", method="POST", headers=session, data=fields_of(shown, "resume")).text
    ask(served, "/actions/resume", method="POST", headers=session, data=fields_of(resuming, "resume"))
    assert asked.wished == [("resume", *place, Noted("Ada", " ".join(place)))]


def test_who_may_not_pause_may_not_resume() -> None:
    asked = desk()
    served = app(asked, allow=ALL - {"pause"})
    for action in ("pause", "resume"):
        response = ask(served, f"/api/actions/{action}", method="POST", json={"system": "crm", "confirm": 1})
        assert response.json() == {"error": f"this console may not {action}: start it with --allow pause"}
    assert "actions/pause" not in ask(served, "/systems/crm").text
    assert not asked.wished


def test_the_overview_says_what_is_paused_and_by_whom() -> None:
    asked = desk()
    rows = [("route", "leads", "Bo", ""), ("system", "crm", "Ada", "they move house")]
    asked.counted = totals(
        pauses=[dict(zip(("what", "name", "by", "why"), row, strict=True), at=NOW - 60) for row in rows]
    )
    found = ask(app(asked), "/api/overview").json()
    assert [each["words"] for each in found["advice"]] == [
        "crm is paused by Ada: they move house. Its 0 open deliveries wait until it is resumed.",
        "The route leads is paused by Bo. Its 0 open deliveries wait.",
    ]
    assert found["systems"][0]["condition"] == "paused"
