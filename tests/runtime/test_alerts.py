"""Alerts: each cause once in a while, its end once, nothing of a record or a secret, and no harm to the run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from syncflow.adapters.posting import Poster
from syncflow.config.models.alerts import AlertSettings
from syncflow.errors import UnavailableError
from syncflow.runtime.alerts.causes import Cause, causes
from syncflow.runtime.alerts.keeping import keep_standing, standing_of
from syncflow.runtime.alerts.messages import body_of
from syncflow.runtime.alerts.standing import AlertStands, ReceiverStands, Standing, id_of
from syncflow.runtime.alerts.told import Alert, AlertMemory
from syncflow.runtime.alerts.watching import LOOK_SECONDS, UNSURE_SECONDS, Watch
from syncflow.runtime.desk.gauges import Gauges
from syncflow.runtime.journal.sqlite.database import connect, migrate
from syncflow.runtime.observe import Tally, WorkerTally
from syncflow.runtime.run_name import RunName
from syncflow.sources.base import Lag, Report
from syncflow.testing import VirtualClock, run_virtually

NAME = RunName("1m8k52t8q8r0z", "crm-1")


def settings(**more: Any) -> AlertSettings:
    return AlertSettings.model_validate({"to": "https://hooks.example.com/secret/path?token=s3cret", **more})


def sick() -> Tally:
    tally = Tally()
    tally.system("crm").stopped = "the key was refused"
    tally.system("news").parked = True
    tally.system("news").unreachable = "status 503"
    tally.source_lags = {"orders": Lag(seconds=4000.0), "people": Lag(seconds=3.0)}
    tally.source_reports.append(Report("guarded", "30 % of the rows were gone"))
    tally.source_report_counts["guarded"] = 1
    tally.held = {"orders": "9 of its 10 records there would be deleted"}
    return tally


LETTERS = Gauges(dead_letters={("contacts/crm", "BAD"): 3, ("contacts/crm", "Ada Lovelace is no name"): 2})


def test_what_is_wrong_is_told_in_our_words() -> None:
    found = causes(sick(), LETTERS, settings(), parked_since={"news": 0.0}, now=300.0)
    assert [(cause.kind, cause.subject, cause.words) for cause in found] == [
        ("stopped", "crm", "crm is stopped: the key was refused. Its deliveries stay open."),
        ("parked", "news", "news does not answer (status 503); it is only probed. Its deliveries wait."),
        ("lag", "orders", "the source orders is 4,000 s behind"),
        ("guard", "source", "a guard stopped a pass: 30 % of the rows were gone"),
        (
            "guard",
            "orders",
            "a guard held the route orders, which sent nothing: 9 of its 10 records there would be deleted",
        ),
        (
            "dead_letters",
            "contacts/crm",
            "5 open dead letters of contacts/crm: BAD 3, other 2. `syncflow dlq list --reasons` says why.",
        ),
    ]
    assert causes(Tally(), Gauges(), settings(), parked_since={}, now=0.0) == []
    only = causes(sick(), LETTERS, settings(causes=["parked"]), parked_since={"news": 1.0}, now=300.0)
    assert only == [], "it has been parked for 299 s only"


LETTER = Cause("dead_letters", "r", "1 open dead letter", count=1)


def test_a_cause_is_told_once_in_a_while_and_its_end_once() -> None:
    told = AlertMemory(every=3600.0)

    def states(found: list[Cause], now: float, **more: Any) -> list[str]:
        due = told.due(found, now=now, **more)
        for alert in due:
            told.tell(alert, now=now)
        return [alert.state for alert in due]

    assert states([LETTER], 0.0) == ["began"]
    assert states([LETTER], 3599.0) == []
    assert states([LETTER], 3600.0) == ["goes_on"]
    more = Cause("dead_letters", "r", "2 open dead letters", count=2)
    assert states([more], 3700.0) == [], "it grew, and was told of a moment ago"
    assert states([more], 3900.0) == ["goes_on"]
    assert states([], 4000.0, unknown=["dead_letters"]) == []
    assert states([], 4000.0) == ["over"]
    assert states([], 4001.0) == []
    assert states([LETTER], 4002.0) == ["began"]


def test_a_system_that_a_person_paused_is_neither_sick_nor_well_again() -> None:
    told = AlertMemory(every=3600.0)
    for alert in told.due([Cause("parked", "crm", "it is quiet"), Cause("stopped", "crm", "it is wrong")], now=0.0):
        told.tell(alert, now=0.0)
    assert told.due([], now=7200.0, silent=["crm"]) == []
    assert [alert.state for alert in told.due([], now=7200.0, silent=["other"])] == ["over", "over"]


def test_what_passes_by_itself_is_never_over() -> None:
    told, guard = AlertMemory(every=60.0), Cause("guard", "source", "a guard", count=1, passes=False)
    for alert in told.due([guard], now=0.0):
        told.tell(alert, now=0.0)
    assert told.due([guard], now=1e6) == told.due([], now=1e6) == []
    assert [alert.state for alert in told.due([Cause("guard", "source", "two", 2, passes=False)], now=1e6)] == [
        "goes_on"
    ]


def test_the_bodies_are_those_of_the_receivers() -> None:
    alert = Alert("began", Cause("stopped", "crm", "crm is stopped: <!channel> & more"))
    slack = json.loads(body_of(alert, "slack", project="shop", name=NAME, at=0.0))
    assert slack == {"text": ":rotating_light: *shop*: crm is stopped: &lt;!channel&gt; &amp; more"}
    over = body_of(Alert("over", alert.cause), "slack", project="shop", name=NAME, at=0.0)
    assert json.loads(over) == {"text": ":white_check_mark: *shop*: over: the system is sent to again (crm)"}
    assert json.loads(body_of(alert, "json", project="shop", name=NAME, at=0.0)) == {
        "alert": "stopped",
        "state": "began",
        "subject": "crm",
        "text": "crm is stopped: <!channel> & more",
        "count": 0,
        "project": "shop",
        "run": "1m8k52t8q8r0z",
        "worker": "crm-1",
        "at": "1970-01-01T00:00:00Z",
    }


class Receiver:
    """Answers as it is told; ``taken`` are the bodies that it took."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.taken: list[dict[str, Any]] = []

    async def __call__(self, url: str, body: bytes, headers: dict[str, str]) -> str:
        self.asked += 1
        why = self.answers.pop(0) if self.answers else ""
        if not why:
            self.taken.append(json.loads(body))
        return why


