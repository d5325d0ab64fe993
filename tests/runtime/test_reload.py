"""Reload: everything that a project was read from is compared; changes are used as a whole or not at all, and named by place."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from textwrap import dedent
from typing import Any

import httpx
import pytest

from syncflow.clock import SystemClock
from syncflow.compiler.build import build
from syncflow.compiler.footprint import files_of
from syncflow.compiler.program import Program
from syncflow.config.project import Project, load_project
from syncflow.errors import ProjectError, UnavailableError
from syncflow.events import Position, Raw
from syncflow.mock.server import create_app
from syncflow.mock.settings import Settings
from syncflow.mock.state import Mock
from syncflow.runtime.assembly import assembled, project_source
from syncflow.runtime.desk import audit
from syncflow.runtime.ending import Ending
from syncflow.runtime.engine import Engine
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.runtime.reload import Reloaded, reload
from syncflow.sources.base import Source
from syncflow.sources.several import Several
from syncflow.sources.webhook import Webhook
from syncflow.testing import FakeSystems, ListSource
from tests.compiler.projects import FILES, changed, write_project
from tests.patience import PATIENCE

ROUTES = dedent(
    """
    source:
      file: {path: events.jsonl}
    records:
      contacts: {schema: contact.yaml}
    functions: functions.py
    systems:
      sales:
        adapter: crm
        auth: {token: "${SALES_TOKEN}"}
        tls: {ca: certs/ca.pem}
      support: {adapter: crm, auth: {token: "${file:secrets/token}"}}
    routes:
      - name: people
        by: item.type
        table: {lead: sales, customer: support}
        mapping: person.yaml
        tests:
          - {name: a lead, given: {item: {id: A, type: lead}}, expect: {routes: [people/sales]}}
    """
)
ADAPTER = changed(
    "adapters/crm.yaml",
    ("base_url: https://crm.example\n", "base_url: https://crm.example\nauth: {bearer: {settings: {token: secret}, "
     'headers: {Authorization: "Bearer {{ auth.token }}"}}}\n'),
)  # fmt: skip
PROJECT = {
    **ADAPTER,
    "routes.yaml": ROUTES,
    "functions.py": "from words import greeting\n\n\ndef greet(name: str) -> str:\n    return greeting + name\n",
    "words.py": 'greeting = "Dear "\n',
    "certs/ca.pem": "first\n",
    "secrets/token": "file-secret-1\n",
}
ENVIRONMENT = {"SALES_TOKEN": "environment-secret-1"}


def loaded(directory: Path, **environment: str) -> Project:
    return load_project(directory / "routes.yaml", environment=ENVIRONMENT | environment)


def reloaded(before: Program, after: Callable[[], Project]) -> Reloaded:
    """Reload an engine that has not started."""

    async def main() -> Reloaded:
        engine = Engine(before, source=ListSource([]), journal=None, systems=FakeSystems())  # type: ignore[arg-type]
        return await reload(engine, after)

    return asyncio.run(main())


def rewritten(directory: Path, name: str, old: str, new: str) -> None:
    path = directory / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


CHANGES = {
    "a file of a secret": ("secrets/token", "file-secret-1", "file-secret-2", "systems.support.auth.token"),
    "a certificate": ("certs/ca.pem", "first", "second", "systems.sales.tls.ca (certs/ca.pem)"),
    "a mapping": ("person.yaml", "'Unknown'", "'Nobody'", "person.yaml"),
    "a schema": ("contact.yaml", "maxLength: 20", "maxLength: 19", "contact.yaml"),
    "an adapter": ("adapters/crm.yaml", "records: 10", "records: 9", "adapter crm"),
    "an object": ("adapters/objects/people.yaml", "maximum: 100", "maximum: 99", "object crm/people"),
    "a module of functions": ("functions.py", "greeting + name", "name + greeting", "functions (functions.py)"),
    "a module beside it": ("words.py", "Dear", "Hello", "functions (functions.py)"),
    "a table of routes": ("routes.yaml", "customer: support", "customer: sales", "routes.people.table.customer"),
    "limits": ("routes.yaml", "adapter: crm,", "adapter: crm, limits: {requests: 3/s},", "systems.support.limits.requests"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "place"), CHANGES.values(), ids=CHANGES)
def test_whatever_a_project_is_read_from_is_compared(tmp_path: Path, name: str, old: str, new: str, place: str) -> None:
    write_project(tmp_path, PROJECT)
    before = build(loaded(tmp_path))
    assert reloaded(before, lambda: loaded(tmp_path)) == Reloaded("unchanged")
    rewritten(tmp_path, name, old, new)
    assert reloaded(before, lambda: loaded(tmp_path)) == Reloaded("used", (place,))


SETTINGS = {
    "dead_letters: {stop_after: 7}": "dead_letters.stop_after",
    "retry: {attempts: 7}": "retry.attempts",
    "journal: {keep: {age: 1d}}": "journal.keep.age",
    "journal: {waiting: {deliveries: 7}}": "journal.waiting.deliveries",
    "unrouted: ignore": "unrouted",
}


@pytest.mark.parametrize(("line", "place"), SETTINGS.items(), ids=SETTINGS.values())
def test_settings_of_the_run_are_compared(tmp_path: Path, line: str, place: str) -> None:
    write_project(tmp_path, PROJECT)
    before = build(loaded(tmp_path))
    rewritten(tmp_path, "routes.yaml", "\nrecords:", f"\n{line}\nrecords:")
    assert reloaded(before, lambda: loaded(tmp_path)) == Reloaded("used", (place,))


def test_a_variable_of_the_environment_is_compared(tmp_path: Path) -> None:
    write_project(tmp_path, PROJECT)
    done = reloaded(build(loaded(tmp_path)), lambda: loaded(tmp_path, SALES_TOKEN="environment-secret-2"))  # made up
    assert done == Reloaded("used", ("systems.sales.auth.token",))


@pytest.mark.parametrize(("old", "new"), [("\nrecords:", "\n# a comment\nrecords:"), ("a lead", "another lead")])
def test_comments_and_tests_change_nothing(tmp_path: Path, old: str, new: str) -> None:
    write_project(tmp_path, PROJECT)
    before = build(loaded(tmp_path))
    rewritten(tmp_path, "routes.yaml", old, new)
    assert not reloaded(before, lambda: loaded(tmp_path))


RESTARTS = {
    "source": ("path: events.jsonl", "path: others.jsonl", "source.file.path needs a restart"),
    "journal in a database": (
        "\nrecords:",
        "\njournal: {url: 'postgresql://u:secret-word@h/d', schema: crm, project: p}\nrecords:",
        "journal.project, journal.schema, journal.url need a restart",
    ),
    "journal": ("\nrecords:", "\njournal: {path: j.db, sync: normal}\nrecords:", "journal.path, journal.sync need a restart"),
    "profile": ("\nrecords:", "\nprofile: other\nprofiles: {other: {unrouted: ignore}}\nrecords:", "profile needs a restart"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "words"), RESTARTS.values(), ids=RESTARTS)
def test_a_change_that_needs_a_restart_is_named_and_nothing_is_used(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    write_project(tmp_path, PROJECT)
    before = build(loaded(tmp_path))
    rewritten(tmp_path, "routes.yaml", old, new)
    rewritten(tmp_path, "person.yaml", "'Unknown'", "'Nobody'")
    with pytest.raises(ProjectError) as refused:
        reloaded(before, lambda: loaded(tmp_path))
    assert refused.value.message == f"{words}; none of the changes is used"
    assert refused.value.hint == "restart the run, or take this change back and reload"


UNFORESEEN: dict[str, tuple[Exception, str]] = {
    "an exception": (
        KeyError("a secret"),
        "an unforeseen KeyError while the changed project was loaded; the log shows where",
    ),
    "an error that is not of the project": (UnavailableError("the disk is gone"), "the disk is gone"),
}


@pytest.mark.parametrize(("error", "words"), UNFORESEEN.values(), ids=UNFORESEEN)
def test_whatever_goes_wrong_while_a_project_is_loaded_the_run_goes_on_with_the_old_one(
    error: Exception, words: str, tmp_path: Path
) -> None:
    write_project(tmp_path, PROJECT)

    def load() -> Project:
        raise error

    with pytest.raises(ProjectError) as refused:
        reloaded(build(loaded(tmp_path)), load)
    assert refused.value.message == words


def test_a_footprint_holds_no_secret(tmp_path: Path) -> None:
    write_project(tmp_path, PROJECT)
    found = build(loaded(tmp_path)).footprint
    assert "secret-1" not in json.dumps(dict(found))
    assert "secret-1" not in repr(build(loaded(tmp_path)))


def test_every_file_that_was_read_is_watched(tmp_path: Path) -> None:
    write_project(tmp_path, PROJECT)
    project = loaded(tmp_path)
    build(project)
    assert {path.relative_to(tmp_path).as_posix() for path in files_of(project)} == {*PROJECT, *FILES}


# -- the secrets of a webhook ---------------------------------------------------------------------------------------------

HOOK = """webhook:
    listen: 127.0.0.1:0
    signature: {header: X-Signature, secret: "${file:secrets/hook}"}
    auth: {bearer: ["${file:secrets/bearer}"]}
    handshake: {when: query.token, answer: query.token, token: "${file:secrets/handshake}", token_at: query.token}
