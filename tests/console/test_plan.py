"""The plan's page: started by a person, made by a process beside within bounds, followed, hidden until it is asked for; nothing is sent."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from syncflow.console.app import create_app, look_of
from syncflow.console.asking import Asking
from syncflow.console.planning import plan_of
from syncflow.console.plans import KEPT_SECONDS, MOST_ANSWER_BYTES, Order, Plans, PlanView
from tests.console.fakes import FakeDesk, ask, asking, signed_in
from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
BOUNDS = {"from_start": False, "online": False, "seconds": 60, "most_bytes": 4 * 10**9}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project that ``init`` makes, reading its ten sample events."""
    shutil.copytree(ROOT / "syncflow" / "cli" / "project", tmp_path, dirs_exist_ok=True)
    path = tmp_path / "routes.yaml"
    head, _, rest = path.read_text("utf-8").partition("  generate:")
    path.write_text(
        f"{head}  file: {{path: {tmp_path}/events.jsonl}}\n\nrecords:{rest.partition('records:')[2]}", "utf-8"
    )
    return tmp_path


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", f"import json, sys, time\nasked = json.load(sys.stdin)\n{code}")


ANSWER = {
    "plan": {
        "project": "routes.yaml",
        "events": 3,
        "whole": True,
        "journal": True,
        "changes": 1,
        "notes": [],
        "ignored": {},
        "duplicates": 0,
        "dead_letters": {},
        "guards": [],
        "routes": [
            {
                "route": "leads",
                "system": "crm",
                "object": "Contact",
                "create": 0,
                "change": 1,
                "key_change": 0,
                "delete": 0,
                "unchanged": 2,
                "unknown": 0,
                "gone": 0,
                "overtaken": 0,
                "fields": {"Name": 1},
                "requests_for": 1,
                "sent_unchanged": 0,
                "carried_over": 0,
                "ignored": 0,
                "left": 0,
                "dead_letters": {},
                "steps": [
                    {"effect": "change", "kind": "contacts", "record": "A1", "key": "Ext = A1", "carried": False}
                    | {"fields": [{"field": "Name"}]}
                ],
            }
        ],
    },
    "values": {
        "leads": [
            {"effect": "change", "kind": "contacts", "record": "A1", "key": "Ext = A1", "carried": False}
            | {"fields": [{"field": "Name", "old": '"Ada"', "new": '"<b>Grace</b>"'}]}
        ]
    },
}
DONE = python(f"print(json.dumps({ANSWER!r}))")


def of(plans: Plans, **settings: Any) -> Asking:
    found = asking(FakeDesk(), **settings)
    found.plans = plans
    return found


def after(plans: Plans, wait: Callable[[Plans], Awaitable[None]] | None = None, order: Order | None = None) -> PlanView:
    """Begin a plan, wait until it has ended (or ``wait``), and return how it stands."""

    async def made() -> PlanView:
        assert plans.start(order or Order(by="Ada"))
        await (wait(plans) if wait else ended(plans))
        return plans.view

    return asyncio.run(made())


async def ended(plans: Plans) -> None:
    async with asyncio.timeout(PATIENCE):
        while plans.view.state == "running":
            await asyncio.sleep(0.01)


# -- what is planned -----------------------------------------------------------------------------------------------------------------


def test_a_plan_of_the_console_is_the_one_of_the_command_and_leaves_nothing_behind(project: Path) -> None:
    told: list[dict[str, Any]] = []
    made = plan_of({"routes": str(project / "routes.yaml"), "profile": None, "most": 100, **BOUNDS}, told.append)
    counts = {each["route"]: (each["create"], each["delete"]) for each in made["plan"]["routes"]}
    assert counts == {"contacts/salesforce": (3, 1), "contacts/hubspot": (4, 0)}
    assert told == [{"read": 10}]
    assert not [path for path in project.rglob("*") if "journal" in path.name], "no journal was made"


