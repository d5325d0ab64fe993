"""A person signs in: against a small authorization server, with a browser that is an HTTP client."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import yaml

from syncflow.adapters.check import CheckResult
from syncflow.adapters.clients import Clients
from syncflow.adapters.gate import OpenGate
from syncflow.adapters.redirect import redirect_parts
from syncflow.adapters.rotated_secrets import RenewedFile
from syncflow.clock import SystemClock
from syncflow.compiler.wire.system import plan_system
from syncflow.config.project import Project, load_project
from syncflow.errors import DataError, ProjectError, UnavailableError
from syncflow.runtime.assembly import project_renewed
from syncflow.runtime.consenting import sign_in
from tests.patience import PATIENCE
from tests.runtime.authorization_server import Accounts, accounts

ADAPTER: dict[str, Any] = {
    "adapter": "api",
    "base_url": "https://api.test",
    "objects": {"person": {"keys": ["ext"]}},
    "auth": {
        "user": {
            "settings": {"client_id": "text", "client_secret": "secret", "refresh_token": "secret"},
            "consent": {
                "page": {
                    "get": "/authorize",
                    "query": {"client_id": "{{ auth.client_id }}", "scope": "people offline"},
                },
                "request": {
                    "post": "/token",
                    "form": {
                        "grant_type": "authorization_code",
                        "code": "{{ code }}",
                        "redirect_uri": "{{ redirect_uri }}",
                        "code_verifier": "{{ code_verifier }}",
                        "client_secret": "{{ auth.client_secret }}",
                    },
                },
            },
            "token": {
                "request": {
                    "post": "/token",
                    "form": {
                        "grant_type": "refresh_token",
                        "refresh_token": "{{ auth.refresh_token }}",
                        "client_secret": "{{ auth.client_secret }}",
                    },
                },
                "renews": {"refresh_token": "refresh_token"},
            },
            "headers": {"Authorization": "Bearer {{ token.value }}"},
        }
    },
    "operations": {"upsert": {"repeat": "safe", "request": {"put": "/people/{{ key.value }}", "json": "payload"}}},
    "check": {"get": "/me"},
    "errors": {"code": "error", "message": "error_description"},
}


@pytest.fixture
def server() -> Iterator[Accounts]:
    with accounts() as known:
        yield known


def project(directory: Path, server: Accounts, **auth: str) -> Project:
    files: Mapping[str, Any] = {
        "routes.yaml": {
            "version": 1,
            "source": {"stdin": {}},
            "records": {"people": {"schema": "person.yaml", "id": "item.id"}},
            "systems": {
                "crm": {
                    "adapter": "api",
                    "base_url": server.url,
                    "auth": {"client_id": "app", "client_secret": "app-secret"} | auth,
                }
            },
            "routes": [{"to": "crm", "mapping": "mapping.yaml", "operations": {"delete": "ignore"}}],
        },
        "person.yaml": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string", "minLength": 1}}},
        "mapping.yaml": {"source": "people", "target": "api/person", "key": "ext", "fields": {"ext": "item.id"}},
        "adapters/api.yaml": ADAPTER,
    }
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")
    return load_project(directory / "routes.yaml", environment={})


def free() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{found.getsockname()[1]}/back"


Visit = Callable[[httpx.AsyncClient, str], Any]


async def goes_through(browser: httpx.AsyncClient, page: str) -> None:
    answer = await browser.get(page, follow_redirects=True)
    assert answer.status_code == 200, answer.text


async def _signed_in(found: Project, visit: Visit = goes_through, *, seconds: float = PATIENCE) -> str:
    """Sign in by a browser that is sent to the page; return the address of the page."""
    pages: list[str] = []
    async with httpx.AsyncClient(timeout=PATIENCE) as browser, asyncio.TaskGroup() as group:

        def show(page: str) -> None:
            pages.append(page)
            group.create_task(visit(browser, page))

        await sign_in(found, "crm", redirect=free(), seconds=seconds, show=show)
    return pages[0]


async def _checked(found: Project) -> CheckResult:
    settings = found.routes.model.systems["crm"]
    plan = plan_system("crm", settings, found.adapters[settings.adapter], routes=found.routes)
    async with Clients(clock=SystemClock(), renewed=project_renewed(found)) as clients:
        return await clients.of(plan, OpenGate()).check()


def test_the_command_opens_a_browser_and_prints_no_secret(tmp_path: Path, server: Accounts) -> None:
    """As a process, with a program for a browser that ends only when it has come back."""
    project(tmp_path, server)
    browser = tmp_path / "browser.py"
    browser.write_text("import sys, urllib.request\nurllib.request.urlopen(sys.argv[1]).read()\n")
    ended = subprocess.run(
        [sys.executable, "-m", "syncflow", "auth", "crm", "--redirect", free()],
        cwd=tmp_path,
        env={**os.environ, "BROWSER": f"{sys.executable} {browser} %s"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines()[-1] == "signed in to crm; `syncflow check` looks whether it lets us in"
    assert not [secret for secret in ("app-secret", *server.refresh, *server.access) if secret in ended.stdout]
    assert asyncio.run(_checked(load_project(tmp_path / "routes.yaml", environment={}))).good


def _refused(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def test_a_person_signs_in_and_every_later_run_goes_on_with_it(tmp_path: Path, server: Accounts) -> None:
    found = project(tmp_path, server)
    before = asyncio.run(_checked(found))
    assert (before.state, before.message) == (
        "refused", "no person has signed in yet: refresh_token is missing; run `syncflow auth crm`",
    )  # fmt: skip
    assert server.log == [], "nothing is asked for without it"
    page = asyncio.run(_signed_in(found))
    assert {"state", "code_challenge", "redirect_uri"} <= parse_qs(urlsplit(page).query).keys()
    assert [asyncio.run(_checked(found)).state for _ in range(3)] == ["good"] * 3
    assert len(server.refresh) == 1, "each run's refresh token took the place of the one before"
    [kept] = tmp_path.rglob("renewed.json")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert json.loads(kept.read_text())["crm"]["refresh_token"]["value"] in server.refresh


def test_a_sign_in_that_has_ended_names_the_command_and_a_new_one_mends_it(tmp_path: Path, server: Accounts) -> None:
    found = project(tmp_path, server)
    asyncio.run(_signed_in(found))
    server.refresh.clear()
    ended = asyncio.run(_checked(found))
    assert ended.state == "refused"
    assert ended.message.endswith("; a person must sign in again: `syncflow auth crm`")
    asyncio.run(_signed_in(found))
    assert asyncio.run(_checked(found)).good


def test_a_run_takes_up_what_a_person_gave_while_it_ran(tmp_path: Path, server: Accounts) -> None:
    found = project(tmp_path, server)

    async def main() -> tuple[CheckResult, CheckResult]:
        settings = found.routes.model.systems["crm"]
        plan = plan_system("crm", settings, found.adapters[settings.adapter], routes=found.routes)
        async with Clients(clock=SystemClock(), renewed=project_renewed(found)) as clients:
            client = clients.of(plan, OpenGate())
            before = await client.check()
            await _signed_in(found)
            return before, await client.check()

    before, after = asyncio.run(main())
    assert (before.state, after.state) == ("refused", "good")


async def by_a_stranger(browser: httpx.AsyncClient, page: str) -> None:
    """Others ask before the browser comes back, and once more after it; only the first good answer counts."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(page).query).items()}
    back = asked["redirect_uri"]
    foreign = [
        (await browser.get(back, params=query)).status_code
        for query in ({}, {"code": "c"}, {"code": "c", "state": "x"}, {"state": asked["state"]})
    ]
    elsewhere = await browser.get(f"{back}/more", params={"code": "c", "state": asked["state"]})
    posted = await browser.post(back, data={"code": "c", "state": asked["state"]})
    assert (foreign, elsewhere.status_code, posted.status_code) == ([400] * 4, 404, 404)
    await goes_through(browser, page)