"""
HOOK_SECRETS = {"secrets/hook": "hook-1", "secrets/bearer": "bearer-1", "secrets/handshake": "handshake-1"}
PLACES = ("auth.bearer", "handshake.token", "signature.secret")
WEBHOOKS = {
    "one source": f"source:\n  {HOOK}",
    "one of several": "sources:\n  hooks:\n    " + HOOK.replace("\n    ", "\n      "),
}


def with_webhook(directory: Path, kind: str, *, each: bool = False) -> Project:
    routes = ROUTES.replace("source:\n  file: {path: events.jsonl}\n", WEBHOOKS[kind])
    if each:
        routes = routes.replace("\nrecords:", "\nenvelope: {each: events}\nrecords:")
    write_project(directory, {**PROJECT, **HOOK_SECRETS, "routes.yaml": routes})
    return loaded(directory)


def signed(client: httpx.AsyncClient, number: int, *, each: bool = False) -> Awaitable[httpx.Response]:
    """Send an event as a sender that knows the secrets of this number."""
    event = {"record": "contacts", "operation": "create", "timestamp": "2026-03-01T12:00:00Z",
             "item": {"id": f"A{number}", "type": "lead", "name": "Ada"}}  # fmt: skip
    body = json.dumps({"events": [event]} if each else event).encode()
    signature = hmac.new(f"hook-{number}".encode(), body, "sha256").hexdigest()
    headers = {"X-Signature": signature, "Authorization": f"Bearer bearer-{number}"}
    return client.post("/events", content=body, headers=headers)


def webhook_of(project: Project) -> tuple[Source, Webhook]:
    """Return the project's source, and the webhook in it."""
    source = project_source(project, clock=SystemClock())
    inner: Any = source
    while not isinstance(inner, Webhook):
        inner = inner._sources["hooks"] if isinstance(inner, Several) else inner._bodies
    return source, inner