async def no_letters() -> Gauges:
    return Gauges()


def watch(receiver: Any, tally: Tally, clock: VirtualClock, **more: Any) -> Watch:
    given = {"ask": no_letters, "project": "shop", "name": NAME, **more}
    return Watch([given.pop("settings", settings())], post=receiver, tally=lambda: tally, clock=clock, **given)


def test_a_receiver_that_fails_is_told_later_and_the_run_knows_nothing_of_it(caplog: pytest.LogCaptureFixture) -> None:
    clock, receiver, tally = VirtualClock(), Receiver(*["status 500"] * 7), sick()

    async def main() -> None:
        made = watch(receiver, tally, clock, settings=settings(causes=["stopped"]))
        for _ in range(20):
            await made.look()
            await clock.sleep(LOOK_SECONDS)
        tally.system("crm").stopped = ""
        await made.look()

    with caplog.at_level("INFO"):
        run_virtually(main())
    assert [body["state"] for body in receiver.taken] == ["began", "over"]
    assert receiver.asked == 9
    failed = [record.fields for record in caplog.records if record.getMessage() == "alert.failed"]  # type: ignore[attr-defined]  # ours
    assert [fields["host"] for fields in failed] == ["hooks.example.com"] * 2
    assert "s3cret" not in caplog.text + str([record.__dict__ for record in caplog.records])


def test_nothing_that_goes_wrong_beside_it_reaches_the_run() -> None:
    clock = VirtualClock()

    async def broken(*_: Any) -> Any:
        raise RuntimeError("s3cret")

    async def gone() -> Gauges:
        raise UnavailableError("the journal is gone")

    async def hangs(*_: Any) -> str:
        await clock.sleep(1e6)
        return ""

    async def main() -> list[dict[str, Any]]:
        receiver = Receiver()
        await watch(broken, sick(), clock).look()
        await watch(receiver, sick(), clock, ask=gone).look()
        await watch(receiver, sick(), clock, ask=broken).look()
        await watch(hangs, sick(), clock).end("the disk is full")
        return receiver.taken

    assert {body["alert"] for body in run_virtually(main())} == {"stopped", "lag", "guard"}


def test_the_end_of_a_run_with_an_error_is_told() -> None:
    clock, receiver = VirtualClock(), Receiver()
    run_virtually(watch(receiver, Tally(), clock).end("the disk is full"))
    assert [(body["alert"], body["text"]) for body in receiver.taken] == [
        ("error", "the run ended with an error: the disk is full")
    ]


def test_a_poster_says_why_without_the_address() -> None:
    asked: list[httpx.Request] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if request.url.path == "/gone":
            raise httpx.ConnectError("s3cret")
        return httpx.Response(403 if request.url.path == "/no" else 200)

    async def main() -> list[str]:
        async with Poster(transport=httpx.MockTransport(answer)) as post:
            return [
                await post(f"https://h.example/{path}?token=s3cret", b"{}", {"Authorization": "Bearer x"})
                for path in ("yes", "no", "gone")
            ]

    said = asyncio.run(main())
    assert said[:2] == ["", "status 403"]
    assert said[2]
    assert "s3cret" not in said[2]
    assert asked[0].headers["authorization"] == "Bearer x"
    assert asked[0].headers["content-type"] == "application/json"


# -- how alerts stand, kept in the journal --------------------------------------------------------------------------------------------


class Kept:
    """What a journal keeps, in memory."""

    def __init__(self) -> None:
        self.standing = Standing()
        self.writes = 0
        self.gone: list[tuple[str, str, str]] = []
        self.broken = False

    async def __call__(self, standing: Standing, gone: Collection[tuple[str, str, str]]) -> None:
        if self.broken:
            raise UnavailableError("the journal is locked")
        self.standing, self.writes, self.gone = standing, self.writes + 1, list(gone)