def test_only_the_answer_to_this_sign_in_counts(tmp_path: Path, server: Accounts) -> None:
    found = project(tmp_path, server)
    asyncio.run(_signed_in(found, by_a_stranger))
    assert server.log.count("POST /token") == 1
    assert asyncio.run(_checked(found)).good


async def stays_away(browser: httpx.AsyncClient, page: str) -> None: ...


@pytest.mark.parametrize(
    ("visit", "refuses", "gives", "error", "words"),
    [
        (stays_away, "", True, UnavailableError, "the sign-in in the browser was not finished within 0.05 s"),
        (goes_through, "access_denied", True, DataError, "the sign-in was refused: access_denied"),
        (goes_through, "<script>planted</script>", True, DataError, "the sign-in was refused: without a reason"),
        (goes_through, "", False, DataError, "it gives no refresh_token"),
    ],
)
def test_a_sign_in_that_comes_to_nothing_says_why_and_keeps_nothing(
    tmp_path: Path, server: Accounts, visit: Visit, refuses: str, gives: bool, error: type[Exception], words: str
) -> None:
    server.refuses, server.gives_refresh = refuses, gives
    seconds = 0.05 if visit is stays_away else PATIENCE  # on purpose
    with pytest.raises(BaseException) as raised:  # a group or the error itself
        asyncio.run(_signed_in(project(tmp_path, server), visit, seconds=seconds))
    found = _refused(raised.value)
    assert isinstance(found, error)
    assert words in str(found)
    assert "planted" not in str(found)
    assert not list(tmp_path.rglob("renewed.json"))