@pytest.mark.parametrize("each", [False, True], ids=["an event a request", "several a request"])
@pytest.mark.parametrize("kind", WEBHOOKS)
def test_rotated_secrets_of_a_webhook_are_used_without_dropping_its_port(tmp_path: Path, kind: str, each: bool) -> None:
    project = with_webhook(tmp_path, kind, each=each)
    source, webhook = webhook_of(project)

    async def main() -> Ending:
        systems = FakeSystems()
        engine = Engine(build(project), source=source, journal=SqliteJournal(tmp_path / "j.db"), systems=systems)
        running = asyncio.create_task(engine.run())
        await until(lambda: webhook.port > 0)
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{webhook.port}", trust_env=False, timeout=PATIENCE
        ) as client:
            assert [(await signed(client, number, each=each)).status_code for number in (1, 2)] == [200, 401]
            for name, secret in HOOK_SECRETS.items():
                rewritten(tmp_path, name, secret, secret.replace("1", "2"))
            done = await reload(engine, lambda: loaded(tmp_path))
            at = "source" if kind == "one source" else "sources.hooks"
            assert done.places == tuple(f"{at}.webhook.{place}" for place in PLACES)
            assert [(await signed(client, number, each=each)).status_code for number in (1, 2)] == [401, 200]
            shaken = [(await client.get("/events", params={"token": f"handshake-{n}"})).status_code for n in (1, 2)]
            assert shaken == [403, 200]
        await until(lambda: not engine.snapshot().open)
        engine.stop()
        return await running

    ending = asyncio.run(main())
    tally = ending.tally
    assert (tally.read, tally.dead, tally.open) == (2, 0, 0)