def test_how_alerts_stand_is_kept_when_it_changes_with_since_when_and_when_it_was_told() -> None:
    clock, receiver, tally, kept = VirtualClock(), Receiver(), sick(), Kept()

    async def main() -> tuple[float, list[Standing]]:
        made, seen = watch(receiver, tally, clock, settings=settings(causes=["stopped", "lag"]), keep=kept), []
        began = clock.now()
        for step in range(4):
            tally.source_lags = {"orders": Lag(seconds=4000.0 + step)}  # its words change with each look
            await made.look()
            seen.append(kept.standing)
            await clock.sleep(LOOK_SECONDS)
        tally.system("crm").stopped = ""
        await made.look()
        return began, [*seen, kept.standing]

    began, seen = run_virtually(main())
    assert kept.writes == 2
    (rule,) = seen[0].receivers
    assert (rule.host, rule.causes, rule.every, rule.failing) == ("hooks.example.com", ("stopped", "lag"), 3600.0, "")
    told = {(each.kind, each.subject): (each.since, each.told_at) for each in seen[0].alerts}
    assert told == {("stopped", "crm"): (began, began), ("lag", "orders"): (began, began)}
    assert [each.kind for each in seen[-1].alerts] == ["lag"]
    assert [key[1:] for key in kept.gone] == [("stopped", "crm")]
    assert "s3cret" not in str(seen)


def test_a_receiver_that_does_not_take_it_and_a_journal_that_is_locked_are_told_of() -> None:
    clock, kept = VirtualClock(), Kept()

    async def main() -> None:
        made = watch(Receiver(*["status 500"] * 3), sick(), clock, settings=settings(causes=["stopped"]), keep=kept)
        kept.broken = True
        await made.look()
        kept.broken = False
        await clock.sleep(LOOK_SECONDS)
        await made.look()

    run_virtually(main())
    assert kept.standing.receivers[0].failing == "status 500"
    assert [(each.kind, each.told_at) for each in kept.standing.alerts] == [("stopped", 0.0)]


def test_the_next_run_tells_nothing_twice_and_what_is_over_once_it_can_know() -> None:
    clock, first, second, kept = VirtualClock(), Receiver(), Receiver(), Kept()
    wants = settings(causes=["stopped", "parked"])

    async def main() -> None:
        before = watch(first, sick(), clock, settings=wants, keep=kept)
        for _ in range(40):
            await before.look()
            await clock.sleep(LOOK_SECONDS)
        tally = sick()
        again = watch(second, tally, clock, settings=wants, keep=kept, before=kept.standing)
        await again.look()
        assert second.taken == []
        tally.system("crm").stopped = ""
        await again.look()
        assert second.taken == [], "the run has just begun"
        assert {each.subject for each in kept.standing.alerts} == {"crm", "news"}
        await clock.sleep(UNSURE_SECONDS)
        await again.look()

    run_virtually(main())
    assert [(body["alert"], body["state"]) for body in first.taken] == [("stopped", "began"), ("parked", "began")]
    assert [(body["alert"], body["state"]) for body in second.taken] == [("stopped", "over")]
    assert [each.subject for each in kept.standing.alerts] == ["news"]


def test_a_worker_does_not_say_that_all_is_well_with_a_system_that_another_one_holds() -> None:
    clock, receiver, kept = VirtualClock(), Receiver(), Kept()
    wants = settings(causes=["stopped"])
    known = AlertStands(id_of(wants), "stopped", "crm", "crm is stopped", since=1.0, told_at=2.0)

    async def main() -> None:
        tally = Tally(worker=WorkerTally())
        made = watch(receiver, tally, clock, settings=wants, keep=kept, before=Standing((), (known,)))
        await made.look()
        await clock.sleep(2 * UNSURE_SECONDS)
        await made.look()
        assert receiver.taken == []
        tally.system("crm")
        await made.look()

    run_virtually(main())
    assert [body["state"] for body in receiver.taken] == ["over"]


def test_a_journal_keeps_how_alerts_stand(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    assert standing_of(path) == Standing()
    with connect(path) as journal:
        migrate(journal, path)
    rule = ReceiverStands("r1", "hooks.example.com", "slack", ("lag", "stopped"), 3600.0, 300.0, 900.0, "status 500")
    lag, stop = (AlertStands("r1", kind, "crm", "words", 1, kind == "lag", 5.0, 6.0) for kind in ("lag", "stopped"))
    keep_standing(path, Standing((rule,), (lag, stop)), gone=())
    assert standing_of(path) == Standing((rule,), (lag, stop))
    keep_standing(path, Standing((rule,), (replace(lag, count=2),)), gone=[stop.key])
    assert standing_of(path) == Standing((rule,), (replace(lag, count=2),))
    keep_standing(path, Standing(), gone=())
    assert standing_of(path) == Standing()