def test_a_secret_that_is_wrong_is_told_without_it(tmp_path: Path, server: Accounts) -> None:
    with pytest.raises(BaseException) as raised:  # a group or the error itself
        asyncio.run(_signed_in(project(tmp_path, server, client_secret="planted-wrong")))
    assert "invalid_client" in str(_refused(raised.value))
    assert "planted" not in str(_refused(raised.value))


def test_an_address_that_is_taken_or_not_of_this_machine_is_refused(tmp_path: Path, server: Accounts) -> None:
    found = project(tmp_path, server)

    async def at(redirect: str) -> None:
        await sign_in(found, "crm", redirect=redirect, seconds=PATIENCE, show=lambda _: None)

    with pytest.raises(UnavailableError, match="cannot listen on 127"):
        asyncio.run(at(f"{server.url}/"))
    for redirect in (
        "https://127.0.0.1:1/",
        "http://example.com:80/",
        "http://127.0.0.1/",
        "nonsense",
        "http://127.0.0.1:99999/",
    ):
        with pytest.raises(DataError, match="no address of this machine"):
            redirect_parts(redirect)


def test_new_settings_are_kept_before_the_token_is_used(tmp_path: Path, server: Accounts) -> None:
    """A process that dies with a token in hand has written what the next one needs."""
    found = project(tmp_path, server)
    asyncio.run(_signed_in(found))
    order: list[str] = []

    class Told(RenewedFile):
        def write(self, system: str, configured: Mapping[str, str], values: Mapping[str, str]) -> None:
            super().write(system, configured, values)
            order.append(f"kept after {server.log[-1]}")

    async def main() -> None:
        settings = found.routes.model.systems["crm"]
        plan = plan_system("crm", settings, found.adapters[settings.adapter], routes=found.routes)
        [kept] = tmp_path.rglob("renewed.json")
        async with Clients(clock=SystemClock(), renewed=Told(kept)) as clients:
            assert (await clients.of(plan, OpenGate()).check()).good

    asyncio.run(main())
    assert order == ["kept after POST /token"]
    assert server.log[-1] == "GET /me"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"token": None}, "expected token beside consent"),
        ({"settings": {"client_id": "text", "client_secret": "secret"}}, "expected refresh_token among the settings"),
    ],
)
def test_a_consent_that_leads_nowhere_is_refused(
    tmp_path: Path, server: Accounts, change: dict[str, Any], words: str
) -> None:
    project(tmp_path, server)
    way = {name: value for name, value in (ADAPTER["auth"]["user"] | change).items() if value is not None}
    (tmp_path / "adapters" / "api.yaml").write_text(yaml.safe_dump(ADAPTER | {"auth": {"user": way}}), "utf-8")
    with pytest.raises(ProjectError) as raised:
        load_project(tmp_path / "routes.yaml", environment={})
    assert words.removeprefix("expected ") in " ".join(each.expected for each in raised.value.diagnostics)