REFUSED_ROTATIONS = {
    "another header": (
        "routes.yaml", "X-Signature", "X-Other", "source.webhook.signature.header needs a restart; none of the changes is used"
    ),
    "another port": (
        "routes.yaml", "127.0.0.1:0", "127.0.0.1:1", "source.webhook.listen needs a restart; none of the changes is used"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "words"), REFUSED_ROTATIONS.values(), ids=REFUSED_ROTATIONS)
def test_a_webhook_keeps_its_secrets_where_a_reload_is_refused(
    tmp_path: Path, name: str, old: str, new: str, words: str
) -> None:
    """Also those whose change alone would have been used."""
    project = with_webhook(tmp_path, "one source")
    source, webhook = webhook_of(project)

    async def main() -> None:
        engine = Engine(build(project), source=source, journal=SqliteJournal(tmp_path / "j.db"), systems=FakeSystems())
        running = asyncio.create_task(engine.run())
        await until(lambda: webhook.port > 0)
        rewritten(tmp_path, name, old, new)
        rewritten(tmp_path, "secrets/bearer", "bearer-1", "bearer-2")
        with pytest.raises(ProjectError) as refused:
            await reload(engine, lambda: loaded(tmp_path))
        assert refused.value.message == words
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{webhook.port}", trust_env=False, timeout=PATIENCE
        ) as client:
            assert (await signed(client, 1)).status_code == 200
        engine.stop()
        await running

    asyncio.run(main())


# -- beside a run --------------------------------------------------------------------------------------------------------


