"""The page of alerts: each cause once, who was told of it and when, and the rules."""

from __future__ import annotations

from syncflow.runtime.alerts.standing import AlertStands, ReceiverStands, Standing
from tests.console.fakes import NOW, FakeDesk, app, ask, totals

SLACK = ReceiverStands("r1", "hooks.slack.com", "slack", ("stopped", "lag"), 3600.0, 300.0, 900.0)
OPS = ReceiverStands("r2", "ops.example.com", "json", ("stopped",), 3600.0, 300.0, 900.0, failing="status 500")
STOPPED = "crm is stopped: <b>the key</b> was refused. Its deliveries stay open."
STANDING = Standing(
    (SLACK, OPS),
    (
        AlertStands("r1", "stopped", "crm", STOPPED, since=NOW - 600, told_at=NOW - 590),
        AlertStands("r2", "stopped", "crm", STOPPED, since=NOW - 590),
        AlertStands("r1", "lag", "orders", "the source orders is 4,000 s behind", since=NOW - 30, told_at=NOW - 20),
        AlertStands("gone", "lag", "orders", "of a rule that is not there any more", since=NOW - 30),
    ),
)


def test_what_is_wrong_is_shown_with_who_was_told_and_who_did_not_take_it() -> None:
    page = ask(app(FakeDesk(standing=STANDING)), "/alerts").text
    assert page.count('<li class="card">') == 2
    assert page.index("4,000 s behind") < page.index("crm is stopped"), "the newest first"
    assert "crm is stopped: &lt;b&gt;the key&lt;/b&gt; was refused." in page
    text = " ".join(page.replace("</time>", "").split())
    assert "told hooks.slack.com" in text
    assert "ops.example.com was not told: status 500" in text
    assert "No run goes on: nobody looks" in page
    assert "not there any more" not in page


def test_no_rule_and_nothing_wrong_are_said() -> None:
    assert "No rule of alerts is known." in ask(app(), "/alerts").text
    running = totals(running="pid 1", last_run={"started_at": NOW, "ended_at": None, "finished": False, "ending": None})
    page = ask(app(FakeDesk(running, standing=Standing((SLACK,)))), "/alerts").text
    assert "Nothing is wrong by these rules." in page
    assert "No run goes on" not in page
    assert "hooks.slack.com" in page


def test_programs_are_told_the_same() -> None:
    found = ask(app(FakeDesk(standing=STANDING)), "/api/alerts").json()
    assert [(each["kind"], each["subject"]) for each in found["alerts"]] == [("lag", "orders"), ("stopped", "crm")]
    assert found["alerts"][1]["told"] == [
        {"host": "hooks.slack.com", "told_at": "2027-01-15T07:50:10.000Z", "failing": ""},
        {"host": "ops.example.com", "told_at": None, "failing": "status 500"},
    ]
    assert [each["host"] for each in found["rules"]] == ["hooks.slack.com", "ops.example.com"]
