"""The playground: what it says of files and an event, and that it reads no secret, writes nothing, and costs whoever serves it little."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from syncflow.console.app import create_app
from syncflow.console.playground import MOST_ANSWER_BYTES, MOST_BYTES, Playground
from syncflow.console.trying import MOST_FILE_BYTES, tried
from syncflow.errors import DataError
from tests.console.fakes import FakeDesk, a_delivery, an_event, app, ask, asking, signed_in

ROOT = Path(__file__).resolve().parents[2]
MAPPING = "mappings/hubspot_contact.yaml"
EVENT = {
    "record": "contacts",
    "operation": "create",
    "item": {"id": "A1", "name": "Ada Lovelace", "contact_type": "customer"},
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "syncflow" / "cli" / "project", tmp_path, dirs_exist_ok=True)
    return tmp_path


def attempt(project: Path, texts: dict[str, str] | None = None, event: Any = EVENT) -> dict[str, Any]:
    text = event if isinstance(event, str) else json.dumps(event)
    return tried({"routes": str(project / "routes.yaml"), "texts": texts or {}, "event": text})


def mapping(project: Path, old: str, new: str) -> dict[str, str]:
    text = (project / MAPPING).read_text("utf-8")
    assert old in text
    return {MAPPING: text.replace(old, new)}


def test_values_where_they_come_from_and_the_request_are_shown(project: Path) -> None:
    found = attempt(project, mapping(project, "phone: item.phone", "phone: upper(item.id)"))
    assert found["diagnostics"] == []
    (delivery,) = found["deliveries"]
    fields = {each["name"]: each for each in delivery["fields"]}
    assert (fields["phone"]["value"], fields["phone"]["from"]) == ('"A1"', "upper(item.id)")
    assert fields["firstname"]["read"] == ['item.name = "Ada Lovelace"']
    (request,) = found["requests"]
    assert (request["method"], request["headers"]["Authorization"]) == ("POST", "Bearer ***")
    assert json.loads(request["body"])["inputs"][0]["properties"]["phone"] == "A1"
    assert (project / MAPPING).read_text("utf-8").count("upper(") == 0, "nothing was written"


def test_what_is_copied_as_a_test_passes_as_one(project: Path) -> None:
    from syncflow.config.project import load_project
    from syncflow.testing.trials import run_tests

    test = attempt(project)["deliveries"][0]["test"]
    text = (project / MAPPING).read_text("utf-8")
    (project / MAPPING).write_text(f"{text.rstrip()}\n{test}\n", "utf-8")
    outcomes = run_tests(load_project(project / "routes.yaml", environment={}, offline=True)).results
    assert any("what the playground showed" in each.name for each in outcomes)
    assert all(each.passed for each in outcomes)


def test_diagnostics_are_the_compilers_own_at_their_place(project: Path) -> None:
    (found,) = attempt(project, mapping(project, "item.phone", "item.phne"))["diagnostics"]
    assert (found["file"], found["code"], found["suggestion"]) == (MAPPING, "SF304", "phone")
    broken = attempt(project, mapping(project, "lower(item.email)", "lowr("))
    assert broken["requests"] == []
    assert [each["file"] for each in broken["diagnostics"] if each["severity"] == "error"] == [MAPPING]
    (unread,) = attempt(project, {MAPPING: "fields: [\n"})["diagnostics"]
    assert (unread["file"], unread["severity"]) == (MAPPING, "error")


@pytest.mark.parametrize("event", ["", "{", "[1]", "\x00", '{"record": "contacts"}', "é" * 50_000, "[" * 20_000])
def test_an_event_that_is_none_is_a_dead_letter_here_too(project: Path, event: str) -> None:
    found = attempt(project, event=event)
    assert (len(found["dead_letters"]), found["requests"]) == (1, [])


@pytest.mark.parametrize(
    "name",
    ["routes.yaml", "../other.yaml", "/etc/passwd", ".env", "adapters/own.yaml", "mappings/none.yaml", "", "mappings"],
)
def test_only_mappings_schemas_and_objects_of_the_project_are_taken(project: Path, name: str) -> None:
    (project / ".env").write_text("TOKEN=s3cret\n", "utf-8")
    (project / "adapters").mkdir()
    (project / "adapters" / "own.yaml").write_text("name: own\n", "utf-8")
    with pytest.raises(DataError, match="is no mapping, schema or object"):
        attempt(project, {name: "a: 1\n"})


def test_no_secret_is_read(project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PLAY_SECRET", "s3cret-of-the-environment")
    (project / ".env").write_text("ENV_SECRET=s3cret-of-the-file\n", "utf-8")
    for name in ("PLAY_SECRET", "ENV_SECRET", "PATH"):
        found = attempt(project, mapping(project, "phone: item.phone", f"phone: {{value: '${{{name}}}'}}"))
        assert "s3cret" not in json.dumps(found)
    with pytest.raises(DataError, match="the playground reads none"):
        attempt(project, mapping(project, "phone: item.phone", "phone: {value: '${file:/etc/passwd}'}"))


def test_texts_that_are_too_large_or_unfold_are_refused(project: Path) -> None:
    with pytest.raises(DataError, match="too large to be tried here"):
        attempt(project, {MAPPING: "#" * (MOST_FILE_BYTES + 1)})
    unfolding = [f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]" for before, name in pairwise("abcdefghi")]
    bomb = "\n".join(["a: &a [x, x, x, x, x, x, x, x, x]", *unfolding])
    found = attempt(project, {MAPPING: bomb})
    assert any(each["severity"] == "error" for each in found["diagnostics"])
    assert len(json.dumps(found)) < 100_000


# -- the process ---------------------------------------------------------------------------------------------------------------------


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def tried_by(command: tuple[str, ...], project: Path, **more: Any) -> dict[str, Any]:
    return in_a_process(Playground(project / "routes.yaml", command=command, **more), {})


def in_a_process(playground: Playground, *asked: dict[str, Any]) -> dict[str, Any]:
    """Ask one after the other, and return the last answer."""

    async def main() -> dict[str, Any]:
        try:
            return [await playground.ask(each) for each in asked][-1]
        finally:
            await playground.close()

    return asyncio.run(main())


def test_a_try_in_a_process_of_its_own_says_the_same(project: Path) -> None:
    found = in_a_process(Playground(project / "routes.yaml"), {"texts": {}, "event": json.dumps(EVENT)})
    assert found == attempt(project)


def test_tries_are_forked_by_one_process_that_outlives_what_they_do(project: Path) -> None:
    playground = Playground(project / "routes.yaml")
    question = {"texts": {}, "event": json.dumps(EVENT)}

    async def main() -> None:
        first = await playground.ask(question)
        (process,) = playground._idle
        playground.most_bytes = 10_000_000
        with pytest.raises(DataError, match="memory"):
            await playground.ask(question)
        playground.most_bytes = MOST_BYTES
        assert await playground.ask(question) == first
        assert list(playground._idle) == [process]
        assert list(await asyncio.gather(playground.ask(question), playground.ask(question))) == [first, first]
        assert len(playground._idle) == 2
        playground.idle_seconds = 0.0
        await playground.ask(question)
        while process.returncode is None and len(playground._idle) == 2:
            await asyncio.sleep(0.01)
        await playground.close()
        assert process.returncode is not None

    asyncio.run(main())


def test_a_console_that_ends_ends_what_is_being_tried(project: Path) -> None:
    playground = Playground(project / "routes.yaml", command=python("import time; time.sleep(900)"))

    async def main() -> None:
        asked = asyncio.create_task(playground.ask({}))
        while not playground._busy:
            await asyncio.sleep(0.01)
        await playground.close()
        with pytest.raises(DataError, match="could not be tried"):
            await asked

    asyncio.run(main())


def test_what_runs_long_or_fills_memory_is_ended(project: Path) -> None:
    with pytest.raises(DataError, match="this takes too long"):
        tried_by(python("while True: pass"), project, patience_seconds=0.2)
    bounded = "import sys; from syncflow.console.trying import bounded; bounded({}, {}); "
    with pytest.raises(DataError, match="too much time or memory"):
        tried_by(python(bounded.format(1, 10**9) + "\nwhile True: pass"), project)
    with pytest.raises(DataError, match="too much time or memory"):
        tried_by(python(bounded.format(5, 10**9) + "x = bytearray(2 * 10**9)"), project)
    with pytest.raises(DataError, match="too large to be shown"):
        tried_by(python(f"print('x' * {MOST_ANSWER_BYTES + 100_000})"), project)


def test_the_process_inherits_no_secret_and_writes_no_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCFLOW_CONSOLE_TOKEN", "s3cret")
    said = "import json, os, sys; told = json.dumps(dict(os.environ)).encode(); "
    told = tried_by(python(said + "sys.stdout.buffer.write(len(told).to_bytes(8, 'big') + told)"), project)
    assert "s3cret" not in told.values()
    assert "HOME" not in told
    write = "from syncflow.console.trying import bounded; bounded(5, 10**9); open('made', 'w').write('x')"
    with pytest.raises(DataError):
        tried_by(python(write), project)
    assert not (project / "made").exists() or not (project / "made").read_text("utf-8")


# -- the pages -----------------------------------------------------------------------------------------------------------------------


def test_a_console_without_a_folder_has_no_playground() -> None:
    assert ask(app(), "/playground").status_code == 404
    assert ask(app(), "/api/playground").status_code == 404
    assert "/playground" not in ask(app(), "/").text


def test_the_api_refuses_what_is_no_try_and_what_is_too_large(project: Path) -> None:
    served = create_app(asking(FakeDesk(), playground_of=project / "routes.yaml"))
    assert "/playground" in ask(served, "/").text
    for body in (b"", b"[]", b'{"texts": {}}', b'{"texts": {"a": 1}, "event": ""}', b'{"texts": [], "event": ""}'):
        refused = ask(served, "/api/playground", method="POST", content=body)
        assert (refused.status_code, refused.json()["error"]) == (
            404,
            'expected {"texts": {file: text}, "event": text}',
        )
    assert ask(served, "/api/playground", method="POST", content=b"x" * 10_000_000).status_code == 413
    session = signed_in(served)
    forged = ask(served, "/api/playground", method="POST", headers=session, json={"texts": {}, "event": ""})
    assert forged.status_code == 403


def test_an_event_of_the_journal_is_shown_when_asked_for_and_that_is_logged(
    project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "syncflow")
    desk = FakeDesk(event_rows=[an_event(2), an_event(1)], rows=[a_delivery(1)])
    served = create_app(asking(desk, playground_of=project / "routes.yaml"))
    found = ask(served, "/api/playground/sample?source=journal&kind=contacts").json()
    assert json.loads(found["event"]) == {"item": {"name": "Ada"}}
    assert [record.message for record in caplog.records] == ["console.shown"]
    assert ask(served, "/api/playground/sample?source=journal&kind=other").status_code == 404


def test_events_are_made_up_or_come_from_the_projects_file(project: Path) -> None:
    routes = str(project / "routes.yaml")
    made = json.loads(tried({"routes": routes, "sample": "made_up contacts"})["event"])
    assert made["record"] == "contacts"
    first = json.loads(tried({"routes": routes, "sample": "file"})["event"])
    assert first["item"]["id"] == "A1001"
    files = tried({"routes": routes})
    assert files["mappings"][MAPPING] == {
        "schema": "schemas/contact.yaml",
        "object": "objects/hubspot_contacts.yaml",
        "kind": "contacts",
    }