def test_the_last_reload_is_kept_for_status_and_logged_by_place(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "j.db"
    write_project(tmp_path, PROJECT)
    project = loaded(tmp_path)

    async def main() -> None:
        engine = Engine(build(project), source=Held([]), journal=SqliteJournal(path), systems=FakeSystems())
        running = asyncio.create_task(engine.run())
        await until(lambda: "sales" in engine.snapshot().systems)
        rewritten(tmp_path, "secrets/token", "1", "2")
        await reload(engine, lambda: loaded(tmp_path))
        used = audit.totals(path)
        assert used["last_reload"]["result"] == "used"
        assert used["last_reload"]["words"] == "systems.support.auth.token"
        rewritten(tmp_path, "person.yaml", "item.id", "item.id(")
        with pytest.raises(ProjectError):
            await reload(engine, lambda: loaded(tmp_path))
        assert engine.last_reload is not None
        assert engine.last_reload.result == "refused"
        assert "person.yaml:5: SF3" in engine.last_reload.line()
        engine.stop()
        await running

    with caplog.at_level(logging.INFO, logger="syncflow"):
        asyncio.run(main())
    fields = {record.message: record.fields for record in caplog.records if record.message.startswith("program.")}  # type: ignore[attr-defined]
    assert fields["program.changed"]["places"] == ["systems.support.auth.token"]
    assert "person.yaml:5" in fields["program.refused"]["reason"]
    assert "file-secret" not in caplog.text
    with closing(connect(path)) as journal:
        assert journal.execute("SELECT result FROM reloads").fetchall() == [("refused",)]


class Held:
    """A source of events that a test adds as it goes; it ends when the run does."""

    def __init__(self, events: Iterable[bytes]) -> None:
        self._events = list(events)
        self._more = asyncio.Event()
        self._read = 0

    def add(self, *events: bytes) -> None:
        self._events += events
        self._more.set()

    async def open(self, acknowledged: object) -> None: ...

    async def read(self, *, most: int) -> Sequence[Raw]:
        while self._read == len(self._events):
            self._more.clear()
            await self._more.wait()
        first, self._read = self._read, len(self._events)
        return [Raw(Position("held", number + 1), self._events[number]) for number in range(first, self._read)]

    async def acknowledge(self, position: Position) -> None: ...

    async def close(self) -> None: ...


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until something holds; the test's own time limit ends a wait in vain."""
    while not condition():
        await asyncio.sleep(0)


SAMPLE = Path(__file__).parents[2] / "syncflow" / "cli" / "project" / "routes.yaml"


def vendor(number: int) -> bytes:
    item = {"id": f"V{number}", "name": "Ada Lovelace", "contact_type": "vendor"}
    return json.dumps(
        {"record": "contacts", "operation": "create", "timestamp": "2026-03-01T12:00:00Z", "item": item}
    ).encode()


def hubspot(auth: dict[str, str], journal: Path) -> Project:
    changes = {"systems": {"hubspot": {"auth": auth, "limits": {"requests": "1000/s"}, "batch": {"age": "0s"}}}}
    project = load_project(SAMPLE, profile="mock", environment={})
    return project.with_changes(
        {**changes, "journal": {"path": str(journal)}, "retry": {"first": "1ms", "most": "1ms"}}
    )


def rotated(first: Project, mock: Mock, *, by: Callable[[Engine, Held], Awaitable[None]]) -> tuple[Ending, Mock]:
    """Run against the mock; ``by`` does what is tested, and stops the run."""

    async def main() -> Ending:
        source = Held([vendor(0)])
        transport = httpx.ASGITransport(app=create_app(mock=mock))
        async with assembled(first, source=source, transport=transport) as engine:
            running = asyncio.create_task(engine.run())
            await until(lambda: len(contacts(mock)) == 1)
            await by(engine, source)
            engine.stop()
            return await running

    return asyncio.run(main()), mock


def contacts(mock: Mock) -> list[object]:
    return list(mock.hubspot.records()["contacts"])


@pytest.mark.parametrize("noticed", ["before the reload", "after the reload"])
def test_a_rotated_token_is_used_and_nothing_is_lost(tmp_path: Path, noticed: str) -> None:
    """Whether or not the system stopped meanwhile, because the old token was refused."""
    mock = Mock(Settings.from_env({"MOCK_RATE": "off"}))
    second = hubspot({"token": "second"}, tmp_path / "j.db")

    async def rotate(engine: Engine, source: Held) -> None:
        mock.configure({"hubspot": {"token": "second"}})
        if noticed == "before the reload":
            source.add(vendor(1))
            await until(lambda: bool(engine.snapshot().system("hubspot").stopped))
        done = await reload(engine, lambda: second)
        assert done.places == ("systems.hubspot.auth.token",)
        source.add(*map(vendor, range(2, 5)))
        await until(lambda: len(contacts(mock)) == (5 if noticed == "before the reload" else 4))
        await until(lambda: not engine.snapshot().open)

    ending, _ = rotated(hubspot({"token": "demo"}, tmp_path / "j.db"), mock, by=rotate)
    assert ending.tally.dead_letters == 0
    assert ending.tally.open == 0


SIGNED_IN = changed(
    "adapters/crm.yaml",
    ("base_url: https://crm.example\n", dedent("""\
    base_url: https://crm.example
    auth:
      refresh_token:
        settings: {client_secret: secret, refresh_token: secret}
        token:
          request:
            post: /token
            form: {client_secret: "{{ auth.client_secret }}", refresh_token: "{{ auth.refresh_token }}"}
          value: access_token
          renews: {refresh_token: refresh_token}
        headers: {Authorization: "Bearer {{ token.value }}"}
    """)),
)  # fmt: skip


class GoodOnce:
    """A system whose refresh tokens are good once: each sign-in gives the next of its family (r0, r1, …)."""

    def __init__(self) -> None:
        self.signed_in: list[tuple[str, str]] = []
        self.taken = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path != "/token":
            self.taken += 1
            return httpx.Response(200, json=[])
        form = dict(httpx.QueryParams(request.content.decode()))
        given = form["refresh_token"]
        if given in {token for _, token in self.signed_in}:
            return httpx.Response(400, json={"error": "invalid_grant"})
        self.signed_in.append((form["client_secret"], given))
        family, number = given[0], int(given[1:])
        return httpx.Response(200, json={"access_token": f"a-{given}", "refresh_token": f"{family}{number + 1}"})


def test_a_refresh_token_that_is_good_once_stays_right_over_reloads(tmp_path: Path) -> None:
    system = GoodOnce()
    write_project(tmp_path, SIGNED_IN)
    rewritten(
        tmp_path,
        "routes.yaml",
        "sales: {adapter: crm}",
        'sales: {adapter: crm, batch: {age: 0s}, auth: {client_secret: "${SECRET}", refresh_token: "${TOKEN}"}}',
    )
    rewritten(
        tmp_path,
        "routes.yaml",
        "support: {adapter: crm}",
        "support: {adapter: crm, auth: {client_secret: x, refresh_token: y0}}",
    )

    def project(secret: str, token: str, most: int) -> Project:
        found = load_project(tmp_path / "routes.yaml", environment={"SECRET": secret, "TOKEN": token})
        return found.with_changes({"systems": {"sales": {"limits": {"in_flight": most}}}})

    def lead(number: int) -> bytes:
        return json.dumps({"record": "contacts", "operation": "create", "timestamp": "2026-03-01T12:00:00Z",
                           "item": {"id": f"L{number}", "type": "lead"}}).encode()  # fmt: skip

    async def main() -> Ending:
        source = Held([lead(0)])
        first = project("secret-one", "r0", 4)
        async with assembled(first, source=source, transport=httpx.MockTransport(system)) as engine:
            running = asyncio.create_task(engine.run())
            await until(lambda: system.taken == 1)
            steps = [("secret-one", "r0", 3), ("secret-two", "r0", 3), ("secret-two", "s0", 3), ("secret-two", "s0", 2)]
            for number, (secret, token, most) in enumerate(steps, 1):
                assert await reload(engine, lambda: project(secret, token, most))  # noqa: B023  # called at once
                source.add(lead(number))
                await until(lambda: system.taken == number + 1)  # noqa: B023
            engine.stop()
            return await running

    ending = asyncio.run(main())
    assert system.signed_in == [
        ("secret-one", "r0"),
        ("secret-one", "r1"),  # other limits: the token that was given anew goes on
        ("secret-two", "r2"),  # another secret beside it: the same
        ("secret-two", "s0"),  # another token in the files counts
        ("secret-two", "s1"),
    ]
    assert ending.tally.dead_letters == 0