def test_values_are_told_apart_from_the_plan(project: Path) -> None:
    made = plan_of({"routes": str(project / "routes.yaml"), "profile": None, "most": 100, **BOUNDS}, lambda _line: None)
    event = json.loads((project / "events.jsonl").read_text("utf-8").splitlines()[0])["item"]
    assert event["email"] not in json.dumps(made["plan"], ensure_ascii=False)
    assert event["email"] in json.dumps(made["values"], ensure_ascii=False)


def test_a_process_of_its_own_makes_it(project: Path) -> None:
    view = after(Plans(project / "routes.yaml"))
    assert (view.state, view.words) == ("done", "")
    assert view.plan is not None
    assert view.plan["events"] == 10


def test_a_project_that_is_wrong_is_explained(project: Path) -> None:
    (project / "routes.yaml").write_text("version: 1\n", "utf-8")
    view = after(Plans(project / "routes.yaml"))
    assert (view.state, view.plan) == ("failed", None)
    assert view.words
    assert "Traceback" not in view.words


# -- its process ---------------------------------------------------------------------------------------------------------------------


def test_one_is_made_at_a_time_and_stopping_ends_its_process(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    plans = Plans(
        tmp_path, command=python(f"import os\nopen({str(mark)!r}, 'w').write(str(os.getpid()))\ntime.sleep(900)")
    )

    async def stopped(plans: Plans) -> None:
        assert not plans.start(Order())
        async with asyncio.timeout(PATIENCE):
            while not (mark.exists() and mark.read_text("utf-8")):
                await asyncio.sleep(0.01)
        await plans.stop()
        await plans.stop()

    assert after(plans, stopped).state == "stopped"
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text("utf-8")), 0)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("sys.exit(1)", "the plan was not made: it took too much time or memory"),
        (f"print('x' * {MOST_ANSWER_BYTES + 10})", "the plan is larger than 8 MB: too large to be shown"),
        ("print(json.dumps({'error': 'no source', 'hint': 'look'}))", "no source"),
        ("print('no JSON')", "the plan was not made: its process said something else"),
    ],
)
def test_a_process_that_makes_none_is_explained(tmp_path: Path, code: str, words: str) -> None:
    view = after(Plans(tmp_path, command=python(code)))
    assert (view.state, view.words) == ("failed", words)


def test_one_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    view = after(Plans(tmp_path, command=python("time.sleep(900)"), seconds=0))
    assert (view.state, view.words) == ("failed", "the plan took longer than 0 seconds")


def test_a_command_that_is_not_there_is_explained(tmp_path: Path) -> None:
    view = after(Plans(tmp_path, command=("/nowhere/python",)))
    assert (view.state, view.words) == ("failed", "the plan could not be started: FileNotFoundError")


def test_it_has_the_variables_of_a_run_but_not_the_token_and_its_files_are_thrown_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCFLOW_CONSOLE_TOKEN", "s3cret")
    monkeypatch.setenv("A_VARIABLE", "known")
    code = (
        "import os, tempfile\nopen(os.path.join(tempfile.gettempdir(), 'kept'), 'w').write('x')\n"
        "print(json.dumps({'error': tempfile.gettempdir(), 'hint': "
        "os.environ.get('A_VARIABLE') + str('SYNCFLOW_CONSOLE_TOKEN' in os.environ)}))"
    )
    view = after(Plans(tmp_path, command=python(code)))
    assert view.hint == "knownFalse"
    assert view.words.startswith(f"{tempfile.gettempdir()}/syncflow-plan-")
    assert not Path(view.words).exists()


def test_it_is_followed_and_forgotten_after_an_hour(tmp_path: Path) -> None:
    now = [1000.0]
    plans = Plans(
        tmp_path, command=python(f"print('{{\"read\": 7}}')\nprint(json.dumps({ANSWER!r}))"), clock=lambda: now[0]
    )
    look = look_of(of(plans))
    before = look()
    view = after(plans)
    assert (view.state, view.read, view.began_at) == ("done", 7, 1000.0)
    assert look() != before
    now[0] += KEPT_SECONDS + 1
    assert plans.view == PlanView()


# -- its page and its JSON -----------------------------------------------------------------------------------------------------------


def test_a_person_starts_it_by_a_form_of_the_console_and_sees_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "syncflow")
    plans = Plans(tmp_path, command=DONE)
    served = create_app(of(plans))
    session = signed_in(served)
    assert "No plan was made yet." in ask(served, "/plan", headers=session).text
    assert ask(served, "/plan", method="POST", headers=session, data={"events": "10"}).status_code == 403
    assert plans.view.state == "none"
    after(plans)
    page = ask(served, "/plan", headers=session).text
    assert "Grace" not in page
    assert "•••" in page
    shown = ask(served, "/plan?show=yes", headers=session).text
    assert "&#34;&lt;b&gt;Grace&lt;/b&gt;&#34;" in shown
    assert [record.message for record in caplog.records] == ["console.planned", "console.shown"]


def test_a_program_starts_it_and_reads_it(tmp_path: Path) -> None:
    plans = Plans(tmp_path, command=DONE)
    served = create_app(of(plans))
    after(plans, order=Order(5, by="a program"))
    found = ask(served, "/api/plan").json()
    assert (found["state"], found["by"], found["events"]) == ("done", "a program", 5)
    assert found["plan"]["routes"][0]["steps"][0]["fields"] == [{"field": "Name"}]
    open_ = ask(served, "/api/plan?show=yes").json()
    assert open_["plan"]["routes"][0]["steps"][0]["fields"] == [
        {"field": "Name", "old": '"Ada"', "new": '"<b>Grace</b>"'}
    ]
    assert ask(served, "/api/plan/stop", method="POST").json() == {"state": "done"}


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ({"events": 0}, 400, "events: expected a number from 1 to 100,000"),
        ({"events": 100_001}, 400, "events: expected a number from 1 to 100,000"),
        ({"events": "²"}, 400, "events: expected a number from 1 to 100,000"),
        ({"all": True}, 400, "unknown: all"),
        ([], 400, "expected a JSON object"),
        ({"online": True}, 403, "this console may not read records back: start it with --allow plan-online"),
    ],
)
def test_what_is_no_order_is_refused(tmp_path: Path, asked: Any, status: int, words: str) -> None:
    plans = Plans(tmp_path, command=("false",))
    refused = ask(create_app(of(plans)), "/api/plan", method="POST", json=asked)
    assert (refused.status_code, refused.json()) == (status, {"error": words})
    assert plans.view.state == "none"


def test_records_are_read_back_only_where_that_is_allowed(tmp_path: Path) -> None:
    plans = Plans(tmp_path, command=python("time.sleep(900)"))
    served = of(plans, allow=frozenset({"plan-online"}))
    app = create_app(served)
    assert "Read the records back" in ask(app, "/plan").text

    async def twice() -> None:
        import httpx

        from tests.console.fakes import BEARER, HOST

        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=HOST, headers=BEARER) as client:
            started = await client.post("/api/plan", json={"online": True})
            assert (started.status_code, started.json()) == (202, {"state": "running"})
            again = await client.post("/api/plan", json={})
            assert (again.status_code, again.json()["error"]) == (409, "a plan is being made: wait for it, or stop it")
            assert "Planning" in (await client.get("/plan")).text
            assert (await client.post("/api/plan/stop")).json() == {"state": "stopped"}

    asyncio.run(twice())
    assert plans.view.order == Order(online=True, by="a program")


def test_a_console_without_a_folder_makes_no_plans() -> None:
    served = create_app(asking())
    assert ask(served, "/plan").status_code == 404
    assert ask(served, "/api/plan").status_code == 404
    assert 'href="/plan"' not in ask(served, "/").text
